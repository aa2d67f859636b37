"""Years forward through the generations of authority, responder and unit; OpenSSL judges each day."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from issuance_testbed import START
from rollover_testbed import Site, open_site

from trustworks.issuance import records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]
DAYS = 1500
STEP = timedelta(days=28)


@pytest.fixture
def site(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[Site]:
    with open_site(database, make_token(), softhsm, tmp_path, years=6) as opened:
        yield opened


class Judge:
    """OpenSSL, with what a relying party has: the root, and what the provider publishes at a moment."""

    def __init__(self, site: Site) -> None:
        self.site, self.folder = site, site.folder / "judge"
        self.folder.mkdir()
        self.root = self.write("root", self.certificate(site.issuance.authority("root").certificate))

    @staticmethod
    def certificate(der: bytes) -> bytes:
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)

    def write(self, name: str, content: bytes) -> Path:
        file = self.folder / name
        file.write_bytes(content)
        return file

    def openssl(self, *arguments: object) -> str:
        done = subprocess.run(
            ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, (self.site.clock.moment, arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    @property
    def at(self) -> tuple[str, str]:
        return "-attime", str(int(self.site.clock.moment.timestamp()) + 1)

    def published(self) -> Path:
        """All lists, and the certificates of all generations, in files."""
        lists = []
        with self.site.database.read() as connection:
            for one in records.list_authorities(connection):
                found = records.last_crl(connection, one.name)
                assert found is not None
                lists.append(x509.load_der_x509_crl(found.der).public_bytes(Encoding.PEM))
        self.write("lists", b"".join(lists))
        authorities = [self.certificate(one.certificate) for one in self.site.issuance.generations()]
        return self.write("authorities", b"".join(authorities))

    def token(self, answer: Path, data: Path) -> None:
        said = self.openssl(
            "ts", "-verify", "-in", answer, "-data", data, "-CAfile", self.root,
            "-untrusted", self.folder / "authorities", *self.at,
        )  # fmt: skip
        assert "Verification: OK" in said

    def status(self, certificate: bytes, authority: str, services: object) -> None:
        """An answer of OCSP about a certificate, and the certificate with all lists."""
        subject = self.write("subject", self.certificate(certificate))
        issuer = self.write("issuer", self.certificate(self.site.issuance.authority(authority).certificate))
        self.openssl("ocsp", "-issuer", issuer, "-cert", subject, "-reqout", self.folder / "asked")
        asked = (self.folder / "asked").read_bytes()
        answer = self.write("answer", services.responder.answer(asked).der)  # type: ignore[attr-defined]
        said = self.openssl(
            "ocsp", "-respin", answer, "-issuer", issuer, "-cert", subject, "-CAfile", self.root,
            "-verify_other", self.folder / "authorities", "-no_nonce",
            "-validity_period", "999999999", *self.at,
        )  # fmt: skip
        assert "Response verify OK" in said
        assert ": good" in said
        self.openssl(
            "verify", "-CAfile", self.root, "-untrusted", self.folder / "authorities", "-crl_check_all",
            "-CRLfile", self.folder / "lists", *self.at, subject,
        )  # fmt: skip


def test_years_forward_through_two_generations_of_each(site: Site) -> None:
    """On each day nothing is refused, and what is said is good for who verifies it then."""
    judge, worker = Judge(site), site.worker()
    data = judge.write("data", b"what is stamped through the years\n")
    judge.openssl("ts", "-query", "-data", data, "-sha256", "-cert", "-out", judge.folder / "query")
    query = (judge.folder / "query").read_bytes()
    tokens: list[Path]
    issued_by, tokens, end = set[str](), [], START + timedelta(days=DAYS)
    kept = x509.load_pem_x509_certificate(site.tsu_file.read_bytes()).public_bytes(Encoding.DER)
    while site.clock.moment < end:
        site.rounds(3)
        site.clock.advance(hours=2)
        site.rounds(3)
        site.publish()
        worker.ping()
        judge.published()
        made = site.issuance.issue(site.provider.request("tls-server"))
        with site.database.read() as connection:
            found = records.certificate(connection, made.serial)
        assert found is not None
        issued_by.add(found.authority)
        services = site.status()
        judge.status(made.certificate, found.authority, services)
        judge.status(kept, "issuing", services)  # of the first generation, for long after it was followed
        answer = judge.write(f"token-{len(tokens)}", worker.stamp(query))
        judge.token(answer, data)
        tokens.append(answer)
        if len(tokens) > 13:
            judge.token(tokens[-13], data)  # of a year ago: by a key that is destroyed since
        site.clock.advance(days=STEP.days, hours=-2)
    states = site.states()
    assert issued_by == {"issuing", "issuing-2"}
    assert states["tsu"] == states["tsu-2"] == states["ocsp"] == states["ocsp-2"] == "destroyed"
