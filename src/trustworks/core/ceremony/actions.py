"""What is done at the steps that are about people, tokens and keys; the module's own acts, nothing else.

Steps that belong to a service, such as the making of an authority, are that service's: `app` hands them in.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final, Protocol

from trustworks.core.ceremony.executor import Action, Facts
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.keys.model import living_backups, places
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.events import (
    destroy_key,
    key_facts,
    new_key,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from trustworks.core.ceremony import steps
    from trustworks.core.keys import HistoryEntry, KeyEntry
    from trustworks.core.module import Key, Module, Pkcs11Uri
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.tokens import TokenState

_KEY_ID: Final = 20  # octets


class Bench(Protocol):
    """What the actions work with: tokens by their names, the audit log, a folder for files, the people."""

    @property
    def base(self) -> Path:
        """The folder that files of the plan are meant from."""

    @property
    def stands_in(self) -> bool:
        """Whether tokens and keys stand for the ones that the plan means, as in a rehearsal."""

    @property
    def on_event(self) -> OnEvent:
        """What tells the audit log of tokens and keys."""

    def module(self, token: str) -> Module:
        """The module, open on that token for writing, until the ceremony ends."""

    def token_labels(self) -> frozenset[str]:
        """The labels of all tokens that there are."""

    def initialise(
        self, label: str, *, so_pin: str, user_pin: str, keep: Callable[[str], None] | None = None
    ) -> None:
        """Make a token; `keep` gets its serial number, and makes durable how its PINs come back."""

    def open_new(self, uri: Pkcs11Uri, pin: bytes | None = None) -> Module:
        """The module, open on a token that was just made, by the `pin` or a file's; the caller closes it."""

    def open_made(self, label: str) -> Module | None:
        """The module, open on a token of a run before that was activated meanwhile; the caller closes it."""

    def is_approved(self, serial: str) -> bool:
        """Whether the token with this serial number is approved, or the configuration keeps no approvals."""

    def token_state(self, label: str) -> TokenState:
        """What a token says of itself before anybody logs in."""

    def hold(self, label: str, pin: bytes) -> None:
        """Open a new token by this PIN in later steps of this run; it is in no file."""

    def approve(self, module: Module) -> None:
        """Approve a token that the ceremony made, where the configuration keeps approvals."""

    def note_officer_pin(self, label: str, file: Path) -> None:
        """Keep in which file a new token's security officer's PIN lies."""

    @property
    def oaep_sha1(self) -> bool:
        """Whether RSA-OAEP with SHA-1 is declared."""

    def registered(self, label: str) -> list[tuple[KeyEntry, list[HistoryEntry]]]:
        """The keys of the register with that label, each with its history."""

    def confirm(self, what: str) -> Facts:
        """Ask the people whether it is so; `Rejected` (ceremony.not-confirmed) where they say no."""


def remaining(history: Sequence[HistoryEntry]) -> Facts:
    """Where the register has copies of a key: tokens, and backups by their SHA-256."""
    return {"tokens": sorted(places(history).values()), "backups": living_backups(history)}


def inventory(key: Key) -> Facts:
    """What a transcript tells of a key: what it is, its size, its hash, and how the module protects it."""
    return {
        **key_facts(key),
        "bits": key.algorithm.bits,
        "scheme": key.scheme.name,
        "protection": key.attributes(),
    }


class Confirming(Action):
    """confirm."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def perform(self, step: steps.Confirm, prepared: Facts) -> Facts:
        """Ask the people."""
        del prepared
        return {"what": step.what, **self._bench.confirm(step.what)}


class Inspecting(Action):
    """inspect-module."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def perform(self, step: steps.InspectModule, prepared: Facts) -> Facts:
        """Hold the token against the plan, and sign with its probe key."""
        del prepared
        module = self._bench.module(step.token)
        found = module.info()
        expected = None if self._bench.stands_in else step.serial
        if expected is not None and expected != found.token_serial:
            raise Rejected(
                "ceremony.token",
                f"The token {step.token} has the serial number {found.token_serial}, and the plan expects "
                f"{expected}. Insert the token that is meant, or have a new plan approved.",
            )
        health = module.health()
        if not health.ok:
            raise Unavailable(
                "ceremony.module", f"The token {step.token} is not well: {' '.join(health.findings)}"
            )
        facts: Facts = asdict(found)
        return facts | {
            "library": str(found.library),
            "library_sha256": found.library_sha256.hex(),
            "interfaces": list(found.interfaces),
            "mechanisms": list(found.mechanisms),
            "health": "signs and verifies with its probe key",
        }


class Generating(Action):
    """generate-key: the identifier is drawn before, so that a key that was made is known again."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def prepare(self, step: steps.GenerateKey) -> Facts:
        """Draw the identifier; refuse a label that is in use."""
        algorithm_named(step.algorithm)
        module = self._bench.module(step.token)
        if any(one.label == step.label for one in module.keys()):  # noqa: SIM118 - no dictionary
            raise Rejected(
                "module.key-exists",
                f"A key {step.label!r} is on the token {step.token} already; plan one of another label, or "
                "check it by a step check-key.",
            )
        return {"label": step.label, "algorithm": step.algorithm, "id": module.random(_KEY_ID).hex()}

    def look(self, step: steps.GenerateKey, prepared: Facts) -> Facts | None:
        """The key with the identifier that was drawn; the log and the register may not know of it yet."""
        module = self._bench.module(step.token)
        key = _find(module, bytes.fromhex(prepared["id"]))
        if key is None:
            return None
        check_protected(step.label, key.attributes())
        key.prove()
        if step.backup is None:
            found = key_facts(key) | {"found_after_interruption": True}
            self._bench.on_event("module.key-generated", module.token_uri, found)
        return inventory(key)

    def perform(self, step: steps.GenerateKey, prepared: Facts) -> Facts:
        """Make the key."""
        key = new_key(
            self._bench.on_event,
            self._bench.module(step.token),
            label=step.label,
            algorithm=algorithm_named(step.algorithm),
            key_id=bytes.fromhex(prepared["id"]),
        )
        return inventory(key)


class Checking(Action):
    """check-key: it is the key that is meant, it cannot leave the module, its halves belong together."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def perform(self, step: steps.CheckKey, prepared: Facts) -> Facts:
        """Hold the key against the plan, look at its protection, sign."""
        del prepared
        key = self._bench.module(step.token).key(label=step.label)
        check_is_meant(step.label, key.spki_sha256.hex(), None if self._bench.stands_in else step.spki_sha256)
        facts = inventory(key)
        check_protected(step.label, facts["protection"])
        key.sign(b"a key that was made before is checked before it is used")
        return facts


class Destroying(Action):
    """destroy-key."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def prepare(self, step: steps.DestroyKey) -> Facts:
        """Tell the key that is to go."""
        key = self._bench.module(step.token).key(label=step.label)
        check_is_meant(step.label, key.spki_sha256.hex(), None if self._bench.stands_in else step.spki_sha256)
        return {**inventory(key), "reason": step.reason}

    def look(self, step: steps.DestroyKey, prepared: Facts) -> Facts | None:
        """Whether the key is gone; the log and the register may not know of it yet."""
        module = self._bench.module(step.token)
        if _find(module, bytes.fromhex(prepared["id"])) is not None:
            return None
        told = {name: prepared[name] for name in ("label", "id", "algorithm", "spki_sha256", "uri")}
        found = told | {"reason": step.reason, "found_after_interruption": True}
        self._bench.on_event("module.key-destroyed", module.token_uri, found)
        return self._told(step, prepared)

    def perform(self, step: steps.DestroyKey, prepared: Facts) -> Facts:
        """Destroy it, told before and after."""
        module = self._bench.module(step.token)
        key = module.key(key_id=bytes.fromhex(prepared["id"]))
        destroy_key(self._bench.on_event, module, key, reason=step.reason)
        return self._told(step, prepared)

    def _told(self, step: steps.DestroyKey, prepared: Facts) -> Facts:
        """What was destroyed, and where the register has copies of it still."""
        for entry, history in self._bench.registered(step.label):
            if entry.spki_sha256 == prepared["spki_sha256"]:
                return {**prepared, "state": history[-1].state.value, "remaining": remaining(history)}
        return prepared


@implements("EN319411-1:GEN-6.5.1-13B")
def check_is_meant(label: str, found: str, expected: str | None) -> None:
    """Refuse a key that has the label and is another than the plan says, by the hash of its public key."""
    if expected is not None and found != expected:
        raise Refused(
            "EN319411-1:GEN-6.5.1-13B",
            f"The key {label!r} is {found}, and the plan is about {expected}. Find out whose key it is "
            "before anything else is done.",
        )


@implements("EN319411-1:GEN-6.5.1-13B")
def check_protected(label: str, protection: Mapping[str, bool | None]) -> None:
    """Refuse to take a key into use that could leave its module."""
    if protection.get("extractable") is not False or protection.get("sensitive") is not True:
        raise Refused(
            "EN319411-1:GEN-6.5.1-13B",
            f"The module does not say that the key {label!r} is sensitive and cannot be extracted. Make a "
            "new key in the ceremony.",
        )


def _find(module: Module, key_id: bytes) -> Key | None:
    try:
        return module.key(key_id=key_id)
    except Unavailable as error:
        if error.code != "module.key-absent":
            raise
        return None


def algorithm_named(name: str) -> KeyAlgorithm:
    """The kind of key with this name. Raises `Malformed`."""
    try:
        return KeyAlgorithm(name)
    except ValueError:
        names = ", ".join(one.value for one in KeyAlgorithm)
        raise Malformed(f"There is no kind of key {name!r}; plan one of {names}.") from None


def module_actions(bench: Bench) -> dict[str, Action]:
    """The actions of this file, by the kind of step."""
    made: dict[str, Callable[[Bench], Action]] = {
        "confirm": Confirming,
        "inspect-module": Inspecting,
        "check-key": Checking,
        "destroy-key": Destroying,
    }
    return {kind: make(bench) for kind, make in made.items()}
