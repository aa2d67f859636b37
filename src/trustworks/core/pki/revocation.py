"""Which revocation data says something about a certificate, and what.

A list or an answer is looked at by itself: is it about this certificate, did someone sign it who may, what
does it say? What comes of that is a fact. Whether its signer is trusted, whether it is fresh enough, and what
several facts say together, is asked afterwards: EN 319 102-1 asks it at other times than RFC 5280 does.
Lists follow RFC 5280, 6.3 (`list_facts`, `crl_scope`), answers RFC 6960 (`answer_facts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.pki.answer_facts import fact_of_answer
from trustworks.core.pki.crl_scope import goes_with, points_of
from trustworks.core.pki.list_facts import fact_of_list
from trustworks.core.pki.revocation_facts import (
    Authority,
    Refusal,
    RefusalCode,
    RevocationFact,
    capital,
)
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trustworks.core.pki.building import CertificatePool, TrustAnchors
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.names import DistinguishedName
    from trustworks.core.pki.ocsp_answer import OcspAnswer
    from trustworks.core.pki.path_verdict import Issuer
    from trustworks.core.pki.revocation_list import RevocationList

__all__ = [
    "Authority",
    "Findings",
    "Refusal",
    "RefusalCode",
    "RevocationData",
    "RevocationFact",
    "capital",
    "fact_of_answer",
    "fact_of_list",
    "find_facts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The facts about a certificate, the newest first, and what was refused."""

    facts: tuple[RevocationFact, ...]
    refusals: tuple[Refusal, ...]


class RevocationData:
    """Lists by issuer and answers by serial number. Immutable once made."""

    def __init__(self, lists: Iterable[RevocationList] = (), answers: Iterable[OcspAnswer] = ()) -> None:
        self.lists: tuple[RevocationList, ...] = tuple(dict.fromkeys(lists))
        self.answers: tuple[OcspAnswer, ...] = tuple(dict.fromkeys(answers))
        self._by_issuer: dict[DistinguishedName, list[RevocationList]] = {}
        self._by_serial: dict[int, list[OcspAnswer]] = {}
        for one in self.lists:
            self._by_issuer.setdefault(one.issuer, []).append(one)
        for answer in self.answers:
            for serial in {single.serial for single in answer.responses}:
                self._by_serial.setdefault(serial, []).append(answer)

    def lists_of(self, issuer: DistinguishedName) -> Sequence[RevocationList]:
        """The lists of an issuer."""
        return self._by_issuer.get(issuer, ())

    def answers_about(self, serial: int) -> Sequence[OcspAnswer]:
        """The answers about a certificate with that number, whoever issued it."""
        return self._by_serial.get(serial, ())


def find_facts(
    certificate: Certificate,
    issuer: Issuer,
    data: RevocationData,
    *,
    pool: CertificatePool,
    anchors: TrustAnchors | None = None,
) -> Findings:
    """What all data at hand says about a certificate.

    `pool` has certificates of signers of lists and answers; `anchors` may be responders that are trusted for
    themselves.
    """
    facts: list[RevocationFact] = []
    refusals: list[Refusal] = []
    names = dict.fromkeys(
        (certificate.issuer, *(name for point in points_of(certificate) for name in point.issuers))
    )
    lists = [one for name in names for one in data.lists_of(name)]
    for found in (
        *_facts_of_lists(certificate, issuer, lists, pool),
        *(
            fact_of_answer(certificate, issuer, answer, pool=pool, anchors=anchors)
            for answer in data.answers_about(certificate.serial)
        ),
    ):
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            facts.append(found)
    facts.sort(key=lambda one: one.order, reverse=True)
    return Findings(facts=tuple(facts), refusals=tuple(refusals))


def _facts_of_lists(
    certificate: Certificate, issuer: Issuer, lists: Sequence[RevocationList], pool: CertificatePool
) -> Iterator[RevocationFact | Refusal]:
    complete = [one for one in lists if not one.is_delta]
    deltas = [one for one in lists if one.is_delta]
    used: set[RevocationList] = set()
    for one in complete:
        fact = fact_of_list(certificate, issuer, one, pool=pool)
        yield fact
        if isinstance(fact, Refusal):
            continue
        for delta in deltas:
            if goes_with(delta, one):
                used.add(delta)
                yield fact_of_list(certificate, issuer, one, delta, pool=pool)
    for delta in deltas:
        if delta not in used:
            words = "has changes to a complete list that is not there, or may not be used"
            yield Refusal(delta, RefusalCode.NO_BASE, f"{capital(delta)} {words}.")
