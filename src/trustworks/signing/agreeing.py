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
    check,
    check_documents,
    check_fresh,
    is_document,
    representation,
)
from trustworks.signing.choosing import signed_name
from trustworks.signing.looking import Looking
from trustworks.signing.model import Packaging
from trustworks.signing.ticket import Ticket, came_back, written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.formats.data import Data
    from trustworks.signing.choosing import Choice
    from trustworks.signing.config import ClientSettings
    from trustworks.signing.desk import Desk, Seal
    from trustworks.signing.looking import View
    from trustworks.signing.messages import Catalogue
    from trustworks.signing.shown.viewer import Viewer
    from trustworks.signing.ticket import WasShown

MOST_DOCUMENTS: Final = 20
"""Documents that are shown on one page, and signed by one signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is put on the page: the documents with all that is in them, and the ticket."""

    views: tuple[View, ...]
    ticket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a signer takes with him: the signed file, the agreement, and the seal over it (JAdES).

    `beside`: the file is the signature alone, which is kept with the documents.
    """

    name: str
    content: bytes
    level: str
    beside: bool
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

    async def look(self, client: ClientSettings, documents: Sequence[Octets]) -> Looked:
        """Documents, by their names, as the client's person is shown them.

        Raises:
            Malformed: there is none, or two have one name.
            Rejected: ``signing.too-much``: they are more than is shown at once.
            Refused: as `Desk.count`.
            Unavailable: as `Viewer.shown`.
        """
        check_names([one.name or "" for one in documents])
        return await asyncio.to_thread(self._look, client, documents)

    def _look(self, client: ClientSettings, documents: Sequence[Octets]) -> Looked:
        self.desk.count(client)
        looking = Looking(self._viewer)
        views = tuple(looking.look(one, one.name or "") for one in documents)
        ticket = Ticket(
            id=secrets.token_hex(16),
            client=client.name,
            documents=tuple(one.was_shown() for one in views),
            at=self._clock(),
            language=self.words.language,
            catalogue=self.words.version,
        )
        return Looked(views=views, ticket=written(ticket, self._key()))

    def holder(self, ticket: str) -> tuple[Ticket, ClientSettings]:
        """Whose ticket it is. Raises `Malformed`, and `Refused` for one that is not ours, or old."""
        found = came_back(ticket, self._key())
        check_fresh(found.at, self._clock())
        client = next((one for one in self.desk.settings.clients if one.name == found.client), None)
        if client is None:
            raise Refused("TRUSTWORKS:SIGNING-CLIENT", "The client is none of this service any more.")
        return found, client

    async def agree(
        self, ticket: str, documents: Sequence[Octets], choice: Choice, ticked: Collection[str]
    ) -> Done:
        """The documents signed, once all was ticked. They may come in another order than they were shown in.

        Raises:
            Malformed: there is no such format; as `holder` and `Desk.seal`.
            Refused: a rule of `agreement` objects; the ticket was used.
            Rejected, Unavailable: as `Desk.seal`.
        """
        found, client = self.holder(ticket)
        ordered = in_order(found.documents, documents)
        check_documents(found.documents, ordered)
        message = choice.message(ordered, found.documents)
        one = _One(self, client, found, choice, ticked=tuple(ticked), documents=ordered)
        answer: dict[str, Any] = json.loads(await self.desk.agreed(client, message, one))
        return Done(
            name=signed_name(found.documents, choice.how),
            content=base64.b64decode(answer["content"]),
            level=answer["level"],
            beside=choice.how.packaging is Packaging.DETACHED and choice.how.container is None,
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


def check_names(names: Sequence[str]) -> None:
    """There is a document, and each is known by its name. Raises `Malformed`."""
    if not names:
        raise Malformed("No document came. Choose one.")
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise Malformed(
            f"Two of the documents are called {twice!r:.80}, and a signature finds them by their names. "
            "Rename one."
        )


def in_order(shown: Sequence[WasShown], documents: Sequence[Data]) -> tuple[Data, ...]:
    """The documents in the order in which they were shown; those that were not come last."""
    left = list(documents)
    found: list[Data] = []
    for one in shown:
        at = next((at for at, data in enumerate(left) if is_document(one, data)), None)
        if at is not None:
            found.append(left.pop(at))
    return (*found, *left)


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
        documents: tuple[Data, ...],
    ) -> None:
        self._agreements = agreements
        self._client = client
        self._ticket = ticket
        self._choice = choice
        self._ticked = ticked
        self._documents = documents
        self.octets = b""
        self.proof = b""

    def before(self, seal: Seal, octets: bytes) -> None:
        certificate = seal.certificates[0]
        known, how = named(certificate), self._choice.how
        dtbs = Dtbs(data=Octets(octets), scheme=seal.scheme, certificate=certificate)
        name, digest = representation(dtbs)
        agreement = Agreement(
            ticket=self._ticket,
            chosen=Chosen(
                seal=self._choice.seal,
                certificate=known.sha256,
                subject=known.subject,
                format=how.format.value,
                container=None if how.container is None else how.container.value,
                packaging=how.packaging.value,
                level=self._choice.level,
                attributes=self._choice.attributes,
            ),
            ticked=self._ticked,
            at=self._agreements.now(),
            hash=name,
            dtbs=digest.hex(),
        )
        check(agreement, self._documents)
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
