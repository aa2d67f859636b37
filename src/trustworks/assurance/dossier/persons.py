"""Persons in a dossier: by pseudonyms, unless all is asked for. What is withheld is named by its hash.

A pseudonym is made with a secret of the provider's, so that the same person has the same one in every dossier
and nobody else can tell who it is.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier.model import Kept
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.assurance.model import Facts
    from trustworks.assurance.records import File

_ADDRESS: Final = re.compile(rb"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_IN_TEXT: Final = re.compile(_ADDRESS.pattern.decode())
WITHHELD: Final = "[withheld]"
WHY: Final = "it holds addresses of persons; --profile full puts it in"


def pseudonym(secret: bytes) -> Callable[[str], str]:
    """A function that answers the pseudonym of a name."""

    def of(name: str) -> str:
        return f"person-{hmac.digest(secret, name.strip().casefold().encode(), 'sha256').hex()[:10]}"

    return of


def _unchanged(facts: Facts, of: Callable[[str], str]) -> Facts:
    del of
    return facts


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-PERSONS", disabled=_unchanged)
def without_names(facts: Facts, of: Callable[[str], str]) -> Facts:
    """The facts with pseudonyms for everybody who checked, confirmed or owns, and no addresses in texts.

    Two persons have two pseudonyms, so that rules that count persons answer the same.
    """
    return replace(
        facts,
        products=tuple(
            replace(one, owner=of(one.owner) if one.owner else "", place=_cleared(one.place))
            for one in facts.products
        ),
        checks=tuple(
            replace(one, persons=tuple(map(of, one.persons)), note=_cleared(one.note)) for one in facts.checks
        ),
        confirmations=tuple(replace(one, by=of(one.by)) for one in facts.confirmations),
    )


def _cleared(text: str) -> str:
    return _IN_TEXT.sub(WITHHELD, text)


def kept(file: File, *, full: bool) -> Kept:
    """A file of the register, with its octets unless they hold addresses that are to be withheld."""
    whole = full or _ADDRESS.search(file.content) is None
    return Kept(
        sha256=file.sha256,
        name=file.name,
        source=_cleared(file.source),
        retrieved=file.retrieved_at,
        size=len(file.content),
        content=file.content if whole else None,
        why="" if whole else WHY,
    )
