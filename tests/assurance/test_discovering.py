"""What a configuration shows by itself is entered once, and what persons wrote stays."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.assurance.discovering import Shown, enter_discovered
from trustworks.assurance.engine import evaluate
from trustworks.assurance.model import Product, ProductKind, Verdict
from trustworks.assurance.records import EntryKind
from trustworks.assurance.registered import facts_of
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.service import Register
from trustworks.core.audit import Recorder
from trustworks.core.module import ModuleInfo, Pkcs11Uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.model import Facts
    from trustworks.core.store import Database

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)  # no SQL of its own
ALL = ("issuance", "timestamping", "validation", "signing")


def shown(token: str, *, test: bool = True) -> Shown:
    info = ModuleInfo(
        library=Path("libsofthsm2.so"),
        library_sha256=b"\1" * 32,
        library_description="Implementation of PKCS11",
        library_version="2.6",
        manufacturer="SoftHSM",
        cryptoki_version="2.40",
        interfaces=(),
        token_label=token,
        token_serial=f"serial of {token}",
        token_model="SoftHSM v2",
        token_manufacturer="SoftHSM project",
        hardware_version="2.6",
        firmware_version="2.6",
        mechanisms=(),
        is_test_module=test,
    )
    return Shown(info=info, uri=Pkcs11Uri(token=token), algorithms=("P-384",))


TOKENS = {name: shown(name) for name in ("root", "issuing", "tsu", "services", "audit")}


@pytest.fixture
def register(database: Database) -> Iterator[Register]:
    with Recorder.open(database, "assurance") as recorder:
        yield Register(recorder, by="lab", now=lambda: datetime(2026, 11, 20, tzinfo=UTC))


def enter(register: Register, database: Database, services: tuple[str, ...] = ALL) -> tuple[str, ...]:
    with database.read() as connection:
        return enter_discovered(register, connection, TOKENS, services, "0.1.0")


def facts(database: Database) -> Facts:
    with database.read() as connection:
        return facts_of(connection)


def test_modules_and_this_software_are_entered_with_what_uses_them(
    register: Register, database: Database
) -> None:
    new = enter(register, database)
    assert new == (
        "module-root",
        "module-issuing",
        "module-tsu",
        "module-services",
        "module-audit",
        "trustworks",
    )
    found = facts(database)
    tsu = next(one for one in found.products if one.id == "module-tsu")
    assert (tsu.model, tsu.serial, tsu.token) == ("SoftHSM v2", "serial of tsu", "pkcs11:token=tsu")
    assert tsu.real_hardware is False
    bound = {(one.service, one.process, one.product): one for one in found.bindings}
    assert bound["timestamps", "tsu_key_use", "module-tsu"].functions == ("sign",)
    assert bound["timestamps", "tsu_key_use", "module-tsu"].algorithms == ("P-384",)
    assert ("signature_creation", "signature_process", "trustworks") in bound
    assert len(found.bindings) == 11


def test_only_what_is_configured_is_bound(register: Register, database: Database) -> None:
    assert "trustworks" in enter(register, database, ("timestamping",))
    assert {one.service for one in facts(database).bindings} == {"timestamps"}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DISCOVER-ALL")
def test_a_module_that_no_process_asks_about_is_entered_without_a_binding(
    register: Register, database: Database
) -> None:
    assert "module-audit" in enter(register, database)
    found = facts(database)
    audit = next(one for one in found.products if one.id == "module-audit")
    assert (audit.serial, audit.token) == ("serial of audit", "pkcs11:token=audit")
    assert "module-audit" not in {one.product for one in found.bindings}
    assert enter(register, database, ()) == ()


def test_a_second_time_nothing_is_new(register: Register, database: Database) -> None:
    enter(register, database)
    before = facts(database)
    assert enter(register, database) == ()
    assert facts(database) == before


def test_what_persons_wrote_stays(register: Register, database: Database) -> None:
    own = Product(
        id="hsm-1", kind=ProductKind.MODULE, name="Our module", token="pkcs11:token=tsu", place="room 1"
    )
    register.enter(own)
    assert "module-tsu" not in enter(register, database)
    found = facts(database)
    assert own in found.products
    assert {one.product for one in found.bindings if one.process == "tsu_key_use"} == {"hsm-1"}


def test_what_was_removed_stays_removed(register: Register, database: Database) -> None:
    enter(register, database, ("validation",))
    register.remove(EntryKind.BINDING, "validation/svsp_key/module-services", reason="not used")
    register.remove(EntryKind.PRODUCT, "module-services", reason="not ours")
    assert enter(register, database, ("validation",)) == ()
    assert "module-services" not in {one.product for one in facts(database).bindings}


@pytest.mark.parametrize("rules", SHIPPED)
def test_every_option_of_a_test_module_is_insufficient_and_says_so(
    register: Register, database: Database, rules: str
) -> None:
    enter(register, database)
    report = evaluate(facts(database), load(rules), datetime(2026, 11, 20, tzinfo=UTC).date())
    options = [
        option
        for service in report.services
        for process in service.processes
        if (process.product or "").startswith("module-")
        for option in process.options
    ]
    assert options
    for option in options:
        assert option.verdict is Verdict.INSUFFICIENT
        assert any(one.sentence.startswith("It is a test module") for one in option.deciding), option.option
