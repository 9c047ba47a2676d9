"""Every text on screen has its Chinese, and each says the same: same values, same formulas, same code, same links."""

import ast
import re
import string

import pytest

from core.language import catalogue
from core.solvers import SOLVERS
from scripts import texts

CHINESE = "zh"
# names of people, methods, files and notations that Chinese readers know as they are
NAMES = """Adams Bashforth Boomerang Butcher Churn Euler Gauss Heun Karras Langevin Leibler Maruyama Restart Wasserstein
WebP bfloat16 float16 float32 float64 diffusers eps"""
WORD = re.compile(r"[^\W\d_]{2,}\d*")
ODD = re.compile(r"[一-鿿][,;?!]|[一-鿿]\.(?:\s|$)| [，。；：？！]")
PLACE = re.compile(r"\{[^{}]*\}")
WORDS_IN_FORMULA = re.compile(r"\\text\{[^}]*\}")
SAME = {  # what must occur in both
    "formula": re.compile(r"\$\$?[^$]+\$\$?"),
    "code": re.compile(r"`[^`]+`"),
    "address": re.compile(r"\]\([^)]+\)"),
    "number in bold": re.compile(r"\*\*[−\d.]+\*\*"),
    "bullet": re.compile(r"^- ", re.M),
}


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    """Every entry, also those that are still empty."""
    return texts.translations(CHINESE)


def fields(template: str) -> set:
    """Placeholders with their formats; of what is no template (LaTeX has braces too), nothing."""
    try:
        plain = WORDS_IN_FORMULA.sub("", template)
        parsed = [part[1:] for part in string.Formatter().parse(plain) if part[1] is not None]
    except ValueError:
        return set()
    return {part for part in parsed if part[0].isidentifier()}


def test_every_text_has_its_chinese_and_nothing_is_left_over(chinese):
    wanted = {text.english: text.place for text in texts.all_texts()}
    missing = [f"{place}: {english}" for english, place in wanted.items() if not chinese.get(english)]
    assert not missing, f"`python -m scripts.texts` lists what zh.po lacks: {missing[:5]}"
    assert not set(chinese) - set(wanted), "`python -m scripts.texts` takes out what nothing shows any more"


def test_both_put_the_same_values(chinese):
    wrong = {english: other for english, other in chinese.items() if other and fields(english) != fields(other)}
    assert not wrong


@pytest.mark.parametrize("kind", list(SAME))
def test_formulas_code_and_links_stay(chinese, kind):
    def pieces(text: str) -> set:
        return {re.sub(r"\s+", "", WORDS_IN_FORMULA.sub("", piece)) for piece in SAME[kind].findall(text)}

    wrong = {english: other for english, other in chinese.items() if other and pieces(english) != pieces(other)}
    assert not wrong


def test_what_is_not_translated_is_a_name(chinese):
    titles = {word for info in SOLVERS.values() for word in WORD.findall(info.title)}
    wrong = []
    for english, other in chinese.items():
        words = set(WORD.findall(PLACE.sub("", english))) - set(NAMES.split()) - titles
        if english == other and {word for word in words if not word.isupper()}:
            wrong.append(english)
    assert not wrong


def test_chinese_has_chinese_punctuation(chinese):
    wrong = {
        english: other
        for english, other in chinese.items()
        if re.search(r"[一-鿿][,;?!]|[一-鿿]\.(\s|$)|\s[，。；：？！]", other)
    }
    assert not wrong


def test_the_app_reads_the_whole_catalogue(chinese):
    assert catalogue(CHINESE) == {english: other for english, other in chinese.items() if other}


def test_texts_are_found_where_they_are_given():
    source = """
tr("one {n}", n=2)
message("two" if few else "three")
settings.choose("four", "name", options, default, help="five" "six", format_func=str)
page.view("name", "seven")
Page(name="no", title="eight", views={"key": {"no": "nine"}} | OTHER)
joined(parts, "; ")
other("no")
"""
    found = list(texts.texts_of(ast.parse(source)))
    assert found == ["one {n}", "two", "three", "four", "fivesix", "seven", "eight", "nine", "; "]
