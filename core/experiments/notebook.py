"""A picture's settings as a Jupyter notebook: what it is, the code that computes its numbers, a plot, the works."""

import re

from core.experiments.citing import works_of
from core.experiments.code import snippet
from core.experiments.plots import plot_code
from core.experiments.run import EXPERIMENTS
from core.experiments.specification import Specification
from core.references import bibtex, listed

SETUP = """Run this in the folder of the Solverscope repository, after `pip install -r requirements.txt`: the code needs
its package `core` and nothing else of the app."""


def notebook(spec: Specification, link: str = "") -> str:
    """A notebook (nbformat 4) as JSON text: the very code of :func:`core.experiments.code.snippet`, cell by cell.

    Parameters
    ----------
    link : address of the picture in the app; left out if empty.
    """
    import nbformat.v4 as v4

    info, code, works = EXPERIMENTS[spec.kind], snippet(spec), works_of(spec)
    about = [f"# Solverscope: {info.title}", info.description, SETUP]
    if link:
        about.append(f"[The same picture in the app]({link})")
    settings = f"The settings, as the app saves and opens them:\n\n```json\n{spec.model_dump_json(indent=2)}\n```"
    cells = [v4.new_markdown_cell("\n\n".join(about)), v4.new_markdown_cell(settings)]
    cells += [v4.new_code_cell(part) for part in parts_of(code)]
    plot = plot_code(spec.kind, code)
    if plot:
        cells += [v4.new_markdown_cell("A plot of the numbers:"), v4.new_code_cell(plot)]
    cells.append(v4.new_markdown_cell(f"## References\n\n{listed(works)}\n\n```bibtex\n{bibtex(works)}\n```"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same settings, the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    return v4.writes(book)


def parts_of(code: str) -> list[str]:
    """Code cut at empty lines between statements of the outermost level."""
    blocks = re.split(r"\n\n+(?=\S)", code.strip())
    return [block.rstrip() for block in blocks if block.strip()]
