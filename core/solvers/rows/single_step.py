"""DPM-Solver's single-step methods: exponential tableaux."""

from collections.abc import Callable

from core.solvers.base import Solver
from core.solvers.fast import Fast
from core.solvers.info import SolverOption
from core.solvers.register import register
from core.solvers.rows import peers
from core.solvers.single_step import ExponentialSingleStep, Stage, second_order, third_order

FAMILY = "Exponential single-step"
_DPM, _DPMPP = "Lu et al. 2022, arXiv 2206.00927", "Lu et al. 2022, arXiv 2211.01095"
_EPS_2S = (
    r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'(e^h-1)\left(\epsilon_0"
    r" + \tfrac{1}{2r_1}(\epsilon_1-\epsilon_0)\right),\quad \epsilon_1\ \text{at}\ \lambda + r_1h"
)
_X0_2S = (
    r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'(1-e^{-h})\left(D_0"
    r" + \tfrac{1}{2r_1}(D_1-D_0)\right),\quad D_1\ \text{at}\ \lambda + r_1h"
)
_EPS_3S = (
    r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'\left[(e^h-1)\,\epsilon_0"
    r" + \tfrac{3}{2}\left(\tfrac{e^h-1}{h}-1\right)(\epsilon_2-\epsilon_0)\right],"
    r"\quad \epsilon_2\ \text{at}\ \lambda+\tfrac23h"
)
_X0_3S = (
    r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'\left[(1-e^{-h})\,D_0"
    r" + \tfrac{3}{2}\left(\tfrac{e^{-h}-1}{h}+1\right)(D_2-D_0)\right],"
    r"\quad D_2\ \text{at}\ \lambda+\tfrac23h"
)
_TWO_THIRDS = "The second inner point must lie at 2/3 of the step: elsewhere this form has order 2."


def _inner(default: float) -> dict[str, SolverOption]:
    return {"r1": SolverOption(default, "Where the first inner point lies, as a share of the step.", (), 0.05, 1.0)}


def _build(prediction: str, stages: Callable[[float], tuple[Stage, ...]]) -> Callable[..., Solver]:
    return lambda r1: ExponentialSingleStep(prediction, stages(r1))


_PEERS = {
    "dpm-2s": (
        peers.dpm_solver("dpmsolver", 2, "singlestep_fixed"),
        peers.k_diffusion("dpm_2"),
        peers.sigmas_of_diffusers("KDPM2Discrete"),
    ),
    "dpm-3s": (peers.dpm_solver("dpmsolver", 3, "singlestep_fixed", steps=30),),
    "dpmpp-2s": (
        peers.dpm_solver("dpmsolver++", 2, "singlestep_fixed"),
        peers.k_diffusion("dpmpp_2s_ancestral", eta=0.0),
    ),
    "dpmpp-3s": (peers.dpm_solver("dpmsolver++", 3, "singlestep_fixed", steps=30),),
}

for name, title, prediction, order, stages, r1, description, formula, source, note in (
    (
        "dpm-2s",
        "DPM-Solver 2S",
        "eps",
        2,
        second_order,
        1 / 2,
        "Ask for the noise half a step ahead, then take the step with a line through both answers.",
        _EPS_2S,
        _DPM,
        "",
    ),
    (
        "dpm-3s",
        "DPM-Solver 3S",
        "eps",
        3,
        third_order,
        1 / 3,
        "Two inner points, each reached with what is known so far; the step uses the first and the last answer.",
        _EPS_3S,
        _DPM,
        _TWO_THIRDS,
    ),
    (
        "dpmpp-2s",
        "DPM-Solver++ 2S",
        "x0",
        2,
        second_order,
        1 / 2,
        "Ask for the clean data half a step ahead, then take the step with a line through both answers.",
        _X0_2S,
        _DPMPP,
        "",
    ),
    (
        "dpmpp-3s",
        "DPM-Solver++ 3S",
        "x0",
        3,
        third_order,
        1 / 3,
        "Two inner points in the clean-data form; the step uses the first and the last answer.",
        _X0_3S,
        _DPMPP,
        _TWO_THIRDS,
    ),
):
    register(
        name,
        title=title,
        family=FAMILY,
        order=order,
        claimed_order=order,
        nfe_per_step=order,
        description=description,
        formula=formula,
        source=source,
        note=note,
        build=_build(prediction, stages),
        options=_inner(r1),
        when="Where a step must stand on its own: restarts, inversion, a model that changes between steps.",
        cite=("lu2022dpm",) if prediction == "eps" else ("lu2022dpmpp",),
        peers=_PEERS[name],
    )

register(
    "dpm-fast",
    title="DPM-Solver-fast",
    family=FAMILY,
    order=3,
    claimed_order=3,
    nfe_per_step=1,
    description="Single steps of order 3, and of 2 and 1 for what is left: every evaluation of a budget is used.",
    formula=r"S = \{1,\ 2,\ 1 + 2\} + 3 + 3 + \dots + 3\ \text{evaluations}",
    source=_DPM,
    when="A budget of evaluations to be used to the last one, when no history can be kept.",
    cite=("lu2022dpm",),
    peers=peers.fast(),
    note="A step covers as many intervals of the grid as it spends evaluations. The authors take what is left over "
    "last, where a step of first order pulls the order down to 2.",
    build=lambda leftover: Fast("eps", leftover),
    options={
        "leftover": SolverOption(
            "first",
            "Where the steps of lower order are taken: first, in pure noise, or last, as published.",
            ("first", "last"),
        )
    },
)
