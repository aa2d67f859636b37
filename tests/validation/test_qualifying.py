"""A validated signature and the trusted list of its country: whether it is a qualified one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from listed_services import a_service, a_state, lists
from qualified_reports import CA, COMPLIANCE, DEVICE, FOR_ESIGN, FRESH, KEYS, certify, report

from trustworks.formats.data import Octets
from trustworks.validation.policies.policy import shipped
from trustworks.validation.qualification.model import PathMember
from trustworks.validation.rules.inputs import NOTHING
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from trustworks.validation.rules.inputs import Extra


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
