"""The security officer's PIN of a token: changed, thrown away, used once; and the files that it may lie in.

Who has this PIN sets a new PIN of the user alone, and so comes to every key. It is needed when a token is
made and when the user's PIN is lost or locked, and never in between. So it is sealed for several officers
(`activation.seal`), or replaced by one that nobody knows.

Source: EN 319 411-1, GEN-6.5.4-01 and -02.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.module import library as libraries
from trustworks.core.module.constants import Rv, User
from trustworks.core.module.failures import unavailable
from trustworks.core.module.pin import check_pin, pin_path
from trustworks.core.module.pkcs11 import CryptokiError, text
from trustworks.core.module.slots import find_slot
from trustworks.core.module.softhsm import keep_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.module.config import ModuleSettings
    from trustworks.core.module.library import Setup
    from trustworks.core.module.pkcs11 import Cryptoki
    from trustworks.core.module.uri import Pkcs11Uri

# The errors after which the token's PINs are certainly as they were.
NOT_LOGGED_IN: Final = frozenset({"module.so-pin-wrong", "module.so-pin-locked"})
_PLACES: Final = "officer-pins.json"  # in the state folder: the files that PINs of officers were written to


def change_officer_pin(
    uri: Pkcs11Uri,
    old: bytes,
    new: bytes,
    *,
    settings: ModuleSettings | None = None,
    library: Path | None = None,
    base: Path | None = None,
    lab: bool = False,
) -> None:
    """Give a token's security officer another PIN. No user of this process may be logged in there.

    `Refused` for a PIN that is known or too easy. `Unavailable` (module.so-pin-wrong, module.so-pin-locked,
    module.token-absent, ...); the old PIN is right then.
    """
    check_pin(new, whose=f"the security officer of {uri}", lab=lab or bool(settings and settings.lab))
    setup = libraries.make_setup(settings, library=library, uri=uri, base=base)
    with _logged_in(setup, uri, old) as (cryptoki, session):
        cryptoki.set_pin(session, old, new)


def set_user_pin(
    uri: Pkcs11Uri,
    officer_pin: bytes,
    new: bytes,
    *,
    settings: ModuleSettings | None = None,
    library: Path | None = None,
    base: Path | None = None,
    lab: bool = False,
) -> None:
    """Give a token's user another PIN by the security officer's, as where the user's is lost or locked.

    Raises as `change_officer_pin`.
    """
    check_pin(new, whose=str(uri), lab=lab or bool(settings and settings.lab))
    setup = libraries.make_setup(settings, library=library, uri=uri, base=base)
    with _logged_in(setup, uri, officer_pin) as (cryptoki, session):
        cryptoki.init_pin(session, new)


@contextmanager
def _logged_in(setup: Setup, uri: Pkcs11Uri, pin: bytes) -> Iterator[tuple[Cryptoki, int]]:
    """A session of the security officer, logged in."""
    with libraries.started(setup, afresh=True) as cryptoki:
        try:
            slot = find_slot(cryptoki, uri)
            session = cryptoki.open_session(slot, read_write=True)
            try:
                _log_in(cryptoki, session, uri, pin)
                yield cryptoki, session
                cryptoki.logout(session)
            finally:
                cryptoki.close_session(session)
            keep_token(setup, text(cryptoki.token_info(slot).serialNumber))
        except CryptokiError as error:
            raise unavailable(error, uri) from error


def _log_in(cryptoki: Cryptoki, session: int, uri: Pkcs11Uri, pin: bytes) -> None:
    try:
        cryptoki.login(session, User.SO, pin)
    except CryptokiError as error:
        if error.rv in {Rv.PIN_INCORRECT, Rv.PIN_LEN_RANGE, Rv.PIN_INVALID}:
            raise Unavailable(
                "module.so-pin-wrong",
                f"The token of {uri} does not accept the security officer's PIN; nothing was changed. Find "
                "the right one before trying again: tokens lock or erase themselves after a few wrong ones.",
            ) from error
        if error.rv == Rv.PIN_LOCKED:
            raise Unavailable(
                "module.so-pin-locked",
                f"The token of {uri} has locked the security officer's PIN; nothing was changed. Only the "
                "module's administrator can do anything about it.",
            ) from error
        raise


# Where such PINs lie


def note_file(state: Path, label: str, file: Path) -> None:
    """Keep in the state folder where the security officer's PIN of a new token was written.

    Raises `Malformed` for a damaged list, `Unavailable` where it cannot be written.
    """
    try:
        state.mkdir(parents=True, exist_ok=True)
        known = _noted(state)
        known[label] = sorted({*known.get(label, ()), str(file.absolute())})
        put(state / _PLACES, json.dumps(known, indent=2, sort_keys=True) + "\n", mode=0o600)
    except OSError as error:
        raise Unavailable(
            "module.so-pin-places",
            f"{state / _PLACES} cannot be written: {error.strerror}. Let this account write there.",
        ) from None


def places(uri: Pkcs11Uri, *, base: Path, state: Path) -> tuple[Path, ...]:
    """The files in which the security officer's PIN of a token may lie on this machine.

    Those that were noted when tokens of that label were made, and those that the documentation names: beside
    the user's PIN, and in the folder `so`. Raises as `note_file`.
    """
    found = [Path(one) for one in _noted(state).get(uri.token or "", ())]
    if uri.pin_source is not None:
        file = pin_path(uri.pin_source, base)
        names = dict.fromkeys((file.stem, uri.token or file.stem))
        for name in names:
            found += [file.with_name(each) for each in (f"{name}.so-pin", f"so-{name}.pin", f"{name}.so.pin")]
            found += [base / "so" / f"{name}.pin", file.parent / "so" / f"{name}.pin"]
    elif uri.token:
        found.append(base / "so" / f"{uri.token}.pin")
    return tuple(dict.fromkeys(found))


def _noted(state: Path) -> dict[str, list[str]]:
    file = state / _PLACES
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Unavailable(
            "module.so-pin-places", f"{file} cannot be read: {error.strerror}. Check its mode."
        ) from None
    except ValueError:
        known = None
    if not isinstance(known, dict) or not all(
        isinstance(each, list) and all(isinstance(one, str) for one in each) for each in known.values()
    ):
        raise Malformed(
            f"{file} is not as Trustworks writes it. Find out who changed it, then put it back from a copy, "
            "or move it away when no security officer's PIN lies on this machine."
        )
    return known
