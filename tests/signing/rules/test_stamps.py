"""Whose a time-stamp is that was fetched: looked at before a signature leaves with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import entity
from foreign_tokens import ForeignAuthority, tst_info
from signed_stories import token
from signing_forms import asked
from signing_house import NOW, house

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.errors import Unavailable
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Level
from trustworks.signing.rules.stamps import check

if TYPE_CHECKING:
    from evidence_graphs import Entity

STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


def unit(*purposes: x509.ObjectIdentifier, **changes: Any) -> Entity:
    given: dict[str, Any] = {"since": NOW - timedelta(days=9), "usage": ("digital_signature",)}
    return entity("another unit", house().root, purposes=purposes, **given | changes)


def a_token(by: Entity, *beside: Entity, time: datetime | None = None) -> bytes:
    digest = hashlib.sha256(b"value").digest()
    return token(by, b"", time or datetime.now(UTC), *beside, digest=digest)


def anchors(*named: Entity) -> TrustAnchors:
    return TrustAnchors([TrustAnchor.of(Certificate.read(one.der)) for one in named])


def refused(octets: bytes, trusted: TrustAnchors | None = None) -> str:
    with pytest.raises(Unavailable) as caught:
        check(octets, trusted)
    assert caught.value.code == "signing.time-stamp"
    return str(caught.value)


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-UNIT")
@pytest.mark.parametrize(
    "changes",
    [
        {"purposes": ()},
        {"purposes": (STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
        {"purposes": (ExtendedKeyUsageOID.CLIENT_AUTH,)},
        {"purposes": (), "extensions": (x509.ExtendedKeyUsage([STAMPING]),)},
    ],
    ids=["no usage", "another beside", "another", "not critical"],
)
def test_a_certificate_that_is_not_for_time_stamps_alone_is_refused(changes: dict[str, Any]) -> None:
    purposes = changes.pop("purposes")
    assert "RFC 3161, 2.3" in refused(a_token(unit(*purposes, **changes), house().root))


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-UNIT")
def test_a_certificate_that_was_over_is_refused() -> None:
    over = unit(STAMPING, until=NOW - timedelta(days=1))
    assert "not valid then" in refused(a_token(over, house().root))


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-ANCHOR")
def test_a_unit_of_an_authority_that_nobody_trusts_is_refused() -> None:
    stranger = entity("stranger", ca=True, since=NOW - timedelta(days=9))
    its = entity(
        "its unit",
        stranger,
        since=NOW - timedelta(days=9),
        usage=("digital_signature",),
        purposes=(STAMPING,),
    )
    assert "no path leads to a trust anchor" in refused(a_token(its, stranger), anchors(house().root))
    check(a_token(its, stranger), anchors(stranger))
    check(a_token(its), anchors(stranger))
    check(a_token(its), anchors(its))  # trusted lists name units themselves
    check(a_token(its, stranger), None)


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-SIGNED")
def test_a_token_without_its_certificate_or_by_another_key_is_refused() -> None:
    good = a_token(unit(STAMPING), house().root)
    octets = bytearray(good)
    octets[-1] ^= 1
    assert "not by the certificate in it" in refused(bytes(octets))
    authority = ForeignAuthority()
    imprint = tlv(SEQUENCE, hash_identifier("sha256"), tlv(OCTET_STRING, b"d" * 32))
    tst = tst_info(imprint=imprint, time=datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode())
    without = authority.token(tst, certificates=[], signers=[authority.signer(tst)])
    assert "has not the certificate of its unit" in refused(without)


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-UNIT")
@pytest.mark.parametrize("form", ["cades-detached", "pades", "xades-enveloped", "jades-flattened"])
def test_no_signature_leaves_with_a_time_stamp_of_somebody_else(form: str) -> None:
    class Wrong:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            del hash_name
            by = unit(ExtendedKeyUsageOID.CODE_SIGNING)
            return token(by, b"", datetime.now(UTC), house().root, digest=digest)

    person = house().person()
    means = replace(house().means, stamper=Wrong())
    with pytest.raises(Unavailable, match="not for time-stamps alone"):
        Creation(means=means, terms=Terms(lab=True)).sign(
            replace(asked(form), level=Level.T), person.signer, person.sign
        )
