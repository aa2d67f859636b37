"""pkilint judges a certificate of every profile that it knows a type for, as our service issues it.

The countries are real ones here, in no lab: the judge knows no other. What it has to say that is no fault is
listed with the reason, so that a new finding is seen.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from certificate_bench import PAYMENT_SERVICES, SUBJECTS, names_of
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from ct_logs import FakeLog, FakeLogs
from issuance_testbed import START, open_provider, settings
from pkilint import etsi, finding_filter, loader
from pkilint.cabf import smime
from pkilint.cabf.smime.smime_constants import Generation, ValidationLevel
from pkilint.etsi.etsi_constants import CertificateType
from pkilint.pkix import certificate as pkix
from pkilint_commands import pkilint
from registration_testbed import (
    AUTHORIZED,
    DEVICES,
    PAYER,
    PAYMENTS,
    ask_payments,
    seen_payments,
)

from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.store import Database, StoreSettings
from trustworks.issuance.config import CaaSettings
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.ct import Transparency
from trustworks.issuance.enrolment.caa import asker
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, Door, Limit
from trustworks.issuance.profiles import PROFILES, VERSIONS, profile_named
from trustworks.issuance.registration.model import Fact
from trustworks.issuance.registration.service import Registration
from trustworks.issuance.rules.ct import log_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Pkcs11Uri
    from trustworks.issuance.enrolment.caa import CaaRecord

pytestmark = pytest.mark.interop

SEVERE: Final = ("WARNING", "ERROR", "FATAL")
NATURAL, LEGAL = "NCP-NATURAL-PERSON-CERTIFICATE", "NCP-LEGAL-PERSON-CERTIFICATE"
QSCD = "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"
# pkilint has no type for QCP-n, QCP-l and QCP-l-qscd: it judges them as persons' certificates.
TYPES: Final = {
    "natural-ncp": NATURAL,
    "natural-ncp-plus": NATURAL,
    "natural-lcp": NATURAL,
    "natural-ncp-auth": NATURAL,
    "natural-qcp-n": NATURAL,
    "natural-qcp-n-qscd": QSCD,
    "natural-qcp-n-qscd-short-term": QSCD,
    "legal-ncp": LEGAL,
    "legal-ncp-plus": LEGAL,
    "legal-lcp": LEGAL,
    "legal-qcp-l": LEGAL,
    "legal-qcp-l-qscd": LEGAL,
    "legal-qcp-l-qscd-short-term": LEGAL,
    "psd2-qseal": LEGAL,
    "seal-validation-report": LEGAL,
    "seal-preservation": LEGAL,
    "seal-edelivery": LEGAL,
    "qevcp-w": "QEVCP-W-EIDAS-FINAL-CERTIFICATE",
    "psd2-qwac": "QEVCP-W-PSD2-EIDAS-FINAL-CERTIFICATE",
    "qncp-w-ov": "QNCP-W-OV-EIDAS-FINAL-CERTIFICATE",
    "qncp-w-iv": "QNCP-W-IV-EIDAS-FINAL-CERTIFICATE",
    "qncp-w-gen-legal": "QNCP-W-GEN-LEGAL-PERSON-EIDAS-FINAL-CERTIFICATE",
    "qwac-binding": "QNCP-W-GEN-LEGAL-PERSON-EIDAS-FINAL-CERTIFICATE",
    "qncp-w-gen-natural": "QNCP-W-GEN-NATURAL-PERSON-EIDAS-FINAL-CERTIFICATE",
}
MAIL: Final = {
    "smime-mailbox": ValidationLevel.MAILBOX,
    "smime-organization": ValidationLevel.ORGANIZATION,
    "smime-sponsored": ValidationLevel.SPONSORED,
    "smime-individual": ValidationLevel.INDIVIDUAL,
}
# What it says that is no fault, and why.
STATEMENTS = "WARNING cabf.serverauth.subscriber.unknown_extension_present"  # EN 319 412-5 wants qcStatements
NUMBER = "WARNING cabf.serverauth.ov.unknown_attribute_present"  # EN 319 412-4, WEB-4.1.4-6 wants it
NO_STATUS = {  # it does not know the validity assured of EN 319 412-1, 5.2; RFC 9608 forbids both
    "ERROR etsi.en_319_412_2.gen-4.3.11-2.crldp_extension_missing",
    "ERROR etsi.en_319_412_2.gen-4.4.1-8.ocsp_aia_access_method_absent",
}
BINDING = {  # it does not know the 2-QWAC of TS 119 411-5, whose key serves no connection
    "ERROR cabf.serverauth.subscriber.serverauth_eku_absent",
    "WARNING cabf.serverauth.subscriber.unknown_eku_present",
}
KNOWN: Final[dict[str, set[str]]] = {
    "natural-qcp-n-qscd-short-term": NO_STATUS,
    "legal-qcp-l-qscd-short-term": NO_STATUS,
    "qevcp-w": {STATEMENTS},
    "psd2-qwac": {STATEMENTS},
    "qncp-w-ov": {STATEMENTS, NUMBER},
    "qncp-w-iv": {STATEMENTS},
    "qwac-binding": BINDING,
}


class NoRecords:
    """A DNS in which nobody says who may issue."""

    def caa(self, name: str) -> tuple[CaaRecord, ...]:
        assert name
        return ()


def subject_of(name: str) -> tuple[NameAttribute, ...]:
    """The bench's subject in a real country."""
    named = {"commonName": f"{name} TEST"} if profile_named(name).attributes else {}
    if name == "tls-server":  # whose common name is one of the names beside it
        named = {"commonName": names_of(profile_named(name))[0].partition(":")[2]}
    given = SUBJECTS.get(name, named)
    return tuple(NameAttribute(key, value.replace("XX", "AT")) for key, value in given.items())


def declared(name: str) -> Declarations:
    profile = profile_named(name)
    if not profile.psd2:
        limit = Limit(currency="EUR", amount=5, exponent=3)
        return Declarations(limit=limit if profile.qc_type else None)
    services = PAYMENT_SERVICES
    return Declarations(
        payment_services=type(services)(
            roles=services.roles, authority_name=services.authority_name, authority="AT-NCA"
        ),
        identification="eIDAS2-acd",
    )


@pytest.fixture(scope="module")
def logs() -> FakeLogs:
    return FakeLogs(*(FakeLog(name, name) for name in ("one", "two", "three")), now=START)


@pytest.fixture(scope="module")
def provider(
    softhsm: Path,
    make_token: Callable[..., Pkcs11Uri],
    tmp_path_factory: pytest.TempPathFactory,
    logs: FakeLogs,
) -> Iterator[Provider]:
    folder = tmp_path_factory.mktemp("profiles")
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'state.sqlite'}"})
    real = settings(
        country="AT",
        **{
            "organization-identifier": "NTRAT-TEST-1",
            "cps-url": "https://tsp.example.com/cps",
            "retention-years": 10,
        },
    )
    with (
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as root,
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as issuing,
        Database.open(store) as database,
    ):
        database.upgrade()
        root_key = root.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing_key = issuing.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        caa = asker(CaaSettings(domains=("ca.example",)), NoRecords())
        shown = Transparency(log_list(logs.list()), transport=logs.transport)
        with open_provider(
            database, root_key, issuing_key, lab=False, of=real, caa=caa, transparency=shown
        ) as found:
            found.issuance.create_root(root_key, by="ceremony")
            found.issuance.create_issuing(issuing_key, by="ceremony")
            yield found


@pytest.fixture(scope="module")
def issued(provider: Provider) -> Callable[[str], bytes]:
    """The certificate of a profile (name or name/version), issued once."""
    made: dict[str, bytes] = {}

    def certificate(asked: str) -> bytes:
        if asked not in made:
            profile = profile_named(asked)
            request = provider.request(
                asked,
                subject=subject_of(profile.name),
                alternative_names=names_of(profile),
                door=Door.APPLICATION,  # where devices were shown, and all else
                requested_by="application:bench",
                declarations=declared(profile.name),
                semantics=profile.semantics is not None,
            )
            made[asked] = provider.issuance.issue(request).certificate
        return made[asked]

    return certificate


def judged(der: bytes, name: str, kind: str) -> set[str]:
    """pkilint's findings at WARNING or above, as its command shows them."""
    found = CertificateType.from_option_str(kind)
    judge = pkix.create_pkix_certificate_validator_container(
        etsi.create_decoding_validators(found), etsi.create_validators(found)
    )
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(der, name)
    results: Any = judge.validate(document.root)
    results, _ = finding_filter.filter_results(etsi.create_etsi_finding_filters(found), results)
    return codes(results)


def codes(results: Any) -> set[str]:
    return {
        f"{one.finding.severity.name} {one.finding.code}"
        for result in results
        for one in result.finding_descriptions
        if one.finding.severity.name in SEVERE
    }


QUALIFIED = [f"{name}/{one.version}" for name in TYPES for one in VERSIONS[name]]


@pytest.mark.parametrize("asked", QUALIFIED)
def test_nothing_is_found_by_etsi(issued: Callable[[str], bytes], asked: str) -> None:
    name = asked.partition("/")[0]
    assert judged(issued(asked), name, TYPES[name]) == KNOWN.get(name, set())


@pytest.mark.parametrize("name", list(MAIL))
def test_nothing_is_found_in_mail_by_the_forum(issued: Callable[[str], bytes], name: str) -> None:
    level = MAIL[name]
    judge = pkix.create_pkix_certificate_validator_container(
        smime.create_decoding_validators(), smime.create_subscriber_validators(level, Generation.STRICT)
    )
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(issued(name), name)
    assert codes(judge.validate(document.root)) == set()


@pytest.mark.parametrize("name", ["natural-qcp-n-qscd", "legal-ncp", "qncp-w-gen-legal"])
def test_nothing_is_found_by_the_command(issued: Callable[[str], bytes], tmp_path: Path, name: str) -> None:
    file = tmp_path / "found.pem"
    file.write_bytes(x509.load_der_x509_certificate(issued(name)).public_bytes(Encoding.PEM))
    assert pkilint("lint_etsi_cert", "-t", TYPES[name], file) == (0, "")


# Those of no policy that it has a type for, and the authorities, are judged by RFC 5280.
BY_RFC_5280: Final = (
    "tsu",
    "ocsp-signer",
    "audit-signer",
    "cmp-server",
    "list-signer",
    "tls-server",
    "device",
)
OF_DOMAINS: Final = ("tls-server-dv", "tls-server-dv-short")
AUTHORITIES: Final = ("root", "sub-ca")


def test_every_profile_has_its_judge() -> None:
    assert sorted((*TYPES, *MAIL, *BY_RFC_5280, *OF_DOMAINS, *AUTHORITIES)) == sorted(PROFILES)


@pytest.mark.parametrize("name", [*BY_RFC_5280, *AUTHORITIES])
def test_nothing_is_found_by_rfc_5280(
    provider: Provider, issued: Callable[[str], bytes], tmp_path: Path, name: str
) -> None:
    own = {"root": "root", "sub-ca": "issuing"}.get(name)
    octets = issued(name) if own is None else provider.issuance.authority(own).certificate
    assert pkilint("lint_pkix_cert", written(octets, tmp_path)) == (0, "")


# A private authority's: they name its own policy with its practice statement, and none of the Forum's.
PRIVATE: Final = {
    "cabf.serverauth.subscriber_missing_reserved_policy_oid",
    "cabf.serverauth.certificate_policy_qualifier_present",
    "cabf.serverauth.subscriber.subject_key_identifier_extension_present",
}


@pytest.mark.parametrize("name", OF_DOMAINS)
def test_nothing_else_is_found_in_those_of_domains_by_the_forum(
    issued: Callable[[str], bytes], tmp_path: Path, name: str
) -> None:
    file = written(issued(name), tmp_path)
    assert pkilint("lint_pkix_cert", file) == (0, "")
    _, said = pkilint("lint_cabf_serverauth_cert", "-t", "DV-FINAL-CERTIFICATE", file)
    assert set(re.findall(r"^ +([a-z_.]+) \(", said, re.MULTILINE)) == PRIVATE


def written(octets: bytes, folder: Path) -> Path:
    file = folder / "found.pem"
    file.write_bytes(x509.load_der_x509_certificate(octets).public_bytes(Encoding.PEM))
    return file


LOGGED = [name for name, kind in TYPES.items() if kind.startswith("Q") and profile_named(name).ct]


@pytest.mark.parametrize("name", LOGGED)
def test_nothing_is_found_in_a_precertificate(
    issued: Callable[[str], bytes], logs: FakeLogs, name: str
) -> None:
    serial = x509.load_der_x509_certificate(issued(name)).serial_number
    (seen,) = [one for one in logs.logs[0].seen if one.serial_number == serial]
    kind = TYPES[name].replace("FINAL", "PRE")
    assert judged(seen.public_bytes(Encoding.DER), name, kind) == KNOWN[name]


def test_openssl_shows_the_timestamps(issued: Callable[[str], bytes]) -> None:
    done = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-text"],
        input=issued("qevcp-w"),
        capture_output=True,
        check=True,
    )
    assert done.stdout.count(b"Signed Certificate Timestamp:") == 3
    assert b"CT Precertificate SCTs" in done.stdout


def test_nothing_is_found_in_what_an_application_declared(provider: Provider) -> None:
    """A payment service provider's seal, by way of the registration desk: register, device, officer."""
    desk = Registration(
        RegistrationSettings.model_validate({"devices": DEVICES}),
        issuance=provider.issuance,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
    )
    services = replace(PAYMENTS, authority="AT-NCA")
    subject = tuple(NameAttribute(one.type, one.value.replace("XX", "AT")) for one in PAYER)
    asked = ask_payments(services, subject=subject)
    asked = replace(asked, declarations=replace(asked.declarations, limit=Limit(currency="EUR", amount=5)))
    identifier = desk.submit(asked, by="ra-desk").id
    seen_payments(
        desk, identifier, tuple(Fact(one.type, one.value.replace("XX", "AT")) for one in AUTHORIZED)
    )
    serial = desk.approve(identifier, by="olga", reason="As the register has it.").serial
    record = provider.issuance.find(serial or "")
    assert record is not None
    assert record.der is not None
    assert judged(record.der, "psd2-qseal", LEGAL) == set()
    told = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-ext", "qcStatements"],
        input=record.der,
        capture_output=True,
        check=True,
    ).stdout
    assert b"PSDAT-NCA-1234" in told
    written = subprocess.run(
        ["openssl", "asn1parse", "-inform", "DER"], input=record.der, capture_output=True, check=True
    ).stdout
    assert b"qcStatements" in written
    # openssl has no words for them: their octets are there, as it shows them.
    shown = bytes.fromhex(written.split(b"qcStatements")[1].split(b"[HEX DUMP]:")[1].split()[0].decode())
    for part in (b"PSP_AS", b"PSP_PI", b"Supervisor TEST", b"AT-NCA", b"EUR"):
        assert part in shown


WRONG = [
    ("natural-qcp-n", "natural-qcp-n-qscd", "qc_sscd_qualified_statement_absent"),
    ("legal-qcp-l-qscd", "natural-qcp-n-qscd", "gen-4.2.3.qc_type_mismatch"),
    ("qncp-w-ov", "qevcp-w", "subscriber_missing_reserved_policy_oid"),
    ("qncp-w-gen-natural", "qncp-w-gen-legal", "leg-4.2.1-2"),
    ("qevcp-w", "psd2-qwac", "qc_eu_pds_missing"),
]


@pytest.mark.parametrize(("name", "other", "code"), WRONG)
def test_the_judge_is_awake(issued: Callable[[str], bytes], name: str, other: str, code: str) -> None:
    """A certificate of another profile is found by the type that is not its own."""
    assert any(code in one for one in judged(issued(name), name, TYPES[other]))
