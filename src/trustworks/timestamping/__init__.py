"""The time-stamping authority: binds the hash of data to a time, so that anybody can verify it later.

    authority = TimestampingAuthority(
        settings, keys=module.key, clock=clock, time_settings=..., recorder=..., database=..., lab=False
    )
    answer = authority.stamp(request)       # DER in, DER out; the token's record is durable

RFC 3161 and 5816 over HTTP, profiled by EN 319 422 and operated by EN 319 421. `README.md` beside this file
tells the life of a time-stamp.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustworks.timestamping.config import TimestampingSettings, UnitSettings
    from trustworks.timestamping.model import PkiFailureInfo, PkiStatus
    from trustworks.timestamping.reconcile import TokenRecords
    from trustworks.timestamping.service import Outcome, TimestampingAuthority

__all__ = [
    "Outcome",
    "PkiFailureInfo",
    "PkiStatus",
    "TimestampingAuthority",
    "TimestampingSettings",
    "TokenRecords",
    "UnitSettings",
]

_PLACES = {
    "Outcome": "service",
    "PkiFailureInfo": "model",
    "PkiStatus": "model",
    "TimestampingAuthority": "service",
    "TimestampingSettings": "config",
    "TokenRecords": "reconcile",
    "UnitSettings": "config",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a client's command, or the configuration, needs no database and no module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
