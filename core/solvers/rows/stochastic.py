"""Samplers that draw noise on the way."""

from collections.abc import Callable
from typing import Any

from core.solvers.base import Solver
from core.solvers.churn import ChurnedHeun, Restart
from core.solvers.info import Knob, SolverOption
from core.solvers.integrals import Kernel, MomentRule, half_weight
from core.solvers.langevin import AnnealedLangevin, PredictorCorrector
from core.solvers.multistep import ExponentialMultistep
from core.solvers.one_step import (
    Affine,
    OneStep,
    ancestral,
    ancestral_euler,
    ddim_eta,
    euler_maruyama,
    reverse_diffusion,
)
from core.solvers.posterior import PosteriorAncestral
from core.solvers.register import register
from core.solvers.rows import peers

STOCHASTIC = "Stochastic"
_SONG = "Song et al. 2020, arXiv 2011.13456"
_CROWSON = "Katherine Crowson, k-diffusion"
_OWN_NOISE = "It draws noise of its own, so only the law of its samples agrees."
_ETA = SolverOption(1.0, "Noise level: 0 is the ODE, 1 the reverse SDE.", (), 0.0, 3.0, symbol="η")
_SHARE = SolverOption(1.0, "Noise level: 0 is DDIM, 1 has the noise of DDPM.", (), 0.0, 1.0, symbol="η")
_ETAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)  # worth comparing
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_CHURNS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.41)  # of each step; more than sqrt(2) - 1 is cut off
Rule = Callable[..., Affine]


def _one_step(name: str, rule: Rule, options: dict[str, SolverOption], **facts: Any) -> None:
    register(
        name,
        family=STOCHASTIC,
        order=1,
        claimed_order=1,
        strong_order=1,
        nfe_per_step=1,
        build=lambda eta=None: OneStep(rule, eta),
        options=options,
        stochastic=True,
        knob=Knob("eta", _ETAS if options["eta"].high > 1 else _SHARES) if "eta" in options else None,
        **facts,
    )


_one_step(
    "euler-maruyama",
    euler_maruyama,
    {"eta": _ETA},
    title="Euler-Maruyama",
    when="Hundreds of steps, when the noise on the way is to wash out errors of the model.",
    cite=("song2020sde",),
    description="Euler's step of the reverse SDE: follow the drift, then add noise.",
    formula=r"x_{next} = x + \left[f x + \tfrac{1+\eta^2}{2}\tfrac{g^2}{\sigma}\epsilon_\theta\right]dt"
    r" + \eta g\,\Delta w",
    source=_SONG,
    note="The noise does not depend on the state, so that the strong order is 1 and not 1/2.",
)


def _ddpm(variance: str) -> Solver:
    if variance in ("small", "large"):
        return OneStep(ancestral, variance, kind="x0")
    return PosteriorAncestral(diagonal=variance == "diagonal")


register(
    "ddpm",
    title="DDPM ancestral",
    when="Hundreds of steps of a discrete chain, as models of this kind were first sampled.",
    cite=(
        "ho2020ddpm",
        "bao2022analytic",
        "bao2022extended",
    ),
    peers=(
        peers.diffusers("DDPM", "It draws noise of its own, so only the law of its samples agrees.", clip_sample=False),
    ),
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    strong_order=1,
    nfe_per_step=1,
    description="Draw each step from the Gaussian that leads from x towards the predicted clean data.",
    formula=r"x_{next} \sim \mathcal N\left(\tfrac{\alpha' b}{\sigma^2}\hat x_0 + \tfrac{a\sigma'^2}{\sigma^2}x,\ "
    r"v\right),\quad a=\tfrac{\alpha}{\alpha'},\ b=\sigma^2-a^2\sigma'^2,\ "
    r"v = \tfrac{b\,\sigma'^2}{\sigma^2},\ b\ \text{or}\ \tfrac{b\,\sigma'^2}{\sigma^2}"
    r" + \left(\tfrac{\alpha' b}{\sigma^2}\right)^2\mathrm{Var}[x_0|x]",
    source="Ho et al. 2020, arXiv 2006.11239; Bao et al. 2022, arXiv 2201.06503 and 2206.07309",
    note="Small and large are right for a single point and for N(0, I); the optimal variance (Analytic-DPM) and each "
    "particle's own (SN-DDPM) need an exact model, and their statistics are not counted as evaluations.",
    build=_ddpm,
    options={
        "variance": SolverOption(
            "small",
            "Variance of the step: exact for a single point (small) or for N(0, I) (large), the best one for the data "
            "(optimal), or the best one for each particle and coordinate (diagonal).",
            ("small", "large", "optimal", "diagonal"),
            exact=("optimal", "diagonal"),
        )
    },
    stochastic=True,
)
_one_step(
    "ddim-eta",
    ddim_eta,
    {"eta": _SHARE},
    title="DDIM with noise (η)",
    when="To go from the ODE to DDPM by one number.",
    cite=("song2020ddim",),
    peers=(peers.chain_of_diffusers("DDIM", _OWN_NOISE + " Pass eta to step()."),),
    description="DDIM's step with part of the predicted noise replaced by fresh noise.",
    formula=r"x_{next} = \alpha'\hat x_0 + \sqrt{\sigma'^2-\eta^2\tilde b}\;\epsilon_\theta + \eta\sqrt{\tilde b}\,z,"
    r"\quad \tilde b = \tfrac{b\,\sigma'^2}{\sigma^2}",
    source="Song et al. 2020, arXiv 2010.02502",
    note="With η = 1 the numbers of DDPM ancestral with the small variance.",
)
_one_step(
    "ancestral-euler",
    ancestral_euler,
    {"eta": _SHARE},
    title="Ancestral Euler",
    when="Tens of steps with a learned model, where some fresh noise helps.",
    cite=(
        "crowson2022kdiffusion",
        "song2020sde",
    ),
    peers=(peers.k_diffusion("euler_ancestral", f"{peers.ENDS_CLEAN} {_OWN_NOISE}", eta=1.0),),
    description="Euler in σ/α to a little below the next noise level, then noise back up to it.",
    formula=r"y_{next} = y + (\rho_{down}-\rho)\,\epsilon_\theta + \rho_{up}\,z,\quad"
    r" \rho_{up}^2 = \eta^2\tfrac{\rho'^2(\rho^2-\rho'^2)}{\rho^2},\ \rho_{down}^2 = \rho'^2-\rho_{up}^2",
    source=f"{_CROWSON}, sample_euler_ancestral",
    note="In another scaling the numbers of DDIM with noise.",
)
_one_step(
    "reverse-diffusion",
    reverse_diffusion,
    {},
    title="Reverse diffusion",
    when="As the predictor of a predictor-corrector sampler, with hundreds of steps.",
    cite=("song2020sde",),
    description="The forward step's own discretisation, turned round with the score.",
    formula=r"x_{next} = (2-a)\,x + b\,S_\theta + \sqrt b\,z,\quad a=\tfrac{\alpha}{\alpha'},\ b=\sigma^2-a^2\sigma'^2",
    source=_SONG,
)
register(
    "predictor-corrector",
    title="Predictor-corrector",
    when="When the predictor alone leaves a bias and evaluations are cheap.",
    cite=("song2020sde",),
    family=STOCHASTIC,
    order=1,
    claimed_order=1,
    nfe_per_step=2,
    description="A reverse-diffusion step, then Langevin steps that pull the particles to the density of that time.",
    formula=r"x \leftarrow x + a\,S_\theta + \sqrt{2a}\,z,\quad a = 2\,\mathrm{snr}^2\sigma'^2",
    source=_SONG,
    note="The published corrector measures its step by norms over the batch; here they have their expected values, so "
    "that a particle's path does not depend on its neighbours. More corrections cost one evaluation each.",
    build=lambda corrections, snr: PredictorCorrector(int(corrections), snr),
    options={
        "corrections": SolverOption(1, "Langevin steps after each predictor step.", (0, 1, 2, 3, 5)),
        "snr": SolverOption(0.16, "Length of a Langevin step against the noise level.", (), 0.0, 0.5),
    },
    stochastic=True,
    knob=Knob("corrections", (0, 1, 2, 3, 5)),
)
register(
    "annealed-langevin",
    title="Annealed Langevin",
    when="To see how far noise alone gets: thousands of evaluations.",
    cite=("song2019ncsn",),
    family=STOCHASTIC,
    order=None,
    claimed_order=0,
    nfe_per_step=5,
    description="A few Langevin steps at each noise level in turn: noise alone carries the particles down.",
    formula=r"x \leftarrow x + a\,S_\theta + \sqrt{2a}\,z,\quad a = \mathrm{size}\cdot\sigma'^2",
    source="Song and Ermon 2019, arXiv 1907.05600",
    note="It has no order: its law is off by O(size) however fine the ladder. Each level costs as many evaluations as "
    "it has steps.",
    build=lambda per_level, size: AnnealedLangevin(int(per_level), size),
    options={
        "per_level": SolverOption(5, "Langevin steps at each noise level.", (1, 2, 3, 5, 10)),
        "size": SolverOption(0.2, "Length of a step in units of σ².", (), 0.001, 1.0),
    },
    stochastic=True,
)
register(
    "edm-stochastic",
    title="EDM with churn",
    when="A learned model and some tens of steps, with the churn tuned for it.",
    cite=("karras2022edm",),
    peers=(peers.k_diffusion("heun", f"{peers.ENDS_CLEAN} {_OWN_NOISE}", s_churn=10.0),),
    family=STOCHASTIC,
    order=2,
    strong_order=1,
    claimed_order=2,
    nfe_per_step=2,
    description="Add a little noise, then take a Heun step that removes it with the rest.",
    formula=r"\hat\rho = (1+\gamma)\rho,\quad \hat y = y + S_{noise}\sqrt{\hat\rho^2-\rho^2}\,z,\quad"
    r" y_{next} = \mathrm{Heun}(\hat y, \hat\rho \to \rho')",
    source="Karras et al. 2022, arXiv 2206.00364",
    note="A step adds S_churn over the number of steps: in the limit a reverse SDE whose noise level S_churn sets. "
    "Adding noise keeps the law of the particles exact, so that the weak order is Heun's; paths converge with order 1.",
    build=ChurnedHeun,
    options={
        "s_churn": SolverOption(10.0, "Noise added over all steps; 0 is the ODE.", (), 0.0, 200.0),
        "s_min": SolverOption(0.0, "Lowest noise level σ/α at which noise is added.", (), 0.0, 100.0),
        "s_max": SolverOption(1e6, "Highest noise level σ/α at which noise is added.", (), 0.0, 1e9),
        "s_noise": SolverOption(1.0, "Strength of the added noise; 1 keeps the noise level true.", (), 0.9, 1.1),
    },
    stochastic=True,
    knob=Knob("s_churn", _CHURNS, per_step=True),
)


def _exponential(
    name: str,
    prediction: str,
    nodes: int,
    order: int,
    rules: tuple[tuple[int, MomentRule], ...] = (),
    corrector: bool = False,
    knob: str = "eta",
    **facts: Any,
) -> None:
    """A row of the multistep table with noise."""

    def build(**options: float) -> Solver:
        return ExponentialMultistep(Kernel(prediction, tau=options[knob]), nodes, rules, corrector)

    register(
        name,
        family=STOCHASTIC,
        order=order,
        strong_order=1,
        nfe_per_step=1,
        build=build,
        options={knob: _ETA},
        knob=Knob(knob, _ETAS),
        stochastic=True,
        **facts,
    )


_SDE_STEP = r"x_{next} = \tfrac{\sigma'}{\sigma}e^{-\eta^2h}x + \alpha'\left(1-e^{-(1+\eta^2)h}\right)%s"
_SDE_NOISE = r" + \sigma'\sqrt{1-e^{-2\eta^2h}}\,z"
_DPMPP = "Lu et al. 2022, arXiv 2211.01095"
_exponential(
    "dpmpp-sde",
    "x0",
    1,
    1,
    claimed_order=1,
    title="DPM-Solver++ SDE",
    when="A first sampler with noise: about fifty steps.",
    cite=("lu2022dpmpp",),
    peers=(
        peers.multistep_of_diffusers(
            "DPMSolverMultistep", _OWN_NOISE, algorithm_type="sde-dpmsolver++", solver_order=1
        ),
    ),
    description="Keep the predicted clean data constant over the step and solve the rest of the SDE exactly.",
    formula=_SDE_STEP % "D_0" + _SDE_NOISE,
    source=_DPMPP,
    note="With η = 1 the numbers of DDPM ancestral with the small variance; with 0, DDIM.",
)
_exponential(
    "dpmpp-2m-sde",
    "x0",
    2,
    2,
    ((2, half_weight),),
    claimed_order=2,
    title="DPM-Solver++ 2M SDE",
    when="Twenty to fifty steps with noise.",
    cite=("lu2022dpmpp",),
    peers=(
        peers.multistep_of_diffusers(
            "DPMSolverMultistep", _OWN_NOISE, algorithm_type="sde-dpmsolver++", solver_order=2
        ),
        peers.k_diffusion("dpmpp_2m_sde", f"{peers.ENDS_CLEAN} {_OWN_NOISE}", solver_type="midpoint"),
    ),
    description="The SDE's step with the clean data extrapolated by a line through its last two values.",
    formula=_SDE_STEP % r"\left(D_0+\tfrac{h}{2h_{-1}}(D_0-D_{-1})\right)" + _SDE_NOISE,
    source=_DPMPP,
    note="With η = 0, DPM-Solver++ 2M.",
)
_exponential(
    "dpmpp-3m-sde",
    "x0",
    3,
    2,
    ((2, half_weight),),
    claimed_order=3,
    title="DPM-Solver++ 3M SDE",
    when="Some tens of steps with noise; rarely better than 2M.",
    cite=(
        "crowson2022kdiffusion",
        "lu2022dpmpp",
    ),
    peers=(peers.k_diffusion("dpmpp_3m_sde", f"{peers.ENDS_CLEAN} {_OWN_NOISE} Its third value lacks a factor 2."),),
    description="The SDE's step with the clean data extrapolated by a parabola through its last three values.",
    formula=r"x_{next} = \tfrac{\sigma'}{\sigma}e^{-\eta^2h}x + (1+\eta^2)\alpha'\!\int_0^h e^{(1+\eta^2)(u-h)}"
    r"\left(D_0 + D^{(1)}u + D^{(2)}\tfrac{u^2}{2}\right)du" + _SDE_NOISE,
    source=f"{_CROWSON}, sample_dpmpp_3m_sde",
    note="With η = 0, DPM-Solver++ 3M. Past values carry past noise, which a third value cannot undo.",
)
_exponential(
    "sa-solver",
    "x0",
    3,
    2,
    corrector=True,
    knob="tau",
    claimed_order=3,
    title="SA-Solver",
    when="Twenty to sixty steps, with the noise level tuned to the model.",
    cite=("xue2023sa",),
    description="Adams prediction and correction of the clean data with noise of a chosen strength.",
    formula=r"x_{next} = \tfrac{\sigma'}{\sigma}e^{-\tau^2h}x + (1+\tau^2)\alpha'\!\int_0^h e^{(1+\tau^2)(u-h)}"
    r"\textstyle\sum_j \ell_j(u)D_{-j}\,du + \sigma'\sqrt{1-e^{-2\tau^2h}}\,z",
    source="Xue et al. 2023, arXiv 2309.05019",
    note="τ = 0 is the ODE (UniPC with exact weights), 1 the reverse SDE.",
)
_exponential(
    "exponential-sde",
    "eps",
    1,
    1,
    claimed_order=1,
    title="Exponential SDE",
    when="To compare the noise form with the data form.",
    cite=(
        "lu2022dpm",
        "lu2022dpmpp",
    ),
    peers=(
        peers.multistep_of_diffusers("DPMSolverMultistep", _OWN_NOISE, algorithm_type="sde-dpmsolver", solver_order=1),
    ),
    description="Keep the predicted noise constant over the step and solve the rest of the SDE exactly.",
    formula=r"x_{next} = \tfrac{\alpha'}{\alpha}x - (1+\eta^2)\sigma'(e^h-1)\,\epsilon_\theta"
    r" + \eta\,\sigma'\sqrt{e^{2h}-1}\,z",
    source=_DPMPP,
    note="The noise form of DPM-Solver++ SDE; with η = 0, DDIM.",
)
register(
    "restart",
    title="Restart",
    when="A learned model: noise where it heals, accurate ODE steps elsewhere.",
    cite=("xu2023restart",),
    family=STOCHASTIC,
    order=2,
    claimed_order=2,
    nfe_per_step=None,
    description="Heun's ODE steps; on the way, noise is added and removed again a few times to forget earlier errors.",
    formula=r"y_{max} = y_{min} + \sqrt{\rho_{max}^2-\rho_{min}^2}\,z,\quad y_{min} \leftarrow"
    r" \mathrm{Heun}(y_{max}, \rho_{max} \to \rho_{min})",
    source="Xu et al. 2023, arXiv 2306.14878",
    note="Each cycle repeats the steps between the two noise levels, two evaluations each. A jump goes between the "
    "times of the grid that are nearest to them, so paths on two grids are not the same: no strong order is claimed.",
    build=lambda cycles, rho_min, rho_max: Restart(int(cycles), rho_min, rho_max),
    options={
        "cycles": SolverOption(2, "How often noise is added and removed again.", (0, 1, 2, 4, 8)),
        "rho_min": SolverOption(0.1, "Noise level σ/α down to which a cycle runs.", (), 1e-3, 10.0),
        "rho_max": SolverOption(1.0, "Noise level σ/α up to which noise is added.", (), 1e-2, 100.0),
    },
    stochastic=True,
    knob=Knob("cycles", (0, 1, 2, 4, 8)),
)
