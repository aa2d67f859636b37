"""Whatever octets come: certificates and problems, or an error of the house with what to do."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from certificate_sources import (
    QSCD_COLUMNS,
    as_json,
    cc_row,
    cmvp_list,
    cmvp_page,
    cmvp_record,
    downloaded,
    eucc_page,
    eucc_record,
    qscd_row,
    table,
    trusted_list,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from trustworks.assurance.model import FACTS
from trustworks.assurance.sources import DEFAULT, READERS, read_any
from trustworks.assurance.sources.values import (
    UnreadableError,
    area_levels,
    assurance,
    day,
    days,
    text,
    versions,
)
from trustworks.core.errors import Malformed, TrustworksError

if TYPE_CHECKING:
    from trustworks.assurance.sources import Imported

ROW = ("9001", "V", "M", "Hardware", "07/07/2025 04/02/2024", "Active")
SEEDS = (
    cmvp_list([ROW, ROW]),
    cmvp_page(),
    as_json([cmvp_record()]),
    table([cc_row(), cc_row(Name="B")]),
    as_json(eucc_record()),
    eucc_page(eucc_record()),
    table([qscd_row()], QSCD_COLUMNS),
    as_json([qscd_row()]),
    trusted_list(),
)
KINDS = st.sampled_from(list(READERS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def looked_at(imported: Imported) -> None:
    for certificate in imported.certificates:
        assert certificate.number
        for fact in certificate.facts:
            assert isinstance(fact.value, FACTS[fact.name])
    repr(imported).encode()


@given(st.binary(max_size=300), KINDS)
@settings(max_examples=150)
def test_any_octets(data: bytes, kind: object) -> None:
    for reader in (read_any, READERS[kind]):  # type: ignore[index]  # the keys of this very table
        with suppress(TrustworksError):
            looked_at(reader(data, downloaded(), DEFAULT))


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=200)
def test_damaged_documents(seed: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(seed)))
    gone = data.draw(st.integers(0, 40))
    damaged = seed[:place] + data.draw(st.binary(max_size=12)) + seed[place + gone :]
    with suppress(Malformed):
        looked_at(read_any(damaged, downloaded()))


@given(st.sampled_from([cmvp_record(), eucc_record(), qscd_row()]), st.data())
@settings(max_examples=100)
def test_any_value_in_any_member(record: dict[str, object], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(record)))
    with suppress(Malformed):
        looked_at(read_any(as_json([record | {name: data.draw(JSON)}]), downloaded()))


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_values_are_read_or_refused(given_text: str) -> None:
    for read in (day, days, assurance, text, versions, lambda one: area_levels([one])):
        with suppress(UnreadableError):
            read(given_text)


@pytest.mark.parametrize(
    "hostile", ["a" * 20_000, "(" * 20_000, "a.b" * 6_000 + "@", "[dot] " * 3_000, "&amp;" * 4_000]
)
def test_long_texts_take_no_time_of_their_own(hostile: str) -> None:
    assert len(text(hostile)) <= len(hostile)
