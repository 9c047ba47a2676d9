"""DDIM and the multistep DPM-Solvers: rows in lambda."""

from core.solvers.integrals import Kernel, half_second_moment, half_weight
from core.solvers.multistep import ExponentialMultistep
from core.solvers.rows import peers
from core.solvers.rows.table import multistep

FAMILY = "Exponential multistep"
EPS, X0 = Kernel("eps"), Kernel("x0")
_DPM, _DPMPP = "Lu et al. 2022, arXiv 2206.00927", "Lu et al. 2022, arXiv 2211.01095"
_HALF = (2, half_weight)
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

multistep(
    "ddim",
    ExponentialMultistep(EPS, 1),
    claimed=1,
    title="DDIM",
    family=FAMILY,
    description="Keep the predicted noise constant over the step and solve the rest exactly.",
    formula=r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'(e^h-1)\,\epsilon_\theta",
    source="Song et al. 2020, arXiv 2010.02502",
    note="The same numbers as DPM-Solver-1, DPM-Solver++ 1, DEIS of degree 0 and Euler in σ/α.",
    when="The plain choice where steps are many or robustness counts more than accuracy; a baseline for all others.",
    cite=("song2020ddim",),
    peers=(
        peers.chain_of_diffusers("DDIM", clip_sample=False),
        peers.k_diffusion("euler"),
        peers.dpm_solver("dpmsolver", 1, "multistep", lower_order_final=False),
    ),
)
multistep(
    "dpm-2m",
    ExponentialMultistep(EPS, 2, (_HALF,)),
    claimed=2,
    title="DPM-Solver 2M",
    family=FAMILY,
    description="Extrapolate the predicted noise by a line through its last two values.",
    formula=r"x_{next} = \tfrac{\alpha'}{\alpha}x - \sigma'(e^h-1)"
    r"\left(\epsilon_0+\tfrac{h}{2h_{-1}}(\epsilon_0-\epsilon_{-1})\right)",
    source=_DPM,
    when="Ten to thirty steps without strong guidance, for models that predict noise.",
    cite=("lu2022dpm",),
    peers=peers.multistep_dpm("dpmsolver", 2),
)
multistep(
    "dpm-3m",
    ExponentialMultistep(EPS, 3, (_HALF,)),
    claimed=3,
    title="DPM-Solver 3M",
    family=FAMILY,
    description="Extrapolate the predicted noise by a parabola through its last three values.",
    formula=_EPS_3M,
    source=_DPM,
    when="Twenty steps and more, where a smooth prediction lets order 3 pay off.",
    cite=("lu2022dpm",),
)
multistep(
    "dpm-3m-as-published",
    ExponentialMultistep(EPS, 3, (_HALF, (3, half_second_moment))),
    claimed=3,
    order=2,
    mended_by="dpm-3m",
    title="DPM-Solver 3M as published",
    family=FAMILY,
    description="The three-value extrapolation with the second difference of the public code.",
    formula=_EPS_3M.replace(r"\tfrac{u^2}{2}", r"\tfrac{u^2}{4}"),
    source=_DPM,
    when="To repeat published numbers; for new work take DPM-Solver 3M.",
    cite=("lu2022dpm",),
    peers=peers.multistep_dpm("dpmsolver", 3),
    note=_MISSING_TWO,
)
multistep(
    "dpmpp-2m",
    ExponentialMultistep(X0, 2, (_HALF,)),
    claimed=2,
    title="DPM-Solver++ 2M",
    family=FAMILY,
    description="Extrapolate the predicted clean data by a line through its last two values.",
    formula=r"x_{next} = \tfrac{\sigma'}{\sigma}x + \alpha'(1-e^{-h})\left(D_0+\tfrac{h}{2h_{-1}}(D_0-D_{-1})\right)",
    source=_DPMPP,
    when="The first to try: ten to thirty steps, also under guidance, at one evaluation a step.",
    cite=("lu2022dpmpp",),
    peers=(*peers.multistep_dpm("dpmsolver++", 2), peers.k_diffusion("dpmpp_2m")),
)
multistep(
    "dpmpp-3m",
    ExponentialMultistep(X0, 3, (_HALF,)),
    claimed=3,
    title="DPM-Solver++ 3M",
    family=FAMILY,
    description="Extrapolate the predicted clean data by a parabola through its last three values.",
    formula=_PLUS_3M,
    source=_DPMPP,
    when="Twenty steps and more without strong guidance, where a smooth prediction lets order 3 pay off.",
    cite=("lu2022dpmpp",),
)
multistep(
    "dpmpp-3m-as-published",
    ExponentialMultistep(X0, 3, (_HALF, (3, half_second_moment))),
    claimed=3,
    order=2,
    mended_by="dpmpp-3m",
    title="DPM-Solver++ 3M as published",
    family=FAMILY,
    description="The three-value extrapolation with the second difference of the public code.",
    formula=_PLUS_3M.replace(r"\tfrac{u^2}{2}", r"\tfrac{u^2}{4}"),
    source=_DPMPP,
    when="To repeat published numbers; for new work take DPM-Solver++ 3M.",
    cite=("lu2022dpmpp",),
    peers=peers.multistep_dpm("dpmsolver++", 3),
    note=_MISSING_TWO,
)
