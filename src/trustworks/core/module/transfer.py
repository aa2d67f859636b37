"""Bringing a key to a token: restore, transfer to another module, and the drill of both.

1. `begin`: the target makes a transport key that never leaves it, and a request that names it and the target.
2. `open_next`: each custodian of a group, in the package's order, compares the request's fingerprint with
   what the target shows, and opens one layer in their own token. The last one's token wraps the backup key
   under the target's transport key.
3. `finish`: the target unwraps the backup key for one session, under it the private key, which cannot be
   extracted from then on, signs with it, and destroys the transport key.

What goes from one step to the next is a file without a secret in the clear; each step needs one token. A
process that ends in the middle of `finish` leaves at most a public key, or the key itself: `finish` again
resolves either. Source: EN 319 411-1, GEN-6.5.2-05 and -06.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import documents, objects, packages
from trustworks.core.module import library as libraries
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.constants import Attribute, Mechanism, ObjectClass
from trustworks.core.module.custodians import KEYS_LABEL, module_facts, private_of, token_spki
from trustworks.core.module.module import check_protection
from trustworks.core.module.placing import place_private, place_public, public_key, verified
from trustworks.core.module.wrapping import (
    Oaep,
    check_rsa_strength,
    choose_oaep,
    generate_rsa_pair,
    passing,
    rsa_key,
    spki_of,
    unwrap_secret,
    wrap_under,
    wrapping_profile,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.module.backup import Backup
    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module

TRANSPORT_LABEL: Final = "trustworks-transport"
Purpose = Literal["restore", "transfer", "drill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a target asks custodians for: one backup's key, to be wrapped under the transport key.

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
class Opening:
    """How far the custodians have come: who opened, and what the next one, or the target, goes on with."""

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-key-opening-1"] = "trustworks-key-opening-1"
    request: str
    opened_by: tuple[str, ...]
    oaep: Oaep | None
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What a drill showed: the nonce that the key signed, the signature, and that nothing was kept."""

    nonce: bytes
    signature: bytes


def read_request(octets: bytes, what: str = "The request") -> Request:
    """Read a request's file. Raises `Malformed`."""
    return documents.read(Request, octets, what)


def read_opening(octets: bytes, what: str = "The opening") -> Opening:
    """Read an opening's file. Raises `Malformed`."""
    return documents.read(Opening, octets, what)


# The target


def begin(
    module: Module,
    backup: Backup,
    *,
    custodians: Sequence[str],
    purpose: Purpose = "restore",
    bits: int = 4096,
    at: datetime | None = None,
) -> Request:
    """Make the transport key on the target, which must be open read_write, and the request.

    `Refused` where the target protects keys less than where the backup was made (TRUSTWORKS:KEYS-TARGET),
    and as `check_rsa_strength`; `Rejected`: keys.quorum, keys.no-wrapping, module.key-exists (another key has
    the label).
    """
    group = backup.package(custodians).custodians
    check_rsa_strength(bits, "the transport")
    facts = module_facts(module)
    check_target(backup.module, facts)
    profile = wrapping_profile(module)
    if purpose != "drill":
        _check_place(module, backup)
    label = f"{TRANSPORT_LABEL}-{purpose}-{secrets.token_hex(4)}"

    def make(session: int) -> bytes:
        public, _ = generate_rsa_pair(
            module.cryptoki, session, label=label, bits=bits, use=Attribute.UNWRAP, on_token=True
        )
        return spki_of(module.cryptoki, session, public)

    with libraries.start_lock(module.connection.setup):
        if (
            purpose != "transfer"
        ):  # what a process that was ended left; transfers may wait for their custodians
            remove_transport_keys(module, purpose)
        spki = module.connection.run(make, once=True)
    return Request(
        purpose=purpose,
        backup=backup.digest,
        label=backup.key.label,
        custodians=group,
        transport_spki=spki,
        transport_id=label.encode(),
        oaep=profile.oaep,
        kwp=profile.kwp.name,
        module=facts,
        made_at=(at or datetime.now(UTC)).replace(microsecond=0),
    )


def _check_place(module: Module, backup: Backup) -> None:
    """Refuse where another key has the label already."""
    if module.has(label=backup.key.label) and not module.has(
        label=backup.key.label, key_id=backup.key.key_id
    ):
        raise Rejected(
            "module.key-exists",
            f"Another key with the label {backup.key.label!r} is on {module.token_uri}; destroy or rename "
            "it.",
        )


@implements("TRUSTWORKS:KEYS-TARGET", "EN319411-1:GEN-6.5.2-05")
def check_target(source: dict[str, Any], target: dict[str, Any]) -> None:
    """Refuse a target that protects keys less than the module where the key was made.

    By what modules tell of themselves: whoever has a certified device compares its certificate, too.
    Source: EN 319 411-1, GEN-6.5.2-05.
    """
    if target.get("test_module") is not False and source.get("test_module") is False:
        raise Refused(
            "TRUSTWORKS:KEYS-TARGET",
            f"The key was made in {source.get('manufacturer')} {source.get('model')}; the target is a test "
            "module "
            "that protects no key. Choose a target that protects keys as well or better.",
        )


# The custodians


def open_next(
    module: Module,
    request: Request,
    backup: Backup,
    opening: Opening | None = None,
    *,
    fingerprint: str,
) -> Opening:
    """Open one layer in the token of the custodian whose turn it is.

    `fingerprint` is what the custodian read off the target, typed in or scanned, not taken from the request.
    `Refused`: TRUSTWORKS:KEYS-FINGERPRINT, KEYS-TARGET, KEYS-WRAPPING-STRENGTH, KEYS-OAEP. `Rejected`:
    keys.other-backup, keys.other-request, keys.other-custodian, keys.damaged.
    """
    same_fingerprint(request.fingerprint, fingerprint)
    _check_belongs(request, backup)
    check_target(backup.module, request.module)
    transport = rsa_key(request.transport_spki, "the target's transport")
    check_rsa_strength(transport.key_size, "the target's transport")
    done = () if opening is None else opening.opened_by
    content = backup.package(request.custodians).content
    if opening is not None:
        _check_opening(request, opening)
        content = opening.content
    if len(done) >= len(request.custodians):
        raise Rejected("keys.other-custodian", "All custodians have opened: give the opening to the target.")
    name = request.custodians[len(done)]
    recipient = backup.recipient(name)
    cryptoki, last = module.cryptoki, len(done) + 1 == len(request.custodians)
    # Before anything is opened: whether what comes out can go on its way.
    profile = wrapping_profile(module)
    onward = choose_oaep(profile.oaep, request.oaep, sha1=module.oaep_sha1) if last else None

    def step(session: int) -> bytes:
        private = private_of(module, session, KEYS_LABEL, recipient.spki, name)
        if onward is None:
            return packages.open_outer(module, session, private, recipient.oaep, content, backup.core)
        with passing(cryptoki, session) as handles:
            handles.append(
                packages.open_innermost(module, session, private, recipient.oaep, content, profile.kwp)
            )
            return wrap_under(cryptoki, session, onward, transport, handles[-1])

    return Opening(
        request=request.fingerprint,
        opened_by=(*done, name),
        oaep=onward,
        content=module.look_up(step),
    )


def whose_turn(request: Request, opening: Opening | None) -> str | None:
    """The custodian who opens next; None where the target is next."""
    done = 0 if opening is None else len(opening.opened_by)
    return request.custodians[done] if done < len(request.custodians) else None


def custodian_of(module: Module, backup: Backup) -> str | None:
    """Which of the backup's custodians an open token belongs to; None for none of them."""
    spki = token_spki(module, KEYS_LABEL)
    return next((one.name for one in backup.custodians if one.spki == spki), None)


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


def _check_belongs(request: Request, backup: Backup) -> None:
    if request.backup != backup.digest:
        raise Rejected(
            "keys.other-backup",
            "The request asks for another backup, or the backup was changed. Take the file that was named "
            "when "
            "the request was made.",
        )


def _check_opening(request: Request, opening: Opening) -> None:
    done = len(opening.opened_by)
    if opening.request != request.fingerprint or opening.opened_by != request.custodians[:done]:
        raise Rejected(
            "keys.other-request", "The opening belongs to another request. Take the one of this request."
        )


# The target again


def finish(module: Module, request: Request, backup: Backup, opening: Opening) -> Key:
    """Unwrap the key on the target, which must be open read_write; answers the key, which has signed.

    Where a process ended in the middle of it, the same call again completes it or starts anew. `Rejected`:
    keys.other-backup, keys.other-request, keys.custodians-missing, keys.damaged, module.key-exists;
    `Unavailable` (keys.no-transport-key) where the request is not of this token or was finished. The
    transport key stays after a failure, and is destroyed after success.
    """
    _check_finish(module, request, backup, opening, drill=False)
    key_id = backup.key.key_id
    _check_place(module, backup)
    with libraries.start_lock(module.connection.setup):
        there = module.has(key_id=key_id)
        if not there:
            module.destroy_id(key_id)  # a public half that a killed process left
            module.connection.run(
                lambda session: _unwrap(module, session, request, backup, opening, None), once=True
            )
    try:
        key = module.key(key_id=key_id)
        _check_same(key, backup)
        check_protection(key.attributes(), key.label, lab=True)  # an unwrapped key has no past to show
        key.prove()
    except BaseException:
        if not there:  # what was there before is not this call's to destroy
            module.destroy_id(key_id)
        raise
    abandon(module, request)
    return key


def _check_same(key: Key, backup: Backup) -> None:
    if key.spki != backup.key.spki:
        raise Rejected(
            "keys.damaged",
            f"The key with that id is not {backup.key.label!r} of the backup. Find out whose it is.",
        )


def drill(module: Module, request: Request, backup: Backup, opening: Opening) -> Drill:
    """Unwrap the key for one session alone, let it sign a nonce, and keep nothing. Raises as `finish`."""
    _check_finish(module, request, backup, opening, drill=True)
    nonce = secrets.token_bytes(32)
    signature = module.connection.run(
        lambda session: _unwrap(module, session, request, backup, opening, nonce), once=True
    )
    abandon(module, request)
    return Drill(nonce=nonce, signature=signature)


def _check_finish(module: Module, request: Request, backup: Backup, opening: Opening, *, drill: bool) -> None:
    _check_belongs(request, backup)
    _check_opening(request, opening)
    if (request.purpose == "drill") is not drill:
        raise Rejected(
            "keys.other-request",
            f"The custodians agreed to a {request.purpose}, and to nothing else. Begin anew for another "
            "purpose.",
        )
    if len(opening.opened_by) != len(request.custodians) or opening.oaep is None:
        missing = ", ".join(request.custodians[len(opening.opened_by) :])
        raise Rejected("keys.custodians-missing", f"{missing} must open first; nothing was brought back.")
    check_key_algorithm(backup.key.algorithm, module.today(), lab=module.lab)


def _unwrap(  # noqa: PLR0917 - one step of the protocol
    module: Module, session: int, request: Request, backup: Backup, opening: Opening, nonce: bytes | None
) -> bytes:
    """Bring the key to its place, or with a `nonce` only into this session; answers a signature."""
    cryptoki, kwp = module.cryptoki, Mechanism[request.kwp]
    expected = public_key(backup)
    found = cryptoki.find(
        session, {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: request.transport_id}
    )
    if not found or opening.oaep is None:
        module.connection.check_usable()
        raise Unavailable(
            "keys.no-transport-key",
            f"{module.token_uri} has no transport key for this request: it was made on another token, or is "
            "finished. Begin anew.",
        )
    with passing(cryptoki, session) as handles:
        kek = unwrap_secret(
            cryptoki, session, opening.oaep.mechanism, found[0], opening.content, Attribute.UNWRAP
        )
        handles.append(kek)
        # First for this session alone: nothing is put on the token that does not sign as it should.
        tried = place_private(module, session, kwp, kek, backup, on_token=False)
        handles.append(tried)
        signature = verified(
            module, session, tried, expected, backup.key.algorithm, *(() if nonce is None else (nonce,))
        )
        if signature is None:
            raise Rejected(
                "keys.damaged",
                f"What came back is not the private key of {backup.key.label!r}; nothing was kept.",
            )
        if nonce is None:
            place_public(module, session, backup)
            place_private(module, session, kwp, kek, backup, on_token=True)
        return signature


def remove_transport_keys(module: Module, purpose: Purpose) -> int:
    """Destroy the transport keys of all requests for this purpose; answers how many there were."""
    start = f"{TRANSPORT_LABEL}-{purpose}-".encode()

    def remove(session: int) -> int:
        cryptoki, removed = module.cryptoki, 0
        for kind in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
            for handle in cryptoki.find(session, {Attribute.CLASS: kind, Attribute.TOKEN: True}):
                if (cryptoki.attribute(session, handle, Attribute.LABEL) or b"").startswith(start):
                    cryptoki.destroy(session, handle)
                    removed += kind is ObjectClass.PRIVATE_KEY
        return removed

    with libraries.start_lock(module.connection.setup):
        return module.connection.run(remove)


def abandon(module: Module, request: Request) -> None:
    """Destroy the transport key of a request, after which nothing that was opened for it is of any use."""
    with libraries.start_lock(module.connection.setup):
        module.connection.run(lambda session: objects.destroy(module.cryptoki, session, request.transport_id))
