"""Whether a policy is one for qualified signatures and seals, and what it lacks.

Operators may write policies of their own, and trusted lists can be asked under any of them. A signature is
qualified in the sense of the implementing acts only where validation asked what the acts ask.

Source: TS 119 172-4, 4.2, and TS 119 441, annex B, as (EU) 2025/1942 and 2025/1945 adapt them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import Level
from trustworks.validation.policies import suites
from trustworks.validation.policies.constraints import TABLE, Context, Section

if TYPE_CHECKING:
    from trustworks.validation.policies.policy import Policy

_SIGNATURES: Final = (Context.SIGNATURE, Context.COUNTER_SIGNATURE)
_DAY: Final = timedelta(hours=24)
_KNOWN: Final = ("revocation-data-available", "acceptable-revocation-data-found")


@implements("TS119172-4:REQ-4.2-03-c-ii")
def revocation_asked_for(policy: Policy) -> str | None:
    """A signer's certificate needs revocation data that says of it, be it a list or an OCSP answer."""
    for context in _SIGNATURES:
        for name in _KNOWN:
            if policy.level(context, name, Section.SIGNING_CERTIFICATE) is not Level.FAIL:
                return f"a signer's certificate may pass without revocation data ({context}, {name})"
    return None


@implements("TS119172-4:REQ-4.2-03-c-iv")
def fresh_within_a_day(policy: Policy) -> str | None:
    """Revocation data about a signer's certificate is at most 24 hours old."""
    for context in _SIGNATURES:
        constraint = policy.constraint(context, "freshness", Section.SIGNING_CERTIFICATE)
        if constraint.level is not Level.FAIL or constraint.limit is None or constraint.limit > _DAY:
            return f"revocation data about a signer may be older than 24 hours ({context}, freshness)"
    return None


@implements("TS119172-4:REQ-4.2-03-c-iv-OTHERS")
def no_limit_for_others(policy: Policy) -> str | None:
    """No age is asked of revocation data about any other certificate, those of time-stamps included."""
    for context, sections in TABLE.items():
        for section, known in sections.items():
            of_signer = context in _SIGNATURES and section is Section.SIGNING_CERTIFICATE
            if "freshness" not in known or of_signer:
                continue
            if not policy.constraint(context, "freshness", section).ignored:
                return f"an age is asked of revocation data about others ({context}, {section}, freshness)"
    return None


@implements("TS119172-4:REQ-4.2-03-h")
def signing_certificate_signed(policy: Policy) -> str | None:
    """The signature protects which certificate is its signer's."""
    for context in _SIGNATURES:
        level = policy.level(context, "signing-certificate-present", Section.SIGNED_ATTRIBUTES)
        if level is not Level.FAIL:
            return f"a signature need not sign which certificate is its own ({context})"
    return None


@implements("TS119441:VPR-B-16")
def agreed_mechanisms(policy: Policy) -> str | None:
    """Algorithms are reliable as the catalogue of the ECCG says."""
    if suites.is_agreed(policy.suite):
        return None
    return f"algorithms are those of {policy.suite.name}, not the ECCG's agreed mechanisms"


_RULES: Final = (
    revocation_asked_for,
    fresh_within_a_day,
    no_limit_for_others,
    signing_certificate_signed,
    agreed_mechanisms,
)


@implements("TS119441:VPR-8.1-11")
def objections(policy: Policy) -> tuple[str, ...]:
    """What keeps a policy from being one for qualified signatures and seals; empty where nothing does."""
    return tuple(found for rule in _RULES if (found := rule(policy)) is not None)
