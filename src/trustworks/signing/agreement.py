"""What a signer agreed to: what was shown, what it is signed with, what was ticked; bound to one signature.

Life of an agreement: 1 a `Ticket` says what was shown, and comes back with the ticks, sealed by a key that
processes share; 2 the rules of here; 3 the agreement as canonical JSON, sealed and recorded; 4 only then the
signature. `verify` holds a stored one against the signed file.
Source: the guidance to Article 24(2)(e), D; EN 319 102-1, 4.2.5 and 4.2.8 (DTBS/R).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.augmenting import Opened
from trustworks.formats.data import Octets
from trustworks.formats.verification import signing_certificate
from trustworks.signing.create.release import check_own
from trustworks.signing.shown.codes import WEIGHTS
from trustworks.signing.shown.model import Weight

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from trustworks.core.audit.canonical import JSON
    from trustworks.formats.augmenting import Target
    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs
    from trustworks.signing.shown.model import Part, Shown

FRESH: Final = timedelta(minutes=30)
"""How long after a document was shown it may be agreed to."""
SIGN: Final = "sign.tick"
"""The key of the sentence that says that one signs; that of an objection is ``finding.CODE``."""
FILE: Final = "agreement.json"
"""The name of an agreement where it is a document: its seal signs it by that."""
_KIND: Final = "trustworks-agreement-1"
_TICKET: Final = "trustworks-ticket-1"
_DTBS_HASH: Final = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class WasShown:
    """What was shown of which octets.

    `digests` are of all of them, in hexadecimal, by the hash function's name. `parts` are the kinds of parts
    with how many of it (pages, nodes, files) there were, `findings` the codes that were told.
    """

    name: str
    media_type: str | None
    size: int
    digests: dict[str, str]
    kind: str
    parts: tuple[tuple[str, int], ...]
    findings: tuple[str, ...]

    @classmethod
    def of(cls, shown: Shown) -> WasShown:
        """Of what a viewer showed."""
        return cls(
            name=shown.name,
            media_type=shown.media_type,
            size=shown.size,
            digests=dict(shown.digests),
            kind=shown.kind.value,
            parts=tuple((one.part, _count(one)) for one in shown.parts),
            findings=tuple(sorted({one.code for one in shown.findings})),
        )

    @property
    def objections(self) -> tuple[str, ...]:
        """The findings that each need a tick of their own; a code that is not known is one."""
        return tuple(one for one in self.findings if WEIGHTS.get(one, Weight.OBJECTION) is Weight.OBJECTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """That a document was shown to a client, when, and by the words of which catalogue. `id` is random."""

    id: str
    client: str
    shown: WasShown
    at: datetime
    language: str
    catalogue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What it is signed with and how: `certificate` is the SHA-256 of the seal's, in hexadecimal.

    `attributes` are what the signer says of the signature (reason, place, role), where he says it.
    """

    seal: str
    certificate: str
    subject: str
    format: str
    level: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed to. `ticked` are keys of the catalogue; `dtbs` the DTBS/R in hexadecimal, by `hash`."""

    ticket: Ticket
    chosen: Chosen
    ticked: tuple[str, ...]
    at: datetime
    hash: str
    dtbs: str

    @implements("TRUSTWORKS:SIGNING-AGREEMENT", disabled=b"{}")
    def octets(self) -> bytes:
        """It as canonical JSON (RFC 8785), with what a reader needs to judge it by itself."""
        told: dict[str, JSON] = {
            "agreement": _KIND,
            "ticket": _ticket_in_words(self.ticket),
            "chosen": {
                "seal": self.chosen.seal,
                "certificate": self.chosen.certificate,
                "subject": self.chosen.subject,
                "format": self.chosen.format,
                "level": self.chosen.level,
                "attributes": self.chosen.attributes,
            },
            "weights": {one: WEIGHTS[one].value for one in self.ticket.shown.findings if one in WEIGHTS},
            "ticked": list(self.ticked),
            "at": self.at.isoformat(),
            "hash": self.hash,
            "dtbs": self.dtbs,
        }
        return canonical(told)


def read(octets: bytes) -> Agreement:
    """An agreement of its octets. Raises `Malformed` for what `Agreement.octets` does not write."""
    try:
        told = json.loads(octets)
        found = Agreement(
            ticket=_ticket_of(told["ticket"]),
            chosen=Chosen(**told["chosen"]),
            ticked=tuple(told["ticked"]),
            at=datetime.fromisoformat(told["at"]),
            hash=told["hash"],
            dtbs=told["dtbs"],
        )
        if canonical(told) == octets and told["agreement"] == _KIND and _is_text(found):
            return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise Malformed("This is no agreement of a signer. Take the file as it was given out, unchanged.")


# The ticket on its way to the signer and back


def written(ticket: Ticket, key: bytes) -> str:
    """A ticket as text, sealed by a key that the processes share; nothing else is kept of what was shown."""
    told = canonical({"kind": _TICKET, **_ticket_in_words(ticket)})
    return f"{base64.urlsafe_b64encode(told).decode()}.{_mac(told, key)}"


def came_back(text: str, key: bytes) -> Ticket:
    """The ticket that was given out. Raises `Malformed`, and `Refused` for one that was not."""
    first, _, tag = text.partition(".")
    try:
        told = base64.urlsafe_b64decode(first.encode("ascii"))
    except (ValueError, binascii.Error):
        raise Malformed("The page does not say what was shown. Have the document shown again.") from None
    check_ours(tag, _mac(told, key))
    try:
        return _ticket_of({name: one for name, one in json.loads(told).items() if name != "kind"})
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


# The rules


@implements(
    "TRUSTWORKS:SIGNING-AGREEMENT-FIRST",
    "EN419111:2-AGREEMENT",
    "ART24-2-E:D-1-b",
    "TS119101:SCP-49",
    "TS119101:SCP-51",
)
def check_agreed(ticked: Collection[str]) -> None:
    """Nothing is signed without the tick that says so. Raises `Refused`."""
    if SIGN not in ticked:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-FIRST",
            "Nothing was signed: tick that you have read the document and want it signed.",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS")
def check_objections(shown: WasShown, ticked: Collection[str]) -> None:
    """Each objection to the document was read. Raises `Refused`."""
    missing = [one for one in shown.objections if f"finding.{one}" not in ticked]
    if missing:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS",
            f"Nothing was signed: tick each warning that you have read; {len(missing)} of "
            f"{len(shown.objections)} are not ({', '.join(missing)}).",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def check_document(shown: WasShown, data: Data) -> None:
    """The document to be signed is the one that was shown, octet by octet. Raises `Refused`."""
    if not shown.digests or any(data.digest(name).hex() != one for name, one in shown.digests.items()):
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT",
            "Nothing was signed: this is another document than the one that was shown. Have it shown first.",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-FRESH")
def check_fresh(shown_at: datetime, agreed_at: datetime) -> None:
    """The document was shown a while ago at most, and not in the future. Raises `Refused`."""
    if not timedelta(0) <= agreed_at - shown_at <= FRESH:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-FRESH",
            f"Nothing was signed: the document was not shown within the last {FRESH.seconds // 60} minutes. "
            "Have it shown again.",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
def check_bound(agreement: Agreement, hash_name: str, dtbs: bytes) -> None:
    """The agreement is about this very signature: its DTBS/R, as the key signs it. Raises `Refused`."""
    if (agreement.hash, agreement.dtbs) != (hash_name, dtbs.hex()):
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-BOUND",
            "The agreement is about another signature than this one.",
        )


def check(agreement: Agreement, data: Data) -> None:
    """All that has to be before something is signed, but for the signature itself. Raises `Refused`."""
    check_agreed(agreement.ticked)
    check_objections(agreement.ticket.shown, agreement.ticked)
    check_document(agreement.ticket.shown, data)
    check_fresh(agreement.ticket.at, agreement.at)


def representation(dtbs: Dtbs) -> tuple[str, bytes]:
    """The hash function and the DTBS/R; of a key that signs the octets themselves their SHA-256."""
    name = dtbs.hash_name or _DTBS_HASH
    return name, dtbs.data.digest(name)


# Afterwards


def verify(octets: bytes, seal: bytes, signed: Data, *, detached: Sequence[Data] = ()) -> Agreement:
    """What was agreed to, of an agreement whose seal holds, about a signature that holds in the file.

    `seal` is the JAdES signature over `octets`. Whether to trust the certificates of both, validation says.

    Raises:
        Malformed: one of the three cannot be read.
        Rejected: ``signature.own``: a signature does not hold.
        Refused: the agreement is about another signature.
    """
    found = verify_seal(octets, seal)
    bound_to(found, signed, detached=detached)
    return found


def verify_seal(octets: bytes, seal: bytes) -> Agreement:
    """As `verify`, without the signature that it is about."""
    sealed = Opened(Octets(seal), detached=[Octets(octets, FILE)])
    if not sealed.targets:
        raise Malformed("The agreement has no seal. Take the seal that was given out with it.")
    for one in sealed.targets:
        check_sealed(octets, one)
        check_own(one)
    found = read(octets)
    for one in sealed.targets:
        check_sealer(found, one)
    return found


def bound_to(agreement: Agreement, signed: Data, *, detached: Sequence[Data] = ()) -> Target:
    """The signature of a file that an agreement is about, which holds. Raises as `verify`."""
    target = _about(agreement, Opened(signed, detached=detached))
    check_own(target)
    return target


@implements("TRUSTWORKS:SIGNING-AGREEMENT-BOUND")
def check_sealed(octets: bytes, seal: Target) -> None:
    """The seal is over the agreement, and not over something else that holds. Raises `Refused`."""
    wanted = Octets(octets).digest(_DTBS_HASH)
    covered = [one.data for one in seal.signature.scopes if one.data is not None]
    if all(one.digest(_DTBS_HASH) != wanted for one in covered):
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-BOUND",
            "The seal is over something else than this agreement. Take the one that was given out with it.",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-SEALER")
def check_sealer(agreement: Agreement, seal: Target) -> None:
    """The seal is by the certificate that the agreement names, and not by anybody's. Raises `Refused`."""
    found = signing_certificate(seal.signature, seal.evidence)
    der = b"" if found is None else seal.evidence.certificates[found.id].der
    if hashlib.sha256(der).hexdigest() != agreement.chosen.certificate:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-SEALER",
            "The seal is by another certificate than the agreement names. Take the one that was given out "
            "with it.",
        )


def _about(agreement: Agreement, opened: Opened) -> Target:
    """The signature of a file that an agreement is about."""
    last: Target | None = None
    for one in opened.targets:
        if agreement.hash in _HASHES and one.signature.signed.digest(agreement.hash).hex() == agreement.dtbs:
            return one
        last = one
    if last is None:
        raise Malformed("The file has no signature, so that no agreement is about it.")
    check_bound(agreement, _DTBS_HASH, last.signature.signed.digest(_DTBS_HASH))
    return last


_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})


def _is_text(found: Agreement) -> bool:
    """Whether all is of the kind that it is said to be: JSON may have anything in any place."""
    ticket, shown, chosen = found.ticket, found.ticket.shown, found.chosen
    texts: list[object] = [found.hash, found.dtbs, *found.ticked]
    texts += [ticket.id, ticket.client, ticket.language, ticket.catalogue]
    texts += [shown.name, shown.kind, shown.media_type or "", *shown.digests.values()]
    texts += [chosen.seal, chosen.certificate, chosen.subject, chosen.format, chosen.level]
    texts += chosen.attributes.values()
    size: object = shown.size
    return isinstance(size, int) and all(isinstance(one, str) for one in texts)


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


def _ticket_in_words(ticket: Ticket) -> dict[str, JSON]:
    shown = ticket.shown
    return {
        "id": ticket.id,
        "client": ticket.client,
        "shown": {
            "name": shown.name,
            "media_type": shown.media_type,
            "size": shown.size,
            "digests": shown.digests,
            "kind": shown.kind,
            "parts": [list(one) for one in shown.parts],
            "findings": list(shown.findings),
        },
        "at": ticket.at.isoformat(),
        "language": ticket.language,
        "catalogue": ticket.catalogue,
    }


def _ticket_of(told: Mapping[str, Any]) -> Ticket:
    shown = dict(told["shown"])
    parts = tuple((str(kind), int(count)) for kind, count in shown.pop("parts"))
    findings = tuple(str(one) for one in shown.pop("findings"))
    return Ticket(
        id=told["id"],
        client=told["client"],
        shown=WasShown(**shown, parts=parts, findings=findings),
        at=datetime.fromisoformat(told["at"]),
        language=told["language"],
        catalogue=told["catalogue"],
    )
