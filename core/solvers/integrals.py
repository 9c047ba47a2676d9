"""Weights of exponential integrators: a polynomial through known predictions, integrated against the exact kernel.

With ``h = lambda_next - lambda_cur`` the probability-flow ODE has the exact solutions

    x_next = alpha_next/alpha_cur x - sigma_next int_0^h e^(h-u) eps du
    x_next = sigma_next/sigma_cur x + alpha_next int_0^h e^(u-h) x0  du

(Lu et al. 2022, arXiv 2206.00927, proposition 3.1, and arXiv 2211.01095, proposition 4.1). With noise of
level ``tau`` on the way (``eta`` elsewhere: the reverse SDE of drift factor ``1 + tau^2``) they become

    x_next = alpha_next/alpha_cur x - (1 + tau^2) sigma_next int_0^h e^(h-u) eps du + tau sigma_next sqrt(e^2h - 1) z
    x_next = sigma_next/sigma_cur e^(-tau^2 h) x + (1 + tau^2) alpha_next int_0^h e^((1+tau^2)(u-h)) x0 du
             + sigma_next sqrt(1 - e^(-2 tau^2 h)) z

(Xue et al. 2023, arXiv 2309.05019, proposition 4.2, with constant tau). A method replaces the
prediction by the polynomial through values that it knows in some variable ``xi`` and integrates that exactly. Its
weights are therefore fixed by moments: ``sum_j w_j xi_j^m = M_m``, the integral of ``xi^m`` against the kernel, for
every power ``m`` below the number of nodes; ``xi`` runs from 0 to 1 over the step. A published shortcut is a row with
one changed moment.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from core.problem import Level
from core.schedules import Schedule

Moments = np.ndarray  # (S, n): the moments of every step
MomentRule = Callable[[Moments, np.ndarray], Moments]
Quadrature = Callable[[Schedule, "Ends"], tuple[np.ndarray, np.ndarray]]
_BLOCK = 64  # steps whose quadrature nodes are held at once


class Ends(NamedTuple):
    """Where steps begin and end, as float64 arrays (S,)."""

    lam: np.ndarray
    lam_next: np.ndarray
    t: np.ndarray
    t_next: np.ndarray
    alpha_next: np.ndarray
    sigma_next: np.ndarray


def ends_of(cur: Sequence[Level], nxt: Sequence[Level]) -> Ends:
    """The steps from each of ``cur`` to the level of ``nxt`` beside it."""
    from_lam, from_t = (np.array([getattr(level, name) for level in cur]) for name in ("lam", "t"))
    lam, t, alpha, sigma = (
        np.array([getattr(level, name) for level in nxt]) for name in ("lam", "t", "alpha", "sigma")
    )
    return Ends(from_lam, lam, from_t, t, alpha, sigma)


# --- moment rules -----------------------------------------------------------------------------------------------------
# each takes the exact moments (S, n) and the exponent of the growth over a step, hh = h for eps and -h for x0, (S,)


def exact(moments: Moments, hh: np.ndarray) -> Moments:
    """Moments as they are: the interpolating polynomial is integrated exactly."""
    return moments


def half_weight(moments: Moments, hh: np.ndarray) -> Moments:
    """First moment replaced by half the zeroth: the shortcut of DPM-Solver-2, DPM-Solver++ 2M and UniPC's B2.

    The two differ by O(h^3), so the order stays 2. Source: Lu et al. 2022 (arXiv 2211.01095), algorithm 2; Zhao et al.
    2023 (arXiv 2302.04867), section 3.4, with ``B(h) = e^h - 1``.
    """
    return np.stack([moments[:, 0], moments[:, 0] / 2], axis=1)


def half_length(moments: Moments, hh: np.ndarray) -> Moments:
    """First moment replaced by half of ``hh/(e^hh - 1)`` times the zeroth: UniPC's B1, ``B(h) = h``.

    Source: Zhao et al. 2023 (arXiv 2302.04867), section 3.4.
    """
    return np.stack([moments[:, 0], moments[:, 0] * hh / np.expm1(hh) / 2], axis=1)


def half_second_moment(moments: Moments, hh: np.ndarray) -> Moments:
    """Second moment halved: what the multistep third-order update computes as it is published.

    The public code's second difference lacks the factor 2 that a second derivative needs; the order falls to 2.
    Source: the third-order multistep update of the authors' code for arXiv 2206.00927 and 2211.01095.
    """
    return moments * np.array([1.0, 1.0, 0.5])


# --- quadrature: nodes in lambda, with the weights of their dlambda ---------------------------------------------------

_GAUSS_NODES, _GAUSS_WEIGHTS = (values / 2 for values in np.polynomial.legendre.leggauss(48))


def gauss(schedule: Schedule, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    """48 Gauss-Legendre nodes in lambda: exact to rounding for smooth schedules."""
    h = (ends.lam_next - ends.lam)[:, None]
    return ends.lam[:, None] + h * (_GAUSS_NODES + 0.5), h * _GAUSS_WEIGHTS


def left_sum(schedule: Schedule, ends: Ends) -> tuple[np.ndarray, np.ndarray]:
    """A left Riemann sum of 10,000 terms in t, as DEIS' public code has it: off by O(h) times 1e-4."""
    count = 10_000
    dt = (ends.t_next - ends.t)[:, None] / count
    t = torch.from_numpy(ends.t[:, None] + dt * np.arange(count))
    return schedule.log_snr(t).numpy(), schedule.d_log_snr(t).numpy() * dt


VARIABLES: dict[str, Callable[[Any, np.ndarray], np.ndarray]] = {
    "lambda": lambda schedule, lam: lam,
    "rho": lambda schedule, lam: np.exp(-lam),
    "t": lambda schedule, lam: schedule.time_of(torch.from_numpy(lam)).numpy(),
}


@dataclass(frozen=True)
class Kernel:
    """What is integrated, and in which variable it is interpolated.

    Attributes
    ----------
    prediction : "eps" or "x0".
    variable : "lambda", "rho" or "t", the variable of the polynomial.
    quadrature : how the moments are computed.
    even : weigh the history as if all steps had the length of this one.
    tau : noise level, 0 for the ODE.
    """

    prediction: str
    variable: str = "lambda"
    quadrature: Quadrature = gauss
    even: bool = False
    tau: float = 0.0

    def carry(self, cur: Level, nxt: Level) -> float:
        """The factor of x: ``alpha_next/alpha_cur`` beside eps, ``sigma_next/sigma_cur e^(-tau^2 h)`` beside x0."""
        if self.prediction == "eps":
            return nxt.alpha / cur.alpha
        return nxt.sigma / cur.sigma * math.exp(-(self.tau**2) * (nxt.lam - cur.lam))

    def spread(self, cur: Level, nxt: Level) -> float:
        """The factor of standard normal noise; the two predictions share it only in law and as steps become small."""
        if self.tau == 0:  # an ODE, whose steps may also lead towards noise
            return 0.0
        h = nxt.lam - cur.lam
        if self.prediction == "eps":
            return self.tau * nxt.sigma * math.sqrt(math.expm1(2 * h))
        return nxt.sigma * math.sqrt(-math.expm1(-2 * self.tau**2 * h))

    def weights(self, schedule: Schedule, ends: Ends, nodes: np.ndarray, rule: MomentRule = exact) -> np.ndarray:
        """Weights (S, n) of predictions at ``nodes`` (S, n), half log-SNRs, for the steps of ``ends``."""
        count = nodes.shape[1]
        sign = 1.0 if self.prediction == "eps" else -1.0 - self.tau**2
        moments = rule(self._moments(schedule, ends, count), sign * (ends.lam_next - ends.lam))
        xi = np.broadcast_to(-np.arange(count), nodes.shape) if self.even else self._scaled(schedule, ends, nodes)
        powers = xi[:, None, :] ** np.arange(count)[:, None]
        return np.linalg.solve(powers, moments[:, :, None])[:, :, 0]

    def _scaled(self, schedule: Schedule, ends: Ends, lam: np.ndarray) -> np.ndarray:
        """The interpolation variable, shifted and scaled to run from 0 to 1 over each step."""
        first, last = (VARIABLES[self.variable](schedule, end[:, None]) for end in (ends.lam, ends.lam_next))
        return (VARIABLES[self.variable](schedule, lam) - first) / (last - first)

    def _moments(self, schedule: Schedule, ends: Ends, count: int) -> Moments:
        blocks = [
            self._block(schedule, Ends(*(column[i : i + _BLOCK] for column in ends)), count)
            for i in range(0, len(ends.lam), _BLOCK)
        ]
        return np.concatenate(blocks)

    def _block(self, schedule: Schedule, ends: Ends, count: int) -> Moments:
        """Integrals of ``xi^m`` against the kernel; the zeroth in closed form where the quadrature is exact."""
        h = ends.lam_next - ends.lam
        if self.quadrature is gauss and count == 1:
            return self._total(ends, h)[:, None]
        lam, weights = self.quadrature(schedule, ends)
        ahead = ends.lam_next[:, None] - lam
        if self.prediction == "eps":
            kernel = -self._push * ends.sigma_next[:, None] * np.exp(ahead) * weights
        else:
            kernel = self._push * ends.alpha_next[:, None] * np.exp(-self._push * ahead) * weights
        xi = self._scaled(schedule, ends, lam)
        moments = np.stack([(kernel * xi**m).sum(axis=1) for m in range(count)], axis=1)
        if self.quadrature is gauss:
            moments[:, 0] = self._total(ends, h)
        return moments

    def _total(self, ends: Ends, h: np.ndarray) -> np.ndarray:
        if self.prediction == "eps":
            return -self._push * ends.sigma_next * np.expm1(h)
        return -ends.alpha_next * np.expm1(-self._push * h)

    @property
    def _push(self) -> float:
        """How much stronger than in the ODE the prediction pulls: ``1 + tau^2``."""
        return 1 + self.tau**2
