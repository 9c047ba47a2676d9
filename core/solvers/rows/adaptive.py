"""Solvers that choose their own steps."""

from collections.abc import Callable

from core.solvers import charts
from core.solvers.adaptive import ScipyAdaptive
from core.solvers.base import Solver
from core.solvers.info import SolverOption
from core.solvers.register import register

ADAPTIVE = "Adaptive"
_HAIRER = "Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I"


def _tolerance(default: float, low: float) -> SolverOption:
    return SolverOption(default, "Error allowed in each of the solver's own steps.", (), low, 1.0)


def _scipy(method: str, chart: charts.Chart) -> Callable[..., Solver]:
    return lambda rtol, atol: ScipyAdaptive(method, chart, rtol, atol)


register(
    "rk45",
    title="RK45 (SciPy)",
    family=ADAPTIVE,
    order=None,
    claimed_order=5,
    nfe_per_step=None,
    description="Dormand and Prince's pair in t: chooses its own steps to meet a tolerance.",
    formula=r"\|x^{(5)}-x^{(4)}\| \le atol + rtol\,|x|",
    source="Dormand and Prince 1980; used for sampling in Song et al. 2020, arXiv 2011.13456",
    build=_scipy("RK45", charts.TIME),
    when="Likelihoods and encodings, where a tolerance is worth more than a fixed cost.",
    cite=("dormand1980family", "song2020sde", "virtanen2020scipy"),
    options={"rtol": _tolerance(1e-5, 1e-13), "atol": _tolerance(1e-5, 1e-14)},
    adaptive=True,
)


def _reference(rtol: float, atol: float, variable: str) -> Solver:
    return ScipyAdaptive("DOP853", _REFERENCE_CHARTS[variable], rtol, atol)


_REFERENCE_CHARTS = {"normalised": charts.NORMALISED, "scaled": charts.SCALED}
register(
    "reference",
    title="Reference (DOP853)",
    family=ADAPTIVE,
    order=None,
    claimed_order=8,
    nfe_per_step=None,
    description="An order-8 method at tolerance 1e-12: the solution that errors are measured against.",
    formula=r"\frac{du}{d\lambda} = s^2u - s\,\epsilon_\theta,\quad u = \frac{x}{\sqrt{\alpha^2+\sigma^2}}",
    source=_HAIRER,
    build=_reference,
    when="As the solution to compare with; hundreds of evaluations.",
    cite=("hairer1993nonstiff", "virtanen2020scipy"),
    options={
        "rtol": _tolerance(1e-12, 1e-13),
        "atol": _tolerance(1e-12, 1e-14),
        "variable": SolverOption(
            "normalised",
            "State of the integration: x over the root of alpha^2 + sigma^2, or x over alpha.",
            tuple(_REFERENCE_CHARTS),
        ),
    },
    adaptive=True,
)
