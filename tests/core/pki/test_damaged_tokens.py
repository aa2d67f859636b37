"""Whatever octets come in: a token is read, refused with a sentence, or judged."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any

from cryptography import x509
from foreign_pki import NOW, RICH, ROOT, judged, path_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import damaged

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import Path, TrustAnchors
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.pki.validation import validate_path
from trustworks.validation import Trust, validate_certificate
from trustworks.validation.policies.policy import parse

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = {
    "certificate": (RICH.der, ROOT.der),
    "list": (
        ROOT.crl(
            [(RICH, {"reason": x509.ReasonFlags.key_compromise})],
            extensions=[
                (x509.CRLNumber(5), False),
                (
                    x509.IssuingDistributionPoint(
                        [x509.UniformResourceIdentifier("http://example.org/1.crl")],
                        None,
                        only_contains_user_certs=True,
                        only_contains_ca_certs=False,
                        only_some_reasons=None,
                        indirect_crl=True,
                        only_contains_attribute_certs=False,
                    ),
                    True,
                ),
            ],
        ).der,
    ),
    "answer": (ROOT.answer(RICH, ROOT).der, ROOT.answer(RICH, ROOT, "revoked", by_name=True).der),
}


PLAIN = parse('name = "plain"\nidentifier = "urn:example:plain"\n')
READERS: dict[str, Callable[[bytes], Any]] = {
    "certificate": Certificate.read,
    "list": RevocationList.read,
    "answer": OcspAnswer.read,
}


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(SEEDS)))
def test_damaged_tokens_are_read_refused_or_judged(seed: int, kind: str) -> None:
    random = Random(seed)  # noqa: S311 - damage, not secrets
    for octets in damaged(random.choice(SEEDS[kind]), random, 5):
        try:
            token = READERS[kind](octets)
        except Malformed:
            continue
        everything(token)


def everything(token: Certificate | RevocationList | OcspAnswer) -> None:
    """Ask all there is to ask."""
    assert isinstance(str(token), str)
    for name, part in vars(type(token)).items():
        if isinstance(part, property | cached_property) and name not in {"unknown_critical", "_issuers"}:
            getattr(token, name)
    certificate = token if isinstance(token, Certificate) else RICH.token
    for path in (Path((certificate,), ROOT.anchor), Path((RICH.token, certificate), ROOT.anchor)):
        assert all(one.sentence.endswith(".") for one in validate_path(path, at=NOW).failures)
    result = validate_certificate(
        certificate.der,
        trust=Trust(TrustAnchors([ROOT.anchor])),
        policy=PLAIN,
        at=NOW,
        certificates=[certificate.der, RICH.der, ROOT.der],
        lists=[token.der if isinstance(token, RevocationList) else ROOT.crl().der],
        answers=[token.der] if isinstance(token, OcspAnswer) else [],
    )
    assert all(one.text.endswith(".") for one in result.conclusion.reasons())
    if isinstance(token, RevocationList):
        try:
            assert isinstance(list(token.revoked()), list)
            assert isinstance(token.unknown_critical, tuple)
        except Malformed:
            pass


def test_the_plain_path_is_still_a_path() -> None:
    """That what the damaged ones are held against holds itself."""
    assert validate_path(path_of(RICH, ROOT), at=NOW).ok
    assert judged(RICH, ROOT, lists=[ROOT.crl()], policy=PLAIN).conclusion.passed
    late = judged(RICH, ROOT, lists=[ROOT.crl()], policy=PLAIN, at=NOW + timedelta(days=9))
    assert not late.conclusion.passed
