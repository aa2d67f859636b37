"""Whose identifiers there are (EN 319 412-1, 5.1.3 and 5.1.4): countries, and bodies that are of none."""

from __future__ import annotations

import re
from typing import Final

from trustworks.issuance.lints.cps.lab_names import FICTIONAL

# ISO 3166-1, alpha-2, as of 2026.
_ALPHA_2: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
    "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
    "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW "
)
COUNTRIES: Final = frozenset(_ALPHA_2.split())
# The Union and the United Nations, which ISO reserves; Kosovo, which the Union calls so.
NO_COUNTRIES: Final = frozenset(("EU", "UN", "XK"))
# Greece and Northern Ireland, in numbers of value added tax alone.
MAX_IDENTIFIER: Final = 256
TAX_COUNTRIES: Final = frozenset(("EL", "XI"))


def is_issuer(code: str, scheme: str, *, lab: bool) -> bool:
    """Whether a code may stand in an identifier; in a lab those alone that are no country's."""
    if lab:
        return FICTIONAL.fullmatch(code) is not None or code == "UN"
    return code in COUNTRIES | NO_COUNTRIES or (scheme == "VAT" and code in TAX_COUNTRIES)


def is_eidas_identifier(value: str, *, lab: bool) -> bool:
    """Whether an identifier is written as the eIDAS network does: whose, for whom, which.

    Source: eIDAS SAML attribute profile, 2.4 and 2.5: at most 256 characters, none of them a space.
    """
    found = re.fullmatch(r"([A-Z]{2})/([A-Z]{2})/\S+", value)
    return (
        found is not None
        and len(value) <= MAX_IDENTIFIER
        and all(is_issuer(code, "eIDAS", lab=lab) for code in found.groups())
    )
