"""What the audit log reads of a time-stamp token over one of its checkpoints."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from trustworks.core.audit.tokens import stamped_time
from trustworks.core.der.cms import SIGNED_DATA
from trustworks.core.der.encode import oid
from trustworks.core.der.tsp import TST_INFO
from trustworks.core.errors import Malformed, Rejected
from trustworks.timestamping import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.timestamping.service import TimestampingAuthority

DATA = b"a checkpoint"
IMPRINT = sha256(DATA).digest()


@pytest.fixture
def token(authority: TimestampingAuthority, query: Callable[..., bytes]) -> bytes:
    made = wire.decode_response(authority.stamp(query(DATA))).token
    assert made is not None
    return made


def test_a_token_tells_its_time_and_is_about_the_checkpoint(token: bytes) -> None:
    assert stamped_time(token, IMPRINT) == wire.read_token(token).tst_info.gen_time.as_datetime()
    with pytest.raises(Rejected, match="something else") as caught:
        stamped_time(token, sha256(b"another checkpoint").digest())
    assert caught.value.code == "audit.imprint"


def test_what_is_no_token_is_malformed(token: bytes) -> None:
    other_kind = token.replace(oid(SIGNED_DATA), oid("1.2.840.113549.1.7.3"), 1)
    other_content = token.replace(oid(TST_INFO), oid("1.2.840.113549.1.9.16.1.5"), 1)
    for wrong, word in (
        (other_kind, "is no signed data"),
        (other_content, "holds no TSTInfo"),
        (token[:-1], "cannot be decoded"),
        (b"", "cannot be decoded"),
    ):
        assert wrong != token
        with pytest.raises(Malformed, match=word):
            stamped_time(wrong, IMPRINT)
