"""What is asked of the process that shows documents, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ConfigDict, TypeAdapter

from trustworks.core.values import dataclass
from trustworks.signing.shown.model import Page, Seen  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence

_OCTETS: Final = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file: the name that it came with, and an open descriptor of its octets."""

    name: str
    descriptor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing to show: the document as a whole, or one `page` of it of about `width` pixels.

    `within` leads to a file in a container, by names from the outside to the inside.
    """

    file: Given
    media_type: str | None = None
    beside: tuple[Given, ...] = ()
    within: tuple[str, ...] = ()
    page: int | None = None
    width: int = 0

    @property
    def files(self) -> tuple[Given, ...]:
        """All files that came."""
        return (self.file, *self.beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What was made of it: one of the two. Of a file in a container, its size and digests as well."""

    seen: Seen | None = None
    page: Page | None = None
    size: int = 0
    digests: tuple[tuple[str, str], ...] = ()


_ANSWER: Final = TypeAdapter(tuple[Answered], config=_OCTETS)


def words_of(asked: Asked) -> dict[str, Any]:
    """The request without its files."""
    return {
        "names": [one.name for one in asked.files],
        "media_type": asked.media_type,
        "within": list(asked.within),
        "page": asked.page,
        "width": asked.width,
    }


def asked_of(words: dict[str, Any], descriptors: Sequence[int]) -> Asked:
    """The request, from its words and open files."""
    files = [Given(name=name, descriptor=one) for name, one in zip(words["names"], descriptors, strict=True)]
    return Asked(
        file=files[0],
        media_type=words["media_type"],
        beside=tuple(files[1:]),
        within=tuple(words["within"]),
        page=words["page"],
        width=words["width"],
    )


def written(answered: Answered) -> bytes:
    """The answer as octets."""
    return _ANSWER.dump_json((answered,))


def read(octets: bytes) -> Answered:
    """The answer again. Raises ValueError where it is none: the process may be another's by then."""
    return _ANSWER.validate_json(octets)[0]
