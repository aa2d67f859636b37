"""What a JAdES signature to be made is over, and what its header says of that (TS 119 182-1, 5.2.8).

Each answers members of the protected header, what follows the point of the signing input, and the payload as
it stands in the file (None: the data is elsewhere).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from trustworks.core.errors import Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import Joined, Octets
from trustworks.formats.jades import http_message
from trustworks.formats.jades.base64url import Encoded, encode
from trustworks.formats.jades.creating.headers import hash_named
from trustworks.formats.jades.signed_data import BY_HASH, BY_URI, HTTP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The payload of a signature to be made; `stamped` is what time-stamps over the data take for it."""

    header: dict[str, Any]
    critical: tuple[str, ...]
    signed: Data
    stamped: Data
    sent: bytes | None = field(repr=False)


def within(content: bytes, *, encoded: bool = True) -> Payload:
    """The payload in the signature; not `encoded`: as it is (b64 is false)."""
    sent = encode(content) if encoded else content
    return _plain(Octets(sent), sent, encoded=encoded)


def beside(data: Data, *, encoded: bool = True) -> Payload:
    """The payload is elsewhere, and nothing says where (RFC 7515, appendix F). Never held in memory."""
    return _plain(Encoded(data, data.name) if encoded else data, None, encoded=encoded)


def _plain(signed: Data, sent: bytes | None, *, encoded: bool) -> Payload:
    unencoded = {} if encoded else {"b64": False}
    return Payload(header=unencoded, critical=tuple(unencoded), signed=signed, stamped=signed, sent=sent)


def by_uri(objects: Sequence[Data], *, encoded: bool = True) -> Payload:
    """Data objects by their names, put together. Of several the boundaries are not signed: see `by_hash`."""
    taken = Joined(tuple(Encoded(one, one.name) if encoded else one for one in objects))
    header: dict[str, Any] = {"sigD": {"mId": BY_URI, "pars": _names(objects)}}
    unencoded = {} if encoded else {"b64": False}
    return Payload(
        header=unencoded | header, critical=tuple(unencoded), signed=taken, stamped=taken, sent=None
    )


def by_hash(
    objects: Sequence[Data],
    hash_name: str = "sha256",
    *,
    content_types: Sequence[str] = (),
    encoded: bool = True,
) -> Payload:
    """Data objects by their names and digests, each for itself.

    What is digested is their base64url, or with `encoded` False the octets themselves, so that digests which
    somebody else computed (`DigestOnly`) are of that.

    Raises:
        Rejected: ``jades.names``, ``jades.hash``.
    """
    taken = [Encoded(one, one.name) if encoded else one for one in objects]
    signed: dict[str, Any] = {
        "mId": BY_HASH,
        "pars": _names(objects),
        "hashM": hash_named(hash_name),
        "hashV": [encode(one.digest(hash_name)).decode() for one in taken],
    }
    if content_types:
        signed["ctys"] = list(content_types)
    unencoded = {} if encoded else {"b64": False}
    return Payload(
        header=unencoded | {"sigD": signed},
        critical=tuple(unencoded),
        signed=Octets(b""),
        stamped=Joined(tuple(taken)),
        sent=None,
    )


def of_http(message: Sequence[Data], fields: Sequence[str]) -> Payload:
    """Header fields of an HTTP message, given as for validation: as one file, or each by its name.

    Raises:
        Rejected: ``jades.field``: the message has not that field.
    """
    given = http_message.message(message)
    names = [one.lower() for one in fields]
    absent = [one for one in names if one not in given.fields]
    if absent or not names:
        raise Rejected("jades.field", f"The HTTP message has no field {(absent or ['at all'])[0]:.60}.")
    lines = Octets(http_message.lines(names, given), "HTTP header fields")
    return Payload(
        header={"b64": False, "sigD": {"mId": HTTP, "pars": names}},
        critical=("b64",),
        signed=lines,
        stamped=http_message.stamped(names, given) or lines,
        sent=None,
    )


def _names(objects: Sequence[Data]) -> list[str]:
    names = [one.name for one in objects if one.name]
    if len(names) != len(objects) or not names or len(set(names)) != len(names):
        raise Rejected("jades.names", "Data objects that sigD names have names, each another one.")
    return names
