"""The catalogue of solvers: its search, its filters and its table, all in the link."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.common.page import Page  # first: it sets up the process

# isort: split
from core.experiments import listing
from core.experiments.choices import SolverChoice
from core.figures import weights as drawn
from core.language import mark, tr
from core.solvers import SOLVERS, SolverInfo
from pages.common import explain, settings, sharing
from pages.common import words_catalogue as words

SEARCH, SLOT = "solvers.search", "solvers.solver"
LONGEST_SEARCH = 60
ROWS_SHOWN = 9
FILTERS = {
    "family": mark("Family"),
    "order": mark("Order"),
    "nfe": mark("Cost"),
    "asks": mark("Prediction"),
    "type": mark("Type"),
    "lost": mark("Order kept or lost"),
}
SYMBOLS = {"t": mark("time t"), "rho": "σ/α", "lambda": "λ"}


@dataclass(frozen=True)
class CataloguePage(Page):
    """A page whose link also carries the words searched for."""

    def link(self, spec: Any) -> dict[str, str]:
        words = str(settings.current(SEARCH, "")).strip()
        return super().link(spec) | ({"search": words} if words else {})

    def _follow(self, params: dict[str, str]) -> None:
        settings.put(SEARCH, params.pop("search", "")[:LONGEST_SEARCH])
        super()._follow(params)


def filters() -> dict[str, dict[str, str]]:
    """The page's display choices: every filter and what it can be."""
    return {
        "family": {listing.ANY: tr("Any family")} | _said(listing.families()),
        "order": {listing.ANY: tr("Any order")}
        | {order: tr("Order {order}", order=order) if order != "0" else tr("No order") for order in listing.orders()},
        "nfe": {listing.ANY: tr("Any cost")} | {nfe: tr("{nfe} NFE a step", nfe=nfe) for nfe in listing.costs()},
        "asks": {listing.ANY: tr("Any prediction")} | _said(listing.ASKS),
        "type": {listing.ANY: tr("Any type")} | _said(listing.TYPES),
        "lost": {listing.ANY: tr("Kept or lost")} | _said(listing.LOST),
    }


def _said(texts: dict[str, str]) -> dict[str, str]:
    return {name: tr(text) for name, text in texts.items()}


def begin(page: Page) -> None:
    """Choose the page's own solver where none was chosen yet, so that its options can be drawn."""
    settings.values().setdefault(SLOT, str(page.default.solver))


def choose(page: Page) -> str:
    """Search, filters, table and menu; returns the chosen solver as it is written in links."""
    words_searched = settings.shown(
        st.text_input,
        SEARCH,
        "",
        lambda value: isinstance(value, str),
        label=tr("Search"),
        max_chars=LONGEST_SEARCH,
        placeholder=tr("Search by name, idea or paper"),
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, gap="small", key="filters"):
        chosen = {name: page.view(name, tr(FILTERS[name]), _quiet) for name in page.views}
    found = listing.found(
        words_searched,
        chosen["family"],
        chosen["order"],
        chosen["asks"],
        chosen["type"],
        chosen["nfe"],
        chosen["lost"],
    )
    current = SolverChoice.model_validate(settings.get(SLOT, str(page.default.solver)))
    if found:
        lines = [
            tr(
                "{count} of {all} solvers. Click a heading to sort, a row to open its card.",
                count=len(found),
                all=len(SOLVERS),
            )
        ]
        if current.name not in {info.name for info in found}:
            lines.append(tr("{solver} stays open.", solver=SOLVERS[current.name].title))
        st.caption(words.sentences(lines))
        _table(found, current.name)
    else:
        st.info(
            tr(
                "No solver fits all of this; {solver} stays open below. Take a word or a filter away.",
                solver=SOLVERS[current.name].title,
            ),
            icon=":material/search_off:",
        )
        st.button(tr("Show all solvers"), on_click=_clear, args=(tuple(page.views),))
    return _menu(page, found, current)


def _quiet(**arguments: Any) -> Any:
    return st.selectbox(label_visibility="collapsed", width=148, **arguments)


def _clear(views: tuple[str, ...]) -> None:
    settings.put(SEARCH, "")
    for name in views:
        settings.put(f"solvers.{name}", listing.ANY)


def _table(found: list[SolverInfo], current: str) -> None:
    names = [info.name for info in found]
    key = f"table-{abs(hash((tuple(names), current)))}"  # another list or another choice: another selection
    st.dataframe(
        words.table(found),
        hide_index=True,
        height=36 * (min(len(found), ROWS_SHOWN) + 1) + 2,
        on_select=lambda: _open(key, names),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [names.index(current)]}} if current in names else None,
        placeholder="–",
        alt=tr("{count} solvers with order, cost, family and type", count=len(found)),
        key=key,
    )


def _open(key: str, names: list[str]) -> None:
    rows = st.session_state[key].selection.rows
    if rows:
        settings.put(SLOT, names[rows[0]])


def _menu(page: Page, found: list[SolverInfo], current: SolverChoice) -> str:
    """The same choice without the table, for keyboards and narrow screens."""
    names = [info.name for info in found if info.name != current.name]
    options = [str(current), *names] if current.name not in {i.name for i in found} else _in_order(found, current)
    return settings.choose(
        tr("Solver"),
        SLOT,
        options,
        str(page.default.solver),
        format_func=lambda text: SolverChoice.model_validate(text).label,
        help=tr("The same choice as in the table; type to search by name."),
    )


def _in_order(found: list[SolverInfo], current: SolverChoice) -> list[str]:
    return [str(current) if info.name == current.name else info.name for info in found]


def formulas(result: Any) -> None:
    """One step in formula; those of a published version and of the one that mends it."""
    by_formula: dict[str, list[str]] = {}
    for card in result.cards:
        by_formula.setdefault(SOLVERS[card.name].formula, []).append(card.label)
    for formula, labels in by_formula.items():
        if len(by_formula) > 1:
            st.markdown(f"**{labels[0]}**")
        st.latex(formula)


def weights(page: Page, result: Any) -> None:
    """All weights of the grid, and one step of it to be chosen."""
    shown = [place for place, card in enumerate(result.cards) if card.response is not None]
    for column, place in zip(st.columns(len(shown), gap="large"), shown, strict=True):
        with column:
            if len(shown) > 1:
                st.markdown(f"**{result.cards[place].label}**")
            figure = drawn.weights_figure(result, place)
            explain.picture(figure, drawn.alt_weights(result, place), f"solver-weights-{place}")
    sharing.share(page, result, figure, "solver-weights", lambda: words.weights_table(result))
    _one_step(page, result)


@st.fragment
def _one_step(page: Page, result: Any) -> None:
    steps = list(range(1, result.spec.steps + 1))
    middle = steps[len(steps) // 2]
    step = st.select_slider(tr("Look into step"), steps, middle, key=f"step-of-{len(steps)}") if len(steps) > 1 else 1
    figure = drawn.step_figure(result, step)
    explain.picture(figure, drawn.alt_step(result, step), "solver-step")
    tableaux = [
        (
            tr("{solver}, step {step} as a tableau", solver=card.label, step=step),
            drawn.stages_latex(result, place, step),
        )
        for place, card in enumerate(result.cards)
        if card.response is not None
    ]
    tableaux += [
        (
            tr("{solver}, Butcher tableau in {variable}", solver=card.label, variable=tr(SYMBOLS[card.symbol])),
            drawn.tableau_latex(card),
        )
        for card in result.cards
        if card.tableau is not None
    ]
    for column, (title, latex) in zip(st.columns(max(2, len(tableaux)), gap="large"), tableaux, strict=False):
        with column:
            st.markdown(f"**{title}**")
            st.latex(latex)
    st.caption(tr("Left of the line: where in the step, 0 its start and 1 its end. The last row is the step itself."))
