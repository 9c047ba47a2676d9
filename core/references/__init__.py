"""The works that methods come from, as BibTeX and in words."""

from core.references import context, methods
from core.references.base import REFERENCES, Reference, bibtex, cited_in
from core.references.words import in_words, listed, listed_html

__all__ = [
    "REFERENCES",
    "Reference",
    "bibtex",
    "cited_in",
    "context",
    "in_words",
    "listed",
    "listed_html",
    "methods",
]
