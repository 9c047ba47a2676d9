"""The catalogue page: links open cards, search and filters narrow the table, and nothing found is said."""

import pytest

from core.solvers import SOLVERS
from tests.pages.app import alts, charts, data_of, link, opened

QUICK = {"steps": "4", "step_counts": "4,8,16", "particles": "4"}


def names(at):
    return list(at.dataframe[0].value["Name"]) if at.dataframe else []


def headings(at):
    return [header.value for header in at.header]


def test_a_link_opens_a_card():
    at = opened("solvers", solver="edm-heun", **QUICK)
    assert not at.exception
    assert headings(at)[0] == "EDM Heun"
    assert link(at) == {"solver": "edm-heun", **QUICK}
    assert any("stability region" in alt.lower() for alt in alts(at))
    assert any(r"\tfrac{1}{2}" in latex.value for latex in at.latex)  # its tableau


def test_the_menu_opens_another_card_and_the_link_follows():
    at = opened("solvers", **QUICK)
    assert headings(at)[0] == SOLVERS["dpmpp-2m"].title
    before = data_of(at)
    at.selectbox(key="ui.solvers.solver").set_value("deis-tab-2").run()
    assert not at.exception
    assert headings(at)[0] == "DEIS tAB2"
    assert link(at)["solver"] == "deis-tab-2"
    assert data_of(at) != before


def test_an_option_in_a_link_is_part_of_the_card():
    at = opened("solvers", solver="dpm-3m(start=single-step)", **QUICK)
    assert not at.exception
    assert "start = single-step" in headings(at)[0]
    assert at.selectbox(key="ui.option.solvers.solver.0.dpm-3m.start").value == "single-step"


def test_search_and_filters_are_in_the_link_and_narrow_the_table():
    at = opened("solvers", **QUICK)
    assert names(at) == list(SOLVERS)
    at.text_input(key="ui.solvers.search").set_value("parabola").run()
    at.selectbox(key="ui.solvers.family").set_value("deis").run()
    assert not at.exception
    assert names(at) == ["deis-tab-2", "deis-rhoab-2"]
    assert link(at) == {"search": "parabola", "family": "deis", **QUICK}
    again = opened("solvers", **link(at))
    assert names(again) == names(at)
    assert again.text_input(key="ui.solvers.search").value == "parabola"
    assert headings(again)[0] == SOLVERS["dpmpp-2m"].title  # the card stays, whatever is searched for


def test_nothing_found_is_said_and_can_be_undone():
    at = opened("solvers", search="no such solver", lost="lost", **QUICK)
    assert not at.exception
    assert not names(at)
    assert "No solver fits" in at.info[0].value
    assert charts(at)
    at.button[next(i for i, b in enumerate(at.button) if b.label == "Show all solvers")].click().run()
    assert names(at) == list(SOLVERS)
    assert link(at) == QUICK


def test_a_filter_that_does_not_exist_is_told():
    at = opened("solvers", family="nobody", **QUICK)
    assert "nobody" in at.warning[0].value
    assert names(at) == list(SOLVERS)


def test_a_published_flaw_is_shown_beside_what_mends_it():
    at = opened("solvers", solver="unipc-vary-2-as-published", **QUICK)
    assert not at.exception
    table = at.table[0].value
    assert list(table.index) == [SOLVERS[name].title for name in ("unipc-vary-2-as-published", "unipc-vary-2")]
    assert list(table["In our tests"]) == ["1", "3"]
    assert sum("Weights of" in alt for alt in alts(at)) == 2


def test_citation_and_texts_for_other_libraries_can_be_copied():
    at = opened("solvers", solver="dpmpp-2m", **QUICK)
    texts = [code.value for code in at.code]
    assert any(text.startswith("@misc{lu2022dpmpp") for text in texts)
    assert sum("DPMSolverMultistepScheduler" in text for text in texts) == 1
    assert sum("sample_dpmpp_2m" in text for text in texts) == 1


@pytest.mark.parametrize("solver", ["rk45", "ddpm", "pndm", "reference"])
def test_cards_of_every_kind_open(solver):
    at = opened("solvers", solver=solver, **QUICK)
    assert not at.exception
    assert not at.warning
    assert len(charts(at)) >= 2
