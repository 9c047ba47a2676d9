"""The widgets of the page on straightening."""

from typing import Any

import streamlit as st

from core.experiments.flow_choice import FlowChoice
from core.language import mark, tr
from core.solvers import SOLVERS
from core.train.ways import WAYS
from pages.common import controls_noise, fields, options, settings

COUNTS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 50, 64, 80, 100]
ITERATIONS = [100, 200, 500, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000]
MOST = 5


COMPARED = {  # what a button sets the pairings to
    mark("Four ways"): ["independent", "transport", "reflow", "learned"],
    mark("Batches of transport"): [*(f"transport(batch={n})" for n in (1, 4, 16, 64)), "transport"],
    mark("Rounds of reflow"): ["independent", "network", "reflow", "reflow(rounds=2)", "reflow(rounds=3)"],
    mark("Penalties β"): ["learned(beta=0.1)", "learned(beta=0.3)", "learned", "learned(beta=3)", "learned(beta=10)"],
}


def comparisons(page: Any) -> None:
    """Buttons that compare the four ways, or one of them with itself."""
    with st.container(horizontal=True, gap="small"):
        for title, chosen in COMPARED.items():
            slot = f"{page.name}.flows"
            st.button(tr(title), key=f"compare {title}", on_click=settings.put, args=(slot, chosen))


def flows(page: Any) -> None:
    """Which flows are compared, with their options; one may come again with other options."""
    slot = f"{page.name}.flows"
    default = [str(choice) for choice in page.default.flows]
    held = settings.get(slot, default)
    chosen = settings.choose_some(
        "Pairings",
        slot,
        [*WAYS, *(text for text in held if text not in WAYS)],
        default,
        format_func=lambda text: FlowChoice.model_validate(text).label,
        max_selections=MOST,
        select_all=False,
        placeholder="Choose pairings",
        help="Up to 5. How data and noise are paired decides how straight the flow is that carries one to the other.",
    )
    if not chosen:
        st.caption(tr("Choose at least one pairing."))
    options.draw(slot, FlowChoice)


def solver(page: Any) -> None:
    """The solver that takes few steps."""
    slot = f"{page.name}.solver"
    names = [name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive or info.exact_data)]
    held = settings.get(slot, str(page.default.solver))
    settings.choose(
        "Solver",
        slot,
        [*names, *([held] if held not in names else [])],
        str(page.default.solver),
        format_func=lambda text: SOLVERS[text.split("(")[0]].title,
        help="On a straight path at even speed Euler needs a single step. Samplers that draw noise are left out: they "
        "need the score, which a flow gives for independent pairs alone.",
    )


def step_counts(page: Any) -> None:
    """The step counts that are compared."""
    slot = fields.name_of(page.name, "step_counts", fields.kind())
    default = list(page.default.step_counts)
    settings.choose_some(
        "Step counts",
        slot,
        sorted({*COUNTS, *default, *settings.get(slot, [])}),
        default,
        max_selections=10,
        select_all=False,
        help="2 to 10 of them, each 1 to 100: what straight paths save is in the first few.",
    )


def training(page: Any) -> None:
    """How long each network is trained, and by what samples are judged."""
    settings.ladder(
        "Iterations of each training",
        f"{page.name}.iterations",
        ITERATIONS,
        page.default.iterations,
        help="100 to 20,000: about a second for each thousand on a quiet machine (images: five).",
    )
    controls_noise.distance(page)
