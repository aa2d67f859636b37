"""The public page on which who reads a mailbox says so, by the value that was mailed there.

Opening it does nothing: programs that look at mail follow its links. Only the button sends the value.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from trustworks.app.web.drawing import environment
from trustworks.app.web.report import FORM, HEADERS, HTML
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.http import RawResponse, Route
from trustworks.issuance.enrolment.attempts import Attempts
from trustworks.issuance.registration.mail import PATH
from trustworks.issuance.registration.mailbox_answers import CODE, USED
from trustworks.issuance.rules.problem_reports import network_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.http import RawRequest
    from trustworks.issuance.registration.mailbox_answers import MailboxAnswers

MAX_BODY: Final = 4096
MOST_FAILURES: Final = 20
MINUTES: Final = 60


def routes(answers: MailboxAnswers, *, banners: Sequence[tuple[str, str]], version: str) -> list[Route]:
    """The routes of the page."""
    page = MailboxPage(answers, banners=banners, version=version)
    return [
        Route(method="GET", path=PATH, handler=page.show),
        Route(method="POST", path=PATH, handler=page.take, content_types=(FORM,), max_body=MAX_BODY),
    ]


class MailboxPage:
    """The handlers. Whatever is wrong with a value, the answer is the same."""

    def __init__(self, answers: MailboxAnswers, *, banners: Sequence[tuple[str, str]], version: str) -> None:
        self._answers = answers
        self._banners = tuple(banners)
        self._version = version
        self._attempts = Attempts(most=MOST_FAILURES, minutes=MINUTES)
        self._templates = environment("trustworks.app.web")

    def _page(self, status: int, *headers: tuple[str, str], **values: object) -> RawResponse:
        shown = {"done": False, "wrong": ""} | values
        text = self._templates.get_template("mailbox.html").render(
            banners=self._banners, version=self._version, inside=False, **shown
        )
        return RawResponse(status, HTML, text.encode(), (*HEADERS, *headers))

    async def show(self, _request: RawRequest) -> RawResponse:
        """The form; it asks no record. No value is in its address, which servers keep in their logs."""
        return self._page(200)

    async def take(self, request: RawRequest) -> RawResponse:
        """Take the value back."""
        # The value is looked at first: a good one gets in, whatever else came from its network.
        try:
            given = _field(request.body)
            await asyncio.to_thread(self._answers.take, given)
        except Malformed as error:
            return self._page(400, wrong=str(error))
        except Rejected as error:
            if error.code == USED:
                return self._page(200, done=True)
            if error.code != CODE:
                raise
            return self._failed(network_of(request.client_address) or None, str(error))
        return self._page(200, done=True)

    def _failed(self, who: str | None, wrong: str) -> RawResponse:
        """Count a wrong value, and answer it; once there were many, programs are told to wait."""
        try:
            self._attempts.check(who)
        except Rejected:
            wrong = "Too many wrong values came from your network. Copy the value whole from the newest mail."
            return self._page(429, ("retry-after", str(MINUTES * 60)), wrong=wrong)
        self._attempts.failed(who)
        return self._page(400, wrong=wrong)


def _field(body: bytes) -> str:
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=5, errors="strict").get("value", [""])[-1]
    except ValueError:
        raise Malformed("The form cannot be read; send it from this page.") from None
