"""Pictures on a page: type that can be read, and nothing else changed."""

import plotly.graph_objects as go
import pytest

from core.figures.style import new_figure, new_panels
from pages.common.explain import readable


def panels() -> go.Figure:
    figure = new_panels(1, 2, 300, subplot_titles=["a", "b"])
    figure.add_trace(go.Scatter(x=[1, 2], y=[3, 4]), row=1, col=2)
    figure.update_xaxes(title={"text": "steps", "font": {"size": 9, "color": "#123456"}})
    return figure


def test_type_has_the_sizes_that_were_asked_for():
    shown = readable(panels(), 13, 14)
    for axis in ("xaxis", "xaxis2", "yaxis", "yaxis2"):
        assert shown.layout[axis].tickfont.size == 13
        assert shown.layout[axis].title.font.size == 14
    assert shown.layout.xaxis2.title.font.color == "#123456"
    assert [note.font.size for note in shown.layout.annotations] == [14, 14]
    assert shown.layout.legend.font.size == 14
    assert shown.layout.dragmode is False


@pytest.mark.parametrize("figure", [panels(), new_figure(200)])
def test_the_figure_itself_and_all_else_stay(figure):
    before = figure.to_dict()
    shown = readable(figure, 13, 14).to_dict()
    assert figure.to_dict() == before
    assert shown["data"] == before["data"]  # an empty one too: it is a remark alone
    assert {name: shown["layout"][name] for name in ("height", "margin", "template")} == {
        name: before["layout"][name] for name in ("height", "margin", "template")
    }
