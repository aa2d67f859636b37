"""An operator's private key, out of a file or on a token of his own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trustworks.core.account import account_state
from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles.jws import Signer, algorithm_for
from trustworks.core.roles.model import Factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.module.algorithms import SignatureScheme

MAX_KEY: Final = 64 * 1024
_KNOWN: Final = frozenset(Factor)
_HELD: Final = frozenset({Factor.POSSESSION})


@contextmanager
def open_signer(
    key: str, *, ask: Callable[[str], str], lab: bool = False, library: Path | None = None
) -> Iterator[Signer]:
    """The key that `key` names: a PEM file, or a PKCS#11 URI of a token.

    `ask` asks the person for a passphrase or PIN, with a question; what he typed is the second factor. A key
    file without a passphrase, and a URI with a pin-source, show one factor alone. Raises `Malformed`,
    `Rejected` (roles.passphrase), and what opening the module raises.
    """
    if key.lower().startswith("pkcs11:"):
        with _on_token(key, ask=ask, lab=lab, library=library) as signer:
            yield signer
    else:
        yield _in_file(Path(key), ask)


@contextmanager
def _on_token(uri: str, *, ask: Callable[[str], str], lab: bool, library: Path | None) -> Iterator[Signer]:
    from trustworks.core.module import Module, Pkcs11Uri  # noqa: PLC0415 - loads the binding

    parsed = Pkcs11Uri.parse(uri)
    pin = None if parsed.pin_source is not None else ask(f"PIN of the token {parsed.token}").encode()
    with Module.open(parsed, library=library, lab=lab, state=account_state(), pin=pin) as module:
        found = module.key()
        algorithm_for(found.public_key)
        yield Signer(public_key=found.public_key, sign=found.sign, factors=_HELD if pin is None else _KNOWN)


def _in_file(file: Path, ask: Callable[[str], str]) -> Signer:
    try:
        pem = read_at_most(file, MAX_KEY)
    except OSError as error:
        raise Malformed(f"The key {file} cannot be read: {error.strerror}.") from None
    factors = _HELD
    try:
        key: Any = load_pem_private_key(pem, password=None)
    except TypeError:  # it has a passphrase
        try:
            key = load_pem_private_key(pem, password=ask(f"Passphrase of {file}").encode())
        except ValueError:
            raise Rejected(
                "roles.passphrase", f"The passphrase of {file} is another one, or the file is damaged."
            ) from None
        factors = _KNOWN
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed(
            f"{file} holds no private key in PEM. Give the operator's key file, or a pkcs11: URI."
        ) from None
    try:
        public = key.public_key()
        algorithm_for(public)
    except AttributeError:
        raise Malformed(f"The key in {file} is of a kind that cannot sign here.") from None
    return Signer(public_key=public, sign=_signing(key), factors=factors)


def _signing(key: Any) -> Callable[[bytes, SignatureScheme], bytes]:
    def sign(data: bytes, scheme: SignatureScheme) -> bytes:
        digest = None if scheme.hash is None else scheme.hash.algorithm
        signature: bytes
        match key:
            case ec.EllipticCurvePrivateKey() if digest is not None:
                signature = key.sign(data, ec.ECDSA(digest))
            case rsa.RSAPrivateKey() if digest is not None:
                pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
                signature = key.sign(data, pss, digest)
            case _:
                signature = key.sign(data)
        return signature

    return sign
