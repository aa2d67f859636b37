"""A certificate is of the product that it is bound to, and identity is confirmed by what was compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from trustworks.assurance.model import (
    Certificate,
    CertificateKind,
    Confirmation,
    ConfirmationKind,
    Fact,
    FactName,
    Identity,
    Product,
    ProductKind,
    Provenance,
    SourceKind,
    Value,
)
from trustworks.assurance.rules import check_compared, check_same_product
from trustworks.assurance.sources.comparing import another
from trustworks.core.errors import Rejected

BOX = Product(
    id="box-1",
    kind=ProductKind.MODULE,
    name="Beispiel K9",
    manufacturer="Beispiel Module AG",
    firmware="7.8.0",
    hardware="808-0001",
)
READ = Provenance(
    kind=SourceKind.BY_HAND,
    document="0" * 64,
    name="certificate.pdf",
    retrieved=datetime(2026, 11, 1, tzinfo=UTC),
    place="page 1",
)


def of(**told: Value) -> Certificate:
    facts = tuple(
        Fact(name=FactName(name.replace("_", "-")), value=value, provenance=READ)
        for name, value in told.items()
    )
    return Certificate(kind=CertificateKind.CC, number="EX-1", facts=facts)


def confirmed(*values: str, complete: bool = True) -> Confirmation:
    return Confirmation(
        product="box-1",
        certificate="cc:EX-1",
        kind=ConfirmationKind.IDENTITY,
        values=values,
        by="p-1",
        on=date(2026, 11, 2),
        page="certificate, page 1",
        complete=complete,
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SAME-PRODUCT")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, {"product": "Beispiel\u00ae K9 Cryptographic Module", "holder": "BEISPIEL Module AG"}),
        ({"name": "K9"}, {"product": "Beispiel K9"}),
        ({"name": "Schrank 7", "model": "K9"}, {"product": "Beispiel K9, version 2"}),
        ({"name": "Beispiel K9 HSM", "variant": "Enterprise"}, {"product": "K9 Enterprise"}),
        ({}, {"product": "Cryptographic Module"}),  # says nothing of its own
        ({}, {}),
        ({"manufacturer": ""}, {"product": "K9 by Beispiel", "holder": "Somebody Else"}),
    ],
)
def test_names_that_agree_speak_against_nothing(change: dict[str, str], told: dict[str, str]) -> None:
    assert another(replace(BOX, **change), of(**told)) == ()  # type: ignore[arg-type]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SAME-PRODUCT")
def test_a_certificate_of_another_product_is_refused_or_bound_with_a_reason() -> None:
    other = of(product="Beispiel K7", holder="Imitators Ltd")
    with pytest.raises(Rejected) as caught:
        check_same_product(BOX, other, " ")
    told = str(caught.value)
    assert "cc:EX-1 is not bound to box-1: the certificate is of Beispiel K7, and the product is" in told
    assert "it was issued" not in told
    assert "issued to Imitators Ltd, and the product's manufacturer is Beispiel Module AG" in told
    assert "--although REASON" in told
    assert check_same_product(BOX, other, "sold under both names") == another(BOX, other) != ()
    assert check_same_product(BOX, of(product="Beispiel K9"), "") == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SAME-PRODUCT")
def test_what_the_module_claims_or_is_listed_as_needs_no_reason() -> None:
    seen = Identity(
        at=datetime(2026, 11, 1, tzinfo=UTC),
        manufacturer="nCipher Corp. Ltd",
        model="",
        serial="1",
        hardware="",
        firmware="",
        library="",
        library_sha256="",
        is_test_module=False,
        validations=("cc:EX-1",),
    )
    shield = of(product="nShield5s", holder="Entrust")
    assert another(replace(BOX, observed=seen), shield) == ()
    listed = of(product="nShield 5s Hardware Security Module", holder="Entrust")
    assert another(replace(BOX, observed=replace(seen, validations=())), listed) == ()
    assert another(BOX, listed) != ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-COMPARED")
@pytest.mark.parametrize(
    ("values", "told", "said"),
    [
        ((), {}, "Nothing was compared. .* --value hardware=808-0001 or --value firmware=7.8.0"),
        (("model=K9",), {}, "Nothing was compared"),
        (("the same",), {}, "Nothing was compared"),
        (
            ("firmware=7.8.0",),
            {"hardware": ("808-0001",)},
            "names hardware 808-0001, .* --value hard",
        ),
        (("firmware=7.8.1",), {}, "firmware='7.8.1' was compared, and the register has 7.8.0"),
        (("software=1",), {}, "the register has nothing of box-1"),
        (("firmware=7.8.0", "colour=red"), {}, "'colour' is nothing that is compared"),
        (("firmware=7.8.0",), {"firmware": ("7.8.1", "7.8.2")}, "firmware 7.8.0 is not among 7.8.1, 7.8.2"),
    ],
)
def test_identity_is_not_confirmed_without_what_was_compared(
    values: tuple[str, ...], told: dict[str, Value], said: str
) -> None:
    with pytest.raises(Rejected, match=said):
        check_compared(confirmed(*values), BOX, of(**told))
    check_compared(confirmed(*values, complete=False), BOX, of(**told))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-COMPARED")
def test_identity_is_confirmed_by_the_versions_that_the_certificate_names() -> None:
    check_compared(confirmed("firmware=7.8.0"), BOX, of(product="Beispiel K9"))
    both = of(firmware=("7.8.0 and 7.8.4",), hardware=("808-0001 (revisions A, B)",))
    check_compared(confirmed("firmware=7.8.0", "hardware=808-0001"), BOX, both)


def test_another_confirmation_compares_nothing() -> None:
    check_compared(replace(confirmed(), kind=ConfirmationKind.SCOPE), BOX, of())
