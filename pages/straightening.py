"""What makes paths straight: how data and noise are paired, and what each pairing saves and costs."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.specification import ImageData, ToyData
from core.experiments.straightening import MOST_NUMBERS, StraighteningSpec
from core.figures import straightening as figures
from core.figures import straightening_numbers as numbers
from core.language import tr
from pages.common import compute, controls, controls_straightening, explain, player, sharing, words_straightening

page = Page(
    name="straightening",
    title="Straightening",
    lead="Draw straight lines from noise to data. Where they cross, a flow cannot follow both, so it bends, and bends "
    "cost steps. Pair noise and data more cleverly and the same journey becomes straight: here are the known ways, "
    "trained while you watch.",
    toy=StraighteningSpec(data=ToyData(name="ring")),
    images=StraighteningSpec(data=ImageData(), particles=32, nodes=20),
    views={
        "measure": numbers.ERRORS,
        "bend": numbers.BENDS,
        "cost": numbers.COSTS,
        "landing": {str(k): str(k) for k in range(10)},
    },
)
page.open()

with st.sidebar:
    st.subheader(tr("What to pair"))
    controls.data(page.default.data, learned=False, guided=False, largest=MOST_NUMBERS)
    controls.particles(page)
    controls.seed()
    st.subheader(tr("How to pair it"))
    controls_straightening.comparisons(page)
    controls_straightening.flows(page)
    st.subheader(tr("How to follow it"))
    controls_straightening.solver(page)
    controls_straightening.step_counts(page)
    with st.expander(tr("More settings")):
        controls_straightening.training(page)
        controls.nodes(page)
        controls.shape(page.default.data)

result = compute.shown(page)

plane = result.spec.data.kind == "toy"
explain.look(words_straightening.straightening(result))
if plane:
    scene = figures.flows_scene(result)
    player.player(scene, "straightening")
    sharing.share(page, result, scene, "straightening", result.to_frame)
st.table(words_straightening.flow_table(result), border="horizontal", hide_index=True)
st.caption(
    tr(
        "Squared lengths: cost of pairs, E|ε − x₀|²; disagreement, how much lines through one place differ; "
        "straightness, 0 where every path is a straight line at an even pace. Turning: radians in all. Error: RMS. "
        "Mismatch: nats between the noise that a flow was learned with and the noise that it starts from."
    )
)

if plane:
    st.header(tr("Lines that cross"), anchor=False)
    st.markdown(tr("Some pairs of each way. At a crossing two lines want two directions; the flow takes the mean."))
    figure = figures.lines_figure(result)
    explain.picture(figure, figures.alt_lines(result), "lines", wide=True)
    sharing.share(page, result, figure, "lines", result.to_frame)

st.header(tr("Where few steps land"), anchor=False)
counts = result.spec.step_counts
with st.container(width=320):
    chosen = int(page.view("landing", "Steps", st.select_slider, len(counts), labels=lambda k: str(counts[int(k)])))
figure = figures.landing_figure(result, chosen)
explain.picture(figure, figures.alt_landing(result, chosen), "landing", wide=True)
sharing.share(page, result, figure, "landing", result.to_frame)

st.header(tr("What straight paths save"), anchor=False)
measure = page.view("measure", "Against")
st.markdown(
    tr("Distance of the solver's ends from those of the same flow followed in small steps.")
    if measure == "error"
    else tr("Distance of the solver's ends to the data. Lines level off where the flow, not the solver, misses them.")
)
figure = numbers.errors_figure(result, measure)
explain.picture(figure, numbers.alt_errors(result, measure), "few-steps")
sharing.share(page, result, figure, "few-steps", result.to_frame)

st.header(tr("Where they bend"), anchor=False)
bend = page.view("bend", "Measure")
figure = numbers.bends_figure(result, bend)
explain.picture(figure, numbers.alt_bends(result, bend), "bends")
sharing.share(page, result, figure, "bends", result.to_frame)

st.header(tr("What straightening costs"), anchor=False)
st.markdown(
    tr(
        "Noise that follows the data too far is, as a whole, no longer the noise that a sampler starts from: the "
        "smaller the penalty β, the straighter the paths and the larger this mismatch. A network errs besides: even "
        "the ends of its own paths are a little off."
    )
)
cost = page.view("cost", "What it costs")
figure = numbers.trade_figure(result, cost)
explain.picture(figure, numbers.alt_trade(result, cost), "straight-and-right")
sharing.share(page, result, figure, "straight-and-right", result.summary)

st.header(tr("The trainings"), anchor=False)
figure = numbers.learning_figure(result)
explain.picture(figure, numbers.alt_learning(result), "trainings")
sharing.share(page, result, figure, "trainings", result.to_frame)

explain.notes(result.notes)
explain.formula(words_straightening.FLOW, words_straightening.STRAIGHT, words_straightening.WAYS, title="The equations")
