"""Solvers that choose their own steps."""

from collections.abc import Callable

from core.solvers import charts
from core.solvers.adaptive import ScipyAdaptive
from core.solvers.base import Solver
from core.solvers.control import Controller
from core.solvers.embedded import DormandPrince, ExponentialPair
from core.solvers.info import Peer, SolverOption
from core.solvers.register import register
from core.solvers.rows import peers
from core.solvers.single_step import Stage, second_order, third_order
from core.solvers.stepping import Adaptive

ADAPTIVE = "Adaptive"
_HAIRER = "Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I"


def _peers(prediction: str, order: int) -> tuple[Peer, ...]:
    algorithm = "dpmsolver" if prediction == "eps" else "dpmsolver++"
    theirs = peers.dpm_solver(algorithm, order, "adaptive", "It ends within 1e-5 of the last time instead of there.")
    return (theirs, peers.k_diffusion("dpm_adaptive", order=order)) if prediction == "eps" else (theirs,)


_PAIRED = Controller(0.0, 1.0, 0.0, lowest=0.0, highest=1e6)  # as published: no bound on the change of a step


def _tolerance(default: float, low: float) -> SolverOption:
    return SolverOption(default, "Error allowed in each of the solver's own steps.", (), low, 1.0)


def _bounds(unit: str) -> dict[str, SolverOption]:
    return {
        "h_min": SolverOption(0.0, f"Shortest step in {unit}; a run that needs shorter ones stops.", (), 0.0, 10.0),
        "h_max": SolverOption(1e3, f"Longest step in {unit}.", (), 1e-6, 1e3),
    }


def _part(default: float, what: str) -> SolverOption:
    return SolverOption(default, f"{what} part of the step control (PID).", (), 0.0, 1.0)


def _rk45(pcoeff: float, icoeff: float, dcoeff: float, **settings: float) -> Solver:
    return Adaptive(DormandPrince(), Controller(pcoeff, icoeff, dcoeff), **settings)


register(
    "rk45",
    title="RK45",
    family=ADAPTIVE,
    order=None,
    claimed_order=5,
    nfe_per_step=None,
    description="Dormand and Prince's pair in t: chooses its own steps to meet a tolerance, steered by a PID control.",
    formula=r"\|x^{(5)}-x^{(4)}\| \le atol + rtol\,|x|,\quad h_{next} = 0.9\,h\,"
    r"e_0^{-(p+i+d)/5}\,e_{-1}^{(p+2d)/5}\,e_{-2}^{-d/5}",
    source="Dormand and Prince 1980; used for sampling in Song et al. 2020, arXiv 2011.13456",
    build=_rk45,
    when="Likelihoods and encodings, where a tolerance is worth more than a fixed cost.",
    cite=("dormand1980family", "soderlind2003filters", "song2020sde", "virtanen2020scipy"),
    options={
        "rtol": _tolerance(1e-5, 1e-13),
        "atol": _tolerance(1e-5, 1e-14),
        "pcoeff": _part(0.2, "Proportional"),
        "icoeff": _part(0.4, "Integral"),
        "dcoeff": _part(0.1, "Differential"),
        **_bounds("t"),
    },
    adaptive=True,
    note="With p = d = 0 and i = 1 the control of the textbooks.",
)


def _dpm_pair(prediction: str, order: int) -> Callable[..., Solver]:
    high = {2: second_order(1 / 2), 3: third_order(1 / 3)}[order]
    low = {2: (Stage(1.0, (0,)),), 3: second_order(1 / 3)}[order]

    def build(h_start: float, **settings: float) -> Solver:
        return Adaptive(ExponentialPair(prediction, high, low, h_start), _PAIRED, **settings)

    return build


for name, title, prediction, order, words, source, cited in (
    ("dpm-12-adaptive", "DPM-Solver-12 adaptive", "eps", 2, "DDIM inside DPM-Solver-2", "2206.00927", "lu2022dpm"),
    (
        "dpm-23-adaptive",
        "DPM-Solver-23 adaptive",
        "eps",
        3,
        "DPM-Solver-2 inside DPM-Solver-3",
        "2206.00927",
        "lu2022dpm",
    ),
    (
        "dpmpp-23-adaptive",
        "DPM-Solver++ 23 adaptive",
        "x0",
        3,
        "DPM-Solver++ 2S inside 3S",
        "2211.01095",
        "lu2022dpmpp",
    ),
):
    register(
        name,
        title=title,
        family=ADAPTIVE,
        order=None,
        claimed_order=order,
        nfe_per_step=None,
        description=f"{words}: their difference sets the next step in λ.",
        formula=r"E = \max_n \mathrm{RMS}\,\frac{x^{hi}-x^{lo}}{\max(atol,\ rtol\max(|x^{lo}|,|x^{lo}_{prev}|))},"
        rf"\quad h_{{next}} = 0.9\,h\,E^{{-1/{order}}}",
        source=f"Lu et al. 2022, arXiv {source}",
        build=_dpm_pair(prediction, order),
        when="When the tolerance of an image (half a grey level) is known better than a step count.",
        cite=(cited,),
        peers=_peers(prediction, order),
        options={
            "rtol": _tolerance(0.05, 1e-10),
            "atol": _tolerance(0.0078, 1e-12),
            "h_start": SolverOption(0.05, "Length of the first step in λ.", (), 1e-6, 10.0),
            **_bounds("λ"),
        },
        adaptive=True,
        note="The worst particle of the batch decides, so its neighbours share its steps. Rejected steps cost as much.",
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
