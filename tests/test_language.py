"""Texts in another language: found by their English, said again with the same values."""

import copy
from collections.abc import Iterator

import pytest

from core import language
from core.language import ENGLISH, Message, catalogue, follow, joined, lowered, mark, message, tr

CHINESE = {
    "{count} steps": "{count} 步",
    "{solver} took {what}.": "{solver} 用了 {what}。",
    "step": "步",
    "Step": "步数",
    ", ": "、",
}


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything in a small Chinese."""
    monkeypatch.setattr(language, "catalogue", lambda _: CHINESE)
    follow(lambda: "zh")
    yield
    follow(lambda: ENGLISH)


def told() -> Message:
    return message("{solver} took {what}.", solver="DDIM", what=message("{count} steps", count=3))


def test_english_is_the_text_itself():
    assert tr("{count} steps", count=3) == "3 steps"
    assert tr("a formula with {braces}") == "a formula with {braces}"
    assert told() == "DDIM took 3 steps."
    assert tr(told()) == "DDIM took 3 steps."
    assert tr(lowered("Free Guidance")) == "free guidance"


@pytest.mark.usefixtures("chinese")
def test_another_language_puts_the_same_values_in_its_own_words():
    assert tr("step") == "步"
    assert tr(mark("not in the catalogue")) == "not in the catalogue"
    assert told() == "DDIM took 3 steps.", "a message stays English until it is shown"
    assert tr(told()) == "DDIM 用了 3 步。"
    assert tr("{solver} took {what}.", solver="DDIM", what="step") == "DDIM 用了 step。", "a plain string is a name"
    assert tr(joined([message("step"), "DDIM"], ", ")) == "步、DDIM"
    assert (lowered("Step"), tr(lowered("Step"))) == ("step", "步数"), "small letters are for English"
    assert tr(joined(["一。", told()])) == "一。DDIM 用了 3 步。", "no space between Chinese sentences"


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_message_survives_being_copied(again):
    assert tr(again(told())) == "DDIM 用了 3 步。"


def test_a_missing_value_is_an_error_where_the_message_is_made():
    with pytest.raises(KeyError, match="what"):
        message("{solver} took {what}.", solver="DDIM")


def test_the_catalogue_is_read_from_its_file():
    assert catalogue("zh")["Start"] == "开始"
    assert catalogue(ENGLISH) == {}
    with pytest.raises(ValueError, match="no language 'xx'; allowed: en, zh"):
        catalogue("xx")
