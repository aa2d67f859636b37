"""What the signer says besides the documents: roles, commitments, a place, and under which signature policy.

Sources: EN 319 122-1 and 132-1, 5.2 and TS 119 182-1, 5.2; TS 119 101 (signature creation policies).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import Octets

if TYPE_CHECKING:
    from trustworks.formats.evidence import PolicyReference
    from trustworks.signing.model import Request


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
