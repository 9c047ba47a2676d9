"""The experiment on straightening: its numbers are those of the flows it names, and show what is claimed of them."""

import runpy

import numpy as np
import pytest
import torch

from core.data import make_toy
from core.experiments import ImageData, ToyData, run_experiment, straightening
from core.experiments.code import snippet
from core.experiments.links import from_params, to_params
from core.experiments.straightening import StraighteningSpec
from core.figures import straightening as figures
from core.figures import straightening_numbers as numbers
from core.figures.pictures import SHARED
from core.grids import make_grid
from core.models.velocity import Flow
from core.problem import Problem
from core.schedules import make_schedule
from core.solve import Cancelled, solve
from core.train.ways import Ground, Way

FLOWS = ("independent", "transport", "reflow", "learned(beta=0.3)")


@pytest.fixture(scope="module")
def ring():
    return run_experiment(StraighteningSpec(particles=100, iterations=400, flows=FLOWS, step_counts=(1, 4, 16), seed=3))


def test_the_exact_flow_is_that_of_the_data(ring):
    problem = Problem(make_toy("ring"), make_schedule("flow"))
    x = problem.sample_prior(100, problem.schedule.t_max, 3)
    times = make_grid("uniform-t", problem.schedule, 1)
    reference = solve(problem, "reference", times, x, record=False).final
    flow = ring.flows[0]
    assert flow.exact
    np.testing.assert_allclose(flow.states[-1], reference, atol=2e-4)  # its path by rk4, against DOP853
    for k, steps in enumerate(ring.spec.step_counts):
        end = solve(problem, "euler", make_grid("uniform-t", problem.schedule, steps), x, record=False).final
        np.testing.assert_array_equal(flow.ends[k], end)
        assert flow.rms[k] == pytest.approx(float((end - reference).square().mean().sqrt()), abs=2e-4)
        assert flow.nfe[k] == steps


def test_all_flows_start_from_the_same_noise(ring):
    for flow in ring.flows[1:]:
        np.testing.assert_array_equal(flow.states[0], ring.flows[0].states[0])


def test_straighter_flows_need_fewer_steps_and_end_at_the_data(ring):
    first = ring.flows[0]
    for flow in ring.flows[1:]:
        assert flow.straightness.mean() < 0.2 * first.straightness.mean()
        assert flow.turning.mean() < first.turning.mean()
        assert flow.rms[0] < 0.5 * first.rms[0]
        assert flow.distances[0].value < 0.6 * first.distances[0].value
        assert flow.cost < first.cost
        assert flow.missed < first.missed
    for flow in ring.flows[1:3]:
        assert flow.fine.value < 2 * ring.floor.high, "the ends are still those of the data"
    assert ring.flows[3].mismatch > 0.05
    assert ring.flows[3].penalty > 0.5
    assert ring.flows[1].mismatch == ring.flows[2].mismatch == 0


def test_straightness_adds_up_over_time(ring):
    for flow in ring.flows:
        assert flow.rate.mean() == pytest.approx(flow.straightness.mean(), rel=1e-9)


def test_tables_have_a_row_for_each(ring):
    assert len(ring.summary()) == 4
    assert len(ring.to_frame()) == 12
    assert set(ring.to_frame()["steps"]) == {1, 4, 16}
    assert all(isinstance(value, np.ndarray) for value in ring.to_arrays().values())


def test_a_gaussian_is_reflowed_exactly():
    spec = StraighteningSpec(data=ToyData(name="gaussian"), particles=50, flows=("reflow",), step_counts=(1, 2))
    (flow,) = run_experiment(spec).flows
    assert flow.exact
    assert flow.seconds == 0
    assert abs(flow.straightness).max() < 1e-12
    assert flow.rms.max() < 1e-10


def test_shown_code_repeats_the_numbers(tmp_path):
    flows = ("independent", "transport(batch=4)", "reflow", "learned(beta=0.5)")
    spec = StraighteningSpec(particles=10, iterations=100, flows=flows, step_counts=(1, 3), solver="heun", seed=2)
    result = run_experiment(spec)
    file = tmp_path / "code.py"
    file.write_text(snippet(spec))
    names = runpy.run_path(str(file))
    for flow in result.flows:
        np.testing.assert_array_equal(names["straight"][str(flow.choice)].numpy(), flow.straightness)
        assert [names["errors"][str(flow.choice), steps] for steps in (1, 3)] == flow.rms.tolist()
        found = [names["distances"][str(flow.choice), steps] for steps in (1, 3)]
        assert found == [one.value for one in flow.distances]


def test_images_are_straightened_too():
    data = ImageData(name="digits", label=3)
    spec = StraighteningSpec(
        data=data, particles=10, iterations=200, flows=("independent", "transport"), nodes=20, step_counts=(1, 8)
    )
    result = run_experiment(spec)
    first, transport = result.flows
    assert transport.states.shape == (21, 10, 1, 8, 8)
    assert transport.straightness.mean() < 0.7 * first.straightness.mean()
    assert transport.rms[0] < first.rms[0]
    for figure in (figures.landing_figure(result, 1), numbers.errors_figure(result, "distance")):
        assert len(figure.data)
    with pytest.raises(ValueError, match="2-D data"):
        figures.flows_scene(result)


def test_a_run_can_be_cancelled_while_a_network_learns():
    asked = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 60

    spec = StraighteningSpec(particles=10, flows=("network",), iterations=20_000, seed=77)
    with pytest.raises(Cancelled):
        run_experiment(spec, cancel=stop)


def test_progress_says_what_is_learned():
    told = []
    spec = StraighteningSpec(particles=10, flows=("network",), iterations=150, step_counts=(1, 2), seed=5)
    run_experiment(spec, lambda fraction, doing: told.append((fraction, doing)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert any("training, iteration" in doing and "Independent pairs, network" in doing for _, doing in told)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"flows": ("transport(batch=3)",)}, "batch of transport must be one of"),
        ({"flows": ("learned(rounds=2)",)}, "no option 'rounds'"),
        ({"flows": ("teleport",)}, "unknown flow 'teleport'"),
        ({"flows": ()}, "at least 1"),
        ({"solver": "ddpm"}, "draws noise"),
        ({"solver": "rk45"}, "chooses its own steps"),
        ({"step_counts": (4, 2)}, "step counts must rise"),
        ({"step_counts": (1, 500)}, "from 1 to 100"),
        ({"particles": 4}, "at least 10 particles"),
        ({"data": ImageData(name="patches-16"), "particles": 10}, "choose 2-D data or digits"),
        ({"data": ImageData(name="unet-digits"), "particles": 10}, "choose 2-D data or digits"),
        ({"data": ImageData(name="digits"), "particles": 10, "distance": "nll"}, "no density"),
        ({"distance": "miles"}, "unknown distance"),
    ],
)
def test_what_cannot_be_done_is_said(changed, words):
    with pytest.raises(ValueError, match=words):
        StraighteningSpec(**changed)


def test_the_same_pairing_may_come_twice_in_a_link_with_other_options():
    flows = ("learned(beta=0.2)", "learned", "learned(beta=5)")
    spec = StraighteningSpec(flows=flows)
    assert from_params(StraighteningSpec, to_params(spec)) == (spec, [])
    assert [flow.label for flow in spec.flows] == [
        "Learned pairing (β = 0.2)",
        "Learned pairing",
        "Learned pairing (β = 5)",
    ]


def test_a_way_that_comes_twice_says_its_options_each_time():
    flows = ("reflow", "learned", "reflow(rounds=2)")
    assert StraighteningSpec(flows=flows).labels == ["Reflow (rounds = 1)", "Learned pairing", "Reflow (rounds = 2)"]


def test_a_flow_that_breaks_off_is_shown_as_such():
    """A network that shoots off: no number is drawn for it, and the others stand."""

    class Wild(Flow):
        def velocity(self, z, t):
            return -z * torch.tensor(1e6).exp() if t < 0.5 else z

    spec = StraighteningSpec(particles=10, flows=("independent", "network"), step_counts=(1, 3), seed=91)
    way = Way(Wild((2,)), Ground(make_toy("ring"), 1, 0).draw(), np.nan, torch.ones(100))
    straightening._made.put(((spec.data, spec.seed, spec.iterations), "network"), way, 1)
    result = run_experiment(spec)
    good, broken = result.flows
    assert "diverged" in broken.message
    assert np.isnan(broken.states[-1]).all()
    assert np.isfinite(broken.states[10]).all(), "what it had is kept"
    assert np.isnan([broken.straightness.mean(), broken.rms[1], broken.fine.value]).all()
    assert np.isfinite(good.rms).all()
    assert any("Independent pairs, network: the path diverged" in note for note in result.notes)
    assert "broke off" in figures.alt_flows(result)
    assert "none, it diverged" in numbers.alt_errors(result)
    figures.flows_scene(result).pack()
    for figure in (figures.landing_figure(result, 1), numbers.errors_figure(result), numbers.trade_figure(result)):
        assert figure.to_json()
    assert len(result.summary()) == 2


def test_looks_differ_between_flows_of_one_kind(ring):
    looks = figures.flow_looks(ring)
    assert len({(look.colour, look.dash, look.marker) for look in looks}) == 4


def test_every_figure_is_drawn_and_said(ring):
    drawn = [
        (figures.lines_figure(ring), figures.alt_lines(ring)),
        (figures.landing_figure(ring, 2), figures.alt_landing(ring, 2)),
        *((numbers.trade_figure(ring, cost), numbers.alt_trade(ring, cost)) for cost in numbers.COSTS),
        (numbers.learning_figure(ring), numbers.alt_learning(ring)),
        *((numbers.errors_figure(ring, m), numbers.alt_errors(ring, m)) for m in numbers.ERRORS),
        *((numbers.bends_figure(ring, m), numbers.alt_bends(ring, m)) for m in numbers.BENDS),
    ]
    for figure, alt in drawn:
        assert len(figure.data) >= 3
        assert any(letter.isdigit() for letter in alt)
    errors = numbers.errors_figure(ring, "error").data
    np.testing.assert_allclose(errors[1].y, ring.flows[1].rms.astype(np.float32))
    assert [trace.y[0] for trace in numbers.trade_figure(ring, "mismatch").data] == [f.mismatch for f in ring.flows]
    assert [trace.y[0] for trace in numbers.trade_figure(ring, "distance").data] == [f.fine.value for f in ring.flows]
    pinned = SHARED["straightening", "straight-and-right"].draw(ring, {"cost": "distance"})
    assert pinned.data[0].y[0] == ring.flows[0].fine.value, "a pin keeps the view"
    low, high = numbers.trade_figure(ring, "mismatch").layout.yaxis.range
    assert low < 0 < max(flow.mismatch for flow in ring.flows) < high, "no marker is cut"
    titles = [note.text for note in figures.lines_figure(ring).layout.annotations]
    assert [title.replace("<br>", " ") for title in titles] == [flow.label for flow in ring.flows]
    assert max(len(line) for title in titles for line in title.split("<br>")) <= 18, "titles side by side do not meet"
    scene = figures.flows_scene(ring)
    assert [panel["title"] for panel in scene.head["panels"]] == [flow.label for flow in ring.flows]
    with pytest.raises(ValueError, match="unknown measure 'beauty'"):
        numbers.errors_figure(ring, "beauty")
    with pytest.raises(ValueError, match="unknown cost 'time'"):
        numbers.trade_figure(ring, "time")
    with pytest.raises(ValueError, match="step counts 0 to 2"):
        figures.landing_figure(ring, 3)


def test_a_flow_that_misses_the_data_is_told_from_one_that_does_not(ring):
    assert ring.flows[0] not in ring.astray
    spec = StraighteningSpec(particles=400, iterations=100, flows=("learned(beta=0.01)",), step_counts=(1, 2))
    result = run_experiment(spec)
    assert result.astray == result.flows, "hardly trained, and its noise is not that of a sampler"
    assert result.truth.value < 0.5 * result.flows[0].fine.value
