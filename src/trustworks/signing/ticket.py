"""What was shown to whom, and when: on its way to the signer's page and back, sealed by a key of the service.

Nothing else is kept of a document between the moment that it is shown and the one in which it is signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing.shown.codes import WEIGHTS
from trustworks.signing.shown.model import Weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.core.audit.canonical import JSON
    from trustworks.signing.shown.model import Part, Shown

LONGEST: Final = 96 * 1024
"""Octets of a ticket: it is a field of a form."""
_KIND: Final = "trustworks-ticket-1"
_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WasShown:
    """What was shown of which octets.

    `digests` are of all of them, in hexadecimal, by the hash function's name. `parts` are the kinds of parts
    with how many of it (pages, nodes, files) there were, `findings` the codes that were told. `inside` are
    the files of a container that were shown, too, each by its SHA-256.
    """

    name: str
    media_type: str | None
    size: int
    digests: dict[str, str]
    kind: str
    parts: tuple[tuple[str, int], ...]
    findings: tuple[str, ...]
    inside: tuple[WasShown, ...] = ()

    @classmethod
    def of(cls, shown: Shown, inside: Iterable[WasShown] = ()) -> WasShown:
        """Of what a viewer showed."""
        return cls(
            name=shown.name,
            media_type=shown.media_type,
            size=shown.size,
            digests=dict(shown.digests),
            kind=shown.kind.value,
            parts=tuple((one.part, _count(one)) for one in shown.parts),
            findings=tuple(sorted({one.code for one in shown.findings})),
            inside=tuple(inside),
        )

    @classmethod
    def of_member(cls, shown: Shown, inside: Iterable[WasShown] = ()) -> WasShown:
        """Of a file in a container, in fewer words: the digests of the container are over it, too."""
        return cls(
            name=shown.name[-_LONGEST_NAME:],
            media_type=None,
            size=shown.size,
            digests={name: one for name, one in shown.digests.items() if name == "sha256"},
            kind=shown.kind.value,
            parts=tuple((one.part, _count(one)) for one in shown.parts),
            findings=tuple(sorted({one.code for one in shown.findings})),
            inside=tuple(inside),
        )

    @property
    def told(self) -> tuple[str, ...]:
        """The codes of all findings, those of the files in it among them, each once and in their order."""
        inner = (code for one in self.inside for code in one.told)
        return tuple(sorted({*self.findings, *inner}))

    @property
    def objections(self) -> tuple[str, ...]:
        """The findings that each need a tick of their own; a code that is not known is one."""
        return tuple(one for one in self.told if WEIGHTS.get(one, Weight.OBJECTION) is Weight.OBJECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """That documents were shown to a client, when, and by the words of which catalogue. `id` is random.

    `documents` are those that one signature will be over, in the order in which they were shown.
    """

    id: str
    client: str
    documents: tuple[WasShown, ...]
    at: datetime
    language: str
    catalogue: str

    @property
    def told(self) -> tuple[str, ...]:
        """The codes of the findings about all documents, each once and in their order."""
        return tuple(sorted({code for one in self.documents for code in one.told}))

    @property
    def objections(self) -> tuple[str, ...]:
        """The findings about any of the documents that each need a tick of their own."""
        return tuple(sorted({code for one in self.documents for code in one.objections}))


def written(ticket: Ticket, key: bytes) -> str:
    """A ticket as text, sealed by a key that the processes share; nothing else is kept of what was shown.

    Raises `Rejected` (``signing.too-much``) where it is longer than a form has room for.
    """
    told = canonical({"kind": _KIND, **in_words(ticket)})
    text = f"{base64.urlsafe_b64encode(told).decode()}.{_mac(told, key)}"
    if len(text) > LONGEST:
        raise Rejected(
            "signing.too-much", "These are too many documents for one signature. Sign them in several."
        )
    return text


def came_back(text: str, key: bytes) -> Ticket:
    """The ticket that was given out. Raises `Malformed`, and `Refused` for one that was not."""
    first, _, tag = text.partition(".")
    try:
        told = base64.urlsafe_b64decode(first.encode("ascii"))
    except (ValueError, binascii.Error):
        raise Malformed("The page does not say what was shown. Have the document shown again.") from None
    check_ours(tag, _mac(told, key))
    try:
        return of_words({name: one for name, one in json.loads(told).items() if name != "kind"})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed("The page is of another version. Have the document shown again.") from None


@implements("TRUSTWORKS:SIGNING-AGREEMENT-SHOWN")
def check_ours(given: str, computed: str) -> None:
    """What was shown is what this service says that it showed. Raises `Refused`."""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), computed.encode()):
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-SHOWN",
            "What was shown is not what this service showed. Have the document shown again.",
        )


def in_words(ticket: Ticket) -> dict[str, JSON]:
    """A ticket as JSON has it."""
    return {
        "id": ticket.id,
        "client": ticket.client,
        "documents": [_shown_in_words(one) for one in ticket.documents],
        "at": ticket.at.isoformat(),
        "language": ticket.language,
        "catalogue": ticket.catalogue,
    }


def of_words(told: Mapping[str, Any]) -> Ticket:
    """The ticket again. Raises ValueError, KeyError, TypeError, AttributeError where it is none."""
    return Ticket(
        id=told["id"],
        client=told["client"],
        documents=tuple(_shown_of(one) for one in told["documents"]),
        at=datetime.fromisoformat(told["at"]),
        language=told["language"],
        catalogue=told["catalogue"],
    )


def texts_of(ticket: Ticket) -> list[object]:
    """All that has to be text: JSON may have anything in any place."""
    found: list[object] = [ticket.id, ticket.client, ticket.language, ticket.catalogue]
    waiting = [*ticket.documents]
    while waiting:
        one = waiting.pop()
        found += [one.name, one.kind, one.media_type or "", *one.digests.values()]
        size: object = one.size
        found.append("" if isinstance(size, int) else size)
        waiting += one.inside
    return found


def _mac(told: bytes, key: bytes) -> str:
    return hmac.new(key, told, hashlib.sha256).hexdigest()


def _count(part: Part) -> int:
    match part.part:
        case "pages" | "members":
            return part.count
        case "tree":
            return len(part.nodes)
        case "signatures":
            return len(part.signatures)
        case _:
            return 1


def _shown_in_words(shown: WasShown) -> dict[str, JSON]:
    words: dict[str, JSON] = {
        "name": shown.name,
        "media_type": shown.media_type,
        "size": shown.size,
        "digests": shown.digests,
        "kind": shown.kind,
        "parts": [list(one) for one in shown.parts],
        "findings": list(shown.findings),
    }
    if shown.inside:
        words["inside"] = [_shown_in_words(one) for one in shown.inside]
    return words


def _shown_of(told: Mapping[str, Any]) -> WasShown:
    shown = dict(told)
    parts = tuple((str(kind), int(count)) for kind, count in shown.pop("parts"))
    findings = tuple(str(one) for one in shown.pop("findings"))
    inside = tuple(_shown_of(one) for one in shown.pop("inside", ()))
    return WasShown(**shown, parts=parts, findings=findings, inside=inside)
