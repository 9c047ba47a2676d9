"""Every page in Chinese: no run of English words is left in anything that it shows."""

import re

import pytest

from core.grids import GRIDS
from core.schedules import SCHEDULES
from core.solvers import SOLVERS
from tests.pages.app import PAGES, opened
from tests.pages.test_pages import quick
from tests.pages.words import shown

RUN = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,;:]+){3,}[A-Za-z]+")
NOT_WORDS = re.compile(r"\$\$?[^$]+\$\$?|`[^`]+`|\\[a-z]+|\]\([^)]*\)|<[^>]*>")  # formulas, code, addresses
CITED = re.compile(r"(?:[A-Z][\w'’.-]+(?:, | and | ))+(?:et al\. )?\d{4}")
NAMES = sorted({info.title for info in SOLVERS.values()}, key=len, reverse=True)
SOURCES = {info.source for registry in (SOLVERS, SCHEDULES, GRIDS) for info in registry.values()}
OF_IMAGES = ("trajectories", "convergence", "curvature", "guidance", "inversion", "boomerang")  # pictures of their own


def english(text: str) -> list[str]:
    """The runs of English words in a text, without formulas, code, names of solvers and citations."""
    for source in SOURCES:
        text = text.replace(source, "")
    text = CITED.sub("", NOT_WORDS.sub("", text))
    for name in NAMES:
        text = text.replace(name, "")
    return RUN.findall(text)


@pytest.mark.parametrize(
    ("page", "kind"), [*((page, "toy") for page in PAGES), *((page, "images") for page in OF_IMAGES)]
)
def test_a_page_in_chinese_shows_no_english(page, kind):
    at = quick(page, kind, lang="zh")
    assert not at.exception
    assert not at.warning
    assert [text for text in shown(at) if english(text)] == []


@pytest.mark.parametrize(("page", "place"), [("board", {}), ("lessons", {}), ("lessons", {"lesson": "3", "step": "1"})])
def test_a_page_without_settings_shows_no_english(page, place):
    at = opened(page, lang="zh", **place)
    assert not at.exception
    assert [text for text in shown(at) if english(text)] == []


def test_english_is_seen_where_it_is():
    assert english("图中 the error of every step 很小")
    assert not english("图中 DPM-Solver++ 3M as published 与 `two words in code here` 和 $a few in a formula$")
    assert [text for text in shown(quick("trajectories", "toy")) if english(text)]
