"""What travels when a key comes to a token: the target's request, and what the custodians opened for it.

Neither holds a secret in the clear. A request names the target, its transport key, the backup and the group;
its fingerprint is what custodians compare before they open anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - Pydantic reads it
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from trustworks.core.errors import Refused, Rejected
from trustworks.core.module import documents
from trustworks.core.module.wrapping import Oaep  # noqa: TC001 - Pydantic reads it
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.backup import Backup

Purpose = Literal["restore", "transfer", "drill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a target asks custodians for: one backup's key, each part wrapped under the transport key.

    `custodians` stand in the order in which they open; `module` is the target, as it describes itself.
    """

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-key-request-1"] = "trustworks-key-request-1"
    purpose: Purpose
    backup: str
    label: str
    custodians: tuple[str, ...]
    transport_spki: bytes
    transport_id: bytes
    oaep: tuple[Oaep, ...]
    kwp: str
    module: dict[str, Any]
    made_at: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the request, in hexadecimal: what the target shows, and custodians compare."""
        return documents.digest(self).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one custodian opened: a one-time key, wrapped under the target's transport key."""

    __pydantic_config__: ClassVar = documents.CONFIG

    name: str
    oaep: Oaep
    wrapped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How far the custodians have come. Nobody but the target can use what is in it."""

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-key-opening-2"] = "trustworks-key-opening-2"
    request: str
    shares: tuple[Share, ...] = ()

    @property
    def opened_by(self) -> tuple[str, ...]:
        """Who opened, in their order."""
        return tuple(one.name for one in self.shares)


def read_request(octets: bytes, what: str = "The request") -> Request:
    """Read a request's file. Raises `Malformed`."""
    return documents.read(Request, octets, what)


def read_opening(octets: bytes, what: str = "The opening") -> Opening:
    """Read an opening's file. Raises `Malformed`."""
    return documents.read(Opening, octets, what)


def whose_turn(request: Request, opening: Opening | None) -> str | None:
    """The custodian who opens next; None where the target is next."""
    done = 0 if opening is None else len(opening.shares)
    return request.custodians[done] if done < len(request.custodians) else None


@implements("TRUSTWORKS:KEYS-FINGERPRINT")
def same_fingerprint(expected: str, given: str) -> None:
    """Refuse a request that is not the one that was shown: else a key or a PIN would go to somebody else."""
    typed = "".join(given.lower().split()).replace(":", "")
    if not compare_digest(typed.encode(), expected.encode()):
        raise Refused(
            "TRUSTWORKS:KEYS-FINGERPRINT",
            "The request is not the one whose fingerprint was read off the target. Open nothing, and find "
            "out who changed it.",
        )


def check_belongs(request: Request, backup: Backup) -> None:
    """Refuse a backup that the request does not ask for. Raises `Rejected` (keys.other-backup)."""
    if request.backup != backup.digest:
        raise Rejected(
            "keys.other-backup",
            "The request asks for another backup, or the backup was changed. Take the file that was named "
            "when the request was made.",
        )


def check_opening(request: Request, opening: Opening) -> None:
    """Refuse an opening that was not made for the request. Raises `Rejected` (keys.other-request)."""
    done = len(opening.shares)
    if opening.request != request.fingerprint or opening.opened_by != request.custodians[:done]:
        raise Rejected(
            "keys.other-request", "The opening belongs to another request. Take the one of this request."
        )
