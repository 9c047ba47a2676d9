"""Several solvers carry the same noise to data: their paths, the reference, and the error along the way."""

import streamlit as st

from pages.common.page import OPENED, Page  # first: it sets up the process

# isort: split
from core.experiments.demos import DEMOS, Demo
from core.experiments.specification import MAX_LINES, ImageData, TrajectoriesSpec
from core.figures import attempts
from core.figures import trajectories as figures
from core.language import joined, message, tr
from pages.common import compute, controls, explain, fields, pictures, player, settings, sharing, words

NOISY = "euler-maruyama"

page = Page(
    name="trajectories",
    title="Trajectories",
    lead="Every solver starts from the same noise and walks the same number of steps towards data. "
    "They differ only in how they choose the next point.",
    toy=TrajectoriesSpec(),
    images=TrajectoriesSpec(data=ImageData(), particles=6, steps=10),
    views={"layout": pictures.LAYOUTS} | pictures.WHICH | pictures.SHEETS,
)
page.open()


def add_noise() -> None:
    """Put a sampler with noise among the solvers, in place of the last one if there is no room."""
    slot = fields.name_of(page.name, "solvers", fields.kind())
    held = settings.get(slot, [str(choice) for choice in page.default.solvers])
    settings.put(slot, [*held[: MAX_LINES - 1], NOISY])


def demonstrations() -> None:
    """Buttons that set everything as in the demonstrations that people know."""
    for name, demo in DEMOS.items():
        st.button(tr(demo.title), key=f"demo {name}", on_click=show, args=(demo,), width="stretch")
        st.caption(tr(demo.description))


def show(demo: Demo) -> None:
    """Open the demonstration here."""
    st.session_state[OPENED] = demo.spec()


with st.sidebar:
    st.subheader(tr("What to carry"))
    controls.data(page.default.data)
    controls.particles(page)
    controls.seed()
    st.subheader(tr("How to carry it"))
    controls.solvers(page)
    controls.steps(page)
    controls.schedule(page)
    controls.more(page)
    if fields.kind() == "images":
        with st.expander(tr("Known demonstrations")):
            demonstrations()

player.keep_start(page)
result = compute.shown(page)

of_images = result.spec.data.kind == "images"
layout = settings.current(f"{page.name}.layout", "together")
apart, sheet = layout == "apart", layout == "sheet" and of_images
before, picture, after = explain.slots(stacked=of_images or apart)
with before:
    page.view("layout", "Show", among=None if of_images else 2)
    explain.look(words.side_by_side(result) if apart else words.trajectories(result))
    if apart and not any(path.stochastic for path in result.paths):
        st.button(tr("Add a solver that draws noise"), key="add noise", on_click=add_noise)
with picture:
    if apart:
        pictures.side_by_side(page, result)
    elif sheet:
        pictures.all_images(page, result)
    else:
        pictures.journey(page, result, "trajectories")
with after:
    words.cost_table(result)

st.header(tr("Where along the path the error comes from"), anchor=False)
st.markdown(
    tr(
        "Distance to the reference path at every step, averaged over pixels (RMS). A stochastic solver draws noise of "
        "its own, so it has no path to be compared with."
        if of_images
        else "Distance to the reference path at every step, averaged over particles (RMS). A stochastic solver draws "
        "noise of its own, so it has no path to be compared with."
    )
)
figure = figures.error_figure(result)
explain.picture(figure, figures.alt_error(result), "error-along-path")
sharing.share(page, result, figure, "error-along-path", lambda: words.error_table(result))

if attempts.adaptive_paths(result):
    st.header(tr("Steps that were tried"), anchor=False)
    st.markdown(
        tr(
            joined(
                [
                    message(
                        "A solver with a step control tries a step, estimates its error from two answers of different "
                        "order, and takes it only if the error is within the tolerance."
                    ),
                    attempts.attempts_in_words(result),
                ]
            )
        )
    )
    figure = attempts.attempts_figure(result)
    explain.picture(figure, attempts.alt_attempts(result), "attempts")
    sharing.share(page, result, figure, "attempts", lambda: attempts.attempts_table(result))

explain.notes(result.notes)
explain.formula(words.ODE, words.SDE, title="The equations")
with st.expander(tr("One step of each solver, in formula")):
    explain.solver_formulas(words.infos(result))
