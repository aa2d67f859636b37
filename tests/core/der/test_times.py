"""Times as others write them, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import ber
from trustworks.core.der.encode import GENERALIZED_TIME, OCTET_STRING, UTC_TIME, tlv
from trustworks.core.der.times import implicit_time, read_time
from trustworks.core.errors import Malformed

NAMES = {"U": UTC_TIME, "G": GENERALIZED_TIME, "S": OCTET_STRING}


def read(kind: str, text: bytes) -> str | None:
    """What is read, None where it is refused."""
    try:
        return read_time(ber.read(tlv(NAMES[kind], text))).isoformat().removesuffix("+00:00")
    except Malformed:
        return None


# There were two readers: what they read differently is marked with what each of them said.
@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("G", b"20200102030405Z", "2020-01-02T03:04:05"),
        ("G", b"20200102030405", "2020-01-02T03:04:05"),
        ("G", b"20200102030405.5Z", "2020-01-02T03:04:05.500000"),
        ("G", b"20200102030405,25Z", "2020-01-02T03:04:05.250000"),
        ("G", b"202001020304Z", "2020-01-02T03:04:00"),  # refused | read
        ("G", b"202001020304.5Z", "2020-01-02T03:04:30"),  # refused | half a second
        ("G", b"200102030405Z", "2001-02-03T04:05:00"),  # refused | read
        ("G", b"2020010203Z", "2020-01-02T03:00:00"),  # refused by both, and X.680 has it
        ("G", b"2020010203.25+01", "2020-01-02T02:15:00"),
        ("G", b"20200102030405+0130", "2020-01-02T01:34:05"),
        ("G", b"20200102030405-0130", "2020-01-02T04:34:05"),
        ("G", b"20200102030405-02", "2020-01-02T05:04:05"),  # read | refused
        ("G", b"20200102030405.123456789012345678901Z", "2020-01-02T03:04:05.123456"),  # read | refused
        ("G", b"20200102030405.12345678901234567890+0000xyz", None),  # refused | read, without its end
        ("G", b"20200102030405." + b"1" * 80 + b"Z", None),  # read | refused: nobody needs it
        ("G", b"00010101000000+0100", None),
        ("G", b"99991231235959-0100", None),
        ("G", b"20200230000000Z", None),
        ("G", b"20200102240000Z", None),
        ("G", b"20200102030460Z", None),
        ("G", b"20200102030405.Z", None),
        ("G", b"20200102", None),
        ("G", b"", None),
        ("U", b"200102030405Z", "2020-01-02T03:04:05"),
        ("U", b"2001020304Z", "2020-01-02T03:04:00"),
        ("U", b"500102030405Z", "1950-01-02T03:04:05"),
        ("U", b"490102030405Z", "2049-01-02T03:04:05"),
        ("U", b"200102030405+0200", "2020-01-02T01:04:05"),
        ("U", b"200102030405.5Z", "2020-01-02T03:04:05.500000"),
        ("U", b"20010203Z", None),  # read | refused: a UTCTime has minutes
        ("U", b"20200102030405Z", None),
        ("U", b"", None),
        ("S", b"20200102030405Z", None),
    ],
)
def test_times_are_read_or_refused(kind: str, text: bytes, said: str | None) -> None:
    assert read(kind, text) == said


def test_strings_in_parts_are_no_times() -> None:
    """BER would allow them, and neither reader ever took them."""
    parts = tlv(GENERALIZED_TIME, b"2020010203") + tlv(GENERALIZED_TIME, b"0405Z")
    with pytest.raises(Malformed, match="0x38 is none of a time"):
        read_time(ber.read(tlv(GENERALIZED_TIME | 0x20, parts)))


def test_a_time_may_have_another_tag() -> None:
    found = ber.read(tlv(0x80, b"20200102030405Z"))
    assert implicit_time(found, GENERALIZED_TIME) == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    with pytest.raises(Malformed, match="at octet 0 cannot be read: it is written b'20200102030405Z'"):
        implicit_time(found, UTC_TIME)


@given(st.sampled_from(sorted(NAMES)), st.text("0123456789.,Z+-", max_size=24))
def test_whatever_is_written_is_read_or_refused(kind: str, text: str) -> None:
    read(kind, text.encode())


@given(st.integers(-631152000, 2524607999))
def test_what_der_writes_is_read_as_it_is(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    for kind, form in (("G", "%Y%m%d%H%M%SZ"), ("U", "%y%m%d%H%M%SZ")):
        assert read(kind, moment.strftime(form).encode()) == moment.isoformat().removesuffix("+00:00")
