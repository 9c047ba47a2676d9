"""Specifications: every limit speaks plainly, one choice has one spelling, and JSON gives back the same object."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments import (
    EXPERIMENTS,
    ConvergenceSpec,
    CurvatureSpec,
    GridChoice,
    ImageData,
    SchedulesSpec,
    SolverChoice,
    ToyData,
    TrajectoriesSpec,
    default_spec,
    load_recipe,
    plain_errors,
)
from core.experiments.specification import MAX_RECORDED, classes_of
from core.grids import GRIDS
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from tests.experiments.strategies import grids, laid

T, C, K, S = TrajectoriesSpec, ConvergenceSpec, CurvatureSpec, SchedulesSpec
PATCHES = {"kind": "images", "name": "patches-32"}
DIGITS = {"kind": "images", "name": "digits"}

REFUSED = [
    (T, {"particles": 0}, "at least 1"),
    (T, {"particles": 5001}, "at most 5000"),
    (T, {"particles": 2.5}, "whole number"),
    (T, {"seed": -1}, "at least 0"),
    (T, {"seed": 2**31}, "at most 2147483647"),
    (T, {"steps": 0}, "from 1 to 1000, got 0"),
    (T, {"steps": 1001}, "from 1 to 1000, got 1001"),
    (T, {"data": DIGITS, "particles": 2, "steps": 201}, "from 1 to 200, got 201"),
    (T, {"data": DIGITS, "particles": 65}, "at most 64 images"),
    (T, {"data": PATCHES, "particles": 64, "steps": 100}, "at most 20 million fit in memory"),
    (T, {"particles": 5000, "steps": 1000}, "fewer particles or steps or solvers"),
    (T, {"solvers": []}, "at least 1 needed"),
    (T, {"solvers": ["ddim", "euler", "heun", "rk4", "ddpm", "dpm-2m"]}, "at most 5 allowed"),
    (T, {"solvers": ["ddimm"]}, "did you mean 'ddim'"),
    (T, {"solvers": ["ddim("]}, "cannot read the solver"),
    (T, {"solvers": ["ddim(eta)"]}, "write option=value"),
    (T, {"solvers": ["ddim(eta=1)"]}, "no option 'eta'"),
    (T, {"solvers": ["rk45(rtol=5)"]}, "number from"),
    (T, {"schedule": "vp"}, "unknown noise schedule 'vp'"),
    (T, {"grid": "uniform"}, "unknown time grid 'uniform'"),
    (T, {"grid": "karras("}, "cannot read the time grid"),
    (T, {"grid": "karras(7)"}, "write option=value"),
    (T, {"grid": "karras(sigma=3)"}, "no option 'sigma'; it takes rho"),
    (T, {"grid": "karras(rho=0.05)"}, "a number from 0.1 to 100; got 0.05"),
    (T, {"grid": "karras(rho=nan)"}, "0.1 to 100; got 'nan'"),
    (T, {"grid": "karras(rho=)"}, "0.1 to 100; got ''"),
    (T, {"grid": "beta(variable=x)"}, "one of t, sigma; got 'x'"),
    (T, {"grid": "custom(t=1 y)"}, "cannot read 'y'"),
    (T, {"grid": "custom(t=0.5)"}, "at least 2 numbers"),
    (T, {"grid": "custom(t=1 0.3 0.5)"}, "0.3 is followed by 0.5 in t"),
    (T, {"grid": "custom(t=2 1)"}, "2 of the custom grid lies outside this schedule, where t goes from 1 to 0.0001"),
    (T, {"grid": "custom(t=1 0.5;lam=-1 1)"}, "one list, in t or in lam; got 2"),
    (T, {"grid": "custom(t=1 0.5)", "t_start": 0.9}, "starts at t = 1 here, its own choice"),
    (T, {"grid": "leading"}, "for ddpm-linear, ddpm-cosine"),
    (T, {"grid": "trailing", "schedule": "ddpm-linear", "t_end": 0.1}, "ends at t = 0.001 here"),
    (T, {"grid": "linspace", "schedule": "ddpm-linear", "steps": 1000}, "the 1000 levels of the chain"),
    (T, {"grid": 3}, "an object with named settings"),
    (T, {"rho": 7}, "rho: there is no such setting"),
    (C, {"grid": "leading", "schedule": "ddpm-linear"}, "starts at another time for another step count (t = 0.641 to"),
    (T, {"t_start": 0.2, "t_end": 0.3}, "t_end < t_start"),
    (T, {"t_start": 2.0}, "t_start <= 1"),
    (T, {"schedule": "flow", "t_end": 0.0}, "0.001 <= t_end"),
    (T, {"data": {"kind": "toy", "name": "rings"}}, "did you mean 'ring'"),
    (T, {"data": {"kind": "toy", "scale": 9}}, "at most 4"),
    (T, {"data": {"kind": "toy", "bandwidth": 0}}, "at least 0.01"),
    (T, {"data": {"kind": "toy", "name": "gaussian", "bandwidth": 0.1}}, "fixed widths"),
    (T, {"data": {"kind": "toy", "points": [[0, 0], [1, 1]]}}, "belong to the data set 'custom'"),
    (T, {"data": {"kind": "toy", "name": "custom"}}, "needs 2 to 2000 points"),
    (T, {"data": {"kind": "toy", "name": "custom", "points": [[0, 0]]}}, "needs 2 to 2000 points"),
    (T, {"data": {"kind": "toy", "name": "custom", "points": [[0, 1e300], [1, 1]]}}, "at most 1e+12"),
    (T, {"data": {"kind": "images", "name": "mnist"}}, "unknown image set 'mnist'"),
    (T, {"data": DIGITS | {"label": 10}, "particles": 2}, "allowed: 0 to 9"),
    (T, {"data": PATCHES | {"label": 0}, "particles": 2}, "no classes"),
    (T, {"zoom": 2}, "no such setting"),
    (C, {"step_counts": [5]}, "at least 2 needed"),
    (C, {"step_counts": list(range(1, 14))}, "at most 12 allowed"),
    (C, {"step_counts": [10, 5]}, "must rise, got 10, 5"),
    (C, {"step_counts": [5, 5]}, "must rise"),
    (C, {"step_counts": [0, 5]}, "from 1 to 1000, got 0"),
    (C, {"path_steps": 0}, "from 1 to 1000"),
    (C, {"solvers": ["ddpm"]}, "draws noise"),
    (C, {"precision": "float16"}, "'float64' or 'float32'"),
    (K, {"particles": 1001}, "at most 1000"),
    (K, {"nodes": 19}, "at least 20"),
    (K, {"nodes": 501}, "at most 500"),
    (K, {"schedules": []}, "at least 1 needed"),
    (K, {"data": PATCHES, "particles": 64}, "fewer particles or nodes or schedules"),
    (S, {"steps": 201}, "at most 200"),
    (S, {"grids": ["karrass"]}, "did you mean 'karras'"),
    (S, {"grids": ["karras", "leading"]}, "for ddpm-linear, ddpm-cosine"),
    (S, {"grids": ["custom(t=80 0.002)"], "schedules": ["edm", "flow"]}, "80 of the custom grid lies outside"),
    (S, {"grids": list(GRIDS)[:9]}, "at most 8 allowed"),
]


@pytest.mark.parametrize(("kind", "fields", "words"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_limit_is_one_plain_sentence(kind, fields, words):
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(fields)
    said = "; ".join(plain_errors(caught.value))
    assert words in said
    assert "\n" not in said
    assert "pydantic" not in said
    recipe = json.dumps({"kind": kind.model_fields["kind"].default} | fields)
    with pytest.raises(ValueError, match="recipe") as told:
        load_recipe(recipe)
    assert "\n" not in str(told.value)


def test_the_limits_themselves_are_allowed():
    TrajectoriesSpec(particles=5000, steps=100, seed=2**31 - 1)
    TrajectoriesSpec(data=ImageData(name="digits", label=9), particles=64, steps=200)
    ConvergenceSpec(step_counts=tuple(range(1, 13)), path_steps=1000)
    CurvatureSpec(particles=1000, nodes=500)
    points = tuple((float(i), 0.0) for i in range(2000))
    TrajectoriesSpec(data=ToyData(name="custom", points=points, scale=0.1, bandwidth=1.0))


@pytest.mark.parametrize("kind", [info.specification for info in EXPERIMENTS.values()])
def test_every_data_set_has_a_default_that_fits(kind):
    sets = [ToyData(name=name) for name in TOY_DATA]
    if "particles" in kind.model_fields:
        sets += [ImageData(name=name) for name, info in IMAGE_DATA.items() if info.exact or kind.learned]
        sets = [data for data in sets if classes_of(data) or not kind.classed]
        sets = [data for data in sets if data.numbers <= kind.most_numbers]
    for data in sets:
        spec = default_spec(kind, data)
        assert spec.data == data
        assert kind.model_validate(spec.model_dump()) == spec
    if "particles" in kind.model_fields:
        assert default_spec(kind, ImageData()).particles == kind.image_particles >= 4
        assert default_spec(kind, ToyData()) == kind()


def test_recorded_numbers_stay_below_the_limit():
    most = MAX_RECORDED // (201 * 3072)
    assert TrajectoriesSpec(data=ImageData(name="patches-32"), particles=most, steps=200, solvers=("ddim",))
    with pytest.raises(ValidationError, match="20 million"):
        TrajectoriesSpec(data=ImageData(name="patches-32"), particles=most + 1, steps=200, solvers=("ddim",))


def test_one_choice_has_one_spelling():
    default = SOLVERS["rk45"].options["rtol"].default
    plain = SolverChoice.model_validate("rk45")
    assert plain == SolverChoice.model_validate(f" rk45 ( rtol = {default!r} ) ")
    assert str(plain) == plain.model_dump() == "rk45"
    changed = SolverChoice.model_validate("rk45(rtol=0.05)")
    assert changed.label == f"{SOLVERS['rk45'].title} (rtol = 0.05)"
    assert len({plain, changed, SolverChoice(name="rk45", options=(("rtol", default),))}) == 2
    assert TrajectoriesSpec(solvers=("ddim", "ddim", "euler")).solvers == tuple(
        SolverChoice(name=name) for name in ("ddim", "euler")
    )
    assert SchedulesSpec(grids=("karras", "karras(rho=7)", "karras(rho=5)")).grids == tuple(
        map(GridChoice.model_validate, ("karras", "karras(rho=5)"))
    )
    assert CurvatureSpec(schedules=("edm", "edm")).schedules == ("edm",)


def test_a_list_of_a_grid_has_one_spelling():
    plain = GridChoice.model_validate("custom(t=1 0.5 0.01)")
    assert str(plain) == plain.model_dump() == "custom(t=1 0.5 0.01)"
    assert plain.label == "Custom list (t = 1 0.5 0.01)"
    for text in ("custom( t = 1, 0.50\n 1e-2 )", "custom(t=[1.0, 0.5, 0.01];sigma=;lam= )"):
        assert GridChoice.model_validate(text) == plain
    assert GridChoice(name="custom", options=(("t", [1, 0.5, 0.01]),)) == plain
    assert GridChoice.model_validate(f"custom(t={' '.join(map(str, range(9, 0, -1)))})").label == (
        "Custom list (t = 9 8 … 1)"
    )
    assert str(GridChoice.model_validate("custom(t=)")) == "custom"
    assert GridChoice.model_validate("leading(offset=1)").options == (("offset", 1),)


def test_specifications_are_frozen_and_hashable():
    spec = TrajectoriesSpec()
    with pytest.raises(ValidationError):
        spec.steps = 3
    assert {spec: 1}[TrajectoriesSpec()] == 1


@st.composite
def choices(draw: st.DrawFn) -> str:
    """A solver with some of its options set anywhere in their range, written as a user would."""
    name = draw(st.sampled_from(list(SOLVERS)))
    parts = []
    for key, option in SOLVERS[name].options.items():
        if draw(st.booleans()):
            value = draw(st.sampled_from(option.choices) if option.choices else st.floats(option.low, option.high))
            parts.append(f"{key}={str(value).lower() if isinstance(value, bool) else value}")
    return f"{name}({';'.join(parts)})" if parts else name


@given(
    solvers=st.lists(choices(), min_size=1, max_size=5),
    schedule=st.sampled_from(list(SCHEDULES)),
    drawn=st.data(),
    scale=st.floats(0.1, 4),
    points=st.none() | st.lists(st.tuples(*[st.floats(-1e12, 1e12)] * 2), min_size=2, max_size=5),
    seed=st.integers(0, 2**31 - 1),
)
def test_json_gives_back_the_same_specification(solvers, schedule, drawn, scale, points, seed):
    data = ToyData(name="ring" if points is None else "custom", points=points, scale=scale)
    grid = laid(drawn.draw(grids(schedule)), schedule, [1, 10])
    spec = TrajectoriesSpec(data=data, solvers=solvers, schedule=schedule, grid=grid, seed=seed)
    again = load_recipe(spec.model_dump_json(indent=2))
    assert again == spec
    assert again.model_dump_json() == spec.model_dump_json()
    assert [SOLVERS[c.name].make(**dict(c.options)) for c in again.solvers] == [
        SOLVERS[c.name].make(**dict(c.options)) for c in spec.solvers
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"kind": "nothing"}', "[" * 10**5, '{"kind": ["x"]}'])
def test_a_text_that_is_no_recipe_is_one_sentence(text):
    with pytest.raises(ValueError, match="recipe") as told:
        load_recipe(text)
    assert "\n" not in str(told.value)


def test_names_of_data_are_unique_across_kinds():
    assert not set(TOY_DATA) & set(IMAGE_DATA)
    assert "custom" not in {*TOY_DATA, *IMAGE_DATA}
