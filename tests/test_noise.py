"""Noise that belongs to a particle."""

import math

import numpy as np
import pytest
import torch

from core.noise import check_seed, generator, normal


def test_a_particle_keeps_its_noise_whatever_the_batch():
    large = normal(3, "start", shape=(1000, 3, 4))
    for n in (1, 2, 7, 999):
        assert torch.equal(normal(3, "start", shape=(n, 3, 4)), large[:n])
    assert large.dtype == torch.float64


def test_seeds_and_streams_are_told_apart():
    streams = [(0, "a"), (1, "a"), (0, "b"), (0, "a", 0), (0, "a", 1), (0, "a", 0, 0), (0, 0), (0,), (2**40, "a")]
    draws = [tuple(normal(*stream, shape=(4,)).tolist()) for stream in streams]
    assert len(set(draws)) == len(streams)
    correlation = np.corrcoef([normal(*stream, shape=(4000,)).numpy() for stream in streams])
    off_diagonal = correlation[~np.eye(len(streams), dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / math.sqrt(4000)


def test_the_same_seed_gives_the_same_numbers_and_leaves_global_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert torch.equal(normal(5, "x", shape=(10,)), normal(5, "x", shape=(10,)))
    assert torch.equal(torch.get_rng_state(), before)
    assert isinstance(generator(5, "x"), np.random.Generator)


def test_numbers_are_standard_normal():
    z = normal(0, "moments", shape=(200_000,))
    assert abs(float(z.mean())) < 4 / math.sqrt(len(z))
    assert abs(float(z.square().mean()) - 1) < 4 * math.sqrt(2 / len(z))
    assert abs(float((z**4).mean()) - 3) < 4 * math.sqrt(96 / len(z))


@pytest.mark.parametrize("seed", [-1, 1.0, 2.5, "1", "x", None, True, math.nan])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed must be a non-negative whole number"):
        check_seed(seed)
    with pytest.raises(ValueError, match="seed must be a non-negative whole number"):
        normal(seed, "x", shape=(1,))


def test_a_seed_from_numpy_is_a_seed():
    assert check_seed(np.int64(7)) == 7
    assert torch.equal(normal(np.int64(7), "x", shape=(3,)), normal(7, "x", shape=(3,)))
