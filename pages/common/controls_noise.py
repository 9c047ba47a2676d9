"""The widgets of the pages on noise, and the way between these pages."""

from typing import Any

import streamlit as st

from core.analysis.distances import DISTANCES
from core.analysis.weak import TEST_FUNCTIONS
from core.experiments.choices import SolverChoice
from core.experiments.noise_sweep import MOST_NFE, samplers
from core.experiments.scores import ERRORS, NEED_DENSITY, NETWORKS
from core.language import Message, joined, mark, message, tr
from core.models.perturbed import WHERE
from core.solvers import SOLVERS
from pages.common import controls, fields, settings

FAMILY = {
    "noise": mark("How much noise"),
    "sde_orders": mark("Strong and weak order"),
    "bounds": mark("Theory"),
}
KINDS = {
    mark("SDE"): ("exponential-sde", 24, mark("The noise of the reverse SDE, from none to twice as strong.")),
    mark("Churn"): ("edm-stochastic", 60, mark("EDM's Heun steps with noise added before each.")),
    mark("Restart"): ("restart", 40, mark("A few long jumps back to a higher noise level, at equal evaluations.")),
    mark("Corrector"): (
        "predictor-corrector(snr=0.3)",
        80,
        mark("Langevin corrector steps against predictor steps: each costs an evaluation, so fewer steps are left."),
    ),
}
PLACES = {"everywhere": mark("Everywhere"), "noise": mark("Noise"), "data": mark("Data")}
BUDGETS = [*range(2, 13), 16, 20, 24, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400]


def family(here: str) -> None:
    """One row of ways to the other pages on noise; data, schedule, grid and seed go along."""
    controls.ways(FAMILY, here)


def sampler(page: Any) -> None:
    """One sampler whose noise can be turned up, and ways to the kinds of noise that people argue about."""
    slot, names = f"{page.name}.solver", list(samplers())
    held = settings.get(slot, str(page.default.solver))
    settings.choose(
        "Sampler",
        slot,
        [*names, *([held] if held not in names else [])],
        str(page.default.solver),
        format_func=lambda text: SolverChoice.model_validate(text).label,
        help="Those whose noise can be set, from none to more than the reverse SDE has.",
    )
    with st.container(horizontal=True, gap="small", key="kinds of noise"):
        for label, (text, nfe, words) in KINDS.items():
            st.button(tr(label), key=f"kind {label}", on_click=_set_kind, args=(page, text, nfe), help=tr(words))


def _set_kind(page: Any, text: str, nfe: int) -> None:
    settings.put(f"{page.name}.solver", text)
    settings.put(fields.name_of(page.name, "nfe", fields.kind()), nfe)
    settings.put(f"{page.name}.values", ())


def budget(page: Any) -> None:
    """Model evaluations that each run may spend."""
    most = MOST_NFE[fields.kind()]
    settings.ladder(
        "Evaluations of the model (NFE)",
        fields.name_of(page.name, "nfe", fields.kind()),
        [rung for rung in BUDGETS if rung <= most],
        page.default.nfe,
        help=message("2 to {most} for each run, whatever the amount of noise.", most=most),
    )


def _place(name: str) -> Message:
    return message("{place}: {words}", place=message(PLACES[name]), words=message(WHERE[name]))


def score_error(page: Any) -> None:
    """Which wrong score is compared with the exact one."""
    known = fields.kind() == "toy" or settings.get("images.name", page.default.data.name) in NETWORKS
    offered = [name for name in ERRORS if name != "learned" or known]
    held = settings.get(f"{page.name}.error", page.default.error)
    if held not in offered:
        settings.put(f"{page.name}.error", page.default.error)
    chosen = settings.choose(
        "Score error",
        f"{page.name}.error",
        offered,
        page.default.error,
        format_func=ERRORS.get,
        help="The exact score plus a known error, or the score of a network trained on these data.",
    )
    if chosen not in ("field", "eager"):
        return
    settings.number(
        "Its size",
        f"{page.name}.size",
        page.default.size,
        0.0,
        2.0,
        step=0.05,
        help="Root mean square error of v, for data of size 1; 0.3 is a poor network.",
    )
    settings.choose(
        "Where it errs",
        f"{page.name}.where",
        list(WHERE),
        page.default.where,
        st.segmented_control,
        format_func=PLACES.get,
        required=True,
        help=message("{list}.", list=joined([_place(name) for name in WHERE], "; ")),
    )


def distance(page: Any) -> None:
    """How samples are compared with the data."""
    offered = [name for name in DISTANCES if fields.kind() == "toy" or name not in NEED_DENSITY]
    held = settings.get(f"{page.name}.distance", page.default.distance)
    if held not in offered:
        settings.put(f"{page.name}.distance", page.default.distance)
    chosen = settings.choose(
        "Distance",
        f"{page.name}.distance",
        offered,
        page.default.distance,
        format_func=lambda name: DISTANCES[name].title,
    )
    st.caption(tr(DISTANCES[chosen].description))


def samplers_with_noise(page: Any) -> None:
    """Several samplers that draw noise."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    names = [name for name, info in SOLVERS.items() if info.stochastic]
    default = [str(choice) for choice in page.default.solvers]
    held = settings.get(slot, default)
    settings.choose_some(
        "Samplers",
        slot,
        [*names, *(text for text in held if text not in names)],
        default,
        format_func=lambda text: SolverChoice.model_validate(text).label,
        max_selections=5,
        select_all=False,
        help="Up to 5 that draw noise.",
    )


def test_function(page: Any) -> None:
    """What the weak error is of, where the law is not known in closed form."""
    settings.choose(
        "Weak error of",
        f"{page.name}.test",
        list(TEST_FUNCTIONS),
        page.default.test,
        format_func=lambda name: TEST_FUNCTIONS[name].title,
        help="For one Gaussian the whole law is compared instead, in closed form.",
    )
