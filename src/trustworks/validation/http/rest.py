"""`POST /validation`: files in a form, and the report in the form that the client accepts.

What is answered: 200 a verdict, whatever it is, also where the file has no signature (its lists are empty);
400 the form cannot be read; 406 no media type that is offered is accepted; 413 too many or too long files, or
one that needs more than one may take; 415 no form; 422 no signed file, or no such policy; 503 not now.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core import problems
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.http import BodyRefusedError, RawResponse, Route
from trustworks.core.moments import read_moment
from trustworks.validation.bounded.asked import Asked, Kind
from trustworks.validation.bounded.pool import TOO_MUCH
from trustworks.validation.desk import OVERHEAD
from trustworks.validation.http.accept import wanted
from trustworks.validation.http.form import Form
from trustworks.validation.offer import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trustworks.core.http import RawRequest
    from trustworks.validation.bounded.asked import Answered
    from trustworks.validation.desk import Desk

PATH: Final = "/validation"
JSON: Final = "application/json"
HTML: Final = "text/html"
XML: Final = "application/xml"
PDF: Final = "application/pdf"
_OFFERED: Final = (JSON, HTML, XML, PDF)
_FIELDS: Final = frozenset({"policy", "at"})
_FILES: Final = frozenset({"file", "detached", "records"})
_KINDS: Final = {
    JSON: (Kind.PLAIN,),
    HTML: (Kind.PLAIN, Kind.PAGE, Kind.ETSI, Kind.HTML, Kind.PDF),
    XML: (Kind.ETSI,),
    PDF: (Kind.PDF,),
}
_NOT_KEPT: Final = (("cache-control", "no-store"), ("vary", "accept"))
_RETRY: Final = ("retry-after", "30")
_TITLES: Final = {
    400: "The request cannot be read",
    406: "No media type that is offered is accepted",
    408: "The request came too slowly",
    413: "That is too much for one request",
    415: "The body is no form",
    422: "That cannot be validated",
    503: "Not now",
}


class Pages(Protocol):
    """Draws for people what programs get as JSON."""

    def form(self) -> RawResponse:
        """The page with the form."""

    def verdict(self, answered: Answered) -> RawResponse:
        """The page with what a validation came to."""

    def problem(self, status: int, sentence: str) -> RawResponse:
        """The page that says why there is no verdict."""


def routes(desk: Desk, pages: Pages, *, folder: Path) -> list[Route]:
    """The routes. `folder` is where uploads are put aside; they have no names there."""
    edge = Rest(desk, pages, folder)
    limits = desk.settings.limits
    return [
        Route(method="GET", path=PATH, handler=edge.show),
        Route(
            method="POST",
            path=PATH,
            streamed=edge.take,
            max_body=limits.upload + OVERHEAD,
            body_seconds=limits.upload_seconds,
        ),
    ]


class Rest:
    """The handlers."""

    def __init__(self, desk: Desk, pages: Pages, folder: Path) -> None:
        self._desk = desk
        self._pages = pages
        self._folder = folder

    async def show(self, request: RawRequest) -> RawResponse:
        """The page with the form."""
        del request
        return self._pages.form()

    async def take(self, request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        """Validate what came."""
        accepted = wanted(request.headers.get("accept", ""), _OFFERED)
        if accepted is None:
            return self._problem(None, 406, "not-acceptable", f"Offered are {', '.join(_OFFERED)}.")
        try:
            with self._desk.files.place(portions) as counted:
                return await self._validated(request, counted, accepted)
        except BodyRefusedError as error:
            return self._problem(accepted, error.status, "request", error.sentence)
        except Malformed as error:
            return self._problem(accepted, 400, "malformed", str(error))
        except Rejected as error:
            status = {TOO_MUCH: 413, UNKNOWN: 422}.get(error.code, 422)
            return self._problem(accepted, status, error.code, str(error))
        except Unavailable as error:
            if not error.code.startswith("validation."):
                raise
            return self._problem(accepted, 503, error.code, str(error))

    async def _validated(
        self, request: RawRequest, portions: AsyncIterator[bytes], accepted: str
    ) -> RawResponse:
        limits = self._desk.settings.limits
        content_type = request.headers.get("content-type", "")
        opening = self._desk.files.opening
        with Form(content_type, folder=self._folder, most=limits.files, opening=opening) as form:
            await form.read(portions)
            asked = _asked(form, _KINDS[accepted])
            try:
                answered = await self._desk.validate(asked, through="page" if accepted == HTML else "http")
            except Malformed as error:
                return self._problem(accepted, 422, "validation.unreadable", str(error))
        if accepted == HTML:
            return self._pages.verdict(answered)
        if accepted == PDF:
            return RawResponse(200, PDF, answered.pdf, _NOT_KEPT)
        if accepted == XML:
            if not answered.etsi:
                raise Rejected(
                    "report.no-signature",
                    "The file has no signature and no time-stamp, and a report of TS 119 102-2 is about "
                    "these.",
                )
            return RawResponse(200, XML, answered.etsi, _NOT_KEPT)
        body = json.dumps(answered.plain, ensure_ascii=False).encode()
        return RawResponse(200, JSON, body, _NOT_KEPT)

    def _problem(self, accepted: str | None, status: int, code: str, sentence: str) -> RawResponse:
        if accepted == HTML:
            return self._pages.problem(status, sentence)
        told = problems.document(
            f"urn:trustworks:{code}", status=status, title=_TITLES[status], detail=sentence
        )
        return problems.response(told, *((_RETRY,) if status == 503 else ()))


def _asked(form: Form, kinds: tuple[Kind, ...]) -> Asked:
    """What the form asks for. Raises `Malformed`."""
    for name in form.fields:
        if name in _FILES:
            raise Malformed(f"Send `{name}` as a file, with a file name; curl does by -F {name}=@FILE.")
        if name not in _FIELDS:
            raise Malformed(_unknown(name))
    for name in form.names:
        if name not in _FILES:
            raise Malformed(_unknown(name))
    files = form.files("file")
    if len(files) != 1:
        raise Malformed("Send one signed file as `file`, and what it signs and does not hold as `detached`.")
    at = form.fields.get("at", "")
    return Asked(
        file=files[0],
        detached=form.files("detached"),
        records=form.files("records"),
        policy=form.fields.get("policy", ""),
        at=read_moment(at) if at else None,
        kinds=kinds,
    )


def _unknown(name: str) -> str:
    return f"The form has the field {name[:40]!r}; there are {', '.join(sorted(_FIELDS | _FILES))}."
