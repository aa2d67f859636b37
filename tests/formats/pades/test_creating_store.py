"""Validation data put into PDF files, read back by our own reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from jades_vectors import Signer
from signed_pdfs import AUTHORITY, document, stamped, token

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.pades.creating import (
    Prepared,
    Related,
    Wanted,
    add_store,
    prepare,
    prepare_time_stamp,
)
from trustworks.formats.pades.document import Document
from trustworks.formats.pades.security_store import SecurityStore, StoreReader
from trustworks.formats.pades.view import View
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Callable

from trustworks.formats.data import Data

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
LIST = Signer(authority=AUTHORITY, issuer="CA").revocation_list("CA")
ANSWER = b"\x30\x03\x0a\x01\x06"
DATA = ValidationData(certificates=(AUTHORITY.ca, AUTHORITY.certificate), lists=(LIST,), answers=(ANSWER,))


def completed(data: Data, prepared: Prepared, contents: Callable[[bytes], bytes]) -> Data:
    return Octets(prepared.complete(contents(prepared.covered(data).octets()), data).octets(), "a.pdf")


def signed(data: Data, certify: bool = False) -> Data:
    wanted = Wanted(time=WHEN, certify=1 if certify else None)
    return completed(data, prepare(data, wanted), stamped)


def stored(data: Data, found: ValidationData = DATA, *related: Related) -> Data:
    return Octets(add_store(data, found, related).octets(), "a.pdf")


def store_of(data: Data) -> SecurityStore:
    found = StoreReader().read(View(Document(data.octets(), DEFAULT), data.size))
    assert found is not None
    return found


@pytest.mark.parametrize("as_stream", [False, True])
@pytest.mark.parametrize("certify", [False, True])
def test_levels_are_built_up(*, as_stream: bool, certify: bool) -> None:
    """B, T and LT; and LTA, LT of the new time-stamp, LTA again."""
    data = signed(Octets(document(as_stream=as_stream).octets, "a.pdf"), certify)
    levels = []
    found = read(data)
    for step in (
        None,
        stored,
        lambda data: completed(data, prepare_time_stamp(data), token),
        lambda data: stored(data, replace(DATA, certificates=(AUTHORITY.certify(serial=9),))),
        lambda data: completed(data, prepare_time_stamp(data), token),
    ):
        data = data if step is None else step(data)
        found = read(data)
        (signature,) = found.signatures
        levels.append(signature.level.removeprefix("PAdES-BASELINE-"))
        assert signature.revision is not None
        assert {one.weight for one in signature.revision.later} <= {Weight.NOTE}
        assert all(one.intact for one in signature.references)
    assert levels == ["T", "LT", "LTA", "LTA", "LTA"]
    assert {one.der for one in found.revocation.values()} == {LIST, ANSWER}


def test_the_store_holds_what_was_given() -> None:
    one = Related(
        field="Signature1",
        data=ValidationData(certificates=(AUTHORITY.ca,), answers=(ANSWER,)),
        time=WHEN,
    )
    found = store_of(stored(signed(Octets(document().octets)), ValidationData(lists=(LIST,)), one))
    assert [stream.octets for stream in found.certificates] == [AUTHORITY.ca]
    assert [stream.octets for stream in found.revocation_lists] == [LIST]
    assert [stream.octets for stream in found.ocsp_answers] == [ANSWER]
    (related,) = found.related
    assert [stream.octets for stream in related.certificates] == [AUTHORITY.ca]
    assert [stream.octets for stream in related.ocsp_answers] == [ANSWER]
    assert (related.revocation_lists, related.time) == ((), WHEN)


def test_what_is_there_is_not_put_in_again() -> None:
    once = stored(signed(Octets(document().octets)))
    assert add_store(once, DATA) is once
    more = replace(DATA, certificates=(*DATA.certificates, AUTHORITY.certify(serial=5)))
    twice = stored(once, more, Related(field="Signature1", data=DATA))
    found = store_of(twice)
    assert [one.octets for one in found.certificates] == list(more.certificates)
    assert len(found.revocation_lists) == len(found.ocsp_answers) == 1
    thrice = store_of(stored(twice, ValidationData(), Related(field="Signature1", data=DATA)))
    assert len(thrice.related[0].certificates) == 2
    assert twice.octets().startswith(once.octets())


def test_data_for_no_signature_is_refused() -> None:
    with pytest.raises(Rejected, match="has no signature") as caught:
        add_store(Octets(document().octets), ValidationData(), [Related(field="here", data=DATA)])
    assert caught.value.code == "pdf.no-signature"


@pytest.mark.parametrize("octets", [b"", b"\x30\x05\x00", b"-----BEGIN"])
def test_what_is_not_der_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed, match="not DER"):
        add_store(Octets(document().octets), ValidationData(certificates=(octets,)))


def test_the_file_must_be_the_same_when_it_is_read() -> None:
    content = signed(Octets(document().octets)).octets()
    extended = add_store(Octets(content), DATA)
    assert extended.octets().startswith(content)
