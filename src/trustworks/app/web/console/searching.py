"""Search: certificates and applications by what an officer has at hand, page by page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, get_args
from urllib.parse import urlencode

from trustworks.app.web.console.certificates import status_of
from trustworks.app.web.console.edge import Page
from trustworks.app.web.console.places import place_text, read_place
from trustworks.core.errors import Malformed
from trustworks.core.roles.model import Act
from trustworks.issuance import records
from trustworks.issuance.profiles import PROFILES
from trustworks.issuance.records.search import Status
from trustworks.issuance.registration.model import State
from trustworks.issuance.registration.search import Place, search
from trustworks.issuance.wire import as_stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.console.edge import Edge, Visit
    from trustworks.core.http import RawResponse

ROOT: Final = "/console/search"
A_PAGE: Final = 25
_NUMBER: Final = re.compile(r"[0-9a-f]{16,64}")
_ID, _SERIAL, _KEY = 32, 40, 64  # hexadecimal digits
_STATUSES: Final = ("good", "held", "revoked", "expired", "unreleased")


class Search:
    """The handlers."""

    def __init__(self, edge: Edge, desk: Desk) -> None:
        self._edge = edge
        self._desk = desk

    def pages(self) -> list[Page]:
        """The pages."""
        return [Page(path=ROOT, act=Act.READ_RECORDS, answer=self.show)]

    def show(self, visit: Visit) -> RawResponse:
        """The form, and what fits."""
        query = visit.query
        what = query.get("what", "certificates")
        if what not in {"certificates", "applications"}:
            raise Malformed("Search for certificates or for applications.")
        now = self._edge.roles.office.now().utc
        wanted = _wanted(query)
        if what == "certificates":
            rows, more = self._certificates(query, wanted, now)
        else:
            rows, more = self._applications(query, wanted)
        following = None
        if more is not None:
            following = f"{ROOT}?{urlencode({**query, 'after': more})}"
        kept = {name: value for name, value in query.items() if name != "after"}
        return self._edge.page(
            "search.html",
            visit=visit,
            what=what,
            query={"q": "", "state": "", "profile": "", "since": "", "until": "", **kept},
            rows=rows,
            status_of=lambda one: status_of(one, now),
            following=following,
            first=f"{ROOT}?{urlencode(kept)}" if "after" in query else None,
            states=_STATUSES if what == "certificates" else get_args(State),
            profiles=sorted(PROFILES),
        )

    def _certificates(
        self, query: Mapping[str, str], wanted: dict[str, Any], now: datetime
    ) -> tuple[list[Any], str | None]:
        state = _one_of(query.get("state"), get_args(Status))
        after = read_place(query.get("after"))
        number: str | None = wanted.pop("number")
        if number is not None:
            key = number if len(number) == _KEY else None
            wanted["spki_sha256"] = None if key is None else bytes.fromhex(key)
            if key is None:
                if len(number) > _SERIAL:
                    return [], None
                wanted["serial"] = number.rjust(_SERIAL, "0")
        elif wanted["subject"] is not None:
            wanted["subject"] = as_stored(wanted["subject"])
        with self._desk.database.read() as connection:
            found = records.search_certificates(
                connection,
                now=now,
                status=state,
                after=None if after is None else records.CertificatePlace(*after),
                limit=A_PAGE + 1,
                **wanted,
            )
        last = found[A_PAGE - 1] if len(found) > A_PAGE else None
        return found[:A_PAGE], None if last is None else place_text(last.requested_at, last.serial)

    def _applications(self, query: Mapping[str, str], wanted: dict[str, Any]) -> tuple[list[Any], str | None]:
        state = _one_of(query.get("state"), get_args(State))
        after = read_place(query.get("after"))
        number: str | None = wanted.pop("number")
        if number is not None:
            if len(number) not in {_ID, _KEY}:
                return [], None
            wanted["identifier" if len(number) == _ID else "key_id"] = number
        elif wanted["subject"] is not None:
            wanted["subject"] = as_stored(wanted["subject"])
        with self._desk.database.read() as connection:
            found = search(
                connection,
                states=() if state is None else (state,),
                after=None if after is None else Place(*after),
                newest_first=True,
                limit=A_PAGE + 1,
                **wanted,
            )
        last = found[A_PAGE - 1] if len(found) > A_PAGE else None
        return found[:A_PAGE], None if last is None else place_text(last.received_at, last.id)


def _wanted(query: Mapping[str, str]) -> dict[str, Any]:
    """What both kinds are searched by; `number` is a serial, an id or a key's hash, else it is a name."""
    text = query.get("q")
    digits = "" if text is None else re.sub(r"[\s:]", "", text.lower()).removeprefix("0x")
    is_number = _NUMBER.fullmatch(digits) is not None
    since, before = _day(query.get("since"), 0), _day(query.get("until"), 1)
    return {
        "number": digits if is_number else None,
        "subject": None if is_number else text,
        "profile": _one_of(query.get("profile"), tuple(PROFILES)),
        "since": since,
        "before": before,
    }


def _day(text: str | None, later: int) -> datetime | None:
    """The beginning of a day, or of one so many days later. Raises `Malformed`."""
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) + timedelta(days=later)
    except (ValueError, OverflowError):
        raise Malformed(f"{text!r} is no day; write it as 2026-01-31.") from None


def _one_of(text: str | None, known: tuple[str, ...]) -> Any:
    if text is not None and text not in known:
        raise Malformed(f"{text!r} is not known here; choose one of {', '.join(known)}.")
    return text
