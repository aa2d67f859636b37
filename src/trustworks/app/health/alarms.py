"""Alarms: what is not well, and irregular attempts to get in, told to people by a command of the operator.

The jobs process asks for `/healthz` as any monitor would, so that workers which do not answer are an alarm
too, and looks for refused attempts in the audit log. What it found twice in a row is told, once; what lasts
is told again after a day, and what is over is told as well. What was told is kept in a file: a restart
neither forgets an alarm nor tells it twice.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from trustworks.app.configuration.settings import url as reached_at
from trustworks.core.audit.search import newest
from trustworks.core.durable import put
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from trustworks.app.configuration.settings import HttpSettings

PATIENCE: Final = 10.0  # seconds for `/healthz`, which itself waits for slow checks
ATTEMPTS_WITHIN: Final = timedelta(minutes=10)
_MOST_EVENTS: Final = 1000
_LOCKED_OUT: Final = "roles.locked-out"
# A refused attempt to get in, or to do what one may not; a refused request for a certificate is none.
_ATTEMPTS: Final = ("roles.", "api.", "enrolment.attempt-")
_REFUSED: Final = ("refused", "locked-out")
_LATE: Final = timedelta(minutes=1)  # that an event may be committed after the time that it tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is not well: a code, and a sentence for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A finding: since when, and when it was told last (None: seen once, it waits for the next look)."""

    code: str
    sentence: str
    since: datetime
    told: datetime | None = None


def following(
    known: Mapping[str, Alarm], found: Mapping[str, Finding], *, now: datetime, again: timedelta
) -> tuple[dict[str, Alarm], list[tuple[str, str, Alarm]]]:
    """What is known after a look, and what is to be told: ``raised``, ``lasts`` or ``over``, name, alarm.

    `known` and `found` are by the name of the resource. An alarm that is to be told is not yet marked so.
    """
    after: dict[str, Alarm] = {}
    told = []
    for name, one in found.items():
        before = known.get(name)
        if before is None:
            after[name] = Alarm(code=one.code, sentence=one.sentence, since=now)
            continue
        alarm = after[name] = replace(before, code=one.code, sentence=one.sentence)
        if before.told is None or before.code != one.code:
            told.append(("raised", name, alarm))
        elif now - before.told >= again:
            told.append(("lasts", name, alarm))
    for name, before in known.items():
        if name not in found and before.told is not None:
            after[name] = before  # until it was told
            told.append(("over", name, before))
    return after, told


@implements("EN319411-1:OVR-6.5.5-07", disabled=None)
def irregular(refused: Iterable[str] | Mapping[str, int], *, limit: int) -> Finding | None:
    """Whether attempts that were refused of late are irregular, by the types of their events.

    A lock-out always is; other refusals are when there are `limit` of them.
    """
    counts = Counter(refused)
    total = counts.total()
    minutes = int(ATTEMPTS_WITHIN.total_seconds() // 60)
    if counts[_LOCKED_OUT]:
        return Finding(
            code="access.locked-out",
            sentence=f"{counts[_LOCKED_OUT]} lock-out(s) of operators in {minutes} minutes: "
            f"trustworks audit list --type {_LOCKED_OUT}.",
        )
    if total >= limit:
        return Finding(
            code="access.refused",
            sentence=f"{total} attempts to sign in, to enrol, or to do what one may not, were refused in "
            f"{minutes} minutes: trustworks audit list --outcome refused.",
        )
    return None


class Attempts:
    """The attempts that were refused within the last minutes, read from the audit log as they come."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[datetime, str, int]] = {}
        self._read_until: datetime | None = None

    def types(self, connection: Connection, now: datetime) -> Counter[str]:
        """How many there were, by the types of their events, of which one may stand for several (`times`).

        What another process committed a little late is read with the next.
        """
        begin = now - ATTEMPTS_WITHIN
        since = begin if self._read_until is None else max(begin, self._read_until - _LATE)
        for prefix in _ATTEMPTS:
            for one in newest(connection, limit=_MOST_EVENTS, type_prefix=prefix, since=since):
                kind = one.entry.type or ""
                if kind.endswith(_REFUSED):
                    self._seen[one.entry.stream, one.entry.sequence] = one.time, kind, times_of(one.value)
        self._read_until = now
        self._seen = {key: one for key, one in self._seen.items() if one[0] >= begin}
        found: Counter[str] = Counter()
        for _, kind, times in self._seen.values():
            found[kind] += times
        return found


def times_of(event: Mapping[str, Any]) -> int:
    """How many attempts an event stands for."""
    detail = event["detail"]
    times = detail.get("times") if isinstance(detail, dict) else None
    return times if isinstance(times, int) and times > 0 else 1


def unwell(http: HttpSettings) -> dict[str, Finding]:
    """What `/healthz` finds not well, asked on the first listener that shows it, by name."""
    listener = http.pages[0]
    address = "http://localhost"
    if listener != "proxy":
        address = {
            "http": reached_at("http", http.listen),
            "tls": reached_at("https", str(http.tls_listen or http.listen)),
        }[listener]
    socket = None if listener != "proxy" else str(http.proxy.unix_socket)
    # It is on this machine and is told nothing secret: no proxy leads to it, and its certificate names
    # another place.
    transport = httpx.HTTPTransport(uds=socket, verify=False)
    try:
        with httpx.Client(transport=transport, timeout=PATIENCE, trust_env=False) as client:
            resources = client.get(f"{address}/healthz").json()["resources"]
        return {
            name: Finding(code=one["code"], sentence=one["sentence"])
            for name, one in resources.items()
            if not one["ok"]
        }
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        sentence = f"The workers do not answer /healthz at {socket or address}: {type(error).__name__}."
        return {"workers": Finding(code="workers.silent", sentence=sentence)}


class Alarms:
    """The alarms that are known, kept in `file`; `tell` hands a message over, or answers why it could not."""

    def __init__(
        self, file: Path, tell: Callable[[Mapping[str, Any]], str | None], *, provider: str, again: timedelta
    ) -> None:
        self._file = file
        self._tell = tell
        self._provider = provider
        self._again = again
        self._known = _read(file)

    def look(self, found: Mapping[str, Finding], *, now: datetime) -> str | None:
        """Tell what has to be told; answers why something was not taken, if so."""
        known, told = following(self._known, found, now=now, again=self._again)
        problem = None
        for state, name, alarm in told:
            message = {
                "alarm": name,
                "state": state,
                "code": alarm.code,
                "sentence": alarm.sentence,
                "since": alarm.since.isoformat(),
                "at": now.isoformat(),
                "provider": self._provider,
            }
            refused = self._tell(message)
            problem = problem or refused
            if refused is not None:
                if state != "over" and name in self._known:
                    known[name] = replace(alarm, code=self._known[name].code)  # so that it is raised again
            elif state == "over":
                del known[name]
            else:
                known[name] = replace(alarm, told=now)
        if known != self._known:
            self._known = known
            put(self._file, json.dumps({name: _as_dict(one) for name, one in known.items()}, indent=1) + "\n")
        return problem

    @property
    def raised(self) -> list[str]:
        """The names of the alarms that were told and are not over."""
        return sorted(name for name, one in self._known.items() if one.told is not None)


def _as_dict(alarm: Alarm) -> dict[str, str | None]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(alarm).items()
    }


def _read(file: Path) -> dict[str, Alarm]:
    """What was known; nothing where the file is not there or not ours: then all is told anew."""
    try:
        return {
            name: Alarm(
                code=str(one["code"]),
                sentence=str(one["sentence"]),
                since=datetime.fromisoformat(one["since"]),
                told=None if one["told"] is None else datetime.fromisoformat(one["told"]),
            )
            for name, one in json.loads(file.read_bytes()).items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
