"""Fields and body of an HTTP message that sigD signs.

The message is given as one file (its header, an empty line, its body), or as data objects with the names of
the fields, and the body as one named ``body``.

Source: TS 119 182-1, 5.2.8.2; draft-cavage-http-signatures-10, 2.3.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Reference, ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data

_REQUEST: Final = re.compile(rb"([A-Z]+) (\S+) HTTP/[0-9.]+\Z")
_RESPONSE: Final = re.compile(rb"HTTP/[0-9.]+ [0-9]{3}")
_MOST: Final = 1 << 20
"""Octets of a header, or of one field."""
_DIGESTS: Final = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}
"""RFC 3230, 4.1.1 and RFC 5843."""


@dataclass(frozen=True, slots=True)
class Message:
    """What was given: values of fields, in order, by their lower-cased names, and the body."""

    fields: Mapping[str, tuple[bytes, ...]]
    body: Data | None
    is_whole: bool = False
    """It was given as one file."""

    def is_signed(self, data: Data, pars: Sequence[str]) -> bool:
        """Whether what `pars` names is all of the data that was given."""
        if self.is_whole:
            return "digest" in pars or self.body is None or not self.body.size
        name = (data.name or "").lower()
        return name in pars or (name == "body" and "digest" in pars)


def message(detached: Sequence[Data]) -> Message:
    """The message in the data that was given."""
    if len(detached) == 1 and (found := _whole(detached[0])) is not None:
        return found
    fields: dict[str, tuple[bytes, ...]] = {}
    body = None
    for data in detached:
        name = (data.name or "").lower()
        if name == "body":
            body = data
        elif data.size <= _MOST:
            try:
                fields[name] = (*fields.get(name, ()), data.octets().strip())
            except Rejected:
                continue
    return Message(fields, body)


def _whole(data: Data) -> Message | None:
    try:
        head = next(data.portions(), b"")
    except Rejected:
        return None
    parts = re.split(rb"\r?\n\r?\n", head[:_MOST], maxsplit=1)
    first, *rest = re.split(rb"\r?\n", parts[0])
    fields: dict[str, tuple[bytes, ...]] = {}
    if request := _REQUEST.match(first):
        fields["(request-target)"] = (request[1].lower() + b" " + request[2],)
    elif not _RESPONSE.match(first):
        return None
    for line in rest:
        name, colon, value = line.partition(b":")
        if colon:
            lower = name.decode("latin-1").strip().lower()
            fields[lower] = (*fields.get(lower, ()), value.strip(b" \t"))
    begin = len(head[:_MOST]) - len(parts[1]) if len(parts) > 1 else data.size
    return Message(fields, Octets(data.octets()[begin:], name="body"), is_whole=True)


def lines(pars: Sequence[str], given: Message) -> bytes:
    """The text that is signed: a line for each name in `pars`, all of which the message must have."""
    return b"\n".join(_line(name, given) for name in pars)


def _line(name: str, given: Message) -> bytes:
    return name.lower().encode() + b": " + b", ".join(given.fields[name])


def stamped(pars: Sequence[str], given: Message) -> Data | None:
    """What time-stamps take: the same lines, but in place of the digest the body that it is of."""
    if given.body is None:
        return None
    body = given.body.octets()
    return Octets(b"\n".join(body if name == "digest" else _line(name, given) for name in pars))


def body_reference(given: Message, collector: Collector) -> Reference:
    """The digest of the body in the field ``digest``, the last that can be computed (RFC 3230, 4.3.2)."""
    hash_name = expected = actual = None
    for part in b",".join(given.fields["digest"]).split(b","):
        algorithm, _, value = part.strip().partition(b"=")
        known = _DIGESTS.get(algorithm.decode("latin-1").lower())
        if known is not None:
            hash_name = known
            try:
                expected = base64.b64decode(value, validate=True)
            except binascii.Error:
                expected = None
    if given.body is not None and hash_name is not None:
        actual = given.body.digest(hash_name)
    intact = actual is not None and actual == expected
    return Reference(
        kind=ReferenceKind.CONTENT,
        name="body",
        digest_algorithm=hash_name,
        expected=expected,
        actual=actual,
        found=given.body is not None,
        intact=intact,
        covers=frozenset({collector.data(given.body)}) if intact and given.body is not None else frozenset(),
        why=None if intact else "The body of the HTTP message was not given or is not the one signed.",
    )
