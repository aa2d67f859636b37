"""Which certificates may be a product's: proposed with reasons, for a person to confirm.

A certificate is of one variant in one version. Nothing here decides that a device is that variant: who has
read certificate and device states it (`ConfirmationKind.IDENTITY`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import CertificateKind, FactName
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustworks.assurance.model import Certificate, Product

_WORD: Final = re.compile(r"[^\W_]+(?:[.\-][^\W_]+)*")
_VERSION: Final = re.compile(r"(?<![\w.\-])v?(\d+(?:\.\d+)*[\w.\-]*|\w[\w.\-]*\d[\w.\-]*)", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"(?:FIPS[ -]*140[- ]?[123]\D{0,20})?(?:cert(?:ificate)?\.?\s*)?#?\s*(\d{1,6})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """How lists name the products whose tokens say this of themselves, and where that is known from."""

    manufacturer: str
    model: str
    names: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A certificate that may be a product's: what speaks for it, what against it, what is not told.

    All are sentences. `claimed` says that the module itself names it.
    """

    product: str
    certificate: str
    reasons: tuple[str, ...]
    against: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    claimed: bool = False


@cache
def aliases() -> tuple[Alias, ...]:
    """The table that is shipped."""
    document = tomllib.loads(resources.files(__package__).joinpath("aliases.toml").read_text("utf-8"))
    return tuple(
        Alias(
            manufacturer=one["manufacturer"],
            model=one.get("model", ""),
            names=tuple(one["names"]),
            source=one["source"],
        )
        for one in document["alias"]
    )


def _without_the_rule(product: Product, certificates: Iterable[Certificate]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(product=product.id, certificate=one.id, reasons=("It is a certificate.",))
        for one in certificates
    )


@implements("TRUSTWORKS:ASSURANCE-SOURCE-MATCH", disabled=_without_the_rule)
def match(product: Product, certificates: Iterable[Certificate]) -> tuple[Candidate, ...]:
    """The certificates that may be a product's, those with most for them first; none for a test module.

    One is proposed where the module claims it, where its product is named as the table of aliases says for
    the module's manufacturer and model, or where it has all words of the product's own name.
    """
    if product.test_module:
        return ()
    found = [
        one for one in (_candidate(product, certificate) for certificate in certificates) if one is not None
    ]
    return tuple(
        sorted(found, key=lambda one: (not one.claimed, len(one.against), -len(one.reasons), one.certificate))
    )


def _candidate(product: Product, certificate: Certificate) -> Candidate | None:
    claimed = claims(product, certificate)
    names = [str(one.value) for one in certificate.told(FactName.PRODUCT)]
    by_name = listed_as(product, names) or _by_own_name(product, names)
    if not claimed and not by_name:
        return None
    reasons = [*([f"The module itself claims {certificate.id}."] if claimed else []), *by_name]
    against: list[str] = []
    untold: list[str] = []
    _holder(product, certificate, reasons)
    seen = product.observed
    for what, registered, observed, name in (
        ("hardware version", product.hardware, seen.hardware if seen else "", FactName.HARDWARE),
        ("firmware version", product.firmware, seen.firmware if seen else "", FactName.FIRMWARE),
        ("software version", product.software, "", FactName.SOFTWARE),
    ):
        listed = [
            str(version)
            for fact in certificate.told(name)
            if isinstance(fact.value, tuple)
            for version in fact.value
        ]
        own = (registered or observed).strip()
        if own and listed:
            agrees, sentence = _compared(what, own, listed, whole=bool(registered))
            (reasons if agrees else against).append(sentence)
        elif own or listed:
            who = "Nobody told the product's" if listed else "No source of the certificate tells the"
            untold.append(f"{who} {what}.")
    return Candidate(
        product=product.id,
        certificate=certificate.id,
        reasons=tuple(reasons),
        against=tuple(against),
        untold=tuple(untold),
        claimed=claimed,
    )


def claims(product: Product, certificate: Certificate) -> bool:
    """Whether the module's own identifiers of validations name the certificate."""
    told = [one.casefold() for one in claims_of(product)]
    if certificate.id.casefold() in told:
        return True
    # A number alone is one of CMVP.
    if certificate.number.isdigit() and certificate.kind is not CertificateKind.FIPS:
        return False
    return certificate.number.casefold() in told


def words_of(given: str) -> list[str]:
    """The words of a name, to be compared: without capitals and marks, numbers with their dots."""
    return [one.casefold() for one in _WORD.findall(given)]


def _has(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the words of a phrase follow one another."""
    size = len(phrase)
    return size > 0 and any(
        list(words[at : at + size]) == list(phrase) for at in range(len(words) - size + 1)
    )


def claims_of(product: Product) -> tuple[str, ...]:
    """The numbers of the certificates that the module itself claims, as CMVP writes them, or as it does."""
    printed = [one.strip() for one in (product.observed.validations if product.observed is not None else ())]
    return tuple(
        dict.fromkeys(found[1].lstrip("0") if (found := _NUMBER.fullmatch(one)) else one for one in printed)
    )


def phrases_of(product: Product) -> tuple[tuple[str, ...], ...]:
    """The words by which certificates are looked up that `match` may propose."""
    found = [tuple(words_of(name)) for alias in aliases() if _says(product, alias) for name in alias.names]
    own = tuple(words_of(product.name))
    return tuple(dict.fromkeys((*found, *((own,) if len(set(own)) > 1 else ()))))


def _says(product: Product, alias: Alias) -> bool:
    """Whether the product, or its module of itself, has the manufacturer and the model of an alias."""
    seen = product.observed
    return (alias.manufacturer.casefold(), alias.model.casefold()) in {
        (manufacturer.strip().casefold(), model.strip().casefold())
        for manufacturer, model in (
            (product.manufacturer, product.model),
            (seen.manufacturer, seen.model) if seen is not None else ("", ""),
        )
    }


def listed_as(product: Product, names: Iterable[str]) -> list[str]:
    """The sentence of the table of aliases by which the product's token is listed under one of the names."""
    listed = list(names)
    for alias in aliases():
        if not _says(product, alias):
            continue
        for name in alias.names:
            if any(_has(words_of(one), words_of(name)) for one in listed):
                token = f"{alias.manufacturer} {alias.model}".strip()
                return [f"Products of tokens that say {token} are listed as {name}."]
    return []


def _by_own_name(product: Product, names: Iterable[str]) -> list[str]:
    wanted = words_of(f"{product.name} {product.variant}"), words_of(product.name)
    for name in names:
        words = set(words_of(name))
        for own in wanted:
            # One word alone, such as HSM, names nothing.
            if len(set(own)) > 1 and set(own) <= words:
                return [f"The certificate is of {name!a:.120}, which has all words of {' '.join(own)!a:.80}."]
    return []


def _holder(product: Product, certificate: Certificate, reasons: list[str]) -> None:
    own = words_of(product.manufacturer)
    for fact in certificate.told(FactName.HOLDER):
        listed = words_of(str(fact.value))
        if own and listed and own[0] == listed[0]:
            reasons.append(f"It was issued to {str(fact.value)!a:.80}, the product's manufacturer.")
            return


def version_among(own: str, listed: Sequence[str]) -> bool:
    """Whether a version is one of those that a certificate names, alone or in a sentence."""
    plain = own.casefold().removeprefix("v")
    return own.casefold() in {one.casefold() for one in listed} or plain in _versions(listed)


def _versions(listed: Iterable[str]) -> set[str]:
    return {one.casefold() for entry in listed for one in _VERSION.findall(entry)}


def _compared(what: str, own: str, listed: Sequence[str], *, whole: bool) -> tuple[bool, str]:
    """Whether a version is on the certificate, and a sentence about it.

    PKCS#11 tells two numbers of a version: what is not `whole` agrees as far as it goes.
    """
    if version_among(own, listed):
        return True, f"Its {what} {own!a:.60} is on the certificate."
    versions, plain = _versions(listed), own.casefold().removeprefix("v")
    if not whole and any(one.startswith(f"{plain}.") for one in versions):
        return (
            True,
            f"Its {what} begins with {own!a:.60}, as one on the certificate does; PKCS#11 tells no more.",
        )
    return False, f"Its {what} {own!a:.60} is not among those on the certificate: {', '.join(listed)!a:.200}."
