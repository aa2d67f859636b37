"""Tokens from anywhere: what is wrong with one is told, and nothing in one ends in a fault of the program."""

from __future__ import annotations

import random
from typing import Any

import pytest
from foreign_tokens import DATA, TIME_STAMPING, WHEN, ForeignAuthority, name, spki_of

from trustworks.core.der.encode import SEQUENCE, integer, oid, tlv
from trustworks.core.errors import Rejected, TrustworksError
from trustworks.timestamping import client, wire
from trustworks.timestamping.inspect import as_dict, as_text
from trustworks.timestamping.verify import Verified, digests_of, verify

# The numbers of foreign certificates are as they are; whether one is negative is no concern here.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


@pytest.fixture(scope="module")
def tsa() -> ForeignAuthority:
    return ForeignAuthority()


def check(tsa: ForeignAuthority, token: bytes, **given: Any) -> Verified:
    return verify(token, digests_of(DATA), **({"anchors": [tsa.anchor]} | given))


def shown(token: bytes) -> str:
    return as_text(as_dict(wire.read_token(token)))


def test_a_foreign_token_verifies(tsa: ForeignAuthority) -> None:
    assert check(tsa, tsa.token()).gen_time == WHEN


def unreadable_certificates(tsa: ForeignAuthority) -> dict[str, bytes]:
    """Certificates whose faults their reader finds at once, or only when it is asked for the part."""
    unknown_curve = tlv(SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.3.132.0.99"))
    return {
        "version": tsa.certify(version=integer(0x12)),
        "subject": tsa.certify(subject=name(b"\xff\xfe")),
        "issuer": tsa.certify(issuer=name(b"\xff\xfe")),
        "extension-twice": tsa.certify(extensions=[TIME_STAMPING] * 2),
        "curve": tsa.certify(spki=spki_of(unknown_curve)),
        "key": tsa.certify(spki=spki_of(tlv(SEQUENCE, oid("2.999.5")))),
        "point": tsa.certify(
            spki=spki_of(tlv(SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")))
        ),
        "nothing": tlv(SEQUENCE, b"\5\0"),
    }


PARTS = ["version", "subject", "issuer", "extension-twice", "curve", "key", "point", "nothing"]
NAMELESS = {"version", "subject", "nothing"}


@pytest.mark.parametrize("part", PARTS)
def test_a_signer_s_certificate_that_cannot_be_read_is_told(tsa: ForeignAuthority, part: str) -> None:
    token = tsa.token(certificate=unreadable_certificates(tsa)[part])
    with pytest.raises(Rejected, match="certificates in the token 1 cannot be read") as caught:
        check(tsa, token)
    assert caught.value.code == "timestamp.no-certificate"
    assert ("not readable" in shown(token)) is (part in NAMELESS)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("part", PARTS)
def test_another_certificate_that_cannot_be_read_spoils_nothing(
    tsa: ForeignAuthority, part: str, *, first: bool
) -> None:
    known = [tsa.certificate, tsa.ca]
    other = unreadable_certificates(tsa)[part]
    token = tsa.token(certificates=[other, *known] if first else [*known, other])
    assert check(tsa, token).gen_time == WHEN
    assert ("not readable" in shown(token)) is (part in NAMELESS)


def damaged(octets: bytes, chance: random.Random) -> bytes:
    """The octets with one to four of them changed, added or taken away, or cut short."""
    found = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if not found:
            break
        place = chance.randrange(len(found))
        match chance.choice(("flip", "flip", "flip", "set", "set", "delete", "insert", "cut")):
            case "flip":
                found[place] ^= 1 << chance.randrange(8)
            case "set":
                found[place] = chance.choice((0, 1, 2, 4, 5, 0x30, 0x31, 0x7F, 0x80, 0xA0, 0xFF))
            case "delete":
                del found[place]
            case "insert":
                found.insert(place, chance.randrange(256))
            case "cut":
                del found[place:]
    return bytes(found)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_it_is_told_in_words(tsa: ForeignAuthority, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same damage in every run
    token = tsa.token()
    answer = wire.encode_granted(token)
    told: list[str] = []
    for _ in range(750):
        for act, octets in (
            (lambda one: check(tsa, one), token),
            (shown, token),
            (client.granted_token, answer),
        ):
            wrong = damaged(octets, chance)
            try:
                act(wrong)
            except TrustworksError as error:
                told.append(str(error))
    assert len(told) > 1000
    assert all(one.endswith(".") for one in told)
