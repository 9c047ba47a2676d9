"""Distances between particles, by hand."""

import math

import pytest
import torch

from core.analysis import median_error, particle_error, path_error, rms_error

X = torch.zeros(3, 2, 2)
Y = torch.stack([torch.full((2, 2), value) for value in (1.0, 2.0, 10.0)])


def test_each_particle_over_its_own_numbers():
    assert particle_error(X, Y).tolist() == [1.0, 2.0, 10.0]
    assert particle_error(X, Y).dtype == torch.float64
    mixed = torch.tensor([[3.0, 4.0]])
    assert particle_error(mixed, torch.zeros(1, 2)).item() == pytest.approx(math.sqrt(12.5))


def test_summaries():
    assert rms_error(X, Y) == pytest.approx(math.sqrt((1 + 4 + 100) / 3))
    assert median_error(X, Y) == pytest.approx(2.0)


def test_one_lost_particle_shows_in_every_summary():
    lost = Y.clone()
    lost[1] = math.nan
    assert math.isnan(rms_error(X, lost))
    assert math.isnan(median_error(X, lost))


def test_along_the_path():
    errors = path_error(torch.stack([X, Y]), torch.stack([X, X]))
    assert errors.tolist() == pytest.approx([0.0, rms_error(X, Y)])
    assert errors.dtype == torch.float64


def test_precision_is_that_of_float64():
    a, b = torch.full((4, 1), 1.0, dtype=torch.float32), torch.full((4, 1), 1.0 + 1e-9, dtype=torch.float64)
    assert rms_error(a, b) == pytest.approx(1e-9, rel=1e-6)


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"particles of shape \(3, 2, 2\) with \(2, 2, 2\)"):
        rms_error(X, Y[:2])
    with pytest.raises(ValueError, match="cannot compare paths"):
        path_error(X, Y[:2])
