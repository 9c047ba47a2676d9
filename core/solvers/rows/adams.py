"""Adams and Bashforth in rho: LMS, PNDM and iPNDM."""

from core.solvers.integrals import Kernel
from core.solvers.multistep import ExponentialMultistep
from core.solvers.pndm import RepeatedFirstStep
from core.solvers.published import misplaced_bracket
from core.solvers.register import register
from core.solvers.rows import peers
from core.solvers.rows.table import multistep

FAMILY = "Adams-Bashforth"
_RHO, _EVEN = Kernel("eps", "rho"), Kernel("eps", "rho", even=True)
_PNDM = "Liu et al. 2022, arXiv 2202.09778"
_DEIS = "Zhang and Chen 2022, arXiv 2204.13902"
_AMED = "Zhou et al. 2024, arXiv 2312.00094"
_VARIABLE = r"y_{next} = y + \sum_j \epsilon_{-j}\int_\rho^{\rho'} \ell_j(r)\,dr,\quad y = x/\alpha"
_SUMS = {
    2: r"\tfrac12(3\epsilon_0-\epsilon_{-1})",
    3: r"\tfrac1{12}(23\epsilon_0-16\epsilon_{-1}+5\epsilon_{-2})",
    4: r"\tfrac1{24}(55\epsilon_0-59\epsilon_{-1}+37\epsilon_{-2}-9\epsilon_{-3})",
}
_UNEVEN = (
    "The weights are those of even steps in σ/α. On any other grid the second and higher differences are wrong: "
    "measured order 2."
)

_BRACKET = (
    " The public code has factors in the wrong places (weights = as-published): its four-value rule falls to order 3 "
    "where steps grow by a constant factor, and to 2 on other uneven grids."
)

for order in (2, 3, 4):
    multistep(
        f"lms-{order}",
        ExponentialMultistep(_RHO, order),
        claimed=order,
        title=f"LMS {order}",
        family=FAMILY,
        description=f"Linear multistep on dy/dρ = ε: a polynomial through {order} slopes, integrated exactly.",
        formula=_VARIABLE,
        source="Katherine Crowson, k-diffusion, sample_lms",
        when="Twenty steps and more on a grid without abrupt changes of length.",
        cite=("crowson2022kdiffusion", "hairer1993nonstiff"),
        peers=peers.lms(order),
        note=f"The same numbers as DEIS ρAB{order - 1}.",
    )
for order in (2, 3, 4):
    multistep(
        f"ipndm-{order}",
        ExponentialMultistep(_EVEN, order),
        claimed=order,
        order=2,
        mended_by=f"ipndm-v-{order}" if order > 2 else "",
        title=f"iPNDM-{order}",
        family=FAMILY,
        description=f"DDIM's step with the noise of Adams and Bashforth's {order}-value rule for even steps.",
        formula=r"y_{next} = y + (\rho'-\rho)\,\bar\epsilon,\quad \bar\epsilon = " + _SUMS[order],
        source=_DEIS,
        note=_UNEVEN if order > 2 else "",
        when="On grids that are even in σ/α; on any other the variable-step form costs the same and keeps its order.",
        cite=("liu2022pndm", "zhang2022deis"),
    )
for order in (2, 3, 4):
    multistep(
        f"ipndm-v-{order}",
        ExponentialMultistep(_RHO, order),
        claimed=order,
        title=f"iPNDM-{order} (variable steps)",
        family=FAMILY,
        description=f"Adams and Bashforth's {order}-value rule with the weights of the steps actually taken.",
        formula=_VARIABLE,
        source=_AMED,
        when="Twenty steps and more on a grid without abrupt changes of length.",
        cite=("zhang2022deis", "zhou2023amed"),
        published=misplaced_bracket if order > 2 else None,
        note=f"The same numbers as DEIS ρAB{order - 1} and LMS {order}." + (_BRACKET if order > 2 else ""),
    )
multistep(
    "pndm",
    ExponentialMultistep(_EVEN, 4, start="single-step"),
    claimed=2,
    title="PNDM",
    family=FAMILY,
    description="Three Runge-Kutta steps, then DDIM's step with the noise of a four-value rule for even steps.",
    formula=r"y_{next} = y + (\rho'-\rho)\,\bar\epsilon,\quad \bar\epsilon = " + _SUMS[4],
    source=_PNDM,
    when="Fifty steps and more on a grid even in time, with evaluations to spare for its start.",
    cite=("liu2022pndm",),
    peers=(
        peers.chain_of_diffusers(
            "PNDM",
            "The inner points of its start lie in the middle in time, not in σ/α; the ends differ slightly.",
            skip_prk_steps=False,
        ),
    ),
    note="The first three steps cost four evaluations each. The weights are those of even steps in σ/α, where the "
    "order is 4; on other grids it is 2, as claimed.",
    extra_nfe=9,
)
register(
    "pndm-as-published",
    title="PNDM as published (PLMS)",
    family=FAMILY,
    order=2,
    claimed_order=2,
    nfe_per_step=1,
    description="PNDM without its Runge-Kutta start: the first step is taken twice instead.",
    formula=r"y_1 = y_0 + \Delta\rho\,\tfrac12\big(\epsilon(y_0) + \epsilon(y_0 + \Delta\rho\,\epsilon(y_0))\big)",
    source=_PNDM,
    when="To repeat samples of early latent diffusion models.",
    cite=("liu2022pndm",),
    peers=(peers.chain_of_diffusers("PNDM", skip_prk_steps=True),),
    note="The start of the public samplers: one step repeated with the mean of two slopes, then rules of two and three "
    "values. On even steps in σ/α the order is 3 instead of 4, and one evaluation is spent where nothing is kept.",
    build=lambda: RepeatedFirstStep(_EVEN),
    mended_by="pndm",
    extra_nfe=1,
)
