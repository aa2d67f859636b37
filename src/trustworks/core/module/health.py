"""Whether the module is well, and still the one that an operator approved.

A module is looked at before each use of it begins and from then on regularly: it signs and verifies with a
key kept for that, its random numbers are looked at, and what it says of itself is compared with the approval
on record.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from trustworks.core.account import names_somebody
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Refused, TrustworksError, Unavailable
from trustworks.core.module.algorithms import KeyAlgorithm
from trustworks.core.module.constants import Flag, Mechanism
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module
    from trustworks.core.module.probe import ModuleInfo

PROBE_LABEL: Final = "trustworks-probe"
_PROBED: Final = (
    b"trustworks health probe: signed by the module, verified with the public key, of no other meaning"
)
_FLAGS: Final = (
    (Flag.USER_PIN_LOCKED, "the user's PIN is locked; the security officer must set it again"),
    (Flag.USER_PIN_FINAL_TRY, "one more wrong PIN locks the token"),
    (Flag.USER_PIN_COUNT_LOW, "wrong PINs were tried since the last login; find out by whom"),
    (Flag.USER_PIN_TO_BE_CHANGED, "the user's PIN must be changed"),
)


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

    @classmethod
    def of(
        cls,
        info: ModuleInfo,
        *,
        operator: str,
        at: datetime | None = None,
        objects: frozenset[str] | None = None,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleHealth:
    """What `Module.health` found: `ok` where nothing is wrong.

    `latency_us` is of one signature with its verification; None without a signature.
    """

    ok: bool
    latency_us: float | None
    findings: tuple[str, ...] = field(default=())


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


def differences(module: Module, approved: Approval | None = None) -> tuple[str, ...]:
    """What is different from the approved module and from the register; nothing where none is asked for.

    Raises `Unavailable` where approval or module cannot be read.
    """
    if approved is None and module.approval is not None:
        approved = read_approval(module.approval, module.token_uri.serial or "")
        if approved is None:  # nobody looked at it yet, or the approval is gone: then it may be any module
            where = f"{module.token_uri} was not approved in {module.approval}"
            return (f"{where}; look at `trustworks module info`, then run `trustworks module approve`",)
    if approved is None:
        return ()
    found = compare(approved, module.info())
    if approved.objects is not None:
        entered, removed = (
            (frozenset[str](), frozenset[str]())
            if module.register is None
            else module.register(module.token_uri.serial or "")
        )
        found += compare_objects(frozenset(approved.objects), module.inventory(), entered, removed)
    return found


@implements("TRUSTWORKS:MODULE-RANDOM", disabled=())
def look_at_random(first: bytes, second: bytes) -> tuple[str, ...]:
    """What is plainly wrong with two draws of random octets: finds a broken generator, not a weak one."""
    if first == second:
        return ("the random number generator gave the same octets twice; take the module out of service",)
    if min(len(set(first)), len(set(second))) < 8:
        return ("the random number generator repeats a few octets; take the module out of service",)
    return ()


def ensure_probe_key(module: Module, make: Callable[..., Key] | None = None) -> tuple[Key, bool]:
    """The probe key of the token, and whether it was made, as it is where it is absent.

    `make(label=, algorithm=)` makes it in place of `Module.generate_key_pair`, as whoever tells of it wants.
    """
    try:
        return module.key(label=PROBE_LABEL), False
    except Unavailable as error:
        if error.code != "module.key-absent":
            raise
    elliptic = Mechanism.EC_KEY_PAIR_GEN in module.mechanisms
    algorithm = KeyAlgorithm.P256 if elliptic else KeyAlgorithm.RSA_3072
    return (make or module.generate_key_pair)(label=PROBE_LABEL, algorithm=algorithm), True


@implements("TRUSTWORKS:MODULE-HEALTH", disabled=ModuleHealth(ok=True, latency_us=None))
def health(module: Module, approved: Approval | None) -> ModuleHealth:
    """Sign and verify, look at the random numbers and the token's flags, compare with the approval."""
    findings: list[str] = []
    latency = None
    try:
        latency = _latency(module)
    except Unavailable as error:
        if error.code == "module.key-absent":
            findings.append(
                f"there is no probe key {PROBE_LABEL!r} on {module.token_uri}; make it with "
                "`trustworks module health --make-probe-key`"
            )
        else:
            findings.append(str(error))
    except TrustworksError as error:
        findings.append(str(error))
    try:
        findings += look_at_random(module.random(32), module.random(32))
        findings += _token_flags(module)
        module.barred = differences(module, approved)
        findings += module.barred
    except TrustworksError as error:
        findings.append(str(error))
    unique = tuple(dict.fromkeys(findings))
    return ModuleHealth(ok=not unique, latency_us=latency, findings=unique)


def _latency(module: Module) -> float:
    """Microseconds of one signature and its verification with the probe key, found and warm."""
    key = module.key(label=PROBE_LABEL)
    key.prove(_PROBED)
    started = time.perf_counter_ns()
    key.prove(_PROBED)
    return (time.perf_counter_ns() - started) / 1000


def _token_flags(module: Module) -> list[str]:
    token = module.token_info()
    return [sentence for flag, sentence in _FLAGS if token.flags & flag]


# The approval file: a JSON object, serial number of the token -> Approval


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
