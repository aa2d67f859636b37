"""Adds time-stamps, validation data and counter-signatures to etsiU (TS 119 182-1, 5.3).

What a time-stamp is over is brought together by the reader (`unsigned`): there is one answer to that. What is
in a file stays as it is written, and whatever held in it has to hold when something was added.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.adding import Begun, Most, Reading, State, check_added
from trustworks.formats.collector import Collector
from trustworks.formats.data import Octets
from trustworks.formats.jades import read
from trustworks.formats.jades.base64url import encode
from trustworks.formats.jades.components import components
from trustworks.formats.jades.creating.headers import standard, tokens
from trustworks.formats.jades.creating.inserting import with_component, without_payload
from trustworks.formats.jades.jws import parse
from trustworks.formats.jades.signed_data import signed_data
from trustworks.formats.jades.unsigned import REFERENCES, STAMPS, joined, taken_by
from trustworks.formats.jades.values import items, members
from trustworks.formats.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.core.ports import ValidationData
    from trustworks.formats.data import Data
    from trustworks.formats.jades.components import Component
    from trustworks.formats.jades.jws import Jws

Kind = Literal["sigTst", "sigRTst", "rfsTst", "arcTst"]
_JCS: Final = "http://json-canonicalization.org/algorithm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file, and by its place the signature that something is added to. `beside` is the detached data."""

    file: bytes
    place: int = 0
    beside: Sequence[Data] = ()


def data_to_stamp(target: Target, kind: Kind = "sigTst") -> Data:
    """What the token of a time-stamp that is added now has to be over.

    Raises:
        Malformed: it is no JWS.
        Rejected: ``jades.place``, ``jades.components``; ``jades.data``: what was signed is not at hand;
            ``jades.references``: there are none that it would be over.
    """
    return begin_time_stamp(target, kind).over


def begin_time_stamp(target: Target, kind: Kind = "sigTst") -> Begun:
    """A time-stamp that waits for its token.

    Raises:
        Malformed: it is no JWS.
        Rejected: as `data_to_stamp`; of `Begun.complete` where something would be lost, or the token is none
            over that; of `Begun.check_place` where nothing can be added.
    """
    found = _signatures(target)
    jws = found[target.place]
    over = _over(target, jws, kind)

    def complete(token: bytes, reading: Reading | None = None) -> bytes:
        container = tokens([token])
        if kind != "sigTst" and _is_clear(_components(jws)):
            container = {"canonAlg": _JCS, **container}
        return _with_text(target, found, _written({kind: container}), stamp=True, reading=reading)

    return Begun(over=over, check_place=lambda: _check_open(jws), complete=complete)


def _over(target: Target, jws: Jws, kind: Kind) -> Data:
    taken = taken_by(kind, _components(jws))
    shares = [one.stamped(_JCS) for one in taken]
    data = signed_data(jws, Collector(), target.beside, DEFAULT).stamped if kind == "arcTst" else None
    found = joined(STAMPS[kind], jws, data, shares)
    if kind in {"sigRTst", "rfsTst"} and not any(one.name in REFERENCES for one in taken):
        raise Rejected("jades.references", "The signature has no references that a time-stamp could be over.")
    if found is None:
        raise Rejected(
            "jades.data", "What was signed is not at hand; an archive time-stamp is over it. Give it."
        )
    return found


def with_time_stamp(target: Target, token: bytes, kind: Kind = "sigTst") -> bytes:
    """The file with one more time-stamp, whose token is over `data_to_stamp`.

    Raises:
        Malformed: it is no JWS.
        Rejected: as `data_to_stamp`, and ``adding.time-stamp`` where the token is none over that.
    """
    return begin_time_stamp(target, kind).complete(token, None)


def with_values(target: Target, data: ValidationData) -> bytes:
    """The file with certificates (xVals) and status data (rVals).

    Raises:
        Malformed: it is no JWS.
        Rejected: ``jades.place``, ``jades.components``; ``jades.values``: nothing is given.
    """
    return with_components(target, _values(data))


def with_more_values(target: Target, data: ValidationData) -> bytes:
    """The file with validation data where there is a place for it.

    xVals and rVals stand once: what comes when they are there is data of time-stamps (tstVD).
    Raises as `with_values`.
    """
    there = {one.name for one in _components(_signatures(target)[target.place])}
    said = _values(data)
    late = {name: value for name, value in said.items() if name in there}
    first = {name: value for name, value in said.items() if name not in there}
    return with_components(target, {**first, **({"tstVD": late} if late else {})})


def with_time_stamp_validation_data(target: Target, data: ValidationData) -> bytes:
    """The file with validation data of time-stamps (tstVD). Raises as `with_values`."""
    return _with(target, {"tstVD": _values(data)})


def with_components(target: Target, said: dict[str, Any]) -> bytes:
    """The file with a component for each of these members. Raises as `with_values`."""
    file = target.file
    for name, value in said.items():
        file = _with(Target(file=file, place=target.place, beside=target.beside), {name: value})
    return file


def _values(data: ValidationData) -> dict[str, Any]:
    if not data:
        raise Rejected("jades.values", "No validation data is given.")
    certificates = [{"x509Cert": {"val": standard(one)}} for one in data.certificates]
    status = {
        name: [{"val": standard(one)} for one in found]
        for name, found in (("crlVals", data.lists), ("ocspVals", data.answers))
        if found
    }
    return {name: value for name, value in (("xVals", certificates), ("rVals", status)) if value}


def with_counter_signature(target: Target, counter: bytes) -> bytes:
    """The file with a counter-signature: a signature over `value_to_countersign`, compact or flattened.

    Raises:
        Malformed: one is no JWS.
        Rejected: ``jades.place``, ``jades.components``; ``jades.counter-signature``: it is not of that value.
    """
    found, _ = parse(counter, DEFAULT)
    if not found[0].compact and "signatures" in json.loads(counter):
        raise Rejected(
            "jades.counter-signature", "A counter-signature is one signature, compact or flattened."
        )
    said = json.dumps(counter.decode().strip()) if found[0].compact else without_payload(counter)
    file = _with_text(target, _signatures(target), f'{{"cSig":{said}}}')
    state = _state(file, target.beside)
    if not all(one for key, one in state.references.items() if key[0] == found[0].value):
        raise Rejected(
            "jades.counter-signature", "The counter-signature is not one of this signature's value."
        )
    return file


def value_to_countersign(target: Target) -> bytes:
    """The value of a signature, which a counter-signature has as its detached payload (5.3.2)."""
    return _signatures(target)[target.place].value


@implements("TS119182-1:5.3.1-ONE-FORM")
def one_form(found: Sequence[Component]) -> None:
    """Refuses an etsiU that has components in clear and in base64url: what is over them cannot be told."""
    if len({one.sent is None for one in found}) > 1:
        raise Rejected(
            "jades.components",
            "The signature has unsigned properties both in clear and in base64url. None is added to them.",
        )


def _check_open(jws: Jws) -> None:
    if jws.compact:
        raise Rejected(
            "jades.compact", "A compact JWS has no place for unsigned properties. Make it flattened."
        )


def _is_clear(found: Sequence[Component]) -> bool:
    return bool(found) and found[0].sent is None


def _signatures(target: Target) -> tuple[Jws, ...]:
    """The signatures of the file, among them the one that something is added to."""
    found, findings = parse(target.file, DEFAULT)
    if not 0 <= target.place < len(found):
        raise Rejected(
            "jades.place", f"The file has {len(found)} signatures, and none with the number {target.place}."
        )
    if findings:
        # Others may count its signatures in another way, or take another value of a member.
        raise Rejected("jades.place", f"Nothing is added to this file: {findings[0].text}")
    return found


def _components(jws: Jws) -> tuple[Component, ...]:
    found, findings = components(jws.unprotected, DEFAULT)
    if findings:
        raise Rejected("jades.components", f"Nothing is added to this signature: {findings[0].text}")
    one_form(found)
    return found


def _with(target: Target, said: dict[str, Any]) -> bytes:
    return _with_text(target, _signatures(target), _written(said))


def _written(said: dict[str, Any]) -> str:
    return json.dumps(said, separators=(",", ":"))


def _with_text(
    target: Target,
    found: Sequence[Jws],
    written: str,
    *,
    stamp: bool = False,
    reading: Reading | None = None,
) -> bytes:
    """The file with one more component, in the form of those that are there; else in base64url."""
    jws = found[target.place]
    clear = _is_clear(_components(jws))
    _check_open(jws)
    if not clear:
        written = json.dumps(encode(written.encode()).decode())
    file = with_component(target.file, target.place, written)
    if reading is None:
        reading = Reading(
            before=lambda: _state(target.file, target.beside),
            after=lambda octets: _state(octets, target.beside),
        )
    check_added(reading.before, reading.after(file), _most(found, stamp=stamp), stamp=stamp)
    return file


def _most(before: Sequence[Jws], *, stamp: bool) -> Most:
    """What there was, and a time-stamp more; what is inside of counter-signatures is not counted."""
    unsigned = [one for jws in before for one in components(jws.unprotected, DEFAULT)[0]]
    containers = [jws.header.get("adoTst") for jws in before]
    containers += [one.value for one in unsigned if one.name in STAMPS]
    return Most(
        signatures=len(before) + sum(one.name == "cSig" for one in unsigned),
        time_stamps=sum(len(items(members(one).get("tstTokens"))) for one in containers) + stamp,
    )


def _state(file: bytes, beside: Sequence[Data]) -> State:
    collector = Collector()
    read(Octets(file), collector, detached=beside, limits=DEFAULT)
    return State.of(collector)
