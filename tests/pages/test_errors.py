"""The pages on errors: times on demand, presets, the choices of one option side by side, and the way between them."""

import pytest

from tests.pages.app import alts, charts, data_of, link, opened, said

FAMILY = ("convergence", "local_error", "grid_map", "time_grids", "order_table", "precision")
SMALL = {
    "convergence": {"step_counts": "2,4,8", "path_steps": "4", "solvers": "ddim,dpmpp-2m", "particles": "4"},
    "local_error": {"steps": "4", "solvers": "ddim,dpmpp-3m", "particles": "4"},
    "grid_map": {"nfe": "4", "solvers": "ddim,dpmpp-2m", "grids": "karras,uniform-t", "particles": "4"},
    "order_table": {"step_counts": "4,8,16", "solvers": "ddim", "schedules": "flow", "particles": "4"},
    "precision": {"step_counts": "2,4", "solvers": "ddim", "particles": "4"},
    "time_grids": {"nfe": "4", "solver": "ddim", "training": "8", "particles": "4"},
}


def test_wall_time_is_measured_when_its_axis_is_chosen():
    at = opened("convergence", **SMALL["convergence"])
    before = data_of(at)
    at.segmented_control(key="ui.convergence.against").set_value("ms").run()
    assert not at.exception
    assert "(ms)" in charts(at)[0]["layout"]["xaxis"]["title"]["text"]
    assert (link(at)["against"], link(at)["timed"]) == ("ms", "True")
    assert any("Wall time was measured when" in caption.value for caption in at.caption)
    at.segmented_control(key="ui.convergence.against").set_value("steps").run()
    assert "timed" not in link(at)
    assert data_of(at) == before, "nothing but the time was measured anew"


@pytest.mark.parametrize("asked", [{"against": "ms"}, {"timed": "true"}, {"against": "ms", "timed": "true"}])
def test_a_link_that_asks_for_times_shows_them(asked):
    at = opened("convergence", **SMALL["convergence"], **asked)
    assert not at.warning, said(at)
    assert "(ms)" in charts(at)[0]["layout"]["xaxis"]["title"]["text"]
    assert (link(at)["against"], link(at)["timed"]) == ("ms", "True")


def test_the_preset_shows_how_a_ramp_loses_an_order():
    at = opened("order_table", step_counts="20,40,80", schedules="vp-linear", grids="uniform-lambda", particles="8")
    at.button(key="preset order_table How a ramp loses an order").click().run()
    assert not at.exception
    assert link(at)["begin"] == "middle"
    assert "dpmpp-3m(start=single-step)" in link(at)["solvers"]
    assert "DPM-Solver++ 3M (start = single-step)" in alts(at)[0]


def test_the_choices_of_one_option_stand_side_by_side():
    at = opened("local_error", **SMALL["local_error"])
    at.button(key="variants dpmpp-3m lower_order_final").click().run()
    assert not at.exception
    assert link(at)["solvers"] == "dpmpp-3m,dpmpp-3m(lower_order_final=true)"


def test_errors_of_a_network_are_not_carried_and_the_page_says_so():
    at = opened("local_error", data="unet-digits", label="3", steps="2", solvers="ddim", particles="1")
    assert not at.exception
    assert any("not carried to the end" in info.value for info in at.info)
    assert len(charts(at)) == 1


@pytest.mark.parametrize("page", FAMILY)
def test_every_page_of_the_family_leads_to_the_others(page):
    at = opened(page, **SMALL[page])
    assert not at.exception
    ways = [way.proto.page for way in at.get("page_link")]
    assert {way.rsplit("/")[-1] for way in ways} == set(FAMILY)


def test_schedule_and_seed_go_along():
    at = opened("local_error", **SMALL["local_error"], schedule="edm", seed="4")
    at.switch_page("pages/precision.py")
    at.query_params.clear()
    at.run()
    assert not at.exception
    assert (link(at)["schedule"], link(at)["seed"]) == ("edm", "4")
