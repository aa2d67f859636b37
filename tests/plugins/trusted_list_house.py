"""A provider that issues trusted lists of its own: its services, the list signer, a clock to be moved."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from dss_judge import ListsToTrust
from issuance_testbed import PUBLIC_URL, START, make_csr, open_provider, settings
from trusted_list_bench import party

from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.fetch import Folder
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.refresh import refresh
from trustworks.core.pki.trusted_lists.uris import TSA_QTST
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.trusted_list.contents import Making, Operator, Places, list_type
from trustworks.issuance.trusted_list.issuing import TrustedLists
from trustworks.issuance.trusted_list.running import Running, named
from trustworks.issuance.trusted_list.sealing import Signer
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key
    from trustworks.core.pki.trusted_lists.model import Service, TrustedList
    from trustworks.core.pki.trusted_lists.refresh import Outcome
    from trustworks.core.store import Database

CONFIGURED: dict[str, Any] = {
    "trusted-list": {"certificate": "list-signer.pem"},
    "ocsp": {"certificate": "ocsp.pem"},
}


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def operator(**changes: Any) -> Operator:
    of = IssuanceSettings.model_validate({"trusted-list": {"certificate": "x.pem", **changes}})
    assert of.trusted_list is not None
    return Operator(
        settings=of, own=of.trusted_list, places=Places(base="http://tsp.example.com", territory="XX")
    )


def making(number: int = 3) -> Making:
    return Making(
        number=number, issued=NOW, next_update=NOW + timedelta(days=30), signer=party("TEST", "XX").der
    )


@dataclass
class House:
    """All of it. `units` are what runs beside issuance; `keys` are throw-away, by the service's name."""

    provider: Provider
    base: Path
    of: IssuanceSettings
    units: list[Running] = field(default_factory=list)
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    lists: TrustedLists = field(init=False)

    def __post_init__(self) -> None:
        assert self.of.trusted_list is not None
        self.lists = TrustedLists(
            self.of,
            self.of.trusted_list,
            public_url=PUBLIC_URL,
            base=self.base,
            further=lambda: self.units,
            clock=self.provider.clock,
            database=self.provider.database,
            recorder=self.provider.recorder,
        )

    def certified(self, profile: str, name: str, subject: str | None = None) -> bytes:
        """A certificate of a service, for the key of that name."""
        key = self.keys.setdefault(name, ec.generate_private_key(ec.SECP256R1()))
        request = self.provider.request(
            profile, make_csr(key), subject=read_subject(subject or f"CN=Trustworks TEST {name}")
        )
        return self.provider.issuance.issue(request).certificate

    def put(self, file: str, certificate: bytes) -> bytes:
        """Write a certificate where the configuration looks for it."""
        pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
        (self.base / file).write_bytes(pem)
        return certificate

    def unit(self, name: str = "TSU 1") -> Running:
        """A time-stamping unit that runs from now on."""
        certificate = self.certified("tsu", name)
        one = Running(type=TSA_QTST, name=named(certificate), certificate=certificate)
        self.units.append(one)
        return one

    def signer(self, certificate: bytes | None = None, name: str = "list signer") -> Signer:
        """The list signer with its throw-away key."""
        key = self.keys[name]
        return Signer(
            certificate=certificate or self.lists.certificate(),
            scheme="ECDSA_SHA256",
            sign=lambda octets: key.sign(octets, ec.ECDSA(hashes.SHA256())),
        )

    def issue(self) -> TrustedList:
        """New lists; the trusted list, as it is read."""
        own, _ = self.lists.issue(self.signer(), by="operator")
        return read_trusted_list(own.octets)

    def octets(self) -> tuple[bytes, bytes]:
        """The lists in force: the trusted list, the list of lists."""
        found = self.lists.newest()
        assert found is not None
        return found[0].octets, found[1].octets

    def put_lists(self, folder: Path) -> None:
        """Both lists in a folder, under the names by which they are published, and their signer."""
        for name, octets in zip(("XX.xml", "lotl.xml"), self.octets(), strict=True):
            (folder / name).write_bytes(octets)
        (folder / "signer.der").write_bytes(self.lists.certificate())

    def refreshed(self, folder: Path, at: datetime) -> tuple[Outcome, ...]:
        """What our own store, in a folder below, makes of the lists in a folder."""
        journal = OfficialJournal(
            publication=self.lists.places.page,
            location=self.lists.places.list_of_lists,
            certificates=(self.lists.certificate(),),
        )
        return refresh(folder / "store", journal, Folder(folder, most=10_000_000), at)

    def for_dss(self, *folders: Path) -> ListsToTrust:
        """The lists in these folders for EU DSS."""
        return ListsToTrust(
            folders=folders,
            address=self.lists.places.list_of_lists,
            types=(list_type("XX", of_lists=True), list_type("XX", of_lists=False)),
            believed=folders[0] / "signer.der",
        )


def services(found: TrustedList) -> tuple[Service, ...]:
    """The services on a list."""
    return tuple(service for one in found.providers for service in one.services)


@contextmanager
def open_house(
    database: Database,
    root_key: Key,
    issuing_key: Key,
    base: Path,
    *,
    start: datetime = START,
    keys: dict[str, ec.EllipticCurvePrivateKey] | None = None,
    **changes: Any,
) -> Iterator[House]:
    """A house with authorities, an OCSP responder and a list signer; no list yet, and no unit.

    `keys` are those that are not throw-away, such as a module's.
    """
    of = settings(**{**CONFIGURED, **changes})
    with open_provider(database, root_key, issuing_key, of=of, start=start) as provider:
        provider.issuance.create_root(root_key, by="ceremony")
        provider.issuance.create_issuing(issuing_key, by="ceremony")
        provider.clock.advance(hours=1)
        house = House(provider=provider, base=base, of=of, keys=dict(keys or {}))
        house.put("ocsp.pem", house.certified("ocsp-signer", "OCSP responder"))
        house.put("list-signer.pem", house.certified("list-signer", "list signer"))
        yield house
