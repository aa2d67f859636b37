"""EN 319 412-5, 4.3.4.

Disclosure statements are named: one in English, one in a language, each by https.
"""

from __future__ import annotations

import re

from trustworks.core.trace import implements
from trustworks.issuance.lints.lint import Candidate, Lint, is_qualified


@implements("EN319412-5:QCS-4.3.4-01")
def check(candidate: Candidate) -> str | None:
    """Disclosure statements are named: one in English, one in a language, each by https."""
    if not any(language == "en" for language, _ in candidate.qc.pds):
        return "No PKI disclosure statement in English is named; set [[issuance.pds]]."
    languages = [language for language, _ in candidate.qc.pds]
    if len(set(languages)) != len(languages):
        return "There is more than one disclosure statement in a language; name one for each."
    for language, url in candidate.qc.pds:
        if not url.startswith("https://") or not re.fullmatch("[a-z]{2}", language):
            return f"The disclosure statement {url} ({language}) needs https and a language of two letters."
    return None


LINT = Lint(
    id="EN319412-5:QCS-4.3.4-01",
    clause="EN 319 412-5, 4.3.4",
    words="Disclosure statements are named: one in English, one in a language, each by https.",
    applies=is_qualified,
    check=check,
)
