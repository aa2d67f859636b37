"""Dual-control activation: a token's PIN that no person knows, sealed for operators who open it together.

The PIN is random. For every group of m operators it is split anew into m parts, of which all but one are
random and whose exclusive or is the PIN: fewer than m people have nothing but random octets. Each operator's
parts are sealed (AES-256-GCM) under a key that only the operator's own token decrypts (RSA-OAEP). To
activate, a process on the machine of the services makes a key that lives as long as the process does; each
operator opens their parts for that key, having compared its fingerprint; the process puts the PIN together
and writes it where the token's `pin-source` says, on a file system in memory: with the machine's power it is
gone. PINs are no keys: that they are in a computer's memory while they are used is how PKCS#11 works.

Source: EN 319 411-1, GEN-6.5.4-01 (two people to install and activate).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trustworks.core.errors import Refused, Rejected
from trustworks.core.module import documents
from trustworks.core.module.custodians import (
    PINS_LABEL,
    Custodian,
    check_cards,
    check_quorum,
    private_of,
    token_spki,
)
from trustworks.core.module.openings import same_fingerprint
from trustworks.core.module.pkcs11 import CryptokiError
from trustworks.core.module.wrapping import Oaep, choose_oaep, damaged, rsa_key
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.module.module import Module

PIN_OCTETS: Final = 24  # of randomness; written as 32 characters
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_NONCE: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What is sealed for one operator: the key of it, and the operator's parts of the PIN."""

    __pydantic_config__: ClassVar = documents.CONFIG

    name: str
    spki: bytes
    oaep: Oaep
    wrapped_key: bytes
    nonce: bytes
    parts: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPin:
    """A token's PIN, sealed for operators of whom `threshold` open it together.

    `format` says whose: the user's, or the security officer's. It is bound to what is sealed.
    """

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-sealed-pin-1", "trustworks-sealed-so-pin-1"] = "trustworks-sealed-pin-1"
    token: str
    serial: str
    threshold: int
    operators: tuple[str, ...]
    length: int
    made_at: datetime
    envelopes: tuple[Envelope, ...]

    @property
    def of_officer(self) -> bool:
        """Whether it is the security officer's PIN, with which the user's is set anew."""
        return self.format == "trustworks-sealed-so-pin-1"

    @property
    def core(self) -> bytes:
        """SHA-256 over everything but the envelopes: what these are bound to."""
        return documents.digest(self, without=("envelopes",))

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, in hexadecimal: how it is named."""
        return documents.digest(self).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRequest:
    """What a process asks operators for: their parts, sealed for its passing key."""

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-activation-1"] = "trustworks-activation-1"
    sealed: str
    token: str
    public_key: bytes
    made_at: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the request, in hexadecimal: what the process shows, and operators compare."""
        return documents.digest(self).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class PinOpening:
    """One operator's parts, sealed for the process that asked."""

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-pin-opening-1"] = "trustworks-pin-opening-1"
    request: str
    name: str
    public_key: bytes
    nonce: bytes
    parts: bytes


# Sealing


def new_pin() -> bytes:
    """A random PIN, in letters, digits, hyphens and underscores."""
    return secrets.token_urlsafe(PIN_OCTETS).encode("ascii")


def seal(
    pin: bytes,
    *,
    token: str,
    serial: str,
    operators: Sequence[Custodian],
    threshold: int,
    sha1: bool,
    at: datetime | None = None,
    of_officer: bool = False,
) -> SealedPin:
    """Seal a PIN for operators of whom `threshold` open it together; `of_officer`: the security officer's.

    `sha1`: whether RSA-OAEP with SHA-1 is declared, for tokens that know no other. `Rejected` (keys.quorum)
    for less than two; `Refused` as `choose_oaep` and `check_rsa_strength`.
    """
    check_quorum(operators, threshold)
    check_cards(operators)
    names = tuple(sorted(one.name for one in operators))
    empty = SealedPin(
        format="trustworks-sealed-so-pin-1" if of_officer else "trustworks-sealed-pin-1",
        token=token,
        serial=serial,
        threshold=threshold,
        operators=names,
        length=len(pin),
        made_at=(at or datetime.now(UTC)).replace(microsecond=0),
        envelopes=(),
    )
    parts: dict[str, bytes] = dict.fromkeys(names, b"")
    for group in combinations(names, threshold):
        rest = pin
        for name in group[:-1]:
            part = secrets.token_bytes(len(pin))
            parts[name] += part
            rest = _xor(rest, part)
        parts[group[-1]] += rest
    envelopes = []
    for one in sorted(operators, key=lambda each: each.name):
        oaep = choose_oaep(tuple(Oaep), one.oaep, sha1=sha1)
        key, nonce = AESGCM.generate_key(256), secrets.token_bytes(_NONCE)
        envelopes.append(
            Envelope(
                name=one.name,
                spki=one.pins_spki,
                oaep=oaep,
                wrapped_key=rsa_key(one.pins_spki, one.name).encrypt(key, _padding(oaep)),
                nonce=nonce,
                parts=AESGCM(key).encrypt(nonce, parts[one.name], empty.core),
            )
        )
    return replace(empty, envelopes=tuple(envelopes))


@implements("TRUSTWORKS:KEYS-PIN-OF-WHOM")
def check_whose(sealed: SealedPin, *, of_officer: bool) -> None:
    """Refuse to open one PIN where the other is meant: the officer's gives more than the user's."""
    if sealed.of_officer is not of_officer:
        found, meant = ("security officer's", "user's")[:: 1 if sealed.of_officer else -1]
        raise Refused(
            "TRUSTWORKS:KEYS-PIN-OF-WHOM",
            f"The file holds the {found} PIN of {sealed.token}, and the {meant} is meant. Name the other "
            "file.",
        )


@implements("TRUSTWORKS:KEYS-ONLY-PIN-KEPT")
def check_sealed(token: str, serial: str, *, known: bool) -> None:
    """Refuse to remove the PIN file of a token without a `known` sealed PIN: nothing else may open it."""
    if not known:
        raise Refused(
            "TRUSTWORKS:KEYS-ONLY-PIN-KEPT",
            f"The audit log knows of no sealed PIN of {token} (serial number {serial}), so that its PIN file "
            "may be all that opens it; nothing was removed. Show the sealed PIN by --sealed FILE, or seal it "
            "first (trustworks keys seal).",
        )


def _padding(oaep: Oaep) -> padding.OAEP:
    digest = hashes.SHA256() if oaep is Oaep.SHA256 else hashes.SHA1()  # noqa: S303 - a declared profile
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


# Opening


class Activation:
    """One activation: the passing key of this process, and what operators have opened for it."""

    def __init__(self, sealed: SealedPin, *, at: datetime | None = None) -> None:
        self._private = X25519PrivateKey.generate()
        self._parts: dict[str, bytes] = {}
        self.sealed = sealed
        self.request = ActivationRequest(
            sealed=sealed.digest,
            token=sealed.token,
            public_key=self._private.public_key().public_bytes_raw(),
            made_at=(at or datetime.now(UTC)).replace(microsecond=0),
        )

    @property
    def missing(self) -> int:
        """How many more operators have to open."""
        return max(self.sealed.threshold - len(self._parts), 0)

    def add(self, opening: PinOpening) -> None:
        """Take an operator's parts. `Rejected`: keys.other-request, keys.damaged, keys.quorum (twice)."""
        if opening.request != self.request.fingerprint or opening.name not in self.sealed.operators:
            raise Rejected(
                "keys.other-request", "The opening belongs to another activation. Open for this one."
            )
        if opening.name in self._parts:
            raise Rejected("keys.quorum", f"{opening.name} opened already; another operator has to.")
        try:
            key = _agreed(self._private, X25519PublicKey.from_public_bytes(opening.public_key), self.request)
            self._parts[opening.name] = AESGCM(key).decrypt(
                opening.nonce, opening.parts, opening.name.encode()
            )
        except (InvalidTag, ValueError):
            raise Rejected(
                "keys.damaged", f"What {opening.name} opened was changed on the way. Open it again."
            ) from None

    @implements(
        "TRUSTWORKS:KEYS-ACTIVATION-QUORUM", "EN319411-1:GEN-6.5.4-01", disabled=lambda self: self.raw()
    )
    def pin(self) -> bytes:
        """The PIN, once enough operators opened. Raises `Rejected` (keys.quorum) before."""
        if self.missing:
            raise Rejected(
                "keys.quorum",
                f"{self.missing} more of {', '.join(self.sealed.operators)} must open the PIN of "
                f"{self.sealed.token}.",
            )
        return self.raw()

    def raw(self) -> bytes:
        """What the parts of the first operators come to; with less than `threshold` of them no PIN."""
        length = self.sealed.length
        group = tuple(sorted(self._parts)[: self.sealed.threshold])
        places = dict.fromkeys(self.sealed.operators, 0)
        found = bytes(length)
        for one in combinations(self.sealed.operators, self.sealed.threshold):
            for name in one:
                if one == group:
                    start = places[name] * length
                    found = _xor(found, self._parts[name][start : start + length])
                places[name] += 1
        return found


def _agreed(private: X25519PrivateKey, public: X25519PublicKey, request: ActivationRequest) -> bytes:
    return HKDF(
        algorithm=hashes.SHA256(),
        length=32,
        salt=None,
        info=b"trustworks-pin " + request.fingerprint.encode(),
    ).derive(private.exchange(public))


def open_pin(
    module: Module, sealed: SealedPin, request: ActivationRequest, *, fingerprint: str
) -> PinOpening:
    """Open the parts of the operator whose token it is, for the process that asks.

    `fingerprint` is what the operator read off the process. `Refused` (TRUSTWORKS:KEYS-FINGERPRINT);
    `Rejected`: keys.other-request, keys.other-custodian, keys.damaged.
    """
    same_fingerprint(request.fingerprint, fingerprint)
    if request.sealed != sealed.digest:
        raise Rejected("keys.other-request", "The request is for another sealed PIN. Take its own file.")
    spki = token_spki(module, PINS_LABEL)
    envelope = next((one for one in sealed.envelopes if one.spki == spki), None)
    if envelope is None:
        raise Rejected(
            "keys.other-custodian",
            f"{module.token_uri} is the token of none of {', '.join(sealed.operators)}. Connect the right "
            "one.",
        )

    def decrypt(session: int) -> bytes:
        private = private_of(module, session, PINS_LABEL, envelope.spki, envelope.name)
        try:
            return module.cryptoki.decrypt(session, envelope.oaep.mechanism, private, envelope.wrapped_key)
        except CryptokiError as error:
            raise damaged(error) from error

    key = module.look_up(decrypt)
    try:
        parts = AESGCM(key).decrypt(envelope.nonce, envelope.parts, sealed.core)
    except (InvalidTag, ValueError):
        raise Rejected("keys.damaged", "The sealed PIN was changed. Take another copy of its file.") from None
    passing = X25519PrivateKey.generate()
    agreed = _agreed(passing, X25519PublicKey.from_public_bytes(request.public_key), request)
    nonce = secrets.token_bytes(_NONCE)
    return PinOpening(
        request=request.fingerprint,
        name=envelope.name,
        public_key=passing.public_key().public_bytes_raw(),
        nonce=nonce,
        parts=AESGCM(agreed).encrypt(nonce, parts, envelope.name.encode()),
    )


# Where PINs lie


def in_memory(file: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether a file is, or would be, on a file system in memory, which is gone with the machine's power."""
    place = file.absolute().parent.resolve()
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    found, kind = Path("/"), ""
    for line in lines:
        _, point, fs, *_ = line.split(" ")
        mounted = Path(point.encode().decode("unicode_escape"))
        if place.is_relative_to(mounted) and len(mounted.parts) >= len(found.parts):
            found, kind = mounted, fs
    return kind in _MEMORY


@implements("TRUSTWORKS:KEYS-ATTENDED")
def check_attended(*, memory: bool, unattended: bool, lab: bool, file: Path) -> None:
    """Refuse a PIN that lies on a disk, unless starts without people are accepted, or this is the lab."""
    if not (memory or unattended or lab):
        raise Refused(
            "TRUSTWORKS:KEYS-ATTENDED",
            f"The PIN file {file} is on a disk: whoever starts the machine starts the services, and nobody "
            "has "
            "to agree. Seal the PIN (`trustworks keys seal`) and name a file on a file system in memory, or "
            "accept it: `unattended-start = true` under [module].",
        )
