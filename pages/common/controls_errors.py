"""The widgets of the pages on errors that no other page needs, and the way between these pages."""

from typing import Any

import streamlit as st

from core.experiments.grid_map import MOST_NFE
from core.experiments.local_error import MOST_STEPS
from core.experiments.precision import DTYPES
from core.experiments.specification import GridChoice, SolverChoice
from core.grids import GRIDS
from core.language import mark, message, tr
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from pages.common import controls, fields, settings

FAMILY = {
    "convergence": mark("Error curve"),
    "local_error": mark("Step by step"),
    "grid_map": mark("Solver × grid"),
    "time_grids": mark("Time grids"),
    "order_table": mark("Orders"),
    "precision": mark("Precision"),
}
BUDGETS = [*range(1, 13), 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400]
STEPS = [*range(2, 13), 15, 20, 25, 30, 40, 50, 75, 100]
BEGIN = {"noise": mark("Pure noise"), "middle": mark("The middle")}


def family(here: str) -> None:
    """One row of ways to the other pages on errors; data, schedule, grid and seed go along."""
    controls.ways(FAMILY, here)


def solvers(page: Any, most: int, empty: str = "") -> None:
    """Solvers that draw no noise and take the steps of the grid; ``empty`` says what none stands for, if it may."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    names = [name for name, info in SOLVERS.items() if not (info.stochastic or info.adaptive)]
    default = [str(choice) for choice in page.default.solvers]
    chosen = settings.get(slot, default)
    chosen = settings.choose_some(
        "Solvers",
        slot,
        [*names, *(text for text in chosen if text not in names)],
        default,
        format_func=lambda text: SolverChoice.model_validate(text).label,
        max_selections=most,
        select_all=False,
        placeholder=empty or mark("Choose solvers"),
        help=message(
            "Up to {most}. Only solvers that draw no noise and take the steps of the grid have an order to measure.",
            most=most,
        ),
    )
    if not chosen and not empty:
        st.caption(tr("Choose at least one solver."))


def grids(page: Any, most: int, empty: str = "") -> None:
    """Several time grids side by side; ``empty`` says what none stands for, if it may."""
    slot = f"{page.name}.grids"
    default = [str(choice) for choice in page.default.grids]
    settings.choose_some(
        "Time grids",
        slot,
        [*GRIDS, *(text for text in settings.get(slot, default) if text not in GRIDS)],
        default,
        format_func=lambda text: GridChoice.model_validate(text).label,
        max_selections=most,
        select_all=False,
        placeholder=empty or mark("Choose time grids"),
        help=message("Up to {most}: more columns cannot be read.", most=most),
    )


def schedule(page: Any) -> None:
    """The noise schedule alone, for pages whose grids are compared."""
    settings.choose(
        "Noise schedule",
        "schedule",
        list(SCHEDULES),
        page.default.schedule,
        format_func=lambda name: SCHEDULES[name].title,
        help="How signal fades and noise grows: the forward process that is run backwards.",
    )


def budget(page: Any) -> None:
    """Model evaluations that each run may spend."""
    most = MOST_NFE[fields.kind()]
    settings.ladder(
        "Evaluations of the model (NFE)",
        fields.name_of(page.name, "nfe", fields.kind()),
        [rung for rung in BUDGETS if rung <= most],
        page.default.nfe,
        help=message("1 to {most} for each run. A solver that asks twice a step takes half as many steps.", most=most),
    )


def begin(page: Any) -> None:
    """Where the runs start."""
    settings.choose(
        "Runs begin in",
        f"{page.name}.begin",
        list(BEGIN),
        page.default.begin,
        st.segmented_control,
        format_func=BEGIN.get,
        required=True,
        help="The middle is where signal and noise are equally strong (λ = 0), on the exact path from the same noise: "
        "where editing and inversion begin.",
    )


def preset(label: str, page: Any, values: dict[str, Any], words: str) -> None:
    """A button that sets several settings of the page at once."""
    st.button(tr(label), key=f"preset {page.name} {label}", on_click=_set, args=(page.name, values), help=tr(words))


def _set(page: str, values: dict[str, Any]) -> None:
    for field, value in values.items():
        settings.put(fields.name_of(page, field, fields.kind()), value)


def variants(page: Any) -> None:
    """Every choice of one option of one solver side by side: pick which."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    chosen = settings.get(slot, [str(choice) for choice in page.default.solvers])
    names = dict.fromkeys(SolverChoice.model_validate(text).name for text in chosen)
    offered = {
        tr("{solver}: {option}", solver=SOLVERS[name].title, option=tr(option.called(key))): (
            name,
            key,
        )
        for name in names
        for key, option in SOLVERS[name].options.items()
        if option.choices
    }
    if not offered:
        return
    with st.popover(tr("Compare the choices of one option"), width="stretch"):
        for label, (name, key) in offered.items():
            texts = [_with(name, key, value) for value in SOLVERS[name].options[key].choices]
            st.button(
                label,
                key=f"variants {name} {key}",
                on_click=settings.put,
                args=(slot, texts),
                help=tr(SOLVERS[name].options[key].help),
                type="tertiary",
            )


def _with(name: str, key: str, value: Any) -> str:
    return str(SolverChoice(name=name, options=((key, value),)))


def few_steps(page: Any) -> None:
    """Number of steps where each is carried to the end."""
    most = MOST_STEPS[fields.kind()]
    settings.ladder(
        "Steps",
        fields.name_of(page.name, "steps", fields.kind()),
        [rung for rung in STEPS if rung <= most],
        page.default.steps,
        help=message(
            "2 to {most}: the error of each is carried to the end, which takes a solution of its own.", most=most
        ),
    )


def precisions(page: Any) -> None:
    """Number formats of the particles."""
    settings.choose_some(
        "Precisions",
        f"{page.name}.precisions",
        list(DTYPES),
        list(page.default.precisions),
        select_all=False,
        placeholder="Choose precisions",
        help="The number format of the particles and of the model's answers. Times and coefficients are float64.",
    )


def time_if_shown(page: Any, view: str, wanted: str) -> None:
    """Let runs be timed exactly when wall time is the axis that is shown, since timing takes several repeats."""
    timed, axis = f"{page.name}.timed", f"{page.name}.{view}"
    if settings.get(timed) and axis not in settings.values():
        settings.put(axis, wanted)  # settings that ask for times and say nothing of an axis
    settings.put(timed, settings.current(axis) == wanted)
