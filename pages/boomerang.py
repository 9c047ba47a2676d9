"""Data noised to a time and carried back: how far they go, by how much noise, and whether they still look like data."""

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments.boomerang import BoomerangSpec
from core.experiments.specification import ImageData, ToyData
from core.figures import boomerang as figures
from core.language import mark, tr
from pages.common import (
    compute,
    controls,
    controls_round_trip,
    explain,
    pictures,
    player,
    sharing,
    upload_image,
    words_round_trip,
)

page = Page(
    name="boomerang",
    title="There and back",
    lead="Add noise to something real, as if the forward process had run to time t, and let a solver carry it back. "
    "A little noise gives a neighbour of the input, much noise something new.",
    toy=BoomerangSpec(data=ToyData(name="moons"), particles=400),
    images=BoomerangSpec(data=ImageData(), particles=4),
    views={"against": {"t": "t", "lambda": "λ"}} | pictures.WHICH,
)
page.open()
controls_round_trip.family(page.name)

with st.sidebar:
    st.subheader(tr("What to noise"))
    controls.data(page.default.data)
    upload_image.picture(page)
    controls.particles(page)
    controls.seed(mark("Draw"))
    st.subheader(tr("How to bring it back"))
    controls_round_trip.ways_back(page)
    controls_round_trip.steps_back(page)
    controls_round_trip.levels(page)
    controls.schedule(page)
    controls.more(page)

result = compute.shown(page)

explain.look(words_round_trip.boomerang(result))
if result.spec.data.kind == "images":
    shown = pictures.which(page, result.spec.particles)
    figure, alt = figures.strips_figure(result, shown), figures.alt_strips(result, shown)
    explain.picture(figure, alt, "returns", wide=True)
else:
    figure = figures.moves_scene(result)
    player.player(figure, "returns")
sharing.share(page, result, figure, "returns", lambda: figures.distance_table(result))

st.header(tr("Distance to the input"), anchor=False)
against = page.view("against", "Against")
figure = figures.distance_figure(result, against)
explain.picture(figure, figures.alt_distance(result), "distance")
sharing.share(page, result, figure, "distance", lambda: figures.distance_table(result))

if result.law_floor is not None:
    st.header(tr("Do they still look like data?"), anchor=False)
    st.markdown(tr("All that came back from one level, taken as a set, against the data; the band is chance alone."))
    figure = figures.law_figure(result, against)
    explain.picture(figure, figures.alt_law(result), "law")
    sharing.share(page, result, figure, "law", lambda: figures.distance_table(result))

explain.notes(result.notes)
explain.formula(words_round_trip.BOOMERANG, words_round_trip.DISTANCE, title="The equations")
