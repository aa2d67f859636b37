"""The chain that is reported, and qualified, is that on which the final conclusion rests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Graph, crl, entity, verdict

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.tokens import Certificate
from trustworks.formats.evidence import TimeStampKind
from trustworks.validation import Trust

if TYPE_CHECKING:
    from datetime import datetime

    from evidence_graphs import Entity

SIGNED, ARCHIVED = NOW - 300 * DAY, NOW - 299 * DAY
ROOT = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
CA = entity("ca", ROOT, ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
LISTED = entity("ca", ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
"""The same authority as a service of a trusted list has it: by a certificate that it made itself."""


def tsa(name: str, issuer: Entity) -> Entity:
    return entity(
        name,
        issuer,
        since=NOW - 10 * YEAR,
        until=NOW + 10 * YEAR,
        usage=("digital_signature",),
        purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )


TSA = tsa("tsa", ROOT)


def trusted(sunset: datetime) -> Trust:
    """The root, and the authority until a time."""
    return Trust(
        TrustAnchors(
            (
                TrustAnchor.of(Certificate.read(ROOT.der)),
                TrustAnchor.of(Certificate.read(LISTED.der), sunset=sunset),
            )
        )
    )


def revoked_authority(graph: Graph) -> tuple[str, ...]:
    """What is at hand: the root revoked the authority's certificate before anything was signed."""
    graph.certificates(CA, ROOT, TSA)
    old = graph.lists(crl(CA, SIGNED + DAY / 2, lasts=YEAR))
    graph.lists(crl(ROOT, revoked=[(CA, SIGNED - DAY, None)]))
    return old


@pytest.mark.req("EN319102-1:5.6.2.4.4-PATH")
@pytest.mark.parametrize(
    ("sunset", "expected", "chain"),
    [
        (NOW - 100 * DAY, "TOTAL-PASSED", [LISTED]),
        (SIGNED - 2 * DAY, "REVOKED_CA_NO_POE", [CA, ROOT]),
    ],
)
def test_a_signature_that_held_by_another_path_is_reported_with_that(
    sunset: datetime, expected: str, chain: list[Entity]
) -> None:
    signer = entity("signer", CA)
    graph = Graph()
    signature = graph.sign(signer)
    tokens = revoked_authority(graph)
    stamp = graph.stamp(signature, SIGNED, TSA)
    graph.stamp(
        signature, ARCHIVED, TSA, kind=TimeStampKind.ARCHIVE, covers=(stamp.id, signer.id, CA.id, *tokens)
    )
    outcome = graph.run(trusted(sunset))
    assert verdict(outcome) == expected
    assert list(outcome.signatures[0].chain) == [signer.id, *(one.id for one in chain)]


@pytest.mark.req("EN319102-1:5.6.2.4.4-PATH")
def test_a_time_stamp_that_held_by_another_path_is_reported_with_that() -> None:
    signer, unit = entity("signer", ROOT), tsa("unit", CA)
    graph = Graph()
    signature = graph.sign(signer)
    graph.certificates(unit)
    tokens = revoked_authority(graph)
    stamp = graph.stamp(signature, SIGNED, unit)
    graph.stamp(
        signature, ARCHIVED, TSA, kind=TimeStampKind.ARCHIVE, covers=(stamp.id, unit.id, CA.id, *tokens)
    )
    outcome = graph.run(trusted(NOW - 100 * DAY))
    (found,) = [one for one in outcome.time_stamps if one.id == stamp.id]
    assert found.verdict.passed
    assert found.chain == (unit.id, LISTED.id)
