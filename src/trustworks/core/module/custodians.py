"""Custodians: people who each hold a token of their own, of whom several together bring a key back.

A custodian's token has two RSA key pairs that never leave it. One unwraps keys, for backups: what it opens
stays in the token. The other decrypts, for sealed PINs, which are no keys and have to come out. Neither can
do the other's work. The custodian's card is public: it names the two keys.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import documents
from trustworks.core.module import library as libraries
from trustworks.core.module.constants import Attribute, ObjectClass
from trustworks.core.module.wrapping import (
    Oaep,
    check_rsa_strength,
    generate_rsa_pair,
    rsa_key,
    spki_of,
    wrapping_profile,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.module.module import Module

KEYS_LABEL: Final = "trustworks-custodian"
PINS_LABEL: Final = "trustworks-operator"
LEAST_THRESHOLD: Final = 2
MOST_PACKAGES: Final = 300
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Custodian:
    """A custodian's card: a name, the public keys of their token, and what the token can do."""

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-custodian-1"] = "trustworks-custodian-1"
    name: str
    keys_spki: bytes
    pins_spki: bytes
    oaep: tuple[Oaep, ...]
    token: str
    serial: str
    made_at: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the card, in hexadecimal: what a custodian reads out when the card is handed over."""
        return documents.digest(self).hex()


def make_custodian(module: Module, name: str, *, bits: int = 4096, at: datetime | None = None) -> Custodian:
    """Make the two key pairs of a custodian on their token, which must be open read_write.

    `Rejected` (keys.custodian-exists) where the token has them already, (keys.no-wrapping) where it cannot
    unwrap keys. `Refused` (TRUSTWORKS:KEYS-WRAPPING-STRENGTH) for fewer bits than 3072. `Malformed` for a
    name that is not of lower-case letters, digits, dots, hyphens and underscores.
    """
    if not _NAME.fullmatch(name):
        raise Malformed(
            f"{name!r} is no custodian's name: write up to 40 lower-case letters, digits, dots, hyphens."
        )
    check_rsa_strength(bits, f"the custodian {name}")
    profile = wrapping_profile(module)
    cryptoki = module.cryptoki

    def make(session: int) -> dict[str, bytes]:
        found = {}
        for label, use in ((KEYS_LABEL, Attribute.UNWRAP), (PINS_LABEL, Attribute.DECRYPT)):
            for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
                if cryptoki.find(session, {Attribute.CLASS: kind, Attribute.LABEL: label}):
                    raise Rejected(
                        "keys.custodian-exists",
                        f"{module.token_uri} is a custodian's token already; give each custodian a new one.",
                    )
            public, _ = generate_rsa_pair(cryptoki, session, label=label, bits=bits, use=use, on_token=True)
            found[label] = spki_of(cryptoki, session, public)
        return found

    with libraries.start_lock(module.connection.setup):
        made = module.connection.run(make, once=True)
    return Custodian(
        name=name,
        keys_spki=made[KEYS_LABEL],
        pins_spki=made[PINS_LABEL],
        oaep=profile.oaep,
        token=module.token_uri.token or "",
        serial=module.token_uri.serial or "",
        made_at=(at or datetime.now(UTC)).replace(microsecond=0),
    )


def private_of(module: Module, session: int, label: str, spki: bytes, name: str) -> int:
    """The handle of a custodian's private key, whose public key must be that of the card.

    `Rejected` (keys.other-custodian) for another's token, `Unavailable` (module.key-absent) without a key.
    """
    cryptoki = module.cryptoki
    found = {
        kind: cryptoki.find(session, {Attribute.CLASS: kind, Attribute.LABEL: label})
        for kind in (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY)
    }
    if not all(found.values()):
        module.connection.check_usable()
        raise Unavailable(
            "module.key-absent",
            f"{module.token_uri} holds no custodian's keys. Connect the token of {name}.",
        )
    if spki_of(cryptoki, session, found[ObjectClass.PUBLIC_KEY][0]) != spki:
        raise Rejected(
            "keys.other-custodian",
            f"{module.token_uri} is not the token of {name}. Connect the right one.",
        )
    return found[ObjectClass.PRIVATE_KEY][0]


def token_spki(module: Module, label: str) -> bytes | None:
    """The public key of a custodian's token, by which it is recognised; None where it is no such token."""

    def look(session: int) -> bytes | None:
        found = module.cryptoki.find(
            session, {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.LABEL: label}
        )
        return spki_of(module.cryptoki, session, found[0]) if found else None

    return module.look_up(look)


@implements("TRUSTWORKS:KEYS-QUORUM", "EN319411-1:GEN-6.5.2-06")
def check_quorum(custodians: Sequence[Custodian], threshold: int) -> None:
    """Refuse a group that is none: fewer than two who must act together, or one who counts twice.

    Raises `Rejected` (keys.quorum). Source: EN 319 411-1, GEN-6.5.2-06 (dual control of backup and recovery).
    """
    names = {one.name for one in custodians}
    spkis = [spki for one in custodians for spki in (one.keys_spki, one.pins_spki)]
    objection = None
    if len(names) != len(custodians) or len(set(spkis)) != len(spkis):
        objection = (
            "two of the custodians have the same name or the same key; each must be a person with a token"
        )
    elif threshold < LEAST_THRESHOLD:
        objection = f"{threshold} of {len(custodians)} is no dual control; at least two must act together"
    elif threshold > len(custodians):
        objection = f"{threshold} of {len(custodians)} can never come together; name more custodians"
    if objection:
        raise Rejected("keys.quorum", f"Not accepted: {objection}.")


def check_cards(custodians: Sequence[Custodian]) -> None:
    """Refuse cards whose keys are too short or no RSA keys. Raises `Refused`, `Malformed`."""
    for one in custodians:
        for spki in (one.keys_spki, one.pins_spki):
            check_rsa_strength(rsa_key(spki, one.name).key_size, f"the custodian {one.name}")


def spki_sha256(spki: bytes) -> str:
    """How a public key is named, in hexadecimal."""
    return hashlib.sha256(spki).hexdigest()


def module_facts(module: Module) -> dict[str, Any]:
    """What a document says of the module that it was made on, as JSON values."""
    info = module.info()
    return {
        "token": info.token_label,
        "serial": info.token_serial,
        "model": info.token_model,
        "manufacturer": info.token_manufacturer,
        "firmware": info.firmware_version,
        "library": info.library_description,
        "library_version": info.library_version,
        "library_sha256": info.library_sha256.hex(),
        "test_module": info.is_test_module,
        "certified": None if module.certification is None else module.certification.as_values(),
    }
