"""The works that methods come from, as BibTeX."""

from core.references import context, methods
from core.references.base import REFERENCES, Reference, bibtex, cited_in

__all__ = ["REFERENCES", "Reference", "bibtex", "cited_in", "context", "methods"]
