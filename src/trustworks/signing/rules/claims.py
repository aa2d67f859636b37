"""What the signer says besides the documents: roles, commitments, a place, and under which signature policy.

Sources: EN 319 122-1 and 132-1, 5.2 and TS 119 182-1, 5.2; TS 119 101 (signature creation policies).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import Octets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.evidence import PolicyReference
    from trustworks.signing.model import Request

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls but the tab and the ends of lines, and what is no character (XML 1.0, 2.2)."""


@implements("TRUSTWORKS:SIGNING-REQUEST-POLICY", "TS119101:SCP-44")
def binds_its_policy(request: Request) -> None:
    """A signature policy is named with a digest of its document, by a hash function that may be relied on.

    Where the document is given too, the digest is its own.
    """
    policy = request.claims.policy
    if policy is None or policy.identifier is None:
        return
    if policy.digest is None or policy.digest_algorithm is None:
        raise Rejected(
            "signing.policy",
            f"Of the signature policy {policy.identifier[:80]} no digest is given, so that another document "
            "could be taken for it. Give its digest, by SHA-256 say.",
        )
    function = HASHES.get(policy.digest_algorithm)
    if function is None:
        raise Rejected(
            "signing.policy",
            f"The signature policy is digested by {policy.digest_algorithm[:40]}, which is not relied on. "
            f"Use one of {', '.join(HASHES)}.",
        )
    if len(policy.digest) != function.size:
        raise Rejected(
            "signing.policy",
            f"The digest of the signature policy has {len(policy.digest)} octets, and {function.name} gives "
            f"{function.size}. Give all of it.",
        )
    if not _is_digest_of_document(policy):
        raise Rejected(
            "signing.policy",
            "The digest of the signature policy is not that of the document which is given with it. Give "
            "the one that belongs to the other.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-TEXT")
def says_it_in_text(request: Request) -> None:
    """What the signer says has no characters that control something; tabs and ends of lines may be in it.

    XML cannot hold most of them, and where a format can, they would be obeyed by what shows the signature.
    Raises `Rejected` (``signing.text``).
    """
    for what, said in _texts(request):
        found = None if said is None else _CONTROL.search(said)
        if found is not None:
            raise Rejected(
                "signing.text",
                f"{what} has the character {found[0]!a}, which is none of a text. Leave it out.",
            )


def _texts(request: Request) -> Iterator[tuple[str, str | None]]:
    claims, pades = request.claims, request.pades
    yield from (("A role", one) for one in claims.claimed_roles)
    yield from (("A commitment", one) for one in claims.commitments)
    for part in (claims.location or {}).items():
        yield from (("The place", one) for one in part)
    if claims.policy is not None:
        policy = claims.policy
        for one in (policy.identifier, policy.uri, policy.user_notice, policy.description):
            yield "The signature policy", one
    yield "The description", request.cades.description
    yield "The reason", pades.reason
    yield "The location", pades.location
    yield "The name of the signer", pades.name
    yield "How the signer is reached", pades.contact
    if pades.widget is not None:
        yield "What is read out", pades.widget.alternative


@implements("TRUSTWORKS:SIGNING-REQUEST-CLAIMS", "TS119101:SCP-79")
def claims_something(request: Request) -> None:
    """Roles, commitments and parts of a place say something, and nothing twice."""
    claims = request.claims
    said: list[tuple[str, tuple[str, ...]]] = [
        ("role", claims.claimed_roles),
        ("commitment", claims.commitments),
        ("part of the place", tuple((claims.location or {}).values())),
    ]
    for what, values in said:
        if any(not one.strip() for one in values):
            raise Rejected("signing.claims", f"A {what} is empty. Leave it out.")
    for what, values in said[:2]:
        if len(set(values)) != len(values):
            raise Rejected("signing.claims", f"A {what} is claimed twice. Claim it once.")
    if len(set(claims.certified_roles)) != len(claims.certified_roles):
        raise Rejected("signing.claims", "A certified role is given twice. Give it once.")


def _is_digest_of_document(policy: PolicyReference) -> bool:
    """Whether a given document has the digest; a document that is transformed first is not looked at."""
    if policy.octets is None or policy.transforms or policy.specification is not None:
        return True
    return Octets(policy.octets).digest(policy.digest_algorithm or "") == policy.digest
