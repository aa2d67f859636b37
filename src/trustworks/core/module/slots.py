"""Finds the slot of the token that a URI names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Unavailable
from trustworks.core.module.constants import LOST, Flag, Rv
from trustworks.core.module.pkcs11 import CryptokiError, text

if TYPE_CHECKING:
    from trustworks.core.module.pkcs11 import Cryptoki
    from trustworks.core.module.uri import Pkcs11Uri


def find_slot(cryptoki: Cryptoki, uri: Pkcs11Uri) -> int:
    """The slot of the one initialised token that matches all of the URI's attributes (RFC 7512, 2.3)."""
    found, seen = [], []
    broken: CryptokiError | None = None
    general = cryptoki.info()
    version = f"{general.libraryVersion.major}.{general.libraryVersion.minor}"
    for slot in cryptoki.slots():
        try:
            info, place = cryptoki.token_info(slot), cryptoki.slot_info(slot)
        except CryptokiError as error:
            # One token that is spoilt, or being written by a killed process, must not hide the others.
            if error.rv not in LOST and error.rv != Rv.TOKEN_NOT_RECOGNIZED:
                broken = broken or error
            continue
        label = text(info.label)
        if info.flags & Flag.TOKEN_INITIALIZED:
            seen.append(label)
        wanted = (
            (uri.token, label),
            (uri.serial, text(info.serialNumber)),
            (uri.manufacturer, text(info.manufacturerID)),
            (uri.model, text(info.model)),
            (uri.slot_id, slot),
            (uri.slot_description, text(place.slotDescription)),
            (uri.slot_manufacturer, text(place.manufacturerID)),
            (uri.library_manufacturer, text(general.manufacturerID)),
            (uri.library_description, text(general.libraryDescription)),
            (uri.library_version, version),
        )
        if all(value is None or value == actual for value, actual in wanted) and (
            info.flags & Flag.TOKEN_INITIALIZED or uri.slot_id is not None
        ):
            found.append(slot)
    if len(found) == 1:
        return found[0]
    if found:
        raise Unavailable(
            "module.token-ambiguous", f"{len(found)} tokens match {uri}; add serial= or slot-id= to name one."
        )
    if broken is not None:
        raise broken  # it may be the very one
    present = (
        f"present are {', '.join(repr(label) for label in seen)}"
        if seen
        else "no initialised token is present"
    )
    raise Unavailable(
        "module.token-absent",
        f"The token of {uri} is absent ({present}). Connect it, or create it with `trustworks module "
        "init-token`.",
    )
