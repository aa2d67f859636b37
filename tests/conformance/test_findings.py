"""Every input that once did harm, or is made to, is read or refused by a sentence, by each parser.

`tests/vectors/findings` has a folder for each parser of what others send. Who finds an input that makes one
crash, hang or grow puts it there, and it stays. Property tests beside each parser look for new ones, as many
examples each as they say.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustworks.core.der import ber
from trustworks.core.der.times import read_time
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record import first_time
from trustworks.formats.limits import Limits
from trustworks.formats.read import read
from trustworks.formats.time_stamp import parse_token
from trustworks.validation.policies.dss_policy import read_dss_policy
from trustworks.validation.policies.policy import SHIPPED, parse
from trustworks.validation.policies.suite_files import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable

FINDINGS: Final = Path(__file__).parents[1] / "vectors" / "findings"
LIMITS: Final = Limits(work=200_000, elements=20_000)


def element_and_all_below(octets: bytes) -> object:
    """What BER is, to its leaves, each in every way in which it may be read."""
    waiting = [ber.read(octets, elements=10_000)]
    while waiting:
        found = waiting.pop()
        for way in (found.string, found.bits, found.integer, found.oid, lambda found=found: read_time(found)):
            with suppress(Malformed):
                way()
        if found.constructed:
            waiting.extend(found.children())
    return None


PARSERS: Final[dict[str, Callable[[bytes], Any]]] = {
    "signed-file": lambda octets: read(Octets(octets), limits=LIMITS),
    "evidence-record": lambda octets: first_time(octets, LIMITS),
    "time-stamp": parse_token,
    "certificate": Certificate.read,
    "revocation-list": RevocationList.read,
    "ocsp-answer": OcspAnswer.read,
    "trusted-list": read_trusted_list,
    "policy": lambda octets: parse(octets.decode("utf-8", "replace")),
    "dss-policy": read_dss_policy,
    "suite": read_suite,
    "ber": element_and_all_below,
}


def outcome(parser: str, octets: bytes) -> str:
    """The sentence of a refusal; empty where the octets are read."""
    try:
        PARSERS[parser](octets)
    except (Malformed, Rejected) as refusal:
        return str(refusal)
    return ""


def test_every_parser_has_findings_and_every_finding_a_parser() -> None:
    assert sorted(one.name for one in FINDINGS.iterdir()) == sorted(PARSERS)


@pytest.mark.parametrize(
    ("parser", "name"), sorted((one.parent.name, one.name) for one in FINDINGS.glob("*/*"))
)
def test_what_was_found_is_read_or_refused_by_a_sentence(parser: str, name: str) -> None:
    said = outcome(parser, (FINDINGS / parser / name).read_bytes())
    assert not said or said.endswith((".", "…"))


WORDS: Final = (
    "[",
    "]",
    "{",
    "}",
    '"',
    "=",
    "\n",
    "fail",
    "24h",
    "99999999999h",
    "-1",
    "#",
    "\0",
    "[signature]\n",
)
POLICY: Final = (
    f'name = "n"\nidentifier = "urn:n"\nbased-on = "{SHIPPED[0]}"\n[signature]\nstructure = "fail"\n'
)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.sampled_from(WORDS)), min_size=1, max_size=4)
)
def test_a_damaged_policy_is_read_or_refused(changes: list[tuple[float, int, str]]) -> None:
    text = POLICY
    for where, length, word in changes:
        at = int(where * len(text))
        text = text[:at] + word + text[at + length :]
    outcome("policy", text.encode())


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                b"\x30\x80",
                b"\x24\x80",
                b"\x30\x03",
                b"\x02\x01",
                b"\x00\x00",
                b"\x06\x02",
                b"\x17\x0d",
                b"\xff\x7f",
                b"\x30\x84\x7f\xff\xff\xff",
            ]
        )
        | st.binary(max_size=6),
        max_size=40,
    )
)
def test_anything_is_ber_or_refused(parts: list[bytes]) -> None:
    outcome("ber", b"".join(parts))
