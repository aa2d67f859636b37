"""Persons in a dossier: by pseudonyms, unless all is asked for. What is withheld is named by its hash.

Who is a person, the structure says: some fields of entries and of evidence hold nothing else (`owner`,
`persons`, `by`, the operators of roles). What stands in them is replaced everywhere, in texts too, besides
addresses and telephone numbers. A file is not changed: it is withheld where it names persons by its kind,
where such a name, address, number or field of contacts is found in it, or where it cannot be searched; who
entered it may have said that it names nobody.

A pseudonym is made with a secret of the provider's, so that the same person has the same one in every dossier
and nobody else can tell who it is.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.dossier.model import Kept
from trustworks.assurance.evidence import Kind
from trustworks.assurance.model import PAPERS, SourceKind
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from trustworks.assurance.evidence import Item
    from trustworks.assurance.model import Certificate, Facts, ProviderPaper
    from trustworks.assurance.records import File

_ADDRESS: Final = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
# An international number; or any, after a word that says what it is.
_NUMBER: Final = (
    r"(?<![\w+])\+[1-9](?:[ ()./-]{0,2}[0-9]){7,15}"
    r"|(?i:\b(?:tele)?(?:phone|fax)\b|\b(?:tel|mobile)\b)[ .:]{0,3}[0-9(](?:[ ()./-]{0,2}[0-9]){4,14}"
)
_IN_TEXT: Final = re.compile(f"{_ADDRESS}|{_NUMBER}")
_IN_FILE: Final = re.compile(_IN_TEXT.pattern.encode())
# A member or a column of contacts, in JSON and in CSV.
_CONTACTS: Final = re.compile(
    rb"(?i)[\"',;\t\n\r]\s*[a-z _-]{0,40}(?:contact|e-?mail|phone|telefax)[a-z _-]{0,60}\s*[\"',;\t\n\r]"
)
_MARKUP: Final = re.compile(rb"\s*<")
_FIELDS: Final = frozenset({"persons", "operators", "locked", "approved_by", "signed_by", "by", "owner"})
WITHHELD: Final = "[withheld]"
FULL: Final = "--profile full puts it in"
WHY: Final = f"it holds addresses, telephone numbers or names of persons; {FULL}"
WHY_SAID: Final = f"it names persons, by its kind or as was said when it was entered; {FULL}"
WHY_UNSEARCHED: Final = f"it cannot be searched for persons, and nobody said that it names none; {FULL}"


def pseudonym(secret: bytes) -> Callable[[str], str]:
    """A function that answers the pseudonym of a name."""

    def of(name: str) -> str:
        return f"person-{hmac.digest(secret, name.strip().casefold().encode(), 'sha256').hex()[:10]}"

    return of


class Hiding:
    """What is hidden, by whom: `of` answers pseudonyms; `names` are all that structured fields hold.

    A name of one word may be any word: in texts and files only names of two words and more are looked for.
    """

    def __init__(self, of: Callable[[str], str], names: Iterable[str] = ()) -> None:
        self.of = of
        self.names = tuple(
            sorted({one.strip() for one in names if len(one.split()) > 1}, key=lambda one: (-len(one), one))
        )
        words = "|".join(r"\s+".join(map(re.escape, one.split())) for one in self.names)
        self._names = re.compile(f"(?i)(?<!\\w)(?:{words})(?!\\w)") if words else None
        self._octets = re.compile(self._names.pattern.encode()) if self._names is not None else None

    def text(self, text: str) -> str:
        """A text without addresses and telephone numbers, and with pseudonyms for names."""
        text = _IN_TEXT.sub(WITHHELD, text)
        return text if self._names is None else self._names.sub(lambda one: self._of(one[0]), text)

    def _of(self, found: str) -> str:
        return self.of(" ".join(found.split()))

    def is_in(self, octets: bytes) -> bool:
        """Whether a file that can be searched holds an address, a number, a field of contacts or a name."""
        if _IN_FILE.search(octets) is not None:
            return True
        if _MARKUP.match(octets) is None and _CONTACTS.search(octets) is not None:
            return True
        return self._octets is not None and self._octets.search(octets) is not None


def names_of(facts: Facts, items: Iterable[Item] = ()) -> Iterator[str]:
    """Whoever stands in a field that holds persons."""
    for product in facts.products:
        yield product.owner
    for check in facts.checks:
        yield from check.persons
    for confirmation in facts.confirmations:
        yield confirmation.by
    for certificate in facts.certificates:
        yield from dict.fromkeys(fact.provenance.by for fact in certificate.facts if fact.provenance.by)
    for item in items:
        yield from _persons_in(item.values)


def _persons_in(values: Any, *, personal: bool = False) -> Iterator[str]:
    if isinstance(values, dict):
        if personal:
            yield from map(str, values)
        for name, value in values.items():
            yield from _persons_in(value, personal=not personal and name in _FIELDS)
    elif isinstance(values, list | tuple):
        for one in values:
            yield from _persons_in(one, personal=personal)
    elif personal and isinstance(values, str):
        yield values


def _unchanged(facts: Facts, hiding: Hiding) -> Facts:
    del hiding
    return facts


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-PERSONS", disabled=_unchanged)
def without_names(facts: Facts, hiding: Hiding) -> Facts:
    """The facts with pseudonyms for everybody who checked, confirmed or owns, and cleared texts.

    Two persons have two pseudonyms, so that rules that count persons answer the same.
    """
    of, text = hiding.of, hiding.text
    return replace(
        facts,
        products=tuple(
            replace(one, owner=of(one.owner) if one.owner else "", place=text(one.place), name=text(one.name))
            for one in facts.products
        ),
        checks=tuple(
            replace(one, persons=tuple(map(of, one.persons)), note=text(one.note)) for one in facts.checks
        ),
        confirmations=tuple(replace(one, by=of(one.by), page=text(one.page)) for one in facts.confirmations),
        documents=tuple(replace(one, title=text(one.title)) for one in facts.documents),
        certificates=tuple(_without_readers(one, hiding) for one in facts.certificates),
    )


def _without_readers(one: Certificate, hiding: Hiding) -> Certificate:
    """A certificate whose facts do not name who read them."""
    if not any(fact.provenance.by for fact in one.facts):
        return one
    facts = []
    for fact in one.facts:
        source = fact.provenance
        if source.by:
            source = replace(source, by=hiding.of(source.by), place=hiding.text(source.place))
        facts.append(replace(fact, provenance=source))
    return replace(one, facts=tuple(facts))


def without_names_in(papers: Iterable[ProviderPaper], hiding: Hiding) -> tuple[ProviderPaper, ...]:
    """Documents of the provider with cleared titles."""
    return tuple(replace(one, title=hiding.text(one.title), pages=hiding.text(one.pages)) for one in papers)


def _as_found(items: Iterable[Item], hiding: Hiding) -> tuple[Item, ...]:
    del hiding
    return tuple(items)


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-PEOPLE", disabled=_as_found)
def without_people(items: Iterable[Item], hiding: Hiding) -> tuple[Item, ...]:
    """Live evidence with pseudonyms in every field that holds persons, in its sentences too."""
    return tuple(
        replace(one, values=_hidden(one.values, hiding), sentence=_sentence(one, hiding)) for one in items
    )


def _sentence(item: Item, hiding: Hiding) -> str:
    """Sentences about roles name operators, whose names are one word."""
    told = hiding.text(item.sentence)
    if item.kind is Kind.ROLES:
        for name in sorted(set(_persons_in(item.values)), key=len, reverse=True):
            told = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", hiding.of(name), told)
    return told


def _hidden(values: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    return {
        name: _pseudonyms(value, hiding) if name in _FIELDS else _cleared(value, hiding)
        for name, value in values.items()
    }


def _pseudonyms(value: Any, hiding: Hiding) -> Any:
    if isinstance(value, str):
        return hiding.of(value) if value else ""
    if isinstance(value, list | tuple):
        return [_pseudonyms(one, hiding) for one in value]
    if isinstance(value, dict):
        return {hiding.of(name): one for name, one in value.items()}
    return value


def _cleared(value: Any, hiding: Hiding) -> Any:
    if isinstance(value, str):
        return hiding.text(value)
    if isinstance(value, list | tuple):
        return [_cleared(one, hiding) for one in value]
    return _hidden(value, hiding) if isinstance(value, dict) else value


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-FILES", disabled="")
def why_withheld(file: File, hiding: Hiding, said: Mapping[str, bool]) -> str:
    """Why a file of the register is withheld; empty where it is not.

    `said` has for hashes of files whether they name persons, by their kind or by who entered them.
    """
    names = said.get(file.sha256)
    if names is not None:
        return WHY_SAID if names else ""
    if not _is_text(file.content):
        return WHY_UNSEARCHED
    return WHY if hiding.is_in(file.content) else ""


def _is_text(octets: bytes) -> bool:
    if octets.startswith(b"%PDF") or b"\0" in octets:
        return False
    try:
        octets.decode()
    except UnicodeDecodeError:
        return len(re.findall(rb"[\x80-\xff\x00-\x08\x0e-\x1f]", octets)) * 20 < len(
            octets
        )  # of old code pages
    return True


def said_of(facts: Facts, papers: Sequence[ProviderPaper]) -> dict[str, bool]:
    """Which files name persons, as far as their kind or who entered them says it."""
    found = {
        fact.provenance.document: True
        for certificate in facts.certificates
        for fact in certificate.facts
        if fact.provenance.kind is SourceKind.CMVP_PAGE  # its panel of the vendor names persons
    }
    found |= {one.sha256: True for one in papers if PAPERS[one.kind].persons}
    found |= {one.sha256: one.names_persons for one in facts.documents if one.names_persons is not None}
    found |= {one.sha256: one.names_persons for one in papers if one.names_persons is not None}
    return found


def kept(file: File, *, hiding: Hiding | None, said: Mapping[str, bool]) -> Kept:
    """A file of the register, with its octets unless it is to be withheld; without `hiding` nothing is."""
    why = "" if hiding is None else why_withheld(file, hiding, said)
    return Kept(
        sha256=file.sha256,
        name=file.name if hiding is None else hiding.text(file.name),
        source=file.source if hiding is None else hiding.text(file.source),
        retrieved=file.retrieved_at,
        size=len(file.content),
        content=None if why else file.content,
        why=why,
    )
