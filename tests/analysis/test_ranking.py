"""Standings: intervals hold the truth as often as they say, twins are equal, what is worse is told from the best."""

import numpy as np
import pytest

from core.analysis.ranking import paired_standings, pick_leaders

N = 200


def lognormal(rng: np.random.Generator, *medians: float, spread: float = 0.7, shared: float = 0.0) -> np.ndarray:
    common = shared * rng.normal(size=N)
    return np.array([m * np.exp(common + spread * rng.normal(size=N)) for m in medians])


@pytest.mark.parametrize(("measure", "truth"), [("median", 1.0), ("rms", np.exp(0.7**2))])
def test_an_interval_holds_the_truth_about_as_often_as_it_says(measure, truth):
    rng = np.random.default_rng(1)
    held = 0
    for trial in range(300):
        (one,) = paired_standings(lognormal(rng, 1.0), measure, seed=trial, draws=300)
        held += one.low <= truth <= one.high
    # 95 % of 300 is 285 +- 3.8; percentile intervals of so few particles and draws fall a little short
    assert 0.89 <= held / 300 <= 0.985


def test_of_equally_good_ones_few_are_told_from_the_best():
    rng = np.random.default_rng(2)
    told = 0
    for trial in range(200):
        pair = paired_standings(lognormal(rng, 1.0, 1.0), seed=trial, draws=300)
        told += not all(one.equal for one in pair)
        assert sum(one.same for one in pair) == 1, "equally good is not the same"
    assert 0.01 <= told / 200 <= 0.11


def test_pairs_tell_apart_what_their_own_intervals_do_not():
    errors = lognormal(np.random.default_rng(3), 1.0, 1.1, spread=0.02, shared=1.0)
    best, other = paired_standings(errors)
    assert best.high > other.low
    assert best.equal
    assert not other.equal
    assert 0 < other.behind_low < other.behind_high
    assert best.first == 1


def test_an_error_is_that_of_the_particles_and_inside_its_interval():
    errors = lognormal(np.random.default_rng(4), 1.0, 2.0, 5.0)
    for measure, over in (("median", np.median), ("rms", lambda row: np.sqrt(np.mean(row**2)))):
        found = paired_standings(errors, measure)
        for one, row in zip(found, errors, strict=True):
            assert one.error == pytest.approx(over(row), rel=1e-12)
            assert one.low < one.error < one.high
        assert sum(one.first for one in found) == pytest.approx(1)
        assert found == paired_standings(errors, measure), "the draws depend on nothing but the seed"


def test_twins_share_the_first_place_also_when_they_differ_by_rounding():
    row = lognormal(np.random.default_rng(5), 1.0)[0]
    one, twin, worse = paired_standings(np.array([row, row + 1e-15, 3 * row]), floor=1e-12)
    assert one.equal
    assert twin.equal
    assert twin.same
    assert not worse.same
    assert (one.first, twin.first, worse.first) == (0.5, 0.5, 0)
    assert not worse.equal
    _, told, _ = paired_standings(np.array([row, row + 1e-12, 3 * row]))
    assert not told.equal, "without a floor a constant difference is one"


def test_without_an_end_there_is_no_standing():
    rows = np.array([[np.nan, 1.0], [2.0, 2.0], [np.inf, 1.0]])
    lost, only, grown = paired_standings(rows)
    for one in (lost, grown):
        assert np.isnan(one.error)
        assert not one.equal
        assert one.first == 0
    assert (only.error, only.first, only.equal) == (2.0, 1.0, True)
    assert not any(one.equal for one in paired_standings(rows[:1]))


def test_leaders_are_the_equals_and_enough_others_to_look_at():
    rng = np.random.default_rng(6)
    standings = paired_standings(lognormal(rng, 9.0, 1.0, 1.0, 3.0, np.nan, 2.0, spread=0.01))
    assert pick_leaders(standings, 3, 5) == [*sorted((1, 2), key=lambda i: standings[i].error), 5]
    assert set(pick_leaders(standings, 1, 1)) <= {1, 2}
    assert set(pick_leaders(standings, 9, 9)) == {0, 1, 2, 3, 5}, "what has no end is no leader"
    crowd = paired_standings(lognormal(rng, *[1.0] * 8, spread=2.0))
    assert len(pick_leaders(crowd, 2, 20)) == sum(one.equal for one in crowd) > 2


@pytest.mark.parametrize("errors", [np.ones(3), np.ones((2, 0))])
def test_other_shapes_are_refused(errors):
    with pytest.raises(ValueError, match="one row of particle errors a method"):
        paired_standings(errors)
    with pytest.raises(ValueError, match="one of rms, median"):
        paired_standings(np.ones((2, 3)), "mean")
