"""A way of pairing data and noise with its options, as one frozen value with one spelling."""

from typing import Any

from pydantic import model_validator

from core.experiments.choices import Choice
from core.language import Message, joined, message
from core.train.ways import WAYS, WayInfo


class FlowChoice(Choice):
    """A way of pairing data and noise, with its options."""

    word = "flow"
    called = "{key} of {name}"
    registry = WAYS

    @model_validator(mode="after")
    def _known(self) -> "FlowChoice":
        self.info.values(dict(self.options))
        return self

    @property
    def info(self) -> WayInfo:
        """Its entry in the registry."""
        return self.registry[self.name]

    @property
    def label(self) -> Message:
        """Title on screen, with the options that differ from the defaults."""
        return self.named(dict(self.options))

    def named(self, options: dict[str, Any]) -> Message:
        """Title on screen with these options."""
        title, known = message(self.info.title), self.info.options
        said = [
            message("{option} = {value}", option=message(known[key].symbol or key), value=f"{value:g}")
            for key, value in options.items()
        ]
        return message("{flow} ({options})", flow=title, options=joined(said, ", ")) if said else title
