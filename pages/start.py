"""The first picture: the same noise, several solvers, few steps; and the way through the other pages."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import ImageData, SolverChoice, ToyData, TrajectoriesSpec
from core.language import mark, tr
from pages.common import compute, controls, explain, pictures, player, words

SOLVERS = tuple(SolverChoice(name=name) for name in ("ddim", "edm-heun", "dpmpp-3m"))
page = Page(
    name="start",
    title="From noise to data, step by step",
    lead="A diffusion model turns noise into data by following a differential equation. A computer follows it in "
    "steps, and how it steps decides what comes out. Here several solvers start from the **same noise** and take "
    "**few steps**: press play, and see who gets where.",
    toy=TrajectoriesSpec(data=ToyData(name="letter-s"), solvers=SOLVERS, steps=8, particles=100),
    images=TrajectoriesSpec(data=ImageData(), solvers=SOLVERS, steps=8, particles=4),
    views=pictures.WHICH,
)
page.open()
st.page_link(
    "pages/lessons.py",
    label=tr("New here? Begin with lesson 1: predict, run, and see."),
    icon=":material/school:",
    query_params={"lesson": "1", "step": "1"},
    width="content",
)

of_images = page.default.data.kind == "images"
status = st.container()
before, picture, after = explain.slots(stacked=of_images)
with before.container(horizontal=of_images, gap="medium"):
    width = 260 if of_images else "stretch"
    with st.container(width=width):
        controls.data(page.default.data, described=False)
    with st.container(width=width):
        controls.steps(page)
    with st.container(width=width):
        controls.seed()

player.keep_start(page)
spec = page.specification()
with status:
    result = compute.result_for(page.name, spec)
if result is not None:
    with before:
        explain.look(words.trajectories(result))
    with picture:
        pictures.journey(page, result, "start", height=560)
    with after:
        words.cost_table(result)

st.header(tr("Where to go from here"), anchor=False)
WAYS = (
    ("schedules", mark("Schedules"), mark("How noise comes in, and where the steps are put.")),
    (
        "solvers",
        mark("Solvers"),
        mark("Every solver: its formula, its weights, the order it claims and the order it has."),
    ),
    (
        "trajectories",
        mark("Trajectories"),
        mark("Choose data, solvers and steps; see paths, density and error along the way."),
    ),
    ("curvature", mark("Curvature"), mark("Why some paths are easy: how much they bend, and when.")),
    (
        "convergence",
        mark("Error against steps"),
        mark("What a step costs and what it buys: measured orders and their floor."),
    ),
    ("local_error", mark("Step by step"), mark("Which steps cost most, and what the first and the last one add.")),
    ("time_grids", mark("Time grids"), mark("The same steps in better places: grids made for your problem.")),
    ("recommend", mark("Choose a solver"), mark("All candidates within your budget, ranked with how sure that is.")),
    ("straightening", mark("Straightening"), mark("Other pairs of noise and data: paths that need one step.")),
    ("guidance", mark("Guidance"), mark("Samples of one class, and solvers that have to follow a stiffer equation.")),
    ("noise", mark("Noise"), mark("What fresh noise on the way repairs, and what it costs.")),
    ("board", mark("Board"), mark("Pictures that you pinned, side by side, and as one page to take along.")),
)
for place, (file, title, text) in zip([place for _ in range(3) for place in st.columns(4)], WAYS, strict=True):
    with place.container(border=True, height="stretch", gap="small", key=f"way-{file}"):
        st.page_link(f"pages/{file}.py", label=f"**{tr(title)}**")
        st.caption(tr(text))
