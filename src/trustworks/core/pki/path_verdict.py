"""What a path is held against and what comes of it, as values: settings, failures, the verdict, issuers.

Source: RFC 5280, 6.1.1 (inputs) and 6.1.6 (outputs).
"""

from __future__ import annotations

import enum
from dataclasses import field
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.name_constraints import NameSpace
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.names import DistinguishedName
    from trustworks.core.pki.policy_graph import ValidPolicy
    from trustworks.core.pki.public_keys import PublicKey


class FailureCode(enum.StrEnum):
    """What does not hold of a path. The words are ours; the comments say where RFC 5280 has the check."""

    SIGNATURE = "signature"  # 6.1.3 (a)(1): the issuer's key did not sign
    ALGORITHM = "algorithm"  # the signature cannot be verified here: an unknown algorithm
    KEY = "key"  # the issuer's key cannot be used
    NOT_YET_VALID = "not-yet-valid"  # 6.1.3 (a)(2)
    EXPIRED = "expired"
    NAME_CHAINING = "name-chaining"  # 6.1.3 (a)(4)
    NAME_CONSTRAINTS = "name-constraints"  # 6.1.3 (b) and (c)
    POLICY = "policy"  # 6.1.3 (f) and 6.1.5: none is valid, and one is required
    POLICY_MAPPING = "policy-mapping"  # 6.1.4 (a)
    NOT_CA = "not-ca"  # 6.1.4 (k)
    PATH_LENGTH = "path-length"  # 6.1.4 (l)
    KEY_USAGE = "key-usage"  # 6.1.4 (n)
    CRITICAL_EXTENSION = "critical-extension"  # 6.1.4 (o) and 6.1.5 (f)
    EXTENSION_UNREADABLE = "extension-unreadable"
    ANCHOR_NOT_YET = "anchor-not-yet-trusted"  # EN 319 102-1: the anchor's own dates
    ANCHOR_SUNSET = "anchor-sunset"


OUT_OF_VALIDITY: Final = frozenset({FailureCode.NOT_YET_VALID, FailureCode.EXPIRED})
OF_ANCHOR: Final = frozenset({FailureCode.ANCHOR_NOT_YET, FailureCode.ANCHOR_SUNSET})


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed. `number` is the certificate's in the path, the one in question being 0."""

    code: FailureCode
    certificate: Certificate
    number: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """The inputs of RFC 5280, 6.1.1 (c) to (i), and what the caller processes himself.

    `user_initial_policies` None: any policy. `processed` are critical extensions that the caller processes in
    the end entity's certificate, `processed_of_cas` in those above.
    """

    user_initial_policies: frozenset[str] | None = None
    explicit_policy: bool = False
    inhibit_policy_mapping: bool = False
    inhibit_any_policy: bool = False
    names: NameSpace = field(default_factory=NameSpace)
    processed: frozenset[str] = frozenset()
    processed_of_cas: frozenset[str] = frozenset()


DEFAULT_SETTINGS: Final = PathSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVerdict:
    """What came of a path at a time: no failure, or all of them, from the anchor down to the end entity.

    `policies` are those valid for the end entity that the user accepts; `key` is the end entity's public key,
    with what it inherits (RFC 5280, 6.1.6).
    """

    path: Path
    at: datetime
    failures: tuple[Failure, ...]
    policies: tuple[ValidPolicy, ...]
    key: PublicKey

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.failures

    @property
    def out_of_validity(self) -> tuple[Failure, ...]:
        """The certificates that were not valid at the time."""
        return tuple(one for one in self.failures if one.code in OUT_OF_VALIDITY)

    @property
    def of_anchor(self) -> tuple[Failure, ...]:
        """Why the anchor was not trusted at the time."""
        return tuple(one for one in self.failures if one.code in OF_ANCHOR)

    @property
    def of_chain(self) -> tuple[Failure, ...]:
        """What does not hold at any time: signatures, names, constraints, policies."""
        return tuple(one for one in self.failures if one.code not in OUT_OF_VALIDITY | OF_ANCHOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who issued a certificate: its name, its key with what that inherits, its certificate if it has one."""

    subject: DistinguishedName
    key: PublicKey
    certificate: Certificate | None

    def __str__(self) -> str:
        return self.subject.text


def issuers_of(path: Path) -> tuple[Issuer, ...]:
    """Who issued each certificate of a path, in its order; for a trust anchor alone, itself."""
    anchor = path.anchor
    issuer = Issuer(subject=anchor.subject, key=anchor.key, certificate=anchor.certificate)
    found = [issuer]
    for certificate in reversed(path.certificates[1:]):
        key = certificate.key.inheriting(issuer.key)
        issuer = Issuer(subject=certificate.subject, key=key, certificate=certificate)
        found.append(issuer)
    return tuple(reversed(found))
