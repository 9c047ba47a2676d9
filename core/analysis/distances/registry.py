"""The distances between samples and the exact distribution, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from core.analysis.distances.density import negative_log_likelihood
from core.analysis.distances.kernels import energy_distance, mmd_squared
from core.analysis.distances.modes import chi_square, chi_square_p_value
from core.analysis.distances.transport import sliced_wasserstein, wasserstein2
from core.problem import Problem
from core.registry import Registry


@dataclass(frozen=True)
class Distance:
    """One way to compare a sample with the exact distribution.

    Attributes
    ----------
    title : name on screen.
    description : what it sees and what it does not, in plain words.
    formula : LaTeX.
    source : where it comes from.
    function : ``(samples, exact_samples, problem, t) -> value`` on two (N, D) float64 tensors of one size.
    most : largest number of particles that it takes.
    unit : what its number is measured in.
    fresh : whether it compares with exact samples; if not, only with the exact density or the weights.
    signed : whether it can be negative; intervals of others end at 0.
    two_sided : whether values below the noise floor are wrong too.
    p_value : ``(value, N, problem) -> p`` where the law of exact samples' values is known.
    cite : keys of ``core.references`` whose arXiv numbers the source does not name.
    """

    title: str
    description: str
    formula: str
    source: str
    function: Callable[[Tensor, Tensor, Problem, float], float]
    most: int
    unit: str = "length"
    fresh: bool = True
    signed: bool = False
    two_sided: bool = False
    p_value: Callable[[float, int, Problem], float] | None = None
    cite: tuple[str, ...] = ()


DISTANCES: Registry[Distance] = Registry("distance")

DISTANCES.add(
    "wasserstein",
    Distance(
        title="2-Wasserstein, exact",
        description="How far particles must move, root mean square, to become exact samples under the best pairing. "
        "Sees every difference, in the unit of the picture; its floor falls slowly with the number of particles.",
        formula=r"W_2^2 = \min_\pi \frac{1}{N} \sum_i |x_i - y_{\pi(i)}|^2",
        source="Peyré and Cuturi 2019, arXiv 1803.00567",
        function=lambda samples, exact, problem, t: wasserstein2(samples, exact),
        most=3000,
    ),
)
DISTANCES.add(
    "sliced-wasserstein",
    Distance(
        title="Sliced Wasserstein",
        description="The same distance for the shadows on 256 lines, averaged. Cheap at any size; smaller than the "
        "exact one, and blind to differences that no line shows well.",
        formula=r"SW_2^2 = \mathbb{E}_\theta\, \frac{1}{N} \sum_i |(\theta\cdot x)_{(i)} - (\theta\cdot y)_{(i)}|^2",
        source="Bonneel, Rabin, Peyré and Pfister 2015",
        cite=("bonneel2015sliced",),
        function=lambda samples, exact, problem, t: sliced_wasserstein(samples, exact),
        most=100_000,
    ),
)
DISTANCES.add(
    "energy",
    Distance(
        title="Energy distance",
        description="How much farther apart particles and exact samples are than each are among themselves. "
        "No setting to choose; best at seeing wrong places and wrong shares.",
        formula=r"\sqrt{2\,\mathbb{E}|X-Y| - \mathbb{E}|X-X'| - \mathbb{E}|Y-Y'|}",
        source="Székely and Rizzo 2013",
        cite=("szekely2013energy",),
        function=lambda samples, exact, problem, t: energy_distance(samples, exact),
        most=10_000,
        unit="square root of length",
    ),
)
DISTANCES.add(
    "mmd",
    Distance(
        title="Squared MMD, Gaussian kernels",
        description="Difference of the two samples blurred at five widths, from a quarter of the median distance to "
        "four times it. Unbiased: for exact samples its mean is 0, and it can be negative.",
        formula=r"\mathrm{MMD}^2 = \mathbb{E}\,k(X,X') + \mathbb{E}\,k(Y,Y') - 2\,\mathbb{E}\,k(X,Y)",
        source="Gretton et al. 2012",
        cite=("gretton2012kernel",),
        function=lambda samples, exact, problem, t: mmd_squared(samples, exact),
        most=10_000,
        unit="none",
        signed=True,
    ),
)
DISTANCES.add(
    "modes",
    Distance(
        title="Mode occupancy, chi-square",
        description="Whether every component of the mixture has its share of the particles. Sees lost modes at once, "
        "and nothing of their shape. For exact samples the mean is about the number of modes less one.",
        formula=r"\chi^2 = \sum_k \frac{(n_k - N w_k)^2}{N w_k}",
        source="Pearson 1900",
        cite=("pearson1900criterion",),
        function=lambda samples, exact, problem, t: chi_square(samples, problem, t),
        most=100_000,
        unit="none",
        fresh=False,
        p_value=chi_square_p_value,
    ),
)
DISTANCES.add(
    "nll",
    Distance(
        title="Negative log-likelihood",
        description="How improbable the particles are under the exact density. Exact samples reach its entropy, the "
        "noise floor here; less means too close to the modes, more means too far out.",
        formula=r"-\frac{1}{N} \sum_i \log p_t(x_i), \qquad \mathbb{E}_{p_t}[-\log p_t] = H(p_t)",
        source="Theis, van den Oord and Bethge 2016, arXiv 1511.01844",
        function=lambda samples, exact, problem, t: negative_log_likelihood(samples, problem, t),
        most=100_000,
        unit="nats",
        fresh=False,
        signed=True,
        two_sided=True,
    ),
)
