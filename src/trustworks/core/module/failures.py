"""From PKCS#11's answers to what they mean for the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.module.constants import Rv
from trustworks.core.module.pkcs11 import CryptokiError

if TYPE_CHECKING:
    from trustworks.core.module.uri import Pkcs11Uri


def pin_error(rv: int, uri: Pkcs11Uri) -> Unavailable:
    """What a failed login means for the operator."""
    code, sentence = {
        Rv.PIN_INCORRECT: (
            "module.pin-wrong",
            (
                "The token of {uri} does not accept the PIN of its pin-source. Correct the file before "
                "trying again: tokens lock after a few wrong PINs."
            ),
        ),
        Rv.PIN_LEN_RANGE: ("module.pin-wrong", "The PIN of {uri} is too short or too long for the token."),
        Rv.PIN_INVALID: ("module.pin-wrong", "The PIN of {uri} has characters that the token does not take."),
        Rv.PIN_LOCKED: (
            "module.pin-locked",
            "The token of {uri} has locked the user's PIN. The security officer must set it again.",
        ),
        Rv.PIN_EXPIRED: ("module.pin-expired", "The PIN of {uri} has expired. Set a new one on the token."),
        Rv.USER_PIN_NOT_INITIALIZED: (
            "module.pin-unset",
            "The token of {uri} has no user PIN yet. Set it with the security officer's PIN.",
        ),
    }.get(Rv(rv) if rv in set(Rv) else Rv.GENERAL_ERROR, ("", ""))
    if code:
        return Unavailable(code, sentence.format(uri=uri))
    return unavailable(CryptokiError("C_Login", rv), uri)


def unavailable(error: CryptokiError, uri: Pkcs11Uri) -> Unavailable:
    """What a failed call means for the operator."""
    if error.rv in {Rv.TOKEN_NOT_PRESENT, Rv.TOKEN_NOT_RECOGNIZED, Rv.SLOT_ID_INVALID, Rv.DEVICE_REMOVED}:
        return Unavailable("module.token-absent", f"The token of {uri} is gone ({error}). Connect it again.")
    if error.rv in {Rv.DEVICE_MEMORY, Rv.HOST_MEMORY}:
        return Unavailable(
            "module.full", f"The token of {uri} is out of memory ({error}). Remove unused objects."
        )
    if error.rv in {Rv.SESSION_READ_ONLY, Rv.TOKEN_WRITE_PROTECTED}:
        return Unavailable(
            "module.read-only",
            f"The token of {uri} is open for reading only ({error}). Make it writable.",
        )
    return Unavailable(
        "module.failed",
        f"The module of {uri} failed: {error}. Look into the module's own log, then try again.",
    )
