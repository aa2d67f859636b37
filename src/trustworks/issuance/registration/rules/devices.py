"""The device that holds a subject's key: which profiles promise one, what shows it, until when it counts.

Source: EN 319 411-1, 6.5.1 (NCP+); EN 319 411-2, 6.5.1 (QCP-n-qscd, QCP-l-qscd); Regulation (EU) No 910/2014,
Articles 29, 30, 39 and 39a. The clauses are known from memory.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from trustworks.core.errors import Refused, Rejected
from trustworks.core.trace import implements
from trustworks.issuance.registration.model import Objection
from trustworks.issuance.rules.devices import device_promised

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from trustworks.issuance.model import Profile
    from trustworks.issuance.registration.model import (
        Application,
        DeviceEvidence,
        DeviceKind,
        DeviceMark,
        DeviceProduct,
        DeviceWay,
        FormFactor,
    )

QSCD: Final = "EN319411-2:SDP-6.5.1-QSCD"
SECURE: Final = "EN319411-1:SDP-6.5.1-DEVICE"
_REQUIREMENT: Final[dict[DeviceKind, str]] = {"qscd": QSCD, "secure-device": SECURE}
_IN_USE: Final = ("pre-operational", "operational")
_KEY_ID: Final = re.compile(r"[0-9a-f]{64}")
_MAX: Final = 200


@implements("EN319411-2:SDP-6.5.1-QSCD", "EN319411-1:SDP-6.5.1-DEVICE")
def key_is_in_a_device(
    application: Application, profile: Profile, products: Mapping[str, DeviceProduct], day: date
) -> tuple[Objection, ...]:
    """A certificate that promises a device is for a key that is shown to be in one that counts today."""
    kind = device_promised(profile)
    if kind is None:
        return ()
    why = _why_not(application, kind, products, day)
    return () if why is None else (Objection(_REQUIREMENT[kind], why),)


def _why_not(
    application: Application, kind: DeviceKind, products: Mapping[str, DeviceProduct], day: date
) -> str | None:
    name = {"qscd": "a qualified signature or seal creation device", "secure-device": "a secure device"}[kind]
    shown = application.device
    if shown is None:
        return (
            f"The certificate says that its key is in {name}, and nothing shows that: trustworks "
            f"registration device record {application.id} FILE."
        )
    if shown.key_id != application.key_id:
        return "The device holds another key than the one of the request; record the device that holds it."
    product = products.get(shown.product)
    if product is None:
        return (
            f"The product {shown.product!r} is no longer among those that count "
            "([[issuance.registration.devices]]); take another device."
        )
    if shown.way not in product.ways:
        return f"Of {product.name} {shown.way} shows nothing any longer; show the device another way."
    return certification_objection(product, kind, day)


def certification_objection(product: DeviceProduct, kind: DeviceKind, day: date) -> str | None:
    """Why a product does not count as such a device on a day; None where it does."""
    if kind == "qscd" and product.kind != "qscd":
        return f"{product.name} is no qualified signature or seal creation device; take one that is."
    if product.lost_on is not None and product.lost_on <= day:
        return f"{product.name} lost its certification on {product.lost_on}; take another device."
    if product.certified_until < day:
        return (
            f"The certification of {product.name} ({product.reference}) ended on {product.certified_until}; "
            "take another device, or enter the new certification in [[issuance.registration.devices]]."
        )
    return None


@implements("EN319411-2:SDP-6.5.1-MONITORED")
def check_not_lost(application: Application, promised: DeviceKind | None, lost: Mapping[str, date]) -> None:
    """Refuse to issue when the product of the device was lost while the certificate was made."""
    shown = application.device
    if promised is not None and shown is not None and shown.product in lost:
        raise Refused(
            "EN319411-2:SDP-6.5.1-MONITORED",
            f"{shown.product} lost its certification on {lost[shown.product]}, which was recorded while the "
            "certificate was made; apply again with another device.",
        )


SOON: Final = timedelta(days=90)
"""How long before its end a certification is told of: time to renew it, or to hand out other devices."""


class CertificationEnd(NamedTuple):
    """That a certification is over, or ends soon: a clause of a sentence that says which and when."""

    ended: bool
    sentence: str


@implements("EN319411-2:SDP-6.5.1-MONITORED")
def certification_end(
    name: str, until: date | None, lost_on: date | None, day: date
) -> CertificationEnd | None:
    """Whether the certification of a product is over on a day, or ends within 90; None where neither.

    `until` is its last day, None of a product that the settings no longer name: nobody vouches for it, so
    that it counts as ended.
    """
    if lost_on is not None:
        return CertificationEnd(ended=True, sentence=f"{name} lost its certification on {lost_on}")
    if until is None:
        return CertificationEnd(
            ended=True, sentence=f"{name} is no longer among [[issuance.registration.devices]]"
        )
    if until < day:
        return CertificationEnd(ended=True, sentence=f"The certification of {name} ended on {until}")
    if until <= day + SOON:
        return CertificationEnd(ended=False, sentence=f"The certification of {name} ends on {until}")
    return None


def product_named(name: str, products: Mapping[str, DeviceProduct]) -> DeviceProduct:
    """The product. Raises `Rejected` (registration.device)."""
    product = products.get(name)
    if product is None:
        known = ", ".join(sorted(products)) or "none"
        raise Rejected(
            "registration.device",
            f"There is no product {name!r} in [[issuance.registration.devices]]; there is: {known}.",
        )
    return product


def check_known(name: str, known: Iterable[str]) -> None:
    """`Rejected` (registration.device) for a product that is neither in the settings nor in any record."""
    names = sorted(known)
    if name not in names:
        raise Rejected(
            "registration.device",
            f"There is no product {name!r} in [[issuance.registration.devices]], nor was a device of it "
            f"recorded; there is: {', '.join(names) or 'none'}.",
        )


def check_way(product: DeviceProduct, way: DeviceWay) -> None:
    """`Rejected` (registration.device) for a way by which nothing is known of this product."""
    if way not in product.ways:
        raise Rejected(
            "registration.device",
            f"Of {product.name} {way} shows nothing; what counts is: {', '.join(sorted(product.ways))}.",
        )


@implements("TRUSTWORKS:DEVICE-AS-CERTIFIED")
def check_as_certified(
    product: DeviceProduct, firmware: str, marks: Collection[DeviceMark], form_factor: FormFactor | None
) -> None:
    """`Rejected` (registration.device) for a device of the same maker that is not what was certified."""
    if firmware not in product.firmware:
        raise Rejected(
            "registration.device",
            f"The device has the firmware {firmware}, and what is certified of {product.name} is "
            f"{', '.join(sorted(product.firmware)) or 'none'}; take another device.",
        )
    if product.marked is not None and product.marked not in marks:
        raise Rejected(
            "registration.device",
            f"Its maker does not mark the device as {product.marked}, as those of {product.name} are; take "
            "another device.",
        )
    if product.form_factors and form_factor not in product.form_factors:
        raise Rejected(
            "registration.device",
            f"The form factor of the device is {form_factor or 'not told'}, and what is certified of "
            f"{product.name} is {', '.join(sorted(product.form_factors))}; take another device.",
        )


@implements("TRUSTWORKS:DEVICE-KEY")
def check_key(shown: str, application: Application) -> None:
    """Refuse a device that holds another key than the one of the request."""
    if shown != application.key_id:
        raise Refused(
            "TRUSTWORKS:DEVICE-KEY",
            f"The device holds the key {shown}, and the request is for {application.key_id}: apply with a "
            "request by the device's key.",
        )


def check_handover(evidence: DeviceEvidence, day: date) -> None:
    """`Rejected` (registration.device) for a handover that does not say what, when and by whom."""
    if not _KEY_ID.fullmatch(evidence.key_id):
        raise Rejected(
            "registration.device",
            "Give the key that was made in the device: SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal "
            "digits (openssl pkey -pubin -outform DER | sha256sum).",
        )
    for what, value, least in (
        ("serial number of the device", evidence.serial_number, 1),
        ("handover: who personalised the device, and what was signed for it", evidence.source, 3),
    ):
        if not least <= len(value.strip()) <= _MAX or not value.isprintable():
            raise Rejected("registration.device", f"Give the {what}, in {least} to {_MAX} characters.")
    if evidence.established_on > day:
        raise Rejected(
            "registration.device",
            f"The handover is dated {evidence.established_on}, which is still to come; correct the date.",
        )


@implements("TRUSTWORKS:DEVICE-OWN-MODULE")
def check_own_module(tokens: Collection[str], product: DeviceProduct, *, state: str | None) -> None:
    """Refuse a key that the provider's register of keys does not have on tokens of this product.

    `state` is the key's there, None of one that it does not know.
    """
    if state not in _IN_USE:
        raise Refused(
            "TRUSTWORKS:DEVICE-OWN-MODULE",
            "The key is not in use in a module of this provider: its register of keys says "
            f"{state or 'nothing of it'}. Make it there (trustworks keys), or show "
            "another device.",
        )
    others = sorted(set(tokens) - product.tokens)
    if others or not tokens:
        raise Refused(
            "TRUSTWORKS:DEVICE-OWN-MODULE",
            f"The key is on {', '.join(others) or 'no token'}, and those of {product.name} are "
            f"{', '.join(sorted(product.tokens)) or 'none'} ([[issuance.registration.devices]] tokens).",
        )
