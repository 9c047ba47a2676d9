"""Counting where it cannot be forgotten: at the model."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from core.models.base import BASE, PUSH, Model


class Evaluation(NamedTuple):
    """One query of a model and its answer."""

    x: Tensor
    alpha: float
    sigma: float
    kind: str
    value: Tensor


class CountedModel(Model):
    """A model that counts its evaluations (NFE) and keeps the newest query and the first since :meth:`mark`.

    Attributes
    ----------
    nfe : evaluations so far, each call counted ``model.cost`` times.
    levels : ``(alpha, sigma)`` of every call, in order.
    first : the first :class:`Evaluation` since :meth:`mark`, or None.
    latest : the most recent one, or None.
    watched : every query and its answer for the first particles, in order; empty unless asked for.

    Parameters
    ----------
    model : what is asked.
    interrupt : called before every evaluation; what it raises ends the run there, however long the step.
    watch : how many particles to keep the queries of.
    """

    def __init__(self, model: Model, interrupt: Callable[[], None] = lambda: None, watch: int = 0):
        self.model = model
        self.interrupt = interrupt
        self.watch = watch
        self.shape, self.native = model.shape, model.native
        self.evaluations, self.exact, self.splits = model.evaluations, model.exact, model.splits
        self.nfe = 0
        self.levels: list[tuple[float, float]] = []
        self.first: Evaluation | None = None
        self.latest: Evaluation | None = None
        self.watched: list[Evaluation] = []

    def mark(self) -> None:
        """Forget the first query: the next one takes its place."""
        self.first = None

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        self.interrupt()
        value = self.model.predict(x, alpha, sigma, kind)
        self.nfe += self.model.cost(alpha, sigma, kind)
        self.levels.append((alpha, sigma))
        if kind == PUSH:  # says nothing of x0 by itself
            return value
        self.latest = Evaluation(x, alpha, sigma, "eps" if kind == BASE else kind, value)
        self.first = self.first or self.latest
        if self.watch and kind != BASE:  # a part of eps alone does not say which way the ODE goes
            few = slice(self.watch)
            self.watched.append(Evaluation(x[few].clone(), alpha, sigma, kind, value[few].clone()))
        return value
