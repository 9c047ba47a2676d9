"""An exact model made wrong on purpose, by a known amount."""

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from core.language import mark, message
from core.models.base import Model
from core.noise import generator, normal

FEATURES = 128
FREQUENCY = 2.0  # radians a standard deviation of the data: bends of its own size, as a small network would have
DRIFT = 0.7  # radians a unit of lambda
LEVELS = np.linspace(-8.0, 8.0, 33)  # of lambda, at which the size of the error is made right
CALIBRATION = 1024  # particles

KINDS = {
    "field": mark("A smooth random field: right on average, wrong in every place, as a network that saw too little."),
    "eager": mark("Removes a fixed share too much noise in every place, as networks trained on the mean square do."),
}
WHERE = {
    "everywhere": mark("at every noise level"),
    "noise": mark("among the noise (λ below 0.5), where it is decided who goes where"),
    "data": mark("among the data (λ above 0.5), where the details come"),
}
BORDER, WIDTH = 0.5, 0.2  # of lambda


class PerturbedModel(Model):
    """``model`` with an error in v of a given size, the same at every noise level where it errs.

    With ``a = alpha/r``, ``s = sigma/r``, ``r^2 = alpha^2 + sigma^2`` and ``v = a eps - s x0``, an error ``e`` in v is
    ``a e`` in eps and ``-s e`` in x0: small in eps among the noise and small in x0 among the data, as the errors of
    trained networks are. (A network that predicts eps itself errs without bound in x0 at the noise end.)

    Parameters
    ----------
    model : exact; its samples set the size.
    size : root mean square of ``e`` over the numbers of a particle and over the exact marginal at any level; the data
        have numbers of size 1. At 0 the predictions are those of ``model``, bit for bit.
    kind : "field", a sum of random waves in ``u = x/r`` and lambda; or "eager", ``e`` along ``u`` itself, which takes
        more of the state for noise than there is.
    where : a key of ``WHERE``: the noise levels at which it errs; elsewhere it is exact, with a smooth passage.
    seed : of the field.

    Raises
    ------
    ValueError
        If the model is not exact, ``size`` is negative or not finite, or the kind or the place is unknown.
    """

    native = ("x0", "eps")

    def __init__(self, model: Model, size: float, kind: str = "field", where: str = "everywhere", seed: int = 0):
        if not (model.exact and set(self.native) <= set(model.native)):
            raise ValueError(message("only an exact model can be made wrong by a known amount"))
        if not (math.isfinite(size) and size >= 0):
            raise ValueError(f"the size of the error must be a number of at least 0, got {size}")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if where not in WHERE:
            raise ValueError(f"where must be one of {', '.join(WHERE)}, got {where!r}")
        self.model, self.size, self.kind, self.where, self.seed = model, float(size), kind, where, seed
        self.shape, self.evaluations = model.shape, model.evaluations
        numbers = math.prod(self.shape)
        draws = generator(seed, "perturbed")
        self._waves = torch.from_numpy(draws.standard_normal((numbers, FEATURES)) * FREQUENCY / math.sqrt(numbers))
        self._drift = torch.from_numpy(draws.standard_normal(FEATURES) * DRIFT)
        self._phase = torch.from_numpy(draws.uniform(0, 2 * math.pi, FEATURES))
        self._heights = torch.from_numpy(draws.standard_normal((FEATURES, numbers)) * math.sqrt(2 / FEATURES))
        self._cast: dict[torch.dtype, tuple[Tensor, ...]] = {}

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """The wrong "x0" or "eps" for particles (N, *shape); errors as of the exact model."""
        value = self.model.predict(x, alpha, sigma, kind)
        if self.size == 0:
            return value
        r = math.hypot(alpha, sigma)
        error = self.error(x, alpha, sigma)
        return value + (alpha / r if kind == "eps" else -sigma / r) * error

    def error(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """The error in v at particles (N, *shape), in their precision."""
        lam = min(max(math.log(alpha / sigma), LEVELS[0]), LEVELS[-1])
        scale = self.size * self.share(lam) / float(np.interp(lam, LEVELS, self._sizes))
        return scale * self._raw(x / math.hypot(alpha, sigma), lam)

    def share(self, lam: float) -> float:
        """How much of its size the error has at lambda: 1 where it errs, 0 where it is exact."""
        if self.where == "everywhere":
            return 1.0
        among_data = 0.5 * (1 + math.tanh(0.5 * (lam - BORDER) / WIDTH))
        return among_data if self.where == "data" else 1 - among_data

    def _raw(self, u: Tensor, lam: float) -> Tensor:
        if self.kind == "eager":
            return u
        waves, drift, phase, heights = self._parts(u.dtype)
        angle = u.flatten(1) @ waves
        return (angle.add_(drift * lam + phase).cos_() @ heights).reshape(u.shape)

    def _parts(self, dtype: torch.dtype) -> tuple[Tensor, ...]:
        if dtype not in self._cast:
            self._cast[dtype] = tuple(part.to(dtype) for part in (self._waves, self._drift, self._phase, self._heights))
        return self._cast[dtype]

    @cached_property
    def _sizes(self) -> np.ndarray:
        """RMS of the raw error over the exact marginal at each of ``LEVELS``."""
        data = self.model.sample(CALIBRATION, self.seed)
        noise = normal(self.seed, "perturbed size", shape=tuple(data.shape))
        found = []
        for lam in LEVELS:
            angle = math.atan(math.exp(-lam))
            u = math.cos(angle) * data + math.sin(angle) * noise
            found.append(float(self._raw(u, lam).square().mean().sqrt()))
        return np.array(found)
