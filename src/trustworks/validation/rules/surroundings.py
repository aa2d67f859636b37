"""What certificates are judged by: all of one validation but the signatures, and how it is kept for the next.

Many files of one signer bring the same certificates, lists and answers. What is derived from these, under the
same trust and policy at the same second, is the same: it is kept with all that it depends on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import CertificatePool
from trustworks.core.pki.revocation import RevocationData
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.formats.evidence import Token
    from trustworks.validation.model import Conclusion, Need, SubIndication
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.policies.suites import Use
    from trustworks.validation.rules.revocation_status import Selection, Status
    from trustworks.validation.trust import Trust

_MOST_KEPT: Final = 16
_LARGEST_KEPT: Final = 4 * 1024 * 1024
"""Octets of certificates and revocation data that are kept together; what has more is made anew each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateResult:
    """What came of a certificate at the time of validation.

    `path` is None where no anchor was reached; `chain` is then as far as issuers are at hand. `used` are the
    certificates below the anchor with what is known of their revocation. `revoked_at`, `suspended_at`: of the
    certificate that the verdict is about. `uses` are the algorithms of certificates and revocation data.
    """

    conclusion: Conclusion
    leaf: Certificate
    chain: tuple[Certificate, ...]
    path: Path | None = None
    used: tuple[tuple[Certificate, Status], ...] = ()
    revoked_at: datetime | None = None
    suspended_at: datetime | None = None
    uses: tuple[Use, ...] = ()
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Surroundings:
    """Certificates and revocation data by their ids, with whom one trusts, by what policy, and when.

    `selections` and `paths` are what `building_blocks` found, kept: the same is asked again and again.
    Nothing that they depend on may come from elsewhere. Threads may share it: they would find the same.
    """

    trust: Trust
    policy: Policy
    at: datetime
    present: bool
    certificate_tokens: Mapping[str, Token]
    revocation_tokens: Mapping[str, Token]
    selections: dict[tuple[bytes, bytes, frozenset[str]], Selection] = field(default_factory=dict)
    paths: dict[tuple[bytes, Context, frozenset[SubIndication]], CertificateResult] = field(
        default_factory=dict
    )
    _certificates: dict[str, Certificate | None] = field(default_factory=dict)

    def certificate(self, named: str) -> Certificate | None:
        """A certificate by its id; None where it is not there, or is none."""
        if named not in self._certificates:
            token = self.certificate_tokens.get(named)
            self._certificates[named] = None if token is None else _certificate(token.der)
        return self._certificates[named]

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


class Known:
    """The surroundings of the last validations, by all that they are made of. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Surroundings] = OrderedDict()

    def like(self, new: Surroundings) -> Surroundings:
        """Those that are kept and are made of the same; else `new`, which is kept from now on.

        The order of tokens counts, for of several paths the first that holds is taken. A token's id has the
        hash of its octets. Trust and policy are compared by identity: kept surroundings keep theirs alive.
        """
        key = (
            *(id(new.trust), id(new.policy), new.at, new.present),
            *(tuple(new.certificate_tokens), tuple(new.revocation_tokens)),
        )
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
            tokens = (*new.certificate_tokens.values(), *new.revocation_tokens.values())
            if sum(len(one.der) for one in tokens) <= _LARGEST_KEPT:
                self._kept[key] = new
                if len(self._kept) > _MOST_KEPT:
                    self._kept.popitem(last=False)
        return new


def _certificate(der: bytes) -> Certificate | None:
    try:
        return Certificate.read(der)
    except Malformed:
        return None
