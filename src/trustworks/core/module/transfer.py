"""Bringing a key to a token: restore, transfer to another module, and the drill of both.

1. `begin`: the target makes a transport key that never leaves it, and a request that names it and the target.
2. `open_next`: each custodian of a group compares the request's fingerprint with what the target shows, and
   hands their one-time key on: their own token wraps it under the target's transport key.
3. `finish`: with all of them the target opens the backup key for one session, under it the private key, which
   cannot be extracted from then on, and signs with it. `abandon` then destroys the transport key.

What goes from one step to the next is a file without a secret in the clear; each step needs one token. A
process that ends in the middle of `finish` leaves at most a public key, or the key itself: `finish` again
resolves either. Source: EN 319 411-1, GEN-6.5.2-05 and -06.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import library as libraries
from trustworks.core.module import objects, packages
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.backup import check_manifest
from trustworks.core.module.certified import lacking
from trustworks.core.module.certified import read as certification_in
from trustworks.core.module.constants import Attribute, Mechanism, ObjectClass
from trustworks.core.module.custodians import KEYS_LABEL, module_facts, private_of, token_spki
from trustworks.core.module.openings import (
    Opening,
    Purpose,
    Request,
    Share,
    check_belongs,
    check_opening,
    same_fingerprint,
    whose_turn,
)
from trustworks.core.module.placing import place_private, place_public, public_key, verified
from trustworks.core.module.protection import check_protection
from trustworks.core.module.wrapping import (
    check_carrier,
    check_rsa_strength,
    choose_oaep,
    generate_rsa_pair,
    passing,
    rsa_key,
    spki_of,
    wrapping_profile,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.module.backup import Backup
    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module

TRANSPORT_LABEL: Final = "trustworks-transport"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What a drill showed: the nonce that the key signed, the signature, and that nothing was kept."""

    nonce: bytes
    signature: bytes


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

    `Refused` where the target protects keys less than where the backup was made (TRUSTWORKS:KEYS-TARGET), or
    the transport key is weaker than the key (KEYS-TRANSPORT-STRENGTH), or the key did not sign the backup
    (KEYS-MANIFEST), and as `check_rsa_strength`; `Rejected`: keys.quorum, keys.no-wrapping, module.key-exists
    (another key has the label).
    """
    group = backup.package(custodians).custodians
    check_rsa_strength(bits, "the transport")
    check_manifest(backup)
    check_carrier(bits, backup.module.get("transport_bits"), backup.key.label)
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


@implements("TRUSTWORKS:KEYS-TARGET", "EN319411-1:GEN-6.5.2-05", "EN319421:TIS-7.6.2-06")
def check_target(source: dict[str, Any], target: dict[str, Any]) -> None:
    """Refuse a target that protects keys less than the module where the key was made.

    By what modules tell of themselves, and by what they are certified for as declared: where the backup says
    something of its module, the target's must be declared to have as much.
    Source: EN 319 411-1, GEN-6.5.2-05.
    """
    if target.get("test_module") is not False and source.get("test_module") is False:
        raise Refused(
            "TRUSTWORKS:KEYS-TARGET",
            f"The key was made in {source.get('manufacturer')} {source.get('model')}; the target is a test "
            "module "
            "that protects no key. Choose a target that protects keys as well or better.",
        )
    certified = certification_in(source.get("certified"), "the module where the key was made")
    if certified is None:
        return
    missing = lacking(certified, certification_in(target.get("certified"), "the target"))
    if missing:
        raise Refused(
            "TRUSTWORKS:KEYS-TARGET",
            "The target is not certified as well as the module where the key was made: "
            f"{'; '.join(missing)}. Choose one that is, and declare it under [[module.certified]].",
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
    """Hand on the part of the custodian whose turn it is, in their own token.

    `fingerprint` is what the custodian read off the target, typed in or scanned, not taken from the request.
    `Refused`: TRUSTWORKS:KEYS-FINGERPRINT, KEYS-TARGET, KEYS-WRAPPING-STRENGTH, KEYS-OAEP. `Rejected`:
    keys.other-backup, keys.other-request, keys.other-custodian, keys.damaged.
    """
    same_fingerprint(request.fingerprint, fingerprint)
    check_belongs(request, backup)
    check_manifest(backup)
    check_target(backup.module, request.module)
    transport = rsa_key(request.transport_spki, "the target's transport")
    check_rsa_strength(transport.key_size, "the target's transport")
    check_carrier(transport.key_size, backup.module.get("transport_bits"), backup.key.label)
    done = Opening(request=request.fingerprint) if opening is None else opening
    check_opening(request, done)
    name = whose_turn(request, done)
    if name is None:
        raise Rejected("keys.other-custodian", "All custodians have opened: give the opening to the target.")
    recipient, part = backup.recipient(name), backup.package(request.custodians).part(name)
    # Before anything is opened: whether what comes out can go on its way.
    onward = choose_oaep(wrapping_profile(module).oaep, request.oaep, sha1=module.oaep_sha1)

    def step(session: int) -> bytes:
        private = private_of(module, session, KEYS_LABEL, recipient.spki, name)
        return packages.hand_on(module, session, private, recipient, part, backup.core, onward, transport)

    share = Share(name=name, oaep=onward, wrapped=module.look_up(step))
    return replace(done, shares=(*done.shares, share))


def custodian_of(module: Module, backup: Backup) -> str | None:
    """Which of the backup's custodians an open token belongs to; None for none of them."""
    spki = token_spki(module, KEYS_LABEL)
    return next((one.name for one in backup.custodians if one.spki == spki), None)


# The target again


def finish(module: Module, request: Request, backup: Backup, opening: Opening) -> Key:
    """Unwrap the key on the target, which must be open read_write; answers the key, which has signed.

    Where a process ended in the middle of it, the same call again completes it or starts anew; that the
    custodians opened is shown again then. `Rejected`: keys.other-backup, keys.other-request,
    keys.custodians-missing, keys.damaged, module.key-exists; `Unavailable` (keys.no-transport-key) where the
    request is not of this token or was finished. The transport key stays, until `abandon`.
    """
    _check_finish(module, request, backup, opening, drill=False)
    key_id = backup.key.key_id
    _check_place(module, backup)
    with libraries.start_lock(module.connection.setup):
        there = module.has(key_id=key_id)
        if not there:
            module.destroy_id(key_id)  # a public half that a killed process left
        # A key that is there already is no proof that anybody opened anything now.
        nonce = secrets.token_bytes(32) if there else None
        module.connection.run(
            lambda session: _unwrap(module, session, request, backup, opening, nonce), once=True
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
    return key


def _check_same(key: Key, backup: Backup) -> None:
    if key.spki != backup.key.spki:
        raise Rejected(
            "keys.damaged",
            f"The key with that id is not {backup.key.label!r} of the backup. Find out whose it is.",
        )


def drill(module: Module, request: Request, backup: Backup, opening: Opening) -> Drill:
    """Unwrap the key for one session alone, let it sign a nonce, and keep nothing. Raises as `finish`.

    The transport key stays, as there.
    """
    _check_finish(module, request, backup, opening, drill=True)
    nonce = secrets.token_bytes(32)
    signature = module.connection.run(
        lambda session: _unwrap(module, session, request, backup, opening, nonce), once=True
    )
    return Drill(nonce=nonce, signature=signature)


def _check_finish(module: Module, request: Request, backup: Backup, opening: Opening, *, drill: bool) -> None:
    check_belongs(request, backup)
    check_opening(request, opening)
    if (request.purpose == "drill") is not drill:
        raise Rejected(
            "keys.other-request",
            f"The custodians agreed to a {request.purpose}, and to nothing else. Begin anew for another "
            "purpose.",
        )
    if len(opening.shares) != len(request.custodians):
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
    if not found:
        module.connection.check_usable()
        raise Unavailable(
            "keys.no-transport-key",
            f"{module.token_uri} has no transport key for this request: it was made on another token, or is "
            "finished. Begin anew.",
        )
    with passing(cryptoki, session) as handles:
        shares = [(one.oaep, one.wrapped) for one in opening.shares]
        package = backup.package(request.custodians)
        kek = packages.put_together(module, session, found[0], shares, package, kwp, backup.core)
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
