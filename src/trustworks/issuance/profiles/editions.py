"""The editions of standards that profiles follow, with the day from which each is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trustworks.issuance.model import Profile

# EN 319 412-5 V2.5.1 is what Regulation (EU) 2025/1943 names, in force twenty days after its publication.
# V2.6.1 is newer: who meets it meets V2.5.1, but the presumption of Article 28(6) is V2.5.1's.
V2_5_1_SINCE: Final = date(2025, 10, 20)
V2_6_1_SINCE: Final = date(2026, 7, 1)


def with_v2_6_1(profile: Profile) -> tuple[Profile, Profile]:
    """Both live versions of a qualified profile: by EN 319 412-5 V2.5.1, and by V2.6.1."""
    return profile, replace(profile, version=2, qcs="V2.6.1", since=V2_6_1_SINCE)
