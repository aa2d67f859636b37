"""Tokens before other judges: OpenSSL verifies them, asn1crypto and pyasn1 re-encode them to the octet."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from timestamping_testbed import Pki, SteeredClock

from trustworks.core.audit import Recorder
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import TimeSettings
from trustworks.timestamping import client, wire
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.service import TimestampingAuthority
from trustworks.timestamping.verify import digests_of, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

pytestmark = pytest.mark.interop

DATA = b"what an independent judge looks at\n"
KINDS: list[tuple[KeyAlgorithm, str]] = [
    (KeyAlgorithm.P256, "ECDSA_SHA256"),
    (KeyAlgorithm.P384, "ECDSA_SHA384"),
    (KeyAlgorithm.P521, "ECDSA_SHA512"),
    (KeyAlgorithm.RSA_2048, "RSA_PKCS1_SHA256"),
    (KeyAlgorithm.RSA_3072, "RSA_PKCS1_SHA512"),
    (KeyAlgorithm.RSA_2048, "RSA_PSS_SHA256"),
    (KeyAlgorithm.ED25519, "ED25519"),
]
# OpenSSL 3.0's `ts -verify` goes through its PKCS#7 code, which does not know RSA-PSS; its `cms` does.
BY_CMS = {"RSA_PSS_SHA256"}
# Neither knows Ed25519 with signed attributes, where RFC 8419 names SHA-512 as the digest.
BY_NEITHER = {"ED25519"}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A PKI of today: OpenSSL looks at certificates with its own clock."""
    return Pki(tmp_path_factory.mktemp("pki"), datetime.now(UTC))


@pytest.fixture(scope="module")
def unit_module(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Module]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("state") / "records.sqlite"
    with Database.open(StoreSettings.model_validate({"url": f"sqlite:///{file}"})) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture(scope="module")
def authorities(
    unit_module: Module, pki: Pki, database: Database
) -> Iterator[dict[str, TimestampingAuthority]]:
    """An authority for each scheme, whose tokens are qualified for one of them."""
    found = {}
    clock = SteeredClock(utc=datetime.now(UTC))
    time = TimeSettings.model_validate({"sources": ["chrony"], "traceable-to": ["UTC(TEST)"]})
    with Recorder.open(database, "interop") as recorder:
        for algorithm, scheme in KINDS:
            label = scheme.lower()
            key = unit_module.generate_key_pair(label=label, algorithm=algorithm)
            lab = algorithm in {KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519}
            unit = {
                "name": label.replace("_", "-"),
                "key": label,
                "certificate": str(pki.certify(key)),
                "chain": str(pki.chain_file),
                "signature": scheme,
                "qualified": not lab,
            }
            settings = TimestampingSettings.model_validate({"policies": ["2.999.3161.7"], "units": [unit]})
            found[scheme] = TimestampingAuthority(
                settings,
                keys=unit_module.key,
                clock=clock,
                time_settings=time,
                recorder=recorder,
                database=database,
                lab=lab,
            )
        yield found


def openssl(*arguments: object, wanted: int = 0) -> str:
    result = subprocess.run(
        ["openssl", *(str(one) for one in arguments)], capture_output=True, text=True, check=False
    )
    said = result.stdout + result.stderr
    assert result.returncode == wanted, said
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").write_bytes(DATA)
    return tmp_path


def exchange(authority: TimestampingAuthority, folder: Path, *options: str) -> bytes:
    """A query written by OpenSSL, answered by us; both are left in the folder."""
    openssl("ts", "-query", "-data", folder / "data", *options, "-out", folder / "q.tsq")
    response = authority.stamp((folder / "q.tsq").read_bytes())
    (folder / "r.tsr").write_bytes(response)
    token = client.granted_token(response)
    (folder / "r.tst").write_bytes(token)
    return token


@pytest.mark.req(
    "RFC3161:2.2-SIGNATURE",
    "RFC3161:2.4.2-ONE-SIGNER",
    "EN319422:5.2.2-SIGNING-CERTIFICATE",
    "EN319422:4.2.2-NONCE",
)
@pytest.mark.parametrize("scheme", [scheme for _, scheme in KINDS if scheme not in BY_CMS | BY_NEITHER])
@pytest.mark.parametrize("options", [["-sha256", "-cert"], ["-sha512", "-no_nonce"], ["-sha3-384", "-cert"]])
def test_openssl_verifies(
    authorities: dict[str, TimestampingAuthority], pki: Pki, folder: Path, scheme: str, options: list[str]
) -> None:
    exchange(authorities[scheme], folder, *options)
    trust: list[object] = ["-CAfile", pki.root_file]
    if "-cert" not in options:
        unit = authorities[scheme]._units[scheme.lower().replace("_", "-")]
        certificates = folder / "untrusted.pem"
        own = unit.certificate.public_bytes(Encoding.PEM)
        certificates.write_bytes(own + pki.chain_file.read_bytes())
        trust += ["-untrusted", certificates]
    query = ["ts", "-verify", "-queryfile", folder / "q.tsq"]
    assert "Verification: OK" in openssl(*query, "-in", folder / "r.tsr", *trust)
    data = ["ts", "-verify", "-data", folder / "data"]
    assert "Verification: OK" in openssl(*data, "-in", folder / "r.tst", "-token_in", *trust)
    (folder / "data").write_bytes(DATA + b"changed")
    assert "imprint" in openssl(*data, "-in", folder / "r.tst", "-token_in", *trust, wanted=1)


@pytest.mark.req("RFC3161:2.2-SIGNATURE", "RFC3161:2.4.2-ONE-SIGNER")
@pytest.mark.parametrize("scheme", [scheme for _, scheme in KINDS if scheme not in BY_NEITHER])
def test_openssl_verifies_the_signed_data(
    authorities: dict[str, TimestampingAuthority], pki: Pki, folder: Path, scheme: str
) -> None:
    exchange(authorities[scheme], folder, "-sha256", "-cert")
    openssl(
        *("cms", "-verify", "-inform", "DER", "-in", folder / "r.tst", "-CAfile", pki.root_file),
        *("-purpose", "timestampsign", "-out", folder / "content"),
    )
    assert (folder / "content").read_bytes() == wire.read_token((folder / "r.tst").read_bytes()).tst_info_der


@pytest.mark.req("RFC3161:2.4.2-BAD-ALG", "RFC3161:2.4.2-UNACCEPTED-POLICY")
@pytest.mark.parametrize(
    ("options", "said"),
    [(["-sha1"], "unrecognized or unsupported algorithm"), (["-tspolicy", "1.2.3"], "policy")],
)
def test_openssl_reads_our_refusals(
    authorities: dict[str, TimestampingAuthority], folder: Path, options: list[str], said: str
) -> None:
    openssl("ts", "-query", "-data", folder / "data", *options, "-out", folder / "q.tsq")
    response = authorities["ECDSA_SHA256"].stamp((folder / "q.tsq").read_bytes())
    (folder / "r.tsr").write_bytes(response)
    shown = openssl("ts", "-reply", "-in", folder / "r.tsr", "-text")
    assert "Status: Rejected." in shown
    assert said in shown


@pytest.mark.req("RFC3161:2.4.2-GENTIME", "RFC3161:2.4.2-ONE-SIGNER")
@pytest.mark.parametrize("scheme", [scheme for _, scheme in KINDS])
def test_asn1crypto_re_encodes_to_the_same_octets(
    authorities: dict[str, TimestampingAuthority], folder: Path, scheme: str
) -> None:
    token = exchange(authorities[scheme], folder, "-sha256", "-cert")
    response = (folder / "r.tsr").read_bytes()
    found = tsp.TimeStampResp.load(response, strict=True)
    assert found.dump(force=True) == response
    info = cms.ContentInfo.load(token, strict=True)
    assert info.dump(force=True) == token
    data = info["content"]
    assert data["version"].native == "v3"
    content: Any = data["encap_content_info"]["content"]
    tst_info = tsp.TSTInfo.load(content.contents, strict=True)
    assert tst_info.dump(force=True) == content.contents
    assert tst_info["ordering"].native is False
    assert tst_info["accuracy"].native["seconds"] == 1
    (signer,) = data["signer_infos"]
    attributes = {one["type"].native for one in signer["signed_attrs"]}
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}


def test_pyasn1_re_encodes_to_the_same_octets(
    authorities: dict[str, TimestampingAuthority], folder: Path
) -> None:
    decoder = pytest.importorskip("pyasn1.codec.der.decoder")
    encoder = pytest.importorskip("pyasn1.codec.der.encoder")
    rfc3161 = pytest.importorskip("pyasn1_alt_modules.rfc3161")
    exchange(authorities["ECDSA_SHA256"], folder, "-sha256", "-cert")
    response = (folder / "r.tsr").read_bytes()
    found, rest = decoder.decode(response, asn1Spec=rfc3161.TimeStampResp())
    assert not rest
    assert encoder.encode(found) == response


@pytest.mark.req("RFC3161:2.2-SIGNATURE", "RFC3161:2.3-PURPOSE")
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_we_verify_what_openssl_issues(pki: Pki, folder: Path, digest: str) -> None:
    """The other way round: a token of `openssl ts -reply`, with a key outside the module."""
    key = folder / "key.pem"
    openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key)
    openssl("req", "-new", "-key", key, "-subj", "/CN=OpenSSL TEST unit", "-out", folder / "unit.csr")
    request = x509.load_pem_x509_csr((folder / "unit.csr").read_bytes())

    class Foreign:
        label = "openssl"
        public_key = request.public_key()

    certificate = pki.certify(Foreign())  # type: ignore[arg-type]
    (folder / "serial").write_text("01\n", encoding="ascii")
    (folder / "tsa.cnf").write_text(
        f"""[tsa]
default_tsa = unit
[unit]
serial = {folder}/serial
signer_cert = {certificate}
certs = {pki.chain_file}
signer_key = {key}
signer_digest = {digest}
default_policy = 2.999.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = {digest}
""",
        encoding="utf-8",
    )
    openssl("ts", "-query", "-data", folder / "data", "-sha256", "-cert", "-out", folder / "q.tsq")
    openssl(
        *("ts", "-reply", "-config", folder / "tsa.cnf", "-section", "unit"),
        *("-queryfile", folder / "q.tsq", "-out", folder / "r.tsr"),
    )
    token = client.granted_token((folder / "r.tsr").read_bytes())
    client.check_answer(token, (folder / "q.tsq").read_bytes())
    found = verify(token, digests_of(DATA), anchors=[pki.root])
    assert len(found.path) == 3
