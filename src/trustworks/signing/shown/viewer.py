"""Shows documents, each in a process that is bounded in time and memory: what `signing` itself calls.

What the process says of a document is data alone. Its size and digests are computed here, of the octets that
are signed, and are true whatever the document does to the process that draws it.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Self

import structlog

from trustworks.core.bounded import outside
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.trace import implements
from trustworks.formats.data import Stored
from trustworks.signing.shown.asked import Answered, Asked, Given, read, words_of
from trustworks.signing.shown.bounds import DEFAULT
from trustworks.signing.shown.codes import found
from trustworks.signing.shown.model import DIGESTS, Absent, Kind, Seen, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.shown.bounds import Bounds
    from trustworks.signing.shown.model import Page

log = structlog.get_logger(__name__)

TOO_MUCH: Final = "shown.too-much"
"""The code of a document that takes more time or memory than may be spent to show it."""
_MODULE: Final = "trustworks.signing.shown.process"
_MOST: Final = 192 * 1024 * 1024
"""Octets of an answer."""
_WRITE_AT_ONCE: Final = 1 << 20


class Viewer:
    """Shows documents, in processes that wait for the next one. Threads share it.

    One that is not closed leaves its processes until this one ends: it is for ``with``, or `close`.
    """

    def __init__(self, bounds: Bounds = DEFAULT) -> None:
        self._bounds = bounds
        self._pool = _Pool(bounds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._pool.close()

    def shown(
        self,
        data: Data,
        name: str,
        media_type: str | None = None,
        *,
        beside: Sequence[Data] = (),
        within: Sequence[str] = (),
    ) -> Shown:
        """The document as its signer is shown it.

        `name` and `media_type` are what it was called by whoever gave it. `beside` are files that came with
        it, which may be stylesheets of it. `within` leads to a file in a container, by names from the outside
        to the inside: that one is shown then. A document that cannot be shown has a part that says so, and an
        objection, whatever is wrong with it.

        Raises:
            Malformed: a container that `within` leads through cannot be opened.
            Rejected: ``shown.member`` where it has no such file; ``shown.too-much`` of one in a container.
            Unavailable: ``shown.time``, ``shown.process``, ``shown.closed``.
        """
        name = name.encode("utf-8", "replace").decode()
        # A file in a container is unpacked and digested by the process; what is signed is the container.
        size, digests = (0, {}) if within else _measured(data)
        try:
            answer = self._ask(data, name, beside, media_type=media_type, within=tuple(within))
        except Rejected as error:
            instead = None if within else _instead(error)
            if instead is None:
                raise
            answer = Answered(seen=instead)
        seen = answer.seen
        assert seen is not None  # noqa: S101 - no page was asked for
        if within:
            size, digests = answer.size, dict(answer.digests)
        return Shown(
            name=within[-1] if within else name,
            media_type=media_type,
            size=size,
            digests=digests,
            kind=seen.kind,
            parts=seen.parts,
            findings=seen.findings,
        )

    def page(self, data: Data, number: int, width: int, *, within: Sequence[str] = ()) -> Page:
        """A page of a document, from 1, as a picture of about `width` pixels with its text.

        Raises:
            Malformed: its container cannot be opened.
            Rejected: ``shown.page`` where there is none or it cannot be drawn; ``shown.member``;
                ``shown.too-much`` where drawing it takes more than it may.
            Unavailable: ``shown.time``, ``shown.process``, ``shown.closed``.
        """
        answer = self._ask(data, data.name or "", (), within=tuple(within), page=number, width=width)
        assert answer.page is not None  # noqa: S101 - one was asked for
        return answer.page

    def _ask(
        self,
        data: Data,
        name: str,
        beside: Sequence[Data],
        *,
        media_type: str | None = None,
        within: tuple[str, ...] = (),
        page: int | None = None,
        width: int = 0,
    ) -> Answered:
        with ExitStack() as stack:
            descriptors = [stack.enter_context(_opened(one)) for one in (data, *beside)]
            names = [name, *(one.name or "" for one in beside)]
            files = [
                Given(name=called, descriptor=one) for called, one in zip(names, descriptors, strict=True)
            ]
            asked = Asked(
                file=files[0],
                beside=tuple(files[1:]),
                media_type=media_type,
                within=within,
                page=page,
                width=width,
            )
            try:
                return self._pool.ask(asked)
            except _TooMuch:
                raise Rejected(
                    TOO_MUCH,
                    "To show the document takes more time or memory than may be spent on it. Open it with "
                    "its own program before you sign.",
                ) from None


@implements("TRUSTWORKS:SHOWN-BOUNDED", "TS119101:SCP-24")
def _instead(error: Rejected) -> Seen | None:
    """What is shown in place of a document that takes too much; None where it is not that."""
    if error.code != TOO_MUCH:
        return None
    part = Absent(reason="too-much", values={"why": str(error)})
    return Seen(kind=Kind.OTHER, parts=(part,), findings=(found("absent"),))


@implements("TRUSTWORKS:SHOWN-DIGEST", disabled=(0, {}))
def _measured(data: Data) -> tuple[int, dict[str, str]]:
    """Size and digests of the octets, read once."""
    size = 0
    running = [hashlib.new(name) for name in DIGESTS]
    for portion in data.portions():
        size += len(portion)
        for one in running:
            one.update(portion)
    return size, {name: one.hexdigest() for name, one in zip(DIGESTS, running, strict=True)}


@contextmanager
def _opened(data: Data) -> Iterator[int]:
    """A descriptor of the octets: of the file that they are in, else of one without a name in memory."""
    if isinstance(data, Stored):
        with data.path.open("rb") as stream:
            yield stream.fileno()
        return
    descriptor = os.memfd_create("document")
    try:
        with os.fdopen(descriptor, "wb", _WRITE_AT_ONCE, closefd=False) as stream:
            for portion in data.portions():
                stream.write(portion)
        yield descriptor
    finally:
        os.close(descriptor)


class _Process(outside.Child[Asked, Answered]):
    """One process, for one document at a time."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(_MODULE, {"bounds": asdict(bounds)}, bounds.seconds)

    def ask(self, asked: Asked) -> Answered:
        files = [one.descriptor for one in asked.files]
        try:
            words, octets = self._exchange(words_of(asked), b"", files, _MOST)
            if not words.keys() & {"memory", "malformed", "rejected"}:
                return read(octets)
        except TimeoutError:
            raise Unavailable("shown.time", "The document was not drawn in time. Try again later.") from None
        except outside.Ended as error:
            # What makes the process fail is in the document; the next one has a process of its own.
            log.warning("shown.process-ended", why=error.why, code=error.code)
            raise _TooMuch from None
        except ValueError:
            raise Unavailable(
                "shown.process", "The process that shows said what nobody understands."
            ) from None
        if "malformed" in words:
            raise Malformed(words["malformed"])
        if "rejected" in words:
            raise Rejected(words["rejected"], words["sentence"])
        raise _TooMuch


class _TooMuch(Exception):  # noqa: N818 - what it is
    """The document takes more than may be spent to show it: its process is gone, or not to be used again."""


class _Pool(outside.Pool[Asked, Answered]):
    kept_after = (Malformed, Rejected)

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds

    def started(self) -> _Process:
        try:
            return _Process(self._bounds)
        except OSError as error:
            raise Unavailable(
                "shown.process", f"No process that shows documents can be started: {error.strerror}."
            ) from error

    def stopping(self) -> Unavailable:
        return Unavailable("shown.closed", "The service is stopping.")
