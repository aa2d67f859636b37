"""Creates tokens, and says which there are."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.module import library as libraries
from trustworks.core.module.constants import Flag, User
from trustworks.core.module.failures import unavailable
from trustworks.core.module.pin import check_pin
from trustworks.core.module.pkcs11 import CryptokiError, text
from trustworks.core.module.slots import find_slot
from trustworks.core.module.softhsm import check_tokens_whole, keep_token
from trustworks.core.module.uri import Pkcs11Uri
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from trustworks.core.module.config import ModuleSettings
    from trustworks.core.module.module import Module
    from trustworks.core.module.pkcs11 import Cryptoki


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """What a token says of itself before anybody logs in."""

    serial: str
    model: str
    manufacturer: str
    user_pin_set: bool


def token_state(
    token: str | Pkcs11Uri,
    library: Path | None = None,
    *,
    settings: ModuleSettings | None = None,
    base: Path | None = None,
) -> TokenState:
    """What the token with this label, or of this URI, says of itself, without any PIN.

    Raises `Unavailable` as `find_slot`.
    """
    uri = Pkcs11Uri(token=token) if isinstance(token, str) else token
    setup = libraries.make_setup(settings, library=library, uri=uri, base=base)
    with libraries.started(setup, afresh=True) as cryptoki:
        try:
            info = cryptoki.token_info(find_slot(cryptoki, uri))
        except CryptokiError as error:
            raise unavailable(error, uri) from error
    return TokenState(
        serial=text(info.serialNumber),
        model=text(info.model),
        manufacturer=text(info.manufacturerID),
        user_pin_set=bool(info.flags & Flag.USER_PIN_INITIALIZED),
    )


def initialise_token(
    library: Path | None = None,
    *,
    label: str,
    so_pin: bytes | str,
    user_pin: bytes | str,
    lab: bool = False,
    settings: ModuleSettings | None = None,
    base: Path | None = None,
    keep: Callable[[str], None] | None = None,
) -> None:
    """Make a new token with this label on a free slot, and set both PINs.

    `keep` is called with the token's serial number when it has the security officer's PIN and not the user's
    yet, and must have made durable how both come back when it returns.

    A token that exists already is never touched: `Rejected` (module.token-exists). Known or short PINs are
    `Refused` outside the lab. `Unavailable` (module.slots) without a free slot, (module.token-damaged) while
    a token is damaged and its label unknown, and (module.token-half-made) where it failed after C_InitToken
    began: then the PINs may be on the token.
    """
    officer, user = (pin.encode() if isinstance(pin, str) else pin for pin in (so_pin, user_pin))
    if not 0 < len(label.encode()) <= 32 or label != label.strip() or "\0" in label:
        raise Malformed("A token's label has 1 to 32 octets, without blanks at its ends.")
    lab = lab or (settings is not None and settings.lab)
    check_pin(officer, whose=f"the security officer of {label!r}", lab=lab)
    check_pin(user, whose=f"the token {label!r}", lab=lab)
    if officer == user and not lab:
        raise Malformed("The security officer's PIN and the user's PIN must differ.")
    setup = libraries.make_setup(settings, library=library, base=base)
    with libraries.started(setup, afresh=True) as cryptoki:
        check_tokens_whole(setup)
        try:
            slot = _place(cryptoki, label, officer, user)
        except CryptokiError as error:
            raise Unavailable(
                "module.token", f"No place for the token {label!r} can be found: {error}. Check the module."
            ) from error
        try:
            keep_token(setup, _initialise(cryptoki, slot, label, officer, user, keep))
        except (CryptokiError, TrustworksError) as error:
            raise Unavailable(
                "module.token-half-made",
                f"The token {label!r} was begun and may be half made: {error}. Keep its PINs, which may be "
                "on it, check space and rights, and remove the token with the module's own tools before "
                "you make it again.",
            ) from error


def _place(cryptoki: Cryptoki, label: str, so_pin: bytes, user_pin: bytes) -> int:
    """The free slot for a token with this label, where it takes both PINs."""
    slots = _tokens(cryptoki)
    slot, info = slots[
        free_slot([(bool(info.flags & Flag.TOKEN_INITIALIZED), text(info.label)) for _, info in slots], label)
    ]
    for whose, pin in (("The security officer's", so_pin), ("The user's", user_pin)):
        least, most = info.ulMinPinLen, info.ulMaxPinLen or len(pin)
        if not least <= len(pin) <= most:
            raise Malformed(f"{whose} PIN has {len(pin)} characters; the module takes {least} to {most}.")
    return slot


def _initialise(  # noqa: PLR0917 - what C_InitToken and C_InitPIN take
    cryptoki: Cryptoki,
    slot: int,
    label: str,
    so_pin: bytes,
    user_pin: bytes,
    keep: Callable[[str], None] | None,
) -> str:
    """Make the token; answers its serial number."""
    cryptoki.init_token(slot, so_pin, label)
    if keep is not None:
        keep(text(cryptoki.token_info(slot).serialNumber))
    session = cryptoki.open_session(slot, read_write=True)
    try:
        cryptoki.login(session, User.SO, so_pin)
        cryptoki.init_pin(session, user_pin)
        cryptoki.logout(session)
    finally:
        cryptoki.close_session(session)
    return text(cryptoki.token_info(slot).serialNumber)


def change_pin(module: Module, pin: bytes) -> None:
    """Give the user of an open token, which must be read_write, another PIN; the connection goes on with it.

    `Refused` for a PIN that is known or too easy. Raises `Unavailable`; the old PIN is right then.
    """
    check_pin(pin, whose=str(module.token_uri), lab=module.lab)
    connection = module.connection
    with libraries.start_lock(connection.setup):
        connection.change_pin(pin)
        keep_token(connection.setup, module.token_uri.serial or "")


def token_labels(
    library: Path | None = None, *, settings: ModuleSettings | None = None, base: Path | None = None
) -> frozenset[str]:
    """The labels of all tokens that are initialised. No PIN is needed.

    `Unavailable` (module.token-damaged) while a token is damaged and its label unknown.
    """
    setup = libraries.make_setup(settings, library=library, base=base)
    with libraries.started(setup, afresh=True) as cryptoki:
        check_tokens_whole(setup)
        return frozenset(
            text(info.label) for _, info in _tokens(cryptoki) if info.flags & Flag.TOKEN_INITIALIZED
        )


def _tokens(cryptoki: Cryptoki) -> list[tuple[int, Any]]:
    """All slots whose token can be read, be it initialised or not, with what CK_TOKEN_INFO says of it."""
    found = []
    for slot in cryptoki.slots():
        with contextlib.suppress(CryptokiError):  # an empty slot, or a spoilt token, which is no free one
            found.append((slot, cryptoki.token_info(slot)))
    return found


@implements("TRUSTWORKS:MODULE-TOKEN-KEPT", disabled=0)
def free_slot(slots: Iterable[tuple[bool, str]], label: str) -> int:
    """Which of the slots a new token may be made in: the first that is not initialised.

    `slots` says for each whether it holds an initialised token, and that token's label. C_InitToken wipes
    whatever is there without asking, so that this choice is all that stands between a typing error and a lost
    CA key.
    """
    free = None
    for number, (initialised, present) in enumerate(slots):
        if initialised and present == label:
            raise Rejected("module.token-exists", f"A token {label!r} exists already; choose another label.")
        if not initialised and free is None:
            free = number
    if free is None:
        raise Unavailable(
            "module.slots", "The module has no free slot for a new token; ask its administrator for one."
        )
    return free
