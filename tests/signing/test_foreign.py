"""Signatures of others, raised to T, LT and LTA by the whole process: what they had stays, or why not.

Refusals are listed by their reason, with how many there are, and never by the file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime

import pytest
from foreign_augmented import LEVELS, Then, foreign, raised, reason
from kept_intact import intact
from signed_pdfs import AUTHORITY, document, stream, token
from validated_corpus import FORMATS as FOLDERS

from trustworks.core.errors import Rejected
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation
from trustworks.signing.model import Level

EXPECTED: dict[str, dict[str, tuple[int, ...]]] = {
    "dss-jades": {
        "jades.compact": (15, 15, 15),
        "jades.header": (1, 1, 1),
        "raised": (8, 8, 8),
        "signature.data": (1, 1, 1),
        "signature.level": (1, 1, 1),
        "signature.own": (2, 2, 2),
    },
    "dss-xades": {
        "raised": (65, 65, 62),
        "signature.data": (19, 19, 19),
        "signature.level": (7, 7, 7),
        "signature.own": (15, 15, 15),
        "signature.too-late": (1, 1, 1),
        "xades.version": (0, 0, 3),
    },
    "dss-cades": {
        "adding.broken": (0, 0, 2),
        "raised": (36, 35, 33),
        "signature.data": (7, 7, 7),
        "signature.level": (3, 4, 4),
        "signature.own": (4, 4, 4),
        "signature.too-late": (1, 1, 1),
    },
    "dss-pades": {
        "pdf.permissions": (1, 1, 1),
        "raised": (45, 45, 47),
        "signature.data": (1, 1, 1),
        "signature.level": (4, 4, 2),
        "signature.level: from before the end of the signer's certificate": (1, 1, 1),
        "signature.level: reference to the signer's certificate": (2, 2, 2),
        "signature.own": (10, 10, 10),
        "signature.too-late": (1, 1, 1),
    },
    "dss-asic-cades": {
        "adding.broken": (0, 0, 1),
        "asic.covered": (1, 1, 1),
        "asic.name": (0, 0, 1),
        "raised": (23, 23, 20),
        "signature.data": (1, 1, 1),
        "signature.level": (0, 0, 1),
        "signature.own": (4, 4, 4),
    },
    "dss-asic-xades": {
        "asic.covered": (1, 1, 2),
        "raised": (16, 16, 15),
        "signature.data": (2, 2, 2),
        "signature.own": (2, 2, 2),
    },
}
"""By folder: how many files were raised to each of `LEVELS`, and why others were not."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_signatures_of_others_are_raised(folder: str) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for one in foreign(folder):
        data = one.data
        for level in LEVELS:
            try:
                made = raised(one, data, level)
            except Rejected as refused:
                counted[reason(refused), level] += 1
                continue
            counted["raised", level] += 1
            found = read(made, detached=one.detached)
            assert intact(one.evidence) <= intact(found), (one.case.document, level)
            data = made
    found_here = {
        name: tuple(counted[name, level] for level in LEVELS) for name in sorted({one for one, _ in counted})
    }
    assert found_here == EXPECTED[folder]


def test_a_time_stamp_in_a_vri_dictionary_makes_no_level() -> None:
    pdf = document().signed_with()
    (signature,) = read(Octets(pdf.octets, "a.pdf")).signatures
    hexadecimal = pdf.octets[pdf.octets.index(b"/Contents <") + 11 :].split(b">")[0]
    key = hashlib.sha1(bytes.fromhex(hexadecimal.decode()), usedforsecurity=False).hexdigest().upper()
    vri = b"/VRI << /%b << /TS 70 0 R >> >> " % key.encode()
    file = pdf.update({70: stream(token(signature.value))}).stored([AUTHORITY.ca], entries=vri)
    then = Then(datetime(2026, 5, 4, 4, tzinfo=UTC))
    made = Creation(means=Means(clock=then.clock, stamper=then)).augment(
        Octets(file.octets, "a.pdf"), Level.T
    )
    assert [one.after for one in made.changes] == ["PAdES-BASELINE-T"]
    assert [one.form for one in read(made.data).time_stamps if one.form] == ["vri-time-stamp"]
