"""The language of facts, on a table small enough to know by heart; and refusals."""

from types import SimpleNamespace

import pandas as pd
import pytest

from core.lessons import Question, answer_of, evaluate, holds
from core.lessons.lesson import Reading, Step, Try, all_lessons, read_lesson

FRAME = pd.DataFrame(
    {"solver": ["A", "A", "B"], "steps": [10, 20, 10], "error": [0.4, 0.1, 0.5], "order": [float("nan"), 2.0, 1.0]}
)
RESULT = SimpleNamespace(
    to_frame=lambda: FRAME,
    summary=lambda: FRAME.groupby("solver", as_index=False).error.min(),
    spec=SimpleNamespace(steps=7, particles=3),
)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("summary: error | solver=A", 0.1),
        ("frame: error | solver=A | steps=10", 0.4),
        ("max frame: error", 0.5),
        ("min frame: error | solver=A", 0.1),
        ("mean frame: steps", 40 / 3),
        ("median frame: error", 0.4),
        ("first frame: error", 0.4),
        ("last frame: error", 0.5),
        ("count frame: order", 2),
        ("frame: error | solver=A | steps=10 / frame: error | solver=A | steps=20", 4),
        ("max frame: error - min frame: error", 0.4),
        ("percent summary: error | solver=A", 10),
        ("root frame: error | solver=A | steps=10", 0.4**0.5),
        ("measure: steps", 7),
        ("pick min frame: error -> solver", "A"),
        ("pick max frame: error -> solver", "B"),
        ("pick max frame: error | solver=A -> steps", "10"),
        ("pick min frame: order -> solver", "B"),
    ],
)
def test_a_fact_is_found(fact, value):
    assert evaluate(fact, RESULT) == (value if isinstance(value, str) else pytest.approx(value))


@pytest.mark.parametrize(
    ("fact", "problem"),
    [
        ("nonsense", "cannot read the fact 'nonsense'"),
        ("table: error", "cannot read the fact"),
        ("frame: error", "means 3 rows; narrow it"),
        ("frame: mistake | solver=A", "no column 'mistake'; there are: solver, steps, error, order"),
        ("frame: error | solver=C", "no row has solver = C; there are: A, B"),
        ("frame: error | sampler=A", "no column 'sampler'"),
        ("pick min frame: order | steps=10 | solver=A -> solver", "there is no number in any row"),
        ("measure: luck", "no measure 'luck'; there are: "),
    ],
)
def test_a_fact_that_cannot_be_is_refused(fact, problem):
    with pytest.raises(ValueError, match=problem):
        evaluate(fact, RESULT)


def test_a_claim_holds_between_its_bounds():
    assert holds("0.05 < summary: error | solver=A < 0.2", RESULT)
    assert holds("summary: error | solver=A < 0.2", RESULT)
    assert holds("0.05 < summary: error | solver=A", RESULT)
    assert not holds("0.2 < summary: error | solver=A", RESULT)
    assert not holds("summary: error | solver=A < 0.05", RESULT)
    with pytest.raises(ValueError, match="has no bound"):
        holds("summary: error | solver=A", RESULT)


def test_an_answer_outside_the_options_is_an_error():
    question = Question(ask="?", options={"X": "x", "Y": "y"}, answer="pick min frame: error -> solver")
    with pytest.raises(ValueError, match="'A' is none of the options X, Y"):
        answer_of(question, RESULT)


GOOD = {"title": "t", "words": "w", "experiment": "convergence", "picture": "error-against-steps", "after": "a"}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"experiment": "alchemy"}, "no picture 'error-against-steps' of 'alchemy'; there are: none"),
        ({"picture": "cubist"}, "no picture 'cubist' of 'convergence'; there are: error-against"),
        ({"link": "solvers=nobody"}, "nobody"),
        ({"link": "colour=red"}, "no setting 'colour'"),
        ({"mood": "good"}, "Extra inputs"),
        ({"question": {"ask": "?", "options": {"a": "a"}, "answer": "measure: steps"}}, "at least 2"),
        (
            {"question": {"ask": "?", "options": {"a": "a", "b": "b"}, "answer": "measure: steps", "bounds": [1, 2]}},
            "2 options need 1 rising bounds",
        ),
        ({"tries": [{"text": "t", "experiment": "convergence", "link": "steps=x"}]}, "no setting 'steps'"),
    ],
)
def test_a_step_that_cannot_be_shown_is_refused(changed, problem):
    with pytest.raises(ValueError, match=problem):
        Step.model_validate(GOOD | changed)


def test_a_good_step_is_taken():
    assert Step.model_validate(GOOD).spec.kind == "convergence"
    assert Try(text="t", experiment="trajectories", views={"layout": "apart"}).params == {"layout": "apart"}
    with pytest.raises(ValueError, match="nobody1900"):
        Reading(key="nobody1900", why="")


def test_a_file_that_is_not_a_lesson_is_named(tmp_path):
    for text, problem in (("title = ", "Invalid value"), ('title = "t"', "Field required")):
        file = tmp_path / "99-broken.toml"
        file.write_text(text)
        with pytest.raises(ValueError, match=r"99-broken\.toml: .*") as raised:
            read_lesson(file)
        assert problem in str(raised.value)


def test_lessons_are_numbered_from_zero_on():
    assert [lesson.number for lesson in all_lessons()] == list(range(10))
