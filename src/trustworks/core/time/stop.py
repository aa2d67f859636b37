"""A latched stop and its release, as values: what their files and the audit log say of them."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

MENDED = "mended"
_CODE = re.compile(r"clock\.[a-z-]+")
_DEEPEST = 16  # levels of a stop's detail; those of ours have four


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Why the clock was stopped, by whom found, and when by the clock that is in doubt."""

    id: str
    code: str
    reason: str
    found_by: str
    clock_said: str
    boot: str
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def mended(self) -> list[str]:
        """The stops that could not be read and that this one was put in the place of."""
        return list(self.detail.get(MENDED, ()))

    def as_dict(self) -> dict[str, Any]:
        """The stop as JSON values."""
        return asdict(self)

    def encoded(self) -> bytes:
        """The content of its file."""
        return json.dumps(self.as_dict()).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An operator's word that the clock may be used again; `also` are the other names of the stop `latch`."""

    latch: str
    code: str
    operator: str
    reason: str
    account: str
    boot: str
    boottime: int
    clock_said: str
    also: list[str] = field(default_factory=list)

    @property
    def latches(self) -> list[str]:
        """All stops that it lifts."""
        return [self.latch, *self.also]

    @property
    def name(self) -> str:
        """Names this release among all: an unreadable stop's name may come again, but not at that moment."""
        return f"{self.latch}-{self.boot[:8]}-{self.boottime}"

    def as_dict(self) -> dict[str, Any]:
        """The release as JSON values."""
        return asdict(self)


def decoded_latch(text: bytes) -> Latch:
    """A stop from its file. Raises ValueError, TypeError or RecursionError when it is none."""
    values = _loggable(text)
    latch = Latch(**values)
    if not _are_texts([value for name, value in values.items() if name != "detail"]):
        raise TypeError("all that is said of a stop but its detail is text")
    if not _CODE.fullmatch(latch.code):
        raise ValueError("the code of a stop is one of the clock's")
    detail = values.get("detail", {})
    if not isinstance(detail, dict) or not _are_texts(detail.get(MENDED, [])):
        raise TypeError("the detail of a stop is an object, and what it was mended from a list of texts")
    return latch


def decoded_release(line: bytes) -> Release | None:
    """A release from its line of the record; None for a line that is none, as one that was cut short."""
    try:
        values = _loggable(line)
        release = Release(**values)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = [value for name, value in values.items() if name not in {"boottime", "also"}]
    is_one = type(release.boottime) is int and _are_texts(texts) and _are_texts(release.also)
    return release if is_one else None


def _loggable(text: bytes) -> dict[str, Any]:
    """An object from JSON text that the audit log takes. Raises ValueError, TypeError or RecursionError."""
    values = json.loads(text)
    json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    if not isinstance(values, dict) or not _is_shallow(values, _DEEPEST):
        raise ValueError("it is no object, or a deep one")
    return values


def _is_shallow(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inner)


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def new_latch(
    code: str, reason: str, *, found_by: str, realtime_ns: int, boot: str, detail: dict[str, Any]
) -> Latch:
    """A stop that was just found; `realtime_ns` is what the clock in doubt says."""
    return Latch(
        id=secrets.token_hex(8),
        code=code,
        reason=reason,
        found_by=found_by,
        clock_said=clock_text(realtime_ns),
        boot=boot,
        detail=detail,
    )


def clock_text(realtime_ns: int) -> str:
    """A reading of CLOCK_REALTIME as text, cut to the microsecond."""
    seconds, rest = divmod(realtime_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
