"""What a request may declare beside the subject's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from trustworks.core.errors import Rejected
from trustworks.issuance.model.requests import Declarations, Limit, PaymentServices
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.rules.declarations import check_declarations

SERVICES = PaymentServices(roles=("PSP_AS", "PSP_AI"), authority_name="Supervisor", authority="XX-NCA")
LIMIT = Limit(currency="EUR", amount=5, exponent=3)


def services(**changes: Any) -> Declarations:
    return Declarations(payment_services=replace(SERVICES, **changes))


@pytest.mark.parametrize(
    ("profile", "declared"),
    [
        ("tsu", Declarations()),
        ("natural-qcp-n", Declarations(limit=LIMIT, identification="eIDAS2-acd")),
        ("psd2-qseal", Declarations(payment_services=SERVICES, limit=LIMIT)),
        ("psd2-qwac", services(roles=("Unspecified",))),
    ],
)
def test_what_a_profile_knows_is_taken(profile: str, declared: Declarations) -> None:
    check_declarations(PROFILES[profile], declared)


@pytest.mark.parametrize(
    ("profile", "declared", "sentence"),
    [
        ("natural-ncp", Declarations(limit=LIMIT), "not qualified"),
        ("tsu", Declarations(identification="eIDAS2-b"), "not qualified"),
        ("psd2-qseal", Declarations(), "--psd2-role"),
        ("legal-qcp-l-qscd", services(), "psd2-qseal and psd2-qwac do"),
        ("natural-qcp-n", Declarations(identification="eIDAS3"), "use one of eIDAS1-ab"),
        ("natural-qcp-n", Declarations(limit=replace(LIMIT, currency="XXX")), "no currency"),
        ("natural-qcp-n", Declarations(limit=replace(LIMIT, currency="eur")), "no currency"),
        ("natural-qcp-n", Declarations(limit=replace(LIMIT, amount=-1)), "no amount"),
        ("natural-qcp-n", Declarations(limit=replace(LIMIT, exponent=-1)), "no amount"),
        ("natural-qcp-n", Declarations(limit=replace(LIMIT, exponent=13)), "no amount"),
        ("psd2-qwac", services(roles=()), "Nothing is no role"),
        ("psd2-qwac", services(roles=("PSP_XX",)), "PSP_XX is no role"),
        ("psd2-qwac", services(roles=("PSP_AS", "PSP_AS")), "once"),
        ("psd2-qwac", services(roles=("PSP_AS", "Unspecified")), "alone"),
        ("psd2-qwac", services(authority_name=""), "Latin letters"),
        ("psd2-qwac", services(authority_name="\u0391"), "Latin letters"),
        ("psd2-qwac", services(authority_name="A" * 257), "Latin letters"),
        ("psd2-qwac", services(authority="XX"), "such as XX-NCA"),
        ("psd2-qwac", services(authority="XX-N"), "such as XX-NCA"),
        ("psd2-qwac", services(authority="XX-nca"), "such as XX-NCA"),
        ("psd2-qwac", services(authority="XX-NCA-1"), "such as XX-NCA"),
    ],
)
def test_what_it_does_not_know_or_is_not_true_is_rejected(
    profile: str, declared: Declarations, sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence) as found:
        check_declarations(PROFILES[profile], declared)
    assert found.value.code == "issuance.declaration"
