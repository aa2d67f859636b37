"""A time-stamp token as evidence: what it says, what it is over, whose it is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from foreign_tokens import DATA, ForeignAuthority, attribute, signed, tst_info
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import cms, tsp
from trustworks.core.der.encode import SEQUENCE, context, integer, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector, identified
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import Evidence, TimeStamp, TimeStampKind, Weight, Where
from trustworks.formats.time_stamp import read_time_stamp
from trustworks.formats.verification import signing_certificate

AUTHORITY = ForeignAuthority()
TOKEN = AUTHORITY.token()


def read(token: bytes, over: bytes | None = DATA) -> tuple[TimeStamp, Evidence]:
    collector = Collector()
    data = None if over is None else Octets(over, "data")
    found = read_time_stamp(
        token, collector, kind=TimeStampKind.SIGNATURE, over=data, covers=frozenset({"S-1"}), owner="S-1"
    )
    return found, collector.evidence()


def test_a_token_says_when_and_over_what() -> None:
    accuracy = tlv(SEQUENCE, integer(2), context(0, b"\x01\xf4", constructed=False))
    token = AUTHORITY.token(tst_info(accuracy=accuracy, ordering=b"\x01\x01\xff"))
    found, evidence = read(token)
    assert (found.time, found.policy, found.serial) == (
        datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        "2.999.1",
        77,
    )
    assert (found.accuracy, found.ordering, found.owner) == (2.5, True, "S-1")
    imprint = found.references[0]
    assert (imprint.found, imprint.intact, imprint.digest_algorithm) == (True, True, "sha256")
    assert imprint.expected == hashlib.sha256(DATA).digest()
    assert found.covers == imprint.covers == {"S-1"}
    assert evidence.time_stamps == (found,)
    assert found.id == identified("T", token)
    assert (found.findings, found.signature.findings) == ((), ())


def test_a_token_is_signed_by_the_certificate_that_it_refers_to() -> None:
    found, evidence = read(TOKEN)
    chosen = signing_certificate(found.signature, evidence)
    assert chosen is not None
    assert chosen.id == identified("C", AUTHORITY.certificate)
    assert chosen.verifies
    assert chosen.reference is not None
    assert (chosen.reference.digest, chosen.reference.issuer_serial) == (True, None)
    assert found.signature.key_info == (chosen.id, identified("C", AUTHORITY.ca))
    assert evidence.certificates[chosen.id].origins[0].where is Where.KEY_INFO
    assert found.signature.references[0].intact
    assert found.signature.signed.octets()[:1] == b"\x31"


def test_a_token_over_other_data_is_found_and_not_intact() -> None:
    imprint = read(TOKEN, b"other data")[0].references[0]
    assert (imprint.found, imprint.intact) == (True, False)


def test_a_token_over_what_is_absent_is_not_found() -> None:
    imprint = read(TOKEN, None)[0].references[0]
    assert (imprint.found, imprint.intact, imprint.actual) == (False, False, None)
    assert imprint.why


def test_a_digest_is_enough_for_the_imprint() -> None:
    collector = Collector()
    data = DigestOnly((("sha256", hashlib.sha256(DATA).digest()),), "data")
    found = read_time_stamp(
        TOKEN, collector, kind=TimeStampKind.CONTENT, over=data, covers=frozenset(), form="content"
    )
    assert found.references[0].intact
    assert found.form == "content"


def test_the_answer_of_an_authority_holds_the_same_token() -> None:
    found, _ = read(tlv(SEQUENCE, tlv(SEQUENCE, integer(0)), TOKEN))
    assert (found.id, found.der) == (identified("T", TOKEN), TOKEN)


def test_an_answer_that_grants_none_is_no_token() -> None:
    with pytest.raises(Malformed, match="none is granted"):
        read(tlv(SEQUENCE, tlv(SEQUENCE, integer(2))))


def test_a_copy_of_a_token_is_another_time_stamp() -> None:
    collector = Collector()
    for owner in ("S-1", "S-2"):
        read_time_stamp(
            TOKEN, collector, kind=TimeStampKind.SIGNATURE, over=None, covers=frozenset(), owner=owner
        )
    first, second = collector.time_stamps
    assert first.id == identified("T", TOKEN)
    assert second.id != first.id
    assert (first.owner, second.owner) == ("S-1", "S-2")


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER")
def test_a_token_of_two_signers_is_not_one() -> None:
    tst = tst_info()
    found, _ = read(signed(tst, [AUTHORITY.signer(tst), AUTHORITY.signer(tst)]))
    assert [one.weight for one in found.findings] == [Weight.FATAL]


def test_a_token_whose_content_was_changed_has_no_intact_digest() -> None:
    signer = AUTHORITY.signer(tst_info())
    found, _ = read(signed(tst_info(serial=integer(78)), [signer]))
    assert not found.signature.references[0].intact


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"\x30\x80",
        b"not a token at all",
        AUTHORITY.token(tst_info(time=b"20260230030201Z")),
        AUTHORITY.token(tst_info(time=b"yesterday")),
        AUTHORITY.token(tlv(SEQUENCE, integer(1))),
        tlv(SEQUENCE, oid(cms.SIGNED_DATA)),
        tlv(SEQUENCE, oid(tsp.TST_INFO), context(0, b"")),
        tlv(SEQUENCE, oid(cms.SIGNED_DATA), context(0, tlv(SEQUENCE, integer(3)))),
        signed(tst_info(), [tlv(SEQUENCE, integer(1))]),
        AUTHORITY.token(signer={"attributes": [attribute("1.2.3")[:-2] + b"\x31\x05"]}),
    ],
)
def test_what_is_no_token_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        read(octets)


@given(place=st.integers(0, len(TOKEN) - 1), octet=st.integers(0, 255), cut=st.integers(0, 3))
def test_a_changed_token_is_read_or_malformed(place: int, octet: int, cut: int) -> None:
    changed = TOKEN[:place] + bytes((octet,)) + TOKEN[place + 1 + cut :]
    try:
        found, evidence = read(changed)
    except Malformed:
        return
    chosen = signing_certificate(found.signature, evidence)
    intact = found.references[0].intact and found.signature.references[0].intact
    if chosen is not None and chosen.verifies and intact and not found.findings:
        # What still holds says what the token said: only what is not signed was changed.
        assert (found.serial, found.policy) == (77, "2.999.1")
