"""What a verification of the log found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong, or to be looked at. `kind` is one word for programs.

    The event is named as far as it is known.
    """

    kind: str
    message: str
    stream: str | None = None
    sequence: int | None = None
    position: int | None = None
    time: str | None = None
    type: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON values."""
        names = ("kind", "message", "stream", "sequence", "position", "time", "type")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@dataclass(slots=True, kw_only=True)
class Report:
    """What a verification found.

    `covered` is the size of the newest checkpoint that agrees with the log; `time_stamps` counts the
    checkpoints with a time-stamp that holds, of which the first and the last are told. `findings` are what is
    wrong with the log, `notices` what is to be looked at although the log may be sound.
    """

    events: int = 0
    streams: int = 0
    open_streams: int = 0
    waiting: int = 0
    size: int = 0
    root: str = ""
    checkpoints: int = 0
    time_stamps: int = 0
    first_time_stamp: str | None = None
    last_time_stamp: str | None = None
    covered: int = 0
    first_time: str | None = None
    last_time: str | None = None
    keys: list[str] = field(default_factory=list)
    keys_compared: bool = False
    findings: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)
    more_findings: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. What is only to be looked at does not count."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep a finding; after the first thousand they are only counted."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(finding)
        else:
            self.more_findings += 1

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        told = ("findings", "notices")
        names = [name for name in self.__dataclass_fields__ if name not in told]
        return {
            "ok": self.ok,
            **{name: getattr(self, name) for name in names},
            **{name: [one.as_dict() for one in getattr(self, name)] for name in told},
        }
