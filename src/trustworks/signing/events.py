"""What the audit log is told: that a key of the provider signed, or that signatures were augmented.

Nothing of a document is in it: no name, no digest. Who holds a document could else find out by the log that
it was signed here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from trustworks.signing.model import Request

ACTOR = "signing"


def code_of(error: BaseException) -> str:
    """Why nothing came of a signature, in a word that has nothing of a document."""
    if isinstance(error, Refused):
        return error.requirement
    if isinstance(error, (Rejected, Unavailable)):
        return error.code
    return "malformed" if isinstance(error, TrustworksError) else type(error).__name__


def _bare(**_given: object) -> Event:
    """That something happened, and no more."""
    return Event(type="signing", outcome="success", actor=ACTOR, subject={}, time=datetime.now(UTC))


@implements("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8", disabled=_bare)
def signed(
    *, through: str, request: Request, key: bytes, level: str, failed: BaseException | None = None
) -> Event:
    """A key (by the SHA-256 of its public key) signed: in which format and level.

    `failed` is what went wrong after the key had been asked: `level` is then what was wanted.
    """
    why = {} if failed is None else {"why": code_of(failed)}
    return Event(
        type="signing.signed",
        outcome="success" if failed is None else "failure",
        actor=ACTOR,
        subject={"key": key.hex()},
        detail={
            "through": through,
            "format": request.format.value,
            "container": None if request.container is None else request.container.value,
            "level": level,
            "documents": len(request.documents),
            **why,
        },
        time=datetime.now(UTC),
    )


@implements("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8", disabled=_bare)
def sealed(
    *,
    through: str,
    words: Mapping[str, Any],
    key: bytes,
    level: str,
    client: str,
    failed: BaseException | None = None,
) -> Event:
    """A key of the provider sealed for a client; `words` say what was asked for.

    `failed` is what went wrong after the key had been asked: `level` is then what was wanted.
    """
    why = {} if failed is None else {"why": code_of(failed)}
    return Event(
        type="signing.sealed",
        outcome="success" if failed is None else "failure",
        actor=ACTOR,
        subject={"key": key.hex(), "client": client},
        detail={
            "through": through,
            "format": words["format"],
            "container": words["container"],
            "level": level,
            "documents": words["documents"],
            **why,
        },
        time=datetime.now(UTC),
    )


@implements("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8", disabled=_bare)
def completed(*, through: str, level: str, client: str) -> Event:
    """A signature was completed for a client, by a value that its own key signed."""
    return Event(
        type="signing.completed",
        outcome="success",
        actor=ACTOR,
        subject={"client": client},
        detail={"through": through, "level": level},
        time=datetime.now(UTC),
    )


@implements("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8", disabled=_bare)
def augmented(*, through: str, levels: Iterable[str], client: str | None = None) -> Event:
    """Signatures of a file were raised to these levels."""
    return Event(
        type="signing.augmented",
        outcome="success",
        actor=ACTOR,
        subject={} if client is None else {"client": client},
        detail={"through": through, "levels": sorted(levels)},
        time=datetime.now(UTC),
    )


@implements("TRUSTWORKS:SIGNING-EVENT", "TS119101:EL-3", "TS119101:EL-7", "TS119101:EL-8", disabled=_bare)
def agreed(*, key: bytes, client: str) -> Event:
    """A client agreed to what was shown, and the agreement was sealed with a key of the provider."""
    return Event(
        type="signing.agreed",
        outcome="success",
        actor=ACTOR,
        subject={"key": key.hex(), "client": client},
        detail={"through": "page"},
        time=datetime.now(UTC),
    )
