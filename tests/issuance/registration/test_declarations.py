"""What a certificate states beside the name: asked for, shown by evidence, and never more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from issuance_testbed import make_csr
from registration_testbed import (
    AUTHORIZED,
    DIRECTOR,
    PAYER,
    PAYMENTS,
    applied,
    ask,
    ask_payments,
    piece,
    seen,
    seen_payments,
)

from trustworks.core.der.qc_statements import IDENTIFICATION_METHODS, read_qc_statements
from trustworks.core.errors import Refused, Rejected
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, Limit, PaymentServices
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration import rules
from trustworks.issuance.registration.model import About, Application, Fact
from trustworks.issuance.registration.review import Reviewer

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.issuance.registration.service import Registration

QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
LIMIT = Limit(currency="EUR", amount=5, exponent=3)
METHODS = Reviewer(RegistrationSettings(), lab=True).methods
ROLE = "paymentServiceRole"
one_database = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def statements(provider: Provider, serial: str | None) -> Any:
    record = provider.issuance.find(serial or "")
    assert record is not None
    assert record.der is not None
    certificate = x509.load_der_x509_certificate(record.der)
    extension: Any = certificate.extensions.get_extension_for_oid(QC_STATEMENTS)
    return read_qc_statements(extension.value.value)


def approve(desk: Registration, identifier: str) -> Any:
    return desk.approve(identifier, by="olga", reason="Seen in person.")


def payer(
    services: PaymentServices = PAYMENTS, facts: tuple[Fact, ...] = AUTHORIZED, **changes: Any
) -> Application:
    """A payment service provider's application with its evidence."""
    asked = ask_payments(services, csr=b"", **changes)
    return applied(asked, piece(About.ORGANIZATION, facts), piece(About.REPRESENTATIVE, DIRECTOR))


def differences(application: Application) -> list[tuple[str, str, tuple[str, ...]]]:
    found = rules.compare(application, assigned=("serialNumber",), lab=True)
    return [(one.attribute, one.asked, one.shown) for one in found if not one.agrees]


def method_of(application: Application, *, qualified: bool = True) -> str | None:
    return rules.stated(application, METHODS, qualified=qualified).identification


@one_database
def test_a_limit_and_how_the_subject_was_identified_are_stated(
    desk: Registration, provider: Provider
) -> None:
    wrong = (
        {"profile": "natural-ncp", "declarations": Declarations(limit=LIMIT)},
        {"declarations": Declarations(payment_services=PAYMENTS)},
        {"declarations": Declarations(limit=replace(LIMIT, currency="XXX"))},
        {"declarations": Declarations(identification="eIDAS2-acd")},
    )
    for one in wrong:
        with pytest.raises(Rejected):
            desk.submit(ask(**one), by="ra-desk")
    assert desk.counts() == {}
    identifier = desk.submit(ask(declarations=Declarations(limit=LIMIT)), by="ra-desk").id
    assert desk.review(identifier).declarations == Declarations(limit=LIMIT)
    seen(desk, identifier)
    assert desk.review(identifier).declarations.identification == "eIDAS2-acd"
    stated = statements(provider, approve(desk, identifier).serial)
    assert stated.limits == (("EUR", 5, 3),)
    assert stated.methods == (IDENTIFICATION_METHODS["eIDAS2-acd"],)


@one_database
@pytest.mark.req("TS119495:REG-6.2.2-1", "EN319411-1:REG-6.3.7-01B")
def test_what_the_register_shows_of_a_payment_service_provider_is_stated(
    desk: Registration, provider: Provider
) -> None:
    first = desk.submit(ask_payments(), by="ra-desk").id
    seen_payments(desk, first)
    serial = approve(desk, first).serial
    ((roles, name, authority),) = statements(provider, serial).psd2
    assert [role for _, role in roles] == ["PSP_AS", "PSP_PI"]
    assert (name, authority) == ("Supervisor TEST", "XX-NCA")
    # In a renewal a role that is new is shown anew, and no other.
    more = replace(PAYMENTS, roles=(*PAYMENTS.roles, "PSP_AI"))
    for asked, new in ((PAYMENTS, []), (more, [ROLE])):
        again = desk.submit(ask_payments(asked, renews=serial, csr=make_csr()), by="ra-desk").id
        seen_payments(desk, again)  # as old as the first
        changed = [one for one in desk.review(again).objections if one.requirement.endswith("REG-6.3.7-01B")]
        assert [one.sentence.split()[0] for one in changed] == new


@pytest.mark.req("TS119495:REG-6.2.2-1", "EN319411-1:REG-6.2.2-02AC")
@pytest.mark.parametrize(
    ("asked", "attribute", "value"),
    [
        (replace(PAYMENTS, roles=("PSP_AS", "PSP_IC")), ROLE, "PSP_IC"),
        (replace(PAYMENTS, authority_name="Another TEST"), "competentAuthorityName", "Another TEST"),
        (replace(PAYMENTS, authority="XX-OTHER"), "competentAuthorityIdentifier", "XX-OTHER"),
    ],
)
def test_what_the_register_does_not_show_is_refused(
    asked: PaymentServices, attribute: str, value: str
) -> None:
    assert differences(payer()) == []
    ((name, wanted, shown),) = differences(payer(asked))
    assert (name, wanted) == (attribute, value)
    assert value not in shown
    comparison = rules.compare(payer(asked), assigned=("serialNumber",), lab=True)
    with pytest.raises(Refused, match=attribute):
        rules.check_nothing_against(rules.request_equals_evidence(comparison))


@pytest.mark.req("TS119495:REG-6.2.2-1")
def test_the_number_is_the_one_of_the_authorization() -> None:
    other = (
        *(one for one in AUTHORIZED if one.type != "authorizationNumber"),
        Fact("authorizationNumber", "9"),
    )
    assert differences(payer(facts=other)) == [("authorizationNumber", "1234", ("9",))]
    bare = tuple(one for one in AUTHORIZED if one.type in {"organizationName", "organizationIdentifier"})
    names = {name for name, _, _ in differences(payer(facts=bare))}
    assert names >= {"authorizationNumber", "competentAuthorityName", "competentAuthorityIdentifier", ROLE}
    subject = tuple(
        NameAttribute(one.type, "NTRXX-1") if one.type == "organizationIdentifier" else one for one in PAYER
    )
    assert "authorizationNumber" not in {name for name, _, _ in differences(payer(subject=subject))}
    # What its representative says of it shows nothing.
    said = applied(ask_payments(csr=b""), piece(About.REPRESENTATIVE, (*DIRECTOR, *AUTHORIZED)))
    assert ROLE in {name for name, _, _ in differences(said)}


@pytest.mark.req("EN319411-1:REG-6.2.2-22")
def test_what_somebody_may_do_with_payments_is_no_business_of_other_profiles() -> None:
    role = (Fact(ROLE, "PSP_AS"),)
    rules.check_only_what_is_needed(role, profile_named("psd2-qseal"), about=About.ORGANIZATION)
    for profile, about in (
        ("legal-qcp-l", About.ORGANIZATION),
        ("natural-qcp-n", About.SUBJECT),
        ("psd2-qseal", About.REPRESENTATIVE),
    ):
        with pytest.raises(Rejected, match="is not needed"):
            rules.check_only_what_is_needed(role, profile_named(profile), about=about)


@pytest.mark.req("TRUSTWORKS:IDENTIFICATION-FOLLOWS")
def test_how_the_subject_was_identified_is_what_was_done() -> None:
    by_certificate = piece(method="qualified-certificate")
    assert method_of(applied(ask(csr=b""), piece())) == "eIDAS2-acd"
    assert method_of(applied(ask(csr=b""), by_certificate)) == "eIDAS2-b"
    assert method_of(applied(ask(csr=b""), by_certificate, piece(method="eudi-wallet"))) is None
    assert method_of(applied(ask(csr=b""), piece(), piece(method="document-copy"))) is None
    assert method_of(applied(ask(csr=b""), piece(method="of-yesterday"))) is None
    assert method_of(applied(ask(csr=b""))) is None
    assert method_of(payer()) == "eIDAS2-acd"  # its representative's
    assert method_of(applied(ask(csr=b""), piece()), qualified=False) is None
