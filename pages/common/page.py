"""What every page does around its picture: read the link once, show the title and the switch, keep the link true."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.common import arrival  # first: it may end the run before the heavy imports

# isort: split
from pydantic import ValidationError

from core.experiments.links import from_params, to_params
from core.language import joined, mark, message, tr
from pages.common import fields, settings, tongue

KINDS = {"toy": mark("2-D"), "images": mark("Images")}
HERE, WRITTEN, TOLD, VALID, OPENED = "page", "addresses", "told", "valid", "opened"


@dataclass(frozen=True)
class Page:
    """One page and what it starts from.

    Attributes
    ----------
    name : its file, and where its settings live.
    title, lead : heading, and what the page is about in plain words.
    toy, images : the specification that it opens with for either kind of data; None for ``images`` if it has none.
    views : display choice -> its options (name -> label), the first being the default; part of the link.
    """

    name: str
    title: str
    lead: str
    toy: Any
    images: Any = None
    views: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def default(self) -> Any:
        """What the page opens with, for the kind of data that the switch says."""
        return self.images if self.images is not None and fields.kind() == "images" else self.toy

    def open(self) -> None:
        """Title, switch and lead; settings from the link where one was followed."""
        arrival.through_app()
        self._arrive()
        with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", key="head"):
            st.title(tr(self.title), anchor=False, width="content")
            if self.images is not None:
                settings.choose(
                    "Data",
                    "kind",
                    list(KINDS),
                    "toy",
                    st.segmented_control,
                    format_func=KINDS.get,
                    required=True,
                    label_visibility="collapsed",
                )
        st.markdown(tr(self.lead))

    def specification(self) -> Any:
        """What the settings say; where they clash, a sentence on what is wrong and the last ones that fitted."""
        default = self.default
        valid = st.session_state.setdefault(VALID, {})
        try:
            spec = type(default).model_validate(fields.collect(self.name, default))
        except ValidationError as problem:
            kept = tr("The picture keeps the last settings that fit.")
            st.warning(tr(joined([*fields.sentences(problem), kept])))
            spec = valid.get((self.name, default.data.kind), default)
        valid[self.name, default.data.kind] = spec
        self._tell(spec)
        self._write(spec)
        return spec

    def view(
        self,
        name: str,
        label: str,
        widget: Callable = st.segmented_control,
        among: int | None = None,
        labels: Callable[[str], str] | None = None,
    ) -> str:
        """The display choice ``name``, as a row of buttons or another widget; ``among`` offers only the first ones.

        ``labels`` says what options are called where that depends on the result.
        """
        options = self.views[name]
        return settings.choose(
            label,
            f"{self.name}.{name}",
            list(options)[:among],
            next(iter(options)),
            widget,
            format_func=labels or options.get,
            **({"required": True} if widget is st.segmented_control else {}),
        )

    def link(self, spec: Any) -> dict[str, str]:
        """Query parameters that bring back exactly this picture."""
        params = {} if spec == self.toy else to_params(spec)
        if not params and spec != self.toy:
            params = {"seed": str(spec.seed)}  # the experiment's defaults, which are not the page's: say something
        for name, options in self.views.items():
            chosen = settings.current(f"{self.name}.{name}", next(iter(options)))
            if chosen != next(iter(options)):
                params[name] = chosen
        return params | tongue.params()

    def _arrive(self) -> None:
        entering = st.session_state.get(HERE) != self.name
        st.session_state[HERE] = self.name
        touched = settings.touched()
        if tongue.changed() or entering:  # widgets hold their words as well
            settings.redraw()
        opened = st.session_state.get(OPENED)
        if opened is not None and not isinstance(opened, type(self.toy)):
            st.switch_page(f"pages/{opened.kind}.py")
        if opened is not None:
            fields.load(self.name, st.session_state.pop(OPENED))
            return
        params = _without_language(st.query_params.to_dict())
        if params and (entering or self._new(frozenset(params.items()), touched)):
            self._follow(params)

    def _new(self, address: frozenset, touched: bool) -> bool:
        """Whether the address was set by the user: a link, or Back and Forward.

        An address that this session wrote itself may come back late, when a click crosses the answer to the one before;
        then a widget has changed, which Back and Forward never do.
        """
        latest, written = st.session_state.get(WRITTEN, (None, set()))
        return address != latest and (address not in written or not touched)

    def _follow(self, params: dict[str, str]) -> None:
        told = []
        for name, options in self.views.items():
            chosen = params.pop(name, None)
            if chosen in options:
                settings.put(f"{self.name}.{name}", chosen)
            elif chosen is not None:
                told.append(
                    message(
                        "The link asks for {name} = {given!r}; allowed: {allowed}.",
                        name=name,
                        given=chosen[:40],
                        allowed=", ".join(options),
                    )
                )
        if params:
            spec, problems = from_params(type(self.toy), params)
            fields.load(self.name, spec)
            told += problems
        if told:
            st.session_state[TOLD] = (self.name, told, None)

    def _tell(self, spec: Any) -> None:
        """What was wrong with the link, until a setting changes."""
        name, told, about = st.session_state.get(TOLD, ("", [], None))
        if name != self.name or (about is not None and about != spec):
            st.session_state.pop(TOLD, None)
            return
        st.session_state[TOLD] = (name, told, spec)
        points = "".join(f"\n- {fields.sentence(text)}" for text in told)
        st.warning(tr("Some of the link cannot be shown; all else is as it says.") + f"\n{points}")

    def _write(self, spec: Any) -> None:
        params = self.link(spec)
        address = frozenset(_without_language(params).items())
        _, written = st.session_state.get(WRITTEN, (None, set()))
        st.session_state[WRITTEN] = (address, written | {address})
        if st.query_params.to_dict() != params:
            st.query_params.from_dict(params)


def _without_language(params: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name != tongue.PARAM}
