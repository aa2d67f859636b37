"""The public page on which anybody reports a problem with a certificate; programs do it in JSON."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from pydantic import Field

from trustworks.app.web.drawing import environment
from trustworks.core import problems
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.http import RawResponse, Route
from trustworks.issuance.registration.wire import Body, read_json
from trustworks.issuance.rules.problem_reports import (
    MOST_CERTIFICATE,
    MOST_CONTACT,
    MOST_DETAILS,
    PROBLEMS,
    ProblemReport,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.http import RawRequest
    from trustworks.issuance.revocation import ProblemReports

PATH: Final = "/report"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
MAX_BODY: Final = 64 * 1024  # a form writes three octets for one
HTML: Final = "text/html; charset=utf-8"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = (
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)
_RETRY: Final = ("retry-after", "3600")
_TOO_MANY: Final = "report.too-many"
_FIELDS: Final = ("problem", "certificate", "details", "contact")


class ReportBody(Body):
    """A report in JSON."""

    problem: str = Field(max_length=40)
    details: str = Field(max_length=MOST_DETAILS)
    certificate: str = Field(default="", max_length=MOST_CERTIFICATE)
    contact: str = Field(default="", max_length=MOST_CONTACT)


def routes(reports: ProblemReports, *, banners: Sequence[tuple[str, str]], version: str) -> list[Route]:
    """The routes of the page."""
    page = ReportPage(reports, banners=banners, version=version)
    return [
        Route(method="GET", path=PATH, handler=page.show),
        Route(method="POST", path=PATH, handler=page.take, content_types=(FORM, JSON), max_body=MAX_BODY),
    ]


class ReportPage:
    """The handlers. Whatever was known here of a certificate or a person, the answer is the same."""

    def __init__(self, reports: ProblemReports, *, banners: Sequence[tuple[str, str]], version: str) -> None:
        self._reports = reports
        self._banners = tuple(banners)
        self._version = version
        self._templates = environment("trustworks.app.web")

    def _page(self, status: int, *headers: tuple[str, str], **values: object) -> RawResponse:
        shown = {"report": None, "wrong": "", "given": dict.fromkeys(_FIELDS, "")} | values
        text = self._templates.get_template("report.html").render(
            banners=self._banners,
            version=self._version,
            inside=False,
            problems=PROBLEMS,
            most={"details": MOST_DETAILS, "contact": MOST_CONTACT, "certificate": MOST_CERTIFICATE},
            **shown,
        )
        return RawResponse(status, HTML, text.encode(), (*HEADERS, *headers))

    async def show(self, request: RawRequest) -> RawResponse:
        """The form."""
        del request
        return self._page(200)

    async def take(self, request: RawRequest) -> RawResponse:
        """Take a report in: a form is answered with a page, JSON with JSON."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON:
            return await self._take_json(request)
        given = dict.fromkeys(_FIELDS, "")
        try:
            given |= _fields(request.body)
            done = await asyncio.to_thread(self._reports.file, ProblemReport(**given), request.client_address)
        except Malformed as error:
            return self._page(400, wrong=str(error), given=given)
        except Rejected as error:
            if error.code != _TOO_MANY:
                raise
            return self._page(429, _RETRY, wrong=str(error), given=given)
        return self._page(202, report=done)

    async def _take_json(self, request: RawRequest) -> RawResponse:
        try:
            body: ReportBody = read_json(ReportBody, request.body)
            given = ProblemReport(**_trimmed(body.model_dump()))
            done = await asyncio.to_thread(self._reports.file, given, request.client_address)
        except Malformed as error:
            return _problem(400, "malformed", "The report cannot be read", str(error))
        except Rejected as error:
            if error.code != _TOO_MANY:
                raise
            return _problem(429, error.code, "Too many reports", str(error), _RETRY)
        told = {"report": done.id, "received_at": done.received_at.isoformat()}
        return RawResponse(202, JSON, json.dumps(told).encode(), (("cache-control", "no-store"),))


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields, without the space around them. Raises `Malformed`."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=20, errors="strict")
    except ValueError:
        raise Malformed("The form cannot be read; send it from this page.") from None
    return _trimmed({name: found.get(name, [""])[-1] for name in _FIELDS})


def _trimmed(given: dict[str, str]) -> dict[str, str]:
    return {name: value.strip() for name, value in given.items()}


def _problem(status: int, kind: str, title: str, detail: str, *headers: tuple[str, str]) -> RawResponse:
    told = problems.document(f"urn:trustworks:{kind}", status=status, title=title, detail=detail)
    return problems.response(told, *headers)
