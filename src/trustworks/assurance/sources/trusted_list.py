"""Trusted lists (TS 119 612, versions 5 and 6 of the format): which services they have, granted since when.

Nobody verifies the list here: `trustworks trusted-list verify` does. Its addresses of persons are not read.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import SourceKind
from trustworks.assurance.sources.imported import (
    DEFAULT,
    Download,
    Imported,
    Limits,
    ListedService,
    Reading,
    nothing,
)
from trustworks.assurance.sources.values import UnreadableError, text
from trustworks.core.errors import Malformed
from trustworks.core.pki.trusted_lists.anchors import approved_periods, english
from trustworks.core.pki.trusted_lists.model import AdditionalServiceInformation, Qualifications
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.core.pki.trusted_lists.uris import GRANTED
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.core.pki.trusted_lists.model import Provider, Service, Text, TrustedList

_HEAD: Final = 65_536
_NOBODY: Final = "(without a name)"


def is_list(data: bytes) -> bool:
    """Whether a document is a trusted list, by its beginning."""
    start = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start[:1] == b"<" and b"TrustServiceStatusList" in start


def read(data: bytes, download: Download, limits: Limits = DEFAULT) -> Imported:
    """The services of a trusted list. Raises `Malformed` where it is none."""
    reading = Reading(kind=SourceKind.TRUSTED_LIST, data=data, download=download, limits=limits)
    try:
        listed = read_trusted_list(data)
    except Malformed as error:
        raise Malformed(f"{download.name}: {error}") from error
    return read_list(listed, reading)


@implements("TRUSTWORKS:ASSURANCE-SOURCE-TL", disabled=nothing)
def read_list(listed: TrustedList, reading: Reading) -> Imported:
    """The services of a trusted list that is parsed already."""
    for finding in listed.findings:
        reading.problem(finding.place, finding.words)
    if listed.scheme.pointers and not listed.providers:
        reading.problem(
            "the whole list",
            f"This is a list of {len(listed.scheme.pointers)} lists, and has no services itself: read those.",
        )
    services = tuple(
        _service(reading, listed, provider, service)
        for provider in listed.providers
        for service in provider.services
    )
    return reading.imported(services)


def _service(reading: Reading, listed: TrustedList, provider: Provider, service: Service) -> ListedService:
    now, territory = service.current, listed.scheme.territory[:20]
    names = _name(provider.names), _name(now.names)
    return ListedService(
        territory=territory,
        provider=names[0],
        name=names[1],
        type=now.type,
        status=now.status,
        since=now.since,
        granted=approved_periods(service, (GRANTED,)),
        purposes=_ends(one.uri for one in now.extensions if isinstance(one, AdditionalServiceInformation)),
        qualifiers=_ends(
            qualifier
            for one in now.extensions
            if isinstance(one, Qualifications)
            for element in one.elements
            for qualifier in element.qualifiers
        ),
        keys=tuple(one.sha256.hex() for one in now.identity.certificates),
        public_keys=tuple(sha256(one.key).hexdigest() for one in now.identity.certificates if one.key),
        key_identifiers=tuple(one.hex() for one in now.identity.key_identifiers),
        provenance=reading.provenance(f"{territory}, {names[0]}, {names[1]}"),
    )


def _name(names: Sequence[Text]) -> str:
    try:
        return text(english(names)) or _NOBODY
    except UnreadableError:
        return _NOBODY


def _ends(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({one.rstrip("/").rsplit("/", 1)[-1] for one in addresses}))
