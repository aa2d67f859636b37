"""Key pairs that the module makes for somebody else, and that leave it once.

The pair lives in one session. Its private key leaves wrapped under an AES-256 key of that session, which
leaves under a public key of this process that is used for nothing else: no module is asked to give out a key
in the clear, and what passes its interface is of no use to others. Both objects are destroyed before the key
is given; nothing of it is on the token at any time, nor in a backup.

Source: RFC 5649; RFC 8017, 7.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_private_key

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import objects
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.constants import Attribute
from trustworks.core.module.pkcs11 import PreparedMechanism
from trustworks.core.module.wrapping import (
    LEAST_BITS,
    Oaep,
    choose_oaep,
    one_time_key,
    passing,
    wrap_under,
    wrapping_profile,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.module import Module

_LABEL: Final = "trustworks-subject"
_HASHES: Final = {Oaep.SHA256: hashes.SHA256, Oaep.SHA1: hashes.SHA1}


def generate_for_subject(
    module: Module, algorithm: KeyAlgorithm
) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """A private key that the module made, and kept nothing of.

    Raises `Refused` (ECCG-ACM:KEYS, TRUSTWORKS:KEYS-OAEP), `Rejected` (keys.no-wrapping, module.mechanism)
    and `Unavailable` (module.*).
    """
    check_key_algorithm(algorithm, module.today(), lab=module.lab)
    profile = wrapping_profile(module)
    oaep = choose_oaep(profile.oaep, tuple(Oaep), sha1=module.oaep_sha1)
    carrier = rsa.generate_private_key(65537, LEAST_BITS)
    cryptoki = module.cryptoki

    def run(session: int) -> tuple[bytes, bytes]:
        with passing(cryptoki, session) as handles:
            pair = objects.generate(
                cryptoki,
                session,
                module.mechanisms,
                algorithm=algorithm,
                label=_LABEL,
                key_id=cryptoki.random(session, 20),
                on_token=False,
                extractable=True,
            )
            handles.extend(pair)
            handles.append(one_time_key(cryptoki, session, Attribute.WRAP))
            wrapped = cryptoki.wrap_key(session, PreparedMechanism(profile.kwp), handles[-1], pair[1])
            return wrapped, wrap_under(cryptoki, session, oaep, carrier.public_key(), handles[-1])

    wrapped, carried = module.connection.run(run, once=True)
    check_nothing_kept(kept=module.has(label=_LABEL))
    chosen = _HASHES[oaep]
    kek = carrier.decrypt(carried, OAEP(mgf=MGF1(chosen()), algorithm=chosen(), label=None))
    try:
        found = load_der_private_key(_without_padding(aes_key_unwrap_with_padding(kek, wrapped)), None)
    except ValueError as error:
        raise Unavailable(
            "module.failed", f"The module wrapped a key that cannot be read ({error}). Look at its log."
        ) from error
    if not isinstance(found, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise Rejected("module.mechanism", f"Keys of {algorithm.value} are not made for others; use P-256.")
    return found


@implements("EN319411-1:SDP-6.5.1-22")
def check_nothing_kept(*, kept: bool) -> None:
    """Refuse to hand out a key of which the module still has an object."""
    if kept:
        raise Refused(
            "EN319411-1:SDP-6.5.1-22",
            f"The token has a key {_LABEL}, which is a subject's and was to be gone. Destroy it: trustworks "
            f"module destroy-key --token services --label {_LABEL}; and find out why the module kept it.",
        )


def _without_padding(octets: bytes) -> bytes:
    """The PrivateKeyInfo alone: SoftHSM2 fills it up with zeros to a multiple of eight before it wraps it."""
    first = octets[1] if len(octets) > 1 else 0
    more = first & 0x7F if first & 0x80 else 0
    size = int.from_bytes(octets[2 : 2 + more]) if more else first
    end = 2 + more + size
    return octets[:end] if not any(octets[end:]) else octets
