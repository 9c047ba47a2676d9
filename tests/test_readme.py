"""What the README shows is what happens: its example runs, and the files and commands that it names exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def test_the_notebook_example_runs_and_its_errors_fall_with_the_order():
    (example,) = blocks("python")
    outcome = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert outcome.returncode == 0, outcome.stderr
    lines = re.findall(r"^(\S+) +(\d+) evaluations, RMS error ([\d.]+)$", outcome.stdout, flags=re.MULTILINE)
    errors = {name: float(error) for name, _, error in lines}
    assert list(errors) == ["ddim", "edm-heun", "dpmpp-2m", "dpmpp-3m"], outcome.stdout
    assert [int(nfe) for _, nfe, _ in lines] == [20, 40, 20, 20]
    assert errors["ddim"] > errors["dpmpp-2m"] > errors["dpmpp-3m"] > 0
    assert errors["ddim"] < 1


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w./]+(?:/|\.py|\.txt))`|\]\(([\w./]+)\)", README))))
def test_every_file_it_names_exists(path):
    name = "".join(path)
    assert (ROOT / name).exists(), f"README.md names {name}, which does not exist"


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (\w+)\b(?= +#|`)", README))))
def test_every_make_target_it_names_exists(target):
    outcome = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert outcome.returncode == 0, outcome.stderr
