"""What the server says to whoever reads a page without running it: search engines, chats, mail programs."""

import re
import urllib.request

import pytest
from PIL import Image

from pages.common.serving import introduced


def fetched(address: str, **headers: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one answer."""
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
        return answer.read(), {name.lower(): value for name, value in answer.headers.items()}


@pytest.mark.parametrize("path", ["/", "/trajectories?data=moons"])
def test_a_page_introduces_itself(server, path):
    body, headers = fetched(server.url + path, Accept="text/html", **{"Accept-Encoding": "gzip"})
    text = body.decode()
    assert "<title>Solverscope</title>" in text
    assert "Streamlit</title>" not in text
    card = re.search(r'og:image" content="([^"]+)"', text).group(1)
    assert card == f"{server.url}/preview.png"
    picture, kind = fetched(card)
    assert kind["content-type"] == "image/png"
    assert len(picture) < 600_000
    assert int(headers["content-length"]) == len(body)


def test_the_preview_has_the_size_that_is_announced():
    with Image.open("assets/preview.png") as picture:
        assert picture.size == (1200, 630)


def test_other_answers_pass_untouched(server):
    assert fetched(f"{server.url}/_stcore/health")[0] == b"ok"
    script = re.search(r'src="(\./static/js/[^"]+)"', fetched(server.url, Accept="text/html")[0].decode()).group(1)
    _, headers = fetched(f"{server.url}/{script}", Accept="text/html, */*")
    assert "javascript" in headers["content-type"]


def test_what_a_stranger_sends_is_not_repeated_as_html():
    scope = {"scheme": "http", "query_string": b"lang=%22%3E%3Cscript%3E"}
    page = '<html lang="en"><title>Streamlit</title>'
    text = introduced(page, scope, {b"host": b'"><script>alert(1)</script>'})
    assert "<script" not in text
    assert '<html lang="en">' in text
    assert '<html lang="zh">' in introduced(page, {"query_string": b"lang=zh"}, {})
