"""The provider's services beside what trusted lists say of them, by their keys: point 12 of Annex III.

A list names a service by certificates and key identifiers that all stand for one public key (TS 119 612,
5.5.3): the same key is the same service, whatever its certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustworks.assurance.dossier.model import ServiceIdentity
    from trustworks.assurance.sources import ListedService


@dataclass(frozen=True, slots=True, kw_only=True)
class InList:
    """What one list says of one service; `by` is what was the same: certificate, key, key identifier."""

    service: str
    by: str
    name: str
    type: str
    status: str
    since: str
    granted: bool


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-LISTED", disabled=())
def in_list(identities: Iterable[ServiceIdentity], services: Iterable[ListedService]) -> Iterator[InList]:
    """The services of ours that a list has, in the order of ours."""
    listed = tuple(services)
    for one in identities:
        for other in listed:
            by = _same(one, other)
            if by is not None:
                yield InList(
                    service=one.name,
                    by=by,
                    name=other.name,
                    type=other.type,
                    status=other.status,
                    since=other.since.date().isoformat(),
                    granted=other.is_granted,
                )


def _same(one: ServiceIdentity, other: ListedService) -> str | None:
    if one.sha256 in other.keys:
        return "certificate"
    if one.spki_sha256 and one.spki_sha256 in other.public_keys:
        return "key, in another certificate"
    return "key identifier" if one.key_identifier in other.key_identifiers else None


def differences(
    identities: Iterable[ServiceIdentity], found: Iterable[InList], territory: str
) -> tuple[str, ...]:
    """What a list says otherwise than the provider, as sentences: who is not on it, who is not granted."""
    told = {one.service: one for one in found}
    sentences = []
    for one in identities:
        entry = told.get(one.name)
        if entry is None:
            sentences.append(f"{one.name} (SKI {one.key_identifier}) is not on the list of {territory}.")
        elif not entry.granted:
            status = entry.status.rsplit("/", 1)[-1]
            sentences.append(f"{one.name} is on the list of {territory} as {status} since {entry.since}.")
        elif entry.by != "certificate":
            sentences.append(f"{one.name} is on the list of {territory} by its {entry.by}.")
    return tuple(sentences)


def entry_of(one: ServiceIdentity, kind: str, provider: str) -> dict[str, Any]:
    """The draft of an entry for a service: what a list says of it (TS 119 612, 5.5), but for its status."""
    return {
        "provider": provider,
        "type": kind,
        "name": one.name,
        "subject": one.subject,
        "ski": one.key_identifier,
        "certificate_sha256": one.sha256,
        "pem": one.pem,
    }
