"""The texts on screen and their catalogues: what there is, what is missing, what is no longer used.

    python -m scripts.texts [--add FILE.json ...] [--check]

Brings ``assets/texts/zh.po`` in line with the code: new texts are added without a translation, those that nothing
shows are dropped. ``--add`` fills in translations from files of ``{English: Chinese}``; ``--check`` writes nothing,
lists what is missing or left over, and exits with 1 if anything is.

A text is found where it is the argument of ``tr``, ``message``, ``mark`` or ``joined``, or of a function that
translates what it is given (``SHOWN``); or in a registry, in ``headings.txt``, or a lesson.
"""

import argparse
import ast
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from core.language import CATALOGUES, ENGLISH, LANGUAGES
from core.options import Option

ROOT = Path(__file__).resolve().parents[1]
WHERE = ("app.py", "pages", "core")
HEAD = r"""# Texts of Solverscope. `python -m scripts.texts` adds what is missing and drops what is not used.
msgid ""
msgstr ""
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
WORD = re.compile(r"[^\W\d_]{2}")


class Takes(NamedTuple):
    """Which arguments of a function are texts: by position, and by name."""

    places: tuple[int, ...] = ()
    names: tuple[str, ...] = ()


WIDGET = ("label", "help", "placeholder")
SHOWN = {
    "tr": Takes((0,)),
    "message": Takes((0,)),
    "mark": Takes((0,)),
    "joined": Takes((1,), ("separator",)),
    "Registry": Takes((0,)),  # refusals name the kind of thing that is unknown
    # pages/common: these translate what they are given
    "choose": Takes((0,), WIDGET),
    "choose_some": Takes((0,), WIDGET),
    "number": Takes((0,), WIDGET),
    "ladder": Takes((0,), WIDGET),
    "switch": Takes((0,), WIDGET),
    "shown": Takes((), WIDGET),
    "view": Takes((1,), WIDGET),
    "look": Takes((0,)),
    "formula": Takes((0, 1, 2, 3, 4), ("title",)),
    "Page": Takes((), ("title", "lead", "views")),
    "CataloguePage": Takes((), ("title", "lead", "views")),
}


class Text(NamedTuple):
    """An English text and the file, or the registry, that has it."""

    english: str
    place: str


def main() -> int:
    parser = argparse.ArgumentParser(description="Texts of the screen and their catalogues.")
    parser.add_argument("--add", nargs="+", type=Path, default=[], help="JSON files of {English: Chinese}")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where anything is missing")
    arguments = parser.parse_args()
    texts, flaws = all_texts(), 0
    for language in LANGUAGES:
        if language != ENGLISH:
            flaws += bring(language, texts, arguments.add, write=not arguments.check)
    return 1 if arguments.check and flaws else 0


def bring(language: str, texts: list[Text], files: list[Path], write: bool) -> int:
    """Bring one catalogue in line; returns how many texts are missing or left over."""
    held = translations(language)
    used = {text.english for text in texts}
    given = {english: other for file in files for english, other in json.loads(file.read_text("utf-8")).items()}
    known = held | {english: other for english, other in given.items() if other}
    missing = [text for text in texts if not known.get(text.english)]
    unused = [english for english in held if english not in used]
    print(f"{language}: {len(texts)} texts, {len(missing)} without a translation, {len(unused)} no longer used")
    if files:
        strange = [english for english in given if english not in used]
        print(f"  {len(given)} handed in, {len(strange)} of them not in the code")
        for english in strange:
            print(f"    not in the code: {english!r}")
    for text in missing:
        print(f"  missing ({text.place}): {text.english!r}")
    if write:
        write_catalogue(language, texts, known)
    else:
        for english in unused:
            print(f"  unused: {english!r}")
    return len(missing) + len(unused)


def translations(language: str) -> dict[str, str]:
    """Every entry of a catalogue, those still empty included."""
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        return {entry.id: entry.string for entry in read_po(file, locale=language) if entry.id}


def write_catalogue(language: str, texts: list[Text], known: Mapping[str, str]) -> None:
    """Write a catalogue: every text in the order of files, with its translation as far as it is known."""
    catalog = Catalog(locale=language)
    for text in texts:
        catalog.add(text.english, known.get(text.english, ""), locations=[(text.place, 0)])
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=120, include_lineno=False, omit_header=True)
    entries = re.sub(r"^#, python-(brace-)?format\n", "", buffer.getvalue().decode(), flags=re.M)
    (CATALOGUES / f"{language}.po").write_text(HEAD.format(language=language) + entries, "utf-8")


def all_texts() -> list[Text]:
    """Every text once, in the order of files and then of registries and lessons."""
    found: dict[str, Text] = {}
    for text in (*in_code(), *in_registries(), *in_tables(), *in_lessons()):
        found.setdefault(text.english, text)
    return list(found.values())


def in_code() -> Iterator[Text]:
    """The texts in the source."""
    for part in WHERE:
        path = ROOT / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            place = file.relative_to(ROOT).as_posix()
            for english in texts_of(ast.parse(file.read_text("utf-8"))):
                yield Text(english, place)


def texts_of(tree: ast.AST) -> Iterator[str]:
    """The texts in one module, in their order."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        takes = SHOWN.get(name)
        if takes is None:
            continue
        given = [call.args[place] for place in takes.places if place < len(call.args)]
        given += [word.value for word in call.keywords if word.arg in takes.names]
        for node in given:
            yield from constants(node)


def constants(node: ast.AST) -> Iterator[str]:
    """The texts that an argument can be: itself, either branch of a choice, the values of a dictionary."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.BoolOp | ast.Dict):
        for part in node.values:
            yield from constants(part)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from constants(node.left)
        yield from constants(node.right)


def in_registries() -> Iterator[Text]:
    """What registries say of their entries: title, description, notes, and the words of their options."""
    from core.analysis.distances import DISTANCES
    from core.analysis.optimal_grids import OPTIMISED
    from core.analysis.weak import TEST_FUNCTIONS
    from core.data import IMAGE_DATA, TOY_DATA
    from core.experiments.demos import DEMOS
    from core.grids import GRIDS
    from core.models.guidance import GUIDANCE
    from core.schedules import SCHEDULES
    from core.solvers import SOLVERS
    from core.train.ways import WAYS

    for registry in (
        SOLVERS, SCHEDULES, GRIDS, OPTIMISED, GUIDANCE, TOY_DATA, IMAGE_DATA, DEMOS, DISTANCES, TEST_FUNCTIONS, WAYS
    ):  # fmt: skip
        for info in registry.values():
            for english in of_entry(info):
                if WORD.search(english):
                    yield Text(english, f"registry of {registry.kind}s")


def of_entry(info: Any) -> Iterator[str]:
    """The texts of one entry."""
    for name in ("title", "family", "description", "note", "when", "unit"):
        yield getattr(info, name, "")
    yield from getattr(info, "classes", ())
    yield from (peer.note for peer in getattr(info, "peers", ()))
    for key, option in getattr(info, "options", {}).items():
        yield from of_option(key, option)


def of_option(key: str, option: Option) -> Iterator[str]:
    """What the widget of an option shows."""
    yield option.called(key)
    yield option.help
    from core.solvers import SOLVERS

    yield from (choice for choice in option.choices if isinstance(choice, str) and choice not in SOLVERS)


def in_tables() -> Iterator[Text]:
    """Headings of tables, one a line: frames keep short names for files, the screen says them in words."""
    for english in (CATALOGUES / "headings.txt").read_text("utf-8").splitlines():
        yield Text(english, "tables")


def in_lessons() -> Iterator[Text]:
    """The words of lessons."""
    from core.lessons import lesson_texts

    for english in lesson_texts():
        yield Text(english, "lessons")


if __name__ == "__main__":
    sys.exit(main())
