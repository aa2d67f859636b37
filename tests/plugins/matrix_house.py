"""The house of the matrix: our own authority, time-stamping authority, status and trusted lists, at work.

What signers need is issued, stamped and told by the services themselves, whose keys are in SoftHSM2. The
lists are made of what runs, before the first signer gets a certificate, and once more later; signers have
certificates of several profiles, so that what a signature is by the lists differs from one to the next.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from issuance_testbed import NATURAL, PUBLIC_URL, SEAL, make_csr
from signing_house import KINDS, Person, key_of
from status_provider import request
from trusted_list_house import open_house

from trustworks.core.module import KeyAlgorithm
from trustworks.core.pki.trusted_lists.refresh import Result
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import TimeSettings
from trustworks.issuance import records
from trustworks.issuance.status import CrlPublisher, Responder, open_signer
from trustworks.issuance.trusted_list.running import read_first
from trustworks.issuance.wire import read_subject
from trustworks.signing.create.levels import Means
from trustworks.timestamping import wire
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.service import TimestampingAuthority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dss_judge import ListsToTrust
    from trusted_list_house import House

    from trustworks.core.module import Key, Module


@dataclass(frozen=True)
class Qualified:
    """What signatures by certificates of a profile are, in our words and in those of EU DSS."""

    subject: str
    ours: str
    dss: str


PROFILES: Final = {
    "natural-qcp-n-qscd": Qualified(NATURAL, "QESig", "QESIG"),
    "legal-qcp-l-qscd": Qualified(SEAL, "QESeal", "QESEAL"),
    "natural-qcp-n": Qualified(NATURAL, "AdESig-QC", "ADESIG_QC"),
    "legal-qcp-l": Qualified(SEAL, "AdESeal-QC", "ADESEAL_QC"),
    # Not qualified. EU DSS wants to know what kind of certificate it is, which it does not say.
    "natural-ncp": Qualified(NATURAL, "AdES", "UNKNOWN"),
}
LABELS: Final = ("root", "issuing", "OCSP responder", "list signer", "tsu-1")
BEFORE: Final = timedelta(days=40)
"""So long ago the authorities began."""


@dataclass(eq=False, repr=False)
class MatrixHouse:
    """Answers for signers: certificates, time-stamps and validation data (`Stamper`, `EvidenceSource`)."""

    house: House
    keys: dict[str, Key]
    folder: Path
    ahead: timedelta = timedelta(0)
    _people: dict[tuple[str, str], Person] = field(default_factory=dict)
    _published: dict[str, tuple[datetime, bytes]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The clock of the house; all services have that time from then on."""
        clock = self.house.provider.clock
        clock.moment = max(clock.moment, datetime.now(UTC) + self.ahead)
        return clock.moment

    def pass_(self, time: timedelta) -> datetime:
        """Let time pass in the house."""
        self.ahead += time
        return self.now()

    # --- certificates

    @cached_property
    def authorities(self) -> dict[str, bytes]:
        """The certificates (DER) of both authorities."""
        with self.house.provider.database.read() as connection:
            return {one.name: one.certificate for one in records.list_authorities(connection)}

    @property
    def unit(self) -> bytes:
        """The certificate (DER) of the time-stamping unit."""
        return self.house.units[0].certificate

    @property
    def root(self) -> bytes:
        return self.authorities["root"]

    @property
    def issuing(self) -> bytes:
        return self.authorities["issuing"]

    def person(self, kind: str, profile: str) -> Person:
        """A signer with a key of that kind, and a certificate of that profile."""
        found = self._people.get((kind, profile))
        if found is None:
            self.now()
            key = key_of(KINDS[kind].make, profile)
            asked = self.house.provider.request(
                profile, make_csr(key), subject=read_subject(PROFILES[profile].subject)
            )
            made = self.house.provider.issuance.issue(asked).certificate
            found = Person(kind, made, (self.issuing,), owner=profile)
            self._people[kind, profile] = found
        return found

    # --- time-stamps

    @cached_property
    def stamping(self) -> TimestampingAuthority:

        self.house.put("tsu.pem", self.unit)
        unit = {"name": "tsu-1", "certificate": str(self.house.base / "tsu.pem")}
        provider = self.house.provider
        return TimestampingAuthority(
            TimestampingSettings.model_validate({"units": [unit]}),
            keys=self.keys.__getitem__,
            clock=provider.clock,
            time_settings=TimeSettings.model_validate({"mode": "lab"}),
            recorder=provider.recorder,
            database=provider.database,
            lab=True,
        )

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """A token of our time-stamping authority."""

        self.now()
        answer = wire.decode_response(self.stamping.stamp(wire.encode_request(digest, hash_name)))
        assert answer.token is not None, answer
        return answer.token

    # --- status

    @cached_property
    def _publisher(self) -> CrlPublisher:

        provider = self.house.provider
        return CrlPublisher(
            self.house.of,
            public_url=PUBLIC_URL,
            database=provider.database,
            recorder=provider.recorder,
            clock=provider.clock,
            keys=self.keys,
        )

    def list_of(self, name: str) -> bytes:
        """The revocation list of an authority: that of this second, but of the root its only one."""
        now = self.now().replace(microsecond=0)
        if name not in self._published or (name != "root" and self._published[name][0] < now):
            self._published[name] = (now, self._publisher.publish_all(name, actor="test")[-1].der)
        return self._published[name][1]

    @cached_property
    def _responder(self) -> Responder:

        database = self.house.provider.database
        with database.read() as connection:
            authorities = records.list_authorities(connection)
        certificate = read_first(self.house.base / "ocsp.pem")
        return Responder(
            self.house.of.ocsp,
            database=database,
            clock=self.house.provider.clock,
            signers=(open_signer(self.keys["OCSP responder"], certificate, authorities),),
            look_every=0,
        )

    def answer(self, certificate: bytes) -> bytes:
        """What our responder says of a certificate that the authority issued."""

        self.now()
        about, by = (x509.load_der_x509_certificate(one) for one in (certificate, self.issuing))
        return self._responder.answer(request(about, by)).der

    def evidence(self, certificate: bytes, *, by_answer: bool) -> ValidationData:
        """The path, and the status of this second."""

        path = (certificate, self.issuing, self.root)
        if by_answer:
            answers, lists = (self.answer(certificate),), (self.list_of("root"),)
            return ValidationData(certificates=path, lists=lists, answers=answers)
        return ValidationData(certificates=path, lists=(self.list_of("issuing"), self.list_of("root")))

    def means(self, *, by_answer: bool) -> Means:
        """With what signatures are made here; the status of signers is told by answers, or else by lists."""

        return Means(clock=self.now, stamper=self, evidence=_Evidence(self, by_answer))

    # --- trusted lists

    @cached_property
    def published(self) -> Path:
        """A folder with both lists, and what our own store makes of them: both are valid."""
        folder = self.folder / "published"
        folder.mkdir()
        self.house.put_lists(folder)
        assert {one.result for one in self.house.refreshed(folder, self.now())} == {Result.NEW}
        return folder

    @property
    def store(self) -> Path:
        """The lists as our validator keeps them."""
        return self.published / "store"

    def for_dss(self) -> ListsToTrust:
        """The lists for EU DSS."""
        return self.house.for_dss(self.published)


@dataclass(frozen=True)
class _Evidence:
    house: MatrixHouse
    by_answer: bool

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        del at, at_hand, since
        return self.house.evidence(certificate, by_answer=self.by_answer and not time_stamp)


@contextmanager
def open_matrix_house(module: Module, base: Path) -> Iterator[MatrixHouse]:
    """The house, in a folder: it began some time ago, and has lists of then and of now."""

    keys = {
        label: module.generate_key_pair(
            label=label, algorithm=KeyAlgorithm.P384 if label == "root" else KeyAlgorithm.P256
        )
        for label in LABELS
    }
    database = Database.open(StoreSettings(url=f"sqlite:///{base}/store.db"))
    database.upgrade()
    private: dict[str, Any] = {
        name: keys[label].private_key()
        for label, name in (
            ("OCSP responder", "OCSP responder"),
            ("list signer", "list signer"),
            ("tsu-1", "TSU 1"),
        )
    }
    start = datetime.now(UTC) - BEFORE
    with open_house(database, keys["root"], keys["issuing"], base, start=start, keys=private) as found:
        found.unit("TSU 1")
        found.issue()
        house = MatrixHouse(found, keys, base)
        house.now()
        found.issue()
        yield house
    database.close()
