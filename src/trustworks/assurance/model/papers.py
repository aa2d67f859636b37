"""Documents of the provider itself, by the points of Annex III of (EU) 2025/2162 that ask for them.

What a kind is for is data: `PAPERS` says for each the points, and whether a point is whole without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class PaperKind(StrEnum):
    """What a document of the provider is."""

    REGISTRATION = "registration"
    PARTIES = "parties"
    SCOPE = "scope"
    TRUSTED_LIST_ENTRY = "trusted-list-entry"
    PRACTICES = "practices"
    POLICY = "policy"
    TERMS = "terms"
    TERMINATION = "termination-plan"
    RISKS = "risk-assessment"
    BREACHES = "breach-notification-plan"
    INTERNAL = "internal"
    ARTICLES = "articles"
    ACTIVITIES = "other-activities"
    ORGANISATION = "organisational-chart"
    OWNERSHIP = "ownership"
    ACCOUNTS = "accounts"
    FINANCES = "finances"
    INSURANCE = "insurance"
    CLAIMED = "standards-followed"
    ASSESSED = "standards-assessed"
    CORRECTIONS = "corrective-actions"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperUse:
    """What a kind of document is, in our words; its points; whether these are there in part without it.

    `persons` says that a document of the kind names persons.
    """

    words: str
    points: tuple[str, ...]
    needed: bool = True
    persons: bool = False


PAPERS: Final[Mapping[PaperKind, PaperUse]] = {
    PaperKind.REGISTRATION: PaperUse(
        words="extract of the official records: name, registration number, address",
        points=("2",),
        persons=True,
        needed=False,  # where the configuration has all of it
    ),
    PaperKind.PARTIES: PaperUse(
        words="everybody else who operates components: name, number, addresses, sites, how far assessed; "
        "or the statement that there is nobody",
        points=("2", "11"),
        persons=True,
    ),
    PaperKind.SCOPE: PaperUse(
        words="the scope of the assessment, in more words than what runs here says",
        points=("3",),
        needed=False,
    ),
    PaperKind.TRUSTED_LIST_ENTRY: PaperUse(
        words="the entry for the national trusted list, as the provider asks for it",
        points=("12",),
        needed=False,
    ),
    PaperKind.PRACTICES: PaperUse(words="a declaration of practices", points=("13(a)",)),
    PaperKind.POLICY: PaperUse(words="a policy of a service", points=("13(b)",)),
    PaperKind.TERMS: PaperUse(words="terms and conditions for subscribers", points=("13(c)",)),
    PaperKind.TERMINATION: PaperUse(words="the termination plan", points=("13(d)",)),
    PaperKind.RISKS: PaperUse(words="the assessment of risks, and their treatment", points=("13(e)",)),
    PaperKind.BREACHES: PaperUse(words="the plan for notifying breaches", points=("13(f)",)),
    PaperKind.INTERNAL: PaperUse(
        words="an internal document behind the practices, or the list of all", points=("13(g)",)
    ),
    PaperKind.ARTICLES: PaperUse(
        words="articles of incorporation, or statutes", points=("13(h)",), persons=True
    ),
    PaperKind.ACTIVITIES: PaperUse(
        words="statement of the activities that are no trust services", points=("13(h)",)
    ),
    PaperKind.ORGANISATION: PaperUse(words="organisational chart", points=("13(h)",), persons=True),
    PaperKind.OWNERSHIP: PaperUse(words="who owns the provider", points=("13(h)",), persons=True),
    PaperKind.ACCOUNTS: PaperUse(
        words="the auditor's report on the accounts of two years",
        points=("13(h)",),
        persons=True,
        needed=False,  # "where applicable and available"
    ),
    PaperKind.FINANCES: PaperUse(words="evidence of sufficient financial resources", points=("13(i)",)),
    PaperKind.INSURANCE: PaperUse(
        words="the policy of the liability insurance",
        points=("13(i)",),
        needed=False,  # "where applicable"
    ),
    PaperKind.CLAIMED: PaperUse(
        words="the standards that operations follow by the provider's own statement", points=("13(j)",)
    ),
    PaperKind.ASSESSED: PaperUse(
        words="the standards that others have assessed operations against, with the scheme", points=("13(k)",)
    ),
    PaperKind.CORRECTIONS: PaperUse(
        words="the plan of corrective actions, with its times", points=("16",), needed=False
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPaper:
    """One document of the provider, as it was handed in.

    One of the same kind and title is its next version. `sha256` is of its file, in hexadecimal; `pages` says
    where in it the point is answered, empty for all of it; `language` is an ISO 639-1 code;
    `reviewed_until` is the day by which it has to be looked at again; `names_persons` what who entered it
    said, None where he said nothing.
    """

    kind: PaperKind
    title: str
    version: str
    sha256: str
    written: date
    language: str = "en"
    pages: str = ""
    reviewed_until: date | None = None
    names_persons: bool | None = None
