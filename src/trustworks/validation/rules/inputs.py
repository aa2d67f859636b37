"""All that one validation is given, gathered once, and what is derived from it and asked for again and again.

Source: EN 319 102-1, 5.1.4 (inputs).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import CertificatePool
from trustworks.core.pki.extensions import OCSP_NO_CHECK, QC_STATEMENTS
from trustworks.core.pki.revocation import RevocationData
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.pki.validation import PathSettings
from trustworks.formats.evidence import Origin, TimeStampKind, Token, Where
from trustworks.validation.policies.constraints import Context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.formats.evidence import Evidence, Signature, TimeStamp
    from trustworks.validation.model import Poe
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.revocation_status import Selection
    from trustworks.validation.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Evidence from outside of the file: given by who asks, or fetched.

    `certificates` and `revocation` are tokens with ids as the collector of `formats` gives them (`token`).
    `poes` say since when any object is known to exist; `policies` are documents of signature policies by
    their identifiers.
    """

    certificates: tuple[Token, ...] = ()
    revocation: tuple[Token, ...] = ()
    poes: tuple[Poe, ...] = ()
    policies: Mapping[str, bytes] = field(default_factory=dict)


NOTHING: Final = Extra()

SETTINGS: Final = PathSettings(processed=frozenset({QC_STATEMENTS, OCSP_NO_CHECK}))
"""How paths are held against RFC 5280: with what the engine looks at itself, so that it may be critical."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What `validate` was called with; everything else is read from it."""

    evidence: Evidence
    trust: Trust
    policy: Policy
    at: datetime
    extra: Extra = NOTHING
    present: bool = False
    """Whether `at` is the present: what was issued later cannot be."""
    _certificates: dict[str, Certificate | None] = field(default_factory=dict, compare=False)
    selections: dict[tuple[bytes, bytes, frozenset[str]], Selection] = field(
        default_factory=dict, compare=False
    )
    """What `building_blocks.revocation` found, kept: the same is asked again and again."""

    def certificate(self, named: str) -> Certificate | None:
        """A certificate by its id; None where it is not there, or is none."""
        if named not in self._certificates:
            token = self.certificate_tokens.get(named)
            self._certificates[named] = None if token is None else _certificate(token.der)
        return self._certificates[named]

    @cached_property
    def certificate_tokens(self) -> Mapping[str, Token]:
        """All certificates, of the file and from outside, by id."""
        return MappingProxyType(
            {**self.evidence.certificates, **{token.id: token for token in self.extra.certificates}}
        )

    @cached_property
    def revocation_tokens(self) -> Mapping[str, Token]:
        """All revocation lists and OCSP answers, of the file and from outside, by id."""
        return MappingProxyType(
            {**self.evidence.revocation, **{token.id: token for token in self.extra.revocation}}
        )

    @cached_property
    def pool(self) -> CertificatePool:
        """Every certificate that can be read, those in OCSP answers included, for building paths."""
        found = {one: None for name in self.certificate_tokens if (one := self.certificate(name)) is not None}
        for answer in self.answers.values():
            found.update(dict.fromkeys(answer.certificates))
        return CertificatePool(found)

    @cached_property
    def revocation_data(self) -> RevocationData:
        """Every list and answer that can be read."""
        return RevocationData(self.lists.values(), self.answers.values())

    @cached_property
    def lists(self) -> Mapping[str, RevocationList]:
        """Revocation lists that can be read, by id."""
        found: dict[str, RevocationList] = {}
        for named, token in self.revocation_tokens.items():
            if named.startswith("R-"):
                try:
                    found[named] = RevocationList.read(token.der)
                except Malformed:
                    continue  # it is evidence of nothing
        return MappingProxyType(found)

    @cached_property
    def answers(self) -> Mapping[str, OcspAnswer]:
        """OCSP answers that can be read, by id."""
        found: dict[str, OcspAnswer] = {}
        for named, token in self.revocation_tokens.items():
            if named.startswith("O-"):
                try:
                    found[named] = OcspAnswer.read(token.der)
                except Malformed:
                    continue
        return MappingProxyType(found)

    @cached_property
    def time_stamps(self) -> Mapping[str, TimeStamp]:
        """Time-stamps by id."""
        return MappingProxyType({one.id: one for one in self.evidence.time_stamps})

    def time_stamps_of(self, signature: Signature, *kinds: TimeStampKind) -> tuple[TimeStamp, ...]:
        """Those of a signature, of some kinds (of all where none is named), in the order of the file.

        Document and container time-stamps belong to every signature that they cover.
        """
        own = dict.fromkeys(signature.time_stamps)
        for one in self.evidence.time_stamps:
            if signature.id in one.covers and one.kind in _COVERING:
                own[one.id] = None
        found = (self.time_stamps[named] for named in own if named in self.time_stamps)
        return tuple(one for one in found if not kinds or one.kind in kinds)


_COVERING: Final = frozenset({TimeStampKind.DOCUMENT, TimeStampKind.CONTAINER, TimeStampKind.ARCHIVE})


def context_of(signature: Signature) -> Context:
    """Whether constraints for signatures or for counter-signatures are meant."""
    return Context.SIGNATURE if signature.parent is None else Context.COUNTER_SIGNATURE


def id_of(certificate: Certificate) -> str:
    """The id that a certificate has in the evidence graph."""
    return f"C-{certificate.sha256.hex()}"


def token(letter: str, der: bytes) -> Token:
    """A token from outside: ``C`` certificate, ``R`` revocation list, ``O`` OCSP answer."""
    return Token(id=f"{letter}-{hashlib.sha256(der).hexdigest()}", der=der, origins=(Origin(Where.OUTSIDE),))


def _certificate(der: bytes) -> Certificate | None:
    try:
        return Certificate.read(der)
    except Malformed:
        return None
