"""Creates tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import library as libraries
from trustworks.core.module.constants import Flag, User
from trustworks.core.module.pin import check_pin
from trustworks.core.module.pkcs11 import Cryptoki, CryptokiError, text

if TYPE_CHECKING:
    from pathlib import Path


def initialise_token(
    library: Path | Cryptoki,
    *,
    label: str,
    so_pin: bytes | str,
    user_pin: bytes | str,
    lab: bool = False,
) -> None:
    """Make a new token with this label on a free slot, and set both PINs.

    A token that exists already is never touched: `Rejected` (module.token-exists). Known or short PINs are `Refused`
    outside the lab. `Unavailable` (module.slots) without a free slot.
    """
    officer, user = (pin.encode() if isinstance(pin, str) else pin for pin in (so_pin, user_pin))
    if not 0 < len(label.encode()) <= 32:
        raise Malformed("A token's label has 1 to 32 octets.")
    check_pin(officer, whose=f"the security officer of {label!r}", lab=lab)
    check_pin(user, whose=f"the token {label!r}", lab=lab)
    if officer == user and not lab:
        raise Malformed("The security officer's PIN and the user's PIN must differ.")
    path = library.path if isinstance(library, Cryptoki) else library
    with libraries.start_lock(path):
        cryptoki = library if isinstance(library, Cryptoki) else libraries.load(path)
        with cryptoki.lock:
            libraries.start_afresh(cryptoki)
            try:
                _initialise(cryptoki, label, officer, user)
            except CryptokiError as error:
                raise Unavailable(
                    "module.token",
                    f"The token {label!r} could not be initialised: {error}. Check space and rights.",
                ) from error


def _initialise(cryptoki: Cryptoki, label: str, so_pin: bytes, user_pin: bytes) -> None:
    free = None
    for slot in cryptoki.slots():
        info = cryptoki.token_info(slot)
        if not info.flags & Flag.TOKEN_INITIALIZED:
            free = slot if free is None else free
        elif text(info.label) == label:
            raise Rejected("module.token-exists", f"A token {label!r} exists already; choose another label.")
    if free is None:
        raise Unavailable(
            "module.slots", "The module has no free slot for a new token; ask its administrator for one."
        )
    cryptoki.init_token(free, so_pin, label)
    session = cryptoki.open_session(free, read_write=True)
    try:
        cryptoki.login(session, User.SO, so_pin)
        cryptoki.init_pin(session, user_pin)
        cryptoki.logout(session)
    finally:
        cryptoki.close_session(session)
