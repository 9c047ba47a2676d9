"""One work, the table of all of them, and BibTeX."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True)
class Reference:
    """One work.

    Attributes
    ----------
    kind : BibTeX's entry type: "article", "inproceedings", "book" or "misc".
    authors : "Family, Given" each, in order.
    venue : journal, proceedings or publisher; empty for a preprint.
    arxiv : number, such as "2206.00927"; empty if there is none.
    doi, url : empty if there is none.
    """

    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    venue: str = ""
    arxiv: str = ""
    doi: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where it can be read."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    def bibtex(self, key: str) -> str:
        """The entry under ``key``."""
        place = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}.get(self.kind, "howpublished")
        fields = {
            "title": f"{{{self.title}}}",  # a second pair of braces keeps capitals
            "author": " and ".join(self.authors),
            place: self.venue,
            "year": str(self.year),
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
            "doi": self.doi,
            "url": self.url,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@{self.kind}{{{key},\n" + ",\n".join(lines) + "\n}"


REFERENCES: Registry[Reference] = Registry("reference")


def bibtex(keys: Iterable[str]) -> str:
    """BibTeX of several works, in the order given.

    Raises
    ------
    ValueError
        On an unknown key, with the known ones.
    """
    return "\n\n".join(REFERENCES[key].bibtex(key) for key in keys)


def cited_in(text: str) -> tuple[str, ...]:
    """Keys of the works whose arXiv numbers a text names, in its order."""
    by_number = {work.arxiv: key for key, work in REFERENCES.items() if work.arxiv}
    return tuple(by_number[number] for number in re.findall(r"\d{4}\.\d{5}", text) if number in by_number)
