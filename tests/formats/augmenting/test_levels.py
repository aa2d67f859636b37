"""B to T, LT and LTA, and LTA once more, in each format by the same calls; what is selected alone changes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from augmented_files import (
    CASES,
    CLAIMS,
    CONTENT,
    FIRST,
    augmented,
    of_cms,
    of_json,
    of_pdf,
    of_xml,
    stamped,
    twice_signed_container,
    values,
)
from foreign_tokens import tst_info
from signed_making import certificate, house, judged, sign, stamp
from signed_pdfs import AUTHORITY, document
from signed_stories import token

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import OCTET_STRING, SEQUENCE, tlv
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.formats import read as reading
from trustworks.formats.asic.creating import Sign
from trustworks.formats.augmenting import Kind, Opened, Target
from trustworks.formats.cades.creating import signature as cades
from trustworks.formats.collector import identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import TimeStampKind
from trustworks.formats.jades import creating as jades
from trustworks.formats.jades.creating.payloads import within
from trustworks.formats.limits import DEFAULT
from trustworks.formats.read import read
from trustworks.formats.xades.creating import signature as xades

if TYPE_CHECKING:
    from collections.abc import Callable

    from evidence_graphs import Entity

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence


@pytest.mark.parametrize("name", CASES)
def test_level_by_level(name: str) -> None:
    case = CASES[name]
    opened = Opened(Octets(case.make(), "a"), detached=case.detached)
    (target,) = opened.targets
    assert target.format is case.format
    found = [target, *augmented(target)]
    assert [one.level for one in found] == [
        f"{case.format}-BASELINE-{level}" for level in ("B", "T", "LT", "LTA", "LTA")
    ]
    assert {one.id for one in found} == {target.id}
    for one in found:
        # What is told is what any reader finds in the file.
        again = read(Octets(one.data.octets(), "a"), detached=case.detached)
        assert [(s.id, s.level, s.time_stamps) for s in again.signatures] == [
            (s.id, s.level, s.time_stamps) for s in one.evidence.signatures
        ]
        assert all(part.intact for stamp_ in again.time_stamps for part in stamp_.references)
    last = found[-1]
    assert len(last.time_stamps) == 3
    archive = {"PAdES": TimeStampKind.DOCUMENT, "ASiC-E with CAdES": TimeStampKind.CONTAINER}
    assert {one.kind for one in last.time_stamps[1:]} == {archive.get(name, TimeStampKind.ARCHIVE)}
    assert last.time_stamps[1].id in last.time_stamps[2].covers
    assert judged(last.evidence, outside=False) == ["TOTAL-PASSED"]


@pytest.mark.parametrize("name", ["XAdES", "CAdES", "JAdES"])
def test_what_comes_of_a_file_is_read_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To see that nothing was lost, and by who takes it on."""
    seen: list[bytes] = []

    def read_into(collector: Collector, data: Data, **rest: Any) -> Evidence:
        seen.append(data.octets())
        return reading.read_into(collector, data, **rest)

    monkeypatch.setattr("trustworks.formats.augmenting.opened.read_into", read_into)
    case = CASES[name]
    (target,) = Opened(Octets(case.make(), "a"), detached=case.detached).targets
    after = stamped(target, Kind.SIGNATURE)
    assert after.level.endswith("-T")
    assert seen == [target.data.octets(), after.data.octets()]


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_not_put_in_again(name: str) -> None:
    case = CASES[name]
    (target,) = Opened(Octets(case.make(), "a"), detached=case.detached).targets
    found = stamped(target, Kind.SIGNATURE).with_values(values())
    assert found.with_values(NOTHING) is found
    if name != "PAdES":  # there the data is named once more as that of the signature
        assert found.with_values(values()) is found
    more = ValidationData(certificates=[certificate("RSA_PSS_SHA256")])
    later = stamped(found, Kind.ARCHIVE, 1).with_values(more)
    assert later.level.endswith("-LTA")
    assert all(part.intact for one in later.time_stamps for part in one.references)
    assert set(later.evidence.certificates) > set(found.evidence.certificates)
    assert stamped(later, Kind.ARCHIVE, 2).level.endswith("-LTA")


@pytest.mark.parametrize("name", CASES)
def test_the_path_of_the_signer_stands_in_the_signature_also_where_a_token_holds_it(name: str) -> None:
    """Others look for certificates beside the signature, and not inside of its time-stamps."""
    case, ca, unit, root = CASES[name], house().ca, house().tsa, house().root
    (target,) = Opened(Octets(case.make(), "a"), detached=case.detached).targets
    held = target.with_time_stamp(token(unit, b"", FIRST, ca, root, digest=target.digest(Kind.SIGNATURE)))
    of_unit = ValidationData(certificates=[unit.der, root.der])
    found = held.with_values(ValidationData(certificates=[ca.der], lists=house().lists), of_unit)
    assert found.level.endswith("-LT")
    (stamp_,) = found.time_stamps

    def inside(one: Entity) -> set[str | None]:
        return {origin.owner for origin in found.evidence.certificates[identified("C", one.der)].origins}

    assert inside(ca) > {stamp_.id}
    # What is of the time-stamp alone is found in its token; the store of a PDF has everything.
    for one in (unit, root):
        assert (inside(one) == {stamp_.id}) is (name != "PAdES")
    if name != "PAdES":  # there the data is named once more as that of the signature
        assert found.with_values(ValidationData(certificates=[ca.der]), of_unit) is found


@pytest.mark.parametrize("name", CASES)
def test_a_token_over_something_else_is_refused(name: str) -> None:
    case = CASES[name]
    (target,) = Opened(Octets(case.make(), "a"), detached=case.detached).targets
    for add in (target.with_time_stamp, target.with_archive_time_stamp):
        with pytest.raises(Rejected) as refused:
            add(stamp(b"something else"))
        assert refused.value.code in {"adding.time-stamp", "signature.content"}
        with pytest.raises(Malformed):
            add(b"\x30\x00")


def test_a_token_without_certificates_is_held_against_those_of_the_pdf() -> None:
    (target,) = Opened(Octets(of_pdf(), "a.pdf")).targets

    def put(of: Target, change: int) -> Target:
        digest = of.digest(Kind.SIGNATURE)
        imprint = tlv(SEQUENCE, hash_identifier("sha256"), tlv(OCTET_STRING, digest))
        bare = AUTHORITY.token(tst_info(imprint=imprint), certificates=[])
        return of.with_time_stamp(bare[:-1] + bytes([bare[-1] ^ change]))

    put(target, 1)  # whose it is, nobody knows yet
    beside = target.with_values(ValidationData(certificates=[AUTHORITY.certificate]))
    assert len(put(beside, 0).time_stamps) == 1
    with pytest.raises(Rejected, match="token does not verify") as refused:
        put(beside, 1)
    assert refused.value.code == "signature.own"


def test_there_is_no_such_signature() -> None:
    with pytest.raises(Rejected) as refused:
        Opened(Octets(of_cms())).target("S-1")
    assert refused.value.code == "augmenting.signature"
    with pytest.raises(Malformed):
        _ = Opened(Octets(b"no file")).targets
    assert Opened(Octets(document().octets, "a.pdf")).targets == ()


def parallel_cms() -> bytes:
    structure = of_cms()
    prepared = cades.prepare(
        CONTENT, [certificate("RSA_PSS_SHA256")], CLAIMS, cades.Options(scheme="RSA_PSS_SHA256")
    )
    return prepared.join(sign(prepared.dtbs), structure)


def parallel_json() -> bytes:
    options = jades.Options(scheme="RSA_PSS_SHA256")
    prepared = jades.prepare(within(CONTENT.content), [certificate("RSA_PSS_SHA256")], CLAIMS, options)
    return jades.parallel(of_json(), prepared.complete(sign(prepared.dtbs)))


SEVERAL: dict[str, Callable[[], bytes]] = {
    "XAdES": lambda: of_xml(document=of_xml(document=b"<doc/>"), name="S2"),
    "CAdES": parallel_cms,
    "JAdES": parallel_json,
    "ASiC with CAdES": lambda: twice_signed_container(Sign.CADES),
    "ASiC with XAdES": lambda: twice_signed_container(Sign.XADES),
}


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", SEVERAL)
def test_one_of_several_is_selected(name: str, number: int) -> None:
    opened = Opened(Octets(SEVERAL[name](), "a"))
    target, other = opened.targets[number], opened.targets[1 - number]
    found = augmented(target)
    assert [one.level[-3:].strip("E-") for one in found] == ["T", "LT", "LTA", "LTA"]
    if name == "ASiC with CAdES":
        # There the archive time-stamps are over all of the container, and the other one can be given no more.
        with pytest.raises(Rejected) as refused:
            found[-1].opened.target(other.id).octets_to_stamp(Kind.SIGNATURE)
        assert refused.value.code == "asic.covered"
        found = found[:2]
    after = found[-1].opened.target(other.id)
    assert after.time_stamps == ()
    assert after.signature.references == other.signature.references
    assert after.level == other.level
    # And then the other one as well.
    assert augmented(after)[-1].level.endswith("-LTA")


def test_an_earlier_signature_of_a_pdf_is_selected() -> None:
    octets = of_pdf(of_pdf())
    first, second = Opened(Octets(octets, "a.pdf")).targets
    found = first.with_values(values())
    assert found.data.octets().startswith(octets)
    assert found.data.octets().count(b"/VRI") == 1
    both = found.opened.target(second.id).with_values(values())
    assert both.data.octets().startswith(found.data.octets())
    # A document time-stamp is over both.
    levels = [one.level for one in stamped(both, Kind.ARCHIVE).opened.targets]
    assert levels == ["PAdES-BASELINE-LTA"] * 2


def counter_signed(form: str) -> bytes:
    if form == "XAdES":
        made = xades.counter_sign(
            of_xml(), "S1", [certificate()], CLAIMS, xades.Options(scheme="ECDSA_SHA256", id="C1")
        )
        return made.complete(sign(made.dtbs))
    structure = of_cms()
    counter = cades.counter_sign(structure, 0, [certificate()], CLAIMS, cades.Options(scheme="ECDSA_SHA256"))
    return counter.join_counter(sign(counter.dtbs), structure, 0)


@pytest.mark.parametrize("form", ["XAdES", "CAdES"])
def test_a_counter_signature_is_selected(form: str) -> None:
    opened = Opened(Octets(counter_signed(form), "a"))
    outer, counter = opened.targets
    assert counter.signature.parent == outer.id
    found = stamped(counter, Kind.SIGNATURE).with_values(values())
    assert found.level == f"{form}-BASELINE-LT"
    assert found.opened.target(outer.id).level.endswith(("-B", "-BES"))
    # The signature that it is in can be archived over it, and then nothing more comes into it.
    after = found.opened.target(outer.id)
    archived = stamped(stamped(after, Kind.SIGNATURE), Kind.ARCHIVE, 1).opened.target(counter.id)
    with pytest.raises(Rejected) as refused:
        archived.octets_to_stamp(Kind.SIGNATURE)
    assert refused.value.code == "adding.broken"


def test_a_counter_signature_of_cms_has_no_archive_time_stamp_of_its_own() -> None:
    _, counter = Opened(Octets(counter_signed("CAdES"))).targets
    for add in (
        lambda: counter.octets_to_stamp(Kind.ARCHIVE),
        lambda: counter.with_archive_time_stamp(stamp(b"")),
    ):
        with pytest.raises(Rejected) as refused:
            add()
        assert refused.value.code == "cades.counter-signature"


def compact() -> bytes:
    made = json.loads(of_json())
    return ".".join(made[key] for key in ("protected", "payload", "signature")).encode()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a compact JWS": (compact, "jades.compact"),
    "plain XML": (
        lambda: of_xml().replace(b"QualifyingProperties", b"QualifyingPropertien"),
        "xades.qualifying",
    ),
    "XML inside something signed": (
        lambda: of_xml(document=b"<d>%b</d>" % of_xml().split(b"?>", 1)[1], name="S2", parallel=False),
        "adding.broken",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_augmented_is_refused_before_a_token_is_asked_for(name: str) -> None:
    make, code = REFUSED[name]
    target = Opened(Octets(make(), "a")).targets[0]
    for add in (lambda: target.octets_to_stamp(Kind.SIGNATURE), lambda: target.with_values(values())):
        with pytest.raises(Rejected) as refused:
            add()
        assert refused.value.code == code


@pytest.mark.parametrize("form", ["PEM", "base64", "octets behind"])
def test_a_structure_stays_in_its_wrapping(form: str) -> None:
    made = of_cms()
    text = base64.encodebytes(made)
    file = {
        "PEM": b"-----BEGIN CMS-----\n" + text + b"-----END CMS-----\nmore\n",
        "base64": text,
        "octets behind": made + b"behind",
    }[form]
    (target,) = Opened(Octets(file, "a.pem")).targets
    found = augmented(target)[-1]
    octets = found.data.octets()
    assert found.level == "CAdES-BASELINE-LTA"
    assert octets.startswith({"PEM": b"-----BEGIN CMS-----\nMI", "base64": b"MI"}.get(form, b"0"))
    assert octets.endswith({"PEM": b"-----END CMS-----\nmore\n", "base64": b"\n"}.get(form, b"behind"))
    assert max(map(len, octets.split(b"\n"))) <= 65 or form == "octets behind"


def test_a_structure_that_is_too_large_is_refused() -> None:
    opened = Opened(Octets(of_cms()), limits=DEFAULT)
    target: Any = opened.targets[0]
    opened.limits = replace(DEFAULT, parsed=100)
    with pytest.raises(Rejected) as refused:
        target.octets_to_stamp(Kind.SIGNATURE)
    assert refused.value.code == "augmenting.too-large"
