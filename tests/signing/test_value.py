"""A value that is none: whoever signed elsewhere is told what is wrong with it, everywhere the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from signing_house import KINDS, TEXT, house, key_of

from trustworks.core.errors import Rejected
from trustworks.formats.data import Octets
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Document, Format, Packaging, Request

if TYPE_CHECKING:
    from trustworks.signing.create import Prepared

DOCUMENTS = (Document(data=Octets(TEXT, "a.txt")),)


@pytest.fixture
def creation() -> Creation:
    return Creation(means=house().means, terms=Terms(lab=True))


def prepared(creation: Creation, kind: str, form: Format = Format.CADES) -> Prepared:
    request = Request(format=form, documents=DOCUMENTS, packaging=Packaging.ENVELOPING)
    return creation.prepare(request, house().person(kind).signer)


def told(creation: Creation, state: Prepared, value: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        creation.complete(state, value, DOCUMENTS)
    assert caught.value.code == "signature.own"
    return str(caught.value)


@pytest.mark.parametrize("form", [Format.CADES, Format.XADES, Format.JADES])
def test_a_value_by_another_key_is_told_in_every_format(creation: Creation, form: Format) -> None:
    state = prepared(creation, "P-256", form)
    value = house().person("P-384").sign(state.dtbs.octets)
    said = told(creation, state, value)
    assert "it is by another key, or over something else. It has to be one by ECDSA_SHA256, in DER" in said


def test_a_digest_that_was_digested_again_is_told(creation: Creation) -> None:
    state = prepared(creation, "P-256")
    value = house().person().sign(hashlib.sha256(state.dtbs.octets).digest())
    assert "the digest was digested once more" in told(creation, state, value)


def test_the_form_of_an_ecdsa_value_is_told(creation: Creation) -> None:
    state = prepared(creation, "P-256")
    value = house().person().sign(state.dtbs.octets)
    plain = b"".join(one.to_bytes(32, "big") for one in decode_dss_signature(value))
    assert "the right one in another form, r and s side by side" in told(creation, state, plain)
    for wrong in (plain[:-1], bytes(64), value[:-1], value.hex().encode()):
        assert f"its {len(wrong)} octets are not the DER of two numbers" in told(creation, state, wrong)
    assert "it is empty" in told(creation, state, b"")
    assert creation.complete(state, value, DOCUMENTS).level == "CAdES-BASELINE-B"


def test_length_and_padding_of_an_rsa_value_are_told(creation: Creation) -> None:
    state = prepared(creation, "RSA-PSS")
    key = key_of(KINDS["RSA-PSS"].make)
    assert isinstance(key, rsa.RSAPrivateKey)
    size = key.key_size // 8
    assert f"it has {size - 1} octets, and values of this key have {size}" in told(
        creation, state, bytes(size - 1)
    )
    value = key.sign(state.dtbs.octets, padding.PKCS1v15(), hashes.SHA256())
    said = told(creation, state, value)
    assert "it is one by RSA_PKCS1_SHA256. It has to be one by RSA_PSS_SHA256, with a salt" in said
