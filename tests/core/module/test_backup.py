"""A key with a backup: made, lost, brought back by two of three custodians; and everything that is
refused."""

from __future__ import annotations

import dataclasses
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from key_custodians import BITS, Custodians, make_custodians

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import Key, KeyAlgorithm, Module, documents, openings, placing, transfer
from trustworks.core.module.backup import Backup, generate_with_backup, read_backup
from trustworks.core.module.constants import Attribute, KeyType, ObjectClass
from trustworks.core.module.custodians import KEYS_LABEL, make_custodian, private_of
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism
from trustworks.core.module.wrapping import (
    Oaep,
    check_rsa_strength,
    choose_oaep,
    one_time_key,
    wrapping_profile,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.module.pkcs11 import Template

DATA = b"what the key signs"


@pytest.fixture(scope="module")
def custodians(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token)


def make(
    module: Module,
    custodians: Custodians,
    *,
    algorithm: KeyAlgorithm = KeyAlgorithm.P256,
    threshold: int = 2,
    keep: Callable[[Backup], None] = lambda _: None,
) -> tuple[Key, Backup]:
    return generate_with_backup(
        module,
        label=f"ca-{secrets.token_hex(4)}",
        algorithm=algorithm,
        custodians=custodians.cards,
        threshold=threshold,
        keep=keep,
    )


@pytest.fixture(scope="module")
def lost(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], custodians: Custodians
) -> tuple[Pkcs11Uri, Backup]:
    """A key that is on no token any more, and its backup."""
    uri = make_token()
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as module:
        key, backup = make(module, custodians)
        module.destroy(key)
    return uri, backup


def objects_of(module: Module) -> int:
    return module.connection.run(lambda session: len(module.cryptoki.find(session, {Attribute.TOKEN: True})))


# What must not work


@pytest.mark.req("TRUSTWORKS:KEYS-QUORUM", "EN319411-1:GEN-6.5.2-06")
@pytest.mark.parametrize(
    ("threshold", "message"), [(1, "no dual control"), (0, "no dual control"), (4, "never come together")]
)
def test_less_than_two_custodians_are_no_backup(
    module: Module, custodians: Custodians, threshold: int, message: str
) -> None:
    with pytest.raises(Rejected, match=message) as caught:
        make(module, custodians, threshold=threshold)
    assert caught.value.code == "keys.quorum"
    assert module.keys() == []


@pytest.mark.req("TRUSTWORKS:KEYS-QUORUM")
def test_one_person_does_not_count_twice(module: Module, custodians: Custodians) -> None:
    anna = custodians.cards[0]
    for second in (anna, dataclasses.replace(anna, name="other")):
        with pytest.raises(Rejected, match="same name or the same key"):
            generate_with_backup(
                module,
                label="ca",
                algorithm=KeyAlgorithm.P256,
                custodians=[anna, second],
                threshold=2,
                keep=lambda _: None,
            )
    assert module.keys() == []


@pytest.mark.req("EN319411-1:GEN-6.5.2-06", "TRUSTWORKS:KEYS-QUORUM")
def test_one_custodian_alone_is_refused(
    softhsm: Path, custodians: Custodians, lost: tuple[Pkcs11Uri, Backup]
) -> None:
    uri, backup = lost
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as target:
        for names in (("anna",), ("anna", "anna"), (), ("anna", "mallory")):
            with pytest.raises(Rejected, match="2 different ones of anna, boris, clara are needed"):
                custodians.ask(target, backup, names)
        request = custodians.ask(target, backup, ("anna", "boris"))
        opening = custodians.step(request, backup)
        with pytest.raises(Rejected, match="boris must open first") as caught:
            transfer.finish(target, request, backup, opening)
        assert caught.value.code == "keys.custodians-missing"
        # Nor does a first custodian become the second one, whatever the file says of itself.
        with custodians.open("anna") as module, pytest.raises(Rejected, match="not the token of boris"):
            transfer.open_next(module, request, backup, opening, fingerprint=request.fingerprint)
        (own,) = opening.shares
        claimed = dataclasses.replace(opening, shares=(own, dataclasses.replace(own, name="boris")))
        with pytest.raises(Rejected, match="cannot be unwrapped"):
            transfer.finish(target, request, backup, claimed)
        assert target.keys() == []


@pytest.mark.req("EN319411-1:GEN-6.5.2-06")
@pytest.mark.parametrize("thief", ["anna", "boris"])
def test_a_custodian_whose_token_gives_everything_out_has_no_key(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module, thief: str
) -> None:
    """Whoever opened before: what their own token unwraps is nothing by itself."""
    _, backup = lost
    request = custodians.ask(module, backup, ("anna", "boris"))
    opening = custodians.step(request, backup)
    assert opening.opened_by == ("anna",)
    package = backup.package(("anna", "boris"))
    recipient, part = backup.recipient(thief), package.part(thief)

    def give_out(session: int) -> bytes:
        cryptoki = stolen.cryptoki
        private = private_of(stolen, session, KEYS_LABEL, recipient.spki, thief)
        open_template: Template = {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.TOKEN: False,
            Attribute.SENSITIVE: False,
            Attribute.EXTRACTABLE: True,
        }
        handle = cryptoki.unwrap_key(session, recipient.oaep.mechanism, private, part.wrapped, open_template)
        value = cryptoki.attribute(session, handle, Attribute.VALUE)
        assert value
        return value

    with custodians.open(thief) as stolen:
        mine = stolen.look_up(give_out)
    # Not wrapped under it, and not opened by the share of the one before, which is for the target alone.
    for content in (package.content, package.content[12:], opening.shares[0].wrapped):
        with pytest.raises((InvalidUnwrap, ValueError)):
            aes_key_unwrap_with_padding(mine, content)
    if thief == "anna":  # the outer layer is hers; what is in it is boris's
        inner = AESGCM(mine).decrypt(package.content[:12], package.content[12:], backup.core)
        with pytest.raises((InvalidUnwrap, ValueError)):
            aes_key_unwrap_with_padding(mine, inner)


def test_one_flipped_bit_of_a_package_is_refused(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module
) -> None:
    _, backup = lost
    package = backup.packages[0]
    request = custodians.ask(module, backup, package.custodians)

    def flipped(octets: bytes, place: int) -> bytes:
        changed = bytearray(octets)
        changed[place] ^= 1
        return bytes(changed)

    first, second = package.parts
    spoilt_packages = [
        *(dataclasses.replace(package, content=flipped(package.content, at)) for at in (0, 12, -1)),
        dataclasses.replace(package, content=package.content[:12]),
        dataclasses.replace(
            package, parts=(first, dataclasses.replace(second, wrapped=flipped(second.wrapped, 100)))
        ),
        dataclasses.replace(
            package, parts=(dataclasses.replace(first, proof=flipped(first.proof, 20)), second)
        ),
        dataclasses.replace(package, parts=(first, dataclasses.replace(second, proof=b""))),
        dataclasses.replace(package, parts=(second, first)),
        dataclasses.replace(package, parts=(first,)),
    ]
    for one in spoilt_packages:
        spoilt = dataclasses.replace(backup, packages=(one, *backup.packages[1:]))
        asked = dataclasses.replace(request, backup=spoilt.digest)
        with pytest.raises((Rejected, Malformed)):
            transfer.finish(module, asked, spoilt, custodians.opened(asked, spoilt))
    assert module.keys() == []


@pytest.mark.parametrize("name", ["anna", "clara"])
def test_no_custodians_token_hands_anything_on_of_a_changed_backup(
    custodians: Custodians,
    lost: tuple[Pkcs11Uri, Backup],
    module: Module,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, backup = lost
    monkeypatch.setattr(transfer, "check_manifest", lambda _: None)  # as if somebody could forge it
    request = custodians.ask(module, backup, ("anna", "clara"))
    for spoilt in (
        dataclasses.replace(backup, wrapped_key=bytes((backup.wrapped_key[0] ^ 1,)) + backup.wrapped_key[1:]),
        dataclasses.replace(backup, threshold=3),
        dataclasses.replace(backup, key=dataclasses.replace(backup.key, label="another")),
        dataclasses.replace(backup, module=backup.module | {"model": "another"}),
    ):
        asked = dataclasses.replace(request, backup=spoilt.digest)
        share = openings.Share(name="anna", oaep=Oaep.SHA1, wrapped=b"")
        before = openings.Opening(request=asked.fingerprint, shares=() if name == "anna" else (share,))
        with pytest.raises(Rejected, match="cannot be unwrapped") as caught:
            custodians.step(asked, spoilt, before)
        assert caught.value.code == "keys.damaged"
    assert module.keys() == []


def test_an_opening_with_a_flipped_bit_brings_nothing_back(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module
) -> None:
    _, backup = lost
    request = custodians.ask(module, backup, ("anna", "clara"))
    opening = custodians.opened(request, backup)

    def spoilt(number: int) -> openings.Opening:
        share = opening.shares[number]
        other = dataclasses.replace(share, wrapped=bytes((*share.wrapped[:-1], share.wrapped[-1] ^ 1)))
        shares = (*opening.shares[:number], other, *opening.shares[number + 1 :])
        return dataclasses.replace(opening, shares=shares)

    for number in (0, 1):
        with pytest.raises(Rejected, match="cannot be unwrapped"):
            transfer.finish(module, request, backup, spoilt(number))
    assert module.keys() == []
    assert transfer.finish(module, request, backup, opening).spki == backup.key.spki  # it is not used up
    # Nor does the key that is there now stand for what nobody opened.
    with pytest.raises(Rejected, match="cannot be unwrapped"):
        transfer.finish(module, request, backup, spoilt(1))
    assert transfer.finish(module, request, backup, opening).spki == backup.key.spki
    transfer.abandon(module, request)
    with pytest.raises(Unavailable, match="no transport key"):
        transfer.finish(module, request, backup, opening)


@pytest.mark.req("TRUSTWORKS:KEYS-FINGERPRINT")
def test_custodians_open_nothing_for_a_request_that_the_target_did_not_show(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module, softhsm: Path, token: Pkcs11Uri
) -> None:
    _, backup = lost
    shown = custodians.ask(module, backup, ("anna", "boris"))
    with Module.open(token, library=softhsm, read_write=True, lab=True) as thief:
        theirs = custodians.ask(thief, backup, ("anna", "boris"))
    with (
        custodians.open("anna") as anna,
        pytest.raises(Refused, match="find out who changed it") as caught,
    ):
        transfer.open_next(anna, theirs, backup, fingerprint=shown.fingerprint)
    assert caught.value.requirement == "TRUSTWORKS:KEYS-FINGERPRINT"
    spaced = ":".join(shown.fingerprint.upper()[i : i + 4] for i in range(0, 64, 4))
    with custodians.open("anna") as anna:
        assert transfer.open_next(anna, shown, backup, fingerprint=spaced).opened_by == ("anna",)


@pytest.mark.req("TRUSTWORKS:KEYS-TARGET", "EN319411-1:GEN-6.5.2-05", "EN319421:TIS-7.6.2-06")
def test_a_weaker_target_is_refused_by_itself_and_by_the_custodians(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, backup = lost
    monkeypatch.setattr(transfer, "check_manifest", lambda _: None)  # a key of hardware that signed it
    hardware = dataclasses.replace(backup, module=backup.module | {"test_module": False})
    with pytest.raises(Refused, match="the target is a test module") as caught:
        custodians.ask(module, hardware, ("anna", "boris"))
    assert caught.value.requirement == "TRUSTWORKS:KEYS-TARGET"
    lies = dataclasses.replace(custodians.ask(module, backup, ("anna", "boris")), backup=hardware.digest)
    with custodians.open("anna") as anna, pytest.raises(Refused, match="the target is a test module"):
        transfer.open_next(anna, lies, hardware, fingerprint=lies.fingerprint)


@pytest.mark.req("TRUSTWORKS:KEYS-WRAPPING-STRENGTH")
def test_keys_do_not_travel_under_short_keys(
    custodians: Custodians, lost: tuple[Pkcs11Uri, Backup], module: Module
) -> None:
    _, backup = lost
    check_rsa_strength(3072, "a custodian")
    with pytest.raises(Refused, match="3072 bits or more"):
        transfer.begin(module, backup, custodians=("anna", "boris"), bits=2048)
    with pytest.raises(Refused, match="2048 bits"):
        make_custodian(module, "dora", bits=2048)
    short = rsa.generate_private_key(65537, 2048).public_key()
    spki = short.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    request = dataclasses.replace(custodians.ask(module, backup, ("anna", "boris")), transport_spki=spki)
    with custodians.open("anna") as anna, pytest.raises(Refused, match="the target's transport has 2048"):
        transfer.open_next(anna, request, backup, fingerprint=request.fingerprint)
    weak = dataclasses.replace(custodians.cards[0], keys_spki=spki)
    with pytest.raises(Refused, match="the custodian anna has 2048 bits"):
        generate_with_backup(
            module,
            label="ca",
            algorithm=KeyAlgorithm.P256,
            custodians=[weak, custodians.cards[1]],
            threshold=2,
            keep=lambda _: None,
        )


@pytest.mark.req("TRUSTWORKS:KEYS-OAEP")
def test_oaep_with_sha1_is_a_declared_profile(
    softhsm: Path, token: Pkcs11Uri, custodians: Custodians
) -> None:
    assert choose_oaep((Oaep.SHA256, Oaep.SHA1), (Oaep.SHA1, Oaep.SHA256), sha1=False) is Oaep.SHA256
    with pytest.raises(Rejected, match="no hash of RSA-OAEP in common"):
        choose_oaep((Oaep.SHA256,), (Oaep.SHA1,), sha1=True)
    with Module.open(token, library=softhsm, read_write=True) as strict:
        assert wrapping_profile(strict).oaep == (Oaep.SHA1,)  # SoftHSM2 2.6.1
        with pytest.raises(Refused, match="oaep-sha1 = true") as caught:
            make(strict, custodians)
        assert caught.value.requirement == "TRUSTWORKS:KEYS-OAEP"
        assert strict.keys() == []


def test_what_is_no_backup_is_malformed(lost: tuple[Pkcs11Uri, Backup]) -> None:
    _, backup = lost
    values: dict[str, Any] = json.loads(documents.write(backup))
    assert read_backup(documents.write(backup)) == backup
    for wrong in (
        b"",
        b"{}",
        b"\xff",
        json.dumps(values | {"extra": 1}).encode(),
        json.dumps(values | {"format": "trustworks-key-backup-1"}).encode(),
        json.dumps(values | {"threshold": "2"}).encode(),
        json.dumps(values | {"wrapped_key": "!"}).encode(),
        b" " * (documents.LARGEST + 1),
    ):
        with pytest.raises(Malformed):
            read_backup(wrong)


def test_a_key_that_no_module_wraps_gets_no_backup(module: Module, custodians: Custodians) -> None:
    before = objects_of(module)
    with pytest.raises(Rejected, match="does not wrap Ed25519 keys") as caught:
        make(module, custodians, algorithm=KeyAlgorithm.ED25519)
    assert caught.value.code == "keys.no-wrapping"
    assert objects_of(module) == before


def test_there_is_no_key_whose_backup_was_not_kept(module: Module, custodians: Custodians) -> None:
    def full(_: Backup) -> None:
        raise OSError("no space left")

    before = objects_of(module)
    with pytest.raises(OSError, match="no space"):
        make(module, custodians, keep=full)
    assert module.keys() == []
    assert objects_of(module) == before


def test_a_token_is_one_custodians_alone(custodians: Custodians) -> None:
    with custodians.open("anna") as module, pytest.raises(Rejected, match="custodian's token already"):
        make_custodian(module, "dora", bits=BITS)
    with custodians.open("anna") as module, pytest.raises(Malformed, match="no custodian's name"):
        make_custodian(module, "Dora Muster", bits=BITS)


# What works


@pytest.mark.req("EN319411-1:GEN-6.5.2-05", "EN319411-1:GEN-6.5.2-06", "EN319411-1:GEN-6.5.2-09")
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P384, KeyAlgorithm.RSA_3072, KeyAlgorithm.BRAINPOOL_P256])
def test_a_lost_key_comes_back_by_any_two_of_three(
    module: Module, custodians: Custodians, algorithm: KeyAlgorithm
) -> None:
    kept: list[Backup] = []
    try:
        key, backup = make(module, custodians, algorithm=algorithm, keep=kept.append)
    except Rejected as error:
        if error.code != "module.mechanism":
            raise
        pytest.skip(f"NOT TESTED: {error}")
    assert kept == [backup]
    before = key.attributes()
    assert (before["extractable"], before["sensitive"], before["local"]) == (False, True, True)
    for names in (("anna", "boris"), ("clara", "anna"), ("boris", "clara")):
        module.destroy(key)
        restored = custodians.restore(module, backup, names)
        assert restored.spki == key.spki
        assert (restored.label, restored.key_id) == (key.label, key.key_id)
        restored.sign(DATA)
        assert restored.attributes()["extractable"] is False
        assert [each.label for each in module.keys()] == [key.label]  # noqa: SIM118 - no dictionary
    assert objects_of(module) == 2  # no transport key, no backup key stays


def test_a_key_moves_to_a_second_token_and_signs_there(
    module: Module, custodians: Custodians, softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    key, backup = make(module, custodians)
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as second:
        request = custodians.ask(second, backup, ("anna", "clara"), "transfer")
        moved = transfer.finish(second, request, backup, custodians.opened(request, backup))
        public = load_der_public_key(key.spki)
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(moved.sign(DATA), DATA, ec.ECDSA(hashes.SHA256()))
        second.destroy(moved)
        opening = custodians.opened(request, backup)
        transfer.abandon(second, request)
        with pytest.raises(Unavailable, match="no transport key") as caught:  # each request once
            transfer.finish(second, request, backup, opening)
        assert caught.value.code == "keys.no-transport-key"


@pytest.mark.req("EN319411-1:GEN-6.5.2-09")
def test_a_restored_key_cannot_be_wrapped_again(module: Module, custodians: Custodians) -> None:
    key, backup = make(module, custodians)

    def exfiltrate(session: int) -> bytes:
        handle = module.private_handle(session, key.key_id)
        kek = one_time_key(module.cryptoki, session, Attribute.WRAP)
        return module.cryptoki.wrap_key(session, PreparedMechanism(wrapping_profile(module).kwp), kek, handle)

    for _ in range(2):
        with module.connection.session() as session, pytest.raises(CryptokiError, match="UNEXTRACTABLE"):
            exfiltrate(session)
        module.destroy(key)
        custodians.restore(module, backup, ("anna", "boris"))


def test_a_drill_signs_a_nonce_and_keeps_nothing(
    module: Module, custodians: Custodians, lost: tuple[Pkcs11Uri, Backup]
) -> None:
    _, backup = lost
    request = custodians.ask(module, backup, ("boris", "clara"), "drill")
    opening = custodians.opened(request, backup)
    with pytest.raises(Rejected, match="agreed to a drill, and to nothing else"):
        transfer.finish(module, request, backup, opening)
    found = transfer.drill(module, request, backup, opening)
    public = load_der_public_key(backup.key.spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(found.signature, found.nonce, ec.ECDSA(hashes.SHA256()))
    transfer.abandon(module, request)
    assert objects_of(module) == 0


def test_three_of_five(softhsm: Path, make_token: Callable[..., Pkcs11Uri], custodians: Custodians) -> None:
    more = make_custodians(softhsm, make_token, ("dora", "emil"))
    five = Custodians(softhsm, custodians.uris | more.uris, custodians.cards + more.cards)
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        key, backup = make(module, five, threshold=3)
        assert len(backup.packages) == 10
        module.destroy(key)
        with pytest.raises(Rejected, match="3 different ones"):
            five.ask(module, backup, ("anna", "emil"))
        assert five.restore(module, backup, ("emil", "anna", "dora")).spki == key.spki


def test_what_a_killed_restore_left_is_resolved_by_the_next(
    module: Module, custodians: Custodians, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half that may be left by itself is the public one; the private one is whole or not there."""
    key, backup = make(module, custodians)
    module.destroy(key)
    request = custodians.ask(module, backup, ("anna", "boris"))
    opening = custodians.opened(request, backup)
    with monkeypatch.context() as patch:

        def dies(*_: object, on_token: bool, **__: object) -> int:
            if on_token:
                raise KeyboardInterrupt
            return place(*_, on_token=on_token, **__)  # type: ignore[arg-type]

        place = placing.place_private
        patch.setattr(transfer, "place_private", dies)
        patch.setattr(module, "destroy_id", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            transfer.finish(module, request, backup, opening)
    halves = module.connection.run(
        lambda session: module.cryptoki.find(
            session, {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: key.key_id}
        )
    )
    assert len(halves) == 1
    assert module.keys() == []
    assert transfer.finish(module, request, backup, opening).spki == key.spki
    transfer.abandon(module, request)
    assert objects_of(module) == 2
