"""The public page on which anybody has a signed file validated, and what it is told then.

What was sent is gone when the page leaves. So the reports are in the page itself, as links that hold them.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.web.drawing import environment
from trustworks.core.http import RawResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.validation.bounded.asked import Answered
    from trustworks.validation.desk import Desk

HTML: Final = "text/html; charset=utf-8"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
    ("vary", "accept"),
)
_LONGEST_LINK: Final = 8 * 1024 * 1024
"""Octets of a report that is put into the page; a longer one is to be had by the API."""


class ValidationPages:
    """Draws the form, the verdict, and why there is none."""

    def __init__(self, desk: Desk, *, banners: Sequence[tuple[str, str]], version: str) -> None:
        self._desk = desk
        self._values = {"banners": tuple(banners), "version": version, "inside": False}
        self._templates = environment("trustworks.app.web", "trustworks.validation.report.page")

    def form(self) -> RawResponse:
        """The page with the form."""
        return self._form(200, "")

    def problem(self, status: int, sentence: str) -> RawResponse:
        """The form again, with the reason why there is no verdict."""
        headers = (("retry-after", "30"),) if status == 503 else ()
        return self._form(status, sentence, *headers)

    def verdict(self, answered: Answered) -> RawResponse:
        """The page with the verdict."""
        return self._page("validation_verdict.html", page=answered.page, downloads=_downloads(answered))

    def _form(self, status: int, wrong: str, *headers: tuple[str, str]) -> RawResponse:
        settings = self._desk.settings
        policies = self._desk.offer.policies
        return self._page(
            "validation.html",
            *headers,
            status=status,
            wrong=wrong,
            policies=[(name, one.description) for name, one in policies.items()],
            default=settings.default_policy,
            most=settings.limits.upload,
            megabytes=settings.limits.upload // (1024 * 1024),
        )

    def _page(
        self, template: str, *headers: tuple[str, str], status: int = 200, **values: Any
    ) -> RawResponse:
        text = self._templates.get_template(template).render(**self._values, **values)
        return RawResponse(status, HTML, text.encode(), (*HEADERS, *headers))


def _downloads(answered: Answered) -> list[tuple[str, str, str]]:
    """What can be kept: words, file name, and a URL that holds it."""
    text = json.dumps(answered.plain, ensure_ascii=False, indent=1).encode()
    found = [
        ("This report as a document (PDF)", "validation.pdf", "application/pdf", answered.pdf),
        ("This report as a page (HTML)", "validation.html", "text/html", answered.html),
        ("The report of ETSI TS 119 102-2 (XML)", "validation-report.xml", "application/xml", answered.etsi),
        ("All of it for programs (JSON)", "validation.json", "application/json", text),
    ]
    return [
        (words, name, f"data:{kind};base64,{base64.b64encode(octets).decode('ascii')}")
        for words, name, kind, octets in found
        if 0 < len(octets) <= _LONGEST_LINK
    ]
