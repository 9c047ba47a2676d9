"""Scenes hold what the result holds, to the precision that they promise, and are small enough to send."""

import dataclasses
import re

import numpy as np
import pytest

from core.experiments import ImageData, TrajectoriesSpec, run_experiment
from core.figures import images, side
from core.figures import trajectories as figures
from core.figures.scene import Scene
from core.figures.style import solver_style
from tests.scenes import read_scene

STEP = 0.51 / 32767  # of the largest coordinate of its time: half a step of 16 bits, and float32 of the scale


@pytest.fixture(scope="module")
def placed():
    return run_experiment(TrajectoriesSpec(particles=6, steps=5, solvers=("heun", "dpmpp-2m"), start=(1.0, -0.5, 2)))


@pytest.fixture(scope="module")
def two_images():
    spec = TrajectoriesSpec(data=ImageData(label=3), particles=2, steps=5, solvers=("ddim", "euler-maruyama"))
    return run_experiment(spec)


def unpacked(scene: Scene) -> tuple[dict, dict[str, np.ndarray]]:
    return read_scene(scene.pack())


def assert_places(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    largest = np.nanmax(np.abs(expected), axis=(1, 2), keepdims=True)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    assert np.nanmax(np.abs(found - expected) / largest) < STEP


def test_packing_keeps_places_levels_and_what_is_lost():
    random = np.random.default_rng(0)
    places = random.normal(size=(7, 5, 2)) * np.logspace(3, -3, 7)[:, None, None]  # noise of sigma 1000 and tiny data
    places[3:, 2] = np.nan
    places[6] = 0.0
    levels = random.integers(0, 256, (4, 3, 3))
    scene = Scene({"name": "x"})
    scene.places("p", places)
    scene.levels("l", levels)
    scene.floats("f", places[0])
    head, arrays = unpacked(scene)
    assert head["name"] == "x"
    assert_places(arrays["p"][:6], places[:6])
    np.testing.assert_array_equal(arrays["p"][6], 0.0)
    np.testing.assert_array_equal(arrays["l"], levels)
    np.testing.assert_allclose(arrays["f"], places[0], rtol=1e-6)


def test_each_solver_is_where_the_run_was_and_asked_where_it_asked(trajectories):
    head, arrays = unpacked(figures.paths_scene(trajectories))
    assert [one["label"] for one in head["series"]] == [path.label for path in trajectories.paths]
    for one, path in zip(head["series"], trajectories.paths, strict=True):
        assert one["colour"] == solver_style(path.name).colour
        assert_places(arrays[one["track"]["array"]], path.states)
        assert_places(arrays[one["seen"]["x"]], path.watched.x)
        assert one["seen"]["step"] == path.watched.step.tolist()
    assert [one["reuses"] for one in head["series"]] == [0, 1, 0]  # of these only DPM-Solver++ 2M looks back
    reference = head["reference"]["track"]
    assert_places(arrays[reference["array"]][:: reference["per"]], trajectories.reference[trajectories.on_grid])
    np.testing.assert_allclose(head["lambda"], trajectories.log_snr)
    levels = arrays["density"] / 255
    assert np.abs(levels**2 - trajectories.field.density).max() < 0.005


def test_evaluations_say_which_way_the_ode_goes(placed):
    for path in placed.paths:
        seen = path.watched
        # along the reference, dx/dlambda is the limit of differences: here over the reference's own small steps
        first = placed.reference[1] - placed.reference[0]
        lam = np.interp(placed.reference_times[:2][::-1], placed.times[::-1], placed.log_snr[::-1])[::-1]
        np.testing.assert_allclose(seen.slope[0], first / (lam[1] - lam[0]), atol=0.02)
        np.testing.assert_array_equal(seen.x[0], placed.reference[0])
    heun, multistep = placed.paths
    assert heun.watched.step.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_allclose(heun.watched.log_snr[1::2], placed.log_snr[1:], atol=1e-9)  # it looks ahead
    assert multistep.watched.step.tolist() == [0, 1, 2, 3, 4]


def test_a_placed_point_has_the_path_of_every_solver(placed):
    head, arrays = unpacked(figures.paths_scene(placed))
    shown = head["placed"]
    assert shown["point"] == [1.0, -0.5]
    exact = arrays[shown["reference"]["array"]]
    np.testing.assert_allclose(exact[0, 0], [1.0, -0.5], atol=1e-4)
    assert shown["reference"]["from"] == 2
    assert len(exact) == 3 * shown["reference"]["per"] + 1
    for one, states, error in zip(shown["series"], placed.placed.states, placed.placed.errors, strict=True):
        assert_places(arrays[one["track"]["array"]], states[:, None])
        away = placed.placed.reference[-1] - states[-1]
        assert error == pytest.approx(np.sqrt(np.mean(away**2)))
        assert set(one["seen"]["step"]) == {2, 3, 4}


def test_a_broken_run_ends_where_it_ended(broken):
    head, arrays = unpacked(figures.paths_scene(broken))
    assert "diverged in step 4" in head["series"][0]["legend"]
    assert len(arrays["solver0"]) == len(broken.paths[0].states) < broken.spec.steps + 1
    assert "diverged in step 4 of 10" in figures.alt_paths(broken)
    assert "Euler ends nearest" not in figures.alt_paths(broken)


@pytest.mark.parametrize(("particles", "steps", "solvers"), [(2000, 59, 1), (5000, 1000, 1), (2000, 100, 5)])
def test_the_largest_pictures_are_half_a_megabyte_at_most(particles, steps, solvers):
    named = ("euler", "ddim", "dpmpp-2m", "ddpm", "euler-maruyama")[5 - solvers :]
    small = run_experiment(TrajectoriesSpec(particles=40, steps=steps, solvers=named))
    random = np.random.default_rng(0)
    paths = []
    for path in small.paths:  # as many particles as asked for, moving as those do
        some = random.integers(0, 40, particles)
        moved = path.states[:, some] * (1 + 0.3 * random.normal(size=(1, particles, 1)))
        paths.append(dataclasses.replace(path, states=moved))
    spec = small.spec.model_copy(update={"particles": particles})
    result = dataclasses.replace(small, spec=spec, paths=tuple(paths))
    scene = figures.paths_scene(result)
    assert len(scene.pack()) < 500_000
    shown = scene.arrays[1]["shape"][1]
    assert shown == min(particles, max(40, 120_000 // (solvers * (steps + 1))))
    assert shown == particles or f"({shown} of them drawn)" in figures.alt_paths(result)


def test_three_processes_stand_over_their_law(trajectories):
    head, arrays = unpacked(side.side_scene(trajectories))
    ode, sde, forward = side.panels(trajectories)
    assert [panel.kind for panel in (ode, sde, forward)] == ["ODE", "SDE", "Forward"]
    np.testing.assert_array_equal(ode.states[0], sde.states[0])
    assert_places(arrays["process2"], trajectories.forward)
    np.testing.assert_allclose(arrays["law"], trajectories.profile.density, rtol=1e-6)
    assert [panel["series"] for panel in head["panels"]] == [["process0"], ["process1"], ["process2"]]
    assert min(head["law"]["tops"]) > trajectories.profile.density.max()


def test_a_strip_has_every_picture_of_one_image(two_images):
    head, arrays = unpacked(images.images_scene(two_images, 1))
    rows = head["images"]["rows"]
    assert [len(row["films"]) for row in rows] == [1, 3, 2]  # noise of its own explains no step
    ddim = two_images.paths[0]
    pixels = arrays[rows[1]["films"][0]["array"]]
    clean = np.clip(np.round((ddim.states[-1, 1].transpose(1, 2, 0) + 1) * 127.5), 0, 255)
    assert np.abs(pixels[-1].astype(int) - clean).max() <= 1
    tracks = [arrays[f"solver{k}"][:, 0] for k in range(2)]
    np.testing.assert_allclose(tracks[0][0], tracks[1][0], atol=1e-3)  # the same noise
    seen = np.linalg.norm(tracks[0][-1] - tracks[1][-1])
    whole = np.linalg.norm(ddim.states[-1, 1] - two_images.paths[1].states[-1, 1])
    assert 0.5 * whole < seen <= whole * (1 + 1e-3)  # a projection shortens, and keeps the most that a plane can
    assert f"error {ddim.final_rms:.2g}" in images.alt_images(two_images)
    assert "Image 2 of 2" in images.alt_images(two_images, 1)
    with pytest.raises(ValueError, match="particles 0 to 1"):
        images.images_scene(two_images, 2)


def test_sheets_hold_all_images_at_every_time(two_images):
    for shown in images.SHOWN:
        head, arrays = unpacked(images.sheets_scene(two_images, shown))
        assert head["images"]["us"] == [0, 1, 2, 3, 4, 5]
        assert arrays["sheet0"].shape == (6, 8, 17, 3)
    with pytest.raises(ValueError, match="choose one of"):
        images.sheets_scene(two_images, "noise")


def test_images_beside_each_other_have_their_law_and_strips(two_images):
    head, arrays = unpacked(side.side_scene(two_images, 1))
    along = two_images.profile.along(two_images.forward)
    np.testing.assert_allclose(arrays["process2"][..., 0], along, atol=1e-3 * np.abs(along).max())
    assert head["law"]["few"]
    assert len(head["images"]["rows"]) == 3
    assert "drawn from the data" in head["images"]["rows"][2]["label"]


def test_scenes_refuse_the_other_kind_of_data(trajectories, two_images):
    for call in (
        lambda: images.images_scene(trajectories),
        lambda: images.sheets_scene(trajectories),
        lambda: figures.paths_scene(two_images),
    ):
        with pytest.raises(ValueError, match=r"2-D|image"):
            call()


def test_a_page_of_its_own_needs_no_network(trajectories):
    page = figures.paths_scene(trajectories).to_html()
    assert page.startswith("<!doctype html>")
    assert "class Player" in page
    assert not re.search(r"(src|href)=.https?:|import .*from|url\(", page)
