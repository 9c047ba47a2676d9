"""Stop, run again, and what is shown meanwhile."""

import pytest

from core.experiments.specification import TrajectoriesSpec
from pages.common import compute
from tests.pages.app import data_of, opened, said, scenes


def small():
    return opened("trajectories", particles="4", steps="3")


def key_with_seed(seed: int) -> str:
    return TrajectoriesSpec(particles=4, steps=3, seed=seed).model_dump_json()


def test_after_a_stop_the_last_picture_stays_until_run_again():
    at = small()
    picture = data_of(at)
    at.session_state[compute.STOPPED] = {key_with_seed(12345)}  # as the Cancel button does
    at.number_input(key="ui.seed").set_value(12345).run()
    assert not at.exception
    assert data_of(at) == picture
    assert any("Stopped." in text.value for text in at.markdown)
    at.run()
    assert data_of(at) == picture, "it does not start again by itself"
    at.button(key="again").click().run()
    assert data_of(at) != picture
    assert not any(button.key == "again" for button in at.button)


def test_other_settings_after_a_stop_run_at_once():
    at = small()
    picture = data_of(at)
    at.session_state[compute.STOPPED] = {key_with_seed(23456)}
    at.number_input(key="ui.seed").set_value(23456).run()
    at.number_input(key="ui.seed").set_value(23457).run()
    assert data_of(at) != picture


def test_a_stop_before_any_picture_offers_to_run():
    at = small()
    at.session_state[compute.STOPPED] = {key_with_seed(34567)}
    at.session_state[compute.LAST] = ("curvature", None)
    at.number_input(key="ui.seed").set_value(34567).run()
    assert not at.exception
    assert not scenes(at)
    at.button(key="again").click().run()
    assert scenes(at)


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ValueError("the weights file is broken"), "The weights file is broken. The picture still shows"),
        (FileNotFoundError("no such weights"), "No such weights."),
    ],
)
def test_an_error_is_one_sentence_and_the_last_picture_stays(monkeypatch, problem, told):
    at = small()
    picture = data_of(at)

    def fail(spec, report, stop):
        raise problem

    monkeypatch.setattr(compute, "run_experiment", fail)
    at.number_input(key="ui.seed").set_value(45678).run()
    assert not at.exception
    assert told in said(at)
    assert data_of(at) == picture


def test_an_error_of_ours_shows_no_traceback(monkeypatch, caplog):
    at = small()

    def fail(spec, report, stop):
        raise ZeroDivisionError("inner detail")

    monkeypatch.setattr(compute, "run_experiment", fail)
    at.number_input(key="ui.seed").set_value(56789).run()
    assert not at.exception
    assert "inner detail" not in at.error[0].value
    assert "inner detail" in caplog.text
    assert scenes(at)


def test_times_read_well():
    assert [compute.seconds(value) for value in (0.0043, 0.3, 4.26, 42.4, 200)] == [
        "4.3 ms",
        "0.3 s",
        "4.3 s",
        "42 s",
        "3 min",
    ]


def test_a_sentence_is_no_picture():
    assert compute.sentence("write weight:x:y, not a:b") == r"Write weight\:x:y, not a:b."
