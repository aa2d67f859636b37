"""Each lint of web sites, payment services, short-term certificates and mail has a certificate it catches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from certificate_bench import (
    EV,
    LEGAL,
    NATURAL,
    NOW,
    PSD2_ID,
    SERVER,
    SETTINGS,
    SUBJECTS,
    Bench,
    found_by_lints,
    name,
)
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from trustworks.core.der import cabf
from trustworks.core.der import qc_statements as qcs
from trustworks.issuance.config import CtSettings
from trustworks.issuance.lints.cps.subject_attributes import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from certificate_bench import Benches


NULL = b"\x05\x00"
NO_REV_AVAIL, VALIDITY_ASSURED = ObjectIdentifier("2.5.29.56"), ObjectIdentifier("0.4.0.194121.2.1")
SHORT, EVW, OVW, QWAC, QSEAL = (
    "natural-qcp-n-qscd-short-term",
    "qevcp-w",
    "qncp-w-ov",
    "psd2-qwac",
    "psd2-qseal",
)
PDS = qcs.pds([("en", "https://tsp.example.com/pds.pdf")])
ROLES = [("0.4.0.19495.1.1", "PSP_AS")]
LINK = x509.UniformResourceIdentifier("http://tsp.example.com/x")


def subject(given: dict[str, str], **changes: str | None) -> Callable[[Bench], Bench]:
    """A subject with attributes changed; None leaves one out."""
    whole = {**given, **changes}
    return lambda bench: bench.named(
        *[(ObjectIdentifier(NAMES[key]), value) for key, value in whole.items() if value is not None]
    )


def policies(*dotted: str) -> Callable[[Bench], Bench]:
    found = [x509.PolicyInformation(ObjectIdentifier(one), None) for one in dotted]
    return lambda bench: bench.put(x509.CertificatePolicies(found))


def statements(*found: qcs.Statement) -> Callable[[Bench], Bench]:
    value = x509.UnrecognizedExtension(ObjectIdentifier(qcs.QC_STATEMENTS), qcs.write_qc_statements(found))
    return lambda bench: bench.put(value)


def sign(*more: qcs.Statement) -> Callable[[Bench], Bench]:
    """The statements of a qualified signature certificate, and more."""
    return statements(qcs.compliance(), qcs.sscd(), qcs.qc_type(qcs.QC_TYPE_ESIGN), PDS, *more)


def pays(
    roles: list[tuple[str, str]], authority_name: str = "Supervisor", authority: str = "XX-NCA"
) -> Callable[[Bench], Bench]:
    stated = qcs.psd2(roles, authority_name, authority)
    return statements(qcs.compliance(), qcs.sscd(), qcs.qc_type(qcs.QC_TYPE_ESEAL), PDS, stated)


def meaning(given: dict[str, str], scheme: str, **changes: str) -> Callable[[Bench], Bench]:
    """A subject with an identifier, and what the identifier is said to mean."""
    return lambda bench: statements(qcs.semantics(scheme))(subject(given, **changes)(bench))


def extension(oid: ObjectIdentifier, value: bytes, *, critical: bool = False) -> Callable[[Bench], Bench]:
    return lambda bench: bench.put(x509.UnrecognizedExtension(oid, value), critical=critical)


def alternative(*names: x509.GeneralName) -> Callable[[Bench], Bench]:
    return lambda bench: bench.put(x509.SubjectAlternativeName(names))


def without(oid: ObjectIdentifier) -> Callable[[Bench], Bench]:
    return lambda bench: bench.rebuilt(
        extensions=[one for one in bench.builder._extensions if one.oid != oid]
    )


def issued_by(*attributes: tuple[ObjectIdentifier, str]) -> Callable[[Bench], Bench]:
    return lambda bench: bench.rebuilt(issuer_name=name(attributes))


def for_a_day(bench: Bench) -> Bench:
    return bench.rebuilt(not_valid_after=(NOW + timedelta(days=1, seconds=-1)).replace(tzinfo=None))


def with_list(bench: Bench) -> Bench:
    point = x509.DistributionPoint(full_name=[LINK], relative_name=None, reasons=None, crl_issuer=None)
    return bench.put(x509.CRLDistributionPoints([point]))


def with_responder(bench: Bench) -> Bench:
    return bench.put(
        x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, LINK)])
    )


def with_freshest(bench: Bench) -> Bench:
    point = x509.DistributionPoint(full_name=[LINK], relative_name=None, reasons=None, crl_issuer=None)
    return bench.put(x509.FreshestCRL([point]))


QSCD_ELSEWHERE = qcs.CountryStatement(
    statement_id=ObjectIdentifier(qcs.QC_QSCD_LEGISLATION), statement_info=[asn1.PrintableString("CH")]
)
NO_METHOD = qcs.MethodStatement(statement_id=ObjectIdentifier(qcs.QC_IDENT_METHOD), statement_info=[])
DNS = x509.DNSName(SERVER)
OTHER_DNS = x509.DNSName("other.example.com")
STATE = {key: value for key, value in EV.items() if key != "localityName"}
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
WITH_LOGS = SETTINGS.model_copy(update={"ct": CtSettings.model_validate({"log-list": "logs.json"})})
REGISTRATION = ObjectIdentifier(cabf.ORGANIZATION_IDENTIFIER)
ISSUER = (
    (NameOID.COUNTRY_NAME, "XX"),
    (NameOID.ORGANIZATION_NAME, "O TEST"),
    (NameOID.COMMON_NAME, "I TEST"),
)

CASES = [
    pytest.param(
        "EN319412-1:NAT-5.1.3-05",
        "natural-qcp-n",
        meaning(NATURAL, qcs.SEMANTICS_NATURAL, serialNumber="EI:UN-1"),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.3-05"),
        id="EN319412-1:NAT-5.1.3-05",
    ),
    pytest.param(
        "EN319412-1:LEG-5.1.4-05",
        "legal-ncp",
        meaning(LEGAL, qcs.SEMANTICS_LEGAL, organizationIdentifier="EI:UN-1"),
        marks=pytest.mark.req("EN319412-1:LEG-5.1.4-05"),
        id="EN319412-1:LEG-5.1.4-05",
    ),
    pytest.param(
        "EN319412-1:NAT-5.1.5-03",
        "natural-qcp-n",
        meaning(NATURAL, qcs.SEMANTICS_EIDAS_NATURAL, serialNumber="PNOXX-1"),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.5-03"),
        id="EN319412-1:NAT-5.1.5-03",
    ),
    pytest.param(
        "EN319412-1:NAT-5.1.5-03",
        "natural-qcp-n",
        meaning(NATURAL, qcs.SEMANTICS_EIDAS_NATURAL, serialNumber="XX/DE/1"),
        marks=pytest.mark.req("EN319412-1:NAT-5.1.5-03"),
        id="EN319412-1:NAT-5.1.5-03",
    ),
    pytest.param(
        "EN319412-1:LEG-5.1.6-03",
        "legal-ncp",
        meaning(LEGAL, qcs.SEMANTICS_EIDAS_LEGAL, organizationIdentifier="XX/XX/1 2"),
        marks=pytest.mark.req("EN319412-1:LEG-5.1.6-03"),
        id="EN319412-1:LEG-5.1.6-03",
    ),
    pytest.param(
        "EN319412-1:LEG-5.1.6-03",
        "legal-ncp",
        meaning(LEGAL, qcs.SEMANTICS_EIDAS_LEGAL, organizationIdentifier="XX/XX/" + "1" * 251),
        marks=pytest.mark.req("EN319412-1:LEG-5.1.6-03"),
        id="EN319412-1:LEG-5.1.6-03",
    ),
    pytest.param(
        "EN319412-1:GEN-5.2.3-01",
        SHORT,
        extension(VALIDITY_ASSURED, NULL, critical=True),
        marks=pytest.mark.req("EN319412-1:GEN-5.2.3-01"),
        id="EN319412-1:GEN-5.2.3-01",
    ),
    pytest.param(
        "EN319412-1:GEN-5.2.3-01",
        SHORT,
        extension(VALIDITY_ASSURED, b"\x30\x00"),
        marks=pytest.mark.req("EN319412-1:GEN-5.2.3-01"),
        id="EN319412-1:GEN-5.2.3-01",
    ),
    pytest.param(
        "EN319411-1:GEN-6.6.1-04",
        SHORT,
        for_a_day,
        marks=pytest.mark.req("EN319411-1:GEN-6.6.1-04", "EN319411-1:GEN-6.6.1-05"),
        id="EN319411-1:GEN-6.6.1-04",
    ),
    pytest.param(
        "EN319411-1:GEN-6.6.1-04",
        "natural-qcp-n-qscd",
        extension(VALIDITY_ASSURED, NULL),
        marks=pytest.mark.req("EN319411-1:GEN-6.6.1-04", "EN319411-1:GEN-6.6.1-05"),
        id="EN319411-1:GEN-6.6.1-04",
    ),
    pytest.param(
        "EN319411-1:GEN-6.3.3-12",
        "natural-ncp",
        policies("0.4.0.2042.1.1", "0.4.0.2042.1.3"),
        marks=pytest.mark.req("EN319411-1:GEN-6.3.3-12"),
        id="EN319411-1:GEN-6.3.3-12",
    ),
    pytest.param(
        "EN319411-1:GEN-6.3.3-12",
        EVW,
        policies("2.23.140.1.1", qcs.QCP_W),
        marks=pytest.mark.req("EN319411-1:GEN-6.3.3-12"),
        id="EN319411-1:GEN-6.3.3-12",
    ),
    pytest.param(
        "EN319411-1:GEN-6.3.3-12",
        EVW,
        policies("2.23.140.1.1", "0.4.0.2042.1.7", qcs.QCP_W),
        marks=pytest.mark.req("EN319411-1:GEN-6.3.3-12"),
        id="EN319411-1:GEN-6.3.3-12",
    ),
    pytest.param(
        "EN319412-2:GEN-4.3.11-2A",
        SHORT,
        without(NO_REV_AVAIL),
        marks=pytest.mark.req(
            "EN319412-2:GEN-4.3.11-2A", "EN319412-2:GEN-4.4.1-8A", "EN319411-1:CSS-6.3.10-01B"
        ),
        id="EN319412-2:GEN-4.3.11-2A",
    ),
    pytest.param(
        "EN319412-5:QCS-4.2.5-01",
        "natural-qcp-n-qscd",
        sign(QSCD_ELSEWHERE),
        marks=pytest.mark.req("EN319412-5:QCS-4.2.5-01"),
        id="EN319412-5:QCS-4.2.5-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.2-01",
        "natural-qcp-n-qscd",
        sign(qcs.limit("XXX", 1, 0)),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.2-01"),
        id="EN319412-5:QCS-4.3.2-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.2-01",
        "natural-qcp-n-qscd",
        sign(qcs.limit("EUR", -1, 0)),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.2-01"),
        id="EN319412-5:QCS-4.3.2-01",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.2-01",
        "natural-qcp-n-qscd",
        sign(qcs.limit("EUR", 1, -1)),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.2-01"),
        id="EN319412-5:QCS-4.3.2-01",
    ),
    pytest.param(
        "EN319412-5:4.3.3",
        "natural-qcp-n-qscd",
        sign(qcs.retention(0)),
        marks=pytest.mark.req("EN319412-5:4.3.3"),
        id="EN319412-5:4.3.3",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.5-02",
        "natural-qcp-n-qscd",
        sign(qcs.identification("0.4.0.1862.1.8.9")),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.5-02"),
        id="EN319412-5:QCS-4.3.5-02",
    ),
    pytest.param(
        "EN319412-5:QCS-4.3.5-02",
        "natural-qcp-n-qscd",
        sign(NO_METHOD),
        marks=pytest.mark.req("EN319412-5:QCS-4.3.5-02"),
        id="EN319412-5:QCS-4.3.5-02",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-CLAIMS",
        "natural-ncp",
        statements(qcs.compliance()),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-CLAIMS"),
        id="TRUSTWORKS:ISSUANCE-CLAIMS",
    ),
    pytest.param(
        "TRUSTWORKS:ISSUANCE-CLAIMS",
        "legal-ncp",
        policies("0.4.0.2042.1.1", qcs.QCP_L_QSCD),
        marks=pytest.mark.req("TRUSTWORKS:ISSUANCE-CLAIMS"),
        id="TRUSTWORKS:ISSUANCE-CLAIMS",
    ),
    pytest.param(
        "RFC9608:2",
        SHORT,
        with_list,
        marks=pytest.mark.req("RFC9608:2", "EN319411-1:CSS-6.3.10-01A"),
        id="RFC9608:2",
    ),
    pytest.param(
        "RFC9608:2",
        SHORT,
        with_responder,
        marks=pytest.mark.req("RFC9608:2", "EN319411-1:CSS-6.3.10-01A"),
        id="RFC9608:2",
    ),
    pytest.param(
        "RFC9608:2",
        SHORT,
        with_freshest,
        marks=pytest.mark.req("RFC9608:2", "EN319411-1:CSS-6.3.10-01A"),
        id="RFC9608:2",
    ),
    pytest.param(
        "RFC9608:2",
        "root",
        extension(NO_REV_AVAIL, NULL),
        marks=pytest.mark.req("RFC9608:2", "EN319411-1:CSS-6.3.10-01A"),
        id="RFC9608:2",
    ),
    pytest.param(
        "RFC9608:2-SYNTAX",
        SHORT,
        extension(NO_REV_AVAIL, NULL, critical=True),
        marks=pytest.mark.req("RFC9608:2-SYNTAX"),
        id="RFC9608:2-SYNTAX",
    ),
    pytest.param(
        "RFC9608:2-SYNTAX",
        SHORT,
        extension(NO_REV_AVAIL, b"\x30\x00"),
        marks=pytest.mark.req("RFC9608:2-SYNTAX"),
        id="RFC9608:2-SYNTAX",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.2-3",
        EVW,
        issued_by(*ISSUER),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.2-3"),
        id="EN319412-4:WEB-4.1.2-3",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.2-4",
        EVW,
        subject(EV, organizationIdentifier=None),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.2-4"),
        id="EN319412-4:WEB-4.1.2-4",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.2-5",
        EVW,
        subject(EV, organizationIdentifier=EV["organizationName"]),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.2-5"),
        id="EN319412-4:WEB-4.1.2-5",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.2-5",
        OVW,
        issued_by(*ISSUER, (NameOID.ORGANIZATION_IDENTIFIER, "O TEST")),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.2-5"),
        id="EN319412-4:WEB-4.1.2-5",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.3-4",
        "qncp-w-gen-legal",
        alternative(OTHER_DNS),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.3-4"),
        id="EN319412-4:WEB-4.1.3-4",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.3-4",
        "qncp-w-gen-natural",
        alternative(x509.RFC822Name("a@b.test")),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.3-4"),
        id="EN319412-4:WEB-4.1.3-4",
    ),
    pytest.param(
        "EN319412-4:WEB-4.1.3-4",
        EVW,
        lambda bench: bench.without(x509.SubjectAlternativeName),
        marks=pytest.mark.req("EN319412-4:WEB-4.1.3-4"),
        id="EN319412-4:WEB-4.1.3-4",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.9",
        EVW,
        policies("0.4.0.2042.1.4", "2.23.140.1.1", qcs.QCP_W),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.9"),
        id="CABF-BR:7.1.2.7.9",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.9",
        OVW,
        policies("2.23.140.1.1", "0.4.0.2042.1.7", qcs.QNCP_W),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.9"),
        id="CABF-BR:7.1.2.7.9",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.9",
        OVW,
        policies("2.23.140.1.2.2", "2.5.29.32.0"),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.9"),
        id="CABF-BR:7.1.2.7.9",
    ),
    pytest.param(
        "CABF-BR:7.1.2.7.4",
        EVW,
        subject(STATE),
        marks=pytest.mark.req("CABF-BR:7.1.2.7.4"),
        id="CABF-BR:7.1.2.7.4",
    ),
    pytest.param(
        "CABF-BR:7.1.4.2",
        EVW,
        subject({"organizationName": "O TEST", **EV}, commonName=SERVER),
        marks=pytest.mark.req("CABF-BR:7.1.4.2"),
        id="CABF-BR:7.1.4.2",
    ),
    pytest.param(
        "CABF-BR:7.1.4.2",
        EVW,
        subject(dict(reversed(EV.items()))),
        marks=pytest.mark.req("CABF-BR:7.1.4.2"),
        id="CABF-BR:7.1.4.2",
    ),
    pytest.param(
        "CABF-BR:7.1.4.2",
        OVW,
        lambda bench: bench.named((NameOID.LOCALITY_NAME, "A"), (NameOID.LOCALITY_NAME, "B")),
        marks=pytest.mark.req("CABF-BR:7.1.4.2"),
        id="CABF-BR:7.1.4.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.4.2",
        EVW,
        subject(EV, serialNumber=None),
        marks=pytest.mark.req("CABF-EVG:7.1.4.2"),
        id="CABF-EVG:7.1.4.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.4.2",
        EVW,
        subject(EV, businessCategory="Shop"),
        marks=pytest.mark.req("CABF-EVG:7.1.4.2"),
        id="CABF-EVG:7.1.4.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.4.2",
        EVW,
        subject(EV, jurisdictionLocalityName="Sampleton"),
        marks=pytest.mark.req("CABF-EVG:7.1.4.2"),
        id="CABF-EVG:7.1.4.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.2.3",
        EVW,
        alternative(DNS, x509.DNSName("*.example.com")),
        marks=pytest.mark.req("CABF-EVG:7.1.2.3"),
        id="CABF-EVG:7.1.2.3",
    ),
    pytest.param(
        "CABF-EVG:7.1.2.3",
        QWAC,
        alternative(DNS, x509.RFC822Name("a@b.test")),
        marks=pytest.mark.req("CABF-EVG:7.1.2.3"),
        id="CABF-EVG:7.1.2.3",
    ),
    pytest.param(
        "CABF-EVG:7.1.2.2",
        EVW,
        without(REGISTRATION),
        marks=pytest.mark.req("CABF-EVG:7.1.2.2"),
        id="CABF-EVG:7.1.2.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.2.2",
        EVW,
        extension(REGISTRATION, b"\x30\x00"),
        marks=pytest.mark.req("CABF-EVG:7.1.2.2"),
        id="CABF-EVG:7.1.2.2",
    ),
    pytest.param(
        "CABF-EVG:7.1.2.2",
        OVW,
        extension(REGISTRATION, cabf.write_organization_identifier("NTR", "XX", "A", "TEST-2")),
        marks=pytest.mark.req("CABF-EVG:7.1.2.2"),
        id="CABF-EVG:7.1.2.2",
    ),
    pytest.param(
        "CABF-SMIME:7.1.2.3",
        "smime-mailbox",
        lambda bench: bench.put(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.CLIENT_AUTH])
        ),
        marks=pytest.mark.req("CABF-SMIME:7.1.2.3"),
        id="CABF-SMIME:7.1.2.3",
    ),
    pytest.param(
        "CABF-SMIME:7.1.2.3",
        "smime-mailbox",
        alternative(x509.RFC822Name("a@b.test"), DNS),
        marks=pytest.mark.req("CABF-SMIME:7.1.2.3"),
        id="CABF-SMIME:7.1.2.3",
    ),
    pytest.param(
        "CABF-SMIME:7.1.6.1",
        "smime-mailbox",
        policies("2.23.140.1.5.2.3"),
        marks=pytest.mark.req("CABF-SMIME:7.1.6.1"),
        id="CABF-SMIME:7.1.6.1",
    ),
    pytest.param(
        "CABF-SMIME:7.1.6.1",
        "smime-mailbox",
        policies("2.23.140.1.5.1.3", "2.23.140.1.5.1.2"),
        marks=pytest.mark.req("CABF-SMIME:7.1.6.1"),
        id="CABF-SMIME:7.1.6.1",
    ),
    pytest.param(
        "CABF-SMIME:7.1.4.2.2",
        "smime-sponsored",
        subject(SUBJECTS["smime-sponsored"], commonName="Bert TEST"),
        marks=pytest.mark.req("CABF-SMIME:7.1.4.2.2"),
        id="CABF-SMIME:7.1.4.2.2",
    ),
    pytest.param(
        "CABF-SMIME:7.1.4.2.2",
        "smime-mailbox",
        subject({"commonName": "anna@other.example"}),
        marks=pytest.mark.req("CABF-SMIME:7.1.4.2.2"),
        id="CABF-SMIME:7.1.4.2.2",
    ),
    pytest.param(
        "RFC6962:3.1",
        EVW,
        lambda bench: bench.put(x509.PrecertPoison()),
        marks=pytest.mark.req("RFC6962:3.1"),
        id="RFC6962:3.1",
    ),
    pytest.param(
        "RFC6962:3.1",
        EVW,
        lambda bench: extension(SCT_LIST, b"\x04\x02\0\0")(bench.put(x509.PrecertPoison(), critical=True)),
        marks=pytest.mark.req("RFC6962:3.1"),
        id="RFC6962:3.1",
    ),
    pytest.param(
        "RFC6962:3.1",
        OVW,
        extension(SCT_LIST, b"\x04\x02\0\0", critical=True),
        marks=pytest.mark.req("RFC6962:3.1"),
        id="RFC6962:3.1",
    ),
    pytest.param(
        "RFC6962:3.1",
        EVW,
        lambda bench: bench.surrounded(settings=WITH_LOGS),
        marks=pytest.mark.req("RFC6962:3.1"),
        id="RFC6962:3.1",
    ),
    pytest.param(
        "TS119411-5:4.2.2",
        "qwac-binding",
        lambda bench: bench.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
        marks=pytest.mark.req("TS119411-5:4.2.2"),
        id="TS119411-5:4.2.2",
    ),
    pytest.param(
        "TS119411-5:4.2.2",
        "qncp-w-gen-legal",
        lambda bench: bench.put(x509.ExtendedKeyUsage([ObjectIdentifier("0.4.0.194115.1.0")])),
        marks=pytest.mark.req("TS119411-5:4.2.2"),
        id="TS119411-5:4.2.2",
    ),
    pytest.param(
        "TS119495:GEN-5.1-1",
        QSEAL,
        sign(),
        marks=pytest.mark.req("TS119495:GEN-5.1-1"),
        id="TS119495:GEN-5.1-1",
    ),
    pytest.param(
        "TS119495:GEN-5.1-1",
        "legal-qcp-l-qscd",
        pays(ROLES),
        marks=pytest.mark.req("TS119495:GEN-5.1-1"),
        id="TS119495:GEN-5.1-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.2-1",
        QSEAL,
        pays([]),
        marks=pytest.mark.req("TS119495:GEN-5.2.2-1"),
        id="TS119495:GEN-5.2.2-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.2-1",
        QSEAL,
        pays([*ROLES, *ROLES]),
        marks=pytest.mark.req("TS119495:GEN-5.2.2-1"),
        id="TS119495:GEN-5.2.2-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.2-1",
        QSEAL,
        pays([*ROLES, ("0.4.0.19495.1.0", "Unspecified")]),
        marks=pytest.mark.req("TS119495:GEN-5.2.2-1"),
        id="TS119495:GEN-5.2.2-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.2-5",
        QSEAL,
        pays([("0.4.0.19495.1.1", "PSP_PI")]),
        marks=pytest.mark.req("TS119495:GEN-5.2.2-5"),
        id="TS119495:GEN-5.2.2-5",
    ),
    pytest.param(
        "TS119495:GEN-5.2.2-5",
        QSEAL,
        pays([("0.4.0.19495.1.9", "PSP_XX")]),
        marks=pytest.mark.req("TS119495:GEN-5.2.2-5"),
        id="TS119495:GEN-5.2.2-5",
    ),
    pytest.param(
        "TS119495:GEN-5.2.3-1",
        QSEAL,
        pays(ROLES, "\u0391\u03c1\u03c7\u03ae"),
        marks=pytest.mark.req("TS119495:GEN-5.2.3-1"),
        id="TS119495:GEN-5.2.3-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.3-1",
        QSEAL,
        pays(ROLES, " "),
        marks=pytest.mark.req("TS119495:GEN-5.2.3-1"),
        id="TS119495:GEN-5.2.3-1",
    ),
    pytest.param(
        "TS119495:GEN-5.2.3-2",
        QSEAL,
        pays(ROLES, authority="XX-N"),
        marks=pytest.mark.req("TS119495:GEN-5.2.3-2"),
        id="TS119495:GEN-5.2.3-2",
    ),
    pytest.param(
        "TS119495:GEN-5.2.3-2",
        QSEAL,
        pays(ROLES, authority="DE-NCA"),
        marks=pytest.mark.req("TS119495:GEN-5.2.3-2"),
        id="TS119495:GEN-5.2.3-2",
    ),
    pytest.param(
        "TS119495:GEN-5.2.1-3",
        QSEAL,
        subject(LEGAL, organizationIdentifier="PSDXX-OTHER-1"),
        marks=pytest.mark.req("TS119495:GEN-5.2.1-3"),
        id="TS119495:GEN-5.2.1-3",
    ),
    pytest.param(
        "TS119495:GEN-5.2.1-3",
        QWAC,
        subject(EV, organizationIdentifier="NTRXX-TEST-2"),
        marks=pytest.mark.req("TS119495:GEN-5.2.1-3"),
        id="TS119495:GEN-5.2.1-3",
    ),
    pytest.param(
        "TS119495:OVR-6.1-3",
        EVW,
        policies("2.23.140.1.1", "0.4.0.2042.1.4", qcs.QCP_W, "0.4.0.19495.3.1"),
        marks=pytest.mark.req("TS119495:OVR-6.1-3"),
        id="TS119495:OVR-6.1-3",
    ),
    pytest.param(
        "TS119495:OVR-6.1-3",
        QWAC,
        policies("2.23.140.1.1", "0.4.0.2042.1.4", qcs.QCP_W),
        marks=pytest.mark.req("TS119495:OVR-6.1-3"),
        id="TS119495:OVR-6.1-3",
    ),
]


@pytest.mark.parametrize(("lint_id", "profile", "spoil"), CASES)
def test_a_spoiled_certificate_is_found(
    benches: Benches, lint_id: str, profile: str, spoil: Callable[[Bench], Bench]
) -> None:
    bench = benches[profile]
    assert lint_id not in found_by_lints(bench)
    assert lint_id in found_by_lints(spoil(bench))


@pytest.mark.req("EN319412-1:NAT-5.1.3-05", "EN319412-1:LEG-5.1.4-05")
@pytest.mark.parametrize(
    ("profile", "given", "attribute", "scheme"),
    [
        ("natural-ncp", NATURAL, "serialNumber", qcs.SEMANTICS_NATURAL),
        ("legal-ncp", LEGAL, "organizationIdentifier", qcs.SEMANTICS_LEGAL),
    ],
)
def test_a_local_scheme_is_taken_with_who_registers_it(
    benches: Benches, profile: str, given: dict[str, str], attribute: str, scheme: str
) -> None:
    bench = subject(given, **{attribute: "EI:UN-1"})(benches[profile])
    stated = statements(qcs.semantics(scheme, ["https://register.example"]))
    assert found_by_lints(stated(bench)) == set()


@pytest.mark.req("EN319412-1:NAT-5.1.5-03", "EN319412-1:LEG-5.1.6-03")
def test_identifiers_of_the_eidas_network_are_taken(benches: Benches) -> None:
    natural = meaning(NATURAL, qcs.SEMANTICS_EIDAS_NATURAL, serialNumber="XX/UN/12345")
    legal = meaning(LEGAL, qcs.SEMANTICS_EIDAS_LEGAL, organizationIdentifier="XX/XA/12345")
    assert found_by_lints(natural(benches["natural-ncp"])) == set()
    assert found_by_lints(legal(benches["legal-ncp"])) == set()


@pytest.mark.req("EN319412-1:LEG-5.1.4-02")
@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("NTRXX+AB-1", True),
        ("NTRXX+ABCD-1", False),
        ("VATXX+AB-1", False),
        ("EORXX-1", True),
        ("EXCXX-1", True),
        ("GOVXX-1", False),
    ],
)
def test_a_trade_register_may_be_of_a_part_of_a_country(benches: Benches, value: str, *, fine: bool) -> None:
    stated = meaning(LEGAL, qcs.SEMANTICS_LEGAL, organizationIdentifier=value)
    assert (found_by_lints(stated(benches["legal-ncp"])) == set()) == fine


@pytest.mark.req("EN319412-5:QCS-4.3.4-01")
def test_a_language_has_one_disclosure_statement(benches: Benches) -> None:
    twice = qcs.pds([("en", "https://tsp.example.com/a"), ("en", "https://tsp.example.com/b")])
    spoiled = statements(qcs.compliance(), qcs.sscd(), qcs.qc_type(qcs.QC_TYPE_ESIGN), twice)
    assert "EN319412-5:QCS-4.3.4-01" in found_by_lints(spoiled(benches["natural-qcp-n-qscd"]))


def test_payment_services_are_named_by_their_authority() -> None:
    assert PSD2_ID.startswith("PSDXX-NCA-")
