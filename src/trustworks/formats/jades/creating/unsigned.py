"""Adds time-stamps, validation data and counter-signatures to etsiU (TS 119 182-1, 5.3).

What a time-stamp is over is brought together by the reader (`unsigned`): there is one answer to that.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import Joined, Octets
from trustworks.formats.jades.base64url import encode
from trustworks.formats.jades.components import components
from trustworks.formats.jades.creating.headers import standard, tokens
from trustworks.formats.jades.jws import parse
from trustworks.formats.jades.unsigned import archived
from trustworks.formats.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.jades.components import Component
    from trustworks.formats.jades.jws import Jws
    from trustworks.formats.limits import Limits

Kind = Literal["sigTst", "arcTst"]
_JCS: Final = "http://json-canonicalization.org/algorithm"


def to_be_stamped(
    octets: bytes, kind: Kind, payload: Data, *, place: int = 0, limits: Limits = DEFAULT
) -> Data:
    """The octets that a time-stamp of a signature is to be over, as validation will bring them together.

    `place` is that of the signature in the file. `payload` is what stands for its data: `Payload.stamped`.

    Raises:
        Malformed: it is no JWS. Rejected: ``jades.place``, ``jades.components``.
    """
    jws = _signature(octets, place, limits)
    if kind == "sigTst":
        return Octets(jws.value_sent)
    found = _components(jws, limits)
    return archived(jws, payload, [one.stamped(_JCS) for one in found]) or Joined(())


def with_time_stamp(
    octets: bytes, kind: Kind, token: bytes, *, place: int = 0, limits: Limits = DEFAULT
) -> bytes:
    """The file with one more time-stamp token over what `to_be_stamped` gave."""
    container = tokens([token])
    jws = _signature(octets, place, limits)
    if kind == "arcTst" and _is_clear(_components(jws, limits)):
        container = {"canonAlg": _JCS, **container}
    return _with(octets, {kind: container}, place, limits)


def with_validation_data(
    octets: bytes,
    *,
    certificates: Sequence[bytes] = (),
    revocation_lists: Sequence[bytes] = (),
    ocsp_answers: Sequence[bytes] = (),
    of_time_stamps: bool = False,
    place: int = 0,
    limits: Limits = DEFAULT,
) -> bytes:
    """The file with certificates (xVals) and status data (rVals); `of_time_stamps`: both in one tstVD."""
    values = [{"x509Cert": {"val": standard(one)}} for one in certificates]
    status = {
        name: [{"val": standard(one)} for one in found]
        for name, found in (("crlVals", revocation_lists), ("ocspVals", ocsp_answers))
        if found
    }
    said = {name: value for name, value in (("xVals", values), ("rVals", status)) if value}
    for one in [{"tstVD": said}] if of_time_stamps and said else [{name: said[name]} for name in said]:
        octets = _with(octets, one, place, limits)
    return octets


def with_counter_signature(
    octets: bytes, counter: bytes, *, place: int = 0, limits: Limits = DEFAULT
) -> bytes:
    """The file with a counter-signature: a signature over `value_to_countersign`, compact or flattened."""
    said: Any = counter.decode()
    if said.startswith("{"):
        said = json.loads(said)
        said.pop("payload", None)
    return _with(octets, {"cSig": said}, place, limits)


def value_to_countersign(octets: bytes, *, place: int = 0, limits: Limits = DEFAULT) -> bytes:
    """The value of a signature, which a counter-signature has as its detached payload (5.3.2)."""
    return _signature(octets, place, limits).value


@implements("TS119182-1:5.3.1-ONE-FORM")
def one_form(found: Sequence[Component]) -> None:
    """Refuses an etsiU that has components in clear and in base64url: what is over them cannot be told."""
    if len({one.sent is None for one in found}) > 1:
        raise Rejected(
            "jades.components",
            "The signature has unsigned properties both in clear and in base64url. None is added to them.",
        )


def _is_clear(found: Sequence[Component]) -> bool:
    return bool(found) and found[0].sent is None


def _signature(octets: bytes, place: int, limits: Limits) -> Jws:
    found, _ = parse(octets, limits)
    if not 0 <= place < len(found):
        raise Rejected(
            "jades.place", f"The file has {len(found)} signatures, and none with the number {place}."
        )
    return replace(found[place])


def _components(jws: Jws, limits: Limits) -> tuple[Component, ...]:
    found, findings = components(jws.unprotected, limits)
    if findings:
        raise Rejected("jades.components", f"Nothing is added to this signature: {findings[0].text}")
    one_form(found)
    return found


def _with(octets: bytes, said: dict[str, Any], place: int, limits: Limits) -> bytes:
    """The file with one more component, in the form of those that are there; else in base64url."""
    jws = _signature(octets, place, limits)
    clear = _is_clear(_components(jws, limits))
    if jws.compact:
        raise Rejected(
            "jades.compact", "A compact JWS has no place for unsigned properties. Make it flattened."
        )
    whole = json.loads(octets)
    one = whole["signatures"][place] if "signatures" in whole else whole
    written = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    one.setdefault("header", {}).setdefault("etsiU", []).append(said if clear else encode(written).decode())
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
