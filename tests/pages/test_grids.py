"""Time grids on the pages: the options of the chosen one, typed lists, and chains' own spacings."""

import pytest

from core.grids import GRIDS
from core.schedules import SCHEDULES, make_schedule
from tests.pages.app import data_of, link, opened, said

FEW = {"particles": "3", "steps": "3", "solvers": "ddim"}


def widget(grid: str, key: str, slot: str = "grid", position: int = 0) -> str:
    return f"ui.option.{slot}.{position}.{grid}.{key}"


@pytest.mark.parametrize("name", [name for name, info in GRIDS.items() if info.options])
def test_every_option_of_the_chosen_grid_has_a_widget_that_shows_it(name: str):
    schedule = next(s for s in SCHEDULES if GRIDS[name].fits(make_schedule(s)))
    at = opened("trajectories", grid=name, schedule=schedule, **FEW)
    assert not at.exception
    assert not at.warning
    for key, option in GRIDS[name].options.items():
        kind = at.selectbox if option.choices else at.text_input if option.most else at.number_input
        shown = kind(key=widget(name, key))
        assert shown.value == ("" if option.most else option.default)
        assert shown.help == option.help


def test_a_changed_option_is_in_the_link_and_comes_back_with_its_grid():
    at = opened("trajectories", grid="karras", **FEW)
    before = data_of(at)
    at.number_input(key=widget("karras", "rho")).set_value(3.25).run()
    assert link(at)["grid"] == "karras(rho=3.25)"
    assert data_of(at) != before
    assert data_of(opened("trajectories", **link(at))) == data_of(at)
    at.selectbox(key="ui.grid").set_value("cosine").run()
    assert link(at)["grid"] == "cosine"
    assert "Karras (ρ = 3.25)" in at.selectbox(key="ui.grid").options
    at.selectbox(key="ui.grid").set_value("karras(rho=3.25)").run()
    assert link(at)["grid"] == "karras(rho=3.25)"
    at.number_input(key=widget("karras", "rho")).set_value(7.0).run()
    assert link(at)["grid"] == "karras"


def test_a_list_that_cannot_be_read_stays_in_its_box_and_the_picture_stays():
    at = opened("trajectories", grid="custom(t=1 0.5 0.1)", **FEW)
    box = widget("custom", "t")
    assert at.text_input(key=box).value == "1 0.5 0.1"
    before = data_of(at)
    at.text_input(key=box).set_value("1 0.5 O.1").run()
    assert not at.exception
    assert "cannot read 'O.1'" in said(at)
    assert at.text_input(key=box).value == "1 0.5 O.1"
    assert data_of(at) == before
    assert link(at)["grid"] == "custom(t=1 0.5 0.1)"
    at.number_input(key="ui.seed").set_value(4).run()  # still there after another change
    assert at.text_input(key=box).value == "1 0.5 O.1"
    at.text_input(key=box).set_value("1, 0.6, 0.1").run()
    assert not at.warning
    assert link(at)["grid"] == "custom(t=1 0.6 0.1)"
    at.text_input(key=box).set_value("1 0.1 0.6").run()  # numbers, but no grid
    assert "0.1 is followed by 0.6 in t" in said(at)
    assert at.text_input(key=box).value == "1 0.1 0.6"
    assert not at.exception


def test_spacings_of_chains_are_offered_where_there_is_a_chain():
    at = opened("trajectories", grid="trailing", schedule="ddpm-linear", **FEW)
    assert not at.warning
    assert at.selectbox(key="ui.grid").value == "trailing"
    offered = set(at.selectbox(key="ui.grid").options)
    at.selectbox(key="ui.schedule").set_value("flow").run()
    assert not at.exception
    assert not at.warning
    assert at.selectbox(key="ui.grid").value == "uniform-lambda"
    assert any("needs a discrete chain" in caption.value for caption in at.caption)
    gone = offered - set(at.selectbox(key="ui.grid").options)
    assert gone == {info.title for info in GRIDS.values() if info.discrete_only}
    assert link(at)["schedule"] == "flow"
    assert "grid" not in link(at)


def test_several_grids_each_have_their_options_and_one_may_come_twice():
    at = opened("schedules", grids="karras,custom(t=0.9 0.5 0.1),karras(rho=2)", schedules="flow", steps="4")
    assert not at.warning
    slot = "schedules.grids"
    assert at.number_input(key=widget("karras", "rho", slot, 0)).value == 7.0
    assert at.text_input(key=widget("custom", "t", slot, 1)).value == "0.9 0.5 0.1"
    at.number_input(key=widget("karras", "rho", slot, 2)).set_value(4.0).run()
    assert link(at)["grids"] == "karras,custom(t=0.9 0.5 0.1),karras(rho=4)"
    at.text_input(key=widget("custom", "t", slot, 1)).set_value("0.9 nothing").run()
    assert "cannot read 'nothing'" in said(at)
    assert link(at)["grids"] == "karras,custom(t=0.9 0.5 0.1),karras(rho=4)"


def test_a_grid_that_fits_one_of_two_schedules_has_one_row_and_a_note():
    at = opened("schedules", grids="uniform-t,linspace", schedules="flow,ddpm-linear", steps="4")
    assert not at.warning
    assert any("no row under Flow matching" in text.value for text in [*at.markdown, *at.caption])
