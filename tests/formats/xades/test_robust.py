"""Whatever octets come in: a value, a finding in it, or `Malformed` with a sentence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from xades_documents import (
    Making,
    Referring,
    add_property,
    archived,
    certificate_values,
    complete,
    complete_references,
    revocation_list,
    revocation_values,
    sign,
    time_stamp,
    value_of,
)

from trustworks.core.errors import Malformed
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.limits import DEFAULT
from trustworks.formats.xades import read


def _full() -> bytes:
    making, crl = Making(), revocation_list()
    root = sign(making)
    add_property(root, time_stamp("SignatureTimeStamp", value_of(root)))
    inner = Making(id="C1", objects="", references=[Referring(uri="#V-S1")], data_properties="")
    add_property(root, f"<xades:CounterSignature>{inner.xml()}</xades:CounterSignature>")
    complete(root, inner)
    for one in complete_references(crl):
        add_property(root, one)
    add_property(root, certificate_values())
    add_property(root, revocation_values(crl))
    add_property(root, time_stamp("ArchiveTimeStamp", archived(root, making), prefix="xades141"))
    return etree.tostring(root)


FULL = _full()
PIECES = FULL.replace(b"<", b"\0<").replace(b">", b">\0").split(b"\0")


def outcome(octets: bytes) -> None:
    collector = Collector()
    try:
        read(Octets(octets), collector, limits=DEFAULT)
    except Malformed:
        return
    for one in collector.evidence().signatures:
        assert one.level.startswith(("XAdES-", "XML-"))


def test_what_is_mutated_is_read_whole_before() -> None:
    collector = Collector()
    read(Octets(FULL), collector, limits=DEFAULT)
    assert [one.references[0].intact for one in collector.time_stamps] == [True, True]


@given(st.integers(0, len(FULL) - 1), st.binary(max_size=4), st.integers(0, 40))
def test_octets_changed_anywhere(place: int, put: bytes, cut: int) -> None:
    outcome(FULL[:place] + put + FULL[place + cut :])


@given(st.lists(st.tuples(st.integers(0, len(PIECES) - 1), st.integers(0, len(PIECES) - 1)), max_size=4))
def test_tags_and_texts_exchanged(exchanged: list[tuple[int, int]]) -> None:
    pieces = list(PIECES)
    for one, other in exchanged:
        pieces[one] = pieces[other]
    outcome(b"".join(pieces))


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans(), st.text(max_size=8))
def test_elements_moved_and_attributes_changed(source: int, target: int, remove: bool, value: str) -> None:
    root = etree.fromstring(FULL)
    elements = list(root.iter("*"))
    one, other = elements[source % len(elements)], elements[target % len(elements)]
    parent = one.getparent()
    if remove and parent is not None:
        parent.remove(one)
    elif one is not root and one not in [other, *other.iterancestors()]:
        other.append(one)
    for name in list(other.attrib)[:1]:
        try:
            other.set(name, value)
        except ValueError:  # not a character of XML
            return
    outcome(etree.tostring(root))
