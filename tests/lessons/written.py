"""What a lesson states, found in its words: numbers, and numbers written out."""

import re
from collections.abc import Iterator

from core.lessons import Step

NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e-?\d+)?")
IN_WORDS = re.compile(
    r"\b(half|halves|twice|double[ds]?|triple[ds]?|thirds?|quarters?|tenths?|hundred|thousand|\w+fold|times as|"
    r"times that|times smaller|times worse|times nearer)\b"
)


def texts(step: Step) -> Iterator[str]:
    """Each text of a step, lines joined."""
    question = step.question
    asked = (question.ask, *question.options.values()) if question else ()
    for text in (step.words, step.after, *asked):
        yield " ".join(text.split())


def undeclared(step: Step) -> list[str]:
    """Numbers, and numbers written out in what is found, that nothing in the step accounts for."""
    known = {*step.numbers, *step.plain, *_settings(step)}
    phrases = [*step.claims, *step.plain]
    found = []
    for text in texts(step):
        rest = _without(text, phrases)
        found += [number for number in NUMBER.findall(rest) if number not in known]
    after = _without(" ".join(step.after.split()), [*phrases, *(f"**{number}** times" for number in step.numbers)])
    return found + IN_WORDS.findall(_without(after, [f"{number} times" for number in step.numbers]))


def _settings(step: Step) -> set[str]:
    """Numbers of the link, of names in it, and the bounds between options."""
    bounds = step.question.bounds if step.question else ()
    named = " ".join([step.link, *("2M", "3M", "++")])
    return {*NUMBER.findall(named), *(f"{bound:g}" for bound in bounds)}


def _without(text: str, phrases: list[str]) -> str:
    for phrase in sorted(phrases, key=len, reverse=True):
        if not NUMBER.fullmatch(phrase):
            text = text.replace(phrase, " ")
    return text


def as_stated(number: str, value: float) -> bool:
    """Whether ``value`` is ``number`` to the digits written.

    Rounding allows half a unit of the last digit; a tenth more is left for other machines, whose last bits differ.
    """
    mantissa, _, power = number.replace("−", "-").partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(power or 0) - decimals)
    if decimals == 0 and not power and mantissa.endswith("0") and len(mantissa) > 2:
        unit = 10.0 ** (len(mantissa) - len(mantissa.rstrip("0")))  # 270 has two digits that count
    return abs(value - float(number.replace("−", "-"))) <= 0.6 * unit
