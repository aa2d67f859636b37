"""Which media type a client gets (RFC 9110, 12.5.1)."""

from __future__ import annotations

import pytest

from trustworks.validation.http.accept import wanted

OFFERED = ("application/json", "text/html", "application/xml")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/xml", "application/xml"),
        ("application/*;q=0.5, text/html;q=0.4", "application/json"),
        ("application/json;q=0, */*", "text/html"),
        ("text/*;q=0.1, application/xml;q=0.2", "application/xml"),
        ("TEXT/HTML", "text/html"),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=much", None),
        (",,;", None),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, expected: str | None) -> None:
    assert wanted(accept, OFFERED) == expected
