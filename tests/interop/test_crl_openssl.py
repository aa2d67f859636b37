"""OpenSSL and GnuTLS verify our lists, and certificates by them."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from status_provider import Provider, TestClock

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.model import RevocationReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptography.x509 import Certificate

    from trustworks.core.module import Module
    from trustworks.core.store import Database

pytestmark = [
    pytest.mark.interop,
    pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True),
]


class Judge:
    """Both lists of a provider in files, and the certificates."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider = provider
        self.folder = folder
        for name, certificate in provider.certificates.items():
            self.write(name, certificate)

    def write(self, name: str, certificate: Certificate) -> Path:
        file = self.folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def publish(self, name: str) -> Path:
        file = self.folder / f"{name}.crl"
        file.write_bytes(self.provider.publisher().publish(name, actor="test").der)
        return file

    @staticmethod
    def run(*command: str | Path) -> tuple[int, str]:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def pem(self, name: str) -> Path:
        """A published list in PEM, as OpenSSL writes it."""
        pem = self.folder / f"{name}.crl.pem"
        self.run("openssl", "crl", "-in", self.folder / f"{name}.crl", "-inform", "DER", "-out", pem)
        return pem

    def verify(self, certificate: Certificate) -> tuple[int, str]:
        """`openssl verify -crl_check_all`, with both lists."""
        return self.run(
            "openssl", "verify", "-crl_check_all", "-CAfile", self.folder / "root.pem",
            "-untrusted", self.folder / "issuing.pem", "-CRLfile", self.pem("root"),
            "-CRLfile", self.pem("issuing"), self.write("subject", certificate),
        )  # fmt: skip


@pytest.fixture
def make_judge(module: Module, database: Database, tmp_path: Path) -> Iterator[Callable[..., Judge]]:
    """A function that sets up a provider now, by this machine's clock, because OpenSSL judges by that."""
    clock = TestClock(utc=datetime.now(UTC))
    with Recorder.open(database, "status") as recorder:
        yield lambda *algorithm: Judge(
            Provider(
                module=module,
                database=database,
                recorder=recorder,
                clock=clock,
                settings=IssuanceSettings.model_validate({}),
            ).set_up(*algorithm),
            tmp_path,
        )


@pytest.mark.req("EN319411-1:CSS-6.3.9-08", "RFC5280:5.1.2.6-01")
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.P384, KeyAlgorithm.RSA_3072])
def test_openssl_verifies_lists_and_certificates_by_them(
    make_judge: Callable[..., Judge], algorithm: KeyAlgorithm
) -> None:
    judge = make_judge(algorithm)
    provider = judge.provider
    good, revoked = provider.issue(), provider.issue()
    provider.revoke(revoked, RevocationReason.keyCompromise, provider.clock.utc - timedelta(days=1))
    told = ""
    for name in ("root", "issuing"):
        code, said = judge.run(
            "openssl", "crl", "-inform", "DER", "-in", judge.publish(name), "-noout",
            "-CAfile", judge.folder / f"{name}.pem", "-crlnumber", "-text",
        )  # fmt: skip
        assert code == 0, said
        assert "verify OK" in said
        assert "crlNumber=0x01" in said or "crlNumber=01" in said
        told += said
    assert "Key Compromise" in told
    assert "Invalidity Date" in told
    code, said = judge.verify(good)
    assert code == 0, said
    code, said = judge.verify(revoked)
    assert code != 0
    assert "certificate revoked" in said


def test_openssl_finds_a_revoked_authority_by_the_roots_list(make_judge: Callable[..., Judge]) -> None:
    judge = make_judge()
    subject = judge.provider.issue()
    judge.provider.revoke(judge.provider.certificates["issuing"], RevocationReason.cACompromise)
    judge.publish("root")
    judge.publish("issuing")
    code, said = judge.verify(subject)
    assert code != 0
    assert "certificate revoked" in said


def test_openssl_finds_a_changed_list_and_another_authority(make_judge: Callable[..., Judge]) -> None:
    judge = make_judge()
    certificate = judge.provider.issue()
    judge.provider.revoke(certificate)
    file = judge.publish("issuing")
    wrong = bytearray(file.read_bytes())
    serial = certificate.serial_number.to_bytes(20, "big").lstrip(b"\0")
    wrong[wrong.index(serial) + 5] ^= 1
    changed = judge.folder / "changed.crl"
    changed.write_bytes(wrong)
    for crl, authority in ((changed, "issuing"), (file, "root")):
        _, said = judge.run(
            "openssl", "crl", "-inform", "DER", "-in", crl, "-noout",
            "-CAfile", judge.folder / f"{authority}.pem",
        )  # fmt: skip
        assert "verify OK" not in said


@pytest.mark.req("RFC5280:5.2.5-01", "RFC5280:5.2.4-01")
def test_openssl_takes_the_list_of_the_shard_that_a_certificate_names(
    make_judge: Callable[..., Judge],
) -> None:
    judge = make_judge()
    provider = judge.provider
    issuing = provider.settings.issuing.model_copy(update={"crl_shards": 2, "crl_delta": True})
    provider.settings = provider.settings.model_copy(update={"issuing": issuing})
    certificates: dict[tuple[int, str], Certificate] = {}
    for shard in (1, 2):
        for kind in ("good", "revoked"):
            serial = (1 << 151) + 16 * shard + 2 * len(certificates) + shard - 1
            serial += (shard - 1 - serial) % 2
            location = x509.UniformResourceIdentifier(f"http://lab.example/crl/issuing/{shard}.crl")
            point = x509.DistributionPoint([location], None, None, None)
            certificate = provider.named(x509.CRLDistributionPoints([point]), serial=serial)
            provider.add(certificate, "issuing", shard=shard)
            certificates[shard, kind] = certificate
        provider.revoke(certificates[shard, "revoked"])
    judge.publish("root")
    for one in provider.publisher().publish_due():
        if one.shard is not None:
            (judge.folder / f"{one.shard}.crl").write_bytes(one.der)
            judge.pem(str(one.shard))
    for (shard, kind), certificate in certificates.items():
        for list_of in (1, 2):
            code, said = judge.run(
                "openssl", "verify", "-crl_check", "-CAfile", judge.folder / "root.pem",
                "-untrusted", judge.folder / "issuing.pem",
                "-CRLfile", judge.folder / f"{list_of}.crl.pem", judge.write("subject", certificate),
            )  # fmt: skip
            if list_of != shard:
                assert code != 0
                assert "different CRL scope" in said
            elif kind == "good":
                assert code == 0, said
            else:
                assert "certificate revoked" in said


def test_gnutls_reads_and_verifies_the_list(make_judge: Callable[..., Judge]) -> None:
    if shutil.which("certtool") is None:
        pytest.skip("NOT TESTED WITH GNUTLS: certtool is not installed (Debian: gnutls-bin)")
    judge = make_judge()
    judge.provider.revoke(judge.provider.issue())
    judge.publish("issuing")
    code, said = judge.run(
        "certtool", "--verify-crl", "--infile", judge.pem("issuing"),
        "--load-ca-certificate", judge.folder / "issuing.pem",
    )  # fmt: skip
    assert code == 0, said
    assert "Verification output: Verified." in said
