"""Whatever tokens are in a graph: the engine answers, and never falls over them."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from evidence_graphs import DAY, NOW, Graph, crl, house, ocsp_answer, signed, verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import damaged

from trustworks.formats.evidence import TimeStampKind, Where
from trustworks.validation import Indication, Trust

if TYPE_CHECKING:
    from trustworks.validation import Outcome


def with_tokens(certificates: list[bytes], lists: list[bytes], answers: list[bytes]) -> Outcome:
    graph, of, signature = signed()
    for der in certificates:
        graph.collector.certificate(der, Where.KEY_INFO)
    graph.lists(*lists)
    graph.answers(*answers)
    graph.stamp(signature, NOW - DAY, of.tsa, kind=TimeStampKind.ARCHIVE, covers=("R-nothing", "C-nothing"))
    return graph.run(of.trust)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_damaged_tokens_are_no_evidence_or_some(seed: int) -> None:
    of, random = house(), Random(seed)  # noqa: S311 - damage, not keys
    certificates = [*damaged(of.ca.der, random, 2), *damaged(of.root.der, random, 1)]
    lists = [*damaged(crl(of.ca), random, 2), *damaged(crl(of.root), random, 1)]
    answers = list(damaged(ocsp_answer(of.signer, of.responder), random, 2))
    outcome = with_tokens(certificates, lists, answers)
    assert outcome.signatures[0].value_intact
    assert len(outcome.time_stamps) == 1


@pytest.mark.parametrize("octets", [b"", b"x", b"\x30\x80", b"\x30\x03\x0a\x01\x06", b"\x30" * 5000])
def test_octets_that_are_no_tokens_are_no_evidence(octets: bytes) -> None:
    outcome = with_tokens([octets], [octets], [octets])
    assert outcome.signatures[0].indication is Indication.INDETERMINATE
    assert outcome.signatures[0].value_intact


def test_ids_that_lead_nowhere_do_no_harm() -> None:
    graph, of, signature = signed()
    nowhere = replace(
        signature,
        key_info=("C-nothing",),
        certificates=("C-nothing",),
        revocation=("R-nothing",),
        time_stamps=("T-nothing",),
        counter_signatures=("S-nothing",),
        evidence_records=("E-nothing",),
        parent="S-nothing",
    )
    graph.collector.signature(nowhere)
    graph.record((), ("S-nothing", signature.id))
    outcome = graph.run(of.trust)
    assert verdict(outcome) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert str(outcome.evidence_records[0].verdict.sub_indication) == "FORMAT_FAILURE"


def test_a_file_without_signatures_has_an_outcome() -> None:
    outcome = Graph().run(Trust())
    assert (outcome.signatures, outcome.time_stamps, outcome.evidence_records, outcome.needs) == (
        (),
        (),
        (),
        (),
    )
