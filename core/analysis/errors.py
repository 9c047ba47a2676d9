"""How far particles are from where they should be."""

from torch import Tensor


def particle_error(x: Tensor, reference: Tensor) -> Tensor:
    """Root mean square over the numbers of each particle, ``(N, *shape)`` against the same, to ``(N,)`` float64.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if x.shape != reference.shape:
        raise ValueError(f"cannot compare particles of shape {tuple(x.shape)} with {tuple(reference.shape)}")
    return (x.double() - reference.double()).flatten(1).square().mean(1).sqrt()


def rms_error(x: Tensor, reference: Tensor) -> float:
    """RMS over particles and dimensions. Dominated by the few particles that end in another mode."""
    return float(particle_error(x, reference).square().mean().sqrt())


def median_error(x: Tensor, reference: Tensor) -> float:
    """Median over particles of the RMS over dimensions; NaN if any particle is NaN."""
    return float(particle_error(x, reference).quantile(0.5))


def path_error(states: Tensor, reference: Tensor) -> Tensor:
    """RMS error at every recorded time: ``(S + 1, N, *shape)`` against the same, to ``(S + 1,)`` float64."""
    if states.shape != reference.shape:
        raise ValueError(f"cannot compare paths of shape {tuple(states.shape)} with {tuple(reference.shape)}")
    return (states.double() - reference.double()).flatten(1).square().mean(1).sqrt()
