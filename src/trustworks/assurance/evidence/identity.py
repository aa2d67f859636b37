"""Which module it is: what it says of itself, against the register and what was accepted before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance.evidence.model import Item, Kind, Outcome, judged
from trustworks.assurance.model import Identity, LiveModule
from trustworks.core.errors import TrustworksError
from trustworks.core.module import Pkcs11Uri
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from trustworks.assurance.model import Product
    from trustworks.core.module import ModuleInfo

READ: Final = "TRUSTWORKS:ASSURANCE-EVIDENCE-IDENTITY"
CHANGED: Final = "TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED"
CLAIMED: Final = "TRUSTWORKS:ASSURANCE-CLAIMS-COMPARED"

# By the names of `Identity`: what people call each, in the order in which differences are told.
FIELDS: Final[Mapping[str, str]] = {
    "serial": "serial number",
    "manufacturer": "manufacturer",
    "model": "model",
    "hardware": "hardware version",
    "firmware": "firmware version",
    "library_sha256": "SHA-256 of the PKCS#11 library",
}
_SCHEMES: Final = {"NIST CMVP": "fips", "Common Criteria": "cc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a module says otherwise of itself: by the name of `Identity`, with what was expected."""

    field: str
    expected: str
    found: str

    @property
    def sentence(self) -> str:
        """What differs, for people."""
        return f"the {FIELDS[self.field]} is {self.found or 'empty'}, expected was {self.expected}"


def sentences(kept: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """Differences as an item keeps them, for people."""
    return tuple(Difference(**one).sentence for one in kept)


def identity_of(info: ModuleInfo, at: datetime) -> Identity:
    """What a module said of itself, as the register keeps it."""
    return Identity(
        at=at,
        manufacturer=info.token_manufacturer,
        model=info.token_model,
        serial=info.token_serial,
        hardware=info.hardware_version,
        firmware=info.firmware_version,
        library=f"{info.library_description} {info.library_version}".strip(),
        library_sha256=info.library_sha256.hex(),
        is_test_module=info.is_test_module,
        validations=tuple(one.identifier for one in info.validations),
    )


def identity_in(item: Item) -> Identity:
    """What a module said of itself, out of the evidence of a look at it."""
    values = item.values
    names = ("manufacturer", "model", "serial", "hardware", "firmware", "library", "library_sha256")
    return Identity(
        at=item.at,
        is_test_module=values["is_test_module"],
        validations=tuple(values["validations"]),
        **{name: values[name] for name in names},
    )


def product_on(products: Iterable[Product], uri: Pkcs11Uri) -> Product | None:
    """The product that is on a token, by the token's label in its URI; a retired one is on none.

    Not by the serial number, which is what a look is to find another of.
    """
    return _named(products, uri.token)


def _named(products: Iterable[Product], label: str | None) -> Product | None:
    for product in products:
        if product.retired is not None or not product.token:
            continue
        try:
            named = Pkcs11Uri.parse(product.token)
        except TrustworksError:
            continue
        if named.token is not None and named.token == label:
            return product
    return None


@implements("TRUSTWORKS:ASSURANCE-LIVE-UNREGISTERED", disabled=())
def unregistered(items: Iterable[Item], products: Sequence[Product]) -> tuple[LiveModule, ...]:
    """The modules of a round that no product names, nor one that was registered since."""
    found = []
    for item in items:
        values = item.values
        if item.kind is not Kind.IDENTITY or item.outcome is Outcome.FAILED or values.get("product"):
            continue
        label = values.get("label", "")
        if _named(products, label) is None:
            uses = tuple((service, process) for service, process in values.get("uses", ()))
            found.append(LiveModule(token=values["token"], label=label, seen=identity_in(item), uses=uses))
    return tuple(sorted(found, key=lambda one: one.token))


@implements("TRUSTWORKS:ASSURANCE-LIVE-UNBOUND", disabled=())
def used(items: Iterable[Item], products: Iterable[Product]) -> tuple[LiveModule, ...]:
    """The modules of a round that products name, with what the configuration takes each for."""
    known = {one.id for one in products}
    found = []
    for item in items:
        values = item.values
        if item.kind is not Kind.IDENTITY or item.outcome is Outcome.FAILED or not values.get("uses"):
            continue
        name = values.get("product") or ""
        if name in known:
            uses = tuple((service, process) for service, process in values["uses"])
            label, seen = values.get("label", ""), identity_in(item)
            found.append(LiveModule(token=values["token"], label=label, seen=seen, uses=uses, product=name))
    return tuple(sorted(found, key=lambda one: one.token))


@implements("TRUSTWORKS:ASSURANCE-IDENTITY-CHANGED", disabled=())
def differences(product: Product, accepted: Identity | None, seen: Identity) -> tuple[Difference, ...]:
    """What the module says otherwise than the register, or where that is silent, than what was accepted.

    Nothing is expected of what neither of them says.
    """
    found = []
    for name in FIELDS:
        expected = getattr(product, name) or (getattr(accepted, name) if accepted is not None else "")
        if expected and expected != getattr(seen, name):
            found.append(Difference(field=name, expected=expected, found=getattr(seen, name)))
    return tuple(found)


@implements("TRUSTWORKS:ASSURANCE-CLAIMS-COMPARED", disabled=())
def unknown_claims(product: Product, seen: Identity) -> tuple[str, ...]:
    """The certificates that the module claims to have and the register does not have for it, as sentences."""
    held = {one.casefold() for one in product.certificates}
    return tuple(
        f"the module claims the certificate {claim}, which the register does not have for it"
        for claim in seen.validations
        if not _names(claim) & held
    )


def _names(claim: str) -> set[str]:
    """How the register may call a certificate that a module claims: by its scheme and number."""
    for authority, scheme in _SCHEMES.items():
        if claim.startswith(f"{authority} "):
            number = claim.removeprefix(authority).strip().lstrip("#").casefold()
            schemes = (scheme, "eucc") if scheme == "cc" else (scheme,)
            return {f"{one}:{number}" for one in schemes}
    return {claim.casefold()}


@implements("TRUSTWORKS:ASSURANCE-EVIDENCE-IDENTITY", disabled=())
def unnamed(product: Product | None, token: str) -> tuple[str, ...]:
    """That no product of the register is the one on a token: what it is was never evaluated."""
    return () if product is not None else (f"no product of the register names the token {token}",)


def identity_item(
    product: Product | None,
    token: str,
    info: ModuleInfo,
    at: datetime,
    *,
    unexpected: Sequence[Difference],
    planned: Mapping[str, Any] | None = None,
    label: str | None = None,
    uses: Sequence[tuple[str, str]] = (),
) -> Item:
    """The evidence of one look at which module it is.

    `unexpected` are the differences that nobody planned; `planned` names the change whose differences were
    found. The token's `label` is kept, and what the configuration uses it for.
    """
    seen = identity_of(info, at)
    findings = [*unnamed(product, token), *(one.sentence for one in unexpected)]
    if product is not None:
        findings += unknown_claims(product, seen)
    said = {name: value for name, value in asdict(seen).items() if name != "unexpected"}
    values = said | {
        "token": token,
        "product": None if product is None else product.id,
        "mechanisms": list(info.mechanisms),
        "interfaces": list(info.interfaces),
        "cryptoki_version": info.cryptoki_version,
        "signs_validated": None if info.signs_validated is None else list(info.signs_validated),
        # The flag is a bit of a CK_ULONG, which is more than a number of JSON can be.
        "claims": [asdict(one) | {"flag": f"0x{one.flag:X}"} for one in info.validations],
        "differences": [asdict(one) for one in unexpected],
        "planned": dict(planned) if planned is not None else None,
    }
    values |= {"label": label or "", "uses": [list(one) for one in uses]}
    del values["at"]
    values["validations"] = list(seen.validations)
    kind = (
        "a test module: it protects no key that anybody relies on" if seen.is_test_module else "as expected"
    )
    told = f"{seen.manufacturer} {seen.model}, serial {seen.serial}, firmware {seen.firmware}: {kind}."
    if planned is not None:
        told = f"The module differs as change {planned['number']} planned."
    return judged(
        Kind.IDENTITY,
        token if product is None else product.id,
        at,
        findings=findings,
        well=told,
        values=values,
        requirements=(READ, CHANGED, CLAIMED),
    )
