"""A register as a provider has it: a device with all that can be stated, one with little, a test module."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from certificate_sources import as_json, cc_row, cmvp_page, cmvp_record, table
from expected_base import baseline
from expected_facts import facts

from trustworks.assurance.model import (
    Binding,
    Check,
    CheckKind,
    Headcount,
    Identity,
    Product,
    ProductKind,
    Transfer,
)
from trustworks.assurance.rules import FUNCTIONS
from trustworks.assurance.service import Register

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.audit import Recorder

LONG: Final = "Cryptographic-Appliance-of-an-Imaginary-Vendor <b>Mark&up</b> with a name that goes on and on"
FIPS: Final = "fips:9001"


def fill(recorder: Recorder, now: datetime, *, by: str = "carl") -> Register:
    """Enter it all, as of a moment after the baseline's days; answers the register.

    `hsm` has everything in order for the keys of an authority, `box-2` two sources that differ, `soft` is a
    test module.
    """
    register, today = Register(recorder, by=by, now=lambda: now), now.date()
    row = {
        "base": "fips-140-3",
        "processes": ["certificates/ca_key_generation", "certificates/ca_key_use"],
        "document": [
            {"kind": "coverage-demonstration"},
            {"kind": "iso19790-demonstration", "standard": "ISO/IEC 19790"},
        ],
    }
    given = facts(row, baseline())
    (device,) = given.products
    for certificate in given.certificates:
        register.enter(certificate)
    register.enter(device)
    for binding in given.bindings:
        register.enter(binding)
    for check in given.checks:
        register.enter(check)
    for one in given.confirmations:
        known = tuple(each for each in one.values if one.kind != "evaluated-scope" or each in FUNCTIONS)
        register.enter(replace(one, values=known))
    for number, document in enumerate(given.documents):
        kept = register.keep(
            f"document {number}".encode(), name=f"document-{number}.pdf", source="the vendor", retrieved=now
        )
        register.enter(replace(document, sha256=kept))
    register.enter(
        Product(
            id="box-2",
            kind=ProductKind.MODULE,
            name=LONG,
            model="K9",
            serial="0001",
            firmware="7.8.0",
            place="Room 8",
            real_hardware=True,
            observed=Identity(
                at=now - timedelta(hours=1),
                manufacturer="Beispiel Module AG",
                model="K9",
                serial="0002",
                hardware="B",
                firmware="7.8.0",
                library="5.0",
                library_sha256="a" * 64,
                is_test_module=False,
                validations=("9001",),
            ),
        )
    )
    register.enter(
        Product(id="soft", kind=ProductKind.MODULE, name="SoftHSM v2", real_hardware=False, serial="77")
    )
    old = now - timedelta(days=40)
    for name, data in (
        ("certificate-9001.html", cmvp_page()),
        ("record-9001.json", as_json(cmvp_record(overall_level=2))),
        ("portal.csv", table([cc_row()])),
    ):
        register.take_in(data, name=name, source="https://scheme.example", retrieved=old)
    register.bind_certificate(FIPS, "box-2")
    for product, process in (("box-2", "tsu_key_generation"), ("soft", "tsu_key_use")):
        register.enter(
            Binding(
                product=product,
                service="timestamps",
                process=process,
                functions=("sign",),
                algorithms=("P-384",),
            )
        )
    register.enter(
        Check(
            product="box-2",
            kind=CheckKind.STORAGE,
            on=today - timedelta(days=20),
            passed=False,
            persons=("p-1",),
            seals=("S-17",),
            due=today - timedelta(days=1),
            note="A seal was broken.",
        )
    )
    register.enter(
        Transfer(
            source=device.id,
            target="box-2",
            on=date(2026, 2, 3),
            equal_protection=True,
            dual_control=True,
            checksum_matched=True,
        )
    )
    register.enter(Headcount(product="box-2", act="recovery of keys", persons=3, allowed=2, on=today))
    register.change_product("box-2", place="Room 9")
    return register
