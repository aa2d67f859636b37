"""The anchors that a bundle keeps are all that the verdict asked for, those who only answered included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evidence_graphs import NOW, ocsp_answer
from judged_making import KEPT, SIGNER, Maker, authority, certified, lists, root, stamp

from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.core.ports import ValidationData
from trustworks.formats.data import Octets
from trustworks.validation import replay
from trustworks.validation.kept.replay import first_difference
from trustworks.validation.policies.policy import shipped
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path

    from evidence_graphs import Entity

ELSEWHERE = certified("elsewhere", ca=True)
LISTED = certified("a service for OCSP on a trusted list", ELSEWHERE)
OTHER = certified("another service", ELSEWHERE)


def anchor(of: Entity, *, bare: bool) -> TrustAnchor:
    read = Certificate.read(of.der)
    return TrustAnchor.named(read.subject.der, read.key.der) if bare else TrustAnchor.of(read)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("format_", ["CAdES", "XAdES"])
def test_who_answered_is_kept_though_his_certificate_was_not_sent(
    tmp_path: Path,
    format_: str,
    by_name: bool,
    bare: bool,
) -> None:
    """The level is LT, for he is an anchor: by what was kept as well."""
    answered = ocsp_answer(SIGNER, LISTED, at=KEPT, alone=True, by_name=by_name)
    values = ValidationData(
        certificates=(authority().der, root().der), lists=lists(at=KEPT)[1:], answers=(answered,)
    )
    signed = Maker(format_).signed(SIGNER, stamp(), values=values)
    anchors = [TrustAnchor.of(Certificate.read(root().der)), anchor(LISTED, bare=bare)]
    trust = Trust(TrustAnchors([*anchors, anchor(OTHER, bare=bare)]))
    before = Validator(policy=shipped(), trust=trust, at=NOW).validate(Octets(signed, "signed"))
    (signature,) = before.evidence.signatures
    assert signature.level == f"{format_}-BASELINE-LT"
    before.keep(tmp_path / "bundle")
    found = replay(tmp_path / "bundle")
    assert found.same, first_difference(found.kept, found.found)
    kept = found.report.given.trust.anchors.anchors
    assert {one.subject for one in kept} == {one.subject for one in anchors}, "and nobody else"
