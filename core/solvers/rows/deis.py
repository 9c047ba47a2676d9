"""DEIS: polynomials in t and in rho, and Runge-Kutta in rho."""

from functools import partial

from core.solvers import charts
from core.solvers import runge_kutta as rk
from core.solvers.integrals import Kernel, left_sum
from core.solvers.multistep import ExponentialMultistep
from core.solvers.register import register
from core.solvers.rows import peers
from core.solvers.rows.table import multistep

FAMILY = "DEIS"
_SOURCE = "Zhang and Chen 2022, arXiv 2204.13902"
_DEGREE = {1: "a line through its last two values", 2: "a parabola through its last three", 3: "a cubic through four"}
_WHEN = {
    1: "Ten to thirty steps at one evaluation a step, for models that predict noise.",
    2: "Ten steps and more, where noise predictions are smooth.",
    3: "Twenty steps and more on smooth problems; at fewer its large weights of both signs magnify what is wrong.",
}
_IN_LAMBDA = "Its polynomial runs in λ and not in t: the same order with other weights, so the ends differ."
_TAB = r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'\sum_j \epsilon_{-j}\int_0^h e^{h-u}\,\ell_j(%s)\,du"

for degree, words in _DEGREE.items():
    multistep(
        f"deis-tab-{degree}",
        ExponentialMultistep(Kernel("eps", "t"), degree + 1),
        claimed=degree + 1,
        title=f"DEIS tAB{degree}",
        family=FAMILY,
        description=f"Extrapolate the predicted noise in time, by {words}, and integrate that exactly.",
        formula=_TAB % "t(u)",
        source=_SOURCE,
        kernels={"gauss": Kernel("eps", "t"), "left-sum": Kernel("eps", "t", left_sum)},
        note="The public code sums the integrals of its weights from 10,000 left ends, which is off by a "
        "ten-thousandth of the step: an error of first order, which takes over once the polynomial is more exact "
        "(quadrature = left-sum).",
        when=_WHEN[degree],
        cite=("zhang2022deis",),
        peers=(peers.diffusers_deis(degree + 1, _IN_LAMBDA),) if degree < 3 else (),
    )
for degree, words in _DEGREE.items():
    multistep(
        f"deis-rhoab-{degree}",
        ExponentialMultistep(Kernel("eps", "rho"), degree + 1),
        claimed=degree + 1,
        title=f"DEIS ρAB{degree}",
        family=FAMILY,
        description=f"Extrapolate the predicted noise in σ/α, by {words}: Adams and Bashforth with uneven steps.",
        formula=r"y_{next} = y + \sum_j \epsilon_{-j}\int_\rho^{\rho'} \ell_j(r)\,dr,\quad y = x/\alpha",
        source=_SOURCE,
        when=_WHEN[degree],
        cite=("zhang2022deis",),
        peers=peers.lms(degree + 1),
    )
for order, tableau, method in (
    (2, rk.HEUN, "Heun's method"),
    (3, rk.KUTTA3, "Kutta's third-order method"),
    (4, rk.RK4, "the classical Runge-Kutta method"),
):
    register(
        f"deis-rhork-{order}",
        title=f"DEIS ρRK{order}",
        family=FAMILY,
        order=order,
        claimed_order=order,
        nfe_per_step=order,
        description=f"Solve dy/dρ = ε with {method}.",
        formula=r"\frac{dy}{d\rho} = \epsilon_\theta,\quad y = x/\alpha,\ \rho = \sigma/\alpha",
        source=_SOURCE,
        build=partial(rk.RungeKutta, tableau, charts.RHO, "eps"),
        note="The same numbers as EDM Heun." if order == 2 else "",
        when="Where a step must stand on its own: restarts, guidance that changes, a model that is swapped on the way.",
        cite=("zhang2022deis",),
        peers=(peers.k_diffusion("heun"), peers.sigmas_of_diffusers("HeunDiscrete")) if order == 2 else (),
    )
