"""Lessons on screen: predict, run, see; places in the address; what was seen is remembered."""

from core.experiments import from_params
from core.lessons import all_lessons
from tests.pages.app import ROOT, link, opened, said, scenes

FIRST = all_lessons()[0].steps[0]
NAME = "0-0"


def predict(at, key: str):
    at.radio(key=f"answer-{NAME}").set_value(key).run()
    return at.button(key=f"lesson-run-{NAME}").click().run()


def test_predict_run_and_see():
    at = opened("lessons", lesson="0", step="1")
    assert not at.exception
    assert not scenes(at), "the picture waits for the prediction"
    assert at.button(key=f"lesson-run-{NAME}").disabled
    predict(at, "far")
    assert not at.exception
    assert len(scenes(at)) == 1
    assert "Far: more than 0.2" in at.success[0].value
    assert any(FIRST.after.split()[0] in text.value for text in at.markdown)
    at.button(key="lesson-again").click().run()
    assert not scenes(at)
    predict(at, "near")
    assert "You said: Very near" in said(at)
    at.button(key="lesson-again").click().run()
    at.button(key=f"skip-{NAME}").click().run()
    assert "Far" in at.info[0].value
    at.button(key="lesson-next").click().run()
    assert link(at) == {"lesson": "0", "step": "2"}
    at.query_params.clear()
    at.run()
    assert any("1 of 8 steps seen" in caption.value for caption in at.caption)
    at.button(key="begin-0").click().run()
    assert link(at) == {"lesson": "0", "step": "2"}, "one goes on where one stopped"


def test_a_place_that_does_not_exist_is_told():
    at = opened("lessons", lesson="77")
    assert "There is no lesson 77; lessons go from 0 to 9." in said(at)
    assert len([button for button in at.button if button.key.startswith("begin-")]) == len(all_lessons())
    at = opened("lessons", lesson="0", step="x")
    assert "There is no step x; this lesson has steps 1 to 8." in said(at)
    assert at.title[0].value == FIRST.title


def test_a_lecture_shows_words_then_question_then_picture():
    at = opened("lessons", lesson="0", step="1", view="lecture")
    shown = [at.title[0].value, *(text.value for text in at.markdown)]
    assert not any(FIRST.question.ask in text for text in shown)
    at.button(key="lesson-next").click().run()
    assert link(at)["part"] == "question"
    assert any(FIRST.question.ask in text.value for text in at.markdown)
    assert not scenes(at)
    at.button(key="lesson-next").click().run()
    assert link(at)["part"] == "picture"
    assert len(scenes(at)) == 1
    assert "Far" in at.info[0].value
    at.button(key="lesson-next").click().run()
    assert link(at) == {"lesson": "0", "step": "2", "view": "lecture", "part": "words"}
    at.button(key="lesson-back").click().run()
    assert link(at)["part"] == "picture"
    at.button(key="lesson-view").click().run()
    assert link(at) == {"lesson": "0", "step": "1"}
    assert not at.exception


def test_settings_to_play_with_are_those_of_the_step():
    for lesson in all_lessons():
        for step in lesson.steps:
            page = (ROOT / "pages" / f"{step.experiment}.py").read_text()
            views = {key: value for key, value in step.params.items() if key not in type(step.spec).model_fields}
            spec, problems = from_params(type(step.spec), {k: v for k, v in step.params.items() if k not in step.views})
            assert spec == step.spec
            assert all(problem.startswith("There is no setting 'layout'") for problem in problems)
            assert all(
                key in page or key in ("layout", "label", "guidance", "points", "bandwidth", "scale") for key in views
            )
            for one in step.tries:
                assert (ROOT / "pages" / f"{one.experiment}.py").exists()
