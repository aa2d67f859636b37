"""What a signer agreed to: what was shown, what it is signed with, what was ticked; bound to one signature.

Life of an agreement: 1 a `Ticket` says what was shown, and comes back with the ticks; 2 the rules of here;
3 the agreement as canonical JSON, sealed and recorded; 4 only then the signature. `verify` holds a stored one
against the signed file.
Source: the guidance to Article 24(2)(e), D; EN 319 102-1, 4.2.5 and 4.2.8 (DTBS/R).
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.audit.canonical import canonical
from trustworks.core.errors import Malformed, Refused
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.augmenting import Opened
from trustworks.formats.data import Octets
from trustworks.formats.verification import signing_certificate
from trustworks.signing.create.release import check_own
from trustworks.signing.shown.codes import WEIGHTS
from trustworks.signing.ticket import in_words, of_words, texts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from trustworks.core.audit.canonical import JSON
    from trustworks.formats.augmenting import Target
    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs
    from trustworks.signing.ticket import Ticket, WasShown

FRESH: Final = timedelta(minutes=30)
"""How long after a document was shown it may be agreed to."""
SIGN: Final = "sign.tick"
"""The key of the sentence that says that one signs; that of an objection is ``finding.CODE``."""
FILE: Final = "agreement.json"
"""The name of an agreement where it is a document: its seal signs it by that."""
_KIND: Final = "trustworks-agreement-1"
_DTBS_HASH: Final = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What it is signed with and how: `certificate` is the SHA-256 of the seal's, in hexadecimal.

    `format`, `container`, `packaging` and `level` are values of `model`. `attributes` are what the signer
    says of the signature, where he says it: reason, parts of a place, role, commitments, policy.
    """

    seal: str
    certificate: str
    subject: str
    format: str
    packaging: str
    level: str
    container: str | None = None
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
            "ticket": in_words(self.ticket),
            "chosen": {
                "seal": self.chosen.seal,
                "certificate": self.chosen.certificate,
                "subject": self.chosen.subject,
                "format": self.chosen.format,
                "container": self.chosen.container,
                "packaging": self.chosen.packaging,
                "level": self.chosen.level,
                "attributes": self.chosen.attributes,
            },
            "weights": {one: WEIGHTS[one].value for one in self.ticket.told if one in WEIGHTS},
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
            ticket=of_words(told["ticket"]),
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
def check_objections(ticket: Ticket, ticked: Collection[str]) -> None:
    """Each objection to the documents was read. Raises `Refused`."""
    missing = [one for one in ticket.objections if f"finding.{one}" not in ticked]
    if missing:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-OBJECTIONS",
            f"Nothing was signed: tick each warning that you have read; {len(missing)} of "
            f"{len(ticket.objections)} are not ({', '.join(missing)}).",
        )


@implements("TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT", "TS119101:SCP-13")
def check_documents(shown: Sequence[WasShown], documents: Sequence[Data]) -> None:
    """The documents to be signed are those that were shown, each octet by octet. Raises `Refused`."""
    if len(shown) == len(documents) and all(map(is_document, shown, documents)):
        return
    what = "this is another document than the one that was shown"
    if len(shown) > 1:
        what = "these are not the documents that were shown"
    raise Refused(
        "TRUSTWORKS:SIGNING-AGREEMENT-DOCUMENT",
        f"Nothing was signed: {what}. Have {'them' if len(shown) > 1 else 'it'} shown first.",
    )


def is_document(shown: WasShown, data: Data) -> bool:
    """Whether the octets are those that were shown."""
    digests = shown.digests
    return bool(digests) and all(data.digest(name).hex() == one for name, one in digests.items())


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


def check(agreement: Agreement, documents: Sequence[Data]) -> None:
    """All that has to be before something is signed, but for the signature itself. Raises `Refused`."""
    check_agreed(agreement.ticked)
    check_objections(agreement.ticket, agreement.ticked)
    check_documents(agreement.ticket.documents, documents)
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
    chosen = found.chosen
    texts: list[object] = [found.hash, found.dtbs, *found.ticked, *texts_of(found.ticket)]
    texts += [chosen.seal, chosen.certificate, chosen.subject, chosen.level]
    texts += [chosen.format, chosen.packaging, chosen.container or "", *chosen.attributes.values()]
    return all(isinstance(one, str) for one in texts)
