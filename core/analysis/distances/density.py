"""How probable a sample is under the exact density."""

from torch import Tensor

from core.problem import Problem


def negative_log_likelihood(samples: Tensor, problem: Problem, t: float) -> float:
    """Mean of ``-log p_t(x)`` over the (N, D) particles, in nats a particle.

    For exact samples its expectation is the entropy of p_t. Below that the particles sit too near the modes, above it
    too far out: either is wrong, and neither is seen when modes have the wrong shares of a symmetric mixture.
    """
    return -float(problem.log_density(samples.reshape(-1, *problem.model.shape), t).mean())
