"""pkilint and OpenSSL judge what the authorities issue: nothing at WARNING or above.

There is no type for QCP-l-qscd in pkilint 0.13, so seals are judged as NCP-LEGAL-PERSON and by our own
lints. The HTTPS profile is judged by RFC 5280 alone: it is a private authority's and names no policy of the
CA/Browser Forum.
"""

from __future__ import annotations

import string
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from issuance_testbed import SUBJECTS, make_csr, open_provider
from pkilint import etsi, loader
from pkilint.common import organization_id
from pkilint.etsi.etsi_constants import CertificateType
from pkilint.pkix import certificate as pkix
from pkilint.pkix import extension, general_name
from pkilint.pkix import name as pkix_names
from pkilint_commands import pkilint

from trustworks.core.der import qc_statements as qcs
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.store import Database, StoreSettings
from trustworks.issuance.enrolment.csr import request_of
from trustworks.issuance.lints.en319412.countries import is_issuer
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name
from trustworks.issuance.wire import read_csr, read_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Pkcs11Uri

pytestmark = pytest.mark.interop

ETSI = {
    "natural-qcp-n-qscd": "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE",
    "legal-qcp-l-qscd": "NCP-LEGAL-PERSON-CERTIFICATE",
}
ALL = ["root", "issuing", *SUBJECTS, "pseudonym", "natural-semantics", "legal-semantics"]
SEVERE = ("WARNING", "ERROR", "FATAL")


@pytest.fixture(scope="module")
def certificates(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Path]]:
    """A certificate of every profile, each in a PEM file."""
    folder = tmp_path_factory.mktemp("issued")
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'state.sqlite'}"})
    with (
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as root,
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as issuing,
        Database.open(store) as database,
    ):
        database.upgrade()
        root_key = root.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing_key = issuing.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        with open_provider(database, root_key, issuing_key) as provider:
            provider.issuance.create_root(root_key, by="ceremony")
            provider.issuance.create_issuing(issuing_key, by="ceremony")
            found = dict(issue_all(provider))
            tsu = issuing.generate_key_pair(label="tsu", algorithm=KeyAlgorithm.RSA_3072)
            found["tsu"] = provider.issuance.issue(provider.request("tsu", request_of(tsu))).certificate
        files = {}
        for name, octets in found.items():
            files[name] = folder / f"{name}.pem"
            files[name].write_bytes(x509.load_der_x509_certificate(octets).public_bytes(Encoding.PEM))
        yield files


def issue_all(provider: Provider) -> Iterator[tuple[str, bytes]]:
    for authority in ("root", "issuing"):
        yield authority, provider.issuance.authority(authority).certificate
    for profile in SUBJECTS:
        yield profile, provider.issuance.issue(provider.request(profile)).certificate
    others: dict[str, tuple[str, str, bool]] = {
        "pseudonym": (
            "natural-qcp-n-qscd",
            "C=XX, pseudonym=Fox TEST, serialNumber=TEST-9, CN=Fox TEST",
            False,
        ),
        "natural-semantics": (
            "natural-qcp-n-qscd",
            "C=XX, GN=Anna, SN=Muster, serialNumber=PNOUN-TEST-1, CN=Anna Muster TEST",
            True,
        ),
        "legal-semantics": (
            "legal-qcp-l-qscd",
            "C=XX, O=Muster TEST Ltd, OI=NTRUN-TEST-2, CN=Muster TEST Seal",
            True,
        ),
    }
    for name, (profile, subject, semantics) in others.items():
        request = provider.request(profile, subject=read_subject(subject), semantics=semantics)
        yield name, provider.issuance.issue(request).certificate


def findings(file: Path, etsi_type: str | None) -> list[str]:
    """pkilint's findings at WARNING or above, in this process."""
    if etsi_type is None:
        decoders: Any = pkix.create_decoding_validators(
            pkix_names.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
        )
        validators: Any = [
            pkix.create_issuer_validator_container([]),
            pkix.create_validity_validator_container(),
            pkix.create_subject_validator_container([]),
            pkix.create_extensions_validator_container([]),
            pkix.create_spki_validator_container([]),
        ]
    else:
        kind = CertificateType.from_option_str(etsi_type)
        decoders, validators = etsi.create_decoding_validators(kind), etsi.create_validators(kind)
    judge = pkix.create_pkix_certificate_validator_container(decoders, validators)
    document = loader.load_pem_certificate(file.read_text(encoding="ascii"), file.name)
    return [
        f"{one.finding.severity.name} {one.finding.code} {one.message}"
        for result in judge.validate(document.root)
        for one in result.finding_descriptions
        if one.finding.severity.name in SEVERE
    ]


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_found_by_rfc_5280(certificates: dict[str, Path], name: str) -> None:
    assert findings(certificates[name], None) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("natural-qcp-n-qscd", ETSI["natural-qcp-n-qscd"]),
        ("pseudonym", ETSI["natural-qcp-n-qscd"]),
        ("natural-semantics", ETSI["natural-qcp-n-qscd"]),
        ("legal-qcp-l-qscd", ETSI["legal-qcp-l-qscd"]),
        ("legal-semantics", ETSI["legal-qcp-l-qscd"]),
    ],
)
def test_nothing_is_found_by_etsi(certificates: dict[str, Path], name: str, kind: str) -> None:
    assert findings(certificates[name], kind) == []


@pytest.mark.parametrize("name", list(ETSI))
def test_nothing_is_found_by_the_command(certificates: dict[str, Path], name: str) -> None:
    assert pkilint("lint_etsi_cert", "-t", ETSI[name], certificates[name]) == (0, "")


@pytest.mark.parametrize(
    ("issuer", "subject"),
    [("root", "root"), ("root", "issuing"), ("issuing", "natural-qcp-n-qscd"), ("issuing", "tsu")],
)
def test_nothing_is_found_in_a_chain(certificates: dict[str, Path], issuer: str, subject: str) -> None:
    program = "lint_pkix_signer_signee_cert_chain"
    assert pkilint(program, certificates[issuer], certificates[subject]) == (0, "")


def test_the_judge_is_awake(certificates: dict[str, Path], tmp_path: Path) -> None:
    """The qualified certificate without QcSSCD, which our own lints refuse too, is found by pkilint."""
    good = x509.load_pem_x509_certificate(certificates["natural-qcp-n-qscd"].read_bytes())
    value = qcs.write_qc_statements(
        [qcs.compliance(), qcs.qc_type(qcs.QC_TYPE_ESIGN), qcs.pds([("en", "https://tsp.example.com/x")])]
    )
    builder = x509.CertificateBuilder(
        issuer_name=good.issuer,
        subject_name=good.subject,
        public_key=good.public_key(),
        serial_number=good.serial_number,
        not_valid_before=good.not_valid_before_utc,
        not_valid_after=good.not_valid_after_utc,
    )
    for one in good.extensions:
        spoiled = (
            x509.UnrecognizedExtension(one.oid, value)
            if one.oid.dotted_string == qcs.QC_STATEMENTS
            else one.value
        )
        builder = builder.add_extension(spoiled, critical=one.critical)
    file = tmp_path / "spoiled.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    assert any("qc_sscd" in one for one in findings(file, ETSI["natural-qcp-n-qscd"]))


PURPOSES = {"tsu": "timestampsign", "tls-server": "sslserver", "ocsp-signer": "ocsphelper"}


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"root", "issuing"}])
def test_openssl_verifies_the_chain(certificates: dict[str, Path], name: str) -> None:
    purpose = PURPOSES.get(name, "any")
    done = subprocess.run(
        [
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            certificates["root"],
            "-untrusted",
            certificates["issuing"],
            certificates[name],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_openssl_shows_what_the_profiles_say(certificates: dict[str, Path]) -> None:
    def text(name: str) -> str:
        return subprocess.run(
            ["openssl", "x509", "-in", certificates[name], "-noout", "-text"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    tsu = text("tsu")
    assert "X509v3 Extended Key Usage: critical\n                Time Stamping\n" in tsu
    assert "Private Key Usage Period" in tsu
    ocsp = text("ocsp-signer")
    assert "OCSP No Check" in ocsp
    assert "OCSP - URI" not in ocsp
    assert "pathlen:0" in text("issuing")
    assert "Non Repudiation" in text("natural-qcp-n-qscd")


def test_openssl_makes_requests_that_are_read(certificates: dict[str, Path], tmp_path: Path) -> None:
    del certificates
    for number, algorithm in enumerate(
        (["-newkey", "rsa:3072"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
    ):
        file = tmp_path / f"{number}.csr"
        subprocess.run(
            [
                "openssl",
                "req",
                "-new",
                *algorithm,
                "-nodes",
                "-subj",
                "/CN=x",
                "-keyout",
                "/dev/null",
                "-out",
                file,
            ],
            capture_output=True,
            check=True,
        )
        assert read_csr(file.read_bytes()).request.is_signature_valid
    assert read_csr(make_csr()).der


LABELS = st.text("aZ0-_*. \0\nä", max_size=6) | st.sampled_from(["*", "tsp", "a" * 63, "a" * 64])


@given(st.lists(LABELS, max_size=5))
def test_no_dns_name_is_let_through_that_pkilint_finds_wrong(labels: list[str]) -> None:
    """A star is no part of pkilint's syntax, so what is behind it is judged."""
    dns_name = ".".join([*labels, "test"])
    if is_dns_name(dns_name) and "." in dns_name:
        judged = SimpleNamespace(pdu=dns_name.removeprefix("*."))
        assert general_name.DomainNameSyntaxValidator().validate_value(judged)
        general_name.GeneralNameDnsNameDomainNameLengthValidator().validate(judged)


def test_no_country_is_let_through_that_pkilint_finds_wrong() -> None:
    letters = string.ascii_uppercase
    codes = {a + b for a in letters for b in letters}
    ours = {code for code in codes if is_issuer(code, "PNO", lab=False)}
    assert ours <= organization_id.ISO3166_1_WITH_TRANSNATIONAL_COUNTRY_CODES
    assert organization_id.ISO3166_1_WITH_TRANSNATIONAL_COUNTRY_CODES - ours == {"EZ", "SU"}
