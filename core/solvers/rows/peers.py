"""The same methods in other libraries, as rows name them. The settings are those under which the numbers agree."""

from typing import Any

from core.solvers.info import Peer

ENDS_CLEAN = "It ends at no noise at all: here that is the option final = denoise."
_EQUAL_STEPS = (
    "Its steps have the same length whatever they cost; here a step is as long as the intervals that it covers."
)
_PLAIN_END = {"lower_order_final": False, "final_sigmas_type": "sigma_min", "timestep_spacing": "trailing"}
_CHAIN_END = {"set_alpha_to_one": False, "steps_offset": 1}


def diffusers(name: str, note: str = "", **arguments: Any) -> Peer:
    """A scheduler of diffusers."""
    return Peer("diffusers", f"{name}Scheduler", arguments, note)


def multistep_of_diffusers(name: str, note: str = "", **arguments: Any) -> Peer:
    """A multistep scheduler without the special last steps that it has by default."""
    return diffusers(name, note, **arguments, **_PLAIN_END)


def sigmas_of_diffusers(name: str, note: str = "", **arguments: Any) -> Peer:
    """A scheduler that works on x/alpha and goes on to no noise."""
    return diffusers(name, f"{ENDS_CLEAN} {note}".strip(), **arguments, timestep_spacing="leading")


def chain_of_diffusers(name: str, note: str = "", **arguments: Any) -> Peer:
    """A scheduler that counts the steps of the chain."""
    return diffusers(name, note, **arguments, **_CHAIN_END)


def k_diffusion(name: str, note: str = ENDS_CLEAN, **arguments: Any) -> Peer:
    """A sampler of k-diffusion."""
    return Peer("k-diffusion", f"sample_{name}", arguments, note)


def dpm_solver(algorithm: str, order: int, method: str, note: str = "", **arguments: Any) -> Peer:
    """The authors' own class: ``algorithm`` is "dpmsolver" or "dpmsolver++"."""
    return Peer(
        "dpm-solver",
        "DPM_Solver",
        {"algorithm_type": algorithm, "order": order, "method": method, **arguments},
        note,
    )


def fast() -> tuple[Peer, ...]:
    """DPM-Solver-fast, which divides its steps in another way."""
    note = f"{_EQUAL_STEPS} Its steps of lower order come last: leftover = last."
    return k_diffusion("dpm_fast", note), dpm_solver("dpmsolver", 3, "singlestep", note)


def diffusers_deis(order: int, note: str) -> Peer:
    """DEIS as diffusers has it."""
    return diffusers("DEISMultistep", note, solver_order=order, lower_order_final=False, timestep_spacing="trailing")


def multistep_dpm(algorithm: str, order: int) -> tuple[Peer, ...]:
    """The multistep DPM-Solvers."""
    return (
        multistep_of_diffusers("DPMSolverMultistep", algorithm_type=algorithm, solver_order=order),
        dpm_solver(algorithm, order, "multistep", lower_order_final=False),
    )


def lms(order: int) -> tuple[Peer, ...]:
    """Linear multistep methods on dy/drho."""
    note = "Its last step, to no noise, is a multistep one too; here that step is one to the predicted clean data."
    return (
        k_diffusion("lms", note, order=order),
        sigmas_of_diffusers("LMSDiscrete", note, order=order),
    )


def unipc(order: int, variant: str = "bh2", corrector: bool = True) -> tuple[Peer, ...]:
    """UniPC, and without its corrector UniP."""
    off = {} if corrector else {"disable_corrector": tuple(range(20))}
    return (multistep_of_diffusers("UniPCMultistep", solver_order=order, solver_type=variant, **off),)
