"""Guidance: a model pushed towards a class, as one more model that any solver can query."""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from core.language import lowered, message
from core.models.base import BASE, PUSH, Model
from core.models.bayes import RoughClassifier
from core.models.predictions import convert
from core.options import Option
from core.registry import Registry

EVERYWHERE = 20.0  # beyond every schedule's range of lambda
WITHOUT, WITH = "unconditional", "conditional"
LEAST_NUMBERS = 16  # of a particle, for its contrast to be measured


class Classifier(Protocol):
    """What tells classes apart in noise."""

    def grad_log_prob(
        self, x: Tensor, alpha: float, sigma: float, label: int | Tensor, temperature: float = 1.0
    ) -> Tensor:
        """Gradient in ``x`` (N, *shape) of log softmax(logits / temperature) at ``label``; shape and dtype of ``x``."""


class Guided(Model):
    """A model that is ``base + push``: what it predicts without the class, and what the class adds.

    Besides its own predictions it answers :data:`BASE` and :data:`PUSH`, both in units of eps, for solvers that treat
    the two apart.

    Attributes
    ----------
    scale : strength s of the guidance where it acts; 1 is the plain model of the class, where the base knows none.
    low, high : range of lambda in which it acts.
    """

    splits = True

    def __init__(self, scale: float, low: float, high: float):
        if not (math.isfinite(scale) and scale >= 0):
            raise ValueError(message("the scale of guidance must be a number of at least 0, got {scale}", scale=scale))
        if not low < high:
            raise ValueError(
                message(
                    "guidance must act on a range of lambda, from low to high; got {low:g} to {high:g}",
                    low=low,
                    high=high,
                )
            )
        self.scale, self.low, self.high = float(scale), float(low), float(high)

    def acts(self, alpha: float, sigma: float) -> bool:
        """Whether lambda lies in the range where guidance acts."""
        lam = math.log(alpha / sigma) if alpha > 0 else -math.inf
        return self.low <= lam <= self.high

    def predict(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        """``kind`` under guidance: one of ``native``, or :data:`BASE` or :data:`PUSH` (in units of eps)."""
        if kind == BASE:
            return _ask(self.unguided, x, alpha, sigma, "eps")
        if kind == PUSH:
            return self._push(x, alpha, sigma)
        if kind not in self.native:
            raise ValueError(
                message("this guided model predicts {names}, not {kind}", names=", ".join(self.native), kind=kind)
            )
        return self._whole(x, alpha, sigma, kind)

    @property
    @abstractmethod
    def unguided(self) -> Model:
        """The model behind :data:`BASE`."""

    @abstractmethod
    def _whole(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor: ...

    @abstractmethod
    def _push(self, x: Tensor, alpha: float, sigma: float) -> Tensor: ...


class ClassifierFree(Guided):
    """``u + s (c - u)`` of the predictions ``u`` without and ``c`` with the class; the same for eps, x0 and v.

    Outside the range it is ``c`` alone, in one evaluation. ``rescale`` phi mixes in the prediction whose spread over
    each particle is that of ``c``: ``(1 - phi) g + phi g std(c) / std(g)``, in the model's own prediction.

    Parameters
    ----------
    unconditional, conditional : the models ``u`` and ``c``; the same shape and predictions.
    scale : s; 0 is ``u``, 1 is ``c``. With Ho and Salimans' w, s = 1 + w.
    rescale : phi, 0 to 1.
    low, high : range of lambda.

    Raises
    ------
    ValueError
        If the two models differ in shape, a number is out of range, or ``rescale`` is asked for particles of too few
        numbers to have a contrast.

    Source: Ho and Salimans 2022 (arXiv 2207.12598), eq. 6; Kynkaanniemi et al. 2024 (arXiv 2404.07724) for the range;
    Lin et al. 2023 (arXiv 2305.08891), section 3.4, for the rescaling.
    """

    def __init__(
        self,
        unconditional: Model,
        conditional: Model,
        *,
        scale: float = 3.0,
        rescale: float = 0.0,
        low: float = -EVERYWHERE,
        high: float = EVERYWHERE,
    ):
        super().__init__(scale, low, high)
        if unconditional.shape != conditional.shape:
            raise ValueError(f"the two models must agree in shape, got {unconditional.shape} and {conditional.shape}")
        if not 0 <= rescale <= 1:
            raise ValueError(message("rescale must lie between 0 and 1, got {rescale}", rescale=rescale))
        if rescale and math.prod(conditional.shape) < LEAST_NUMBERS:
            numbers = math.prod(conditional.shape)
            raise ValueError(
                message(
                    "rescale compares the contrast of images; particles of {numbers} numbers have none", numbers=numbers
                )
            )
        self.unconditional, self.conditional, self.rescale = unconditional, conditional, rescale
        self.shape, self.native = conditional.shape, conditional.native

    @property
    def unguided(self) -> Model:
        return self.unconditional

    def cost(self, alpha: float, sigma: float, kind: str) -> int:
        """One evaluation without guidance, two with it."""
        return 2 if kind == PUSH or (kind != BASE and self.acts(alpha, sigma)) else 1

    def _whole(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        if not self.acts(alpha, sigma):
            return self.conditional.predict(x, alpha, sigma, kind)
        asked = self.native[0] if self.rescale else kind
        with_class = self.conditional.predict(x, alpha, sigma, asked)
        without = self.unconditional.predict(x, alpha, sigma, asked)
        guided = torch.lerp(without, with_class, self.scale)
        if not self.rescale:
            return guided
        shrunk = guided * (_spread(with_class) / _spread(guided))
        return convert(torch.lerp(guided, shrunk, self.rescale), asked, kind, x, alpha, sigma)

    def _push(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        kind = "eps" if "eps" in self.native else self.native[0]
        whole = convert(self._whole(x, alpha, sigma, kind), kind, "eps", x, alpha, sigma)
        return whole - _ask(self.unconditional, x, alpha, sigma, "eps")


class ClassifierGuided(Guided):
    """``eps - s sigma grad log p(c | x)``, with the gradient of a classifier of noisy particles.

    On a base without the class and with the exact classifier, s = 1 is the exact model of the class; outside the range
    of lambda it stays at 1 there, and at 0 on a base that knows the class.

    Parameters
    ----------
    base : what is guided.
    classifier : see :class:`Classifier`.
    label : the class.
    scale : s.
    temperature : tau, by which logits are divided; below 1 the classifier is surer.
    knows_class : whether ``base`` is the model of the class already.
    roughness : 0 to below 1; see :class:`core.models.bayes.RoughClassifier`.
    low, high : range of lambda.

    Raises
    ------
    ValueError
        If a number is out of range.

    Source: Dhariwal and Nichol 2021 (arXiv 2105.05233), section 4.2.
    """

    def __init__(
        self,
        base: Model,
        classifier: Classifier,
        label: int,
        *,
        scale: float = 3.0,
        temperature: float = 1.0,
        knows_class: bool = False,
        roughness: float = 0.0,
        low: float = -EVERYWHERE,
        high: float = EVERYWHERE,
    ):
        super().__init__(scale, low, high)
        if not temperature > 0:
            raise ValueError(message("the temperature must be above 0, got {temperature}", temperature=temperature))
        self.base, self.label, self.temperature = base, label, float(temperature)
        self.classifier = RoughClassifier(classifier, roughness) if roughness else classifier
        self.outside = 0.0 if knows_class else 1.0
        self.shape = base.shape
        self.native = base.native if set(base.native) <= {"x0", "eps"} else ("eps",)

    @property
    def unguided(self) -> Model:
        return self.base

    def cost(self, alpha: float, sigma: float, kind: str) -> int:
        """The base is one evaluation, the classifier another wherever it has a say."""
        asked = self._strength(alpha, sigma) != 0
        return {BASE: 1, PUSH: int(asked)}.get(kind, 1 + asked)

    def _strength(self, alpha: float, sigma: float) -> float:
        return self.scale if self.acts(alpha, sigma) else self.outside

    def _whole(self, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
        push = self._push(x, alpha, sigma)
        # at equal x a change of eps by p is one of x0 by -p sigma / alpha
        return _ask(self.base, x, alpha, sigma, kind) + (push if kind == "eps" else push * (-sigma / alpha))

    def _push(self, x: Tensor, alpha: float, sigma: float) -> Tensor:
        strength = self._strength(alpha, sigma)
        if strength == 0:
            return torch.zeros_like(x)
        gradient = self.classifier.grad_log_prob(x, alpha, sigma, self.label, self.temperature)
        return gradient * (-strength * sigma)


def _ask(model: Model, x: Tensor, alpha: float, sigma: float, kind: str) -> Tensor:
    given = kind if kind in model.native else model.native[0]
    return convert(model.predict(x, alpha, sigma, given), given, kind, x, alpha, sigma)


def _spread(values: Tensor) -> Tensor:
    """Standard deviation of each particle's numbers, (N, 1, ...)."""
    return values.flatten(1).std(dim=1).reshape(-1, *(1,) * (values.ndim - 1))


@dataclass(frozen=True)
class Family:
    """The models of one labelled data set.

    Attributes
    ----------
    of_label : ``label or None -> Model``; None is without a class, and None as the answer says that there is no such.
    classifier : makes the classifier, or raises ``ValueError`` where there is none.
    """

    of_label: Callable[[int | None], Model | None]
    classifier: Callable[[], Classifier]


@dataclass(frozen=True)
class GuidanceInfo:
    """A kind of guidance: ``build(family, label, **options) -> Guided``."""

    title: str
    description: str
    formula: str
    source: str
    options: dict[str, Option]
    build: Callable[..., Guided]
    cite: tuple[str, ...] = ()

    def make(self, family: Family, label: int, **options: Any) -> Guided:
        """The guided model; unknown options and values out of range raise ``ValueError``."""
        return self.build(family, label, **self.values(options))

    def values(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Every option, as given or at its default; ``ValueError`` on an unknown one or a value out of range."""
        unknown = sorted(set(options) - set(self.options))
        if unknown:
            known = ", ".join(self.options)
            raise ValueError(
                message(
                    "{kind} guidance has no option {unknown}; its options: {known}",
                    kind=lowered(self.title),
                    unknown=repr(unknown[0]),
                    known=known,
                )
            )
        defaults = {key: option.default for key, option in self.options.items()}
        return defaults | {key: self.options[key].check(key, value) for key, value in options.items()}


def _free(family: Family, label: int, **options: Any) -> Guided:
    unconditional, conditional = family.of_label(None), family.of_label(label)
    if unconditional is None or conditional is None:
        raise ValueError(
            message("this network has not learned to work without a class; use the guidance of a classifier")
            if unconditional is None
            else message("this network has not learned to work with a class; use the guidance of a classifier")
        )
    return ClassifierFree(unconditional, conditional, **options)


def _by_classifier(family: Family, label: int, on: str, **options: Any) -> Guided:
    knows = on == WITH
    base = family.of_label(label if knows else None)
    if base is None:
        other = WITHOUT if knows else WITH
        raise ValueError(
            message(
                "this network is no {on} model; let the classifier act on the {other} one",
                on=message(on),
                other=message(other),
            )
        )
    return ClassifierGuided(base, family.classifier(), label, knows_class=knows, **options)


def _number(default: float, low: float, high: float, title: str, symbol: str, text: str) -> Option:
    return Option(default, text, low=low, high=high, title=title, symbol=symbol)


_SCALE = _number(
    3.0, 0.0, 100.0, "Guidance scale s", "s", "Strength: 0 without the class, 1 the plain class, more overshoots."
)
_RANGE = {
    "low": _number(-EVERYWHERE, -EVERYWHERE, EVERYWHERE, "Acts from λ", "λ from", "Guidance acts from this λ on."),
    "high": _number(EVERYWHERE, -EVERYWHERE, EVERYWHERE, "Acts up to λ", "λ to", "Guidance acts up to this λ."),
}

GUIDANCE: Registry[GuidanceInfo] = Registry("guidance")
GUIDANCE.add(
    "classifier-free",
    GuidanceInfo(
        "Classifier-free",
        "Go further in the direction in which knowing the class changes the prediction.",
        r"\hat\varepsilon = \varepsilon(x) + s\,\bigl(\varepsilon(x, c) - \varepsilon(x)\bigr)",
        "Ho and Salimans 2022, arXiv 2207.12598; range: Kynkäänniemi et al. 2024, arXiv 2404.07724; rescaling: Lin et "
        "al. 2023, arXiv 2305.08891",
        {
            "scale": _SCALE,
            "rescale": _number(0.0, 0.0, 1.0, "Rescale φ", "φ", "Give images back the contrast of the plain class."),
            **_RANGE,
        },
        _free,
        ("ho2022cfg", "kynkaanniemi2024interval", "lin2023flawed"),
    ),
)
GUIDANCE.add(
    "classifier",
    GuidanceInfo(
        "Classifier",
        "Climb the log-probability that a classifier of noisy particles gives to the class.",
        r"\hat\varepsilon = \varepsilon - s\,\sigma_t\,\nabla_x \log p_t(c \mid x)",
        "Dhariwal and Nichol 2021, arXiv 2105.05233",
        {
            "scale": _SCALE,
            "temperature": _number(1.0, 0.05, 20.0, "Temperature τ", "τ", "Logits are divided by it: below 1, surer."),
            "on": Option(
                WITHOUT,
                "What the classifier pushes: the model without the class, or the one that knows it already.",
                choices=(WITHOUT, WITH),
                title="On top of the model",
            ),
            "roughness": _number(
                0.0, 0.0, 0.95, "Roughness", "rough", "Waves in the gradient, as those of a trained classifier have."
            ),
            **_RANGE,
        },
        _by_classifier,
        ("dhariwal2021adm",),
    ),
)
