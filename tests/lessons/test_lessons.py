"""Lessons: every number that a text states is computed again, and every question has the answer that it should."""

import re

import pytest

from core.experiments import from_params, to_params
from core.figures.scene import Scene
from core.language import catalogue
from core.lessons import Question, all_lessons, answer_of, evaluate, holds, lesson_texts
from tests.lessons.written import NUMBER, as_stated, texts, undeclared

STEPS = {f"{lesson.number}.{number + 1}": step for lesson in all_lessons() for number, step in enumerate(lesson.steps)}
each_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


@each_step
def test_what_a_step_states_is_what_is_computed(step, result_of):
    result = result_of(step)
    for number, fact in step.numbers.items():
        value = evaluate(fact, result)
        assert as_stated(number, float(value)), f"{number} is stated, {fact} is {value}"
    said = " ".join(texts(step))
    for phrase, claim in step.claims.items():
        assert phrase in said
        assert holds(claim, result), f"{phrase!r} is said, but not {claim}"


@each_step
def test_a_step_states_no_number_that_is_not_accounted_for(step):
    assert undeclared(step) == []
    said = " ".join(texts(step))
    unused = [part for part in (*step.numbers, *step.plain) if part not in said]
    assert unused == []


@each_step
def test_a_question_is_answered_by_the_computation_and_not_by_its_first_option_alone(step, result_of):
    if step.question is None:
        assert step.tries, "a step without a question is there for the reader's own hands"
        return
    value = evaluate(step.question.answer, result_of(step))
    assert answer_of(step.question, result_of(step)) in step.question.options
    # far from the bounds: another machine must not give another answer
    for bound in step.question.bounds:
        assert abs(float(value) - bound) > 0.01 * max(abs(bound), 1e-12)


@each_step
def test_a_picture_can_be_drawn_and_is_told_in_words(step, result_of):
    drawn = step.shared.draw(result_of(step), step.views)
    assert isinstance(drawn, Scene) or drawn.data
    assert len(step.shared.words(result_of(step), step.views)) > 30


@each_step
def test_its_settings_survive_the_way_to_their_page(step):
    spec, problems = from_params(type(step.spec), to_params(step.spec))
    assert not problems
    assert spec == step.spec


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: str(lesson.number))
def test_a_lesson_ends_with_something_to_do_and_to_read(lesson):
    *before, last = lesson.steps
    assert last.tries
    assert last.question is None
    assert all(step.question for step in before)
    right = len({work.reference.link for work in lesson.read})
    assert right == len(lesson.read)
    assert all(work.reference.link.startswith("http") for work in lesson.read)


def test_right_answers_are_not_all_in_the_same_place(result_of):
    places = [
        list(step.question.options).index(answer_of(step.question, result_of(step)))
        for step in STEPS.values()
        if step.question
    ]
    assert max(map(places.count, set(places))) < 0.6 * len(places)


def test_formulas_open_and_close():
    for name, step in STEPS.items():
        assert step.formula.count("{") == step.formula.count("}"), name
        assert step.formula.count("$$") % 2 == 0, name
        assert step.formula.count(r"\left") == step.formula.count(r"\right"), name


def test_another_language_states_the_same_numbers():
    chinese = catalogue("zh")
    for english in lesson_texts():
        if english in chinese:
            assert sorted(NUMBER.findall(chinese[english])) == sorted(NUMBER.findall(english)), english


def test_a_stated_number_is_checked_to_its_last_digit():
    assert as_stated("0.41", 0.4069)
    assert not as_stated("0.41", 0.403)
    assert as_stated("2.1e-5", 2.07e-5)
    assert not as_stated("2.1e-5", 2.0e-5)
    assert as_stated("−4.4", -4.38)
    assert as_stated("270", 271)
    assert not as_stated("270", 290)


def test_a_number_that_nobody_accounts_for_is_found():
    step = STEPS["0.1"]
    changed = step.model_copy(update={"after": step.after + " And 7.5 more, ten times as much."})
    assert undeclared(changed) == ["7.5", "times as"]


def test_bounds_part_the_options_from_low_to_high():
    question = Question(ask="?", options={"a": "a", "b": "b"}, answer="measure: steps", bounds=(3.0,))
    few, many = (type("Result", (), {"spec": type("Spec", (), {"steps": n})}) for n in (2, 4))
    assert answer_of(question, few) == "a"
    assert answer_of(question, many) == "b"


def test_keys_of_options_are_plain():
    for step in STEPS.values():
        for key in step.question.options if step.question else ():
            assert re.fullmatch(r"[^\n]{1,40}", key)
