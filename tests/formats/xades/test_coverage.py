"""What the imprint of a time-stamp is over, rule by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from xades_documents import DS, XADES, XADES_141

from trustworks.formats.xades.coverage import (
    is_archived_object,
    is_stamped_data,
    stamped_references,
    takes_data,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data


def properties(*names: str) -> tuple[etree._Element, ...]:
    return tuple(etree.Element(f"{{{XADES_141 if name.endswith('V2') else XADES}}}{name}") for name in names)


@dataclass(frozen=True)
class Processed:
    is_signed_properties: bool
    id: str | None = None
    uri: str | None = None

    def stamped(self, algorithm: str, prefixes: Sequence[str]) -> Data | None:
        del algorithm, prefixes
        return None


BEFORE = properties(
    *("SignatureTimeStamp", "CompleteCertificateRefs", "CompleteCertificateRefsV2", "CertificateValues"),
    *("CompleteRevocationRefs", "AttributeCertificateRefsV2", "AttributeRevocationRefs"),
)


@pytest.mark.req("EN319132-1:A.1.5")
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("SigAndRefsTimeStamp", (0, 1, 4, 6)),
        ("SigAndRefsTimeStampV2", (0, 2, 4, 5, 6)),
        ("RefsOnlyTimeStamp", (1, 4, 6)),
        ("RefsOnlyTimeStampV2", (2, 4, 5, 6)),
    ],
)
def test_each_version_covers_the_references_of_its_own(name: str, places: tuple[int, ...]) -> None:
    assert stamped_references(name, BEFORE) == tuple(BEFORE[place] for place in places)


@pytest.mark.req("EN319132-1:5.2.8.1")
def test_the_signed_properties_are_left_out_of_all_data() -> None:
    assert is_stamped_data(Processed(is_signed_properties=False))
    assert not is_stamped_data(Processed(is_signed_properties=True))


@pytest.mark.req("EN319132-1:5.5.2.2")
def test_objects_are_archived_but_that_of_the_properties() -> None:
    one = etree.fromstring(f'<ds:Object xmlns:ds="{DS}" Id="O1"/>')
    assert is_archived_object(XADES_141, one, {"O1"})
    assert not is_archived_object(XADES, one, {"O1"})
    assert is_archived_object(XADES, one, set())
    etree.SubElement(one, f"{{{XADES}}}QualifyingProperties")
    assert not is_archived_object(XADES_141, one, set())


@pytest.mark.req("EN319132-1:5.1.4.4.3")
@pytest.mark.parametrize(("said", "meant"), [("true", True), ("1", True), ("false", False), (None, False)])
def test_an_include_means_data_where_it_says_so(said: str | None, meant: bool) -> None:
    include = etree.Element("Include")
    if said is not None:
        include.set("referencedData", said)
    assert takes_data(include) is meant
