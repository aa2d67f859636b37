"""A validated signature and the trusted list of its country: whether it is a qualified one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from listed_services import a_service, a_state, lists
from qualified_reports import CA, COMPLIANCE, DEVICE, FOR_ESIGN, FRESH, KEYS, NOW, certify, report

from trustworks.core.pki.trusted_lists.uris import WITHDRAWN
from trustworks.formats.data import Octets
from trustworks.validation.policies.policy import shipped
from trustworks.validation.qualification.model import PathMember
from trustworks.validation.qualifying import qualifications
from trustworks.validation.rules.inputs import NOTHING
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from trustworks.validation.rules.inputs import Extra


@pytest.mark.req("TS119441:VPR-B-02")
@pytest.mark.req("TS119441:SVR-B-13")
@pytest.mark.req("TS119172-4:REQ-4.4.2-03")
@pytest.mark.req("TS119172-4:REQ-4.4.2-06")
@pytest.mark.parametrize(
    ("statements", "extra", "level"),
    [
        ((COMPLIANCE, FOR_ESIGN, DEVICE), FRESH, "QESig"),
        ((COMPLIANCE, FOR_ESIGN), FRESH, "AdESig-QC"),
        ((COMPLIANCE, FOR_ESIGN, DEVICE), NOTHING, "Indeterminate QESig"),
        ((), FRESH, "AdES"),
    ],
    ids=["qualified", "no device", "not known whether revoked", "no statements"],
)
def test_the_level_is_of_certificate_device_and_validity(
    statements: tuple[bytes, ...], extra: Extra, level: str
) -> None:
    (found,) = report(*statements, extra=extra).plain()["signatures"]
    assert found["qualification"] == level
    assert found["certificate_qualification"]["country"] == "EL"


@pytest.mark.req("TS119172-4:REQ-4.4.2-01")
def test_the_certificate_is_looked_at_for_the_time_that_is_proven() -> None:
    """The service was withdrawn yesterday: what is proven to be older is qualified, and nothing else."""
    key = CA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    member = PathMember(subject=CA.subject.public_bytes(), key=key)
    gone = a_state(member=member, status=WITHDRAWN, since=NOW - timedelta(days=1))
    trusted = lists(a_service(gone, a_state(member=member)))
    found = report(COMPLIANCE, FOR_ESIGN, DEVICE, trusted=trusted)
    levels = []
    for days in (0, 2):
        proven = replace(found.outcome.signatures[0], best_signature_time=NOW - timedelta(days=days))
        qualified = qualifications(
            found.evidence,
            replace(found.outcome, signatures=(proven,)),
            extra=found.extra,
            trust=Trust.of([CA.public_bytes(Encoding.DER)]),
            lists=trusted,
        )
        levels.append(qualified.signatures[proven.id].level.value)
    assert levels == ["AdES", "QESig"]


@pytest.mark.req("TS119441:VPR-8.1-11")
def test_what_a_policy_lacks_for_qualified_signatures_is_said() -> None:
    found = report(COMPLIANCE, FOR_ESIGN, DEVICE)
    (said, *_) = found.plain()["qualification_policy"]
    assert said == "revocation data about a signer may be older than 24 hours (signature, freshness)"
    assert f"warning: The policy is none for qualified signatures: {said}; " in found.text()
    fitting = replace(found, policy=shipped("qualified"))
    assert fitting.plain()["qualification_policy"] == []
    assert "none for qualified" not in fitting.text()


def test_a_provider_that_is_not_listed_makes_no_qualified_signatures() -> None:
    other = PathMember(subject=b"other", key=b"other")
    found = report(COMPLIANCE, FOR_ESIGN, DEVICE, trusted=lists(a_service(a_state(member=other))))
    assert found.plain()["signatures"][0]["qualification"] == "AdES"
    assert "  qualified  AdES" in found.text().splitlines()


def test_without_trusted_lists_nothing_is_said_of_qualification() -> None:
    validator = Validator(policy=shipped(), trust=Trust.of([CA.public_bytes(Encoding.DER)]))
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"contract")
    signer = certify("signer")
    octets = builder.add_signer(signer, KEYS["signer"], hashes.SHA256()).sign(Encoding.DER, [])
    found = validator.validate(Octets(octets))
    assert found.qualifications is None
    assert found.plain()["signatures"][0]["qualification"] is None
    assert "qualified" not in found.text()
