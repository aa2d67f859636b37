"""How a signature is put together, as far as its last step has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.signing.model import Container, Format, Level, Onto, Packaging

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.formats.cades.creating import signature as cms
    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Fields, Packable
    from trustworks.formats.jades import creating as jws
    from trustworks.formats.xades.creating import signature as xml

Inner: TypeAlias = "cms.Prepared | xml.Prepared | jws.Prepared"
Stamp: TypeAlias = "Callable[[Data], bytes]"
"""Answers data with a time-stamp token over it."""
Finish: TypeAlias = "Callable[[bytes, Sequence[Data]], bytes]"
"""Adds to a signature, over data beside it, what it is to have before it is put into something."""

Serialization = Literal["compact", "flattened", "general"]
_SERIALIZATIONS: Final[dict[str, Serialization]] = {
    "compact": "compact",
    "flattened": "flattened",
    "general": "general",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """Format, container, packaging, level; and to which signature of the file (by its place) it is added."""

    format: Format
    container: Container | None
    packaging: Packaging
    level: Level
    onto: Onto
    serialization: Serialization
    place: int

    def fields(self) -> Packable:
        """It as fields of `dtbs.packed`."""
        return {
            "format": self.format.value,
            "container": None if self.container is None else self.container.value,
            "packaging": self.packaging.value,
            "level": self.level.value,
            "onto": self.onto.value,
            "serialization": self.serialization,
            "place": self.place,
        }

    @classmethod
    def of(cls, found: Fields) -> How:
        """From what `fields` gave. Raises `Malformed`."""
        try:
            return cls(
                format=Format(found.text("format")),
                container=Container(found.text("container")) if found.has("container") else None,
                packaging=Packaging(found.text("packaging")),
                level=Level(found.text("level")),
                onto=Onto(found.text("onto")),
                serialization=_SERIALIZATIONS[found.text("serialization")],
                place=found.number("place"),
            )
        except (ValueError, KeyError) as error:
            raise Malformed(
                "The prepared signature is of no kind that is made here. Prepare it anew."
            ) from error
