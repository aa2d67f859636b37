"""Whether the module is well, and still the one that an operator approved; while it is not, it signs nothing.

A module is looked at before each use of it begins and from then on by the clock (`watching`): it signs and
verifies with a key kept for that, its random numbers are looked at, and what it says of itself is compared
with the approval on record. What was found in the last look, or that it could not be finished, bars the
module until a look finds nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import TrustworksError, Unavailable
from trustworks.core.module.algorithms import KeyAlgorithm
from trustworks.core.module.approvals import compare, compare_objects, read_approval
from trustworks.core.module.constants import Flag, Mechanism
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from trustworks.core.module.approvals import Approval
    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module

PROBE_LABEL: Final = "trustworks-probe"
SETTLING = 1.0  # seconds that the register of keys may be behind the token
_PROBED: Final = (
    b"trustworks health probe: signed by the module, verified with the public key, of no other meaning"
)
_FLAGS: Final = {
    Flag.USER_PIN_LOCKED: "the user's PIN is locked; the security officer must set it again",
    Flag.USER_PIN_FINAL_TRY: "one more wrong PIN locks the token",
    Flag.USER_PIN_COUNT_LOW: "wrong PINs were tried since the last login; find out by whom",
    Flag.USER_PIN_TO_BE_CHANGED: "the user's PIN must be changed",
}
_UNFINISHED: Final = "the last look at the module broke off by an error of this program; its log says why"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleHealth:
    """What `Module.health` found: `ok` where nothing is wrong.

    `latency_us` is of one signature with its verification; None without a signature.
    """

    ok: bool
    latency_us: float | None
    findings: tuple[str, ...] = field(default=())


def differences(module: Module, approved: Approval | None = None) -> tuple[str, ...]:
    """What is different from the approved module and from the register; nothing where none is asked for.

    Raises `Unavailable` where the module, and `Malformed` and `Unavailable` where the approval cannot be
    read.
    """
    if approved is None and module.approval is not None:
        approved = read_approval(module.approval, module.token_uri.serial or "")
        if approved is None:  # nobody looked at it yet, or the approval is gone: then it may be any module
            where = f"{module.token_uri} was not approved in {module.approval}"
            return (f"{where}; look at `trustworks module info`, then run `trustworks module approve`",)
    if approved is None:
        return ()
    return compare(approved, module.info()) + _object_differences(module, approved)


def _object_differences(module: Module, approved: Approval) -> tuple[str, ...]:
    """What the token has otherwise than approval and register say, and still has a moment later.

    A key is made, and destroyed, a moment before the register has it so.
    """
    if approved.objects is None:
        return ()

    def look() -> tuple[str, ...]:
        serial = module.token_uri.serial or ""
        found = module.inventory()
        entered, removed = (frozenset[str](), frozenset[str]())
        if module.register is not None:
            entered, removed = module.register(serial)
        return compare_objects(frozenset(approved.objects or ()), found, entered, removed)

    first = look()
    if not first:
        return ()
    time.sleep(SETTLING)
    return look()


@implements("TRUSTWORKS:MODULE-RANDOM", disabled=())
def look_at_random(first: bytes, second: bytes) -> tuple[str, ...]:
    """What is plainly wrong with two draws of random octets: finds a broken generator, not a weak one."""
    if first == second:
        return ("the random number generator gave the same octets twice; take the module out of service",)
    if min(len(set(first)), len(set(second))) < 8:
        return ("the random number generator repeats a few octets; take the module out of service",)
    return ()


@implements("TRUSTWORKS:MODULE-SO-PIN", disabled=())
def look_for_officer_pins(files: Iterable[Path]) -> tuple[str, ...]:
    """Which files with a security officer's PIN lie on this machine: whoever has one sets a new user PIN."""
    return tuple(
        f"the security officer's PIN lies in {file}: seal it or throw it away (`trustworks keys so-pin`), or "
        "take the file off this machine"
        for file in files
        if _is_there(file)
    )


def _is_there(file: Path) -> bool:
    """Whether something has the name; also where that cannot be seen."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


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
    """Sign and verify, look at the random numbers and the token's flags, compare with the approval.

    What is found bars the module (`Module.barred`), and so does a look that cannot be finished.
    """
    with module.looking:  # of two looks at once the later one has the word
        findings: tuple[str, ...] = (_UNFINISHED,)
        try:
            latency, findings = _look(module, approved)
        finally:
            module.barred = findings
    return ModuleHealth(ok=not findings, latency_us=latency, findings=findings)


def _look(module: Module, approved: Approval | None) -> tuple[float | None, tuple[str, ...]]:
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
    looks: tuple[Callable[[], tuple[str, ...]], ...] = (
        lambda: look_at_random(module.random(32), module.random(32)),
        lambda: _token_flags(module, approved),
        lambda: differences(module, approved),
        lambda: look_for_officer_pins(module.officer_pins),
    )
    for look in looks:
        try:  # what one cannot see keeps no other from being seen
            findings += look()
        except TrustworksError as error:
            findings.append(str(error))
    return latency, tuple(dict.fromkeys(findings))


def _latency(module: Module) -> float:
    """Microseconds of one signature and its verification with the probe key, found and warm."""
    key = module.key(label=PROBE_LABEL)
    key.prove(_PROBED)
    started = time.perf_counter_ns()
    key.prove(_PROBED)
    return (time.perf_counter_ns() - started) / 1000


def flags_of(module: Module) -> tuple[str, ...]:
    """The names of the flags that say something of the token's PIN, as an approval keeps them."""
    flags = module.token_info().flags
    return tuple(str(one.name) for one in _FLAGS if flags & one)


def _token_flags(module: Module, approved: Approval | None) -> tuple[str, ...]:
    present = flags_of(module)
    if not present:
        return ()
    if approved is None and module.approval is not None:
        approved = read_approval(module.approval, module.token_uri.serial or "")
    accepted = () if approved is None else approved.flags
    return tuple(_FLAGS[Flag[name]] for name in present if name not in accepted)
