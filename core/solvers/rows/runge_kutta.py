"""Explicit Runge-Kutta methods: a tableau in a chart."""

from functools import partial

from core.solvers import charts
from core.solvers import runge_kutta as rk
from core.solvers.info import Peer
from core.solvers.register import register
from core.solvers.rows import peers

IN_T = "Runge-Kutta in t"
IN_SIGMA = "Runge-Kutta in σ (EDM)"
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
        when=_WHEN[order] if family == IN_T else _WHEN_IN_SIGMA[order],
        cite=_CITE.get(name, ("hairer1993nonstiff",)),
        peers=_PEERS.get(name, ()),
    )


_WHEN = {
    1: "To see what goes wrong without any knowledge of the equation; hundreds of steps.",
    2: "Problems that are smooth in t, such as straight flows; near the data of VP schedules steps must be short.",
    3: "Smooth problems, fifty evaluations and more.",
    4: "Smooth problems at high accuracy, a hundred evaluations and more.",
}
_WHEN_IN_SIGMA = {
    1: "The plain choice for models trained on noise levels; the same numbers as DDIM.",
    2: "Thirty evaluations and more on EDM's grid, where robustness counts more than the last digit.",
}
_CITE = {
    "ralston": ("ralston1962error", "hairer1993nonstiff"),
    "edm-euler": ("karras2022edm",),
    "edm-heun": ("karras2022edm",),
    "edm-midpoint": ("karras2022edm", "hairer1993nonstiff"),
}
_LOG_MIDDLE = (
    "Its middle lies half way in log σ instead of in σ, so the ends differ: those of DPM-Solver 2S are its own."
)
_PEERS: dict[str, tuple[Peer, ...]] = {
    "edm-euler": (peers.k_diffusion("euler"), peers.sigmas_of_diffusers("EulerDiscrete")),
    "edm-heun": (peers.k_diffusion("heun"), peers.sigmas_of_diffusers("HeunDiscrete")),
    "edm-midpoint": (peers.k_diffusion("dpm_2", f"{peers.ENDS_CLEAN} {_LOG_MIDDLE}"),),
}

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
