"""Which policies are for qualified signatures and seals, and what others lack."""

from __future__ import annotations

import pytest

from trustworks.validation.policies import applicability
from trustworks.validation.policies.policy import SHIPPED, parse, shipped

HEAD = 'name = "n"\nidentifier = "urn:n"\nbased-on = "qualified"\n'
SIGNER = "[signature.signing-certificate]\n"


def objections(text: str) -> tuple[str, ...]:
    return applicability.objections(parse(HEAD + text))


def test_of_what_is_shipped_two_are_for_qualified_signatures() -> None:
    found = {name: applicability.objections(shipped(name)) for name in SHIPPED}
    assert [name for name, said in found.items() if not said] == ["qualified", "preservation"]
    assert objections("") == ()


@pytest.mark.req("TS119172-4:REQ-4.2-03-c-ii")
@pytest.mark.parametrize("name", ["revocation-data-available", "acceptable-revocation-data-found"])
@pytest.mark.parametrize("context", ["signature", "counter-signature"])
def test_a_signer_without_revocation_data_is_none(context: str, name: str) -> None:
    (said,) = objections(f'[{context}.signing-certificate]\n{name} = "warn"')
    assert f"without revocation data ({context}, {name})" in said


@pytest.mark.req("TS119172-4:REQ-4.2-03-c-iv")
@pytest.mark.parametrize(
    ("freshness", "fits"),
    [
        ('{ level = "fail", at-most = "24h" }', True),
        ('{ level = "fail", at-most = "0s" }', True),
        ('{ level = "fail", at-most = "86401s" }', False),
        ('{ level = "warn", at-most = "24h" }', False),
        ('"ignore"', False),
    ],
)
def test_data_about_a_signer_is_a_day_old_at_most(freshness: str, fits: bool) -> None:
    said = objections(f"{SIGNER}freshness = {freshness}")
    assert bool(said) is not fits


@pytest.mark.req("TS119172-4:REQ-4.2-03-c-iv-OTHERS")
@pytest.mark.parametrize(
    "section",
    ["signature.ca-certificate", "time-stamp.signing-certificate", "revocation.signing-certificate"],
)
def test_data_about_others_may_be_of_any_age(section: str) -> None:
    (said,) = objections(f'[{section}]\nfreshness = {{ level = "fail", at-most = "24h" }}')
    assert said.startswith("an age is asked of revocation data about others")


@pytest.mark.req("TS119172-4:REQ-4.2-03-h")
def test_the_signature_protects_which_certificate_is_its_own() -> None:
    (said,) = objections('[signature.signed-attributes]\nsigning-certificate-present = "warn"')
    assert "need not sign which certificate" in said


@pytest.mark.req("TS119441:VPR-B-16")
def test_algorithms_are_the_agreed_ones() -> None:
    (said,) = applicability.objections(parse(HEAD.replace("based-on", 'suite = "ts119312"\nbased-on')))
    assert "not the ECCG's agreed mechanisms" in said
