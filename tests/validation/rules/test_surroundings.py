"""What is kept of one validation for the next changes no outcome, and is kept with all that it depends on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from evidence_graphs import NOW, Graph, crl, entity, house, verdict

from trustworks.core.pki.tokens import Certificate
from trustworks.validation import Trust
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.inputs import Inputs, token
from trustworks.validation.rules.process import validate
from trustworks.validation.rules.surroundings import Known, Surroundings

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence

OF = house()
TRUST = OF.trust
FULL = tuple(crl(one) for one in (OF.ca, OF.root))
REVOKED = (crl(OF.ca, revoked=[(OF.signer, NOW - timedelta(days=9), None)]), FULL[1])


def file(lists: tuple[bytes, ...] = FULL) -> Evidence:
    """A file of its own, with a value and a time-stamp that no other has, and the same tokens as others."""
    graph = Graph()
    graph.stamp(graph.sign(OF.signer), NOW - timedelta(hours=1), OF.tsa)
    graph.certificates(OF.ca, OF.tsa)
    graph.lists(*lists)
    return graph.evidence


def surroundings(**changes: Any) -> Surroundings:
    evidence = file()
    given: dict[str, Any] = {
        "trust": TRUST,
        "policy": shipped(),
        "at": NOW,
        "present": False,
        "certificate_tokens": evidence.certificates,
        "revocation_tokens": evidence.revocation,
    }
    return Surroundings(**(given | changes))


def test_the_outcome_is_the_same_with_and_without_what_was_kept() -> None:
    known = Known()
    files = [file(), file(), file(REVOKED), file(())]
    came = []
    for evidence in [*files, *files]:
        outcome = validate(evidence, at=NOW, trust=TRUST, known=known)
        assert outcome == validate(evidence, at=NOW, trust=TRUST)
        came.append(verdict(outcome))
    assert came == ["TOTAL-PASSED", "TOTAL-PASSED", "REVOKED_NO_POE", "CERTIFICATE_CHAIN_GENERAL_FAILURE"] * 2


def test_the_same_tokens_under_the_same_trust_are_judged_once() -> None:
    known = Known()
    first = known.like(surroundings())
    assert known.like(surroundings()) is first


@pytest.mark.parametrize(
    "changes",
    [
        {"trust": Trust()},
        {"trust": OF.trust},  # as good, and another
        {"policy": replace(shipped(), identifier="urn:other")},
        {"at": NOW + timedelta(seconds=1)},
        {"present": True},
        {"certificate_tokens": MappingProxyType(dict(reversed(list(file().certificates.items()))))},
        {"certificate_tokens": MappingProxyType({})},
        {"revocation_tokens": MappingProxyType({})},
    ],
)
def test_whatever_is_another_is_judged_anew(changes: dict[str, Any]) -> None:
    known = Known()
    first = known.like(surroundings())
    other = surroundings(**changes)
    assert known.like(other) is other
    assert known.like(surroundings()) is first


def test_few_are_kept_and_none_that_are_large() -> None:
    known = Known()
    first = known.like(surroundings())
    for second in range(1, 40):
        known.like(surroundings(at=NOW + timedelta(seconds=second)))
    assert known.like(surroundings()) is not first
    long = token("R", bytes(5_000_000))
    for _ in range(2):
        large = surroundings(revocation_tokens={long.id: long})
        assert known.like(large) is large


def test_threads_find_the_same() -> None:
    known = Known()
    evidence = file()
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(
            threads.map(lambda _: validate(evidence, at=NOW, trust=TRUST, known=known), range(16))
        )
    assert outcomes == [validate(evidence, at=NOW, trust=TRUST)] * 16


def test_paths_are_judged_by_tokens_alone() -> None:
    """Else what is kept for one file would be wrong for another with the same tokens."""
    for evidence in (file(), file(REVOKED), file(())):
        tokens = SimpleNamespace(certificates=evidence.certificates, revocation=evidence.revocation)
        inputs = Inputs(evidence=cast("Evidence", tokens), trust=TRUST, policy=shipped(), at=NOW)
        object.__setattr__(inputs, "extra", SimpleNamespace(certificates=(), revocation=()))
        for context in (Context.SIGNATURE, Context.COUNTER_SIGNATURE, Context.TIME_STAMP):
            for one in (OF.signer, OF.tsa, entity("stranger")):
                found = validate_certificate(Certificate.read(one.der), context, inputs)
                assert found.leaf.der == one.der
