"""The questions that are asked of a product in its process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine import of_certificates
from trustworks.assurance.engine.subject import Answer, area_name
from trustworks.assurance.engine.telling import tell
from trustworks.assurance.model import (
    CertificateKind,
    CheckKind,
    DocumentKind,
    FactName,
    Missing,
    ProductKind,
    Status,
    Used,
    due_of,
    live_until,
)
from trustworks.assurance.rulesets.domains import UNKNOWN
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trustworks.assurance.engine.subject import Basis, Subject
    from trustworks.assurance.model import Certificate

# A shipment is received by two (EN 319 411-1, 6.5.2); the others are looked at by whoever is appointed.
_TWO_PERSONS: Final = frozenset({CheckKind.SHIPMENT, CheckKind.DUAL_CONTROL})
_COVERING: Final = frozenset({"active", "historical"})
# The parameter that lists the areas of a standard.
_STANDARDS: Final = {"FIPS 140-2": "areas-fips-140-2", "FIPS 140-3": "areas-fips-140-3"}
# The areas that a certificate does not cover, by what its caveat takes away of it.
_DOUBTED: Final = {
    "integrity": "areas-of-integrity",
    "weak-keys": "areas-of-keys",
    "loaded-keys": "areas-of-keys",
}
_KEPT: Final = frozenset({"none", "confirmed"})
# Why a certificate does not count, by what a question about it found.
_NOT_COUNTED: Final[Mapping[tuple[str, str | int], str]] = {
    ("identity", "differs"): "as this instance is not what it is about",
    ("identity", UNKNOWN): "until a person confirms that this instance is the evaluated one",
    ("caveat", "unconfirmed"): "until a person confirms that its condition is kept",
    ("caveat", UNKNOWN): "as its condition is not known",
    ("scope", "outside"): "as it does not cover what the process uses",
    ("scope", UNKNOWN): "until a person confirms that it covers what the process uses",
}


def day(subject: Subject) -> Answer:
    """The day that is asked about."""
    return Answer(subject.at.toordinal(), subject.at.isoformat())


@implements("TRUSTWORKS:ASSURANCE-TEST-MODULE", disabled=Answer("real"))
def hardware(subject: Subject) -> Answer:
    """Whether it is a device at all: software that plays one is for tests."""
    product = subject.product
    used = Used(what=f"{product.id} real hardware", value=str(product.real_hardware), source="the register")
    if product.test_module:
        seen = _observed(subject) if product.observed and product.observed.is_test_module else (used,)
        return Answer("test", product.test_module, seen)
    if product.real_hardware is None:
        return Answer(UNKNOWN, "nobody has written whether it is a device or software")
    return Answer("real", "", (used, *_observed(subject)))


@implements("TRUSTWORKS:ASSURANCE-LIVE-UNREGISTERED", disabled=Answer("registered"))
def registered(subject: Subject) -> Answer:
    """Whether the register has the module, or a look at what runs found it alone."""
    product, seen = subject.product, subject.product.observed
    if product.id or seen is None:
        return Answer("registered")
    told = f"{product.name}, on which {seen.manufacturer} {seen.model} is, serial number {seen.serial}"
    return Answer("test" if seen.is_test_module else "unregistered", told, _observed(subject))


@implements("TRUSTWORKS:ASSURANCE-AS-REGISTERED", disabled=Answer("same"))
def observed(subject: Subject) -> Answer:
    """Whether what the module says of itself is what the register holds, or what was accepted before."""
    product, seen = subject.product, subject.product.observed
    if seen is None:
        return Answer("not-read" if product.kind is ProductKind.MODULE else "no-module")
    pairs = (
        ("serial number", product.serial, seen.serial),
        ("model", product.model, seen.model),
        ("manufacturer", product.manufacturer, seen.manufacturer),
        ("firmware", product.firmware, seen.firmware),
        ("hardware", product.hardware, seen.hardware),
        ("PKCS#11 library (SHA-256)", product.library_sha256, seen.library_sha256),
    )
    differing = [
        f"the {name} is {now}, and {then} in the register"
        for name, then, now in pairs
        if then and then != now
    ]
    differing = [*seen.unexpected] or differing  # which has what differs from the register, too
    if differing:
        return Answer("differs", "; ".join(differing), _observed(subject))
    if live_until(seen.at, "identity") < subject.at:
        return Answer("old", f"it was seen last on {seen.at:%Y-%m-%d}", _observed(subject))
    return Answer("same", f"seen last on {seen.at:%Y-%m-%d}", _observed(subject))


def _observed(subject: Subject) -> tuple[Used, ...]:
    seen = subject.product.observed
    if seen is None:
        return ()
    told = f"{seen.manufacturer} {seen.model}, serial {seen.serial}, firmware {seen.firmware}"
    return (
        Used(
            what=f"{subject.product.id or subject.product.name} identity",
            value=told,
            source=f"read from the module on {seen.at:%Y-%m-%d %H:%M} UTC",
            evidence=seen.library_sha256,
        ),
    )


@implements("TRUSTWORKS:ASSURANCE-FUNCTIONING", disabled=Answer("well"))
def health(subject: Subject) -> Answer:
    """Whether it works: its last probe, else the last check of its function."""
    found = check(subject, CheckKind.FUNCTION)
    if found.value == "failed":
        return Answer("failed", f"the check {found.told}", found.facts)
    if subject.product.healthy is None:
        answers = {"passed": "well", "one-person": "well", "overdue": "overdue"}
        answer = answers.get(str(found.value), UNKNOWN)
        told = found.told if found.facts else "no probe and no check is on record"
        return Answer(answer, f"the check {told}" if answer == "well" else told, found.facts)
    seen = subject.product.observed
    when = "" if seen is None else f" of {seen.at:%Y-%m-%d}"
    used = Used(
        what=f"{subject.product.id} health",
        value=str(subject.product.healthy),
        source=f"the last probe{when}",
    )
    if not subject.product.healthy:
        return Answer("failed", f"its last probe{when}", (used, *found.facts))
    if seen is not None and live_until(seen.at, "health") < subject.at:
        if found.value in {"passed", "one-person"}:
            return Answer("well", f"the check {found.told}", (used, *found.facts))
        return Answer("old", f"it was probed last on {seen.at:%Y-%m-%d}", (used, *found.facts))
    return Answer("well", f"its last probe{when}", (used, *found.facts))


@implements("TRUSTWORKS:ASSURANCE-DOCUMENTS", disabled=Answer("at-hand"))
def document(subject: Subject, kind: DocumentKind) -> Answer:
    """Whether a document is at hand, argues all that it has to, and has been reviewed in time."""
    found = subject.documents(kind)
    if not found:
        return Answer("none", kind.replace("-", " "))
    last = found[-1]
    used = (last,)
    if last.open:
        return Answer("open", ", ".join(last.open), used)
    if last.reviewed_until is not None and last.reviewed_until < subject.at:
        return Answer("overdue", f"due on {last.reviewed_until}", used)
    return Answer("at-hand", last.title, used)


@implements("TRUSTWORKS:ASSURANCE-CHECKS-IN-TIME", disabled=Answer("passed"))
def check(subject: Subject, kind: CheckKind) -> Answer:
    """The last check of a kind: whether it passed, by how many, and whether it is due again."""
    found = subject.checks(kind)
    if not found:
        return Answer("none", kind.replace("-", " "))
    last = found[-1]
    used = (last,)
    if not last.passed:
        return Answer("failed", f"on {last.on}", used)
    if kind in _TWO_PERSONS and len(set(last.persons)) < 2:
        return Answer("one-person", f"on {last.on}", used)
    if kind is CheckKind.SHIPMENT and not last.seals:
        return Answer("no-seals", f"on {last.on}", used)
    due = due_of(last)
    if due is not None and due < subject.at:
        own = "" if last.due else f", made on {last.on} without a day of its own"
        return Answer("overdue", f"due on {due}{own}", used)
    return Answer("passed", f"on {last.on}", used)


@implements("TRUSTWORKS:ASSURANCE-UNCOVERED", disabled=Answer("argued"))
def uncovered(subject: Subject) -> Answer:
    """Which areas of ISO/IEC 19790 no certificate covers, and whether the demonstration argues each.

    A certificate of FIPS 140-2 or 140-3 covers the areas in which its level is that of the parameter `level`
    or higher; areas of `accepted-not-applicable` need not apply. One that is historical covers too, which is
    told (`ended`). Without a certificate all areas are uncovered; one that does not count is named, and why.
    """
    documents, level = subject.documents(DocumentKind.ISO_19790), subject.number("level")
    held = subject.index.certificates_of(subject.product)
    covers = [one for one in (_cover(subject, one, level) for one in held) if one is not None]
    covers.append(_Cover(uncovered=subject.words("areas-fips-140-3"), active=True, about=subject, bases=()))
    if not documents:
        fewest = min((one.uncovered for one in covers), key=len)
        return Answer("no-document", f"{_at_level(level, fewest)}{_without(subject, covers)}")
    last = documents[-1]
    argued = {area_name(one) for one in last.argued} - {area_name(one) for one in last.open}
    best, cover, still = max(
        (
            (0 if left else 2 if one.active else 1, one, left)
            for one in covers
            for left in (tuple(name for name in one.uncovered if area_name(name) not in argued),)
        ),
        key=lambda one: (one[0], -len(one[2])),
    )
    facts: tuple[Basis, ...] = (*(tell(cover.about, one) for one in cover.bases), last)
    if still:
        return Answer("not-argued", f"{_at_level(level, still)}{_without(subject, covers)}", facts)
    return Answer("argued" if best == 2 else "ended", _at_level(level, cover.uncovered), facts)


def _without(subject: Subject, covers: Sequence[_Cover]) -> str:
    """The certificates of FIPS 140 that do not count, each with the reason."""
    counting = {one.about.certificate.id for one in covers if one.about.certificate is not None}
    told = "; ".join(
        f"{one.id} does not count {_why_not(subject.altered(certificate=one))}"
        for one in subject.index.certificates_of(subject.product)
        if one.kind is CertificateKind.FIPS and one.id not in counting
    )
    return f" ({told})" if told else ""


def _at_level(level: int, areas: tuple[str, ...]) -> str:
    return f"level {level} in {', '.join(areas)}" if areas else "no area"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cover:
    """What a certificate leaves uncovered, whether it is active, and on what that stands."""

    uncovered: tuple[str, ...]
    active: bool
    about: Subject
    bases: tuple[Basis, ...]


def _cover(subject: Subject, certificate: Certificate, level: int) -> _Cover | None:
    """What a certificate of FIPS 140 leaves to be argued; None where it is not one that can be relied on."""
    if certificate.kind is not CertificateKind.FIPS:
        return None
    about = subject.altered(certificate=certificate)
    standing, told = about.ask("status"), str(about.ask("standard").value)
    known, _ = of_certificates.levels(about)
    if standing.value not in _COVERING or known is None or told not in _STANDARDS:
        return None
    if about.ask("identity").value != "same" or about.ask("caveat").value not in _KEPT:
        return None
    if about.ask("scope").value != "inside":
        return None
    overall, deviations = known
    doubtful = {
        area
        for kind, parameter in _DOUBTED.items()
        if about.ask("assured").value == kind
        for area in _plain(subject.words(parameter))
    }
    optional = frozenset(_plain(subject.words("accepted-not-applicable")))
    areas = subject.words(_STANDARDS[told])
    left = []
    for name, plain in zip(areas, _plain(areas), strict=True):
        own = deviations.get(plain, overall)
        lower = (own is None and plain not in optional) or (own is not None and own < level)
        if lower or plain in doubtful:
            left.append(name)
    bases = (*standing.facts, *about.ask("overall-level").facts)
    return _Cover(uncovered=tuple(left), active=standing.value == "active", about=about, bases=bases)


def _why_not(about: Subject) -> str:
    """Why a certificate of FIPS 140 does not count: what a person still has to say, or what is against it."""
    standing = about.ask("status").value
    if standing not in _COVERING:
        return "as its status is not known" if standing == UNKNOWN else f"as it is {standing}"
    for question, counting in (("identity", {"same"}), ("caveat", _KEPT), ("scope", {"inside"})):
        found = about.ask(question).value
        if found not in counting:
            return _NOT_COUNTED[question, found]
    return "as its standard or its levels are not known, or of none of FIPS 140-2 and 140-3"


@cache  # by the lists of rule sets, of which there are few
def _plain(areas: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(area_name, areas))


def evaluated(subject: Subject) -> Answer:
    """Whether an independent body evaluated this very product, by a certificate that has not ended."""
    found: dict[str | int, list[str]] = {}
    for one in subject.index.certificates_of(subject.product):
        about = subject.altered(certificate=one)
        if one.kind is not CertificateKind.QSCD and about.ask("status").value in _COVERING:
            found.setdefault(about.ask("identity").value, []).append(one.id)
    if "same" in found:
        return Answer("yes", ", ".join(found["same"]))
    if UNKNOWN in found:
        return Answer("unconfirmed", ", ".join(found[UNKNOWN]))
    return Answer("no")


@implements("TRUSTWORKS:ASSURANCE-NOTIFIED", disabled=Answer("notified"))
def qscd(subject: Subject) -> Answer:
    """Whether the device is on the notified list of qualified signature creation devices.

    By an entry of the list that was imported, else by a document that a person registered.
    """
    found = [
        one for one in subject.index.certificates_of(subject.product) if one.kind is CertificateKind.QSCD
    ]
    for one in found:
        ends, status = one.value(FactName.ENDS), one.value(FactName.STATUS)
        running = isinstance(ends, Missing) or (isinstance(ends, date) and ends >= subject.at)
        if running and status in (Status.ACTIVE, Missing(FactName.STATUS)):
            return Answer("notified", one.number)
    if found:
        return Answer("ended", ", ".join(one.number for one in found))
    written = document(subject, DocumentKind.QSCD_NOTIFICATION)
    return Answer("notified", written.told, written.facts) if written.value == "at-hand" else Answer("none")


def in_force(since: date | None, until: date | None, at: date) -> bool:
    """Whether a binding holds on a day; `until` is the last one."""
    return (since is None or since <= at) and (until is None or at <= until)


QUESTIONS: Final[Mapping[str, Callable[[Subject], Answer]]] = MappingProxyType(
    {
        "day": day,
        "hardware": hardware,
        "registered": registered,
        "observed": observed,
        "health": health,
        "uncovered": uncovered,
        "evaluated": evaluated,
        "qscd": qscd,
        **{f"document:{kind}": partial(document, kind=kind) for kind in DocumentKind},
        **{f"check:{kind}": partial(check, kind=kind) for kind in CheckKind},
    }
)
