"""Pictures of a recommendation: dots with intervals in the order said, nothing unranked among them."""

from dataclasses import replace

import numpy as np
import pytest

from core.experiments import run_experiment
from core.experiments.recommend import RecommendSpec
from core.figures import recommend as figures
from core.figures.style import solver_style


@pytest.fixture(scope="module")
def result():
    return run_experiment(RecommendSpec(particles=32, nfe=8, budgets=(2, 8, 12), seed=1))


@pytest.fixture(scope="module")
def none():
    return run_experiment(RecommendSpec(particles=4, nfe=1, solvers=("rk4",), budgets=(1, 2)))


@pytest.mark.parametrize("order", figures.ORDERS)
def test_each_row_is_a_leader_with_its_interval_and_colour(result, order):
    rows = figures.shown(result.ranking, order)
    figure = figures.ranking_figure(result, order)
    assert len(rows) == min(figures.TOP, len(result.ranking.leaders))
    for place, (trace, entry) in enumerate(zip(figure.data, rows, strict=False)):
        at, style = entry.standing, solver_style(entry.choice.name)
        assert trace.name == entry.label
        assert list(trace.y) == [place]
        np.testing.assert_allclose(trace.x, [at.error], rtol=1e-6)
        np.testing.assert_allclose(trace.error_x.array, [at.high - at.error], rtol=1e-5)
        np.testing.assert_allclose(trace.error_x.arrayminus, [at.error - at.low], rtol=1e-5)
        assert trace.marker.color == trace.error_x.color == style.colour
        assert trace.marker.symbol.endswith("-open") != at.equal
        assert entry.choice.label.split()[0] in figure.layout.yaxis.ticktext[place]
    assert sum("★" in text for text in figure.layout.yaxis.ticktext) == 1
    low, high = figure.layout.xaxis.range
    assert low < np.log10(min(e.standing.low for e in rows)) < np.log10(max(e.standing.high for e in rows)) < high


def test_by_time_the_equals_come_first_and_the_fastest_of_them_on_top(result):
    rows = figures.shown(result.ranking, "time", 99)
    assert rows[0] is result.ranking.fastest
    equal = [entry.standing.equal for entry in rows]
    assert equal == sorted(equal, reverse=True)
    for group in (True, False):
        times = [entry.seconds for entry in rows if entry.standing.equal is group]
        assert times == sorted(times)
    with pytest.raises(ValueError, match="one of error, time"):
        figures.shown(result.ranking, "nfe")


def test_all_others_are_one_row(result):
    ranking = result.ranking
    *rows, rest = figures.ranking_figure(result).data
    assert len(rest.x) == len(ranking.leaders) - len(rows) + len(ranking.having("screened out"))
    assert set(rest.y) == {len(rows)}
    assert f"{len(rest.x)} others on 8 particles" in figures.ranking_figure(result).layout.yaxis.ticktext[-1]


def test_words_name_the_best_its_interval_and_how_many_equal_it(result):
    best = result.ranking.best
    alt = figures.alt_ranking(result)
    assert f"first {best.label} {best.standing.error:.2g} ({best.standing.low:.2g} to {best.standing.high:.2g})" in alt
    twin = replace(result.ranking.leaders[1], standing=best.standing)
    tied = replace(result, ranking=replace(result.ranking, entries=(best, twin)))
    assert "1 other cannot be told from the best" in figures.alt_ranking(tied)
    apart = replace(twin, standing=best.standing._replace(equal=False))
    told = replace(result, ranking=replace(result.ranking, entries=(best, apart)))
    assert "All others can be told from the best" in figures.alt_ranking(told)


def test_each_budget_shows_its_winner(result):
    figure = figures.budgets_figure(result)
    line, *winners = figure.data
    np.testing.assert_array_equal(line.x, [2, 8, 12])
    np.testing.assert_allclose(line.y, [one.best.standing.error for one in result.curve], rtol=1e-6)
    assert {trace.name for trace in winners} == {one.best.label for one in result.curve}
    assert sum(len(trace.x) for trace in winners) == 3
    alt = figures.alt_budgets(result)
    assert all(f"{one.nfe}: {one.best.label}" in alt for one in result.curve)
    assert list(figures.budgets_table(result)["Budget"]) == [2, 8, 12]


def test_the_table_has_every_candidate_once(result):
    table = figures.ranking_table(result)
    assert len(table) == len(result.ranking.entries)
    assert table["Status"][0] == "best or equal"
    assert table["Place"][0] == "1"
    out = table[table["Status"] == "screened out"]
    assert len(out) == len(result.ranking.having("screened out"))
    assert set(out["Place"]) == {"–"}
    assert set(out["Particles"]) == {8}


def test_without_a_run_there_is_no_number(none):
    for figure in (figures.ranking_figure(none), figures.budgets_figure(none)):
        assert "no candidate has an error" in figure.layout.annotations[0].text
    assert "no run reached the end" in figures.alt_ranking(none)
    assert "None fits 1, 2" in figures.alt_budgets(none)
    assert figures.ranking_table(none)["Status"].str.startswith("no run").all()
