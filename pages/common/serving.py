"""What the server does besides running pages: it warms up before the first visitor comes, and says in the bare HTML,
which search engines, chats and mail programs read without running it, what this is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.middleware import Middleware
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core.language import ENGLISH, LANGUAGES, catalogue, mark
from pages.common import warm
from pages.common.theme import ASSETS, NAME

SAID = mark(
    "How ODE and SDE solvers behave inside diffusion models: paths, errors, orders and curvature, computed live."
)
CARD = "/preview.png"
HEAD = """<title>{name}</title>
    <meta name="description" content="{said}" />
    <meta property="og:type" content="website" />
    <meta property="og:title" content="{name}" />
    <meta property="og:description" content="{said}" />
    <meta property="og:image" content="{card}" />
    <meta property="og:image:width" content="1200" />
    <meta property="og:image:height" content="630" />
    <meta name="twitter:card" content="summary_large_image" />
"""


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Import what pages need while the server starts and the first browser opens."""
    warm.start()
    yield


class Introduced:
    """Puts title, description and preview into every HTML document that passes."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """One request."""
        headers = dict(scope.get("headers", ()))
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in headers.get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name not in (b"accept-encoding", b"range")]
        answer = _Answer()
        await self.app({**scope, "headers": plain}, receive, answer)
        await answer.changed(scope, headers)(scope, receive, send)


class _Answer:
    """A response kept back until it is whole."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, [], b""

    async def __call__(self, part: dict) -> None:
        if part["type"] == "http.response.start":
            self.status, self.headers = part["status"], part["headers"]
        else:
            self.body += part.get("body", b"")

    def changed(self, scope: dict, asked: dict[bytes, bytes]) -> Response:
        """The same response; if it is a page, introduced."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.headers}
        if self.status == 200 and headers.get("content-type", "").startswith("text/html"):
            headers.pop("content-length", None)
            return Response(introduced(self.body.decode(), scope, asked), headers=headers)
        response = Response(self.body, status_code=self.status)
        response.raw_headers = self.headers
        return response


def introduced(document: str, scope: dict, asked: dict[bytes, bytes]) -> str:
    """The HTML ``document`` with a head that says what this is, in the language that the link names."""
    secure = asked.get(b"x-forwarded-proto", b"").decode("latin-1") or scope.get("scheme", "http")
    host = asked.get(b"host", b"localhost").decode("latin-1")
    card = escape(f"{secure}://{host}{CARD}", quote=True)
    language = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [ENGLISH])[0]
    language = language if language in LANGUAGES else ENGLISH
    said = catalogue(language).get(SAID, SAID)
    head = HEAD.format(name=NAME, said=escape(said, quote=True), card=card)
    return document.replace("<title>Streamlit</title>", head, 1).replace(
        '<html lang="en">', f'<html lang="{language}">'
    )


MIDDLEWARE = [Middleware(Introduced)]
ROUTES = [Route(CARD, lambda _: FileResponse(ASSETS / "preview.png"))]
