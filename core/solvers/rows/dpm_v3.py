"""DPM-Solver-v3 in its three orders."""

from core.solvers.base import Solver
from core.solvers.dpm_v3 import DPMSolverV3
from core.solvers.info import SolverOption
from core.solvers.register import register
from core.solvers.rows.table import LOWER, PREDICTION, START

_CORRECTOR = SolverOption(
    False,
    "Take each step again with the prediction at its end among the past ones; it serves the next step as well.",
    (False, True),
)
_ASKED = SolverOption(
    PREDICTION.default, "What the model is asked for; the numbers differ by rounding alone.", PREDICTION.choices
)
_USED = {1: "its last value", 2: "a line through its last two values", 3: "a parabola through its last three values"}


def _row(nodes: int) -> None:
    def build(**options: object) -> Solver:
        return DPMSolverV3(nodes, **options)

    multistep = {"corrector": _CORRECTOR, "start": START, "lower_order_final": LOWER}
    register(
        f"dpm-v3-{nodes}",
        title=f"DPM-Solver-v3 of order {nodes}",
        family="DPM-Solver-v3",
        order=nodes,
        claimed_order=nodes,
        nfe_per_step=1,
        description="Blend predicted noise and clean data, in every dimension and at every noise level, into what "
        f"changes least along exact paths, and extrapolate that by {_USED[nodes]}.",
        formula=r"u_{next} = e^{-\int l}u - \int e^{-\int_\lambda l}\,c\,g\,d\lambda,\quad "
        r"g=\tfrac{1}{c}\left(\tfrac{\sigma}{\alpha}\epsilon_\theta-l\,u\right),\ u=\tfrac{x}{\alpha}-m,\ "
        r"l=\mathbb{E}[\epsilon_\theta^2]",
        source="Zheng et al. 2023, arXiv 2310.13268",
        note="Needs exact data: its statistics are expectations over the density at every noise level. They are "
        "computed once for a model, with 129 evaluations of 64 to 2048 particles that no run's NFE includes.",
        when="When steps are few; from order 2 on with corrector and lower_order_final, as its authors then run it.",
        cite=("zheng2023dpmv3",),
        options={"prediction": _ASKED} | (multistep if nodes > 1 else {}),
        build=build,
        exact_data=True,
    )


for nodes in (1, 2, 3):
    _row(nodes)
