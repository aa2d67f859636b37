"""Whether a public key was well made: what anybody can see of it without the private key.

A rule per weakness, each with an id of its own; those of RSA are in `rsa_quality`. What SP 800-89 asks is
written from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from trustworks.core.errors import Refused
from trustworks.core.trace import implements
from trustworks.issuance.rules.rsa_quality import check_rsa_quality

if TYPE_CHECKING:
    from trustworks.core.module.algorithms import PublicKey

# The field of edwards25519, and the y of its points whose order divides eight (RFC 8032, 5.1; RFC 7748, 6.1
# has their images on the other curve). Both signs of x are refused.
ED25519_FIELD: Final = 2**255 - 19
_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
ED25519_SMALL_ORDER: Final = frozenset({0, 1, ED25519_FIELD - 1, _ORDER_EIGHT, ED25519_FIELD - _ORDER_EIGHT})


def check_key_quality(key: PublicKey) -> None:
    """Refuse a key whose private key anybody can find, or that needs none.

    RSA: exponent, factors, a prime or a power in place of a modulus, close primes, bad generators. Ed25519: a
    point of small order, a second encoding of a point. A point that is not on its NIST or Brainpool curve
    does not get here (`wire.check_ec_point`), and one that is has the curve's order: their cofactor is one.
    Source: TS 119 312, 6.2.2.1; NIST SP 800-89, 5.3.3; CVE-2017-15361; RFC 8032, 5.1.3.
    """
    match key:
        case rsa.RSAPublicKey():
            numbers = key.public_numbers()
            check_rsa_quality(numbers.n, numbers.e)
        case ed25519.Ed25519PublicKey():
            y = int.from_bytes(key.public_bytes_raw(), "little") & (1 << 255) - 1
            check_ed25519_encoding(y)
            check_ed25519_order(y)
        case _:
            return


@implements("TRUSTWORKS:ISSUANCE-KEY-ED25519-ENCODING")
def check_ed25519_encoding(y: int) -> None:
    """Refuse an Ed25519 key whose `y` stands for another number too. Source: RFC 8032, 5.1.3."""
    if y >= ED25519_FIELD:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-ED25519-ENCODING",
            "The Ed25519 key is not in its one canonical encoding (its y is not below 2^255 - 19). Make a "
            "new key.",
        )


@implements("TRUSTWORKS:ISSUANCE-KEY-ED25519-ORDER")
def check_ed25519_order(y: int) -> None:
    """Refuse an Ed25519 key of small order.

    Under such a point signatures verify that nobody made: for the neutral point, S = 0 with R the neutral
    point is one for every message.
    """
    if y in ED25519_SMALL_ORDER:
        raise Refused(
            "TRUSTWORKS:ISSUANCE-KEY-ED25519-ORDER",
            "The Ed25519 key is a point of small order, under which anybody can make signatures. Make a new "
            "key.",
        )
