"""What the register refuses: statements that cannot be, or are about nothing that is registered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import (
    Binding,
    CertificateKind,
    Check,
    Confirmation,
    ConfirmationKind,
    Document,
    DocumentKind,
    Headcount,
    Product,
    ProviderPaper,
    Transfer,
    value_text,
)
from trustworks.assurance.sources.comparing import VERSIONS, another, compared, unlisted, versions_of
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from datetime import date

    from trustworks.assurance.model import Certificate, Entry
    from trustworks.assurance.rulesets import RuleSet

# What a process can use of a product; the same words say what was evaluated.
FUNCTIONS: Final = (
    "keygen",
    "sign",
    "decrypt",
    "wrap",
    "unwrap",
    "derive",
    "backup",
    "restore",
    "export",
    "import",
    "destroy",
    "random",
    "authorise",
    "time",
    "validate",
    "create",
    "issue",
    "preserve",
    "deliver",
)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Demonstrations that are nothing without what they are against.
_OF_A_STANDARD: Final = frozenset({DocumentKind.CONFORMITY, DocumentKind.ISO_19790})
# What can be compared between an instance and its certificate.
_COMPARABLE: Final = ("hardware", "firmware", "software", "model", "variant", "serial")
_LONGEST: Final = 500  # characters of any one text
_WITHOUT_PROFILES: Final = {
    CertificateKind.FIPS: "a certificate of FIPS 140",
    CertificateKind.QSCD: "an entry of the notified list",
}


def check_form(entry: Entry) -> None:
    """Refuse an entry whose own values cannot be. Raises `Malformed`."""
    if isinstance(entry, Product) and not _ID.fullmatch(entry.id):
        raise Malformed(
            f"{entry.id!a:.80} is no name of a product: up to 63 lower-case letters, digits, dots and "
            "hyphens, for example hsm-1."
        )
    for name, text in _texts(entry):
        if len(text) > _LONGEST:
            raise Malformed(f"{name} is longer than {_LONGEST} characters. Shorten it.")
        if any(not one.isprintable() for one in text):
            raise Malformed(f"{name} has characters that cannot be printed: {text!a:.80}.")
    if isinstance(entry, Product) and entry.library_sha256 and not _SHA256.fullmatch(entry.library_sha256):
        raise Malformed(
            f"{entry.library_sha256!a:.80} is no SHA-256 in hexadecimal: 64 digits and letters a to f."
        )
    if isinstance(entry, ProviderPaper):
        _check_paper(entry)
    if isinstance(entry, Document | Confirmation | Check | Transfer | Headcount):
        _check_values(entry)


@implements("TRUSTWORKS:ASSURANCE-NO-DEVICE", disabled=None)
def check_device(product: Product) -> None:
    """Refuse to hold software that plays a device to be one. Raises `Rejected` (assurance.test-module)."""
    if product.real_hardware and product.test_module:
        raise Rejected(
            "assurance.test-module",
            f"{product.id} is no device: {product.test_module}. Write --software-only, or enter the device "
            "that protects the keys instead.",
        )


def _texts(entry: Entry) -> Iterator[tuple[str, str]]:
    for name in getattr(entry, "__slots__", ()):
        value = getattr(entry, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, str):
                yield name.replace("_", " "), one


def _check_values(entry: Document | Confirmation | Check | Transfer | Headcount) -> None:
    if isinstance(entry, Check) and entry.due is not None and entry.due <= entry.on:
        raise Malformed(f"The check of {entry.on} would be due again on {entry.due}, which is not later.")
    if isinstance(entry, Document) and entry.kind in _OF_A_STANDARD and not entry.standard.strip():
        raise Malformed(f'Say what the {entry.kind} is against: --standard, for example "EN 419231".')
    if isinstance(entry, Check) and not entry.persons:
        raise Malformed("Say who made the check: --person PSEUDONYM, as often as there were persons.")
    if isinstance(entry, Confirmation) and not (entry.by.strip() and entry.page.strip()):
        raise Malformed("A confirmation needs who read it, and on which page: --page DOCUMENT, PAGE.")
    if isinstance(entry, Headcount) and (entry.persons < 0 or (entry.allowed or 0) < 0):
        raise Malformed("A number of persons is 0 or more.")
    if isinstance(entry, Transfer) and entry.source == entry.target and not entry.backup:
        raise Malformed(f"A transfer goes from one module to another; both are {entry.source}.")


def _check_paper(entry: ProviderPaper) -> None:
    if not (entry.title.strip() and entry.version.strip()):
        raise Malformed("A document of the provider needs a title and a version: --title TEXT --version 1.0.")
    if not _LANGUAGE.fullmatch(entry.language):
        raise Malformed(f"{entry.language!a:.20} is no ISO 639-1 code of two small letters, for example en.")


@implements("TRUSTWORKS:ASSURANCE-NOT-AHEAD", disabled=None)
def check_day(entry: Entry, today: date) -> None:
    """Refuse what is said to have happened on a day that has not come. Raises `Rejected`."""
    day = None
    if isinstance(entry, Check | Confirmation | Transfer | Headcount):
        day = entry.on
    elif isinstance(entry, Document | ProviderPaper):
        day = entry.written
    if day is not None and day > today:
        raise Rejected(
            "assurance.ahead",
            f"It is said to be of {day}, which has not come. Write the day on which it was.",
        )


# What tells which device or software it is: another value is another product, or a wrong entry.
IDENTIFYING: Final = (
    *("serial", "manufacturer", "model", "variant", "hardware", "firmware", "software", "library_sha256"),
)


@implements("TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED", disabled=None)
def check_announced(before: Product, values: Mapping[str, object], correction: str) -> None:
    """Refuse another identity of a product that no plan announced and that corrects no wrong entry.

    What the register did not say may be said; raises `Refused`.
    """
    if correction.strip():
        return
    told = [
        f"{name.replace('_', ' ')} {getattr(before, name)} to {values[name] or 'nothing'}"
        for name in IDENTIFYING
        if name in values and getattr(before, name) and values[name] != getattr(before, name)
    ]
    was, is_device = before.real_hardware, values.get("real_hardware")
    if was is not None and is_device is not None and was is not is_device:
        told.append("a device to software alone" if was else "software alone to a device")
    if told:
        raise Refused(
            "TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED",
            f"This makes another product of {before.id}: {', '.join(told)}. A change is planned first, a "
            "month ahead (`trustworks assurance change plan`), and `change done` writes it. Where it was "
            "wrong before, say why: --correction REASON, or its field at the console.",
        )


@implements("TRUSTWORKS:ASSURANCE-BY-HAND-KEPT", disabled=None)
def check_kept(entered: Certificate, files: Container[str]) -> None:
    """Refuse facts that were read in a file that is not kept, or by nobody. Raises `Rejected`."""
    for one in entered.facts:
        if one.provenance.document not in files:
            raise Rejected(
                "assurance.file", f"The file {one.provenance.document} is not kept; give the file itself."
            )
        if one.provenance.is_by_hand and not (one.provenance.by and one.provenance.place.strip()):
            raise Rejected(
                "assurance.by-hand",
                f"Say who read {one.name} of {entered.id}, and on which page of the file.",
            )


@implements("TRUSTWORKS:ASSURANCE-BY-HAND-CORRECTED", disabled=None)
def check_corrected(before: Certificate | None, entered: Certificate, correction: str) -> None:
    """Refuse another value of a fact that a person read before, without a reason.

    Also one that was read before what it would take the place of: the newer one would stay. Raises `Refused`,
    `Rejected`.
    """
    known = () if before is None else [one for one in before.facts if one.provenance.is_by_hand]
    told = []
    for fact in entered.facts:
        for one in known:
            if one.name is not fact.name or one.value == fact.value:
                continue
            if one.provenance.retrieved >= fact.provenance.retrieved:
                raise Rejected(
                    "assurance.by-hand",
                    f"{fact.name} {value_text(one.value)} was read later, on "
                    f"{one.provenance.retrieved.date()}. Say when you read it, after that: --read-on.",
                )
            told.append(f"{fact.name} {value_text(one.value)} to {value_text(fact.value)}")
    if told and not correction.strip():
        raise Refused(
            "TRUSTWORKS:ASSURANCE-BY-HAND-CORRECTED",
            f"{entered.id} was read otherwise before: {', '.join(told)}. Say why: --correction REASON.",
        )


@implements("TRUSTWORKS:ASSURANCE-ABOUT-SOMETHING", disabled=None)
def check_about(entry: Entry, products: Mapping[str, Product], files: Container[str]) -> None:
    """Refuse what is about a product, a certificate or a file that is not there. Raises `Rejected`."""
    named = [entry.source, entry.target] if isinstance(entry, Transfer) else []
    if isinstance(entry, Binding | Document | Check | Confirmation | Headcount):
        named = [entry.product]
    for one in named:
        if one not in products:
            raise Rejected(
                "assurance.product",
                f"There is no product {one!a:.80}. `trustworks assurance product list` shows all.",
            )
    if isinstance(entry, Confirmation) and entry.certificate not in products[entry.product].certificates:
        raise Rejected(
            "assurance.certificate",
            f"The certificate {entry.certificate!a:.80} is not bound to {entry.product}. `trustworks "
            f"assurance certificate bind {entry.certificate} {entry.product}` binds it.",
        )
    if isinstance(entry, Document | ProviderPaper) and entry.sha256 not in files:
        raise Rejected("assurance.file", f"The file {entry.sha256} is not kept; give the file itself.")


@implements("TRUSTWORKS:ASSURANCE-PROFILE-OF-CRITERIA", disabled=None)
def check_confirmable(confirmation: Confirmation, kind: CertificateKind) -> None:
    """Refuse a confirmation of what certificates of the scheme never are about. Raises `Rejected`.

    Protection profiles are of the Common Criteria, and of criteria like them; a caveat is FIPS 140's, and a
    configuration as certified EUCC's, yet a person can read conditions in the documents of any.
    """
    if confirmation.kind is ConfirmationKind.PROFILE and kind in _WITHOUT_PROFILES:
        raise Rejected(
            "assurance.profile",
            f"{confirmation.certificate} is {_WITHOUT_PROFILES[kind]}, which is never about a protection "
            f"profile. Confirm it of {confirmation.product}'s certificate by Common Criteria or EUCC, once "
            "that is bound.",
        )


@implements("TRUSTWORKS:ASSURANCE-KNOWN-PROCESS", disabled=None)
def check_binding(binding: Binding, rule_sets: tuple[RuleSet, ...]) -> None:
    """Refuse a process that no rule set has, and functions that nobody can compare. Raises `Rejected`."""
    known = sorted(
        {f"{one.service}/{one.id}" for rules in rule_sets for one in rules.processes if not one.follows}
    )
    if f"{binding.service}/{binding.process}" not in known:
        raise Rejected(
            "assurance.process",
            f"No rule set knows {binding.service}/{binding.process}. There are: {', '.join(known)}.",
        )
    check_functions(binding.functions)
    kinds = [*(one.value for one in KeyAlgorithm), *(one.name for one in SignatureScheme)]
    for one in binding.algorithms:
        if one not in kinds:
            raise Rejected(
                "assurance.algorithm",
                f"{one!a:.40} is no kind of key and no scheme. There are: {', '.join(kinds)}.",
            )


def check_functions(functions: tuple[str, ...]) -> None:
    """Refuse names of functions that are not of the vocabulary. Raises `Rejected`."""
    unknown = [one for one in functions if one not in FUNCTIONS]
    if unknown:
        raise Rejected(
            "assurance.function",
            f"{unknown[0]!a:.40} is no function that is compared. There are: {', '.join(FUNCTIONS)}.",
        )


@implements("TRUSTWORKS:ASSURANCE-COMPARED", disabled=None)
def check_compared(confirmation: Confirmation, product: Product, certificate: Certificate) -> None:
    """Refuse a confirmation of identity that compared nothing, or what is not so. Raises `Rejected`.

    Every kind of version that the certificate names has to be compared, and one at least where it names none.
    One that says that items are open (`complete` is False) may leave all of it out.
    """
    if confirmation.kind is not ConfirmationKind.IDENTITY or not confirmation.complete:
        return
    given = compared(confirmation.values)
    told = {name: versions_of(certificate, fact) for name, fact in VERSIONS}
    left = [name for name, listed in told.items() if listed and name not in given]
    if left:
        named = " and ".join(f"{name} {', '.join(told[name])}" for name in left)
        raise Rejected(
            "assurance.compared",
            f"{certificate.id} names {named!s:.300}, which was not compared. Write what {product.id} has: "
            f"{' '.join(_ask(one, product) for one in left)}.",
        )
    if not any(name in given for name in told):
        asked = [name for name in told if getattr(product, name)] or list(told)
        raise Rejected(
            "assurance.compared",
            f"Nothing was compared. Write which version is the same on {product.id} and in the documents of "
            f"{certificate.id}: {' or '.join(_ask(one, product) for one in asked)}.",
        )
    for name, value in given.items():
        _check_own(name, value, product)
    wrong = unlisted(given, certificate)
    if wrong:
        raise Rejected(
            "assurance.compared",
            f"{certificate.id} is not about {product.id}: {'; '.join(wrong)!s:.300}. Bind the certificate of "
            "this version, or say with --incomplete that something is open.",
        )


def _check_own(name: str, value: str, product: Product) -> None:
    """Refuse a comparison with what the register does not say of the product."""
    if name not in _COMPARABLE:
        raise Rejected(
            "assurance.compared",
            f"{name!a:.40} is nothing that is compared. There are: {', '.join(_COMPARABLE)}.",
        )
    own = getattr(product, name)
    if own != value:
        raise Rejected(
            "assurance.compared",
            f"{name}={value!a:.60} was compared, and the register has {own or 'nothing'} of {product.id}. "
            "Correct what is wrong there: `trustworks assurance product change`.",
        )


def _ask(name: str, product: Product) -> str:
    own = getattr(product, name)
    return f"--value {name}={own or 'VERSION'}"


@implements("TRUSTWORKS:ASSURANCE-SAME-PRODUCT", disabled=())
def check_same_product(product: Product, certificate: Certificate, although: str) -> tuple[str, ...]:
    """Refuse to bind a certificate of another product, unless a person says why. Raises `Rejected`.

    Answers what speaks against it, where there is something.
    """
    found = another(product, certificate)
    if found and not although.strip():
        raise Rejected(
            "assurance.another-product",
            f"{certificate.id} is not bound to {product.id}: {'; '.join(found)!s:.400}. If it is the "
            "product's all the same, say why: --although REASON.",
        )
    return found
