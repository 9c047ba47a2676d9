"""The import contracts in pyproject.toml hold, and each of them can be broken."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint(folder: Path) -> subprocess.CompletedProcess:
    """Run every contract on the tree in ``folder``, as ``lint-imports`` does there."""
    arguments = [sys.executable, "-c", LINT, "--no-cache", "--no-logo", "--config", "pyproject.toml"]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of the tree's Python files, for a test to spoil."""
    for package in ("core", "pages"):
        for source in (ROOT / package).rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


PLANTED = [
    pytest.param("core/registry.py", "import core.models", "Floors of core", id="lowest-imports-higher"),
    pytest.param("core/noise.py", "import core.registry", "Floors of core", id="neighbours-on-one-floor"),
    pytest.param("core/schedules/__init__.py", "import core.grids", "Floors of core", id="schedules-grids"),
    pytest.param("core/grids/__init__.py", "import core.models.base", "Floors of core", id="grids-models"),
    pytest.param("core/models/__init__.py", "import core.data", "Floors of core", id="models-data"),
    pytest.param("core/solvers/__init__.py", "import core.analysis", "Floors of core", id="solvers-analysis"),
    pytest.param("core/analysis/__init__.py", "import core.figures", "Floors of core", id="analysis-figures"),
    pytest.param("core/noise.py", "def late():\n    import core.data", "Floors of core", id="late-import"),
    pytest.param("core/models/base.py", "import streamlit", "core knows nothing", id="core-streamlit"),
    pytest.param("core/grids/__init__.py", "import pages.common", "core knows nothing", id="core-pages"),
    pytest.param("core/grids/__init__.py", "import app", "core knows nothing", id="core-app"),
    pytest.param("pages/common/__init__.py", "import pages.planted", "What pages share", id="common-page"),
    pytest.param("pages/planted.py", "import pages.neighbour", "No page imports", id="page-page"),
    pytest.param("pages/planted.py", "import torch", "Pages compute nothing", id="page-torch"),
    pytest.param("pages/common/__init__.py", "import scipy.stats", "Pages compute nothing", id="scipy"),
]


@pytest.mark.parametrize(("file", "statement", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(tree, file, statement, contract):
    for page in ("planted", "neighbour"):
        (tree / "pages" / f"{page}.py").touch()
    with (tree / file).open("a") as source:
        source.write(f"\n{statement}\n")
    outcome = lint(tree)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    broken = [line for line in outcome.stdout.splitlines() if " BROKEN" in line]
    assert any(line.startswith(contract) for line in broken), outcome.stdout


def test_a_module_without_a_floor_is_refused(tree):
    (tree / "core" / "stray.py").touch()
    outcome = lint(tree)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "stray" in outcome.stdout


def test_the_copy_is_sound_without_a_plant(tree):
    outcome = lint(tree)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
