"""Splitting solvers for guided sampling."""

from core.solvers.info import SolverOption
from core.solvers.register import register
from core.solvers.splitting import Plms, Strang

FAMILY = "Splitting, for guidance"
_SOURCE = "Wizadwongsa and Suwajanakorn 2023, arXiv 2301.11558"
_CITE = ("wizadwongsa2023splitting", "liu2022pndm")
_NODES = SolverOption(4, "Slopes of the unguided model that a step remembers.", (1, 2, 3, 4), title="Slopes remembered")
_WHEN = "With a strong and rough classifier, as trained ones are; with a smooth one plain multistep solvers do better."

for name, halves, title, formula in (
    (
        "ltsp",
        False,
        "LTSP",
        r"y^* = y + \Delta\rho\,g(y,\rho),\quad y_{next} = y^* + \Delta\rho\sum_j w_j\,\epsilon_{-j}",
    ),
    (
        "stsp",
        True,
        "STSP",
        r"y^* = y + \tfrac{\Delta\rho}2 g(y,\rho),\ y^{**} = y^* + \Delta\rho\sum_j w_j\,\epsilon_{-j},\ "
        r"y_{next} = y^{**} + \tfrac{\Delta\rho}2\,\tfrac{\bar\rho}{\rho'}\,g(y^{**},\rho')",
    ),
):
    register(
        name,
        title=title,
        family=FAMILY,
        order=1,
        claimed_order=2 if halves else 1,
        nfe_per_step=1,
        description="The push g of the guidance in "
        + ("two half steps around" if halves else "an Euler step before")
        + " a multistep step of the unguided model.",
        formula=formula,
        source=_SOURCE,
        note="Order 1 on guided models"
        + (": two Euler half steps are not Strang's splitting, which keeps order 2." if halves else ".")
        + " Without guidance the push is zero, and what is left is the multistep rule for even steps.",
        when=_WHEN,
        cite=_CITE,
        mended_by="strang" if halves else "",
        options={"nodes": _NODES},
        build=lambda nodes, halves=halves: Plms(int(nodes), halves),
        guided=True,
    )
register(
    "strang",
    title="Strang splitting",
    family=FAMILY,
    order=2,
    claimed_order=2,
    nfe_per_step=2,
    description="Half of the push, a step of the unguided model, half of the push; each by Heun's rule.",
    formula=r"\Phi = B_{h/2}\circ A_h\circ B_{h/2},\quad A: y'=\epsilon,\ B: y'=g",
    source="Strang 1968; Hairer, Lubich and Wanner, Geometric Numerical Integration, II.5",
    note="Two evaluations of the unguided model and four of the push in each step.",
    when="To see what a symmetric splitting is worth; it costs six evaluations a step with a classifier.",
    cite=("strang1968construction",),
    build=Strang,
    guided=True,
)
