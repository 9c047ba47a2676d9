"""The table of solvers. A new one is an entry here: a tableau, a row of the multistep table or a class of its own."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from core.solvers import charts, multistep
from core.solvers import runge_kutta as rk
from core.solvers.adaptive import ScipyAdaptive
from core.solvers.base import Solver
from core.solvers.info import SOLVERS, SolverInfo, SolverOption
from core.solvers.multistep import ExponentialMultistep
from core.solvers.one_step import OneStep, ancestral, euler_maruyama

IN_T = "Runge-Kutta in t"
IN_SIGMA = "Runge-Kutta in σ (EDM)"
MULTISTEP = "Exponential multistep"
ADAPTIVE = "Adaptive"
STOCHASTIC = "Stochastic"


def register(name: str, **facts: Any) -> None:
    """Add one solver to ``SOLVERS``."""
    SOLVERS.add(name, replace(SolverInfo(**facts), name=name))


# --- explicit Runge-Kutta: a tableau in a chart ---------------------------------------------------------------------

_HAIRER = "Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I"
_EDM = "Karras et al. 2022, arXiv 2206.00364"


def _runge_kutta(
    name: str,
    title: str,
    family: str,
    order: int,
    tableau: rk.Tableau,
    description: str,
    formula: str,
    source: str,
) -> None:
    chart = charts.TIME if family == IN_T else charts.RHO
    register(
        name,
        title=title,
        family=family,
        order=order,
        claimed_order=order,
        nfe_per_step=len(tableau.b),
        description=description,
        formula=formula,
        source=source,
        build=partial(rk.RungeKutta, tableau, chart),
    )


_EULER = r"u_{next} = u + h\,k_1,\quad k_1 = u'(u, \tau)"
_MIDPOINT = r"u_{next} = u + h\,k_2,\quad k_2 = u'(u+\tfrac h2 k_1, \tau+\tfrac h2)"
_HEUN = r"u_{next} = u + \tfrac h2 (k_1+k_2),\quad k_2 = u'(u+h k_1, \tau+h)"
for row in (
    ("euler", "Euler", IN_T, 1, rk.EULER, "Follow the slope at the start of the step.", _EULER, _HAIRER),
    ("midpoint", "Midpoint", IN_T, 2, rk.MIDPOINT, "Follow the slope half a step ahead.", _MIDPOINT, _HAIRER),
    ("heun", "Heun", IN_T, 2, rk.HEUN, "Average the slopes at both ends of the step.", _HEUN, _HAIRER),
    (
        "ralston",
        "Ralston",
        IN_T,
        2,
        rk.RALSTON,
        "Two slopes, placed to make the error bound smallest.",
        r"u_{next} = u + h(\tfrac14 k_1+\tfrac34 k_2),\quad k_2 = u'(u+\tfrac{2h}3 k_1, \tau+\tfrac{2h}3)",
        "Ralston 1962, Mathematics of Computation 16, 431",
    ),
    (
        "kutta3",
        "Kutta 3",
        IN_T,
        3,
        rk.KUTTA3,
        "Simpson's rule along the path: three slopes a step.",
        r"u_{next} = u + \tfrac h6(k_1+4k_2+k_3)",
        _HAIRER,
    ),
    (
        "rk4",
        "Runge-Kutta 4",
        IN_T,
        4,
        rk.RK4,
        "The classical method: four slopes a step.",
        r"u_{next} = u + \tfrac h6(k_1+2k_2+2k_3+k_4)",
        _HAIRER,
    ),
    (
        "edm-euler",
        "EDM Euler",
        IN_SIGMA,
        1,
        rk.EULER,
        "Euler on the scaled variable x/α in the noise level σ/α; the same numbers as DDIM.",
        r"y_{next} = y + (\rho_{next}-\rho)\,\epsilon_\theta,\quad y = x/\alpha,\ \rho=\sigma/\alpha",
        _EDM,
    ),
    (
        "edm-heun",
        "EDM Heun",
        IN_SIGMA,
        2,
        rk.HEUN,
        "Heun on the scaled variable x/α in the noise level: EDM's deterministic sampler.",
        r"y_{next} = y + \tfrac12(\rho_{next}-\rho)(\epsilon_\theta+\epsilon_\theta'),\quad y=x/\alpha",
        _EDM,
    ),
    (
        "edm-midpoint",
        "EDM midpoint",
        IN_SIGMA,
        2,
        rk.MIDPOINT,
        "Midpoint on the scaled variable x/α in the noise level.",
        r"y_{next} = y + (\rho_{next}-\rho)\,\epsilon_\theta(y_{mid},\rho_{mid})",
        _EDM,
    ),
):
    _runge_kutta(*row)


# --- exponential multistep: (prediction, variable, nodes, moment rules) ---------------------------------------------

_START = SolverOption(
    "ramp",
    "How the first steps are taken: a ramp of rising orders, as published, or a single-step method of full order.",
    multistep.STARTS,
)
_LOWER = SolverOption(False, "Finish with fewer past predictions: steadier when steps are few.", (False, True))
_HALF = (2, multistep.half_weight)


def _multistep(
    name: str,
    title: str,
    prediction: str,
    nodes: int,
    rules: tuple[tuple[int, multistep.MomentRule], ...],
    description: str,
    formula: str,
    source: str,
    order: int | None = None,
    note: str = "",
) -> None:
    register(
        name,
        title=title,
        family=MULTISTEP,
        order=order or nodes,
        claimed_order=nodes,
        nfe_per_step=1,
        description=description,
        formula=formula,
        source=source,
        build=partial(ExponentialMultistep, prediction, "lambda", nodes, rules),
        options={"start": _START, "lower_order_final": _LOWER} if nodes > 1 else {},
        note=note,
    )


_DPM, _DPMPP = "Lu et al. 2022, arXiv 2206.00927", "Lu et al. 2022, arXiv 2211.01095"
_MISSING_TWO = (
    "The published update divides the second difference by r0 + r1 without the factor 2 of a second derivative. "
    "Measured order: 2 instead of 3."
)
_PLUS_3M = (
    r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'\!\int_0^h e^{u-h}"
    r"\left(D_0 + D^{(1)}u + D^{(2)}\tfrac{u^2}{2}\right)du"
)
_EPS_3M = (
    r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'\!\int_0^h e^{h-u}"
    r"\left(\epsilon_0 + \epsilon^{(1)}u + \epsilon^{(2)}\tfrac{u^2}{2}\right)du"
)
for row in (
    (
        "ddim",
        "DDIM",
        "eps",
        1,
        (),
        "Keep the predicted noise constant over the step and solve the rest exactly.",
        r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'(e^h-1)\,\epsilon_\theta",
        "Song et al. 2020, arXiv 2010.02502",
    ),
    (
        "dpm-2m",
        "DPM-Solver 2M",
        "eps",
        2,
        (_HALF,),
        "Extrapolate the predicted noise by a line through its last two values.",
        r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'(e^h-1)"
        r"\left(\epsilon_0+\tfrac{h}{2h_{-1}}(\epsilon_0-\epsilon_{-1})\right)",
        _DPM,
    ),
    (
        "dpm-3m",
        "DPM-Solver 3M",
        "eps",
        3,
        (_HALF,),
        "Extrapolate the predicted noise by a parabola through its last three values.",
        _EPS_3M,
        _DPM,
    ),
    (
        "dpm-3m-as-published",
        "DPM-Solver 3M as published",
        "eps",
        3,
        (_HALF, (3, multistep.half_second_moment)),
        "The three-value extrapolation with the second difference of the public code.",
        _EPS_3M.replace(r"\tfrac{u^2}{2}", r"\tfrac{u^2}{4}"),
        _DPM,
        2,
        _MISSING_TWO,
    ),
    (
        "dpmpp-2m",
        "DPM-Solver++ 2M",
        "x0",
        2,
        (_HALF,),
        "Extrapolate the predicted clean data by a line through its last two values.",
        r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'(1-e^{-h})\left(D_0+\tfrac{h}{2h_{-1}}(D_0-D_{-1})\right)",
        _DPMPP,
    ),
    (
        "dpmpp-3m",
        "DPM-Solver++ 3M",
        "x0",
        3,
        (_HALF,),
        "Extrapolate the predicted clean data by a parabola through its last three values.",
        _PLUS_3M,
        _DPMPP,
    ),
    (
        "dpmpp-3m-as-published",
        "DPM-Solver++ 3M as published",
        "x0",
        3,
        (_HALF, (3, multistep.half_second_moment)),
        "The three-value extrapolation with the second difference of the public code.",
        _PLUS_3M.replace(r"\tfrac{u^2}{2}", r"\tfrac{u^2}{4}"),
        _DPMPP,
        2,
        _MISSING_TWO,
    ),
):
    _multistep(*row)


# --- adaptive -------------------------------------------------------------------------------------------------------


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


# --- stochastic -----------------------------------------------------------------------------------------------------

register(
    "euler-maruyama",
    title="Euler-Maruyama",
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    nfe_per_step=1,
    description="Euler's step of the reverse SDE: follow the drift, then add noise.",
    formula=r"x_{next} = x + \left[f x + \tfrac{1+\eta^2}{2}\tfrac{g^2}{\sigma}\epsilon_\theta\right]dt"
    r" + \eta g\,\Delta w",
    source="Song et al. 2020, arXiv 2011.13456",
    build=lambda eta: OneStep(euler_maruyama, eta),
    options={"eta": SolverOption(1.0, "Noise level: 0 is the ODE, 1 the reverse SDE.", (), 0.0, 3.0)},
    stochastic=True,
)
register(
    "ddpm",
    title="DDPM ancestral",
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    nfe_per_step=1,
    description="Draw each step from the Gaussian that leads from x towards the predicted clean data.",
    formula=r"x_{next} \sim \mathcal N\left(\tfrac{\alpha' b}{\sigma^2}\hat x_0 + \tfrac{a\sigma'^2}{\sigma^2}x,\ "
    r"\tfrac{b\,\sigma'^2}{\sigma^2}\right),\quad a=\tfrac{\alpha}{\alpha'},\ b=\sigma^2-a^2\sigma'^2",
    source="Ho et al. 2020, arXiv 2006.11239",
    build=lambda variance: OneStep(ancestral, variance, kind="x0"),
    options={
        "variance": SolverOption(
            "small",
            "Variance of the step: exact for a single point (small) or for N(0, I) (large).",
            ("small", "large"),
        )
    },
    stochastic=True,
)
