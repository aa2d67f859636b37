"""When a lint applies, beside what `lint` has: by fields of the profile alone, so that it is asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustworks.issuance.lints.lint import Candidate


def identifies_key(candidate: Candidate) -> bool:
    """The certificates that identify their own key."""
    return candidate.profile.key_identifier


def is_person_with_status(candidate: Candidate) -> bool:
    """The certificates of persons whose status can be asked for: all but the validity assured."""
    return candidate.profile.kind in {"natural", "legal"} and not candidate.profile.short_term


def is_short_term(candidate: Candidate) -> bool:
    """The validity assured short-term certificates (EN 319 412-1, 5.2)."""
    return candidate.profile.short_term


def is_web(candidate: Candidate) -> bool:
    """The qualified certificates of web sites."""
    return candidate.profile.web is not None


def is_web_by_forum(candidate: Candidate) -> bool:
    """The certificates of web sites that follow the CA/Browser Forum throughout: QEVCP-w and QNCP-w."""
    return candidate.profile.kind == "web"


def is_ev(candidate: Candidate) -> bool:
    """The certificates of web sites by the extended validation guidelines."""
    return candidate.profile.web == "ev"


def is_payment_service(candidate: Candidate) -> bool:
    """The certificates of payment service providers (TS 119 495)."""
    return candidate.profile.psd2


def is_smime(candidate: Candidate) -> bool:
    """The certificates for electronic mail."""
    return candidate.profile.kind == "smime"


def states_semantics(candidate: Candidate) -> bool:
    """The certificates whose subject's identifier may be said to follow EN 319 412-1."""
    return candidate.profile.semantics is not None
