"""Every 2-D set is what its menu says: centred, of unit mean variance, the same each time, and as wide as asked."""

import pytest
import torch

from core.data import IMAGE_DATA, TOY_DATA, make_toy
from core.data.toy import BANDWIDTHS, SCALES

WITH_BANDWIDTH = [name for name, info in TOY_DATA.items() if info.bandwidth is not None]
WITHOUT = [name for name in TOY_DATA if name not in WITH_BANDWIDTH]


def test_there_are_at_least_ten_and_no_name_means_two_things():
    assert len(TOY_DATA) >= 10
    assert not set(TOY_DATA) & set(IMAGE_DATA)
    assert "custom" not in {*TOY_DATA, *IMAGE_DATA}
    assert len({info.title for info in (*TOY_DATA.values(), *IMAGE_DATA.values())}) == len(TOY_DATA) + len(IMAGE_DATA)


@pytest.mark.parametrize("name", TOY_DATA)
def test_it_is_centred_with_unit_mean_variance(name: str):
    mixture = make_toy(name)
    torch.testing.assert_close(mixture.mean(), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-9)
    assert float(mixture.covariance().diagonal().mean()) == pytest.approx(1.0, abs=1e-9)
    # seen from outside as well: 20,000 draws, four standard errors
    draws = mixture.sample(20_000, seed=1)
    assert bool(torch.isfinite(draws).all())
    deviation = draws.std(0) / 20_000**0.5
    assert bool((draws.mean(0).abs() < 4 * deviation).all())
    spread = draws.square()
    assert abs(float(spread.mean()) - 1) < 4 * float(spread.mean(1).std()) / 20_000**0.5


@pytest.mark.parametrize("name", TOY_DATA)
def test_it_is_finite_small_and_the_same_each_time(name: str):
    first, second = make_toy(name), make_toy(name)
    assert first.means.shape[1] == 2
    assert 1 <= len(first.means) <= 200  # every model call costs particles x components
    assert bool(torch.isfinite(first.means).all())
    for part in ("means", "weights", "covariances"):
        assert torch.equal(getattr(first, part), getattr(second, part))


@pytest.mark.parametrize("name", TOY_DATA)
@pytest.mark.parametrize("scale", [SCALES[0], 2.5, SCALES[1]])
def test_scale_multiplies_places_and_widths(name: str, scale: float):
    plain, scaled = make_toy(name), make_toy(name, scale=scale)
    torch.testing.assert_close(scaled.means, scale * plain.means, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(scaled.covariances, scale**2 * plain.covariances, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", WITH_BANDWIDTH)
@pytest.mark.parametrize("bandwidth", [BANDWIDTHS[0], 0.3, 0.9])
def test_bandwidth_is_the_width_on_each_point_and_leaves_the_variance_alone(name: str, bandwidth: float):
    mixture = make_toy(name, bandwidth=bandwidth)
    widths = mixture.covariances.diagonal(dim1=1, dim2=2).sqrt()
    torch.testing.assert_close(widths, torch.full_like(widths, bandwidth), rtol=1e-12, atol=0)
    assert float(mixture.covariance().diagonal().mean()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", WITH_BANDWIDTH)
def test_the_default_bandwidth_is_the_one_shown(name: str):
    shown = TOY_DATA[name].bandwidth
    assert torch.equal(make_toy(name).covariances, make_toy(name, bandwidth=shown).covariances)


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.09, 4.1, float("nan"), float("inf")])
def test_a_scale_out_of_range_is_refused_with_its_limits(scale: float):
    with pytest.raises(ValueError, match=r"scale must lie between 0.1 and 4 \(.+\), got"):
        make_toy("ring", scale=scale)


@pytest.mark.parametrize("bandwidth", [0.0, -0.1, 0.009, 1.1, float("nan")])
def test_a_bandwidth_out_of_range_is_refused_with_its_limits(bandwidth: float):
    with pytest.raises(ValueError, match=r"bandwidth must lie between 0.01 and 1 \(.+\), got"):
        make_toy("moons", bandwidth=bandwidth)


@pytest.mark.parametrize("name", WITHOUT)
def test_a_set_with_fixed_widths_takes_no_bandwidth(name: str):
    with pytest.raises(ValueError, match="fixed widths"):
        make_toy(name, bandwidth=0.1)


def test_an_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown 2-D data set 'moon' .*did you mean 'moons'"):
        make_toy("moon")


def test_the_shapes_are_what_their_names_say():
    ring = make_toy("ring").means
    assert len(ring) == 8
    torch.testing.assert_close(ring.norm(dim=1), ring.norm(dim=1).mean().expand(8), rtol=1e-9, atol=0)
    grid = make_toy("grid").means
    assert [len(grid[:, axis].mul(1e6).round().unique()) for axis in (0, 1)] == [5, 5]
    radii = make_toy("circles").means.norm(dim=1).mul(1e6).round().unique()
    assert len(radii) == 2
    one = make_toy("gaussian")
    assert len(one.means) == 1
    lowest, highest = torch.linalg.eigvalsh(one.covariances[0]).tolist()
    assert highest > 2 * lowest
    # a dark cell of the board never touches another by a side: neighbours in x or y are light
    board = make_toy("checkerboard").means
    cell = ((board - board.amin(0)) / (board.amax(0) - board.amin(0)) * 3.999).floor().long()
    assert len(cell.unique(dim=0)) == 8
    assert len({int(value) for value in cell.sum(1) % 2}) == 1
