"""Strong and weak errors as drawn: the numbers of the result, its orders in the legend, nothing where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.weak import Estimate
from core.experiments import ToyData, run_experiment
from core.experiments.sde_orders import SdeOrdersSpec
from core.figures import sde_orders as figures


@pytest.fixture(scope="module")
def result():
    return run_experiment(SdeOrdersSpec(data=ToyData(name="gaussian"), particles=50, step_counts=(5, 10, 20)))


def test_both_errors_are_drawn_for_every_sampler(result):
    figure = figures.orders_figure(result)
    for one in result.samplers:
        strong, weak = (trace for trace in figure.data if trace.legendgroup == one.label)
        np.testing.assert_allclose(strong.y, [e.value for e in one.strong], rtol=1e-6)
        np.testing.assert_allclose(weak.y, [abs(e.value) for e in one.weak], rtol=1e-6)
        assert f"strong {one.strong_order[0]:.2f}" in strong.name
        assert f"weak {one.weak_order[0]:.2f} (claims {one.claimed_weak})" in strong.name
        assert strong.showlegend
        assert not weak.showlegend
    assert f"{result.samplers[0].strong_order[0]:.2f}" in figures.alt_orders(result)
    assert len(figures.orders_table(result)) == len(result.samplers)


def test_what_cannot_be_measured_is_not_drawn(result):
    none = Estimate(np.nan, np.nan, np.nan, np.nan)
    lost = replace(
        result.samplers[0], strong=(none,) * 3, weak=(none,) * 3, strong_order=(np.nan,) * 3, weak_order=(np.nan,) * 3
    )
    figure = figures.orders_figure(replace(result, samplers=(lost,)))
    assert "no error to show" in [note.text for note in figure.layout.annotations]
    assert "not measurable here" in figures.alt_orders(replace(result, samplers=(lost,)))
    assert figures.orders_table(replace(result, samplers=(lost,))).iloc[0, 2] == "–"
