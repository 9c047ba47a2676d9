"""Experiments that begin with data: orders and closed forms as in theory, own pictures, and code that repeats them."""

import runpy

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.data.pictures import pack_picture, unpack_picture
from core.experiments import ImageData, ToyData, from_params, load_recipe, run_experiment, to_params
from core.experiments.boomerang import BoomerangSpec
from core.experiments.build import build_model, build_problem
from core.experiments.code import snippet
from core.experiments.inversion import InversionSpec
from core.experiments.pictured import OWN_SAMPLES, clean_data
from core.solvers import SOLVERS

DIGITS, UNET = ImageData(name="digits", label=3), ImageData(name="unet-digits", label=3)
STROKE = torch.full((1, 8, 8), -1.0)
STROKE[:, 1:7, 3:5] = 1.0
PICTURE = pack_picture(STROKE)
COUNTS = (40, 80, 160, 320)


def shown(spec, tmp_path):
    path = tmp_path / "shown.py"
    path.write_text(snippet(spec))
    return runpy.run_path(str(path))


def test_round_trips_gain_an_order_where_it_is_even():
    solvers = ("ddim", "heun", "dpmpp-2m(start=single-step)", "dpmpp-3m(start=single-step)")
    found = run_experiment(InversionSpec(particles=60, step_counts=COUNTS, solvers=solvers))
    assert [float(s.order) for s in found.solvers] == pytest.approx([1, 3, 3, 3], abs=0.2)
    assert [float(s.latent_order) for s in found.solvers] == pytest.approx([1, 2, 2, 3], abs=0.2)
    for solver in found.solvers:
        assert [trip.nfe for trip in solver.trips][-1] >= 2 * COUNTS[-1] * SOLVERS[solver.name].nfe_per_step


def test_exact_latents_are_standard_normal_and_ddims_too_small():
    found = run_experiment(InversionSpec(particles=600, step_counts=(10, 20), solvers=("ddim",)))
    (ddim,) = found.solvers
    assert found.exact_statistics.variance == pytest.approx(1, abs=0.1)
    assert abs(found.exact_statistics.mean) < 0.1
    assert ddim.statistics.variance < 0.85
    assert found.numbers == 1200


def test_data_without_their_noise_have_latents_that_are_too_small():
    spec = InversionSpec(data=DIGITS, particles=3, step_counts=(10, 20), solvers=("edm-heun",))
    plain = run_experiment(spec.model_copy(update={"dither": False}))
    assert plain.exact_statistics.variance < 0.2 < 0.8 < run_experiment(spec).exact_statistics.variance
    assert any("No noise was added" in note for note in plain.notes)


def test_the_way_back_is_as_far_as_the_closed_form_says():
    spec = BoomerangSpec(data=ToyData(name="gaussian"), particles=2000, steps=60, levels=4)
    found = run_experiment(spec)
    for solver in found.solvers:
        for level, back in zip(found.levels, solver.returns, strict=True):
            exact = level.by_sde if solver.stochastic else level.by_ode
            assert back.rms == pytest.approx(exact, rel=0.05)
            assert back.law.low <= found.law_floor.high
    ode, sde = found.solvers
    assert all(a.rms < b.rms for a, b in zip(ode.returns[:-1], sde.returns[:-1], strict=True))
    assert found.levels[-1].by_ode == pytest.approx(found.unrelated, rel=0.05)
    assert np.isfinite(found.to_frame()["exact_rms"]).all()


def test_no_exact_latent_is_sought_where_it_would_take_for_ever(monkeypatch):
    spec = InversionSpec(data=DIGITS, particles=2, step_counts=(2, 4), steps=4, picture=PICTURE, solvers=("ddim",))
    found = run_experiment(spec)
    assert found.exact is None
    assert any("no member of the set" in note for note in found.notes)
    monkeypatch.setattr("core.analysis.inversion.MOST_EVALUATIONS", 20)
    found = run_experiment(InversionSpec(particles=3, step_counts=(2, 4), steps=4, solvers=("ddim",)))
    assert found.exact is None
    assert any("given up: more than 20 evaluations" in note for note in found.notes)


def test_a_little_noise_brings_an_exact_image_back_and_much_another():
    found = run_experiment(BoomerangSpec(data=DIGITS, particles=4, steps=20, seed=5))
    for solver in found.solvers:
        assert solver.returns[0].rms < 0.01
        assert solver.returns[-1].rms > 0.2
    assert found.law_floor is None
    members = build_model(DIGITS).points.flatten(1)
    ends = torch.from_numpy(found.solvers[0].returns[-1].ends).flatten(1)
    assert (torch.cdist(ends, members).min(1).values < 0.2).all(), "what came back is an image of the set"


SPECS = [
    InversionSpec(particles=7, step_counts=(5, 10), steps=7, schedule="flow", grid="karras", seed=3),
    InversionSpec(particles=5, step_counts=(5, 10), steps=5, t_end=0.02, dither=False, solvers=("rk4",)),
    InversionSpec(data=DIGITS, particles=2, step_counts=(3, 6), steps=3, picture=PICTURE, solvers=("ddim", "heun")),
    InversionSpec(data=UNET, particles=2, step_counts=(2, 3), steps=2, solvers=("ddim",)),
    BoomerangSpec(particles=12, steps=3, levels=3, seed=4, grid="karras(rho=5)", schedule="edm", t_end=0.01),
    BoomerangSpec(data=DIGITS, particles=2, steps=3, levels=2, picture=PICTURE),
    BoomerangSpec(data=UNET, particles=2, steps=2, levels=2, solvers=("ddim",)),
]


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_the_shown_code_repeats_the_numbers(tmp_path, spec):
    names, found = shown(spec, tmp_path), run_experiment(spec)
    if spec.kind == "inversion":
        np.testing.assert_array_equal(names["errors"], [solver.curve(spec.counts) for solver in found.solvers])
        assert names["latents"] == [solver.statistics for solver in found.solvers]
    else:
        wanted = [[back.rms for back in solver.returns] for solver in found.solvers]
        np.testing.assert_array_equal(names["distances"], wanted)


@pytest.mark.parametrize("kind", [InversionSpec, BoomerangSpec])
def test_a_picture_travels_in_links_and_recipes_and_is_what_is_used(kind):
    spec = kind(
        data=DIGITS, particles=2, steps=3, picture=PICTURE, **({"step_counts": (2, 4)} if kind is InversionSpec else {})
    )
    again, problems = from_params(kind, to_params(spec))
    assert (again, problems) == (spec, [])
    assert load_recipe(spec.model_dump_json()) == spec
    problem = build_problem(spec.data, spec.schedule)
    clean, begin = clean_data(spec, problem, 2, 0)
    assert begin == "your picture"
    assert torch.equal(clean[1], unpack_picture(PICTURE, (1, 8, 8)))
    assert any("your picture" in note for note in run_experiment(spec).notes)


def test_what_a_network_gets_is_drawn_from_what_it_learned_from():
    spec = InversionSpec(data=UNET, particles=3, step_counts=(2, 3), steps=2)
    clean, begin = clean_data(spec, build_problem(UNET, spec.schedule), 3, 0)
    members = build_model(DIGITS).points
    assert all(any(torch.equal(image, member) for member in members) for image in clean)
    assert "network learned from" in begin


def test_a_network_without_its_images_gets_its_own(monkeypatch, tmp_path):
    import dataclasses

    from core.data import IMAGE_DATA

    monkeypatch.setitem(
        IMAGE_DATA._entries, "unet-digits", dataclasses.replace(IMAGE_DATA["unet-digits"], trained_on="far")
    )
    monkeypatch.setattr("core.experiments.pictured.OWN_SAMPLES", (OWN_SAMPLES[0], 4))
    spec = BoomerangSpec(data=UNET, particles=2, steps=2, levels=2, solvers=("ddim",))
    found = run_experiment(spec)
    assert found.begin == "the network's own images"
    assert found.unrelated is None
    names = shown(spec, tmp_path)
    np.testing.assert_array_equal(names["distances"][0], [back.rms for back in found.solvers[0].returns])


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (InversionSpec, {"solvers": ("ddpm",)}, "draws noise"),
        (InversionSpec, {"solvers": ("rk45",)}, "its own steps"),
        (InversionSpec, {"step_counts": (10, 5)}, "must rise"),
        (InversionSpec, {"steps": 0}, "1 to 1000"),
        (InversionSpec, {"particles": 2000}, "at most 1000"),
        (InversionSpec, {"picture": PICTURE}, "2-D data have points"),
        (InversionSpec, {"data": DIGITS, "particles": 2, "step_counts": (2, 4), "picture": "AAAA"}, "3 numbers"),
        (InversionSpec, {"data": DIGITS, "particles": 2, "step_counts": (2, 4), "picture": "!"}, "base64"),
        (
            BoomerangSpec,
            {"data": ImageData(name="patches-16"), "particles": 2, "picture": PICTURE},
            "3 x 16 x 16 = 768",
        ),
        (BoomerangSpec, {"steps": 500}, "1 to 200"),
        (BoomerangSpec, {"levels": 1}, "greater than or equal to 2"),
        (BoomerangSpec, {"data": UNET, "particles": 2, "solvers": ("predictor-corrector", "nonsense")}, "nonsense"),
    ],
)
def test_what_cannot_be_asked_is_said(kind, given, words):
    with pytest.raises(ValidationError, match=words):
        kind(**given)
