"""Public keys as modules give them out: strict about the point, lenient about its wrapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.errors import Rejected
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.algorithms import EC_PARAMETERS
from trustworks.core.module.constants import Attribute
from trustworks.core.module.objects import read_public

if TYPE_CHECKING:
    from trustworks.core.module.pkcs11 import Cryptoki

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
POINT = KEY.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Answers:
    """As much of a module as is asked for a public key."""

    def __init__(self, point: bytes) -> None:
        self.values = {Attribute.EC_PARAMS: EC_PARAMETERS[KeyAlgorithm.P256], Attribute.EC_POINT: point}

    def attribute(self, _session: int, _handle: int, wanted: Attribute) -> bytes | None:
        return self.values.get(wanted)


def read(point: bytes) -> object:
    return read_public(cast("Cryptoki", Answers(point)), 1, 1, KeyAlgorithm.P256)


@pytest.mark.parametrize("wrapping", [b"", b"\x04\x41"], ids=["bare", "in an OCTET STRING"])
def test_a_point_is_read_with_and_without_its_wrapping(wrapping: bytes) -> None:
    assert read(wrapping + POINT) == KEY


@pytest.mark.parametrize(
    "point",
    [POINT[:-1] + bytes([POINT[-1] ^ 1]), POINT[:20], b"\x04" + bytes(64), b"\x05" + POINT[1:]],
    ids=["beside the curve", "short", "at the origin", "of another form"],
)
def test_a_point_that_is_none_of_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(Rejected, match="point on P-256 cannot be used") as caught:
        read(point)
    assert caught.value.code == "module.key-algorithm"


def test_without_a_point_there_is_no_key() -> None:
    assert read(b"") is None
