"""UniP and UniPC: predictors in lambda, alone and with a corrector that costs no evaluation."""

from core.solvers.integrals import Kernel, half_length, half_weight
from core.solvers.multistep import ExponentialMultistep
from core.solvers.published import varying_coefficients
from core.solvers.rows import peers
from core.solvers.rows.table import multistep

FAMILY = "UniPC"
_SOURCE = "Zhao et al. 2023, arXiv 2302.04867"
_X0 = Kernel("x0")
_PREDICT = (
    r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'(1-e^{-h})D_0 + \alpha' B(h)\sum_j \rho_j\,\tfrac{D_{-j}-D_0}{r_j}"
)
_CORRECT = (
    r"x^c_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'(1-e^{-h})D_0 + \alpha' B(h)\Big[\sum_j \rho_j\,"
    r"\tfrac{D_{-j}-D_0}{r_j} + \rho_p\,(D(x_{next})-D_0)\Big]"
)
_VALUES = {1: "its last value", 2: "a line through its last two values", 3: "a parabola through its last three values"}
_WHEN = {
    1: "Very few steps, or strong guidance: the corrector adds an order to DDIM at no cost.",
    2: "Five to twenty steps: order 3 at one evaluation a step.",
    3: "Ten steps and more on smooth problems; order 4 at one evaluation a step.",
}
_B = {"bh1": (half_length, "h"), "bh2": (half_weight, "e^h-1")}

for count, values in _VALUES.items():
    multistep(
        f"unip-{count}",
        ExponentialMultistep(_X0, count, ((2, half_weight),)),
        claimed=count,
        either=True,
        title=f"UniP-{count}",
        family=FAMILY,
        description=f"UniPC's predictor alone: extrapolate by {values}.",
        formula=_PREDICT,
        source=_SOURCE,
        note={1: "The same numbers as DDIM.", 2: "The same numbers as DPM-Solver++ 2M."}.get(count, ""),
        when="To see what UniPC's corrector adds; on its own it is a multistep DPM-Solver.",
        cite=("zhao2023unipc",),
        peers=peers.unipc(count, corrector=False),
    )
for variant, (rule, b) in _B.items():
    for count, values in _VALUES.items():
        multistep(
            f"unipc-{variant}-{count}",
            ExponentialMultistep(_X0, count, ((2, rule),), corrector=True),
            claimed=count + 1,
            either=True,
            title=f"UniPC-{count} (B{variant[-1]})",
            family=FAMILY,
            description=f"Predict by {values}, ask the model there, and take the step again with its answer.",
            formula=_CORRECT + rf",\quad B(h) = {b}",
            source=_SOURCE,
            when=_WHEN[count],
            cite=("zhao2023unipc",),
            peers=peers.unipc(count, variant),
        )
for count in (2, 3):
    row = ExponentialMultistep(_X0, count, corrector=True)
    multistep(
        f"unipc-vary-{count}",
        row,
        claimed=count + 1,
        either=True,
        title=f"UniPC-{count} (varying coefficients)",
        family=FAMILY,
        description="UniPC with every coefficient integrated exactly instead of scaled by one B(h).",
        formula=_CORRECT,
        source=_SOURCE,
        when=_WHEN[count],
        cite=("zhao2023unipc",),
    )
    multistep(
        f"unipc-vary-{count}-as-published",
        ExponentialMultistep(_X0, count, corrector=True, published=varying_coefficients),
        claimed=count + 1,
        order=1,
        mended_by=f"unipc-vary-{count}",
        either=True,
        title=f"UniPC-{count} (varying coefficients) as published",
        family=FAMILY,
        description="The varying-coefficient corrector of the public code.",
        formula=_CORRECT,
        source=_SOURCE,
        when="To repeat published numbers; for new work take the version that keeps its order.",
        cite=("zhao2023unipc",),
        note="The public corrector gives the new evaluation one of its coefficients only, and the past ones all but "
        "the last. Measured order: 1; the predictor alone would have its own order.",
    )
