"""When a lint applies, beside what `lint` has: by fields of the profile alone, so that it is asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustworks.issuance.lints.lint import Scope


def identifies_key(scope: Scope) -> bool:
    """The certificates that identify their own key."""
    return scope.profile.key_identifier


def is_person_with_status(scope: Scope) -> bool:
    """The certificates of persons whose status can be asked for: all but the validity assured."""
    return scope.profile.kind in {"natural", "legal"} and not scope.profile.short_term


def is_short_term(scope: Scope) -> bool:
    """The validity assured short-term certificates (EN 319 412-1, 5.2)."""
    return scope.profile.short_term


def is_web(scope: Scope) -> bool:
    """The qualified certificates of web sites."""
    return scope.profile.web is not None


def is_web_by_forum(scope: Scope) -> bool:
    """The certificates of web sites that follow the CA/Browser Forum throughout: QEVCP-w and QNCP-w."""
    return scope.profile.kind == "web"


def is_ev(scope: Scope) -> bool:
    """The certificates of web sites by the extended validation guidelines."""
    return scope.profile.web == "ev"


def is_payment_service(scope: Scope) -> bool:
    """The certificates of payment service providers (TS 119 495)."""
    return scope.profile.psd2


def is_smime(scope: Scope) -> bool:
    """The certificates for electronic mail."""
    return scope.profile.kind == "smime"


def states_semantics(scope: Scope) -> bool:
    """The certificates whose subject's identifier may be said to follow EN 319 412-1."""
    return scope.profile.semantics is not None


def is_not_qualified(scope: Scope) -> bool:
    """The certificates that are not issued as qualified ones."""
    return scope.profile.qc_type is None


def is_server(scope: Scope) -> bool:
    """The certificates of HTTPS servers: the provider's own, and web sites by the CA/Browser Forum."""
    return scope.profile.kind in {"tls-server", "web"}


def is_logged(scope: Scope) -> bool:
    """The certificates that are shown to logs where there are such."""
    return scope.profile.ct
