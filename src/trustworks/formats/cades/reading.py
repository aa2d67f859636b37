"""A file with CMS or a time-stamp token: in DER or BER, PEM or base64 (RFC 5652, 3; RFC 7468, 9)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from trustworks.core.der.encode import SEQUENCE
from trustworks.core.der.tsp import TST_INFO
from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.formats.cades.signers import Reader
from trustworks.formats.cms.stored import LARGE, Window
from trustworks.formats.cms.structure import read_signed_data
from trustworks.formats.data import Stored, comparable
from trustworks.formats.evidence import Finding, Scope, ScopeKind, TimeStampKind, Weight
from trustworks.formats.limits import DEFAULT
from trustworks.formats.time_stamp import parse_token, read_time_stamp, token_octets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Signature
    from trustworks.formats.limits import Limits

_PEM: Final = re.compile(
    rb"-----BEGIN (?:PKCS7|PKCS #7 SIGNED DATA|CMS|TIMESTAMP TOKEN)-----(.*?)-----END ", re.DOTALL
)


def read(
    data: Data,
    collector: Collector,
    *,
    detached: Sequence[Data] = (),
    limits: Limits,
    file: str | None = None,
) -> None:
    """Reads all signatures of a file into `collector`. `file` is its name within a container.

    A time-stamp token, or the answer of an authority that holds one, is a detached time-stamp over the first
    of `detached` that it is of.

    Raises:
        Malformed: nothing can be made of the file, or it is beyond the limits.
    """
    file = file or data.name
    if isinstance(data, Stored) and data.size > LARGE and next(data.portions())[:1] == b"0":
        _read_stored(data, collector, detached, limits, file)
        return
    if data.size > limits.parsed:
        raise BeyondLimit(
            f"{data.name or 'The file'} has {data.size} octets; of CMS {limits.parsed} are read at most, "
            "unless it is DER or BER in a file.",
            "parsed",
        )
    octets = unwrapped(data.octets())
    token = token_octets(octets)
    signed = read_signed_data(token, limits)
    if signed.content_type == TST_INFO:
        _read_token(token, collector, detached, limits, file)
        return
    if len(token) > signed.content_info.after:
        collector.finding(_octets_after(len(token) - signed.content_info.after))
    Reader(signed, collector, detached=detached, limits=limits, file=file).read()


def _read_stored(
    data: Stored, collector: Collector, detached: Sequence[Data], limits: Limits, file: str | None
) -> None:
    """Large signed data, of which all but the content is looked at, and none is held."""
    window = Window(data.path)
    signed = read_signed_data(window, limits)
    content = signed.content
    around = len(window) - (0 if content is None else content.after - content.start)
    if around > limits.parsed:
        raise BeyondLimit(
            f"{data.name or 'The file'} has {around} octets beside its content; {limits.parsed} are read at "
            "most.",
            "parsed",
        )
    if len(window) > signed.content_info.after:
        collector.finding(_octets_after(len(window) - signed.content_info.after))
    Reader(signed, collector, detached=detached, limits=limits, file=file, path=data.path).read()


def read_cms(
    octets: bytes,
    collector: Collector,
    *,
    content: Sequence[Data] = (),
    limits: Limits = DEFAULT,
    file: str | None = None,
) -> tuple[Signature, ...]:
    """The signatures in one structure, counter-signatures after what they are of; the collector has them.

    `content` is what is signed where the structure does not hold it: one object, or several of which each
    signer signs one. Octets after the structure are left alone (a PDF pads with zeros). A format that builds
    upon CAdES gives its own findings and level to what it gets, and the collector takes it once more.

    Raises:
        Malformed: it is no signed data, or beyond the limits.
    """
    signed = read_signed_data(octets, limits)
    return Reader(signed, collector, detached=content, limits=limits, file=file).read()


def unwrapped(octets: bytes) -> bytes:
    """The structure in PEM or base64; what is in neither is given back. Raises `Malformed`."""
    if octets[:1] == bytes((SEQUENCE,)):
        return octets
    found = _PEM.search(octets)
    body = octets if found is None else found[1]
    try:
        decoded = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("This is neither CMS in DER or BER, nor in PEM or base64.") from error
    if decoded[:1] != bytes((SEQUENCE,)):
        raise Malformed("This is base64, and what is in it is no CMS.")
    return decoded


def wrapped_as(file: bytes, structure: bytes) -> bytes:
    """A structure in the form of a file that held one: PEM, base64, or as it is with what came behind it."""
    if file[:1] == bytes((SEQUENCE,)):
        return structure + file[read_signed_data(file).content_info.after :]
    text = base64.encodebytes(structure).replace(b"\n", b"")
    lines = b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64))
    found = _PEM.search(file)
    return lines if found is None else file[: found.start(1)] + b"\n" + lines + file[found.end(1) :]


def _read_token(
    token: bytes, collector: Collector, detached: Sequence[Data], limits: Limits, file: str | None
) -> None:
    """A token by itself; of several files it is of that which has its imprint (RFC 3161, 3.2)."""
    parsed = parse_token(token, limits)
    info = parsed.info
    known = comparable(detached, info.imprint_algorithm)
    over = next(iter(known), None)
    for one in known:
        if _digest(one, info.imprint_algorithm) == info.imprint:
            over = one
            break
    covers = frozenset() if over is None else frozenset({collector.data(over)})
    scopes = (
        ()
        if over is None
        else (
            Scope(
                kind=ScopeKind.FULL,
                name=over.name or "the data",
                text="The whole of the data.",
                data=over,
                id=next(iter(covers)),
            ),
        )
    )
    read_time_stamp(
        parsed,
        collector,
        kind=TimeStampKind.DETACHED,
        over=over,
        covers=covers,
        scopes=scopes,
        file=file,
        limits=limits,
    )


def _digest(data: Data, hash_name: str) -> bytes | None:
    try:
        return data.digest(hash_name)
    except Rejected:
        return None


def _octets_after(count: int) -> Finding:
    return Finding(
        code="cms.octets-after",
        text=f"After the signed data the file has {count} octets more, which no signature covers.",
        weight=Weight.NOTE,
    )
