"""Class, guidance and demonstrations on the pages: widgets, links and what they lead to."""

from tests.pages.app import alts, link, opened, scenes
from tests.pages.test_pages import quick


def test_guidance_appears_with_a_class_and_its_options_with_it():
    at = quick("trajectories", "toy", data="moons")
    assert not [box for box in at.selectbox if box.label == "Guidance"]
    at.selectbox(key="ui.toy.label@moons").set_value(1).run()
    at.selectbox(key="ui.toy.guidance@moons").set_value("classifier").run()
    assert link(at)["guidance"] == "classifier"
    scale = next(box for box in at.number_input if box.label == "Guidance scale s")
    scale.set_value(7.0).run()
    assert link(at)["guidance"] == "classifier(scale=7)"
    assert link(at)["label"] == "1"
    assert any("law of guided particles" in caption.value for caption in at.caption)
    at.selectbox(key="ui.toy.label@moons").set_value("all").run()
    assert "guidance" not in link(at)
    assert not at.exception


def test_a_page_that_cannot_serve_guidance_leaves_it_out_and_keeps_it_for_the_others():
    at = quick("trajectories", "toy", data="moons", label="1", guidance="classifier-free(scale=5)")
    at.query_params.clear()  # as a browser does on the way to another page
    at.switch_page("pages/noise.py").run()
    assert not at.exception
    assert "guidance" not in link(at)
    at.query_params.clear()
    at.switch_page("pages/trajectories.py").run()
    assert link(at)["guidance"] == "classifier-free(scale=5)"


def test_the_page_on_guidance_offers_only_sets_with_classes():
    at = opened("guidance", particles="12", steps="3", scales="1,3", solvers="ddim")
    assert not at.exception
    offered = at.selectbox(key="ui.toy.name").options
    assert "Two moons" in offered
    assert "Swiss roll" not in offered
    classes = at.selectbox(key="ui.toy.label@ring" if "data" not in link(at) else "ui.toy.label@moons").options
    assert "All classes" not in classes


def test_a_demonstration_sets_everything_at_once():
    at = quick("trajectories", "images")
    at.button(key="demo classifier-guided").click().run()
    assert not at.exception
    address = link(at)
    assert address["solvers"] == "dpmpp-3m-as-published,dpmpp-3m"
    assert address["schedule"] == "ddpm-linear"
    assert address["steps"] == "20"
    assert address["guidance"].startswith("classifier(scale=4")


def test_all_images_stand_on_sheets_under_one_playhead():
    at = quick("trajectories", "images", layout="sheet")
    assert not at.exception
    ((head, arrays),) = scenes(at)
    assert len(head["images"]["rows"]) == 3  # a sheet a solver
    assert len(arrays["sheet0"]) == head["steps"] + 1
    assert any("Sheets of all 4 images" in alt for alt in alts(at))
