"""``python -m core`` as users run it: every setting is an option, files hold the result, bad input is one sentence."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import __main__ as cli
from core.experiments import EXPERIMENTS, ConvergenceSpec, ImageData, ToyData, TrajectoriesSpec, run_experiment
from core.experiments.links import known_keys

COMMAND = [sys.executable, "-m", "core"]
SMALL = ["--particles", "6", "--steps", "5", "--solvers", "ddim,dpmpp-2m(lower_order_final=true)", "--seed", "9"]
SPEC = TrajectoriesSpec(particles=6, steps=5, solvers=("ddim", "dpmpp-2m(lower_order_final=true)"), seed=9)


def refused(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    """The one line that bad input gets, after exit status 2."""
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    assert left.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("python -m core")
    return printed.err


@pytest.mark.parametrize("kind", EXPERIMENTS)
def test_help_names_every_setting(kind: str, capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as left:
        cli.main([kind, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    specification = EXPERIMENTS[kind].specification
    for key in known_keys(specification):
        assert f"--{key.replace('_', '-')} " in text
        if key in specification.model_fields and key != "data":
            assert specification.model_fields[key].description, f"{kind}.{key} has no words"
    assert "moons" in text
    assert "digits" in text


def test_a_run_as_a_user_starts_it_prints_a_table_and_sparse_progress(tmp_path: Path):
    out = tmp_path / "paths.csv"
    done = subprocess.run([*COMMAND, "trajectories", *SMALL, "--out", str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = run_experiment(SPEC)
    for path in result.paths:
        (line,) = [line for line in done.stdout.splitlines() if line.strip().startswith(path.label + " ")]
        assert f"{path.final_rms:.4g}" in line
        assert f" {path.nfe} " in line
    assert all(note in done.stdout for note in result.notes)
    assert str(out) in done.stdout
    assert "\r" not in done.stderr
    assert 2 <= len(done.stderr.splitlines()) < 20
    assert done.stderr.splitlines()[-1].startswith("100%")
    pd.testing.assert_frame_equal(pd.read_csv(out), result.to_frame(), rtol=1e-14)


def test_a_terminal_gets_a_bar(tmp_path: Path):
    main_end, other_end = pty.openpty()
    done = subprocess.run([*COMMAND, "schedules"], stdout=subprocess.PIPE, stderr=other_end, text=True)
    os.close(other_end)
    shown = os.read(main_end, 100_000).decode()
    os.close(main_end)
    assert done.returncode == 0
    assert re.search(r"\r\x1b\[K\[#*\.*\] +\d+% ", shown)


def test_npz_holds_the_arrays_and_the_specification(tmp_path: Path):
    out = tmp_path / "paths.npz"
    assert cli.main(["trajectories", *SMALL, "--out", str(out)]) == 0
    result = run_experiment(SPEC)
    with np.load(out, allow_pickle=False) as stored:
        assert TrajectoriesSpec.model_validate_json(str(stored["specification"])) == SPEC
        for key, values in result.to_arrays().items():
            np.testing.assert_array_equal(stored[key], values)
    assert list(tmp_path.iterdir()) == [out]


def test_json_holds_specification_notes_and_rows(tmp_path: Path):
    out = tmp_path / "paths.json"
    assert cli.main(["trajectories", "--solvers", "ddpm", "--particles", "3", "--steps", "4", "--out", str(out)]) == 0
    stored = json.loads(out.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    spec = TrajectoriesSpec.model_validate(stored["specification"])
    result = run_experiment(spec)
    frame = result.to_frame()
    assert stored["notes"] == list(result.notes)
    assert [row["rms_error"] for row in stored["rows"]] == [None] * 5  # a solver that draws noise has none
    assert [row["t"] for row in stored["rows"]] == frame["t"].tolist()


def test_a_recipe_is_run_and_options_go_before_it(tmp_path: Path):
    recipe, out = tmp_path / "recipe.json", tmp_path / "errors.csv"
    points = tuple((float(i), float(i * i % 7)) for i in range(150))  # more than a link can carry
    data = ToyData(name="custom", points=points, bandwidth=0.3)
    spec = ConvergenceSpec(data=data, particles=5, solvers=("ddim",), step_counts=(5, 10), path_steps=5, seed=3)
    recipe.write_text(spec.model_dump_json(indent=2))
    for options, want in (
        ([], spec),
        (["--seed", "4"], spec.model_copy(update={"seed": 4})),
        (["--data", "digits", "--particles", "2"], spec.model_copy(update={"data": ImageData(), "particles": 2})),
    ):
        assert cli.main(["convergence", "--recipe", str(recipe), *options, "--out", str(out)]) == 0
        with out.open() as file:
            errors = [float(row["rms_error"]) for row in csv.DictReader(file)]
        np.testing.assert_allclose(errors, run_experiment(want).solvers[0].rms, rtol=1e-14)


def test_own_points_come_from_a_file(tmp_path: Path):
    points = tmp_path / "points.csv"
    points.write_text("x;y\n0;0\n1;2.5\n-3;1e-7\n")
    out = tmp_path / "paths.npz"
    assert cli.main(["trajectories", "--points", str(points), *SMALL, "--out", str(out)]) == 0
    with np.load(out) as stored:
        spec = TrajectoriesSpec.model_validate_json(str(stored["specification"]))
    assert spec.data == ToyData(name="custom", points=((0.0, 0.0), (1.0, 2.5), (-3.0, 1e-7)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "experiment"),
        (["convergances"], "convergances"),
        (["trajectories", "--stepps", "3"], "--stepps"),
        (["trajectories", "--step", "3"], "--step"),  # no abbreviations
        (["trajectories", "--steps"], "--steps"),
        (["trajectories", "--steps", "-4"], "step counts for toy data go from 1 to 1000, got -4"),
        (["trajectories", "--steps", "many"], "steps = 'many': it must be a whole number"),
        (["trajectories", "--data", "moon"], "data = 'moon': known are ring"),
        (["trajectories", "--solvers", "ddim,foo"], "unknown solver 'foo'"),
        (["trajectories", "--data", "grid", "--label", "3"], "class 3 of 'grid' does not exist"),
        (["trajectories", "--t-end", "0.9", "--t-start", "0.5"], "t_end < t_start"),
        (["convergence", "--solvers", "ddpm"], "draws noise"),
        (["schedules", "--data", "digit"], "known are ring"),
        (["schedules", "--particles", "3"], "--particles"),
        (["trajectories", "--out", "paths.xlsx"], "--out must end in one of .csv, .npz, .json, got 'paths.xlsx'"),
        (["trajectories", "--out", "no/such/folder/paths.csv"], "there is no folder 'no/such/folder'"),
        (["trajectories", "--recipe", "none.json"], "there is no file 'none.json'"),
        (["trajectories", "--points", "none.csv"], "there is no file 'none.csv'"),
        (["trajectories", "--points", "README.md", "--data", "moons"], "leave out --data"),
        (["trajectories", "--points", "README.md"], "line"),
        (["trajectories", "--recipe", "README.md"], "not JSON"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(arguments: list[str], words: str, capsys: pytest.CaptureFixture):
    assert words in refused(capsys, *arguments)


def test_a_recipe_for_another_experiment_names_the_right_one(tmp_path: Path, capsys: pytest.CaptureFixture):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(SPEC.model_dump_json())
    assert "python -m core trajectories" in refused(capsys, "convergence", "--recipe", str(recipe))


def test_missing_weights_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    from core.experiments.build import build_model

    build_model.cache_clear()
    monkeypatch.setattr("core.data.networks.WEIGHTS", tmp_path)
    with pytest.raises(SystemExit) as left:
        cli.main(["trajectories", "--data", "unet-digits", "--label", "2", "--out", str(tmp_path / "a.csv")])
    assert left.value.code == 2
    assert "digits.safetensors" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    def full(self: pd.DataFrame, path: Path, **_: object) -> None:
        Path(path).write_text("half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(SystemExit) as left:
        cli.main(["schedules", "--out", str(tmp_path / "a.csv")])
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("a.csv: No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_says_so_plainly_and_writes_nothing(tmp_path: Path):
    out = tmp_path / "errors.csv"
    words = ["convergence", "--data", "patches-32", "--particles", "16", "--out", str(out)]
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("  0%")  # it has begun
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaint.splitlines()[-1] == "interrupted; nothing was written"
    assert "Traceback" not in complaint
    assert printed == ""
    assert list(tmp_path.iterdir()) == []


def test_a_bar_keeps_within_its_line_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 10)))
    stream = Terminal()
    bar = cli.ProgressBar(stream)
    bar(0.0, "solving the reference with a very long name")
    bar(1.0, "done")
    bar.close()
    lines = stream.getvalue().split("\r\x1b[K")
    assert max(map(len, lines)) < 40
    assert any("100%" in line for line in lines)
    assert lines[-1] == ""
