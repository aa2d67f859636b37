"""Certificate profiles: a file per profile, data alone; `tbs` encodes what they say.

A profile may be live in several versions. Its plain name means the version that its file calls PROFILE, or
the one that ``[issuance.profile-versions]`` says; ``name/version`` means that version.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.issuance.profiles import (
    audit_signer,
    cmp_server,
    device,
    legal_lcp,
    legal_ncp,
    legal_ncp_plus,
    legal_qcp_l,
    legal_qcp_l_qscd,
    legal_short_term,
    list_signer,
    natural_lcp,
    natural_ncp,
    natural_ncp_auth,
    natural_ncp_plus,
    natural_qcp_n,
    natural_qcp_n_qscd,
    natural_short_term,
    ocsp_signer,
    psd2_qseal,
    psd2_qwac,
    qevcp_w,
    qncp_w_gen_legal,
    qncp_w_gen_natural,
    qncp_w_iv,
    qncp_w_ov,
    qwac_binding,
    root,
    seal_edelivery,
    seal_preservation,
    seal_validation_report,
    smime_individual,
    smime_mailbox,
    smime_organization,
    smime_sponsored,
    sub_ca,
    tls_server,
    tls_server_dv,
    tls_server_dv_short,
    tsu,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.issuance.model import Profile

_MODULES: Final = (
    root,
    sub_ca,
    tsu,
    ocsp_signer,
    audit_signer,
    cmp_server,
    list_signer,
    tls_server,
    device,
    tls_server_dv,
    tls_server_dv_short,
    seal_validation_report,
    seal_preservation,
    seal_edelivery,
    natural_qcp_n_qscd,
    natural_qcp_n,
    natural_short_term,
    natural_ncp,
    natural_ncp_plus,
    natural_lcp,
    natural_ncp_auth,
    legal_qcp_l_qscd,
    legal_qcp_l,
    legal_short_term,
    legal_ncp,
    legal_ncp_plus,
    legal_lcp,
    qevcp_w,
    qncp_w_ov,
    qncp_w_iv,
    qncp_w_gen_legal,
    qncp_w_gen_natural,
    qwac_binding,
    psd2_qseal,
    psd2_qwac,
    smime_mailbox,
    smime_organization,
    smime_sponsored,
    smime_individual,
)

PROFILES: Final[dict[str, Profile]] = {module.PROFILE.name: module.PROFILE for module in _MODULES}

# All versions of each, the oldest first.
VERSIONS: Final[dict[str, tuple[Profile, ...]]] = {
    module.PROFILE.name: getattr(module, "VERSIONS", (module.PROFILE,)) for module in _MODULES
}

# What people type for the two qualified profiles.
SHORT_NAMES: Final = {
    "natural": natural_qcp_n_qscd.PROFILE.name,
    "seal": legal_qcp_l_qscd.PROFILE.name,
    "legal-seal": legal_qcp_l_qscd.PROFILE.name,
}


def profile_or_none(name: str) -> Profile | None:
    """The profile that a record names; None for one that this version does not know any more."""
    return PROFILES.get(name)


def profile_named(name: str, chosen: Mapping[str, int] | None = None) -> Profile:
    """The profile of that name, short name or ``name/version``.

    `chosen` says which version a plain name means, where that is not PROFILE. Raises `Rejected`
    (issuance.profile-unknown, issuance.profile-version) when there is none.
    """
    plain, slash, number = name.partition("/")
    full = SHORT_NAMES.get(plain, plain)
    if full not in PROFILES:
        close = difflib.get_close_matches(plain, [*PROFILES, *SHORT_NAMES], n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise Rejected(
            "issuance.profile-unknown",
            f"There is no certificate profile {plain!r}.{hint} `trustworks profile list` shows all.",
        )
    wanted = number if slash else str((chosen or {}).get(full, PROFILES[full].version))
    for found in VERSIONS[full]:
        if str(found.version) == wanted:
            return found
    raise Rejected(
        "issuance.profile-version",
        f"The profile {full} has no version {wanted!r}; it has "
        f"{', '.join(str(one.version) for one in VERSIONS[full])}.",
    )
