"""A person reads a document and agrees to its signature: what the page does, in one worker.

Nothing is kept between the two steps: what was shown goes to the page in a ticket, and comes back from it
with the file and the ticks. A ticket is used once: its number is that of the agreement.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Dtbs
from trustworks.signing import events, records
from trustworks.signing.agreement import (
    FILE,
    Agreement,
    Chosen,
    Ticket,
    WasShown,
    came_back,
    check,
    check_fresh,
    representation,
    written,
)
from trustworks.signing.shown.codes import cut
from trustworks.signing.shown.model import Pages

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.signing.config import ClientSettings
    from trustworks.signing.desk import Desk, Seal
    from trustworks.signing.messages import Catalogue
    from trustworks.signing.shown.model import Page, Shown
    from trustworks.signing.shown.viewer import Viewer

MOST_PAGES: Final = 30
"""Pages that are drawn into one answer; a document with more has an objection that says so."""
_MOST_DRAWN: Final = 24 * 1024 * 1024
_WIDTH: Final = 1_400
AS: Final[Mapping[str, tuple[str, str | None, str]]] = {
    "pades": ("pades", None, ".pdf"),
    "xades": ("xades", None, ".xml"),
    "jades": ("jades", None, ".json"),
    "cades": ("cades", None, ".p7m"),
    "asic-e": ("xades", "asic-e", ".asice"),
}
"""What may be chosen: the format, its container, and how the name of the file ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is put on the page: the document, its pages as far as they are drawn, and the ticket."""

    shown: Shown
    pages: tuple[Page, ...]
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a signer chose: a seal, one of `AS`, a level, and what is said in the signature."""

    seal: str
    format: str
    level: str
    reason: str = ""
    city: str = ""
    role: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """What is said, where it is said."""
        said = {"reason": self.reason, "city": self.city, "role": self.role}
        return {name: one for name, one in said.items() if one}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a signer takes with him: the signed file, the agreement, and the seal over it (JAdES)."""

    name: str
    content: bytes
    level: str
    agreement: bytes
    proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What of a certificate tells whose it is: names as RFC 4514 writes them, numbers in hexadecimal."""

    subject: str
    issuer: str
    serial: str
    sha256: str


class Agreements:
    """The two steps. `key` is the secret that the processes share for their tickets."""

    def __init__(
        self,
        desk: Desk,
        viewer: Viewer,
        *,
        key: Callable[[], bytes],
        recorder: Recorder,
        clock: Callable[[], datetime],
        words: Catalogue,
    ) -> None:
        self.desk = desk
        self.words = words
        self._viewer = viewer
        self._key = key
        self._recorder = recorder
        self._clock = clock

    async def look(
        self, client: ClientSettings, octets: bytes, name: str, media_type: str | None = None
    ) -> Looked:
        """The document as the client's person is shown it. Raises as `Viewer.shown` and `Desk.count`."""
        return await asyncio.to_thread(self._look, client, Octets(octets, name), name, media_type)

    def _look(self, client: ClientSettings, data: Octets, name: str, media_type: str | None) -> Looked:
        self.desk.count(client)
        shown = self._viewer.shown(data, name, media_type)
        pages: list[Page] = []
        of = next((one for one in shown.parts if isinstance(one, Pages)), None)
        drawn = 0
        for number in range(1, 1 + (0 if of is None else min(len(of.sizes), MOST_PAGES))):
            page = self._viewer.page(data, number, _WIDTH)
            drawn += len(page.png)
            if drawn > _MOST_DRAWN:
                break
            pages.append(page)
        if of is not None:
            shown = _with_pages(shown, of, pages)
        ticket = Ticket(
            id=secrets.token_hex(16),
            client=client.name,
            shown=WasShown.of(shown),
            at=self._clock(),
            language=self.words.language,
            catalogue=self.words.version,
        )
        return Looked(shown=shown, pages=tuple(pages), ticket=written(ticket, self._key()))

    def holder(self, ticket: str) -> tuple[Ticket, ClientSettings]:
        """Whose ticket it is. Raises `Malformed`, and `Refused` for one that is not ours, or old."""
        found = came_back(ticket, self._key())
        check_fresh(found.at, self._clock())
        client = next((one for one in self.desk.settings.clients if one.name == found.client), None)
        if client is None:
            raise Refused("TRUSTWORKS:SIGNING-CLIENT", "The client is none of this service any more.")
        return found, client

    async def agree(self, ticket: str, octets: bytes, choice: Choice, ticked: Collection[str]) -> Done:
        """The file signed, once all was ticked.

        Raises:
            Malformed: there is no such format; as `holder` and `Desk.seal`.
            Refused: a rule of `agreement` objects; the ticket was used.
            Rejected, Unavailable: as `Desk.seal`.
        """
        found, client = self.holder(ticket)
        if choice.format not in AS:
            raise Malformed(f"There is no format {choice.format[:40]!r}. Choose one of {', '.join(AS)}.")
        one = _One(self, client, found, choice, ticked=tuple(ticked), data=Octets(octets, found.shown.name))
        message = _message(choice, octets, found.shown)
        answer: dict[str, Any] = json.loads(await self.desk.agreed(client, message, one))
        return Done(
            name=_signed_name(found.shown.name, choice.format),
            content=base64.b64decode(answer["content"]),
            level=answer["level"],
            agreement=one.octets,
            proof=one.proof,
        )

    def record(self, client: ClientSettings, agreement: Agreement, seal: Seal) -> tuple[bytes, bytes]:
        """Seal and record an agreement: its octets, and the seal. Raises `Refused` where it was used."""
        octets = agreement.octets()
        document = {"content": base64.b64encode(octets).decode(), "name": FILE}
        asked = {
            "seal": agreement.chosen.seal,
            "format": "jades",
            "packaging": "detached",
            "documents": [document],
        }
        made = self.desk.own(client, seal, json.dumps(asked).encode())
        proof = base64.b64decode(json.loads(made)["content"])
        key = hashlib.sha256(seal.spki).digest()

        def write(connection: Connection) -> None:
            check_unused(agreement.ticket.id, used=records.is_agreed(connection, agreement.ticket.id))
            records.agree(
                connection,
                id=agreement.ticket.id,
                client=agreement.ticket.client,
                seal=agreement.chosen.seal,
                key=key.hex(),
                digest=hashlib.sha256(octets).hexdigest(),
                dtbs=agreement.dtbs,
                agreed=agreement.at,
                agreement=octets,
                proof=proof,
                value=None,
            )

        self._recorder.transact(events.agreed(key=key, client=agreement.ticket.client), write)
        return octets, proof

    def now(self) -> datetime:
        """The time."""
        return self._clock()


@implements("TRUSTWORKS:SIGNING-AGREEMENT-ONCE")
def check_unused(number: str, *, used: bool) -> None:
    """What was agreed to once is signed once. Raises `Refused`."""
    if used:
        raise Refused(
            "TRUSTWORKS:SIGNING-AGREEMENT-ONCE",
            f"The agreement {number[:8]} was used. To sign again, have the document shown again.",
        )


class _One:
    """One agreement on its way; see `desk.Agreeing`."""

    def __init__(
        self,
        agreements: Agreements,
        client: ClientSettings,
        ticket: Ticket,
        choice: Choice,
        *,
        ticked: tuple[str, ...],
        data: Octets,
    ) -> None:
        self._agreements = agreements
        self._client = client
        self._ticket = ticket
        self._choice = choice
        self._ticked = ticked
        self._data = data
        self.octets = b""
        self.proof = b""

    def before(self, seal: Seal, octets: bytes) -> None:
        certificate = seal.certificates[0]
        known = named(certificate)
        dtbs = Dtbs(data=Octets(octets), scheme=seal.scheme, certificate=certificate)
        name, digest = representation(dtbs)
        agreement = Agreement(
            ticket=self._ticket,
            chosen=Chosen(
                seal=self._choice.seal,
                certificate=known.sha256,
                subject=known.subject,
                format=self._choice.format,
                level=self._choice.level,
                attributes=self._choice.attributes,
            ),
            ticked=self._ticked,
            at=self._agreements.now(),
            hash=name,
            dtbs=digest.hex(),
        )
        check(agreement, self._data)
        self.octets, self.proof = self._agreements.record(self._client, agreement, seal)

    def after(self, connection: Connection, value: bytes) -> None:
        records.signed(connection, self._ticket.id, value=hashlib.sha256(value).hexdigest())


def named(certificate: bytes) -> Named:
    """Whom a certificate is of. Raises `Unavailable` (signing.no-seal) where it cannot be read."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        return Named(
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            serial=f"{found.serial_number:X}",
            sha256=hashlib.sha256(certificate).hexdigest(),
        )
    except ValueError:
        raise Unavailable("signing.no-seal", "The certificate of the seal cannot be read.") from None


def _with_pages(shown: Shown, of: Pages, pages: list[Page]) -> Shown:
    """The document with as many pages as are drawn; where some are not, that is said."""
    part = replace(of, sizes=of.sizes[: len(pages)])
    parts = tuple(part if one is of else one for one in shown.parts)
    told = any(one.code == "cut" for one in shown.findings)
    more = () if told else cut(len(pages), of.count, "pages")
    found = [*shown.findings, *more]
    known = {one.code for one in found}
    for page in pages:
        new = [one for one in page.findings if one.code not in known]
        found += new
        known |= {one.code for one in new}
    return replace(shown, parts=parts, findings=tuple(found))


def _message(choice: Choice, octets: bytes, shown: WasShown) -> bytes:
    format_, container, _ = AS[choice.format]
    document = {"content": base64.b64encode(octets).decode(), "name": shown.name}
    if shown.media_type:
        document["media_type"] = shown.media_type
    asked: dict[str, Any] = {
        "seal": choice.seal,
        "format": format_,
        "level": choice.level,
        "documents": [document],
        "claims": {
            "roles": [choice.role] if choice.role else [],
            "place": {"city": choice.city} if choice.city else None,
        },
    }
    if container is not None:
        asked["container"] = container
    if choice.reason and format_ == "pades":
        asked["pades"] = {"reason": choice.reason}
    return json.dumps(asked).encode()


def _signed_name(name: str, format_: str) -> str:
    stem, dot, ending = name.rpartition(".")
    wanted = AS[format_][2]
    if format_ in {"cades", "asic-e"}:
        return f"{name}{wanted}"
    return f"{stem if dot else ending}-signed{wanted}"
