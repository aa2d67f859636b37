"""Paths that are found: several anchors, cross-certificates, loops, heaps, and what is beyond the limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from counted_work import calls_at_most
from foreign_pki import DAY, NOW, Entity, named

from trustworks.core.pki.building import (
    BuildingLimits,
    CertificatePool,
    Path,
    TrustAnchor,
    TrustAnchors,
    build_paths,
    partial_path,
)

ROOT = Entity("root")
ISSUING = Entity("issuing", ROOT)
SIGNER = Entity("signer", ISSUING, ca=False)


def found(leaf: Entity, *pool: Entity, anchors: list[TrustAnchor] | None = None, **given: Any) -> list[Path]:
    return list(
        build_paths(
            leaf.token,
            anchors=TrustAnchors([ROOT.anchor] if anchors is None else anchors),
            pool=CertificatePool(one.token for one in pool),
            **given,
        )
    )


def chains(paths: list[Path]) -> list[tuple[str, ...]]:
    return [tuple(one.subject.text for one in path.certificates) for path in paths]


def test_the_path_to_an_anchor_with_its_label() -> None:
    labelled = TrustAnchor.of(ROOT.token, label=["anything"])
    (path,) = found(SIGNER, ISSUING, ROOT, anchors=[labelled])
    assert path.certificates == (SIGNER.token, ISSUING.token)
    assert path.anchor.label == ["anything"]
    assert path.leaf == SIGNER.token
    assert path.issuer_of(0) == ISSUING.token
    assert path.issuer_of(1) is labelled


def test_an_anchor_may_be_a_name_with_a_key_or_an_end_entity() -> None:
    assert chains(found(SIGNER, ISSUING, anchors=[ROOT.bare_anchor])) == [("CN=signer", "CN=issuing")]
    (alone,) = found(SIGNER, anchors=[SIGNER.anchor])
    assert alone.is_anchor_alone
    (bare,) = found(SIGNER, anchors=[SIGNER.bare_anchor])
    assert bare.certificates == (SIGNER.token,)


def test_an_end_entity_that_is_an_anchor_issues_nothing() -> None:
    unit = Entity("unit", ROOT, ca=False)
    below = Entity("below", unit, ca=False)
    assert found(below, anchors=[unit.anchor]) == []


def test_nothing_leads_to_another_anchor() -> None:
    assert found(SIGNER, ISSUING, anchors=[Entity("another").anchor]) == []
    assert found(SIGNER, ISSUING, anchors=[]) == []
    assert found(SIGNER) == []


def test_every_way_is_found_the_shortest_first() -> None:
    top = Entity("top")
    crossed = Entity("root", top, key=ROOT.key)
    anchors = [top.anchor, ROOT.anchor, ISSUING.anchor]
    paths = found(SIGNER, ISSUING, ROOT, crossed, anchors=anchors)
    assert [path.anchor.subject.text for path in paths] == ["CN=issuing", "CN=root", "CN=top"]
    assert [len(path.certificates) for path in paths] == [1, 2, 3]


def test_a_certificate_that_was_valid_then_goes_before_one_that_was_not() -> None:
    old = Entity("issuing", ROOT, key=ISSUING.key, ends=NOW - timedelta(hours=1))
    first, second = found(SIGNER, old, ISSUING, at=NOW)
    assert first.certificates[1] == ISSUING.token
    assert second.certificates[1] == old.token
    assert found(SIGNER, old, ISSUING, at=NOW - timedelta(hours=2))[0].certificates[1] == old.token


def test_cas_that_certify_each_other_end_the_search() -> None:
    one, other = Entity("one"), Entity("other")
    crossed = [Entity("one", other, key=one.key), Entity("other", one, key=other.key)]
    leaf = Entity("leaf", one, ca=False)
    assert chains(found(leaf, one, other, *crossed, anchors=[other.anchor])) == [("CN=leaf", "CN=one")]
    assert found(leaf, one, other, *crossed) == []


def test_where_no_signature_fits_the_names_do() -> None:
    stranger = Entity("issuing", ROOT)
    (path,) = found(SIGNER, stranger)
    assert path.certificates == (SIGNER.token, stranger.token)


def test_any_number_of_the_name_without_the_key_hides_no_path() -> None:
    key = Entity("junk").key
    junk = [Entity("issuing", ROOT, key=key) for _ in range(90)]
    assert found(SIGNER, *junk, ISSUING)[0].certificates == (SIGNER.token, ISSUING.token)


def test_a_heap_of_cross_certificates_is_given_up_in_time() -> None:
    """Twelve CAs that all certify each other: some 10^8 paths, none of which leads to the anchor."""
    entities = [Entity(f"ca {number}") for number in range(12)]
    crossed = [
        Entity(f"ca {number}", issuer, key=entity.key)
        for number, entity in enumerate(entities)
        for issuer in entities
        if issuer is not entity
    ]
    leaf = Entity("leaf", entities[0], ca=False)
    with calls_at_most(5_000_000):
        assert found(leaf, *crossed) == []
    reached = found(leaf, *crossed, anchors=[entities[7].anchor], limits=BuildingLimits(paths=5))
    assert len(reached) == 5
    assert len(reached[0].certificates) == 2


def test_ways_that_lead_to_no_anchor_are_not_gone() -> None:
    """A heap of authorities that certify each other stands beside the one way up, and is likelier by far."""
    root, leaf_issuer = Entity("root"), Entity("ca")
    heap = [Entity(f"heap{number}") for number in range(6)]
    crossed = [Entity(one.name, other, key=one.key) for one in heap for other in heap if one is not other]
    beside = [Entity(leaf_issuer.name, other, key=leaf_issuer.key) for other in heap]
    # What is not valid at the time comes last.
    old = Entity(leaf_issuer.name, root, key=leaf_issuer.key, begins=NOW - 9 * DAY, ends=NOW - 8 * DAY)
    leaf = Entity("leaf", leaf_issuer, ca=False)
    pool = (*crossed, *beside, old)
    few = BuildingLimits(steps=3, signatures=2)
    assert chains(found(leaf, *pool, anchors=[root.anchor], at=NOW, limits=few)) == [("CN=leaf", "CN=ca")]
    assert found(leaf, *crossed, *beside, anchors=[root.anchor], at=NOW) == []


def test_what_the_pool_has_above_is_told_where_no_anchor_is() -> None:
    pool = CertificatePool([ISSUING.token, ROOT.token])
    assert partial_path(SIGNER.token, pool) == (SIGNER.token, ISSUING.token, ROOT.token)
    assert partial_path(SIGNER.token, CertificatePool()) == (SIGNER.token,)


def test_names_in_other_letters_and_spaces_are_the_same_issuer() -> None:
    loud = Entity(named("Issuing  AUTHORITY"), ROOT)
    leaf = Entity("leaf", loud, ca=False, issuer_name=named("issuing authority"))
    assert len(found(leaf, loud)) == 1
