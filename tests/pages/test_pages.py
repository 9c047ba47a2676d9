"""Every page, for both kinds of data: it opens, its pictures hold numbers and words, its controls and link agree."""

import numpy as np
import pytest

from tests.pages.app import PAGES, PLAIN, alts, arrays, charts, data_of, link, opened, said, scenes

SEEDED = [page for page in PAGES if page not in ("schedules", *PLAIN)]
QUICK = {  # small settings: what is tested does not depend on size
    "start": {"steps": "3"},
    "schedules": {"steps": "5"},
    "solvers": {"steps": "3", "step_counts": "2,4,8"},
    "trajectories": {"steps": "3"},
    "convergence": {"step_counts": "2,4,8", "path_steps": "4", "solvers": "ddim,dpmpp-2m"},
    "curvature": {"nodes": "20", "schedules": "vp-linear,flow"},
    "local_error": {"steps": "3", "solvers": "ddim,dpmpp-2m"},
    "precision": {"step_counts": "2,4", "solvers": "ddim"},
    "grid_map": {"nfe": "4", "solvers": "ddim,dpmpp-2m", "grids": "karras,uniform-t"},
    "recommend": {"nfe": "4", "solvers": "ddim,dpmpp-2m,heun", "grids": "karras,uniform-t", "budgets": "2,5"},
    "time_grids": {"nfe": "4", "training": "8", "solver": "ddim"},
    "straightening": {
        "particles": "10",
        "flows": "independent,transport(batch=4)",
        "iterations": "100",
        "step_counts": "1,2",
    },
    "guidance": {"data": "moons", "label": "0", "steps": "3", "scales": "1,3", "solvers": "ddim,stsp"},
    "noise": {"nfe": "4", "values": "0,1", "particles": "12"},
    "sde_orders": {"step_counts": "2,4,8", "solvers": "euler-maruyama,dpmpp-2m-sde", "particles": "12"},
    "bounds": {"horizon": "2", "step": "0.1"},
    "inversion": {"steps": "4", "step_counts": "2,4,8", "solvers": "ddim,heun"},
    "boomerang": {"steps": "3", "levels": "3", "particles": "12"},
    "order_table": {"step_counts": "4,8,16", "solvers": "ddim,dpmpp-2m", "schedules": "flow"},
}


_KINDS = [(page, kind) for page in PAGES for kind in ("toy", "images") if kind == "toy" or page not in PLAIN]


def quick(page: str, kind: str, **more: str):
    few = {} if page in ("schedules", *PLAIN) or "particles" in QUICK[page] else {"particles": "4"}
    images = {"data": "digits", "label": "3"} if kind == "images" else {}
    return opened(page, **(QUICK[page] | few | images | more))


@pytest.mark.parametrize(("page", "kind"), _KINDS)
def test_a_page_opens_with_finite_pictures_that_are_told_in_words(page, kind):
    at = quick(page, kind)
    assert not at.exception
    assert not at.warning, said(at)
    pictures = [list(arrays.values()) for _, arrays in scenes(at)] + [arrays(chart["data"]) for chart in charts(at)]
    assert pictures
    for picture, alt in zip(pictures, alts(at), strict=True):
        assert len(alt) > 30
        assert any(character.isdigit() for character in alt)
        for array in picture:
            assert not np.isinf(array).any()
            assert len(array) == 0 or np.isfinite(array).mean() > 0.5
    assert page in PLAIN or at.segmented_control(key="ui.kind").value == kind
    assert any("Computed in" in caption.value for caption in at.caption)


@pytest.mark.parametrize("kind", ["toy", "images"])
@pytest.mark.parametrize("page", SEEDED)
def test_one_control_changes_the_picture_and_the_link_and_nothing_else(page, kind):
    at = quick(page, kind)
    before, address = data_of(at), link(at)
    at.number_input(key="ui.seed").set_value(5).run()
    assert not at.exception
    assert data_of(at) != before or (page == "start" and kind == "images")
    assert link(at) == address | {"seed": "5"}
    again = opened(page, **link(at))
    assert data_of(again) == data_of(at), "a link brings back the very same pictures"


@pytest.mark.parametrize("kind", ["toy", "images"])
def test_ode_sde_and_forward_process_stand_side_by_side(kind):
    at = quick("trajectories", kind, layout="apart", solvers="ddim,dpm-23-adaptive")
    assert not at.exception
    assert any("Forward" in alt for alt in alts(at))
    assert any("threw" in alt or "thrown" in alt for alt in alts(at))
    at.button(key="add noise").click().run()
    assert not at.exception
    assert link(at)["solvers"] == "ddim,dpm-23-adaptive,euler-maruyama"
    assert any("SDE: Euler-Maruyama" in alt for alt in alts(at))
    assert not [button for button in at.button if button.key == "add noise"]


def test_another_noise_is_the_next_seed():
    at = quick("trajectories", "toy")
    at.button(key="another noise").click().run()
    assert link(at)["seed"] == "1"
    assert at.number_input(key="ui.seed").value == 1


def test_schedules_change_with_their_axes():
    at = quick("schedules", "toy")
    before = data_of(at)
    at.selectbox(key="ui.schedules.y").set_value("sigma").run()
    assert data_of(at) != before
    assert link(at)["y"] == "sigma"
    assert data_of(opened("schedules", **link(at))) == data_of(at)


def test_going_to_images_and_back_loses_nothing():
    at = quick("trajectories", "toy", data="moons", schedule="edm", solvers="heun", t_end="0.01")
    address, picture = link(at), data_of(at)
    at.segmented_control(key="ui.kind").set_value("images").run()
    assert not at.exception
    assert link(at)["data"] == "digits"
    assert (link(at)["schedule"], link(at)["solvers"], link(at)["t_end"]) == ("edm", "heun", "0.01")
    at.segmented_control(key="ui.kind").set_value("toy").run()
    assert link(at) == address
    assert data_of(at) == picture


def test_a_schedule_with_another_range_of_times_keeps_the_first_ones_times():
    at = quick("trajectories", "toy", schedule="edm", t_start="40.0")
    at.selectbox(key="ui.schedule").set_value("flow").run()
    assert not at.exception
    assert not at.warning, said(at)
    assert "t_start" not in link(at)
    at.selectbox(key="ui.schedule").set_value("edm").run()
    assert link(at)["t_start"] == "40.0"


def test_settings_go_along_to_the_next_page():
    at = quick("trajectories", "toy", data="spirals", seed="3", schedule="flow")
    at.switch_page("pages/convergence.py")
    at.query_params.clear()
    at.run()
    assert not at.exception
    assert {name: link(at)[name] for name in ("data", "seed", "schedule")} == {
        "data": "spirals",
        "seed": "3",
        "schedule": "flow",
    }


def test_a_bad_link_is_told_line_by_line_and_the_rest_of_it_holds():
    at = opened(
        "trajectories",
        steps="banana",
        particles="-3",
        grid="karras(rho=4)",
        rho="99",
        solvers="euler",
        against="x",
        seed="2",
    )
    assert not at.exception
    for wrong in ("banana", "-3", "rho", "against"):
        assert wrong in said(at)
    assert len(at.warning) == 1
    assert link(at) == {"grid": "karras(rho=4)", "solvers": "euler", "seed": "2"}
    at.number_input(key="ui.seed").set_value(3).run()
    assert not at.warning, "what was wrong with the link is told once"


def test_an_unknown_view_in_a_link_is_told():
    at = quick("convergence", "toy", against="sideways")
    assert "sideways" in said(at)
    assert "nfe" in said(at)
    assert "against" not in link(at)


def test_no_solver_is_one_sentence_and_the_picture_stays():
    at = quick("trajectories", "toy")
    picture, address = data_of(at), link(at)
    at.multiselect(key="ui.trajectories.solvers").set_value([]).run()
    assert not at.exception
    assert len(at.warning) == 1
    assert (data_of(at), link(at)) == (picture, address)
    at.multiselect(key="ui.trajectories.solvers").set_value(["heun"]).run()
    assert not at.warning
    assert link(at)["solvers"] == "heun"


def test_an_option_of_a_solver_becomes_part_of_its_name_and_of_the_link():
    at = quick("trajectories", "toy", solvers="ddim,dpmpp-2m")
    before = data_of(at)
    at.selectbox(key="ui.option.trajectories.solvers.1.dpmpp-2m.start").set_value("single-step").run()
    assert not at.exception
    assert link(at)["solvers"] == "ddim,dpmpp-2m(start=single-step)"
    assert data_of(at) != before
    assert data_of(opened("trajectories", **link(at))) == data_of(at)


def test_table_and_code_appear_when_asked_for():
    at = quick("trajectories", "toy")
    assert not at.dataframe
    panel = at.segmented_control(key="panel-trajectories")
    panel.set_value("Table").run()
    assert len(at.dataframe[0].value) == 3 * 4  # three solvers, four times
    at.segmented_control(key="panel-trajectories").set_value("Code").run()
    assert "from core." in at.code[0].value


def test_a_missing_weights_file_is_one_sentence(monkeypatch):
    from core.experiments import build

    def missing(name, label=None):
        raise ValueError("there is no weights file for the test")

    monkeypatch.setattr(build, "make_images", missing)
    build.build_model.cache_clear()
    at = quick("trajectories", "toy")
    at.segmented_control(key="ui.kind").set_value("images").run()
    assert not at.exception
    assert "There is no weights file for the test." in said(at)
    at.segmented_control(key="ui.kind").set_value("toy").run()
    assert not at.warning
    assert scenes(at)


def test_a_grid_made_for_a_problem_can_be_taken_to_the_other_pages():
    at = quick("time_grids", "toy", seed="3")
    at.button(key="open trajectories").click().run()
    assert not at.exception
    assert not at.warning
    at.switch_page("pages/trajectories.py").run()
    address = link(at)
    assert address["grid"].startswith("custom(t=1 ")
    assert address["solvers"] == "ddim"
    assert len(address["grid"].split()) == int(address["steps"]) + 1 == 5


def test_corrector_steps_compete_with_predictor_steps_at_equal_evaluations():
    at = quick("noise", "toy", nfe="12", values="")
    at.button(key="kind Corrector").click().run()
    assert not at.exception
    assert link(at)["solver"] == "predictor-corrector(snr=0.3)"
    assert link(at)["nfe"] == "80"
    assert any("Corrections" in chart["layout"]["xaxis"]["title"]["text"] for chart in charts(at))
