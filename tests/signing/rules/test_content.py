"""Documents are what a signature says of them, in every format; what is empty can be found again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from signing_house import NOW, house, pdf

from trustworks.core.errors import Rejected
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.signing.create.process import Creation
from trustworks.signing.model import Container, Document, Format, JadesChoices, Packaging, Request
from trustworks.signing.rules.request import check

X, C, P, J = Format.XADES, Format.CADES, Format.PADES, Format.JADES
ENVELOPING, DETACHED = Packaging.ENVELOPING, Packaging.DETACHED


def asked(octets: bytes, media_type: str | None, form: Format = C, **changes: Any) -> Request:
    document = Document(data=Octets(octets, "a.any"), media_type=media_type)
    return Request(format=form, documents=(document,), claims=Claims(signing_time=NOW), **changes)


@pytest.mark.req("TRUSTWORKS:SIGNING-MEDIA-TYPE")
@pytest.mark.parametrize(
    ("octets", "media_type", "why"),
    [
        (b'{"a":', "application/json", "The JSON cannot be read: Expecting value at character 5"),
        (b"", "text/json; charset=utf-8", "cannot be read"),
        (b"{} {}", "application/ld+json", "Extra data"),
        (b'"\xff"', "Application/JSON", "not UTF-8"),
        (b"what is signed", "text/xml", "does not begin with an element"),
        (b"", "image/svg+xml", "does not begin with an element"),
        (b"<a/>", "application/pdf", "no header"),
    ],
)
def test_what_a_document_is_not_is_not_signed_of_it(octets: bytes, media_type: str, why: str) -> None:
    for form, changes in (
        (C, {}),
        (C, {"container": Container.ASIC_E}),
        (X, {"packaging": DETACHED}),
        (J, {"packaging": DETACHED}),
    ):
        with pytest.raises(Rejected, match=f"a.any would be signed as .*{why}") as caught:
            check(asked(octets, media_type, form, **changes))
        assert caught.value.code == "signing.media-type"
    check(asked(octets, None))
    check(asked(octets, "text/plain"))


@pytest.mark.parametrize(
    ("octets", "media_type"),
    [
        (b'\xef\xbb\xbf{"a": 1, "a": [null]}', "application/json"),
        (b"17", "application/json"),
        (b"[" * 5_000 + b"]" * 5_000, "application/json"),
        (b" " * (16 * 1024 * 1024) + b"?", "application/json"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text/xml"),
        ("\ufeff<a/>".encode("utf-16-le"), "text/xml"),
        (b"\xef\xbb\xbf\n<a/>", "application/atom+xml"),
        (pdf().octets(), "application/pdf"),
        (b"GIF", "image/gif"),
    ],
)
def test_what_it_is_or_may_be_is_signed_of_it(octets: bytes, media_type: str) -> None:
    check(asked(octets, media_type))


@pytest.mark.req("TRUSTWORKS:SIGNING-MEDIA-TYPE-WRITTEN")
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain\r\nX: y",
        "text/plain\n",
        "text/plain\0",
        "text/plain\x1b[2J",
        "",
        "text",
        "text/",
        "/plain",
        "*/*",
        "text/plain/plain",
        "text /plain",
        " text/plain",
        "text/plain;",
        "text/plain; charset",
        "text/plain; charset=",
        "text/plain; charset=utf 8",
        'text/plain; charset="utf-8',
        'text/plain; charset="\n"',
        "text/pl\u00e4in",
        'text/plain; a="\u00e4"',
        f"text/{'a' * 128}",
        f"text/plain; a={'a' * 242}",
        "\ud800/a",
        "text/plain" + " " * 100_000 + "!",
    ],
)
def test_what_is_no_media_type_is_not_signed_as_one(media_type: str) -> None:
    for form, changes in (
        (C, {}),
        (C, {"container": Container.ASIC_E}),
        (X, {"packaging": DETACHED}),
        (X, {"packaging": ENVELOPING}),
        (J, {"packaging": DETACHED}),
        (J, {}),
    ):
        with pytest.raises(
            Rejected, match=r"^a\.any has the media type .*, and none is written so\."
        ) as caught:
            check(asked(b"a", media_type, form, **changes))
        assert caught.value.code == "signing.media-type"
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "media_type",
    [
        "Text/Plain",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "image/x+a.b_c^d$e&f#g!h-i",
        "text/plain;charset=utf-8",
        'text/plain ; charset="utf-8" ;  format=flowed',
        'text/plain; a="; \\" ,"; b=\'*|~`%',
        f"text/{'a' * 127}",
        f"text/plain; a={'a' * 241}",
    ],
)
def test_a_media_type_may_have_parameters(media_type: str) -> None:
    check(asked(b"a", media_type))


@pytest.mark.req("TRUSTWORKS:SIGNING-PAYLOAD-EMPTY")
def test_an_empty_payload_is_refused_before_the_key_signs() -> None:
    for serialization in ("compact", "flattened", "general"):
        with pytest.raises(Rejected, match=r"a\.any is empty, and an empty payload") as caught:
            check(asked(b"", None, J, jades=JadesChoices(serialization=serialization)))
        assert caught.value.code == "signing.documents"


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        (C, {}),
        (C, {"packaging": DETACHED}),
        (C, {"container": Container.ASIC_E}),
        (C, {"container": Container.ASIC_S}),
        (X, {"packaging": DETACHED}),
        (X, {"packaging": ENVELOPING}),
        (X, {"container": Container.ASIC_E}),
        (J, {"packaging": DETACHED}),
        (J, {"packaging": DETACHED, "jades": JadesChoices(mechanism="none")}),
    ],
)
def test_an_empty_document_is_signed_where_it_can_be_found_again(form: Format, changes: Any) -> None:
    person = house().person()
    request = replace(asked(b"", None, form, **changes), claims=Claims())
    made = Creation(means=house().means).sign(request, person.signer, person.sign)
    assert made.level.endswith("-BASELINE-B")
