"""Criteria that identify certificates (TS 119 612, 5.5.9.2.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from listed_services import CERTIFICATE

from trustworks.core.pki.trusted_lists.model import (
    CriteriaList,
    ExtendedKeyUsage,
    KeyUsage,
    PolicySet,
    SubjectAttributes,
    UnknownCriterion,
)
from trustworks.validation.qualification import criteria

MET = PolicySet(("1.2.3",))
NOT_MET = PolicySet(("9.9",))
UNKNOWN = UnknownCriterion("x")


@pytest.mark.req("TS119612:5.5.9.2.2.0")
@pytest.mark.parametrize(
    ("assertion", "criteria_of_list", "outcome"),
    [
        ("all", (MET, MET), True),
        ("all", (MET, NOT_MET, UNKNOWN), False),
        ("all", (MET, UNKNOWN), None),
        ("atLeastOne", (NOT_MET, MET, UNKNOWN), True),
        ("atLeastOne", (NOT_MET,), False),
        ("atLeastOne", (NOT_MET, UNKNOWN), None),
        ("none", (NOT_MET, NOT_MET), True),
        ("none", (NOT_MET, MET), False),
        ("none", (NOT_MET, UNKNOWN), None),
        ("some", (MET,), None),
        ("all", (), False),
        ("none", (), False),
        ("all", (CriteriaList("none", (NOT_MET,)), MET), True),
    ],
)
def test_criteria_are_met_as_the_list_asserts(
    assertion: str, criteria_of_list: tuple[PolicySet, ...], outcome: bool | None
) -> None:
    assert criteria.criteria_met(CriteriaList(assertion, criteria_of_list), CERTIFICATE) is outcome


@pytest.mark.req("TS119612:5.5.9.2.2.1")
def test_key_usage_matches_bit_by_bit() -> None:
    certificate = replace(CERTIFICATE, key_usage=frozenset({"nonrepudiation"}))
    signature = KeyUsage((("nonRepudiation", True), ("digitalSignature", False)))
    assert criteria.key_usage_matches(signature, certificate)
    assert not criteria.key_usage_matches(KeyUsage((("digitalSignature", True),)), certificate)
    assert not criteria.key_usage_matches(KeyUsage((("nonRepudiation", False),)), certificate)
    assert not criteria.key_usage_matches(KeyUsage((("digitalSignature", False),)), CERTIFICATE)


@pytest.mark.req("TS119612:5.5.9.2.2.2")
def test_policies_match_where_all_are_named() -> None:
    assert criteria.policies_match(MET, CERTIFICATE)
    assert not criteria.policies_match(PolicySet(("1.2.3", "9.9")), CERTIFICATE)
    assert not criteria.policies_match(PolicySet(()), replace(CERTIFICATE, policies=frozenset()))


@pytest.mark.req("TS119612:5.5.9.2.2.3-1")
def test_purposes_match_where_all_are_there() -> None:
    certificate = replace(CERTIFICATE, purposes=frozenset({"1.1", "1.2"}))
    assert criteria.purposes_match(ExtendedKeyUsage(("1.1",)), certificate)
    assert not criteria.purposes_match(ExtendedKeyUsage(("1.1", "1.3")), certificate)
    assert not criteria.purposes_match(ExtendedKeyUsage(()), CERTIFICATE)


@pytest.mark.req("TS119612:5.5.9.2.2.3-2")
def test_attributes_match_where_the_subject_has_all() -> None:
    certificate = replace(CERTIFICATE, subject_attributes=frozenset({"2.5.4.5", "2.5.4.6"}))
    assert criteria.attributes_match(SubjectAttributes(("2.5.4.5",)), certificate)
    assert not criteria.attributes_match(SubjectAttributes(("2.5.4.5", "2.5.4.97")), certificate)
