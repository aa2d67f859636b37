"""What cannot be sealed is refused by the service, with a sentence; the command is in `cli`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bad_input import CASES
from signing_desk import Here, encoded, opened, post, seal_of
from signing_house import NOW, TEXT, house
from sqlalchemy import select

from trustworks.core.errors import Rejected, Unavailable
from trustworks.signing import records
from trustworks.signing.create.process import Creation, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from signing_house import Person

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.signing.create.levels import Means


class Down:
    """A time-stamping authority, or who tells the status of certificates: neither is to be had."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        del digest, hash_name
        raise Unavailable("timestamping.unreachable", "The authority cannot be reached.")

    def evidence_of(self, certificate: bytes, *_: object, since: object = None, **__: object) -> Any:
        if since is None:
            return house().evidence_of(certificate, NOW)
        raise Unavailable("evidence.missing", "Asked was http://127.0.0.1/ca.crl, and nobody answers.")


class Revoked:
    """Tells that every certificate is revoked."""

    def evidence_of(self, *_: object, **__: object) -> Any:
        raise Rejected("evidence.revoked", "The certificate was revoked. Nothing can show that it stood.")


def sealed(
    database: Database, recorder: Recorder, body: dict[str, Any], person: Person, means: Means
) -> tuple[int, str, list[str]]:
    """Status, sentence, and what the records say of the seal afterwards."""
    pool = Here()
    pool.creation = Creation(means=means, terms=Terms(lab=True))
    message = {"seal": "main", "format": "cades", **body}
    with opened(database, recorder, pool=pool, seals={"main": seal_of(person)}) as desk:
        status, told = post(desk, "/seals", message)
    assert "content" not in told
    with database.read() as connection:
        states = [row.state for row in connection.execute(select(records.seals))]
    return status, told.get("detail", ""), states


def a_text() -> dict[str, Any]:
    return {"documents": [{"content": encoded(TEXT), "name": "a.txt"}]}


@pytest.mark.parametrize("name", CASES)
def test_a_document_that_cannot_be_sealed_is_refused(
    database: Database, recorder: Recorder, name: str
) -> None:
    case = CASES[name]
    body = {
        "documents": [{"content": encoded(case.make()), "name": case.file}],
        "format": "pades" if case.file.endswith("pdf") else "xades",
        **case.members,
    }
    status, said, states = sealed(database, recorder, body, house().person(), house().means)
    assert (status in {400, 422}, states) == (True, ["failed"])
    assert case.words in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"since": NOW - timedelta(days=9), "until": NOW - timedelta(days=1)}, "ended at"),
        ({"since": NOW + timedelta(days=1)}, "may sign from"),
        ({"usage": ("key_encipherment",)}, "is for keyEncipherment alone"),
    ],
)
def test_a_certificate_that_may_not_seal_is_refused(
    database: Database, recorder: Recorder, changes: dict[str, Any], words: str
) -> None:
    person = house().person(**changes)
    status, said, states = sealed(database, recorder, a_text(), person, house().means)
    assert (status, states) == (422, ["failed"])
    assert words in said


@pytest.mark.parametrize(
    ("means", "level", "status", "words"),
    [
        (lambda: replace(house().means, stamper=Down()), "B-T", 503, "cannot be reached"),
        (lambda: replace(house().means, evidence=Down()), "B-LT", 503, "http://127.0.0.1/ca.crl"),
        (lambda: replace(house().means, evidence=Revoked()), "B-B", 422, "was revoked"),
    ],
    ids=["authority down", "status down", "revoked"],
)
def test_what_is_not_to_be_had_is_told_and_no_lower_level_is_given(
    database: Database,
    recorder: Recorder,
    means: Callable[[], Means],
    level: str,
    status: int,
    words: str,
) -> None:
    found, said, states = sealed(database, recorder, a_text() | {"level": level}, house().person(), means())
    assert (found, states[0] in {"failed", "signed"}) == (status, True)
    assert words in said
