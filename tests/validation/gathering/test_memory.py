"""Answers that are remembered: a status for moments only, where something is signed by it."""

from __future__ import annotations

import pytest

from trustworks.validation.gathering.memory import MOMENTS, Brief, Memory

URL = "http://ca.example/status"


class Time:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.req("TRUSTWORKS:SIGNING-STATUS-NOW")
@pytest.mark.parametrize("kind", ["ocsp", "crl"])
def test_a_status_counts_for_moments_however_long_its_issuer_lets_it(kind: str) -> None:
    time = Time()
    brief = Brief(Memory(clock=time), clock=time)
    brief.keep(kind, URL, b"", b"good", time.now + 3600)
    time.now += MOMENTS - 1
    assert brief.get(kind, URL, b"") == b"good"
    time.now += 1
    assert brief.get(kind, URL, b"") is None


@pytest.mark.req("TRUSTWORKS:SIGNING-STATUS-NOW")
@pytest.mark.parametrize("kind", ["ocsp", "crl"])
def test_a_status_that_validation_kept_is_not_taken(kind: str) -> None:
    time = Time()
    others = Memory(clock=time)
    others.keep(kind, URL, b"", b"good", time.now + 3600)
    assert Brief(others, clock=time).get(kind, URL, b"") is None
    assert others.get(kind, URL, b"") == b"good"


def test_certificates_are_kept_where_others_keep_them() -> None:
    time = Time()
    others = Memory(clock=time)
    brief = Brief(others, clock=time)
    brief.keep("issuer", URL, b"", b"certificate", time.now + 3600)
    time.now += MOMENTS + 1
    assert (brief.get("issuer", URL, b""), others.get("issuer", URL, b"")) == (b"certificate",) * 2
    brief.forget("issuer", URL, b"")
    assert others.get("issuer", URL, b"") is None
    assert Brief(None, clock=time).get("issuer", URL, b"") is None


def test_a_status_ends_when_its_issuer_says_so_if_that_is_sooner() -> None:
    time = Time()
    brief = Brief(None, clock=time)
    brief.keep("ocsp", URL, b"a question", b"good", time.now + 1)
    time.now += 1
    assert brief.get("ocsp", URL, b"a question") is None
