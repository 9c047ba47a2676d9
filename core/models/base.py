"""What a solver may ask of a model."""

from abc import ABC, abstractmethod

import torch

BASE, PUSH = "base", "push"  # what a model that splits also predicts


class Model(ABC):
    """A predictor of the clean data, or of the noise, in ``x = alpha x0 + sigma eps``.

    A model is asked by ``(x, alpha, sigma)`` and never by a time, so that any model can be used under any noise
    schedule. Learned models map ``lambda = log(alpha / sigma)`` to the time they were trained with.

    Attributes
    ----------
    shape : shape of one particle, such as ``(2,)`` or ``(3, 32, 32)``.
    native : the predictions that ``predict`` computes directly, the preferred one first. Others are converted
        by :class:`core.problem.Problem`. Exact models offer both ``"x0"`` and ``"eps"``, because converting
        one into the other cancels digits at one end of the schedule.
    evaluations : how many network evaluations one call costs (guidance runs two).
    exact : True when the prediction is the exact posterior mean of a known data distribution.
    splits : True when it also predicts :data:`BASE` and :data:`PUSH`, two parts of eps that add up to it.
    """

    shape: tuple[int, ...]
    native: tuple[str, ...]
    evaluations: int = 1
    exact: bool = False
    splits: bool = False

    def cost(self, alpha: float, sigma: float, kind: str) -> int:
        """How many network evaluations one call of :meth:`predict` with these arguments costs."""
        return self.evaluations

    @abstractmethod
    def predict(self, x: torch.Tensor, alpha: float, sigma: float, kind: str) -> torch.Tensor:
        """Predict ``kind`` (one of ``native``) for particles ``x`` of shape ``(N, *shape)``.

        ``alpha >= 0`` and ``sigma > 0`` are Python floats. The result has the shape, dtype and device of ``x``.
        """
