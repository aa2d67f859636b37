"""What the audit log is told of signatures: who did what when, and nothing of a document."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest
from signing_house import TEXT, documents

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.signing.events import agreed, augmented, completed, sealed, signed
from trustworks.signing.model import Container, Format, Request

if TYPE_CHECKING:
    from trustworks.core.audit import Event

KEY: Final = hashlib.sha256(b"a public key").digest()
REQUEST: Final = Request(format=Format.CADES, container=Container.ASIC_S, documents=documents(Format.CADES))

EVENTS: Final = {
    "signing.signed": lambda: signed(through="command", request=REQUEST, key=KEY, level="CAdES-BASELINE-T"),
    "signing.augmented": lambda: augmented(
        through="api", levels=["CAdES-BASELINE-LTA", "CAdES-BASELINE-LT"], client="accounting"
    ),
}


def told(event: Event) -> str:
    return json.dumps([event.type, event.subject, event.detail])


@pytest.mark.req("TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8")
@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_says_what_was_done_by_whom_with_which_outcome_and_when(kind: str) -> None:
    event = EVENTS[kind]()
    assert (event.type, event.outcome, event.actor) == (kind, "success", "signing")
    assert event.subject == ({"key": KEY.hex()} if kind == "signing.signed" else {"client": "accounting"})
    assert abs(event.time - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.req("TRUSTWORKS:SIGNING-EVENT")
def test_a_signature_is_told_by_its_key_its_format_and_its_level() -> None:
    event = EVENTS["signing.signed"]()
    assert event.subject["key"] == KEY.hex()
    assert event.detail == {
        "through": "command",
        "format": "cades",
        "container": "asic-s",
        "level": "CAdES-BASELINE-T",
        "documents": 1,
    }


@pytest.mark.req("TRUSTWORKS:SIGNING-EVENT")
@pytest.mark.parametrize("kind", EVENTS)
def test_nothing_of_a_document_is_in_the_log(kind: str) -> None:
    (document,) = REQUEST.documents
    said = told(EVENTS[kind]())
    for part in (document.name, hashlib.sha256(TEXT).hexdigest(), TEXT.decode().strip()):
        assert part is not None
        assert part not in said


@pytest.mark.req("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8")
@pytest.mark.parametrize(
    ("failed", "why"),
    [
        (Unavailable("fetch.timeout", "secret"), "fetch.timeout"),
        (Rejected("signature.level", "secret"), "signature.level"),
        (Refused("X:1", "secret"), "X:1"),
        (Malformed("secret"), "malformed"),
        (KeyboardInterrupt("secret"), "KeyboardInterrupt"),
    ],
)
def test_a_key_that_signed_in_vain_is_told(failed: BaseException, why: str) -> None:
    event = signed(through="command", request=REQUEST, key=KEY, level="B-T", failed=failed)
    assert (event.outcome, event.subject, event.detail["why"]) == ("failure", {"key": KEY.hex()}, why)
    assert "secret" not in told(event)


@pytest.mark.req("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8")
def test_a_seal_and_a_completed_signature_are_told_with_their_client() -> None:
    words = {"format": "pades", "container": None, "documents": 1, "prepared": "secret"}
    made = sealed(through="http", words=words, key=b"k", level="PAdES-BASELINE-T", client="shop")
    assert (made.type, made.outcome) == ("signing.sealed", "success")
    assert made.subject == {"key": "6b", "client": "shop"}
    assert made.detail["level"] == "PAdES-BASELINE-T"
    assert "secret" not in str(made)
    done = completed(through="http", level="CAdES-BASELINE-B", client="shop")
    assert (done.type, done.subject) == ("signing.completed", {"client": "shop"})
    agreement = agreed(key=b"k", client="shop")
    assert (agreement.type, agreement.outcome) == ("signing.agreed", "success")
    assert agreement.subject == {"key": "6b", "client": "shop"}
    assert agreement.detail == {"through": "page"}
