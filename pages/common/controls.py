"""The widgets of a specification's fields, in the order in which people reach for them.

Each shows a value of the session's settings and says its limits, and why, in its tooltip.
"""

import math
from typing import Any

import streamlit as st

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments import specification as limits
from core.experiments.build import CUSTOM_BANDWIDTH
from core.experiments.choices import GridChoice, GuidanceChoice, SolverChoice
from core.experiments.specification import CUSTOM, DRAWN, OWN
from core.grids import GRIDS
from core.language import mark, message, tr
from core.models.guidance import GUIDANCE
from core.schedules import SCHEDULES, make_schedule
from core.solvers import SOLVERS
from pages.common import drawing, fields, options, settings, upload

TOY_PARTICLES = [1, 2, 5, 10, 20, 50, 100, 200, 256, 500, 1000, 2000, 5000]
IMAGE_COUNTS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64]
STEPS = [*range(1, 13), 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000]
COUNTS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 500, 640, 1000]


def _title(registry: Any) -> Any:
    return lambda name: registry[name].title


def data(
    default: Any,
    described: bool = True,
    learned: bool = True,
    guided: bool = True,
    classed: bool = False,
    largest: float = math.inf,
) -> None:
    """Which data, of which class, with which guidance.

    ``described`` adds a sentence on what they are, and the class; without ``learned``, only those of exact score are
    offered, and without ``guided`` no guidance. ``classed``: only sets with classes, of which one must be chosen.
    ``largest``: only images of at most so many numbers.
    """
    if default.kind == "images":
        _images(default, described, learned, guided, classed, largest)
    else:
        toy(default, described, guided, classed)


def _images(
    default: Any, described: bool, learned: bool, guided: bool, classed: bool, largest: float = math.inf
) -> None:
    offered = [
        name
        for name, info in IMAGE_DATA.items()
        if (learned or info.exact) and (info.classes or not classed) and math.prod(info.shape) <= largest
    ]
    held = settings.get("images.name", default.name)
    if held not in offered:
        why = (
            mark("{data} has no classes.")
            if learned
            else mark("{data} is too large to be learned while one waits.")
            if IMAGE_DATA[held].exact
            else mark("{data} has a learned score: this would take too long.")
        )
        st.caption(tr(why, data=tr(IMAGE_DATA[held].title)))
        settings.put("images.name", default.name)
    name = settings.choose(
        "Images",
        "images.name",
        offered,
        default.name,
        format_func=_title(IMAGE_DATA),
        help="Small sets whose score is known exactly, and a trained network. All work without the internet.",
    )
    info = IMAGE_DATA[name]
    if described:
        st.caption(tr(info.description))
    if described:
        _class(default, name, info.classes, guided, whole=not (info.needs_label or classed))


def _class(default: Any, name: str, classes: tuple[str, ...], guided: bool, whole: bool = True) -> None:
    """One class of a set that has classes (all of them too, where ``whole``), and the guidance towards it."""
    if not classes:
        return
    own = default if name == default.name else None
    label = settings.choose(
        "Class",
        f"{default.kind}.label@{name}",
        [*([fields.ALL] if whole else []), *range(len(classes))],
        own.label if own and own.label is not None else fields.ALL,
        format_func=lambda label: mark("All classes") if label == fields.ALL else classes[label],
    )
    if label == fields.ALL or not guided:
        return
    slot = f"{default.kind}.guidance@{name}"
    held = settings.get(slot, str(own.guidance) if own and own.guidance else fields.NONE)
    if held == fields.NONE and not whole:
        held = next(iter(GUIDANCE))
        settings.put(slot, held)
    settings.choose(
        "Guidance",
        slot,
        [*([fields.NONE] if whole else []), *(held if held.split("(")[0] == kind else kind for kind in GUIDANCE)],
        held,
        format_func=lambda text: mark("None") if text == fields.NONE else GUIDANCE[text.split("(")[0]].title,
        help="Push the model towards the class, harder than its own score does.",
    )
    if settings.get(slot) != fields.NONE:
        options.draw(slot, GuidanceChoice)


def toy(default: Any, described: bool = True, guided: bool = True, classed: bool = False) -> None:
    """A 2-D set, or the user's own points."""
    offered = [name for name, info in TOY_DATA.items() if info.classes] if classed else [*TOY_DATA, *OWN]
    if settings.get("toy.name", default.name) not in offered:
        settings.put("toy.name", default.name)
    name = settings.choose(
        "Data",
        "toy.name",
        offered,
        default.name,
        format_func=lambda name: OWN[name] if name in OWN else TOY_DATA[name].title,
        help="Every set is a mixture of Gaussians, so its score is known exactly at every noise level.",
    )
    if name == CUSTOM:
        upload.points()
    elif name == DRAWN:
        drawing.sheet()
    elif described:
        st.caption(tr(TOY_DATA[name].description))
        _class(default, name, TOY_DATA[name].classes, guided, whole=not classed)


def shape(default: Any) -> None:
    """Scale and bandwidth of a 2-D set."""
    if default.kind != "toy":
        return
    settings.number(
        "Scale",
        "toy.scale",
        default.scale,
        0.1,
        4.0,
        st.slider,
        step=0.1,
        format="%.2g",
        help="Size of the data against the noise. 0.1 to 4: beyond, the noise would not cover the data.",
    )
    name = settings.get("toy.name", default.name)
    bandwidth = {CUSTOM: CUSTOM_BANDWIDTH, DRAWN: None}[name] if name in OWN else TOY_DATA[name].bandwidth
    if bandwidth is None:
        return
    slot = f"toy.bandwidth@{name}"
    value = settings.number(
        "Bandwidth",
        slot,
        bandwidth,
        0.01,
        1.0,
        st.slider,
        step=0.01,
        format="%.2g",
        help="Width of the Gaussian put on each point, before scaling. 0.01 to 1: sharper ones need many more steps.",
    )
    if value == bandwidth:
        settings.values()[slot] = None  # its own default: the link stays short


def solvers(page: Any, most: int = limits.MAX_LINES, stochastic: bool = True) -> None:
    """Up to ``most`` solvers; then the options of those that have any."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    default = [str(choice) for choice in page.default.solvers]
    chosen = settings.get(slot, default)
    learned = fields.kind() == "images" and not IMAGE_DATA[settings.get("images.name", page.images.data.name)].exact
    names = [
        name
        for name, info in SOLVERS.items()
        if name != "reference" and (stochastic or not info.stochastic) and not (learned and info.exact_data)
    ]
    chosen = settings.choose_some(
        "Solvers",
        slot,
        [*names, *(text for text in chosen if text not in names)],
        default,
        format_func=lambda text: SolverChoice.model_validate(text).label,
        max_selections=most,
        select_all=False,
        placeholder="Choose solvers",
        help=message("Up to {most}: more lines cannot be told apart. All start from the same noise.", most=most),
    )
    if not chosen:
        st.caption(tr("Choose at least one solver."))


def solver_options(page: Any) -> None:
    """For each chosen solver that has options: their widgets."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    options.draw(slot, SolverChoice)


def steps(page: Any, label: str = mark("Steps"), field: str = "steps") -> None:
    """Number of steps."""
    kind = fields.kind() if page.images is not None else "toy"
    most = limits.MAX_TOY_STEPS if kind == "toy" else limits.MAX_IMAGE_STEPS
    settings.ladder(
        label,
        fields.name_of(page.name, field, kind),
        [rung for rung in STEPS if rung <= most],
        getattr(page.default, field),
        help=message("1 to {most}: more only costs time. A step may cost several model evaluations (NFE).", most=most),
    )


def step_counts(page: Any) -> None:
    """The step counts that an error curve is measured at."""
    kind = fields.kind()
    most = limits.MAX_TOY_STEPS if kind == "toy" else limits.MAX_IMAGE_STEPS
    slot = fields.name_of(page.name, "step_counts", kind)
    default = list(page.default.step_counts)
    offered = sorted({*(rung for rung in COUNTS if rung <= most), *default, *settings.get(slot, [])})
    settings.choose_some(
        "Step counts",
        slot,
        offered,
        default,
        max_selections=12,
        select_all=False,
        help=message("2 to 12 of them, each 1 to {most}. Doubling shows the order as a straight line.", most=most),
    )


def particles(page: Any) -> None:
    """How many particles or images."""
    kind = fields.kind()
    if kind == "images":
        label, rungs, most = mark("Images at a time"), IMAGE_COUNTS, limits.MAX_IMAGES
    else:
        label, rungs, most = mark("Particles"), TOY_PARTICLES, page.toy.most_particles
    settings.ladder(
        label,
        fields.name_of(page.name, "particles", kind),
        [rung for rung in rungs if rung <= most],
        page.default.particles,
        help=message(
            "1 to {most}: more cost memory and time. The noise of the first ones stays as more are added.", most=most
        ),
    )


def seed(label: str = mark("Noise")) -> None:
    """Which noise, and a button for another."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        settings.number(
            label, "seed", 0, 0, 2**31 - 1, step=1, help="Seed of the starting noise: the same seed, the same picture."
        )
        st.button(tr("Another"), key="another noise", on_click=_another, help=tr("Draw other noise: the next seed."))


def _another() -> None:
    settings.put("seed", (settings.get("seed", 0) + 1) % 2**31)


def schedule(page: Any) -> None:
    """Noise schedule, and time grid with its options."""
    settings.choose(
        "Noise schedule",
        "schedule",
        list(SCHEDULES),
        page.default.schedule,
        format_func=_title(SCHEDULES),
        help="How signal fades and noise grows: the forward process that is run backwards.",
    )
    grid(page)


def grid(page: Any) -> None:
    """Time grid and its options; those that the schedule cannot have are not offered."""
    default, slot = str(page.default.grid), "grid"
    span = make_schedule(settings.get("schedule", page.default.schedule))
    held = settings.get(slot, default)
    choice = GridChoice.model_validate(held)
    if not choice.info.fits(span):
        st.caption(
            tr(
                "{grid} needs a discrete chain, so {other} takes its place.",
                grid=tr(choice.label),
                other=tr(page.default.grid.label),
            )
        )
        settings.put(slot, default)
        choice = page.default.grid
    settings.put(f"{slot}@{choice.name}", str(choice))  # its options, for when it is chosen again
    settings.choose(
        "Time grid",
        slot,
        [settings.get(f"{slot}@{name}", name) for name, info in GRIDS.items() if info.fits(span)],
        default,
        format_func=_label,
        help="Where the steps are put between noise and data.",
    )
    options.draw(slot, GridChoice)


def _label(text: str) -> str:
    return GridChoice.model_validate(text).label


def times(page: Any) -> None:
    """First and last time, kept apart for each schedule, since their ranges differ."""
    name = settings.get("schedule", page.default.schedule)
    span = make_schedule(name)
    if not settings.switch(
        "Choose first and last time",
        f"ends@{name}",
        help="Otherwise the whole range of the schedule, which is cut off just before the noise or the data.",
    ):
        return
    for label, end, value in (
        (mark("From t"), "t_start", span.t_max),
        (mark("Down to t"), "t_end", span.t_min),
    ):
        settings.number(
            label,
            f"{end}@{name}",
            value,
            span.t_min,
            span.t_max,
            step=None,
            format="%.5g",
            help=message(
                "{low:g} to {high:g}: outside, the signal or the noise of this schedule vanishes.",
                low=span.t_min,
                high=span.t_max,
            ),
        )


def schedules(page: Any, most: int) -> None:
    """Several schedules side by side."""
    settings.choose_some(
        "Noise schedules",
        f"{page.name}.schedules",
        list(SCHEDULES),
        list(page.default.schedules),
        format_func=_title(SCHEDULES),
        max_selections=most,
        select_all=False,
        help=message("1 to {most}: more cannot be told apart.", most=most),
    )


def precision(page: Any) -> None:
    """Floating-point precision of a run."""
    settings.choose(
        "Precision",
        f"{page.name}.precision",
        ["float64", "float32"],
        page.default.precision,
        st.segmented_control,
        required=True,
        help="float32 hits a floor of rounding errors much sooner.",
    )


def grids(page: Any) -> None:
    """Several time grids side by side, with their options; one may come twice with other options."""
    slot = f"{page.name}.grids"
    default = [str(choice) for choice in page.default.grids]
    spans = [make_schedule(name) for name in settings.get(f"{page.name}.schedules", page.default.schedules)]
    held = settings.get(slot, default)
    names = [name for name, info in GRIDS.items() if any(map(info.fits, spans))]
    settings.choose_some(
        "Time grids",
        slot,
        [*names, *(text for text in held if text not in names)],
        default,
        format_func=_label,
        max_selections=limits.MAX_GRIDS,
        select_all=False,
        help=message("1 to {most}: more rows cannot be read.", most=limits.MAX_GRIDS),
    )
    options.draw(slot, GridChoice)


def nodes(page: Any) -> None:
    """Recorded intervals of a path."""
    settings.ladder(
        "Recorded steps",
        f"{page.name}.nodes",
        [20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 500],
        page.default.nodes,
        help="20 to 500: curvature is a second difference, so fewer blur sharp bends and more only cost time.",
    )


def more(page: Any) -> None:
    """What is rarely changed, folded away: scale and width of 2-D data, the span of times, options of solvers."""
    with st.expander(tr("More settings")):
        shape(page.default.data)
        times(page)
        solver_options(page)


def ways(family: dict[str, str], here: str) -> None:
    """One row of links to pages that belong together (file name: title); the one that is open is set in bold."""
    with st.container(horizontal=True, gap="small", key="family"):
        for name, title in family.items():
            st.page_link(f"pages/{name}.py", label=f"**{tr(title)}**" if name == here else tr(title), width="content")
