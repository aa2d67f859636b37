"""Problem documents (RFC 9457)."""

from __future__ import annotations

import json

from trustworks.core import problems


def test_a_problem_says_what_went_wrong_and_is_kept_by_nobody() -> None:
    found = problems.document("urn:x:gone", status=404, title="Not found", detail="Es ist weg: ü.")
    answer = problems.response(found, ("retry-after", "5"))
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert answer.headers == (("cache-control", "no-store"), ("retry-after", "5"))
    assert answer.body.isascii()
    assert json.loads(answer.body) == {
        "type": "urn:x:gone",
        "title": "Not found",
        "status": 404,
        "detail": "Es ist weg: ü.",
    }


def test_members_of_an_interface_do_not_stand_for_those_of_the_standard() -> None:
    found = problems.document(
        "urn:x", status=400, detail="So.", more={"status": 200, "algorithms": ["ES256"]}
    )
    assert found == {"type": "urn:x", "status": 400, "detail": "So.", "algorithms": ["ES256"]}
