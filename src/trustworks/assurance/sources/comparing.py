"""Whether a certificate is of a product at all: the name and the holder in it, the versions that it names.

Names prove nothing: that they agree lets a certificate be bound, and a person still has to compare versions.
That they differ is told, and a person can say why it is the product's all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.model import FactName
from trustworks.assurance.sources.identity import claims, listed_as, version_among, words_of
from trustworks.core.remembered import remembered
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.assurance.model import Certificate, Product

# The versions that are compared, by their names in the register and on a certificate.
VERSIONS: Final = (
    ("hardware", FactName.HARDWARE),
    ("firmware", FactName.FIRMWARE),
    ("software", FactName.SOFTWARE),
)
# Words that many products have in their names: alone they tell none from another.
_COMMON: Final = frozenset(
    {
        *("a", "an", "and", "for", "of", "the", "with"),
        *("appliance", "application", "device", "family", "hardware", "hsm", "module", "modules", "product"),
        *("products", "series", "server", "service", "software", "system", "systems", "version"),
        *("cryptographic", "security"),
    }
)


@implements("TRUSTWORKS:ASSURANCE-SAME-PRODUCT", disabled=())
def another(product: Product, certificate: Certificate) -> tuple[str, ...]:
    """What says that a certificate is of another product, as clauses: the name in it, its holder.

    Nothing is said of what one of the two does not tell; nothing at all where the module itself claims the
    certificate, or its token is known to be listed by that name.
    """
    names = tuple(str(one.value) for one in certificate.told(FactName.PRODUCT))
    found = []
    if names and not any(_names(one, product.name, product.variant, product.model) for one in names):
        found.append(f"the certificate is of {' and of '.join(names)}, and the product is {product.name}")
    holders = tuple(str(one.value) for one in certificate.told(FactName.HOLDER))
    maker = product.manufacturer
    if maker and holders and not any(_same_house(one, maker) for one in holders):
        found.append(
            f"the certificate was issued to {' and to '.join(holders)}, and the product's manufacturer is "
            f"{maker}"
        )
    if not found or claims(product, certificate) or listed_as(product, names):
        return ()
    return tuple(found)


@remembered(4096)
def _names(printed: str, name: str, variant: str, model: str) -> bool:
    """Whether a printed name can be the product's: all that is special in the one is in the other."""
    there = _special(printed)
    own = [one for one in (_special(name), _special(model)) if one]
    whole = _special(f"{name} {variant} {model}")
    return not there or not own or any(one <= there for one in own) or there <= whole


@remembered(4096)
def _same_house(holder: str, manufacturer: str) -> bool:
    """Whether two names begin with the same word: Thales DIS and Thales Group."""
    first, second = words_of(holder), words_of(manufacturer)
    return not first or not second or first[0] == second[0]


def _special(name: str) -> frozenset[str]:
    return frozenset(words_of(name)) - _COMMON


def compared(values: Iterable[str]) -> dict[str, str]:
    """What a confirmation of identity compared: of ``firmware=7.8.4`` the name and the version."""
    pairs = (one.split("=", 1) for one in values if "=" in one)
    return {name.strip(): value.strip() for name, value in pairs}


def versions_of(certificate: Certificate, name: FactName) -> tuple[str, ...]:
    """The versions of a kind that any source of a certificate names."""
    return tuple(
        dict.fromkeys(
            str(version)
            for fact in certificate.told(name)
            if isinstance(fact.value, tuple)
            for version in fact.value
        )
    )


def unlisted(given: Mapping[str, str], certificate: Certificate) -> tuple[str, ...]:
    """Of versions that were compared, those that a certificate does not name though it names others."""
    found = []
    for name, fact in VERSIONS:
        if name not in given:
            continue
        listed = versions_of(certificate, fact)
        if listed and not version_among(given[name], listed):
            found.append(f"{name} {given[name]} is not among {', '.join(listed)}")
    return tuple(found)
