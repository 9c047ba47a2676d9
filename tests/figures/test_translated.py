"""Every picture in a language of one sign: what is left in letters are names and notations."""

import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core import figures, language
from core.analysis.optimal_grids import OPTIMISED
from core.experiments import (
    ConvergenceSpec,
    CurvatureSpec,
    ImageData,
    SchedulesSpec,
    ToyData,
    TrajectoriesSpec,
    run_experiment,
)
from core.experiments.boomerang import BoomerangSpec
from core.experiments.bounds import BoundsSpec
from core.experiments.catalogue import CatalogueSpec
from core.experiments.convergence import ConvergenceResult
from core.experiments.evidence import Smoothness
from core.experiments.grid_map import GridMapSpec
from core.experiments.guidance import GuidanceSpec
from core.experiments.inversion import InversionSpec
from core.experiments.local_error import LocalErrorSpec
from core.experiments.noise_sweep import NoiseSweepSpec
from core.experiments.order_table import OrderTableSpec
from core.experiments.precision import PrecisionSpec
from core.experiments.recommend import RecommendSpec
from core.experiments.sde_orders import SdeOrdersSpec
from core.experiments.straightening import StraighteningSpec
from core.experiments.time_grids import TimeGridsSpec
from core.figures.scene import Scene
from core.grids import GRIDS
from core.language import ENGLISH, Message, Several, follow, tr
from core.solvers import SOLVERS
from scripts.texts import all_texts

GAUSSIAN, MOONS, DIGITS = ToyData(name="gaussian"), ToyData(name="moons"), ImageData(name="digits", label=3)
SPECS = (
    TrajectoriesSpec(particles=4, steps=4, solvers=("euler", "dpmpp-2m", "ddpm", "rk45"), start=(1.0, -0.5, 2)),
    TrajectoriesSpec(data=DIGITS, particles=2, steps=4, solvers=("ddim", "euler-maruyama")),
    ConvergenceSpec(data=GAUSSIAN, particles=4, step_counts=(5, 10, 20, 40), path_steps=4, solvers=("ddim", "heun")),
    ConvergenceSpec(data=DIGITS, particles=1, step_counts=(4, 8), path_steps=4, solvers=("ddim",)),
    CurvatureSpec(particles=4, nodes=20, schedules=("vp-linear", "flow")),
    CurvatureSpec(data=DIGITS, particles=2, nodes=20, schedules=("vp-linear", "flow"), beside="gaussian"),
    SchedulesSpec(),
    SchedulesSpec(data=DIGITS, schedules=("edm",)),
    CatalogueSpec(solver="heun", particles=4, step_counts=(5, 10, 20)),
    CatalogueSpec(solver="rk45", particles=4, step_counts=(5, 10, 20)),
    BoundsSpec(data=GAUSSIAN, horizon=2.0, step=0.1),
    InversionSpec(particles=4, steps=5, step_counts=(5, 10, 20), solvers=("ddim", "heun")),
    InversionSpec(data=DIGITS, particles=2, steps=4, step_counts=(4, 8), solvers=("ddim",)),
    BoomerangSpec(data=GAUSSIAN, particles=12, levels=2, steps=4),
    BoomerangSpec(data=DIGITS, particles=2, levels=2, steps=4),
    GridMapSpec(particles=4, nfe=4, solvers=("ddim", "rk4", "dpm-2m"), grids=("uniform-t", "karras")),
    GuidanceSpec(particles=4, steps=4, solvers=("ddim",), scales=(0.0, 2.0)),
    GuidanceSpec(data=DIGITS, particles=2, steps=4, solvers=("ddim",), scales=(0.0, 2.0)),
    LocalErrorSpec(particles=4, steps=4, solvers=("ddim", "dpmpp-3m")),
    NoiseSweepSpec(data=GAUSSIAN, particles=12, nfe=4, values=(0.0, 1.0)),
    OrderTableSpec(particles=4, solvers=("ddim",), schedules=("vp-linear",), step_counts=(10, 20, 40)),
    PrecisionSpec(particles=4, solvers=("ddim",), step_counts=(5, 40)),
    RecommendSpec(particles=8, nfe=4, budgets=(1, 4), solvers=("ddim", "heun", "dpmpp-2m")),
    SdeOrdersSpec(data=GAUSSIAN, particles=12, step_counts=(5, 10, 20)),
    TimeGridsSpec(particles=8, training=8, nfe=4),
    StraighteningSpec(data=GAUSSIAN, particles=10, iterations=100, nodes=20, step_counts=(1, 2)),
)  # fmt: skip
KEPT = re.compile(r"%\{\{[^}]*\}\}|%\{[^}]*\}|\{[a-z_0-9]+(?:[:!][^{}]*)?\}")  # values, of templates and of Plotly
UNSEEN = re.compile(r"%\{[^}]*\}|\{\w+\}|<[^>]*>|'[^']+'")  # of the player too; tags; keys in quotes are names
WORD = re.compile(r"[A-Za-z]{2,}")
BETWEEN = re.compile(
    r"(?:^|[\s(])(?!NFE|RMS)[A-Za-z]{2,}[\s,;:.)]|\s(?!NFE|RMS)[A-Za-z]{2,}$"
)  # not LaTeX, keys, colours
WRITTEN = {"name", "text", "title", "hovertemplate", "texttemplate", "hovertext", "ticktext", "label", "customdata"}
HIDDEN = {"id", "name", "colour", "marker", "layers", "hidden"}  # of a scene: keys, colours
NOTATIONS = {"NFE", "RMS", "ODE", "SDE", "PSNR", "dB", "Re", "Im", "float", "bfloat", "nan"}
NAMES = {word for info in SOLVERS.values() for word in WORD.findall(info.title)} | NOTATIONS
KEYS = {"local"}  # what a function may return: no text
NO_TEXT = re.compile(r"^_|_latex$")
PICTURED = (go.Figure, Scene, str, pd.DataFrame)


class OneSign:
    """A catalogue that says a sign for every text, and keeps where values go; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def get(self, text: str, _: str) -> str:
        if text.startswith("※"):
            return text
        self.asked.add(text)
        return " ".join(["※", *KEPT.findall(text)])


def strictly(several: Several) -> str:
    """Parts in a row, where a part that nobody translated stays as it is."""
    return tr(several.template).join(
        tr(part) if isinstance(part, Message) else part for part in several.values["parts"]
    )


@contextmanager
def one_sign(monkeypatch: pytest.MonkeyPatch) -> Iterator[OneSign]:
    """Everything in a language of one sign."""
    signs = OneSign()
    with monkeypatch.context() as patch:
        patch.setattr(language, "catalogue", lambda _: signs)
        patch.setattr(Several, "said", strictly)
        follow(lambda: "zh")
        yield signs
        follow(lambda: ENGLISH)


@cache
def computed(spec: Any) -> Any:
    """A result; of images as if their score were learned, since examining a network takes long."""
    result = run_experiment(spec)
    if isinstance(result, ConvergenceResult) and spec.data.kind == "images":
        spacing = np.array([0.1, 0.2, 0.4])
        return dataclasses.replace(result, smoothness=Smoothness(spacing, spacing**2, spacing**2, 1e-6))
    return result


@cache
def texts() -> set[str]:
    """Every text of the catalogue."""
    return {text.english for text in all_texts()}


def modules() -> list[str]:
    return [info.name for info in pkgutil.iter_modules(figures.__path__)]


def drawing(module: ModuleType) -> Iterator[tuple[Callable, str]]:
    """What draws or describes a result in a module, and the name of its specification."""
    for name, function in vars(module).items():
        if not inspect.isfunction(function) or function.__module__ != module.__name__ or NO_TEXT.search(name):
            continue
        hints = get_type_hints(function)
        given = [hint for name, hint in hints.items() if name != "return"]
        if hints.get("return") in PICTURED and given and getattr(given[0], "__name__", "").endswith("Result"):
            yield function, given[0].__name__.replace("Result", "Spec")


def ways_to_call(function: Callable, module: ModuleType) -> Iterator[dict[str, Any]]:
    """Arguments: each choice is a key of a dictionary of the module that has its default; a number without one is 1."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    base = {one.name: 1 for one in parameters if one.default is one.empty}
    yield base
    for one in parameters:
        if isinstance(one.default, str):
            for choices in vars(module).values():
                if isinstance(choices, dict) and one.default in choices:
                    yield from (base | {one.name: choice} for choice in choices if choice != one.default)


def words(picture: Any) -> Iterator[str]:
    """Every text of a picture."""
    if isinstance(picture, str):
        yield picture
    elif isinstance(picture, go.Figure):
        yield from written(json.loads(picture.to_json()))
    elif isinstance(picture, Scene):
        plumbing = {entry["name"] for entry in picture.arrays} | {one["id"] for one in picture.head["series"]}
        yield from (text for text in leaves(picture.head) if text not in plumbing)
    elif isinstance(picture, pd.DataFrame):  # pages say its headings and its cells
        yield from (tr(str(name).strip()) for name in picture.columns)
        yield from (tr(cell) for cell in picture.to_numpy().ravel() if isinstance(cell, str))


def written(part: Any, name: str = "") -> Iterator[str]:
    if isinstance(part, str) and name in WRITTEN:
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            if key != "template":
                yield from written(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from written(value, name)


def leaves(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for key, value in part.items():
            if key not in HIDDEN:
                yield from leaves(value)
    elif isinstance(part, list):
        for value in part:
            yield from leaves(value)


@pytest.mark.parametrize("name", modules())
def test_every_word_of_a_picture_comes_from_the_catalogue(name, monkeypatch):
    module = importlib.import_module(f"core.figures.{name}")
    left: dict[str, set[str]] = {}
    for function, kind in drawing(module):
        results = [computed(spec) for spec in SPECS if type(spec).__name__ == kind]
        drawn = 0
        with one_sign(monkeypatch) as signs:
            for result in results:
                for given in ways_to_call(function, module):
                    try:
                        picture = function(result, **given)
                    except ValueError:  # of the other kind of data
                        continue
                    drawn += 1
                    for text in words(picture):
                        if extra := set(WORD.findall(UNSEEN.sub(" ", text))) - NAMES:
                            left.setdefault(f"{function.__name__}: {text}", set()).update(extra)
        assert drawn, f"no result that {function.__name__} of {kind} can draw"
        for text in signs.asked - texts() - {*GRIDS, *OPTIMISED}:  # a table of knots has keys
            if set(WORD.findall(UNSEEN.sub(" ", text))) - NAMES:
                left[f"{function.__name__}: {text!r} is not in the catalogue"] = set()
    assert not left, "\n".join(f"{where} {sorted(extra)}" for where, extra in left.items())


def patched(node: ast.AST) -> Iterator[str]:
    """Words that stand in an f-string or are returned as they are; not what an error says, and not code."""
    if isinstance(node, ast.Raise):
        return
    if isinstance(node, ast.JoinedStr):
        pieces = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        text = UNSEEN.sub("", "".join(pieces))
        if BETWEEN.search(text) and "\n" not in text:
            yield text
    if isinstance(node, ast.Return):
        for part in (node.value.body, node.value.orelse) if isinstance(node.value, ast.IfExp) else (node.value,):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and WORD.search(part.value):
                yield part.value
    for child in ast.iter_child_nodes(node):
        yield from patched(child)


@pytest.mark.parametrize("name", modules())
def test_no_text_is_put_together_from_pieces(name):
    source = Path(figures.__path__[0], f"{name}.py").read_text("utf-8")
    assert set(patched(ast.parse(source))) <= KEYS
