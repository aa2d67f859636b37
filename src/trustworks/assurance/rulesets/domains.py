"""The questions that a table may ask, and the answers that each has.

A question is answered by `engine.questions`; here stands only what can come out, so that a table can be
checked for every combination without any fact at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from trustworks.assurance.model import CheckKind, DocumentKind, InstallationState

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `low` to `high`, or unknown."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Day:
    """The day for which a verdict is asked."""


Domain: TypeAlias = Choice | Number | Day

_DOCUMENT: Final = Choice(("at-hand", "open", "overdue", "none"))
_CHECK: Final = Choice(("passed", "overdue", "failed", "one-person", "no-seals", "none"))

# What is asked of one certificate; with none at hand the option says what is missing, and these are not
# asked.
OF_CERTIFICATE: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "standard": Choice(("FIPS 140-1", "FIPS 140-2", "FIPS 140-3", "other", UNKNOWN)),
        "overall-level": Number(1, 4),
        # Areas at level 3 or higher: all; those of the parameter `areas`, others not; some; none.
        "areas": Choice(("all-at-3", "keys-at-3", "some-at-3", "none-at-3", UNKNOWN)),
        "cc-version": Choice(("2022", "earlier", UNKNOWN)),
        "status": Choice(
            (
                "active",
                "historical",
                "archived",
                "expired",
                "suspended",
                "revoked",
                "not-yet",
                UNKNOWN,
            )
        ),
        # The condition under which the certificate holds.
        "caveat": Choice(("none", "confirmed", "unconfirmed", UNKNOWN)),
        # What the caveat takes away of what the process uses, whatever a person confirms: assurance of the
        # module's integrity, of the strength of keys that are made in it, or of those that are brought in.
        "assured": Choice(("assured", "integrity", "weak-keys", "loaded-keys", UNKNOWN)),
        "eal": Number(0, 7),
        # The EAL that the level of other criteria corresponds to.
        "equivalent-level": Number(0, 7),
        # Conformity to one of the profiles of the parameter `profiles`.
        "profile": Choice(("verified", "claimed", "absent", UNKNOWN)),
        # The functions that the process uses, inside what was evaluated.
        "scope": Choice(("inside", "outside", UNKNOWN)),
        # The instance is the variant and version that the certificate is about.
        "identity": Choice(("same", "differs", UNKNOWN)),
        "configured": Choice(("complete", "incomplete", UNKNOWN)),
        "target-fits": Choice(("confirmed", "incomplete", UNKNOWN)),
    }
)
# What is asked of a product in its process.
OF_PRODUCT: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "day": Day(),
        "hardware": Choice(("real", "test", UNKNOWN)),
        # Whether a product of the register names the module, or evidence saw it alone.
        "registered": Choice(("registered", "test", "unregistered")),
        "observed": Choice(("same", "differs", "old", "not-read", "no-module")),
        "health": Choice(("well", "overdue", "failed", "old", UNKNOWN)),
        # Areas of ISO/IEC 19790 that no certificate covers at the parameter `level`.
        "uncovered": Choice(("argued", "ended", "not-argued", "no-document")),
        # The functions that the process uses, inside what the demonstration is about; and its version.
        "demonstrated-scope": Choice(("inside", "outside", UNKNOWN)),
        "demonstrated-version": Choice(("same", "differs", UNKNOWN)),
        # How the installation of this software stands against the manifest that was signed of it.
        "installation": Choice(("not-ours", "never", "old", *InstallationState)),
        # Points of Annex II (parameter `annex-ii`), each of which has to be argued.
        "annex-ii": Choice(("argued", "overdue", "open", "not-argued", "none")),
        # Whether an independent body evaluated the product, by any certificate; unconfirmed where nobody has
        # said that the instance is the evaluated one.
        "evaluated": Choice(("yes", "unconfirmed", "no")),
        # From the module that makes a key to the one that uses it.
        "transfer": Choice(("not-needed", "equal", "unequal", "single", UNKNOWN)),
        "transfer-allowed": Choice(("not-needed", "allowed", "not-allowed", UNKNOWN)),
        # Not made: nobody may make one. None: none is on record, which says nothing of whether there is one.
        "backup": Choice(("equal", "unequal", "single", "not-made", "none", UNKNOWN)),
        "headcount": Choice(("within", "over", "too-few", "unstated", UNKNOWN)),
        "algorithms": Choice(("agreed", "ending", "ended", "not-agreed", UNKNOWN)),
        "qscd": Choice(("notified", "ended", "none")),
        **{f"document:{kind}": _DOCUMENT for kind in DocumentKind},
        **{f"check:{kind}": _CHECK for kind in CheckKind},
    }
)
DOMAINS: Final[Mapping[str, Domain]] = MappingProxyType({**OF_CERTIFICATE, **OF_PRODUCT})
