"""How a row of the exponential multistep table becomes an entry, and the options that such rows share."""

from dataclasses import replace
from typing import Any

from core.solvers.base import Solver
from core.solvers.info import SolverOption
from core.solvers.integrals import Kernel
from core.solvers.multistep import STARTS, ExponentialMultistep, PublishedWeights
from core.solvers.register import register

START = SolverOption(
    "ramp",
    "How the first steps are taken: a ramp of rising orders, as published, or a single-step method of full order.",
    STARTS,
)
LOWER = SolverOption(False, "Finish with fewer past predictions: steadier when steps are few.", (False, True))
PREDICTION = SolverOption(
    "x0", "What is extrapolated: the predicted clean data (x0) or the predicted noise (eps).", ("x0", "eps")
)


def multistep(
    name: str,
    row: ExponentialMultistep,
    *,
    claimed: int,
    order: int | None = None,
    either: bool = False,
    kernels: dict[str, Kernel] | None = None,
    published: PublishedWeights | None = None,
    **facts: Any,
) -> None:
    """Register one row of the table.

    Parameters
    ----------
    row : the method with its options at their defaults.
    claimed : the order that its authors state.
    order : the one that our tests measure, if it is another.
    either : whether the user may choose the prediction.
    kernels : quadratures to choose from, the row's own first.
    published : weights of the public code, as a choice beside the exact ones.
    facts : the rest of :class:`SolverInfo`.
    """

    def build(prediction: str = row.prediction, quadrature: str = "", weights: str = "exact", **options: Any) -> Solver:
        kernel = replace((kernels or {}).get(quadrature, row.kernel), prediction=prediction)
        own = row.published if weights == "exact" else published
        return replace(row, kernel=kernel, published=own, **options)

    options: dict[str, SolverOption] = {"prediction": PREDICTION} if either else {}
    if kernels:
        options["quadrature"] = SolverOption(
            next(iter(kernels)), "How the integrals in the weights are computed.", tuple(kernels)
        )
    if published:
        options["weights"] = SolverOption(
            "exact", "Exact integrals, or the formula of the public code.", ("exact", "as-published")
        )
    if row.nodes > 1 or row.start != "ramp":
        options |= {"start": replace(START, default=row.start), "lower_order_final": LOWER}
    register(
        name,
        order=claimed if order is None else order,
        claimed_order=claimed,
        nfe_per_step=1,
        build=build,
        options=options,
        **facts,
    )
