"""Works as they are read: who, when, what and where, in Markdown or as HTML."""

import html
from collections.abc import Iterable

from core.references.base import REFERENCES


def listed(keys: Iterable[str]) -> str:
    """Works as a Markdown list, with links."""
    return "\n".join(f"- {in_words(key)}" for key in keys)


def listed_html(keys: Iterable[str]) -> str:
    """The same list as HTML."""
    items = []
    for key in keys:
        who, title, venue = map(html.escape, _parts(key))
        items.append(f'<li>{who}: <a href="{html.escape(address(key))}">{title}</a>{venue}</li>')
    return f"<ul>{''.join(items)}</ul>"


def in_words(key: str) -> str:
    """One work: authors, year, title and where to read it, in Markdown."""
    who, title, venue = _parts(key)
    return f"{who}: [{title}]({address(key)}){venue}"


def address(key: str) -> str:
    """Where a work can be read."""
    work = REFERENCES[key]
    if work.arxiv:
        return f"https://arxiv.org/abs/{work.arxiv}"
    return f"https://doi.org/{work.doi}" if work.doi else work.url


def plain(text: str) -> str:
    """Text for BibTeX as it is read: without braces, with its letters."""
    return text.replace("{\\o}", "ø").replace("{", "").replace("}", "")


def _parts(key: str) -> tuple[str, str, str]:
    work = REFERENCES[key]
    family = [plain(author.split(",")[0]) for author in work.authors if author != "others"]
    several = len(family) > 3 or "others" in work.authors
    who = f"{family[0]} et al." if several else " and ".join(filter(None, [", ".join(family[:-1]), family[-1]]))
    return f"{who} ({work.year})", plain(work.title), f". {work.venue}" if work.venue else ""
