"""Which certificates promise that their key is in a device, and who may have one issued.

Source: EN 319 411-1, 5.3 (NCP+); EN 319 411-2, 5.3; EN 319 412-5, 4.2.2. The clauses are known from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from trustworks.core.errors import Refused
from trustworks.core.trace import implements
from trustworks.issuance.model.requests import Door

if TYPE_CHECKING:
    from trustworks.issuance.model import Profile

NCP_PLUS: Final = "0.4.0.2042.1.2"


def device_promised(profile: Profile) -> Literal["qscd", "secure-device"] | None:
    """The kind of device that certificates of a profile say their key is in; None for most."""
    if profile.qc_sscd:
        return "qscd"
    return "secure-device" if NCP_PLUS in profile.policies else None


@implements("TRUSTWORKS:DEVICE-SHOWN")
def check_device_is_shown(profile: Profile, door: Door, *, own: bool, lab: bool) -> None:
    """Refuse a certificate that promises a device where no application shows it.

    `own` says that the key is one of the provider's own, in its module: its seals are under NCP+. A
    laboratory promises nothing to anybody.
    """
    kind = device_promised(profile)
    if kind is None or lab or door is Door.APPLICATION or (kind == "secure-device" and own):
        return
    raise Refused(
        "TRUSTWORKS:DEVICE-SHOWN",
        f"Certificates of the profile {profile.name} say that their key is in a device: register an "
        "application (trustworks registration submit), and record the device with it (trustworks "
        "registration device record).",
    )
