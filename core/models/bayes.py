"""Exact classifiers of noisy particles: Bayes' rule on exact densities."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from core.models.base import Model
from core.models.predictions import convert

WAVES = 25.0  # radians a unit of a coordinate


class BayesClassifier:
    """``p_t(c | x) = w_c p_t(x | c) / sum_k w_k p_t(x | k)``, from the exact model of each class.

    Parameters
    ----------
    classes : exact models with a density (:class:`core.models.GaussianMixture`, :class:`core.models.EmpiricalData`).
    weights : share of each class in the data; equal if None.

    Raises
    ------
    ValueError
        If there are fewer than two classes, one is not exact, or the weights do not fit.
    """

    def __init__(self, classes: Sequence[Model], weights: Sequence[float] | None = None):
        if len(classes) < 2 or not all(model.exact for model in classes):
            raise ValueError("a classifier needs at least two classes, each with an exact density")
        weights = [1 / len(classes)] * len(classes) if weights is None else list(weights)
        if len(weights) != len(classes) or not all(weight > 0 for weight in weights):
            raise ValueError(f"{len(classes)} classes need as many positive weights, got {weights}")
        self.classes = tuple(classes)
        self.log_weights = [math.log(weight / sum(weights)) for weight in weights]

    def logits(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """``log w_k + log p_t(x | k)``, (N, K)."""
        columns = [
            model.log_density(x, alpha, sigma) + log_weight
            for model, log_weight in zip(self.classes, self.log_weights, strict=True)
        ]
        return torch.stack(columns, dim=1)

    def probabilities(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        """``p_t(k | x)``, (N, K)."""
        return self.logits(x, alpha, sigma).softmax(dim=1)

    def grad_log_prob(self, x: Tensor, alpha: float, sigma: float, label: int, temperature: float = 1.0) -> Tensor:
        """``grad_x log softmax(logits / temperature)[label]``, (N, *shape).

        The gradient of a class' logit is its score, so ``(s_c - sum_k p_k s_k) / temperature``.
        """
        shares = (self.logits(x, alpha, sigma) / temperature).softmax(dim=1)
        scores = [self._score(model, x, alpha, sigma) for model in self.classes]
        mean = torch.zeros_like(x)
        for share, score in zip(shares.unbind(1), scores, strict=True):
            mean += share.reshape(-1, *(1,) * (x.ndim - 1)) * score
        return (scores[label] - mean) / temperature

    @staticmethod
    def _score(model: Model, x: Tensor, alpha: float, sigma: float) -> Tensor:
        return convert(model.predict(x, alpha, sigma, "eps"), "eps", "score", x, alpha, sigma)


class RoughClassifier:
    """A classifier whose gradient has waves: each number times ``1 + roughness sin(25 y')``.

    ``y'`` is the next number of ``x / alpha``.
    Trained classifiers are rough in such a way; an exact one is smooth. Source: the experiment of Wizadwongsa and
    Suwajanakorn 2023 (arXiv 2301.11558) needs one to show what it claims.
    """

    def __init__(self, classifier, roughness: float):
        if not 0 <= roughness < 1:
            raise ValueError(f"roughness must be at least 0 and below 1, got {roughness}")
        self.classifier, self.roughness = classifier, float(roughness)

    def grad_log_prob(
        self, x: Tensor, alpha: float, sigma: float, label: int | Tensor, temperature: float = 1.0
    ) -> Tensor:
        """As of the classifier, with waves; (N, *shape)."""
        gradient = self.classifier.grad_log_prob(x, alpha, sigma, label, temperature)
        following = x.flatten(1).roll(-1, dims=1).reshape(x.shape)
        return gradient * (1 + self.roughness * torch.sin((WAVES / alpha) * following))
