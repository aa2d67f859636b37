"""What the command line says of a signature, as a request."""

from __future__ import annotations

import hashlib
import mimetypes
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.values import dataclass
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets, Protected, Stored
from trustworks.formats.evidence import PolicyReference
from trustworks.signing.create.spooled import IN_MEMORY
from trustworks.signing.model import Document, Format, Onto

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.signing.model import Container, Packaging

_BY_SUFFIX: Final = {".pdf": Format.PADES, ".xml": Format.XADES, ".json": Format.JADES}
_LONGEST: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a signed file looks from outside: its format (None: by its name), and what it is in."""

    format: Format | None
    container: Container | None
    packaging: Packaging | None
    onto: Onto


def data_of(file: Path, name: str | None = None) -> Data:
    """A file; a large one is read in portions. Raises `Malformed` where it cannot be read."""
    try:
        if file.stat().st_size <= IN_MEMORY:
            return Octets(file.read_bytes(), name or file.name)
    except OSError as error:
        if str(file) == "-":
            raise Malformed("- is no file, and the standard input is not read. Name a file.") from error
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    return Stored(file, name or file.name)


def octets_of(file: Path, what: str, most: int = _LONGEST) -> bytes:
    """A small file whole. Raises `Malformed` where it cannot be read, or is longer than `most`."""
    data = data_of(file)
    if data.size > most:
        raise Malformed(f"{file} is no {what}: it has {data.size} octets, and {most} are the most.")
    return data.octets()


def document_of(file: Path, password: str | None = None) -> Document:
    """A document to be signed, with the media type that its name says; `password` opens it if it is a PDF."""
    return Document(data=opened(data_of(file), password), media_type=mimetypes.guess_type(file.name)[0])


def opened(data: Data, password: str | None) -> Data:
    """Data with the password that opens it, where one is given."""
    return data if password is None else Protected(data, password)


def format_of(file: Path) -> Format:
    """The format in which a file is signed when nothing is said: by its name."""
    return _BY_SUFFIX.get(file.suffix.lower(), Format.CADES)


def onto_of(counter_sign: str | None, *, parallel: bool) -> Onto:
    """How the new signature stands to those that are there. Raises `Malformed` for two ways at once."""
    if parallel and counter_sign is not None:
        raise Malformed("Give --parallel or --counter-sign, not both.")
    return Onto.PARALLEL if parallel else Onto.NEW if counter_sign is None else Onto.COUNTER


def pairs(values: Iterable[str], what: str) -> Mapping[str, str]:
    """NAME=VALUE, several of them. Raises `Malformed`."""
    found: dict[str, str] = {}
    for one in values:
        name, equals, value = one.partition("=")
        if not equals or not name or not value:
            raise Malformed(f"{what} is given as NAME=VALUE; {one[:60]!r} is not.")
        if name in found:
            raise Malformed(f"{what} has {name} twice; give it once.")
        found[name] = value
    return found


def policy_of(identifier: str | None, document: Path | None, uri: str | None) -> PolicyReference | None:
    """The signature policy that the signer names, with the digest of its document. Raises `Malformed`."""
    if identifier is None:
        if document is not None or uri is not None:
            raise Malformed("--policy-file and --policy-uri go with --policy, which names the policy.")
        return None
    if document is None:
        raise Malformed("A signature policy is signed with the digest of its document: give --policy-file.")
    digest = hashlib.sha256(octets_of(document, "document of a policy")).digest()
    return PolicyReference(identifier=identifier, digest_algorithm="sha256", digest=digest, uri=uri)


def claims_of(
    *,
    policy: PolicyReference | None,
    place: Iterable[str],
    roles: Iterable[str],
    commitments: Iterable[str],
) -> Claims:
    """What the signer says. The time is put in when each signature is prepared."""
    return Claims(
        policy=policy,
        location=pairs(place, "--place") or None,
        claimed_roles=tuple(roles),
        commitments=tuple(commitments),
    )
