"""All that one validation is given, gathered once, and what is derived from it and asked for again and again.

Source: EN 319 102-1, 5.1.4 (inputs).
"""

from __future__ import annotations

import hashlib
from dataclasses import field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.extensions import OCSP_NO_CHECK, QC_STATEMENTS
from trustworks.core.pki.path_verdict import PathSettings
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Container, Evidence, Origin, TimeStampKind, Token, Where
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.path_inputs import NO_INPUTS
from trustworks.validation.rules.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.core.pki.building import CertificatePool
    from trustworks.core.pki.revocation import RevocationData
    from trustworks.core.pki.tokens import Certificate, OcspAnswer
    from trustworks.formats.evidence import Signature, TimeStamp
    from trustworks.validation.model import Poe
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.revocation_status import Selection
    from trustworks.validation.rules.surroundings import Known
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
NO_FILE: Final = Evidence(
    container=Container.NONE,
    media_type=None,
    data=MappingProxyType({}),
    signatures=(),
    time_stamps=(),
    evidence_records=(),
    certificates=MappingProxyType({}),
    revocation=MappingProxyType({}),
)
"""For what is validated by itself, such as a certificate."""

SETTINGS: Final = PathSettings(processed=frozenset({QC_STATEMENTS, OCSP_NO_CHECK}))
"""How paths are held against RFC 5280: with what the engine looks at itself, so that it may be critical."""


@implements("EN319102-1:5.2.6.4-4-PARAMETERS", disabled=lambda *_: SETTINGS)
def path_settings(policy: Policy, context: Context) -> PathSettings:
    """`SETTINGS` with the policies and names that a validation policy lets paths of a context begin with."""
    given = policy.path_inputs_in(context)
    return SETTINGS if given is NO_INPUTS else replace(given.settings, processed=SETTINGS.processed)


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
    known: Known | None = field(default=None, compare=False)
    """Surroundings of earlier validations, where there are any."""

    def certificate(self, named: str) -> Certificate | None:
        """A certificate by its id; None where it is not there, or is none."""
        return self.surroundings.certificate(named)

    @cached_property
    def surroundings(self) -> Surroundings:
        """What certificates are judged by."""
        own = Surroundings(
            trust=self.trust,
            policy=self.policy,
            at=self.at,
            present=self.present,
            certificate_tokens=self.certificate_tokens,
            revocation_tokens=self.revocation_tokens,
        )
        return own if self.known is None else self.known.like(own)

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

    @property
    def pool(self) -> CertificatePool:
        """Every certificate that can be read, those in OCSP answers included, for building paths."""
        return self.surroundings.pool

    @property
    def revocation_data(self) -> RevocationData:
        """Every list and answer that can be read."""
        return self.surroundings.revocation_data

    @property
    def answers(self) -> Mapping[str, OcspAnswer]:
        """OCSP answers that can be read, by id."""
        return self.surroundings.answers

    @property
    def selections(self) -> dict[tuple[bytes, bytes, frozenset[str]], Selection]:
        """What `building_blocks.revocation` found, kept."""
        return self.surroundings.selections

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
