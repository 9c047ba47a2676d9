"""Links and recipes bring back exactly what was shared, and junk costs no more than the setting it stands in."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.data import IMAGE_DATA, TOY_DATA
from core.data.drawing import EXAMPLE
from core.experiments import (
    ConvergenceSpec,
    CurvatureSpec,
    GridChoice,
    ImageData,
    SchedulesSpec,
    ToyData,
    TrajectoriesSpec,
    default_spec,
    from_params,
    load_recipe,
    to_params,
)
from core.experiments.bounds import BoundsSpec
from core.experiments.links import DATA_KEYS, MOST_POINTS, carries, known_keys
from core.experiments.specification import Frozen, Specification
from tests.experiments.strategies import KINDS, specifications

WORDS = "-1|0|1e999|nan|-inf|1,2|ring|digits|custom|None|null|{}|(|a(b=c)|,,,|ddim(|ddim(eta=1)|<script>|1:2_3|true"
JUNK = st.text(max_size=30) | st.sampled_from([*WORDS.split("|"), "", " ", "9" * 400, "\0", "\ud800"])


@settings(max_examples=150)
@given(specifications())
def test_a_link_brings_back_the_specification(spec: Specification):
    params = to_params(spec)
    assert all(isinstance(part, str) for pair in params.items() for part in pair)
    assert set(params) <= set(known_keys(type(spec)))
    assert from_params(type(spec), params) == (spec, [])


@settings(max_examples=150)
@given(specifications())
def test_a_recipe_brings_back_the_specification(spec: Specification):
    for indent in (None, 2):
        assert load_recipe(spec.model_dump_json(indent=indent)) == spec
    assert hash(load_recipe(spec.model_dump_json())) == hash(spec)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_differs_from_the_defaults_is_in_a_link(kind: type[Frozen]):
    assert to_params(kind()) == {}
    assert from_params(kind, {}) == (kind(), [])
    if kind is BoundsSpec:
        return  # of the plane alone
    digits = default_spec(kind, ImageData())
    assert to_params(digits) == {"data": "digits"}
    if kind is not SchedulesSpec:
        assert digits.particles == kind.image_particles >= 4


def test_image_defaults_are_within_reach_of_a_small_machine():
    assert default_spec(ConvergenceSpec, ImageData()).step_counts == (5, 10, 20, 40, 80)
    assert default_spec(ConvergenceSpec, ToyData()) == ConvergenceSpec()


@settings(max_examples=300)
@given(
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from([*DATA_KEYS, "steps", "solvers"]) | st.text(max_size=8), JUNK),
)
def test_junk_never_raises_and_what_comes_back_is_a_specification(kind: type[Frozen], params: dict[str, str]):
    spec, problems = from_params(kind, params)
    assert type(spec) is kind
    assert kind.model_validate(spec.model_dump()) == spec
    for text in problems:
        assert text.endswith(".")
        assert "\n" not in text
    # what was silently accepted is in force; every other parameter has its sentence
    assert len(problems) >= sum(key not in known_keys(kind) for key in params)


@settings(max_examples=150)
@given(specifications(), st.data())
def test_one_bad_value_costs_that_setting_alone(spec: Specification, data: st.DataObject):
    params = to_params(spec)
    free = [
        key for key in known_keys(type(spec)) if key not in DATA_KEYS and key not in ("schedule", "t_start", "t_end")
    ]
    key = data.draw(st.sampled_from(free))
    # some values stand only beside others (a solver that needs more evaluations than the usual budget)
    assume(not from_params(type(spec), {name: text for name, text in params.items() if name != key})[1])
    read, problems = from_params(type(spec), params | {key: "!"})
    assert len(problems) == 1
    assert problems[0].startswith(f"Cannot use {key} = '!': ")
    default = default_spec(type(spec), spec.data)
    assert getattr(read, key) == getattr(default, key)
    for other in type(spec).model_fields:
        if other != key:
            assert getattr(read, other) == getattr(spec, other)


@settings(max_examples=100)
@given(specifications(), st.text(min_size=1, max_size=50))
def test_an_unknown_key_is_named_and_changes_nothing(spec: Specification, key: str):
    if key not in known_keys(type(spec)):
        read, problems = from_params(type(spec), to_params(spec) | {key: "1"})
        assert read == spec
        assert len(problems) == 1
        assert problems[0].startswith("There is no setting ")


DEFAULT_GRID = GridChoice(name="uniform-lambda")
GOOD = {"seed": "7", "particles": "12", "schedule": "flow"}


@pytest.mark.parametrize(
    ("kind", "bad", "words", "kept"),
    [
        (TrajectoriesSpec, {"steps": "-4"}, ["step counts for toy data go from 1 to 1000, got -4"], {"steps": 10}),
        (TrajectoriesSpec, {"steps": "3.5"}, ["steps = '3.5': it must be a whole number"], {"steps": 10}),
        (TrajectoriesSpec, {"t_end": "7"}, ["do not fit schedule 'flow'"], {"t_end": None}),
        (TrajectoriesSpec, {"t_end": "0.6", "t_start": "0.4"}, ["t_end = '0.6'"], {"t_end": None, "t_start": 0.4}),
        (TrajectoriesSpec, {"t_end": "0.3", "t_start": "9"}, ["t_start = '9'"], {"t_end": 0.3, "t_start": None}),
        (TrajectoriesSpec, {"solvers": "ddim,foo,euler"}, ["unknown solver 'foo'"], {}),
        (
            TrajectoriesSpec,
            {"solvers": "ddim(", "grid": "linear"},
            ["time grid 'linear'", "cannot read the solver"],
            {},
        ),
        (TrajectoriesSpec, {"solvers": "euler(eta=2)"}, ["no option 'eta'"], {}),
        (TrajectoriesSpec, {"rho": "7"}, ["There is no setting 'rho'; known are"], {"grid": DEFAULT_GRID}),
        (
            TrajectoriesSpec,
            {"grid": "karras(rho=999)"},
            ["grid = 'karras(rho=999)': option rho of"],
            {"grid": DEFAULT_GRID},
        ),
        (TrajectoriesSpec, {"grid": "trailing"}, ["ddpm-linear, ddpm-cosine"], {"grid": DEFAULT_GRID}),
        (TrajectoriesSpec, {"grid": "custom(t=0.1 0.9)"}, ["0.1 is followed by 0.9"], {"grid": DEFAULT_GRID}),
        (
            TrajectoriesSpec,
            {"solvers": ",".join(["euler"] * 2 + ["ddim", "rk4", "heun", "midpoint", "ddpm"])},
            ["at most"],
            {},
        ),
        (TrajectoriesSpec, {"data": "moon"}, ["Cannot use data = 'moon': known are ring"], {"data": ToyData()}),
        (
            TrajectoriesSpec,
            {"data": "gaussian", "bandwidth": "0.2"},
            ["fixed widths"],
            {"data": ToyData(name="gaussian")},
        ),
        (TrajectoriesSpec, {"scale": "99"}, ["scale = '99': it must be at most 4"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "grid", "label": "3"}, ["class 3 of 'grid' does not exist"], {}),
        (TrajectoriesSpec, {"data": "digits", "label": "10"}, ["allowed: 0 to 9"], {"data": ImageData()}),
        (
            TrajectoriesSpec,
            {"data": "patches-16", "label": "0"},
            ["has no classes"],
            {"data": ImageData(name="patches-16")},
        ),
        (TrajectoriesSpec, {"data": "digits", "scale": "2"}, ["have no scale"], {"data": ImageData()}),
        (TrajectoriesSpec, {"data": "custom"}, ["upload the file again"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "custom", "points": "1:2"}, ["2 to 2000 points"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "custom", "points": "1:nan_2:3"}, ["finite"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "custom", "points": "1:1e13_2:3"}, ["at most 1e+12"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "custom", "points": "1:2:3_4:5:6"}, ["Cannot use the points"], {"data": ToyData()}),
        (TrajectoriesSpec, {"data": "custom", "points": "a:b_c:d"}, ["write x:y_x:y"], {"data": ToyData()}),
        (ConvergenceSpec, {"solvers": "ddpm"}, ["draws noise"], {"solvers": ConvergenceSpec().solvers}),
        (ConvergenceSpec, {"step_counts": "10,5"}, ["step counts must rise, got 10, 5"], {}),
        (ConvergenceSpec, {"step_counts": "5"}, ["at least 2"], {"step_counts": ConvergenceSpec().step_counts}),
        (ConvergenceSpec, {"precision": "float16"}, ["'float64' or 'float32'"], {"precision": "float64"}),
    ],
)
def test_each_mistake_has_its_sentence_and_the_good_values_stay(kind: type[Frozen], bad: dict, words: list, kept: dict):
    spec, problems = from_params(kind, GOOD | bad)
    assert len(problems) == len(words)
    for part, problem in zip(words, problems, strict=True):
        assert part in problem
    assert (spec.seed, spec.particles, spec.schedule) == (7, 12, "flow")
    for key, value in kept.items():
        assert getattr(spec, key) == value


def test_the_good_entries_of_a_list_stay():
    spec, problems = from_params(ConvergenceSpec, {"solvers": "ddim,foo,ddpm,rk4", "step_counts": "5,10,x,20"})
    assert [choice.name for choice in spec.solvers] == ["ddim", "rk4"]
    assert spec.step_counts == (5, 10, 20)
    assert len(problems) == 2
    spec, problems = from_params(SchedulesSpec, {"grids": "karras(rho=3),custom(t=0.9, 0.2),kosine"})
    assert list(map(str, spec.grids)) == ["karras(rho=3)", "custom(t=0.9 0.2)"]
    assert len(problems) == 1
    assert "did you mean 'cosine'" in problems[0]


def test_too_many_images_cost_the_number_of_images_alone():
    spec, problems = from_params(TrajectoriesSpec, {"data": "digits", "label": "3", "particles": "65", "steps": "30"})
    assert spec == TrajectoriesSpec(data=ImageData(name="digits", label=3), particles=8, steps=30)
    assert len(problems) == 1
    assert "at most 64 images" in problems[0]


def test_a_run_that_would_not_fit_in_memory_is_refused_with_its_size():
    spec, problems = from_params(TrajectoriesSpec, {"particles": "5000", "steps": "1000", "solvers": "ddim,euler"})
    assert len(problems) == 1
    assert "20 million numbers; at most 20 million" in problems[0]
    assert "fewer particles" in problems[0]
    assert spec.solvers[0].name in ("ddim", "euler")


def test_values_that_fit_only_together_are_taken_together():
    # 64 large images fit in memory only with the fewer nodes and schedules that are read after them
    spec = CurvatureSpec(data=ImageData(name="patches-32"), particles=64, schedules=("flow",), nodes=20)
    assert from_params(CurvatureSpec, to_params(spec)) == (spec, [])
    with pytest.raises(ValueError, match="million numbers"):
        CurvatureSpec(data=spec.data, particles=64)


def test_own_points_beyond_what_a_link_carries_are_left_out_and_said():
    points = tuple((float(i), float(i**2)) for i in range(MOST_POINTS + 1))
    data = ToyData(name="custom", points=points)
    params = to_params(TrajectoriesSpec(data=data, seed=4))
    assert params == {"data": "custom", "seed": "4"}
    spec, problems = from_params(TrajectoriesSpec, params)
    assert spec == TrajectoriesSpec(seed=4)
    assert problems == ["The link cannot carry own data of more than 100 points; upload the file again."]
    whole = to_params(TrajectoriesSpec(data=data), most_points=len(points))
    assert from_params(TrajectoriesSpec, whole) == (TrajectoriesSpec(data=data), [])


def test_a_link_to_a_drawing_without_one_opens_the_first_sheet():
    spec, problems = from_params(TrajectoriesSpec, {"data": "drawn"})
    assert (spec.data, problems) == (ToyData(name="drawn", drawing=EXAMPLE), [])


def test_a_link_needs_no_kind_of_data_since_no_name_means_two_things():
    assert not set(TOY_DATA) & set(IMAGE_DATA)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON: .+ in line 1"),
        ("[" * 100_000, "nesting is too long"),
        ('{"kind": "trajectories", "steps": ' + "1" * 5000 + "}", "a number or the nesting is too long"),
        ("[]", "must have a kind, one of: trajectories, convergence, curvature, schedules"),
        ("null", "must have a kind"),
        ('{"kind": "lessons"}', "must have a kind"),
        ('{"kind": ["trajectories"]}', "must have a kind"),
        ('{"kind": "trajectories", "steps": 0}', "go from 1 to 1000, got 0"),
        ('{"kind": "trajectories", "steps": NaN}', "steps: it must be"),
        ('{"kind": "trajectories", "stepps": 3}', "stepps: there is no such setting"),
        ('{"kind": "trajectories", "solvers": ["foo"]}', "solvers.0: unknown solver 'foo'"),
        ('{"kind": "trajectories", "solvers": "ddim"}', "solvers: it must be a list"),
        ('{"kind": "trajectories", "data": {"kind": "sound"}}', "its kind must be 'toy'"),
        ('{"kind": "trajectories", "data": 3}', "data: it must be an object"),
        ('{"kind": "trajectories", "seed": -1, "grid": "karras(rho=999)"}', "seed: .+; grid.options: .+"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_in_one_sentence(text: str, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        load_recipe(text)
    assert type(caught.value) is ValueError
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_recipe_may_begin_with_a_byte_order_mark():
    assert load_recipe("\ufeff" + TrajectoriesSpec(seed=5).model_dump_json()) == TrajectoriesSpec(seed=5)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def loaded_or_refused(text: str) -> Specification | str:
    try:
        return load_recipe(text)
    except ValueError as problem:
        return str(problem)


@settings(max_examples=200)
@given(st.one_of(st.text(), json_values.map(json.dumps)))
def test_no_text_makes_reading_a_recipe_fail_otherwise(text: str):
    assert "\n" not in str(loaded_or_refused(text))


@settings(max_examples=200)
@given(specifications(), st.data())
def test_no_wrong_field_makes_reading_a_recipe_fail_otherwise(spec: Specification, data: st.DataObject):
    fields = json.loads(spec.model_dump_json())
    key = data.draw(st.sampled_from([key for key in fields if key != "kind"]))
    read = loaded_or_refused(json.dumps(fields | {key: data.draw(json_values)}))
    if isinstance(read, str):
        assert read.startswith("the recipe does not fit: ")
        assert "\n" not in read
    else:
        assert type(read) is type(spec)


def test_curvature_takes_fewer_particles():
    spec, problems = from_params(CurvatureSpec, {"particles": "1001"})
    assert spec.particles == 256
    assert "at most 1000 particles" in problems[0]


@pytest.mark.parametrize("count", [2, MOST_POINTS, MOST_POINTS + 1])
def test_what_a_link_has_no_room_for_is_known_beforehand(count):
    spec = TrajectoriesSpec(data=ToyData(name="custom", points=tuple((i / 8, 1.0) for i in range(count))))
    back, _ = from_params(TrajectoriesSpec, to_params(spec))
    assert carries(spec) == (back == spec)
