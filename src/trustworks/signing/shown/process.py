"""One process that shows documents: `python -m trustworks.signing.shown.process --channel N`.

It opens no connection, and no file but those that it is given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.bounded import inside
from trustworks.core.bounded.channel import receive
from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.data import Stored
from trustworks.signing.shown.asked import Answered, asked_of, written
from trustworks.signing.shown.bounds import Bounds
from trustworks.signing.shown.look import look
from trustworks.signing.shown.model import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.shown.asked import Asked, Given

_MODULE: Final = "trustworks.signing.shown.process"
_WRITTEN: Final = 1024 * 1024
_DEEPEST: Final = 4
"""Containers within each other that are opened."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Show what comes over the channel until its other end is closed."""
    channel = inside.channel_of(_MODULE, "A process that shows documents.", arguments)
    words, _, _ = receive(channel)
    bounds = Bounds(**words["bounds"])
    inside.restrict(memory=bounds.memory, written=_WRITTEN)

    def answer(
        words: dict[str, Any], octets: bytes, descriptors: Sequence[int]
    ) -> tuple[dict[str, Any], bytes]:
        del octets
        try:
            return {}, written(_answer(asked_of(words, descriptors), bounds))
        except Malformed as error:
            return {"malformed": str(error)}, b""
        except Rejected as error:
            return {"rejected": error.code, "sentence": str(error)}, b""

    inside.serve(channel, answer, cpu_seconds=bounds.cpu_seconds, seconds=bounds.seconds)


def _answer(asked: Asked, bounds: Bounds) -> Answered:
    data, name = _found(_data(asked.file), asked, bounds)
    if asked.page is not None:
        from trustworks.signing.shown.paper import shown_page  # noqa: PLC0415 - loads the library

        return Answered(page=shown_page(_octets(data, bounds), asked.page, asked.width, bounds))
    media_type = None if asked.within else asked.media_type
    seen = look(data, name, media_type, beside=[_data(one) for one in asked.beside], bounds=bounds)
    if not asked.within:
        return Answered(seen=seen)
    digests = tuple((one, data.digest(one).hex()) for one in DIGESTS)
    return Answered(seen=seen, size=data.size, digests=digests)


def _octets(data: Data, bounds: Bounds) -> bytes:
    if data.size > bounds.octets:
        raise Rejected("shown.page", f"The document has more than the {bounds.octets} octets that are shown.")
    return data.octets()


def _data(given: Given) -> Data:
    return Stored(Path(f"/proc/self/fd/{given.descriptor}"), given.name)


def _found(data: Data, asked: Asked, bounds: Bounds) -> tuple[Data, str]:
    """The document, or the file in it that `within` leads to."""
    name = asked.file.name
    if not asked.within:
        return data, name
    from trustworks.signing.shown.container import opened  # noqa: PLC0415 - reads containers

    if len(asked.within) > _DEEPEST:
        raise Rejected("shown.member", f"Containers are opened {_DEEPEST} deep, and no deeper.")
    for name in asked.within:
        member = opened(data, bounds).members.get(name)
        if member is None:
            raise Rejected("shown.member", f"The container has no file {name!r:.100}.")
        data = member
    return data, name


if __name__ == "__main__":
    main()
