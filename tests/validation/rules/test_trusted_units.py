"""Time-stamping units that are trust anchors themselves, as trusted lists name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Graph, at_hand, entity, house

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.validation import SubIndication, Trust
from trustworks.validation.model import PASSED, indeterminate

if TYPE_CHECKING:
    from datetime import datetime

    from evidence_graphs import Entity

    from trustworks.validation.model import Verdict

CONSTRAINTS = indeterminate(SubIndication.CHAIN_CONSTRAINTS_FAILURE)
TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


def unit(**given: Any) -> Entity:
    return entity("unit", entity("of the unit", ca=True), usage=("digital_signature",), **given)


def judged(tsa: Entity, time: datetime, **dates: datetime) -> Verdict:
    """The verdict about a token by a unit that is trusted for itself, and by nobody else."""
    graph, of = Graph(), house()
    signature = graph.sign(of.signer)
    at_hand(graph, of)
    graph.certificates(tsa)
    stamp = graph.stamp(signature, time, tsa)
    anchors = [
        TrustAnchor.of(Certificate.read(of.root.der)),
        TrustAnchor.of(Certificate.read(tsa.der), **dates),
    ]
    (found,) = [one for one in graph.run(Trust(TrustAnchors(anchors))).time_stamps if one.id == stamp.id]
    assert found.chain == (tsa.id,)
    return found.verdict


@pytest.mark.req("EN319102-1:5.4.4-ANCHOR")
def test_a_unit_on_a_trusted_list_is_believed_for_its_tokens() -> None:
    tsa = unit(purposes=TIME_STAMPING)
    assert judged(tsa, NOW - DAY) == PASSED
    assert judged(tsa, NOW - DAY, since=NOW - 2 * DAY) == PASSED


@pytest.mark.req("EN319102-1:5.4.4-ANCHOR")
def test_a_token_from_before_the_unit_was_trusted_proves_nothing() -> None:
    assert judged(unit(purposes=TIME_STAMPING), NOW - 2 * DAY, since=NOW - DAY) == CONSTRAINTS


@pytest.mark.req("EN319102-1:5.4.4-ANCHOR")
@pytest.mark.parametrize("time", [NOW - 3 * YEAR, NOW - DAY])
def test_a_token_from_outside_of_the_validity_of_the_unit_proves_nothing(time: datetime) -> None:
    assert judged(unit(purposes=TIME_STAMPING, until=NOW - 2 * DAY), time) == CONSTRAINTS


def test_a_token_of_a_unit_whose_certificate_ended_since_is_believed() -> None:
    """Its service is on the list for the time of the token, and nobody but the list vouches for it."""
    assert judged(unit(purposes=TIME_STAMPING, until=NOW - DAY), NOW - 2 * DAY) == PASSED


def test_a_unit_that_is_trusted_no_more_needs_a_proof_of_the_token() -> None:
    sunset = judged(unit(purposes=TIME_STAMPING), NOW - 2 * DAY, sunset=NOW - DAY)
    assert sunset == indeterminate(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE)


@pytest.mark.req("EN319102-1:5.4.4-ANCHOR")
def test_an_anchor_that_is_not_for_time_stamps_makes_none() -> None:
    assert judged(unit(purposes=(ExtendedKeyUsageOID.CODE_SIGNING,)), NOW - DAY) == CONSTRAINTS
    assert judged(unit(), NOW - DAY) == CONSTRAINTS
