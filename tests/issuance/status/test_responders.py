"""OCSP for authorities that ceremonies made: nothing is done for one before somebody asks about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from status_provider import DAY, OCSP_SIGNER, SHA1, SUBJECT_KEY, certify, request, usage

from trustworks.core.der.ocsp import ResponseStatus
from trustworks.core.module import KeyAlgorithm
from trustworks.issuance.status.responders import Responders

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from status_provider import Provider

# The databases differ for lists (test_publisher.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def second_authority(provider: Provider) -> None:
    key = provider.key("second", KeyAlgorithm.P256)
    provider.keys["second"] = key
    root = provider.certificates["root"], provider.keys["root"]
    made = provider._certify("TEST Second", key, *root, life=1000 * DAY)
    provider._authority("second", made, key, "root")


def signer_of_second(provider: Provider) -> Certificate:
    signer = certify(
        "TEST OCSP 2",
        provider.keys["ocsp"].public_key,
        provider.certificates["second"],
        provider.keys["second"],
        *OCSP_SIGNER,
        life=30 * DAY,
        since=provider.began,
    )
    provider.add(signer, "second", "ocsp-signer", spki_sha256=provider.keys["ocsp"].spki_sha256)
    return signer


def issued_by_second(provider: Provider) -> Certificate:
    certificate = certify(
        "TEST Subject",
        SUBJECT_KEY,
        provider.certificates["second"],
        provider.keys["second"],
        usage("digital_signature"),
        since=provider.began,
    )
    provider.add(certificate, "second")
    return certificate


class Seconds:
    """A clock that only grows when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_further_authority_is_answered_for_once_its_signer_is_certified(provider: Provider) -> None:
    seconds = Seconds()
    responders = Responders(
        provider.responder(),
        provider.settings.ocsp,
        key=provider.keys["ocsp"],
        database=provider.database,
        clock=provider.clock,
        monotonic=seconds,
    )
    second_authority(provider)
    asked = request(issued_by_second(provider), provider.certificates["second"])
    assert responders.answer(asked).status is ResponseStatus.tryLater
    signer = signer_of_second(provider)
    for algorithm in (SHA1, hashes.SHA256()):
        asked = request(issued_by_second(provider), provider.certificates["second"], algorithm)
        answer = ocsp.load_der_ocsp_response(responders.answer(asked).der)
        assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
        assert answer.certificates == [signer]
        signer.verify_directly_issued_by(provider.certificates["second"])
    unknown = certify(
        "TEST Subject",
        SUBJECT_KEY,
        provider.certificates["second"],
        provider.keys["second"],
        usage("digital_signature"),
        since=provider.began,
    )
    other = request(unknown, provider.certificates["second"])
    never = ocsp.load_der_ocsp_response(responders.answer(other).der)
    assert never.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert responders.first.answer(asked).status is ResponseStatus.unauthorized
    own = request(provider.issue(), provider.certificates["issuing"])
    assert responders.answer(own).result == "good"


def test_a_revoked_signer_is_followed_by_the_newest_that_is_good(provider: Provider) -> None:
    seconds = Seconds()
    responders = Responders(
        provider.responder(),
        provider.settings.ocsp,
        key=provider.keys["ocsp"],
        database=provider.database,
        clock=provider.clock,
        monotonic=seconds,
    )
    second_authority(provider)
    first = signer_of_second(provider)
    asked = request(issued_by_second(provider), provider.certificates["second"])
    assert responders.answer(asked).result == "good"
    provider.revoke(first)
    again = signer_of_second(provider)
    seconds.now += 61
    answer = ocsp.load_der_ocsp_response(responders.answer(asked).der)
    assert answer.certificates == [again]


def test_strangers_are_answered_as_before_and_looked_for_once_a_second(provider: Provider) -> None:
    seconds = Seconds()
    responders = Responders(
        provider.responder(),
        provider.settings.ocsp,
        key=provider.keys["ocsp"],
        database=provider.database,
        clock=provider.clock,
        monotonic=seconds,
    )
    root = request(provider.certificates["issuing"], provider.certificates["root"])
    assert responders.answer(root).status is ResponseStatus.unauthorized  # a root's lists tell, and no signer
    assert responders.answer(b"nonsense").status is ResponseStatus.malformedRequest
    second_authority(provider)
    asked = request(issued_by_second(provider), provider.certificates["second"])
    assert responders.answer(asked).status is ResponseStatus.unauthorized  # not looked for again yet
    seconds.now += 1
    assert responders.answer(asked).status is ResponseStatus.tryLater
