"""The catalogue's cards: what they measure, what is found by search, and what the shown code repeats."""

import runpy

import numpy as np
import pytest

from core.experiments import EXPERIMENTS, ToyData, from_params, run_experiment, to_params
from core.experiments.cards import versions
from core.experiments.catalogue import WIDTHS, CatalogueSpec
from core.experiments.code import snippet
from core.experiments.listing import ANY, LOST, TYPES, asks, costs, families, found, listing, orders, type_of
from core.experiments.specification import SolverChoice
from core.solvers import SOLVERS

QUICK = {"particles": 8, "step_counts": (10, 20, 40, 80), "data": ToyData(name="gaussian")}


def card(solver: str, **more):
    return run_experiment(CatalogueSpec(solver=solver, **(QUICK | more)))


def test_a_published_flaw_stands_beside_what_mends_it():
    result = run_experiment(CatalogueSpec(solver="dpmpp-3m-as-published", particles=16))
    flawed, mended = result.cards
    assert (flawed.name, mended.name) == ("dpmpp-3m-as-published", "dpmpp-3m")
    assert float(flawed.measured.order) == pytest.approx(2, abs=0.2)
    assert float(mended.measured.order) == pytest.approx(3, abs=0.2)
    assert not np.allclose(flawed.response.weights, mended.response.weights)


def test_versions_share_the_options_that_both_know():
    chosen = SolverChoice.model_validate("dpm-3m-as-published(start=single-step)")
    assert [str(one) for one in versions(chosen)] == [str(chosen), "dpm-3m(start=single-step)"]
    assert [str(one) for one in versions(SolverChoice(name="dpm-3m"))] == ["dpm-3m", "dpm-3m-as-published"]
    assert len(versions(SolverChoice(name="ddim"))) == 1
    published = SolverChoice.model_validate("ipndm-v-3(weights=as-published;start=single-step)")
    assert str(versions(published)[1]) == "ipndm-v-3(start=single-step)"


def test_the_weights_are_those_of_the_grid_at_hand():
    result = card("dpmpp-2m", grid="karras", steps=5, t_start=0.9)
    assert result.times[0] == 0.9
    assert result.cards[0].response.weights.shape == (5, 5)
    h = np.diff(result.log_snr)
    np.testing.assert_allclose(result.cards[0].response.shares[2, 1], -h[2] / h[1] / 2, rtol=1e-9)


def test_a_runge_kutta_method_has_a_tableau_and_a_region():
    (found_card,) = card("rk4").cards
    assert found_card.tableau.b == (1 / 6, 1 / 3, 1 / 3, 1 / 6)
    region = found_card.region
    middle = region.size[len(region.im) // 2]
    assert middle[np.argmin(abs(region.re + 2.7))] < 1 < middle[np.argmin(abs(region.re + 2.9))]  # 2.785
    assert region.products.shape == (len(WIDTHS), 10)
    assert card("ddim").cards[0].region is None


def test_an_adaptive_solver_is_judged_by_its_tolerance():
    (found_card,) = card("rk45", data=ToyData()).cards
    measured = found_card.measured
    assert measured.against == "tolerance"
    assert found_card.response is None
    assert (np.diff(measured.nfe) > 0).all()
    assert (np.diff(measured.error) < 0).all()
    assert 0.5 < float(measured.order) < 1.5
    assert abs(found_card.widths.ratio[-1] - 1).max() < 1e-5


def test_a_stochastic_solver_is_judged_by_its_variance():
    result = card("ddpm", step_counts=(40, 80, 160, 320))
    assert float(result.cards[0].measured.order) == pytest.approx(1, abs=0.1)
    assert any("draws noise" in note for note in result.notes)


def test_long_steps_show_what_is_unstable():
    euler, ddim = (card(name).cards[0].widths for name in ("euler", "ddim"))
    assert euler.ratio[3, WIDTHS.index(0.0)] > 10  # a point, in steps too long for Euler in t
    np.testing.assert_allclose(ddim.ratio[:, WIDTHS.index(0.0)], 1, rtol=1e-9)


def test_a_grid_that_gives_no_order_still_gives_weights():
    result = card("ddim", schedule="ddpm-linear", grid="leading")
    assert np.isnan(result.cards[0].measured.error).all()
    assert "starts at another time" in result.cards[0].measured.what
    assert result.cards[0].response.weights.shape == (10, 10)
    assert np.isfinite(result.cards[0].widths.ratio).all()


def test_options_of_a_choice_are_run():
    plain, shorter = (card(text).cards[0].response for text in ("dpmpp-2m", "dpmpp-2m(lower_order_final=true)"))
    assert abs(card("dpm-2m(start=single-step)").cards[0].widths.ratio[-1] - 1).max() < 0.01
    assert abs(plain.shares[-1] - shorter.shares[-1]).max() > 0.1
    assert card("dpmpp-2m(thresholding=static)").cards[0].response is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"step_counts": (20, 10)}, "must rise"),
        ({"steps": 61}, "less than or equal to 60"),
        ({"solver": "dpmpp"}, "unknown solver"),
        ({"particles": 5000}, "at most 1000"),
    ],
)
def test_settings_that_do_not_fit_are_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        CatalogueSpec(**fields)


def test_a_link_names_the_solver():
    spec = CatalogueSpec(solver="dpm-3m(start=single-step)", steps=7)
    assert to_params(spec) == {"solver": "dpm-3m(start=single-step)", "steps": "7"}
    assert from_params(CatalogueSpec, to_params(spec)) == (spec, [])
    assert EXPERIMENTS["solvers"].specification is CatalogueSpec


@pytest.mark.parametrize("solver", ["dpmpp-3m", "ddpm", "rk45", "ddim(thresholding=static)", "dpm-v3-2"])
def test_the_shown_code_repeats_the_errors(solver, tmp_path):
    spec = CatalogueSpec(solver=solver, **QUICK)
    file = tmp_path / "card.py"
    file.write_text(snippet(spec))
    names = runpy.run_path(str(file))
    cards = run_experiment(spec).cards
    np.testing.assert_allclose(
        np.atleast_2d(names["errors"]), [one.measured.error for one in cards], rtol=1e-9, atol=1e-14
    )
    for response, one in zip(names.get("responses", []), cards, strict=False):
        np.testing.assert_allclose(response.weights, one.response.weights, rtol=1e-12)


def test_the_shown_code_gives_weights_where_a_grid_allows_no_order(tmp_path):
    spec = CatalogueSpec(solver="dpmpp-2m", schedule="ddpm-linear", grid="leading", **QUICK)
    file = tmp_path / "card.py"
    file.write_text(snippet(spec))
    names = runpy.run_path(str(file))
    assert "errors" not in names
    np.testing.assert_allclose(names["responses"][0].weights, run_experiment(spec).cards[0].response.weights)


# --- the table --------------------------------------------------------------------------------------------------------


def names(**filters):
    return [info.name for info in found(**filters)]


def test_search_finds_words_in_any_order():
    assert "dpmpp-2m" in names(search="  Solver++ LU ")
    assert names(search="lu solver++") == names(search="solver++ lu")
    assert names(search="no such thing") == []
    assert names() == list(SOLVERS)


def test_filters_agree_with_the_registry():
    for name, family in families().items():
        assert {SOLVERS[one].family for one in names(family=name)} == {family}
    for order in orders():
        assert {SOLVERS[one].claimed_order for one in names(order=order)} == {int(order)}
    for nfe in costs():
        assert {SOLVERS[one].nfe_per_step for one in names(nfe=nfe)} == {int(nfe)}
    for kind in TYPES:
        assert {type_of(SOLVERS[one]) for one in names(type_=kind)} <= {kind}
    assert sorted(one for key in TYPES for one in names(type_=key)) == sorted(SOLVERS)
    assert sorted(one for key in LOST for one in names(lost=key)) == sorted(SOLVERS)
    assert "dpm-3m-as-published" in names(lost="lost")
    assert "dpm-3m" in names(lost="kept")
    assert "ddim" in names(asking="eps", search="ddim", family=ANY)
    assert "dpmpp-2m" not in names(asking="eps")


def test_what_is_asked_is_what_a_solver_was_seen_to_ask():
    assert asks("ddim") == ("eps",)
    assert asks("dpmpp-3m") == ("x0",)
    assert asks("unipc-bh2-2") == ("eps", "x0")


def test_every_solver_has_a_row():
    table = listing(list(SOLVERS.values()))
    assert list(table["Name"]) == list(SOLVERS)
    assert table[["Solver", "Family", "Asks for", "Type"]].map(bool).all(axis=None)
