"""Keys in SoftHSM2: made inside, kept inside, and no signature leaves that does not verify."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module, SignatureScheme, objects
from trustworks.core.module.algorithms import DEFAULT_SCHEME, EC_PARAMETERS
from trustworks.core.module.constants import Attribute, KeyType, Mechanism
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism
from trustworks.core.module.protection import check_protection
from trustworks.core.module.signatures import ecdsa_encoder, make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.module.pkcs11 import Cryptoki

DATA = b"the octets of a certificate, a list or a token"


def verify(public_key: object, signature: bytes, scheme: SignatureScheme) -> None:
    """By the library alone, as any relying party does."""
    match public_key:
        case ec.EllipticCurvePublicKey():
            assert scheme.hash
            public_key.verify(signature, DATA, ec.ECDSA(scheme.hash.algorithm))
        case rsa.RSAPublicKey():
            assert scheme.hash
            pad: Any = (
                padding.PSS(padding.MGF1(scheme.hash.algorithm), scheme.hash.algorithm.digest_size)
                if scheme.padding == "rsa-pss"
                else padding.PKCS1v15()
            )
            public_key.verify(signature, DATA, pad, scheme.hash.algorithm)
        case ed25519.Ed25519PublicKey():
            public_key.verify(signature, DATA)
        case _:
            raise AssertionError(public_key)


# What must not work


def test_a_key_that_is_not_there_is_named(module: Module) -> None:
    with pytest.raises(Unavailable, match="'nobody'") as caught:
        module.key(label="nobody")
    assert caught.value.code == "module.key-absent"


def test_a_question_for_no_key_in_particular_is_refused(module: Module) -> None:
    with pytest.raises(Malformed, match="which key"):
        module.key()


def test_a_second_key_under_the_same_label_or_id_is_refused(module: Module) -> None:
    first = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    for label, key_id in (("k", None), ("other", first.key_id)):
        with pytest.raises(Rejected) as caught:
            module.generate_key_pair(label=label, key_id=key_id, algorithm=KeyAlgorithm.P256)
        assert caught.value.code == "module.key-exists"
    assert [key.key_id for key in module.keys()] == [first.key_id]  # noqa: SIM118 - no dictionary


@pytest.mark.parametrize("label", ["", "x" * 65])
def test_a_label_has_a_length(module: Module, label: str) -> None:
    with pytest.raises(Malformed, match="label"):
        module.generate_key_pair(label=label, algorithm=KeyAlgorithm.P256)


def test_a_module_open_for_reading_makes_no_keys(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm) as module, pytest.raises(Unavailable) as caught:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    assert caught.value.code == "module.read-only"


def test_a_kind_of_key_that_the_module_does_not_make_is_rejected(module: Module) -> None:
    module.mechanisms -= {int(Mechanism.EC_EDWARDS_KEY_PAIR_GEN)}
    with pytest.raises(Rejected, match="EC_EDWARDS_KEY_PAIR_GEN") as caught:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.ED25519)
    assert caught.value.code == "module.mechanism"


def test_a_curve_that_the_module_does_not_know_is_rejected(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EC_PARAMETERS, KeyAlgorithm.P256, bytes.fromhex("0603550403"))
    with pytest.raises((Rejected, Unavailable)):
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    assert module.keys() == []


@pytest.mark.parametrize(
    ("algorithm", "scheme"),
    [
        (KeyAlgorithm.P256, SignatureScheme.RSA_PSS_SHA256),
        (KeyAlgorithm.P256, SignatureScheme.ED25519),
        (KeyAlgorithm.RSA_2048, SignatureScheme.ECDSA_SHA256),
        (KeyAlgorithm.ED25519, SignatureScheme.ECDSA_SHA256),
    ],
)
def test_a_scheme_of_another_kind_of_key_is_rejected(
    module: Module, algorithm: KeyAlgorithm, scheme: SignatureScheme
) -> None:
    key = module.generate_key_pair(label="k", algorithm=algorithm)
    with pytest.raises(Rejected) as caught:
        key.sign(DATA, scheme)
    assert caught.value.code == "module.scheme"
    with pytest.raises(Rejected):
        make_plan(scheme, key.public_key, module.mechanisms, module.today())


def test_a_mechanism_that_the_module_does_not_offer_is_named(module: Module) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.RSA_2048)
    module.mechanisms -= {int(Mechanism.RSA_PKCS), int(Mechanism.SHA512_RSA_PKCS)}
    with pytest.raises(Rejected, match="CKM_RSA_PKCS or CKM_SHA512_RSA_PKCS") as caught:
        key.sign(DATA, SignatureScheme.RSA_PKCS1_SHA512)
    assert caught.value.code == "module.mechanism"


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA_2048, KeyAlgorithm.ED25519])
@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: bytes([raw[0] ^ 1]) + raw[1:],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 0x80]),
        lambda raw: b"\0" * len(raw),
        lambda raw: raw[:-1],
        lambda _: b"",
    ],
    ids=["first bit", "last bit", "zeros", "short", "empty"],
)
def test_a_signature_that_does_not_verify_never_leaves(
    module: Module,
    algorithm: KeyAlgorithm,
    damage: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = module.generate_key_pair(label="k", algorithm=algorithm)
    genuine = module.connection.sign
    monkeypatch.setattr(module.connection, "sign", lambda *arguments: damage(genuine(*arguments)))
    with pytest.raises(Unavailable, match="thrown away") as caught:
        key.sign(DATA)
    assert caught.value.code == "module.bad-signature"


@pytest.mark.req("TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
def test_a_signature_over_other_octets_never_leaves(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    genuine = module.connection.sign
    monkeypatch.setattr(
        module.connection, "sign", lambda mechanism, place, _: genuine(mechanism, place, bytes(32))
    )
    with pytest.raises(Unavailable, match="thrown away"):
        key.sign(DATA)


@pytest.mark.req("TRUSTWORKS:MODULE-KEY-INSIDE")
def test_the_module_gives_the_private_key_out_in_no_way(module: Module) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    cryptoki = module.cryptoki
    with module.connection.session() as session:
        handle = module.private_handle(session, key.key_id)
        assert cryptoki.attribute(session, handle, Attribute.VALUE) is None
        wrapping = cryptoki.generate_key(
            session,
            PreparedMechanism(Mechanism.AES_KEY_GEN),
            {Attribute.KEY_TYPE: KeyType.AES, Attribute.VALUE_LEN: 32, Attribute.WRAP: True},
        )
        with pytest.raises(CryptokiError):
            cryptoki.wrap_key(session, PreparedMechanism(Mechanism.AES_KEY_WRAP_PAD), wrapping, handle)
    with module.connection.session() as session, pytest.raises(CryptokiError):
        cryptoki.copy(session, handle, {Attribute.EXTRACTABLE: True, Attribute.TOKEN: False})


@pytest.mark.req("TRUSTWORKS:MODULE-KEY-INSIDE")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("private", False),
        ("sensitive", False),
        ("sensitive", None),
        ("extractable", True),
        ("extractable", None),
        ("always_sensitive", False),
        ("never_extractable", False),
        ("local", False),
        ("sign", False),
    ],
)
def test_a_key_that_is_not_protected_is_refused(name: str, value: bool | None) -> None:
    good: dict[str, bool | None] = {
        "private": True,
        "sensitive": True,
        "always_sensitive": True,
        "extractable": False,
        "never_extractable": True,
        "local": True,
        "sign": True,
    }
    check_protection(good, "k", lab=False)
    check_protection({**good, "local": None, "always_sensitive": None}, "k", lab=False)
    with pytest.raises(Refused) as caught:
        check_protection({**good, name: value}, "k", lab=False)
    assert caught.value.requirement == "TRUSTWORKS:MODULE-KEY-INSIDE"


@pytest.mark.req("TRUSTWORKS:MODULE-KEY-INSIDE")
def test_a_key_that_came_out_unprotected_is_destroyed(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = module.cryptoki.generate_key_pair

    def careless(session: int, mechanism: Any, public: Any, private: Any) -> tuple[int, int]:
        return genuine(session, mechanism, public, {**private, Attribute.EXTRACTABLE: True})

    monkeypatch.setattr(module.cryptoki, "generate_key_pair", careless)
    with pytest.raises(Refused, match="extractable"):
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    monkeypatch.undo()
    assert module.keys() == []


def test_the_halves_of_a_new_key_must_belong_together(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = module.generate_key_pair(label="other", algorithm=KeyAlgorithm.P256)
    genuine = objects.read
    monkeypatch.setattr(
        objects,
        "read",
        lambda *arguments: dataclasses.replace(genuine(*arguments), public_key=other.public_key),
    )
    with pytest.raises(Unavailable) as caught:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    assert caught.value.code == "module.bad-signature"
    monkeypatch.undo()
    assert [key.label for key in module.keys()] == ["other"]  # noqa: SIM118 - no dictionary


# What must work


@pytest.mark.req("TRUSTWORKS:MODULE-KEY-INSIDE", "TRUSTWORKS:MODULE-SIGNATURE-VERIFIED")
@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
def test_each_kind_of_key_signs_by_each_of_its_schemes(module: Module, algorithm: KeyAlgorithm) -> None:
    key = module.generate_key_pair(label="k", algorithm=algorithm)
    assert key.algorithm is algorithm
    assert key.scheme is DEFAULT_SCHEME[algorithm]
    attributes = key.attributes()
    assert attributes["sensitive"] is attributes["always_sensitive"] is attributes["local"] is True
    assert attributes["extractable"] is attributes["decrypt"] is attributes["unwrap"] is False
    for scheme in SignatureScheme:
        if scheme.family == algorithm.family:
            verify(key.public_key, key.sign(DATA, scheme), scheme)
    verify(key.public_key, key.sign(DATA), key.scheme)


def test_a_key_is_found_by_label_by_id_and_by_uri(softhsm: Path, token: Pkcs11Uri) -> None:
    with Module.open(token, library=softhsm, read_write=True) as module:
        made = module.generate_key_pair(label="unit 1", key_id=b"\1\2", algorithm=KeyAlgorithm.P384)
        module.generate_key_pair(label="unit 2", algorithm=KeyAlgorithm.P256)
        for found in (
            module.key(label="unit 1"),
            module.key(key_id=b"\1\2"),
            module.key(label="unit 1", key_id=b"\1\2"),
        ):
            assert found.spki == made.spki
        with pytest.raises(Unavailable):
            module.key(label="unit 2", key_id=b"\1\2")
        assert made.uri.token == token.token
        assert made.uri.pin_source is None
    with Module.open(dataclasses.replace(made.uri, pin_source=token.pin_source), library=softhsm) as module:
        key = module.key()
        assert key.spki == made.spki
        loaded = serialization.load_der_public_key(key.spki)
        verify(loaded, key.sign(DATA), key.scheme)


def test_two_keys_of_one_label_are_told_apart_by_id(module: Module) -> None:
    ours = module.generate_key_pair(label="same", algorithm=KeyAlgorithm.P256)
    with module.connection.session() as session:  # as another program may do it
        module.cryptoki.generate_key_pair(
            session,
            PreparedMechanism(Mechanism.EC_KEY_PAIR_GEN),
            {
                Attribute.TOKEN: True,
                Attribute.ID: b"2",
                Attribute.EC_PARAMS: EC_PARAMETERS[KeyAlgorithm.P256],
            },
            {Attribute.TOKEN: True, Attribute.ID: b"2", Attribute.LABEL: "same"},
        )
    with pytest.raises(Unavailable, match="by its id") as caught:
        module.key(label="same")
    assert caught.value.code == "module.key-ambiguous"
    assert module.key(key_id=ours.key_id).spki == ours.spki
    assert module.key(key_id=b"2").spki != ours.spki


def test_a_destroyed_key_signs_no_more(softhsm: Path, token: Pkcs11Uri) -> None:
    with (
        Module.open(token, library=softhsm, read_write=True) as module,
        Module.open(token, library=softhsm) as reader,
    ):
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
        kept = module.generate_key_pair(label="kept", algorithm=KeyAlgorithm.P256)
        assert reader.key(label="k").sign(DATA)
        assert key.sign(DATA)
        module.destroy(key)
        with pytest.raises(Unavailable) as caught:
            key.sign(DATA)
        assert caught.value.code == "module.key-absent"
        with pytest.raises(Unavailable):
            reader.key(label="k")
        assert [found.label for found in reader.keys()] == ["kept"]  # noqa: SIM118 - no dictionary
        verify(kept.public_key, kept.sign(DATA), kept.scheme)


@pytest.mark.parametrize("copies", [False, True])
def test_a_working_copy_is_as_well_protected_and_not_another_key(
    softhsm: Path, token: Pkcs11Uri, copies: bool
) -> None:
    from trustworks.core.module import ModuleSettings  # noqa: PLC0415

    settings = ModuleSettings.model_validate({"working-copies": copies})
    with Module.open(token, library=softhsm, read_write=True, settings=settings) as module:
        module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    with Module.open(token, library=softhsm, settings=settings) as module:
        key = module.key(label="k")
        verify(key.public_key, key.sign(DATA), key.scheme)
        signing = key._place[1]
        assert key.attributes()["token"] is True
        with module.connection.session() as session:
            assert (signing != module.private_handle(session, key.key_id)) is copies
            for name in (Attribute.SENSITIVE, Attribute.PRIVATE, Attribute.NEVER_EXTRACTABLE):
                assert module.cryptoki.number(session, signing, name) == 1
            assert module.cryptoki.number(session, signing, Attribute.EXTRACTABLE) == 0
        assert len(module.keys()) == 1


@pytest.mark.parametrize("copies", [False, True])
def test_a_key_that_another_process_destroyed_is_missed_and_signs_no_more(
    softhsm: Path, token: Pkcs11Uri, copies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trustworks.core.module import ModuleSettings  # noqa: PLC0415

    settings = ModuleSettings.model_validate({"working-copies": copies})
    with Module.open(token, library=softhsm, read_write=True, settings=settings) as module:
        stays = module.generate_key_pair(label="stays", algorithm=KeyAlgorithm.P256)
        goes = module.generate_key_pair(label="goes", algorithm=KeyAlgorithm.P256)
        goes.check_there()
        code = (
            "import sys; from pathlib import Path; from trustworks.core.module import Module, Pkcs11Uri\n"
            "with Module.open(Pkcs11Uri.parse(sys.argv[2]), "
            "library=Path(sys.argv[1]), read_write=True) as m:\n"
            "    m.destroy(m.key('goes'))"
        )
        subprocess.run([sys.executable, "-c", code, str(softhsm), str(token)], check=True)
        if copies:
            goes.sign(DATA)  # the copy does not know yet
        generation, look_up, looks = module.connection.generation, module.look_up, list[object]()

        def noted(action: Any) -> Any:
            looks.append(action)
            return look_up(action)

        monkeypatch.setattr(module, "look_up", noted)
        for _ in range(3):
            with pytest.raises(Unavailable, match="no longer on") as caught:
                goes.check_there()
            assert caught.value.code == "module.key-absent"
        assert len(looks) == 2  # under the lock at first alone: it keeps no other unit waiting afterwards
        assert module.connection.generation == generation + 1  # opened anew once, not at each look
        with pytest.raises(Unavailable, match="no longer on"):
            goes.sign(DATA)
        stays.check_there()
        verify(stays.public_key, stays.sign(DATA), stays.scheme)


def test_a_key_is_looked_for_again_where_the_connection_could_not_be_opened_at_once(
    softhsm: Path, token: Pkcs11Uri, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise CryptokiError("C_Login", 0x30)

    with Module.open(token, library=softhsm, read_write=True) as module:
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
        anchor = module.connection._anchor
        assert anchor is not None
        module.cryptoki.logout(anchor.handle)  # by another part of this process: no private key is found
        with monkeypatch.context() as patched:
            patched.setattr(module.cryptoki, "login", busy)
            with pytest.raises(Unavailable) as raised:
                key.check_there()
            assert raised.value.code != "module.key-absent"
        key.check_there()
        verify(key.public_key, key.sign(DATA), key.scheme)


def test_where_no_copy_can_be_made_the_key_itself_signs(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise CryptokiError("C_CopyObject", 0x1B)

    monkeypatch.setattr(module.cryptoki, "copy", refused)
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    with module.connection.session() as session:
        assert key._place[1] == module.private_handle(session, key.key_id)
    verify(key.public_key, key.sign(DATA), key.scheme)


def test_keys_of_other_kinds_are_passed_over(module: Module) -> None:
    module.generate_key_pair(label="ours", algorithm=KeyAlgorithm.P256)
    generate_foreign(module, b"1")
    assert [key.label for key in module.keys()] == ["ours"]  # noqa: SIM118 - no dictionary
    with pytest.raises(Rejected, match="RSA-1024") as caught:
        module.key(label="short")
    assert caught.value.code == "module.key-algorithm"


@pytest.mark.parametrize("moment", ["missing", "twice"])
def test_a_key_that_is_missing_or_ambiguous_for_a_moment_is_looked_at_again(
    module: Module, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    made = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    other = module.generate_key_pair(label="other", algorithm=KeyAlgorithm.P256)
    genuine, looks = module.cryptoki.find, iter([moment])

    def find(session: int, wanted: dict[Attribute, Any]) -> list[int]:
        found = genuine(session, wanted)
        if wanted.get(Attribute.LABEL) == "k" and next(looks, None) is not None:
            another = {**wanted, Attribute.LABEL: "other"}
            return [] if moment == "missing" else [*found, *genuine(session, another)]
        return found

    monkeypatch.setattr(module.cryptoki, "find", find)
    assert module.key(label="k").spki == made.spki != other.spki
    assert next(looks, None) is None


def test_a_key_that_lacks_something_for_a_moment_is_listed_all_the_same(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    generate_foreign(module, b"1")
    genuine, failed = objects.read, iter(["once"])

    def read(cryptoki: Cryptoki, session: int, handle: int) -> objects.Found:
        found = genuine(cryptoki, session, handle)
        if found.key_id == made.key_id and next(failed, None) is not None:
            raise Unavailable("module.public-key-absent", "The token holds no public key object.")
        return found

    monkeypatch.setattr(objects, "read", read)
    assert [key.label for key in module.keys()] == ["k"]  # noqa: SIM118 - no dictionary
    assert next(failed, None) is None


def generate_foreign(module: Module, key_id: bytes) -> None:
    """A key on the token that Trustworks does not use."""
    with module.connection.session() as session:
        module.cryptoki.generate_key_pair(
            session,
            PreparedMechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
            {Attribute.TOKEN: True, Attribute.MODULUS_BITS: 1024, Attribute.ID: key_id},
            {Attribute.TOKEN: True, Attribute.LABEL: "short", Attribute.ID: key_id},
        )


def test_a_curve_that_we_do_not_use_is_passed_over(module: Module) -> None:
    with module.connection.session() as session:
        module.cryptoki.generate_key_pair(
            session,
            PreparedMechanism(Mechanism.EC_KEY_PAIR_GEN),
            {
                Attribute.TOKEN: True,
                Attribute.ID: b"1",
                Attribute.EC_PARAMS: bytes.fromhex("06052b81040021"),  # P-224
            },
            {Attribute.TOKEN: True, Attribute.ID: b"1", Attribute.LABEL: "small"},
        )
    assert module.keys() == []
    with pytest.raises(Rejected, match="curve"):
        module.key(label="small")


def test_two_public_keys_under_one_id_are_refused(module: Module) -> None:
    made = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    with module.connection.session() as session:
        module.cryptoki.generate_key_pair(
            session,
            PreparedMechanism(Mechanism.EC_KEY_PAIR_GEN),
            {
                Attribute.TOKEN: True,
                Attribute.ID: made.key_id,
                Attribute.EC_PARAMS: EC_PARAMETERS[KeyAlgorithm.P256],
            },
            {Attribute.TOKEN: False},
        )
    with pytest.raises(Unavailable, match="keep the right one") as caught:
        module.key(label="k")
    assert caught.value.code == "module.key-ambiguous"


def test_what_is_listed_twice_is_one_key(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    made = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    genuine = module.cryptoki.find
    monkeypatch.setattr(module.cryptoki, "find", lambda *arguments: genuine(*arguments) * 2)
    assert module.key(label="k").spki == made.spki
    assert len(module.keys()) == 1
    module.destroy(made)
    assert module.keys() == []


def test_a_generation_that_fails_once_is_tried_again_and_leaves_one_key(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = module.cryptoki.generate_key_pair
    attempts: list[int] = []

    def late_failure(*arguments: Any) -> tuple[int, int]:
        made = genuine(*arguments)
        attempts.append(1)
        if len(attempts) < 3:
            raise CryptokiError("C_GenerateKeyPair", 0x5)  # after it was made
        return made

    monkeypatch.setattr(module.cryptoki, "generate_key_pair", late_failure)
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    assert [found.key_id for found in module.keys()] == [key.key_id]  # noqa: SIM118 - no dictionary
    attempts.clear()
    monkeypatch.setattr(module.cryptoki, "generate_key_pair", lambda *_: late_failure_always(genuine, *_))
    with pytest.raises(Unavailable) as caught:
        module.generate_key_pair(label="never", algorithm=KeyAlgorithm.P256)
    assert caught.value.code == "module.failed"
    assert [found.label for found in module.keys()] == ["k"]  # noqa: SIM118 - no dictionary


def late_failure_always(genuine: Callable[..., tuple[int, int]], *arguments: Any) -> tuple[int, int]:
    genuine(*arguments)
    raise CryptokiError("C_GenerateKeyPair", 0x5)


def test_the_binding_wraps_and_unwraps_what_may_be_wrapped(module: Module) -> None:
    cryptoki, wrap = module.cryptoki, PreparedMechanism(Mechanism.AES_KEY_WRAP_PAD)
    secret: dict[Attribute, Any] = {
        Attribute.CLASS: 4,
        Attribute.KEY_TYPE: KeyType.AES,
        Attribute.TOKEN: False,
    }
    generate = PreparedMechanism(Mechanism.AES_KEY_GEN)
    with module.connection.session() as session:
        wrapping = cryptoki.generate_key(
            session,
            generate,
            {**secret, Attribute.VALUE_LEN: 32, Attribute.WRAP: True, Attribute.UNWRAP: True},
        )
        wrapped = cryptoki.generate_key(
            session, generate, {**secret, Attribute.VALUE_LEN: 16, Attribute.EXTRACTABLE: True}
        )
        octets = cryptoki.wrap_key(session, wrap, wrapping, wrapped)
        assert len(octets) == 24
        again = cryptoki.unwrap_key(
            session,
            wrap,
            wrapping,
            octets,
            {**secret, Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True},
        )
        assert cryptoki.number(session, again, Attribute.EXTRACTABLE) == 0
        with pytest.raises(CryptokiError):
            cryptoki.unwrap_key(session, wrap, wrapping, octets[:-1] + bytes([octets[-1] ^ 1]), secret)


@pytest.mark.parametrize("family", ["ec", "rsa"])
def test_without_public_key_object_an_rsa_key_works_and_a_curve_says_so(module: Module, family: str) -> None:
    algorithm = KeyAlgorithm.P256 if family == "ec" else KeyAlgorithm.RSA_2048
    made = module.generate_key_pair(label="k", algorithm=algorithm)
    with module.connection.session() as session:
        (public,) = module.cryptoki.find(session, {Attribute.CLASS: 2, Attribute.ID: made.key_id})
        module.cryptoki.destroy(session, public)
    if family == "rsa":
        assert module.key(label="k").spki == made.spki
    else:
        with pytest.raises(Unavailable, match="import it") as caught:
            module.key(label="k")
        assert caught.value.code == "module.public-key-absent"
        assert module.keys() == []


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_encoder_of_ecdsa_signatures_writes_der(r: bytes, s: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import (  # noqa: PLC0415
        decode_dss_signature,
        encode_dss_signature,
    )

    numbers = int.from_bytes(r, "big"), int.from_bytes(s, "big")
    encoded = ecdsa_encoder(32)(r + s)
    assert encoded == encode_dss_signature(*numbers)
    assert decode_dss_signature(encoded) == numbers


@given(st.binary(min_size=66, max_size=66), st.binary(min_size=66, max_size=66))
def test_the_encoder_writes_the_long_form_of_length_for_p_521(r: bytes, s: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415

    expected = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    assert ecdsa_encoder(66)(r + s) == expected


def test_the_module_s_own_hashing_is_used_where_it_offers_nothing_else(module: Module) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.RSA_2048)
    module.mechanisms -= {int(Mechanism.RSA_PKCS), int(Mechanism.RSA_PKCS_PSS)}
    for scheme in SignatureScheme:
        if scheme.family == "rsa":
            assert make_plan(scheme, key.public_key, module.mechanisms, module.today()).digest is None
            key._plans.clear()
            verify(key.public_key, key.sign(DATA, scheme), scheme)


def test_a_verifier_of_this_test_rejects_what_is_wrong(module: Module) -> None:
    key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
    with pytest.raises(InvalidSignature):
        verify(key.public_key, key.sign(b"other"), key.scheme)
