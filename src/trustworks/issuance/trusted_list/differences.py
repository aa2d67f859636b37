"""What tells two lists apart, in plain words: scheme, pointers, services, their states."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.trusted_lists.model import Qualifications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import (
        Extension,
        Pointer,
        Provider,
        Scheme,
        Service,
        ServiceState,
        Text,
        TrustedList,
    )

_WORDS: Final = {
    "version": "The version of the format",
    "type": "The type of the list",
    "territory": "The territory",
    "status_determination": "The way in which statuses are determined",
    "historical_period": "The period of the history",
    "operators": "The scheme operator",
    "names": "The name of the scheme",
    "information_uris": "Where the scheme is explained",
    "community_rules": "The rules of the scheme",
    "policies": "The policy",
    "legal_notices": "The legal notice",
    "distribution_points": "Where the list is published",
}
"""The parts of a scheme that are told by what was and what is. Others have sentences of their own."""


def differences(old: TrustedList, new: TrustedList) -> tuple[str, ...]:
    """Sentences, the scheme's first; none where the lists are the same, octet for octet."""
    if old.sha256 == new.sha256:
        return ()
    found = (
        *_schemes(old.scheme, new.scheme),
        *_pointers(old.scheme, new.scheme),
        *_providers(old.providers, new.providers),
        *_services(old, new),
    )
    return found or ("The lists say the same in other octets: they were signed apart.",)


def _schemes(old: Scheme, new: Scheme) -> Iterator[str]:
    if old.sequence_number != new.sequence_number:
        yield f"The sequence number was {old.sequence_number} and is {new.sequence_number}."
    if old.issued != new.issued:
        yield f"The list was issued on {_at(old.issued)}, the new one on {_at(new.issued)}."
    if old.next_update != new.next_update:
        yield f"The next update was due on {_at(old.next_update)} and is due on {_at(new.next_update)}."
    if old.address != new.address:
        yield "The address of the scheme operator changed."
    for name, words in _WORDS.items():
        before, now = _told(getattr(old, name)), _told(getattr(new, name))
        if before != now:
            yield f"{words} was {before}, and is {now}."


def _pointers(old: Scheme, new: Scheme) -> Iterator[str]:
    before = {one.location: one for one in old.pointers}
    now = {one.location: one for one in new.pointers}
    for location in before.keys() - now.keys():
        yield f"It no longer points to the list at {location}."
    for location, one in now.items():
        if location not in before:
            yield f"It points to the list of {one.territory} at {location}."
        elif _signers(before[location]) != _signers(one):
            yield f"It names other certificates for who signs the list at {location}."
        elif before[location] != one:
            yield f"It tells something else of the list at {location}."


def _signers(pointer: Pointer) -> frozenset[bytes]:
    return frozenset(one.sha256 for one in pointer.certificates)


def _providers(old: tuple[Provider, ...], new: tuple[Provider, ...]) -> Iterator[str]:
    before = {_name(one.names): one for one in old}
    now = {_name(one.names): one for one in new}
    for name in before.keys() - now.keys():
        yield f"The provider {name} is no longer on it."
    for name, one in now.items():
        if name not in before:
            yield f"The provider {name} is new on it."
            continue
        was = before[name]
        if (was.trade_names, was.address, was.information_uris) != (
            one.trade_names,
            one.address,
            one.information_uris,
        ):
            yield f"The provider {name} has another trade name, address or page."


def _services(old: TrustedList, new: TrustedList) -> Iterator[str]:
    before, now = _by_key(old), _by_key(new)
    for key, one in before.items():
        if key not in now:
            yield f"{_service(one)} is no longer on it."
    for key, one in now.items():
        if key in before:
            yield from _changes(before[key], one)
        else:
            yield f"{_service(one)} is new on it: {_status(one.current)}."


def _by_key(listed: TrustedList) -> dict[tuple[str, object], Service]:
    found: dict[tuple[str, object], Service] = {}
    for provider in listed.providers:
        for one in provider.services:
            certificates = one.current.identity.certificates
            key = certificates[0].key if certificates else one.current.identity
            found[one.current.type, key] = one
    return found


def _changes(old: Service, new: Service) -> Iterator[str]:
    what = _service(new)
    was, now = old.current, new.current
    if (was.status, was.since) != (now.status, now.since):
        yield f"{what} was {_status(was)}; it is {_status(now)}."
    if was.names != now.names:
        yield f"{what} was called {_name(was.names)}."
    if was.identity != now.identity:
        yield f"{what} is identified by another certificate of the same key."
    yield from _extensions(what, was.extensions, now.extensions)
    rest = [
        one.name
        for one in fields(type(now))
        if one.name not in {"type", "status", "since", "names", "identity", "extensions"}
    ]
    if any(getattr(was, name) != getattr(now, name) for name in rest):
        yield f"{what} is explained or reached elsewhere."
    lost = [one for one in old.states if _state(one) not in {_state(each) for each in new.states}]
    for one in lost:
        yield f"{what} is no longer told to have been {_status(one)}."


def _extensions(what: str, old: tuple[Extension, ...], new: tuple[Extension, ...]) -> Iterator[str]:
    for one in old:
        if one not in new:
            yield f"{what} no longer has {_extension(one)}."
    for one in new:
        if one not in old:
            yield f"{what} has {_extension(one)}."


def _extension(one: Extension) -> str:
    if isinstance(one, Qualifications):
        return f"qualifications of {len(one.elements)} kinds of certificates"
    uri = getattr(one, "uri", "")
    return f"the extension {_last(uri) if isinstance(uri, str) and uri else type(one).__name__}"


def _state(state: ServiceState) -> tuple[str, datetime]:
    return state.status, state.since


def _service(one: Service) -> str:
    return f"The service {_name(one.current.names)} ({_kind(one.current.type)})"


def _kind(uri: str) -> str:
    return uri.rpartition("/Svctype/")[2] or uri


def _status(state: ServiceState) -> str:
    return f"{_last(state.status)} since {_at(state.since)}"


def _last(uri: str) -> str:
    return uri.rpartition("/")[2]


def _name(texts: tuple[Text, ...]) -> str:
    return next((one.value for one in texts if one.language == "en"), texts[0].value if texts else "?")


def _at(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(one, "value", one)) for one in value) or "nothing"
    return str(value)
