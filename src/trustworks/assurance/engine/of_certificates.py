"""The questions that are asked of one certificate of one product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Final

from trustworks.assurance.engine.subject import KINDS_OF_ENDED, Answer, area_name, names
from trustworks.assurance.model import (
    CertificateKind,
    ConfirmationKind,
    Conflict,
    DocumentKind,
    FactName,
    Missing,
    Status,
    value_text,
)
from trustworks.assurance.rulesets.domains import UNKNOWN
from trustworks.assurance.sources.comparing import VERSIONS, another, compared, unlisted
from trustworks.assurance.sources.identity import version_among
from trustworks.core.remembered import remembered
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.assurance.engine.subject import Basis, Levels, Subject
    from trustworks.assurance.model import Certificate, Product, Value

_STANDARDS: Final = ("FIPS 140-1", "FIPS 140-2", "FIPS 140-3")
# What a caveat can take away, the gravest first: parameters are named after it.
_WEAKENING: Final = ("integrity", "weak-keys", "loaded-keys")
_MAKING: Final = frozenset({"keygen", "derive", "random"})
_BRINGING_IN: Final = frozenset({"import", "unwrap", "restore"})
_EAL: Final = re.compile(r"\bEAL\s*([0-7])\b", re.IGNORECASE)
_COMPARED: Final = frozenset({"hardware", "firmware", "software", "model", "variant", "serial"})
_WITHDRAWN: Final = frozenset({Status.REVOKED, Status.SUSPENDED})


def standard(subject: Subject) -> Answer:
    """The standard of a FIPS certificate."""
    value, facts = _value(subject, FactName.STANDARD)
    if not isinstance(value, str):
        return _unknown("its standard", value, facts)
    plain = re.sub(r"\s+", " ", value.upper().replace("PUB ", "")).strip()
    found = next((one for one in _STANDARDS if plain.startswith(one)), "other")
    return Answer(found, value, facts)


def overall_level(subject: Subject) -> Answer:
    """The overall level of FIPS 140."""
    value, facts = _value(subject, FactName.OVERALL_LEVEL)
    if not isinstance(value, int) or not 1 <= value <= 4:
        return _unknown("its overall level", value, facts)
    return Answer(value, str(value), facts)


@implements("TRUSTWORKS:ASSURANCE-AREAS", disabled=Answer("keys-at-3"))
def areas(subject: Subject) -> Answer:
    """How far the areas are at level 3, above all those that matter to keys; told are those below it.

    An area that does not apply is at no level: among those that matter it counts as below, among the others
    not at all.
    """
    known, facts = levels(subject)
    if known is None:
        value, _ = _value(subject, FactName.AREA_LEVELS)
        return _unknown("the levels of its areas", value, facts)
    overall, deviations = known
    below = []
    for first, alternatives in _wanted(subject.words("areas")):
        level = next((deviations[one] for one in alternatives if one in deviations), overall)
        if level is None or level < 3:
            below.append(f"{first} ({'does not apply' if level is None else f'level {level}'})")
    told = ", ".join(below)
    if not below:
        low = overall < 3 or any(level is not None and level < 3 for level in deviations.values())
        return Answer("keys-at-3" if low else "all-at-3", told, facts)
    some = overall >= 3 or any(level is not None and level >= 3 for level in deviations.values())
    return Answer("some-at-3" if some else "none-at-3", told, facts)


@cache  # by the lists of rule sets, of which there are few
def _wanted(areas: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each area as it is told, and all its names as they are compared."""
    split = [[one.strip() for one in wanted.split("|")] for wanted in areas]
    return tuple((names[0], tuple(map(area_name, names))) for names in split)


@implements("TRUSTWORKS:ASSURANCE-STANDING", disabled=Answer("active"))
def status(subject: Subject) -> Answer:
    """How the certificate stands on the day that is asked about.

    What a source says of it holds for any day, since it does not say since when; its own dates and the end of
    its standard make an active one less. One of which status, issue or end is not told is not known to stand.
    """
    told, about_status = _value(subject, FactName.STATUS)
    issued, about_issue = _value(subject, FactName.ISSUED)
    ends, about_end = _value(subject, FactName.ENDS)
    used = (*about_status, *about_issue, *about_end)
    if told in _WITHDRAWN:
        return Answer(str(told), f"it is {told}", used)
    conflict = next((one for one in (told, issued, ends) if isinstance(one, Conflict)), None)
    if conflict is not None:
        return _unknown("its status", conflict, used)
    if isinstance(issued, date) and issued > subject.at:
        return Answer("not-yet", f"it was issued on {issued}, later than this day", used)
    ended = _ended(subject, told, ends)
    if ended is not None:
        return Answer(*ended, used)
    for value, what in ((told, "its status"), (issued, "the day of its issue"), (ends, "its end")):
        if isinstance(value, Missing):
            return _unknown(what, value, used)
    return Answer("active", f"it is active until {ends}", used)


def _ended(subject: Subject, told: object, ends: object) -> tuple[str, str] | None:
    """That it counts no more: by its source, by the end of its standard, by its own end."""
    if isinstance(told, Status) and told is not Status.ACTIVE:
        return str(told), f"it is {told}"
    sunsets = subject.rules.sunsets if _certificate(subject).kind is CertificateKind.FIPS else ()
    own = subject.ask("standard").value if sunsets else ""
    for one in sunsets:
        if one.standard == own and one.begins <= subject.at:
            return str(one.status), f"all certificates of {own} are {one.status} since {one.begins}"
    if isinstance(ends, date) and ends < subject.at:
        how = KINDS_OF_ENDED.get(_certificate(subject).kind, "expired")
        return how, f"it is {how}, as its validity ended on {ends}"
    return None


@implements("TRUSTWORKS:ASSURANCE-CONDITION", disabled=Answer("none"))
def caveat(subject: Subject) -> Answer:
    """The condition under which the certificate holds, and whether a person confirmed that it is kept."""
    value, facts = _value(subject, FactName.CAVEAT)
    if not isinstance(value, str):
        return _unknown("its caveat", value, facts)
    left = value
    for phrase in subject.words("harmless-caveats"):
        left = re.sub(re.escape(phrase), "", left, flags=re.IGNORECASE)
    if not re.search(r"\w", left):
        return Answer("none", value, facts)
    told = " ".join(value.split())
    confirmed = subject.confirmations(ConfirmationKind.CONDITION)
    if confirmed and confirmed[-1].complete:
        return Answer("confirmed", told, (*facts, *confirmed[-1:]))
    return Answer("unconfirmed", told, facts)


@implements("TRUSTWORKS:ASSURANCE-CAVEAT-WEAKENS", disabled=Answer("assured"))
def assured(subject: Subject) -> Answer:
    """What the caveat takes away of what the process uses; nobody can confirm it back.

    The parameters name the caveats by the words that their sentences have, since programmes spell them in
    several ways.
    """
    value, facts = _value(subject, FactName.CAVEAT)
    if not isinstance(value, str):
        return _unknown("its caveat", value, facts)
    found = {kind: _sentences(value, subject.words(f"{kind}-caveats")) for kind in _WEAKENING}
    # That entropy was brought in is about the keys that are made of it, and not about keys that are.
    found["loaded-keys"] = tuple(one for one in found["loaded-keys"] if one not in found["weak-keys"])
    if not _makes_keys(subject):
        found["weak-keys"] = ()
    if not _brings_keys_in(subject):
        found["loaded-keys"] = ()
    for kind in _WEAKENING:
        if found[kind]:
            told = dict.fromkeys(one for sentences in found.values() for one in sentences)
            return Answer(kind, "; ".join(told), facts)
    return Answer("assured", "", facts)


@remembered(1024)  # modules have the same caveats
def _sentences(caveat: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences of a caveat that have a word of each part: parts are between +, words between |."""
    plain = re.sub(r"\b(e\.g|i\.e)\.", lambda found: found[1].replace(".", ""), " ".join(caveat.split()))
    wanted = [
        [[word.strip().lower() for word in part.split("|")] for part in one.split("+")] for one in patterns
    ]
    return tuple(
        one.strip(" .;")
        for one in re.split(r"[.;](?:\s|$)", plain)
        if any(all(any(word in one.lower() for word in part) for part in parts) for parts in wanted)
    )


def _makes_keys(subject: Subject) -> bool:
    """Whether the process makes keys; one of which nobody wrote what it uses may."""
    binding = subject.binding
    making = binding.process.endswith("_generation") or not _MAKING.isdisjoint(binding.functions)
    return making or not binding.functions


def _brings_keys_in(subject: Subject) -> bool:
    """Whether keys come into the module from outside of it."""
    came = any(
        one.target == subject.product.id and one.on <= subject.at
        for one in subject.index.transfers.get(subject.product.id, ())
    )
    return came or not _BRINGING_IN.isdisjoint(subject.binding.functions)


def eal(subject: Subject) -> Answer:
    """The evaluation assurance level; 0 where the certificate has none."""
    value, facts = _value(subject, FactName.EAL)
    if not isinstance(value, int) or not 0 <= value <= 7:
        return _unknown("its evaluation assurance level", value, facts)
    return Answer(value, f"EAL {value}" if value else "no evaluation assurance level", facts)


@implements("TRUSTWORKS:ASSURANCE-EQUIVALENT-LEVEL", disabled=Answer(7))
def equivalent_level(subject: Subject) -> Answer:
    """The EAL that the level of a certificate of other criteria corresponds to.

    As it was registered with the certificate, or as the evidence of equivalence says what it is against
    ("ISO/IEC 15408, EAL 4"); where they differ it is unknown.
    """
    value, facts = _value(subject, FactName.EAL)
    if isinstance(value, Conflict):
        return _unknown("the EAL that its level corresponds to", value, facts)
    documents = subject.documents(DocumentKind.EQUIVALENCE)[-1:]
    told = {int(one) for document in documents for one in _EAL.findall(document.standard)}
    used: tuple[Basis, ...] = (*facts, *documents)
    if isinstance(value, int):
        told.add(value)
    if len(told) > 1:
        return Answer(UNKNOWN, f"EAL {' and EAL '.join(map(str, sorted(told)))} are both told", used)
    for level in told:
        if 0 <= level <= 7:
            return Answer(level, f"EAL {level}", used)
    return Answer(UNKNOWN, "nobody has written to which EAL its level corresponds", used)


@implements("TRUSTWORKS:ASSURANCE-PROFILE-VERIFIED", disabled=Answer("verified"))
def profile(subject: Subject) -> Answer:
    """Whether it conforms to one of the protection profiles: only a person's reading counts."""
    wanted = subject.words("profiles")
    for one in reversed(subject.confirmations(ConfirmationKind.PROFILE)):
        found = next((name for name in wanted for value in one.values if names(value, name)), None)
        if found is not None and one.complete:
            return Answer("verified", found, (one,))
        if found is not None:  # what was read last counts: it is in doubt now
            return Answer("claimed", f"{found} ({one.by} left it open on {one.on})", (one,))
    value, facts = _value(subject, FactName.PROTECTION_PROFILES)
    if isinstance(value, Conflict | Missing):
        return _unknown("its protection profiles", value, facts)
    claimed = [
        one for one in (value if isinstance(value, tuple) else ()) if any(names(one, n) for n in wanted)
    ]
    if claimed:
        return Answer("claimed", ", ".join(claimed), facts)
    return Answer("absent", ", ".join(wanted), facts)


@implements("TRUSTWORKS:ASSURANCE-SCOPE", disabled=Answer("inside"))
def scope(subject: Subject) -> Answer:
    """Whether every function that the process uses was evaluated."""
    used = subject.binding.functions
    read = subject.confirmations(ConfirmationKind.SCOPE)
    if not used:
        return Answer(UNKNOWN, "nobody has written which functions the process uses")
    if not read:
        return Answer(UNKNOWN, "nobody has confirmed which functions were evaluated")
    if not read[-1].complete:  # what was read last counts
        return Answer(UNKNOWN, f"{read[-1].by} left it open on {read[-1].on}", read[-1:])
    doubts = [number for number, one in enumerate(read) if not one.complete]
    read = read[doubts[-1] + 1 :] if doubts else read
    evaluated = {value for one in read for value in one.values}
    outside = [one for one in used if one not in evaluated]
    if outside:
        return Answer("outside", ", ".join(outside), read)
    return Answer("inside", ", ".join(used), read)


@implements("TRUSTWORKS:ASSURANCE-INSTANCE", disabled=Answer("same"))
def identity(subject: Subject) -> Answer:
    """Whether a person confirmed that this instance is what the certificate is about, and it is so still.

    `Confirmation.values` hold what was compared (``firmware=7.8.4``): what has changed since undoes it, and
    so does a list of the certificate's versions that it is not on. A certificate that names another product
    or holder is the product's only where a person said why.
    """
    product = subject.product
    others, said = another(product, _certificate(subject)), subject.confirmations(ConfirmationKind.OTHER_NAME)
    explained = said[-1] if said and said[-1].complete and said[-1].values else None
    if others and explained is None:
        return Answer("differs", "; ".join(others), _certificate(subject).told(FactName.PRODUCT))
    read = subject.confirmations(ConfirmationKind.IDENTITY)
    if read:
        last = read[-1]
        then = compared(last.values)
        differing = (*_changed(product, then), *unlisted(then, _certificate(subject)))
        if differing:
            return Answer("differs", "; ".join(differing), (last,))
        if last.complete and not any(name in then for name, _ in VERSIONS):
            return Answer(
                UNKNOWN, f"{last.by} confirmed it on {last.on} without comparing a version", (last,)
            )
        if last.complete:
            told = ", ".join(f"{name} {value}" for name, value in then.items())
            if explained is not None and others:
                why = f"{'; '.join(explained.values)} ({explained.by}, {explained.on})"
                told += f". Though {'; '.join(others)}: {why}"
            return Answer("same", told, (last,) if explained is None else (last, explained))
    for name, own in ((FactName.HARDWARE, product.hardware), (FactName.FIRMWARE, product.firmware)):
        value, facts = _value(subject, name)
        if own and isinstance(value, tuple) and value and not version_among(own, value):
            return Answer("differs", f"{name} {own} is not among {', '.join(value)}", facts)
    return Answer(UNKNOWN, "nobody has confirmed that this instance is the evaluated variant and version")


def _changed(product: Product, then: Mapping[str, str]) -> tuple[str, ...]:
    """What the register says of the product otherwise than what was compared."""
    return tuple(
        f"{name} was {value}, and is {getattr(product, name) or 'not told'}"
        for name, value in then.items()
        if name in _COMPARED and getattr(product, name) != value
    )


@implements("TRUSTWORKS:ASSURANCE-CONFIGURED", disabled=Answer("complete"))
def configured(subject: Subject) -> Answer:
    """Whether the device is configured and used as it was certified, item by item."""
    return _checklist(subject, ConfirmationKind.CONFIGURED, "complete")


@implements("TRUSTWORKS:ASSURANCE-TARGET-FITS", disabled=Answer("confirmed"))
def target_fits(subject: Subject) -> Answer:
    """Whether what was evaluated fits the standard, by a risk analysis."""
    return _checklist(subject, ConfirmationKind.TARGET_FITS, "confirmed")


def _checklist(subject: Subject, kind: ConfirmationKind, whole: str) -> Answer:
    read = subject.confirmations(kind)
    if not read:
        return Answer(UNKNOWN, "nobody has confirmed it")
    return Answer(whole if read[-1].complete else "incomplete", "", read[-1:])


def _certificate(subject: Subject) -> Certificate:
    assert subject.certificate is not None  # noqa: S101 - `rulesets.checking` sees to it
    return subject.certificate


def _value(subject: Subject, name: FactName) -> tuple[Value | Missing | Conflict, tuple[Basis, ...]]:
    certificate = _certificate(subject)
    return certificate.value(name), certificate.told(name)


def _unknown(what: str, value: object, facts: tuple[Basis, ...]) -> Answer:
    if isinstance(value, Conflict):
        told = " and ".join(
            dict.fromkeys(f"{value_text(one.value)} ({one.provenance.name})" for one in value.facts)
        )
        return Answer(UNKNOWN, f"sources differ about {what}: {told}", facts)
    return Answer(UNKNOWN, f"no source tells {what}", facts)


@implements("TRUSTWORKS:ASSURANCE-EDITION", disabled=Answer("2022"))
def cc_version(subject: Subject) -> Answer:
    """Whether it was evaluated by the edition of 2022: ISO/IEC 15408:2022, or CC:2022."""
    value, facts = _value(subject, FactName.STANDARD)
    if not isinstance(value, str):
        return _unknown("by which edition of the criteria it was evaluated", value, facts)
    plain = value.upper().replace(" ", "")
    if "2022" in plain and ("CC" in plain or "15408" in plain or "COMMONCRITERIA" in plain):
        return Answer("2022", value, facts)
    if re.search(r"15408$|^COMMONCRITERIA$|^CC$", plain):
        return Answer(UNKNOWN, f"a source tells {value}, without its edition", facts)
    return Answer("earlier", value, facts)


def levels(subject: Subject) -> Levels:
    """The overall level, and the areas that differ from it; None where one of them is unknown."""
    certificate = _certificate(subject).id
    found = subject.index.levels.get(certificate)
    if found is None:  # they are the same on any day and by any rules
        found = subject.index.levels[certificate] = _levels(subject)
    return found


def _levels(subject: Subject) -> Levels:
    overall, about_overall = _value(subject, FactName.OVERALL_LEVEL)
    areas, about_areas = _value(subject, FactName.AREA_LEVELS)
    facts = (*about_overall, *about_areas)
    if not isinstance(overall, int) or not isinstance(areas, Mapping):
        return None, facts
    return (overall, {area_name(name): level for name, level in areas.items()}), facts


QUESTIONS: Final[Mapping[str, Callable[[Subject], Answer]]] = {
    "standard": standard,
    "overall-level": overall_level,
    "areas": areas,
    "cc-version": cc_version,
    "status": status,
    "caveat": caveat,
    "assured": assured,
    "eal": eal,
    "equivalent-level": equivalent_level,
    "profile": profile,
    "scope": scope,
    "identity": identity,
    "configured": configured,
    "target-fits": target_fits,
}
