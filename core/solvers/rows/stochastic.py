"""Samplers that draw noise on the way."""

from core.solvers.info import SolverOption
from core.solvers.one_step import OneStep, ancestral, euler_maruyama
from core.solvers.register import register
from core.solvers.rows import peers

STOCHASTIC = "Stochastic"

register(
    "euler-maruyama",
    title="Euler-Maruyama",
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    nfe_per_step=1,
    description="Euler's step of the reverse SDE: follow the drift, then add noise.",
    formula=r"x_{next} = x + \left[f x + \tfrac{1+\eta^2}{2}\tfrac{g^2}{\sigma}\epsilon_\theta\right]dt"
    r" + \eta g\,\Delta w",
    source="Song et al. 2020, arXiv 2011.13456",
    build=lambda eta: OneStep(euler_maruyama, eta),
    when="Hundreds of steps, when the noise on the way is to wash out errors of the model.",
    cite=("song2020sde",),
    options={"eta": SolverOption(1.0, "Noise level: 0 is the ODE, 1 the reverse SDE.", (), 0.0, 3.0)},
    stochastic=True,
)
register(
    "ddpm",
    title="DDPM ancestral",
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    nfe_per_step=1,
    description="Draw each step from the Gaussian that leads from x towards the predicted clean data.",
    formula=r"x_{next} \sim \mathcal N\left(\tfrac{\alpha' b}{\sigma^2}\hat x_0 + \tfrac{a\sigma'^2}{\sigma^2}x,\ "
    r"\tfrac{b\,\sigma'^2}{\sigma^2}\right),\quad a=\tfrac{\alpha}{\alpha'},\ b=\sigma^2-a^2\sigma'^2",
    source="Ho et al. 2020, arXiv 2006.11239",
    build=lambda variance: OneStep(ancestral, variance, kind="x0"),
    when="Hundreds of steps of a discrete chain, as models of this kind were first sampled.",
    cite=("ho2020ddpm",),
    peers=(
        peers.diffusers("DDPM", "It draws noise of its own, so only the law of its samples agrees.", clip_sample=False),
    ),
    options={
        "variance": SolverOption(
            "small",
            "Variance of the step: exact for a single point (small) or for N(0, I) (large).",
            ("small", "large"),
        )
    },
    stochastic=True,
)
