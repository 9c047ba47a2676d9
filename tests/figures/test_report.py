"""A report: one page that needs nothing from elsewhere, with all that was said, none of it taken for markup."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest

from core.figures.pictures import SHARED
from core.figures.report import Entry, report_html
from core.figures.scene import Scene

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"quoted\" 'too' & λ"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(HTMLParser):
    """What a browser would find: elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.said: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        where = self._open[-1] if self._open else ""
        (self.scripts if where == "script" else self.said).append(data)

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def entries(trajectories):
    made = []
    for name in ("trajectories", "error-along-path"):
        figure, alt = SHARED["trajectories", name].shown(trajectories, {})
        settings = trajectories.spec.model_dump_json(indent=2)
        link, works = "https://a.example/b?x=1&y=2", ("lu2022dpmpp", "hairer1993nonstiff")  # the same works twice
        made.append(Entry(name, figure, alt, "facts", settings, "words", link, ("a note",), works=works))
    return made


@pytest.fixture(scope="module")
def hostile(entries):
    chart = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name=HOSTILE), layout={"title": HOSTILE})
    texts = ("title", "alt", "facts", "settings", "caption", "link")
    bad = dataclasses.replace(entries[1], figure=chart, notes=(HOSTILE,), **dict.fromkeys(texts, HOSTILE))
    return report_html(HOSTILE, HOSTILE, [bad])


def test_it_holds_everything_that_was_said(entries):
    page = Reader(report_html("My title", "First.\n\nSecond.", entries))
    said = "".join(page.said)
    for text in (
        "My title",
        "First.",
        "Second.",
        "words",
        "facts",
        "a note",
        "@misc{lu2022dpmpp,",
        "Hairer, Nørsett and Wanner (1993): ",
    ):
        assert text in said
    assert said.count(entries[0].settings) == 2
    links = [link["href"] for link in page.of("a")]
    assert links[:2] == ["https://a.example/b?x=1&y=2"] * 2
    assert links[2:] == ["https://arxiv.org/abs/2211.01095", "https://doi.org/10.1007/978-3-540-78862-1"]
    assert len(page.of("figure")) == 2
    assert entries[1].alt in [part.get("aria-label") for part in page.of("div")]
    assert page.of("html") == [{"lang": "en"}]


def test_what_users_write_is_text_and_nothing_else(hostile, entries):
    page, plain = Reader(hostile), Reader(report_html("a", "b", [entries[1]]))
    assert [tag for tag, _ in page.elements if tag in ("img", "iframe", "object")] == []
    assert len(page.of("script")) == len(plain.of("script"))
    assert not [name for _, given in page.elements for name in given if name.startswith("on")]
    assert "".join(page.said).count(HOSTILE) == 9  # page: title, heading, introduction; picture: the other six
    assert "alert(1)" in "".join(page.said)


def test_a_title_of_a_link_can_start_no_script(entries):
    page = Reader(report_html("a", "b", [dataclasses.replace(entries[1], link="javascript:alert(1)")]))
    assert not [link for link in page.of("a") if not link["href"].startswith("http")]


def test_nothing_is_asked_of_the_network(entries):
    page = Reader(report_html("a", "b", entries))
    assert not page.of("link")
    assert not [given for _, given in page.elements if "src" in given]
    styles = "".join(page.said)
    assert not re.search(r"@import|url\(\s*['\"]?https?:", styles)


def test_plotly_is_there_once_and_only_for_charts(entries):
    scene, chart = entries
    assert isinstance(scene.figure, Scene)
    both = report_html("a", "b", [chart, chart, scene])
    assert both.count("plotly.js v") == 1
    assert len(both) < 2 * len(report_html("a", "b", [chart]))
    assert "plotly.js v" not in report_html("a", "b", [scene])
    assert both.count('class="solverscope-player"') == 1


def test_charts_keep_their_numbers(entries):
    text = report_html("a", "b", [entries[1]])
    kept = json.loads(entries[1].figure.to_json())["data"]
    assert all(part["y"]["bdata"] in text.replace("\\u002f", "/") for part in kept if "y" in part)
