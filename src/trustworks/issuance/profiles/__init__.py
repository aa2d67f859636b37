"""Certificate profiles: a file per profile, data alone; `tbs` encodes what they say."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.issuance.profiles import (
    audit_signer,
    legal_qcp_l_qscd,
    natural_qcp_n_qscd,
    ocsp_signer,
    root,
    sub_ca,
    tls_server,
    tsu,
)

if TYPE_CHECKING:
    from trustworks.issuance.model import Profile

PROFILES: Final[dict[str, Profile]] = {
    module.PROFILE.name: module.PROFILE
    for module in (
        root,
        sub_ca,
        tsu,
        ocsp_signer,
        audit_signer,
        tls_server,
        natural_qcp_n_qscd,
        legal_qcp_l_qscd,
    )
}

# What people type for the two qualified profiles.
SHORT_NAMES: Final = {
    "natural": natural_qcp_n_qscd.PROFILE.name,
    "seal": legal_qcp_l_qscd.PROFILE.name,
    "legal-seal": legal_qcp_l_qscd.PROFILE.name,
}


def profile_named(name: str) -> Profile:
    """The profile of that name or short name; `Rejected` (issuance.profile-unknown) when there is none."""
    found = PROFILES.get(SHORT_NAMES.get(name, name))
    if found is None:
        close = difflib.get_close_matches(name, [*PROFILES, *SHORT_NAMES], n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise Rejected(
            "issuance.profile-unknown",
            f"There is no certificate profile {name!r}.{hint} `trustworks profile list` shows all.",
        )
    return found
