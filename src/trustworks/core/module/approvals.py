"""What an operator approved of a module: which one it is, what it offers, which keys are on it; and its file.

The file is a JSON object: by the serial number of each token, its approval.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from trustworks.core.account import names_somebody
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.module.probe import ModuleInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an operator approved of one module."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    token_serial: str
    token_model: str
    hardware_version: str
    firmware_version: str
    library_sha256: str
    library_version: str
    mechanisms: tuple[str, ...]
    operator: str
    approved_at: str
    objects: tuple[str, ...] | None = None  # None in an approval of before objects were looked at
    flags: tuple[str, ...] = ()  # what the token says of its PIN, where that was accepted

    @classmethod
    def of(
        cls,
        info: ModuleInfo,
        *,
        operator: str,
        at: datetime | None = None,
        objects: frozenset[str] | None = None,
        flags: tuple[str, ...] = (),
    ) -> Approval:
        """The approval of a module as it is now. Raises `Refused` where nobody is named who approves."""
        if not names_somebody(operator):
            raise Refused(
                "TRUSTWORKS:MODULE-APPROVED",
                "An approval needs the name of who approves: name yourself with --operator.",
            )
        return cls(
            **_present(info),
            operator=operator,
            approved_at=(at or datetime.now(UTC)).isoformat(timespec="seconds"),
            objects=None if objects is None else tuple(sorted(objects)),
            flags=flags,
        )


def _present(info: ModuleInfo) -> dict[str, Any]:
    """The members of an approval that a module tells of itself."""
    return {
        "token_serial": info.token_serial,
        "token_model": info.token_model,
        "hardware_version": info.hardware_version,
        "firmware_version": info.firmware_version,
        "library_sha256": info.library_sha256.hex(),
        "library_version": info.library_version,
        "mechanisms": info.mechanisms,
    }


@implements("TRUSTWORKS:MODULE-APPROVED", disabled=())
def compare(approved: Approval, info: ModuleInfo) -> tuple[str, ...]:
    """What is different from the approved module, as sentences."""
    present = _present(info)
    names = {
        "token_serial": "serial number",
        "token_model": "model",
        "hardware_version": "hardware version",
        "firmware_version": "firmware version",
        "library_version": "library version",
        "library_sha256": "library's SHA-256",
    }
    findings = [
        f"the {name} is {present[member]}, approved was {getattr(approved, member)}"
        for member, name in names.items()
        if present[member] != getattr(approved, member)
    ]
    gone = sorted(set(approved.mechanisms) - set(present["mechanisms"]))
    new = sorted(set(present["mechanisms"]) - set(approved.mechanisms))
    if gone:
        findings.append(f"approved mechanisms are no longer offered: {', '.join(gone)}")
    if new:
        findings.append(f"mechanisms that were not approved are offered: {', '.join(new)}")
    return tuple(findings)


@implements("TRUSTWORKS:MODULE-INVENTORY", "EN319411-1:OVR-6.5.2-12", disabled=())
def compare_objects(
    approved: frozenset[str], present: frozenset[str], entered: frozenset[str], removed: frozenset[str]
) -> tuple[str, ...]:
    """What is on the token and should not be, and what should be and is not, as sentences.

    Allowed is what was approved or since entered in the register; missing may be what the register knows as
    removed. Objects are named as `objects.inventory` does.
    """
    unknown = sorted(present - approved - entered)
    missing = sorted((approved | entered) - present - removed)
    findings = []
    if unknown:
        findings.append(f"keys are on the token that nobody approved or entered: {', '.join(unknown)}")
    if missing:
        findings.append(f"keys are gone from the token: {', '.join(missing)}")
    return tuple(findings)


# The file


def read_approval(path: Path, serial: str) -> Approval | None:
    """The approval of one token; None where the file has none. Raises as `_read`."""
    return _read(path).get(serial)


def write_approval(path: Path, approval: Approval) -> None:
    """Put one token's approval into the file, which keeps those of the others.

    Raises `Malformed` for a file of another kind, and `Unavailable` (module.approval).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _turn(path.parent):
            entries = {serial: asdict(one) for serial, one in _read(path).items()}
            entries[approval.token_serial] = asdict(approval)
            put(path, json.dumps(entries, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise Unavailable(
            "module.approval",
            f"The approval file {path} cannot be written: {error.strerror}. Check path and mode.",
        ) from None


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One at a time reads the file and writes it anew: of two approvals at once none is lost. Raises OSError.

    The folder is locked, since the file is another one after each writing.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_FILE: Final = TypeAdapter(dict[str, Approval])


def _read(path: Path) -> dict[str, Approval]:
    """Every approval of the file, by the serial number of its token.

    Raises `Malformed` for a file of another kind, and `Unavailable` (module.approval).
    """
    try:
        return _FILE.validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Unavailable(
            "module.approval", f"The approval file {path} cannot be read: {error.strerror}. Check its mode."
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise Malformed(
            f"The approval file {path} is not as `trustworks module approve` writes it ({where!a:.100}: "
            f"{first['msg']}). Find out who changed it, then put it back from a copy, or move it away and "
            "approve every module again."
        ) from None
