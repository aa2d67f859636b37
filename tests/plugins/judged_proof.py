"""Scenarios about what is proven to have existed: algorithms, time-stamps, archives, evidence records."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from cryptography.x509.oid import ExtendedKeyUsageOID
from evidence_graphs import DAY, NOW, YEAR, Entity
from judged_making import (
    BEFORE,
    BETWEEN,
    ENDED,
    ENDED_UNIT,
    EVERY,
    KEPT,
    SECOND_UNIT,
    SIGNER,
    SOME,
    STAMPED,
    STRANGE_UNIT,
    UNIT,
    Change,
    Maker,
    Told,
    lists,
    scenario,
    signer,
    stamp,
    unit,
)
from signed_stories import token

from trustworks.formats.asic.creating import Sign, prepare_addition
from trustworks.formats.data import Octets
from trustworks.formats.evidence_record.creating import digest_of, prepare_first

if TYPE_CHECKING:
    from datetime import datetime

# --- algorithms


def ends(when: datetime) -> Change:
    """SHA-384 is reliable until then."""
    return "Cryptographic/AlgoExpirationDate/Algo[.='SHA384']", {"Date": f"{when:%Y-%m-%d}"}, "SHA384"


@scenario("algorithms", "hash function ended, no time-stamp", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(hash_name="sha384"), revocation=lists(), policy=(ends(BETWEEN),))


@scenario("algorithms", "hash function ends later")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(hash_name="sha384"), revocation=lists(), policy=(ends(NOW + YEAR),))


@scenario("algorithms", "hash function ended after the time-stamp", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    octets = make.signed(SIGNER, stamp(), hash_name="sha384")
    return Told(octets=octets, revocation=lists(), policy=(ends(BETWEEN),))


@scenario("algorithms", "hash function ended before the time-stamp", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    octets = make.signed(SIGNER, stamp(), hash_name="sha384")
    return Told(octets=octets, revocation=lists(), policy=(ends(BEFORE),))


@scenario("algorithms", "hash function ended, LTA", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(hash_name="sha384"))
    return Told(octets=octets, revocation=lists(), policy=(ends(BETWEEN),))


@scenario("algorithms", "hash function of the time-stamp ended")
def _(make: Maker) -> Told:
    octets = make.signed(SIGNER, stamp(hash_name="sha384"))
    return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)), policy=(ends(BETWEEN),))


@scenario("algorithms", "hash function of the time-stamp ended after it was archived", *SOME)
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(SIGNER, stamp(hash_name="sha384")), NOW - 14 * DAY)
    return Told(octets=octets, revocation=lists((SIGNER, NOW - 5 * DAY)), policy=(ends(BETWEEN),))


@scenario("algorithms", "signer's certificate signed by what ended")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(signer(digest="sha384")), revocation=lists(), policy=(ends(BETWEEN),))


@scenario("algorithms", "signer's certificate signed by what ended after the time-stamp")
def _(make: Maker) -> Told:
    octets = make.signed(signer(digest="sha384"), stamp())
    return Told(octets=octets, revocation=lists(), policy=(ends(BETWEEN),))


@scenario("algorithms", "hash function that was never accepted")
def _(make: Maker) -> Told:
    never: Change = ("Cryptographic/AcceptableDigestAlgo/Algo[.='SHA384']", {}, "SHA224")
    return Told(octets=make.signed(SIGNER, stamp(), hash_name="sha384"), revocation=lists(), policy=(never,))


# --- time-stamps


def exchanged(octets: bytes, before: bytes, after: bytes) -> bytes:
    """The file with other octets of the same length in place of some, as it writes them."""
    for written in (bytes, base64.b64encode, lambda one: one.hex().encode()):
        if written(before) in octets:
            return octets.replace(written(before), written(after))
    raise AssertionError("The octets are not there.")


def over_other(make: Maker, at: datetime = STAMPED) -> bytes:
    """A signature with a time-stamp over other data, which is put in the place of one of the same length."""
    made: list[bytes] = []

    def right(over: bytes) -> bytes:
        made.append(token(UNIT, over, at))
        return made[-1]

    octets = make.signed(SIGNER, right)
    other = token(UNIT, b"other", at)
    while len(other) != len(made[0]):  # the length of a signature of ECDSA is not always the same
        other = token(UNIT, b"other", at)
    return exchanged(octets, made[0], other)


@scenario("time-stamps", "over other data", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    octets = over_other(make)
    return Told(octets=octets, revocation=lists())


@scenario("time-stamps", "over other data, signer revoked", "XAdES", "CAdES")
def _(make: Maker) -> Told:
    octets = over_other(make)
    return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)))


@scenario("time-stamps", "of an unknown unit", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp(by=STRANGE_UNIT)), revocation=lists())


@scenario("time-stamps", "of an unknown unit, signer revoked", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp(by=STRANGE_UNIT)), revocation=lists((SIGNER, BETWEEN)))


@scenario("time-stamps", "two, the earlier of an unknown unit", *EVERY)
def _(make: Maker) -> Told:
    octets = make.signed(SIGNER, stamp(by=STRANGE_UNIT), stamp(STAMPED + DAY))
    return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)))


@scenario("time-stamps", "of a unit not certified for it")
def _(make: Maker) -> Told:
    by = unit(purposes=(ExtendedKeyUsageOID.CODE_SIGNING,))
    return Told(octets=make.signed(SIGNER, stamp(by=by)), revocation=lists((SIGNER, BETWEEN)))


@scenario("time-stamps", "of a unit that has expired", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp(by=ENDED_UNIT)), revocation=lists((SIGNER, BETWEEN)))


@scenario("time-stamps", "of a unit that was revoked")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((UNIT, BETWEEN)))


@scenario("time-stamps", "of a unit that was revoked, signer too")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists((UNIT, BETWEEN), (SIGNER, BETWEEN)))


@scenario("time-stamps", "of a unit without revocation data")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists()[:1])


@scenario("time-stamps", "archive time-stamp before the signature time-stamp", "XAdES", "CAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(), STAMPED - 3 * DAY)
    return Told(octets=octets, revocation=lists(), policy=(("Timestamp/Coherence", {"Level": "FAIL"}, ""),))


@scenario("time-stamps", "content time-stamp after the signature time-stamp", "CAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.signed(SIGNER, stamp(), content_stamps=(stamp(BETWEEN),))
    return Told(octets=octets, revocation=lists(), policy=(("Timestamp/Coherence", {"Level": "FAIL"}, ""),))


@scenario("time-stamps", "later after the claimed time than is allowed")
def _(make: Maker) -> Told:
    late = ("Timestamp/TimestampDelay", {"Level": "FAIL", "Unit": "DAYS", "Value": "1"}, "")
    return Told(octets=make.signed(SIGNER, stamp()), revocation=lists(), policy=(late,))


@scenario("time-stamps", "before the claimed time")
def _(make: Maker) -> Told:
    late = ("Timestamp/TimestampDelay", {"Level": "FAIL", "Unit": "DAYS", "Value": "1"}, "")
    octets = make.signed(SIGNER, stamp(), time=STAMPED + 3 * DAY)
    return Told(octets=octets, revocation=lists(), policy=(late,))


# --- archived


@scenario(
    "archived", "signer and unit expired, archive time-stamp before", "XAdES", "CAdES", "PAdES", "JAdES"
)
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(ENDED, stamp(by=ENDED_UNIT)), by=SECOND_UNIT)
    return Told(octets=octets, revocation=lists()[1:])


@scenario("archived", "unit expired before it was archived", "XAdES", "CAdES", "PAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(ENDED, stamp(by=ENDED_UNIT)), NOW - 2 * DAY, SECOND_UNIT)
    return Told(octets=octets, revocation=lists()[1:])


@scenario("archived", "unit revoked after it was archived", "XAdES", "CAdES", "PAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(ENDED), by=SECOND_UNIT)
    return Told(octets=octets, revocation=lists((UNIT, NOW - 5 * DAY))[1:])


@scenario("archived", "unit revoked before it was archived", "XAdES", "CAdES", "PAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(ENDED), by=SECOND_UNIT)
    return Told(octets=octets, revocation=lists((UNIT, BETWEEN))[1:])


@scenario("archived", "signer revoked before the time-stamp, LTA", "XAdES", "CAdES")
def _(make: Maker) -> Told:
    found = lists((SIGNER, BEFORE), at=KEPT, lasts=30 * DAY)
    return Told(octets=make.archived(make.kept(found=found)), revocation=lists((SIGNER, BEFORE)))


@scenario("archived", "twice, the first unit expired in between", "XAdES", "CAdES", "PAdES", "JAdES")
def _(make: Maker) -> Told:
    octets = make.archived(make.kept(ENDED, stamp(by=ENDED_UNIT)), by=ENDED_UNIT)
    octets = make.archived(make.more(octets, *lists(at=NOW - 8 * DAY, lasts=9 * DAY)), NOW - 7 * DAY)
    return Told(octets=octets, revocation=lists()[1:])


@scenario("archived", "signer expired before the time-stamp, LTA")
def _(make: Maker) -> Told:
    by = signer(until=BEFORE)
    return Told(octets=make.archived(make.kept(by)), revocation=lists(expired_since=NOW - YEAR))


@scenario("archived", "no revocation data was kept, signer expired")
def _(make: Maker) -> Told:
    octets = make.archived(make.signed(ENDED, stamp()))
    return Told(octets=octets, revocation=lists())


# --- evidence records


def recorded(octets: bytes, form: Any, at: datetime = STAMPED, by: Entity = UNIT) -> bytes:
    """An evidence record about a whole file."""
    prepared = prepare_first(form, [digest_of(form, Octets(octets), "sha256")], "sha256")
    return prepared.complete((), _over_leaf(prepared.leaf, at, by))


def _over_leaf(leaf: bytes, at: datetime, by: Entity) -> bytes:
    return token(by, b"", at, digest=leaf)


def in_container(octets: bytes, sign: Sign, form: Any, **given: Any) -> bytes:
    """A container with an evidence record over all that its signature is over, and the signature."""
    data = Octets(octets, "a.asice")
    prepared = prepare_addition(data, sign)
    waiting = prepare_first(form, prepared.digests, "sha256")
    at, by = given.get("at", STAMPED), given.get("by", UNIT)
    return prepared.add(waiting.complete((), _over_leaf(waiting.leaf, at, by)), data).octets()


RECORDS: Final = {"asn1": Sign.EVIDENCE_RECORD, "xml": Sign.EVIDENCE_RECORD_XML}


def _of_records(form: str, title: str) -> None:
    @scenario("evidence records", f"{title}, signer revoked after it", "ASiC")
    def _(make: Maker) -> Told:
        octets = in_container(make.signed(), RECORDS[form], form)
        return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)))

    @scenario("evidence records", f"{title}, signer revoked before it", "ASiC")
    def _(make: Maker) -> Told:
        octets = in_container(make.signed(), RECORDS[form], form)
        return Told(octets=octets, revocation=lists((SIGNER, BEFORE)))

    @scenario("evidence records", f"{title}, of an unknown unit", "ASiC")
    def _(make: Maker) -> Told:
        octets = in_container(make.signed(), RECORDS[form], form, by=STRANGE_UNIT)
        return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)))

    @scenario("evidence records", f"{title}, in a file of its own, signer expired after it", "XAdES", "PAdES")
    def _(make: Maker) -> Told:
        octets = make.kept(ENDED)
        record = recorded(octets, form)
        return Told(octets=octets, records=(record,), revocation=lists()[1:])

    @scenario("evidence records", f"{title}, of another file", "XAdES", "CAdES")
    def _(make: Maker) -> Told:
        return Told(
            octets=make.signed(), records=(recorded(b"another", form),), revocation=lists((SIGNER, BETWEEN))
        )


_of_records("asn1", "RFC 4998")
_of_records("xml", "RFC 6283")
