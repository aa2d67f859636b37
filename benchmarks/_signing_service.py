"""The whole process of signature creation, by itself and behind the routes of the service, in one process."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.audit import Recorder
from trustworks.core.http import Headers, RawRequest
from trustworks.core.store import Database, StoreSettings
from trustworks.formats.data import Octets
from trustworks.signing.bounded.pool import Question, Reply
from trustworks.signing.bounded.work import answer, raised
from trustworks.signing.config import SigningSettings
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.desk import Desk, Seal
from trustworks.signing.http import routes
from trustworks.signing.model import Container, Document, Format, Level, Request, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _signing_desk import Desk as Bench  # type: ignore[import-not-found] # the module beside this one
    from _signing_desk import Unit

TOKEN: Final = "t" * 64
NAMES: Final = {
    Format.XADES: "a.xml",
    Format.CADES: "a.txt",
    Format.JADES: "a.txt",
    Format.PADES: "a.pdf",
}


@dataclass(frozen=True, kw_only=True)
class Stamping:
    """The unit, as `core.ports.Stamper`."""

    unit: Unit

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        assert hash_name == "sha256"
        made: bytes = self.unit.stamp_digest(digest)
        return made


@dataclass(frozen=True, kw_only=True)
class Whole:
    """`Creation` with a signer: rules, three steps, own output verified."""

    creation: Creation
    bench: Bench

    @classmethod
    def of(cls, bench: Bench, unit: Unit | None = None) -> Whole:
        stamper = None if unit is None else Stamping(unit=unit)
        means = Means(clock=lambda: datetime.now(UTC), stamper=stamper)
        return cls(creation=Creation(means=means, terms=Terms(lab=True)), bench=bench)

    def sign(
        self, octets: bytes, format_: Format, level: Level = Level.B, container: Container | None = None
    ) -> bytes:
        document = Document(data=Octets(octets, NAMES[format_]))
        request = Request(format=format_, documents=(document,), level=level, container=container)
        signer = Signer(certificates=self.bench.certificates, scheme="ECDSA_SHA256")
        key = self.bench.key
        return self.creation.sign(request, signer, key.sign, key=key.spki).data.octets()


class _Here:
    """What the processes of the service do, in this one, so that their processor time is counted."""

    def __init__(self, creation: Creation) -> None:
        self._creation = creation

    def ask(self, question: Question) -> Reply:
        words, octets = answer(lambda *_: self._creation, question.words, question.octets)
        raised(words)
        return Reply(words=words, octets=octets)

    def close(self) -> None:
        """Nothing is open."""


class Service:
    """`POST /seals`, from the request to the answer: client, quota, two questions, key, record and event."""

    def __init__(self, whole: Whole, database: Database, recorder: Recorder) -> None:
        given: dict[str, Any] = {
            "seals": [{"name": "main", "key": "seal", "certificate": "seal.pem"}],
            "clients": [
                {
                    "name": "shop",
                    "token-sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                    "seals": ["main"],
                    "per-day": 1_000_000,
                }
            ],
        }
        key = whole.bench.key
        seal = Seal(
            certificates=whole.bench.certificates,
            scheme="ECDSA_SHA256",
            sign=key.sign,
            spki=key.spki,
            qualified=False,
            device=False,
            revoked=lambda: None,
        )
        self.desk = Desk(
            SigningSettings.model_validate(given),
            _Here(whole.creation),  # type: ignore[arg-type] # it does what a pool does
            seals={"main": seal},
            database=database,
            recorder=recorder,
            clock=lambda: datetime.now(UTC),
        )
        self._route = next(one for one in routes(self.desk) if one.path == "/seals")
        self._loop = asyncio.new_event_loop()

    def seal(self, octets: bytes, format_: Format, level: Level = Level.B) -> bytes:
        document = {"name": NAMES[format_], "content": base64.b64encode(octets).decode()}
        asked = {
            "seal": "main",
            "documents": [document],
            "format": format_.value,
            "level": level.value,
        }
        request = RawRequest(
            method="POST",
            path="/seals",
            raw_path=b"/seals",
            headers=Headers([(b"authorization", f"Bearer {TOKEN}".encode())]),
            body=json.dumps(asked).encode(),
            secure=True,
        )
        assert self._route.admit is not None
        assert self._loop.run_until_complete(self._route.admit(request)) is None
        done = self._loop.run_until_complete(self._route.handler(request))
        assert done.status == 200, done.body
        return base64.b64decode(json.loads(done.body)["content"])


@contextmanager
def served(whole: Whole, folder: Path) -> Iterator[Service]:
    """The service over a database in a folder."""
    url = f"sqlite:///{folder / 'state.sqlite'}"
    with ExitStack() as stack:
        database = stack.enter_context(Database.open(StoreSettings.model_validate({"url": url})))
        database.upgrade()
        recorder = stack.enter_context(Recorder.open(database, "bench"))
        service = Service(whole, database, recorder)
        stack.enter_context(service.desk)
        yield service
