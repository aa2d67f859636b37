"""Any octets are a message, or are refused as none; what is written is read back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import cmp, crmf
from trustworks.core.der.cmp import Body, PkiFailureInfo, PkiStatus
from trustworks.core.der.encode import SEQUENCE, tlv
from trustworks.core.errors import Malformed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
READERS = (
    cmp.read_message,
    cmp.read_infos,
    cmp.read_confirmations,
    cmp.read_revocations,
    cmp.read_error,
    cmp.read_pbm,
    cmp.read_pbmac1,
    cmp.read_pbkdf2,
    cmp.read_identifier,
    cmp.read_cert_id,
    crmf.read_messages,
)


def message(body: Body = Body.ir, content: bytes = b"\x30\x00") -> bytes:
    header = cmp.write_header(
        cmp.Header(
            pvno=2,
            sender=cmp.EMPTY_NAME,
            recipient=cmp.EMPTY_NAME,
            message_time=NOW,
            transaction_id=b"t" * 16,
            sender_nonce=b"n" * 16,
            recipient_nonce=b"r" * 16,
            protection_algorithm=tlv(SEQUENCE, bytes.fromhex("06082a864886f70d0209")),
            sender_kid=b"ref",
            general_info=(cmp.InfoTypeAndValue(type=cmp.IMPLICIT_CONFIRM, value=b"\x05\x00"),),
        )
    )
    return cmp.write_message(header, cmp.write_body(body, content), b"mac", [tlv(SEQUENCE)])


def test_what_is_written_is_read_back() -> None:
    found = cmp.read_message(message(Body.genm))
    header = found.header
    assert (found.body, found.content, found.protection) == (Body.genm, b"\x30\x00", b"mac")
    assert header.message_time is not None
    assert header.message_time.as_datetime() == NOW
    assert (header.transaction_id, header.sender_nonce, header.recipient_nonce) == (
        b"t" * 16,
        b"n" * 16,
        b"r" * 16,
    )
    assert (header.pvno, header.sender_kid) == (2, b"ref")
    assert found.extra_certificates == (tlv(SEQUENCE),)
    assert [one.type for one in found.general_info] == [cmp.IMPLICIT_CONFIRM]
    header_and_body = cmp.write_body(Body.genm, b"\x30\x00")
    assert found.protected.endswith(header_and_body)


@pytest.mark.parametrize("failure", list(PkiFailureInfo))
def test_each_failure_is_its_own_bit(failure: PkiFailureInfo) -> None:
    status = cmp.read_error(cmp.write_error(cmp.write_status(PkiStatus.rejection, "No.", failure)))
    assert status.status == 2
    assert status.status_string == ["No."]
    assert status.fail_info is not None
    bits = "".join(f"{octet:08b}" for octet in status.fail_info.as_bytes())
    assert bits.index("1") == failure.value
    assert bits.count("1") == 1
    assert status.fail_info.padding_bits() == 7 - failure.value % 8


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for read in READERS:
        try:
            read(octets)
        except Malformed:
            continue


@given(st.data())
def test_a_message_with_some_octets_changed_is_read_or_refused(data: st.DataObject) -> None:
    octets = bytearray(message())
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    for given_octets in (bytes(octets), bytes(octets[:cut])):
        try:
            found = cmp.read_message(given_octets)
        except Malformed:
            continue
        assert isinstance(found.body, Body)


@pytest.mark.parametrize("tag", [0xBB, 0xBF, 0x30, 0x80])
def test_a_body_of_no_kind(tag: int) -> None:
    octets = message()
    place = octets.index(b"\xa0\x02\x30\x00")
    with pytest.raises(Malformed):
        cmp.read_message(octets[:place] + bytes((tag,)) + octets[place + 1 :])
