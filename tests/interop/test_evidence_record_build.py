"""EU DSS judges evidence records that are built here, within ASiC containers; the schema of RFC 6283 too."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import get_args

import pytest
from asic_vectors import ASIC_S, container
from dss_judge import Case, answers
from evidence_records import digest, token_over
from lxml import etree

from trustworks.formats.evidence_record.creating import (
    Form,
    Prepared,
    prepare_first,
    prepare_hash_tree_renewal,
    prepare_time_stamp_renewal,
)
from trustworks.formats.evidence_record.hash_tree import HashTree

pytestmark = pytest.mark.interop

CONTENT = b"what is archived"
SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "xmlers" / "rfc6283_ers.xsd"
TIMES = (b"20260504030201Z", b"20260604030201Z", b"20260704030201Z", b"20260804030201Z")


def stamped(prepared: Prepared, time: bytes, others: int) -> bytes:
    more = [digest(b"%d" % one, prepared.hash_name) for one in range(others)]
    tree = HashTree.over([prepared.leaf, *more], prepared.hash_name)
    return prepared.complete(tree.siblings(0), token_over(tree.root, tree.hash_name, time))


def records(form: Form, others: int) -> dict[str, bytes]:
    """A record after each step."""
    first = stamped(prepare_first(form, [digest(CONTENT)], "sha256"), TIMES[0], others)
    again = stamped(prepare_time_stamp_renewal(first), TIMES[1], others)
    sha512 = hashlib.sha512(CONTENT).digest()
    chain = stamped(prepare_hash_tree_renewal(again, [sha512], "sha512"), TIMES[2], others)
    last = stamped(prepare_time_stamp_renewal(chain), TIMES[3], others)
    return {
        f"{form}-{others}-{name}": one for name, one in zip("abcd", (first, again, chain, last), strict=True)
    }


def all_records() -> dict[str, bytes]:
    return {
        name: one
        for form in get_args(Form)
        for others in (0, 1, 4)
        for name, one in records(form, others).items()
    }


def test_records_in_xml_are_as_the_schema_says() -> None:
    if not SCHEMA.is_file():
        pytest.skip("NOT TESTED, because ../shared/schemas is not there")
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    judged = {name: one for name, one in all_records().items() if name.startswith("xml")}
    assert len(judged) == 12
    for name, one in judged.items():
        assert schema.validate(etree.fromstring(one)), (name, schema.error_log)


def test_eu_dss_takes_records_after_every_step(tmp_path: Path) -> None:
    cases, expected = [], []
    for name, one in all_records().items():
        member = "META-INF/evidencerecord" + (".xml" if name.startswith("xml") else ".ers")
        for content, intact in ((CONTENT, True), (b"something else", False)):
            path = tmp_path / f"{name}-{intact}.asics"
            path.write_bytes(container({"a.txt": content, member: one}, ASIC_S))
            cases.append(Case(file=path))
            expected.append(intact)
    wrong = {}
    for case, said, intact in zip(cases, answers(cases, tmp_path), expected, strict=True):
        stamps = {one["imprint_intact"] for one in said.get("time_stamps", [])}
        # Without a tree, EU DSS takes the data for what was archived, and the time-stamp says that it is not.
        found = [
            one["data_intact"] and one["sub_indication"] != "HASH_FAILURE"
            for one in said.get("evidence_records", [])
        ]
        if found != [intact] or (intact and stamps != {True}):
            wrong[case.file.name] = said
    assert not wrong, json.dumps(wrong, indent=1)
