"""Each rule of the engine, alone: one thing changes the verdict of a product that has all in order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from expected_base import baseline
from expected_facts import facts

from trustworks.assurance.engine import evaluate, forecast, of_keys
from trustworks.assurance.model import (
    CheckKind,
    Facts,
    Identity,
    OptionVerdict,
    ProcessVerdict,
    Report,
    Verdict,
)
from trustworks.assurance.report import as_values
from trustworks.assurance.rulesets import load

DAY = date(2026, 6, 1)
USE = "certificates/ca_key_use"
BOTH = ["certificates/ca_key_generation", USE]
STRONG, ARGUED, PARTIAL = Verdict.STRONG, Verdict.ARGUED, Verdict.PARTIAL
INSUFFICIENT, UNKNOWN = Verdict.INSUFFICIENT, Verdict.UNKNOWN
ROW: dict[str, Any] = {"processes": BOTH}


def known(base: str, **row: Any) -> Facts:
    return facts(
        ROW | {"base": base} | {name.replace("_", "-"): value for name, value in row.items()}, baseline()
    )


def report(given: Facts, rules: str = "current", at: date = DAY) -> Report:
    return evaluate(given, load(rules), at)


def process(given: Facts, rules: str = "current", path: str = USE, at: date = DAY) -> ProcessVerdict:
    service, _, name = path.partition("/")
    return next(
        one
        for each in report(given, rules, at).services
        if each.service == service
        for one in each.processes
        if one.process == name and one.product is not None
    )


def option(given: Facts, name: str, rules: str = "current", at: date = DAY) -> OptionVerdict:
    return next(one for one in process(given, rules, at=at).options if one.option == name)


def test_with_everything_in_order_the_verdict_is_strong() -> None:
    assert process(known("cc")).verdict is STRONG
    assert process(known("fips-140-3")).verdict is STRONG
    assert process(known("fips-140-2"), "guidance").verdict is STRONG


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TEST-MODULE")
@pytest.mark.parametrize("rules", ["current", "guidance"])
def test_a_test_module_is_insufficient_whatever_certificates_it_is_given(rules: str) -> None:
    given = known("cc")
    softhsm = Identity(
        at=datetime(2026, 6, 1, tzinfo=UTC),
        manufacturer="SoftHSM project",
        model="SoftHSM v2",
        serial="E7-0001",
        hardware="",
        firmware="",
        library="libsofthsm2.so",
        library_sha256="00",
        is_test_module=True,
    )
    told = replace(given, products=tuple(replace(one, observed=softhsm) for one in given.products))
    for one in process(told, rules).options:
        assert one.verdict is INSUFFICIENT
    assert "It is a test module: the module says that it is SoftHSM project SoftHSM v2" in str(
        process(told, rules)
    )
    software = replace(given, products=tuple(replace(one, real_hardware=False) for one in given.products))
    assert process(software, rules).verdict is INSUFFICIENT
    named = replace(given, products=tuple(replace(one, model="SoftHSM v2") for one in given.products))
    assert all(one.verdict is INSUFFICIENT for one in process(named, rules).options)
    nobody = replace(given, products=tuple(replace(one, real_hardware=None) for one in given.products))
    assert option(nobody, "CUR-CC-EAL4").verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CONFLICT")
def test_what_sources_tell_differently_is_unknown_and_told_with_both() -> None:
    told = known("cc", conflict={"eal": 3})
    found = option(told, "CUR-CC-EAL4")
    assert found.verdict is UNKNOWN
    (reason,) = found.deciding
    assert "sources differ about its evaluation assurance level: 4 (" in reason.sentence
    assert "and 3 (" in reason.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AREAS")
@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        ({"roles": 3, "physical": 3, "keys": 3}, PARTIAL),
        ({"roles": 3, "physical": 3}, INSUFFICIENT),
        ({"design": 3}, INSUFFICIENT),
        ({}, INSUFFICIENT),
    ],
)
def test_of_overall_level_2_the_areas_that_matter_decide(areas: dict[str, int], expected: Verdict) -> None:
    told = known("fips-140-2", certificate={"overall-level": 2, "area-levels": areas})
    found = option(told, "FIPS140-2-L3", "guidance")
    assert found.verdict is expected
    if areas and expected is INSUFFICIENT:
        assert "Read literally, the guidance would be content" in found.deciding[0].sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-STANDING")
@pytest.mark.parametrize(
    ("change", "guidance", "current"),
    [
        ({"status": "revoked"}, INSUFFICIENT, INSUFFICIENT),
        ({"status": "suspended"}, INSUFFICIENT, INSUFFICIENT),
        ({"status": "historical"}, PARTIAL, INSUFFICIENT),
        ({"status": "archived"}, INSUFFICIENT, INSUFFICIENT),
        ({"ends": date(2026, 5, 31)}, INSUFFICIENT, INSUFFICIENT),
        ({"issued": date(2026, 6, 2)}, INSUFFICIENT, INSUFFICIENT),
        ({"status": "not said"}, UNKNOWN, UNKNOWN),
    ],
)
def test_a_certificate_that_does_not_stand_is_never_strong(
    change: dict[str, Any], guidance: Verdict, current: Verdict
) -> None:
    told = known("cc-profile", certificate=change)
    assert option(told, "CC-PP", "guidance").verdict is guidance
    assert option(told, "CUR-PP-221-5").verdict is current


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CONDITION")
def test_the_condition_of_a_certificate_is_confirmed_or_the_verdict_is_partial() -> None:
    told = known("fips-140-3", without=["confirmation condition"])
    found = option(told, "CUR-FIPS140-3-L3")
    assert found.verdict is PARTIAL
    assert "When operated in approved mode" in found.deciding[0].sentence


# As the programme and its laboratories spell the caveats; those above are the standing ones.
@pytest.mark.req("TRUSTWORKS:ASSURANCE-CAVEAT-WEAKENS")
@pytest.mark.parametrize(
    ("caveat", "making", "using"),
    [
        ("No assurance of the minimum strength of generated keys", PARTIAL, STRONG),
        (
            "In approved mode. There is NO assurance of the  minimum strength of generated\nkeys.",
            PARTIAL,
            STRONG,
        ),
        (
            "When entropy is externally loaded, no assurance of the minimum strength of generated keys",
            PARTIAL,
            STRONG,
        ),
        ("The module generates SSPs whose strengths are modified by available entropy", PARTIAL, STRONG),
        (
            "The module makes keys (e.g. AES keys) whose strengths are modified by available entropy.",
            PARTIAL,
            STRONG,
        ),
        (
            "No assurance of the security of SSPs (e.g., keys) that are generated; in approved mode",
            PARTIAL,
            STRONG,
        ),
        ("There is no assurance of module integrity.", PARTIAL, PARTIAL),
        ("No assurance of the integrity of the module when in the non-approved mode", PARTIAL, PARTIAL),
        (
            "No assurance of minimum security of SSPs (e.g., keys, bit strings) that are externally loaded",
            STRONG,
            STRONG,
        ),
        (
            "When installed, initialized and configured as specified in Section 11 of the Security Policy",
            STRONG,
            STRONG,
        ),
        ("", STRONG, STRONG),
    ],
)
def test_a_caveat_that_takes_assurance_away_is_found_however_it_is_spelt(
    caveat: str, making: Verdict, using: Verdict
) -> None:
    told = known("fips-140-3", certificate={"caveat": caveat})
    assert process(told, path="certificates/ca_key_generation").verdict is making
    assert process(told, path=USE).verdict is using


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CAVEAT-WEAKENS")
def test_of_a_process_whose_use_nobody_wrote_a_caveat_about_generated_keys_is_told() -> None:
    caveat = "No assurance of the minimum strength of generated keys"
    told = known("fips-140-3", certificate={"caveat": caveat}, functions=[])
    (reason,) = [one for one in option(told, "CUR-FIPS140-3-L3").reasons if one.rule == "assured"]
    assert reason.verdict is PARTIAL
    assert caveat in reason.sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EQUIVALENT-LEVEL")
@pytest.mark.parametrize(
    ("level", "expected"),
    [(4, ARGUED), (5, ARGUED), (3, INSUFFICIENT), (0, INSUFFICIENT), ("not said", UNKNOWN)],
)
def test_other_criteria_are_asked_for_the_level_that_theirs_corresponds_to(
    level: int | str, expected: Verdict
) -> None:
    told = known("national", certificate={"eal": level})
    assert option(told, "NATIONAL-EQ", "guidance").verdict is expected


@pytest.mark.req("TRUSTWORKS:ASSURANCE-POINTS-ARGUED")
def test_each_point_of_annex_ii_is_argued_or_named() -> None:
    path = "signature_creation/server_signing_system"
    demonstrated = {"kind": "conformity-demonstration", "standard": "EN 419241"}
    mapping = {"kind": "annex-ii-mapping", "argued": ["1(a)", "1(b)", "1(d)", "2", "3", "4"]}
    told = known("bare-system", processes=[path], document=[demonstrated, mapping])
    (found,) = process(told, "guidance", path).options
    assert found.verdict is INSUFFICIENT
    (reason,) = found.deciding
    assert reason.missing == (
        "annex-ii-mapping: an argument for each of the points 1(c), 4(a), 4(b) of Annex II",
    )
    assert "Argue each of them" in reason.lift


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PROFILE-VERIFIED")
def test_a_profile_counts_only_once_a_person_verified_it() -> None:
    claimed = known("cc", certificate={"protection-profiles": ["EN 419221-5:2018"]})
    assert option(claimed, "CUR-PP-221-5").verdict is UNKNOWN
    assert option(known("cc"), "CUR-PP-221-5").verdict is INSUFFICIENT
    assert option(known("cc-profile"), "CUR-PP-221-5").verdict is STRONG
    pageless = known("cc-profile")
    pageless = replace(
        pageless, confirmations=tuple(replace(one, page=" ") for one in pageless.confirmations)
    )
    assert option(pageless, "CUR-PP-221-5").verdict is not STRONG


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PROFILE-VERIFIED")
def test_what_was_confirmed_last_counts() -> None:
    given = known("cc-profile")
    late = tuple(replace(one, on=date(2026, 5, 1), complete=False) for one in given.confirmations)
    profile = replace(
        given,
        confirmations=(*given.confirmations, *(one for one in late if one.kind == "protection-profile")),
    )
    assert option(profile, "CUR-PP-221-5").verdict is UNKNOWN
    scope = replace(
        given, confirmations=(*given.confirmations, *(one for one in late if one.kind == "evaluated-scope"))
    )
    assert option(scope, "CUR-PP-221-5").verdict is UNKNOWN
    again = replace(one_of(late, "evaluated-scope"), on=date(2026, 5, 2), complete=True)
    assert (
        option(replace(scope, confirmations=(*scope.confirmations, again)), "CUR-PP-221-5").verdict is STRONG
    )


def one_of(given: tuple[Any, ...], kind: str) -> Any:
    return next(one for one in given if one.kind == kind)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EDITION")
def test_a_profile_does_not_stand_in_for_the_edition_or_the_configuration() -> None:
    unknown = known("cc-profile", certificate={"standard": "not said"})
    assert option(unknown, "CUR-PP-221-5").verdict is UNKNOWN
    european = known("eucc", profiles=["EN 419221-5"], without=["confirmation configured-as-certified"])
    assert option(european, "CUR-PP-221-5").verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-UNCOVERED")
def test_a_certificate_that_ended_or_is_of_something_else_is_no_evaluation() -> None:
    row = {
        "document": [
            {
                "kind": "iso19790-demonstration",
                "standard": "ISO/IEC 19790",
                "areas": "fips-140-3",
                "argued": [
                    "specification",
                    "ports",
                    "roles",
                    "firmware",
                    "environment",
                    "physical",
                    "non-invasive",
                    "keys",
                    "tests",
                    "life-cycle",
                    "attacks",
                ],
            }
        ]
    }
    without = ["document design-evidence"]
    ended = known("cc", certificate={"ends": date(2026, 1, 1)}, without=without, **row)
    assert option(ended, "ISO19790-DEMO", "guidance").verdict is INSUFFICIENT
    standing = known("cc", without=without, **row)
    assert option(standing, "ISO19790-DEMO", "guidance").verdict is ARGUED


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOCUMENTS")
def test_a_demonstration_is_of_the_standard_that_is_asked_for() -> None:
    path = "certificates/certificate_management"
    for standard, expected in (("CEN/TS 419261", ARGUED), ("EN 419231", INSUFFICIENT), ("", INSUFFICIENT)):
        told = facts(
            {
                "base": "bare-system",
                "processes": [path],
                "document": [{"kind": "conformity-demonstration", "standard": standard}],
            },
            baseline(),
        )
        assert process(told, path=path).verdict is expected


SYSTEM = "certificates/certificate_management"


def demonstrated(**document: Any) -> Facts:
    """A system that its provider demonstrates, with the demonstration as it is given."""
    given = {"kind": "conformity-demonstration", "standard": "CEN/TS 419261"} | document
    return known("bare-system", processes=[SYSTEM], document=[given])


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DEMONSTRATED-SCOPE")
@pytest.mark.parametrize("rules", ["current", "guidance"])
@pytest.mark.parametrize(
    ("functions", "expected"),
    [(["issue", "time"], ARGUED), (["time"], INSUFFICIENT), ([], UNKNOWN)],
)
def test_a_demonstration_is_about_the_functions_that_are_used(
    rules: str, functions: list[str], expected: Verdict
) -> None:
    found = process(demonstrated(functions=functions), rules, SYSTEM)
    assert found.verdict is expected
    (reason,) = [one for one in found.options[0].reasons if one.rule == "demonstrated-scope"]
    if expected is INSUFFICIENT:
        assert reason.sentence == "The process uses what the demonstration is not about: issue."
        assert reason.missing == ("a demonstration of issue",)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DEMONSTRATED-SCOPE")
def test_what_a_process_uses_of_a_system_has_to_be_written() -> None:
    given = demonstrated()
    silent = replace(given, bindings=tuple(replace(one, functions=()) for one in given.bindings))
    assert process(silent, path=SYSTEM).verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DEMONSTRATED-VERSION")
@pytest.mark.parametrize("rules", ["current", "guidance"])
@pytest.mark.parametrize(("version", "expected"), [("4.2", ARGUED), ("4.1", INSUFFICIENT), ("", UNKNOWN)])
def test_a_demonstration_speaks_of_the_version_in_use(rules: str, version: str, expected: Verdict) -> None:
    assert process(demonstrated(version=version), rules, SYSTEM).verdict is expected
    given = demonstrated()
    silent = replace(given, products=tuple(replace(one, software="") for one in given.products))
    assert process(silent, rules, SYSTEM).verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTALLATION")
@pytest.mark.parametrize("rules", ["current", "guidance"])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("intact", ARGUED),
        ("unsigned", PARTIAL),
        (None, PARTIAL),
        ("differs", INSUFFICIENT),
        ("not-compared", INSUFFICIENT),
    ],
)
def test_this_software_is_only_argued_where_its_integrity_was_checked(
    rules: str, state: str | None, expected: Verdict
) -> None:
    given = {"kind": "conformity-demonstration", "standard": "CEN/TS 419261"}
    row: dict[str, Any] = {"processes": [SYSTEM], "document": [given], "product": {"name": "Trustworks"}}
    if state is not None:
        row["installed"] = {"state": state, "found": "what was found"}
    found = process(known("bare-system", **row), rules, SYSTEM)
    assert found.verdict is expected
    (reason,) = [one for one in found.conditions if one.rule == "installation"]
    assert "integrity" in reason.sentence
    if state is not None:
        assert "what was found" in reason.sentence
        assert reason.facts[0].what == "system installation"
    if expected is not ARGUED:
        assert reason.missing
        assert reason.lift


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTALLATION")
def test_of_software_of_others_its_integrity_is_not_known_here() -> None:
    assert process(demonstrated(), path=SYSTEM).verdict is ARGUED
    given = demonstrated()
    named = replace(given, products=tuple(replace(one, name=" TRUSTWORKS ") for one in given.products))
    assert process(named, path=SYSTEM).verdict is PARTIAL


LIVE = {"token": "issuing", "processes": ["certificates/ca_key_use"]}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-LIVE-UNREGISTERED")
@pytest.mark.parametrize("rules", ["current", "guidance"])
@pytest.mark.parametrize(("test", "expected"), [(False, UNKNOWN), (True, INSUFFICIENT)])
def test_a_module_in_use_that_no_product_names_is_a_gap_of_the_service(
    rules: str, test: bool, expected: Verdict
) -> None:
    told = report(known("cc-profile", unregistered=[LIVE | {"test": test}]), rules)
    (service,) = [one for one in told.services if one.service == "certificates"]
    assert service.verdict is expected
    (gap,) = [one for one in service.processes if one.process == "ca_key_use" and one.product is None]
    assert gap.obligation
    (reason,) = gap.conditions
    assert "the token issuing, on which Other Vendor Other 9 is, serial number O9-0001" in reason.sentence
    assert ("test module" in reason.sentence) is test
    assert "trustworks assurance product discover" in reason.lift
    assert reason.facts[0].what == "the token issuing identity"
    (own,) = [one for one in service.processes if one.process == "ca_key_use" and one.product is not None]
    assert own.verdict is STRONG
    assert any("No product of the register names the token issuing" in one for one in told.unbound)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-LIVE-UNBOUND")
@pytest.mark.parametrize("rules", ["current", "guidance"])
def test_a_registered_module_that_is_not_bound_to_what_uses_it_is_a_gap(rules: str) -> None:
    given = known("cc-profile", unregistered=[LIVE])
    (live,) = given.unregistered
    name = given.products[0].id
    live = replace(live, product=name, uses=(("certificates", "ca_key_use"),))
    left = tuple(one for one in given.bindings if one.process != "ca_key_use")
    told = report(replace(given, unregistered=(), used=(live,), bindings=left), rules)
    gap = f"certificates/ca_key_use uses {name}, which is registered and not bound to it"
    assert any(one.startswith(gap) and "binding add" in one for one in told.unbound)
    (service,) = [one for one in told.services if one.service == "certificates"]
    (found,) = [one for one in service.processes if one.process == "ca_key_use"]
    assert (found.verdict, found.product, service.verdict) == (UNKNOWN, None, UNKNOWN)
    assert f"It uses {name}, which is registered and not bound to it." in found.note
    bound = report(replace(given, unregistered=(), used=(live,)), rules)
    assert not any("not bound to it" in one for one in bound.unbound)


def test_a_rule_set_that_does_not_know_the_process_tells_the_gap_all_the_same() -> None:
    live = {"token": "services", "processes": ["validation/svsp_key"]}
    told = report(known("cc", unregistered=[live]), "guidance")
    assert any("names the token services" in one for one in told.unbound)
    assert "validation" not in [one.service for one in told.services]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AS-REGISTERED")
def test_of_a_module_that_never_spoke_nothing_shows_which_it_is() -> None:
    given = known("cc")
    silent = replace(given, products=tuple(replace(one, observed=None) for one in given.products))
    assert process(silent).verdict is PARTIAL


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SCOPE")
def test_a_function_that_was_not_evaluated_is_named() -> None:
    found = option(known("cc", functions=["sign", "derive"]), "CUR-CC-EAL4")
    assert found.verdict is INSUFFICIENT
    assert found.deciding[0].sentence == "The process uses what was not evaluated: derive."
    assert option(known("cc", functions=[]), "CUR-CC-EAL4").verdict is UNKNOWN
    assert option(known("cc", without=["confirmation evaluated-scope"]), "CUR-CC-EAL4").verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTANCE")
def test_an_instance_that_nobody_compared_or_that_changed_is_not_the_evaluated_one() -> None:
    assert option(known("cc", without=["confirmation identity"]), "CUR-CC-EAL4").verdict is UNKNOWN
    given = known("cc")
    compared = tuple(
        replace(one, values=("firmware=F-2.3.1",)) if one.kind == "identity" else one
        for one in given.confirmations
    )
    same = replace(given, confirmations=compared)
    assert option(same, "CUR-CC-EAL4").verdict is STRONG
    newer = replace(same, products=tuple(replace(one, firmware="F-2.4.0") for one in given.products))
    found = option(newer, "CUR-CC-EAL4")
    assert found.verdict is INSUFFICIENT
    assert "firmware was F-2.3.1, and is F-2.4.0" in found.deciding[0].sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CONFIGURED")
def test_a_european_certificate_wants_the_device_configured_as_it_says() -> None:
    assert option(known("eucc"), "CUR-EUCC-EAL4").verdict is STRONG
    told = known("eucc", without=["confirmation configured-as-certified"])
    assert option(told, "CUR-EUCC-EAL4").verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TARGET-FITS")
def test_what_was_evaluated_has_to_meet_the_standard_by_a_risk_analysis() -> None:
    assert option(known("cc", without=["confirmation target-fits"]), "CUR-CC-EAL4").verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EDITION")
@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        ("CC:2022", STRONG),
        ("ISO/IEC 15408:2022", STRONG),
        ("CC v3.1 R5", INSUFFICIENT),
        ("ISO/IEC 15408:2009", INSUFFICIENT),
        ("ISO/IEC 15408", UNKNOWN),
        ("not said", UNKNOWN),
    ],
)
def test_the_acts_name_the_edition_of_2022(edition: str, expected: Verdict) -> None:
    assert option(known("cc", certificate={"standard": edition}), "CUR-CC-EAL4").verdict is expected


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AS-REGISTERED")
@pytest.mark.parametrize("name", ["serial", "model", "firmware", "hardware"])
def test_a_module_that_says_something_else_than_the_register_turns_the_verdict(name: str) -> None:
    given = known("cc")
    (product,) = given.products
    seen = Identity(
        at=datetime(2026, 6, 1, tzinfo=UTC),
        manufacturer=product.manufacturer,
        model=product.model,
        serial=product.serial,
        hardware=product.hardware,
        firmware=product.firmware,
        library="libx.so",
        library_sha256=product.library_sha256,
        is_test_module=False,
    )
    same = replace(given, products=(replace(product, observed=seen),))
    assert process(same).verdict is STRONG
    changed: dict[str, Any] = {name: "X"}
    other = replace(given, products=(replace(product, observed=replace(seen, **changed)),))
    found = process(other)
    assert found.verdict is INSUFFICIENT
    assert "The module is not the one that is registered" in str(found)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AS-REGISTERED")
def test_what_nobody_expected_of_a_module_turns_the_verdict_where_the_register_is_silent() -> None:
    given = known("cc")
    (product,) = given.products
    assert product.observed is not None
    silent = replace(product, library_sha256="")
    assert process(replace(given, products=(silent,))).verdict is STRONG
    told = "the SHA-256 of the PKCS#11 library is 02, expected was 01"
    seen = replace(product.observed, library_sha256="02", unexpected=(told,))
    found = process(replace(given, products=(replace(silent, observed=seen),)))
    assert found.verdict is INSUFFICIENT
    assert told in str(found)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOCUMENTS")
def test_documents_are_at_hand_whole_and_reviewed() -> None:
    missing = known("cc", without=["document risk-analysis"])
    assert option(missing, "CUR-CC-EAL4").verdict is INSUFFICIENT
    assert option(missing, "CUR-CC-EAL4").deciding[0].missing == ("risk-analysis",)
    late = known("cc", document=[{"kind": "risk-analysis", "reviewed-until": date(2026, 5, 31)}])
    assert option(late, "CUR-CC-EAL4").verdict is PARTIAL


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHECKS-IN-TIME")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "storage", "due": date(2026, 5, 31)}, PARTIAL),
        ({"kind": "storage", "due": DAY}, STRONG),
        ({"kind": "storage", "passed": False}, INSUFFICIENT),
        ({"kind": "shipment", "persons": ["a"]}, PARTIAL),
        ({"kind": "default-credentials-changed", "passed": False}, INSUFFICIENT),
    ],
)
def test_checks_are_made_in_time_and_pass(change: dict[str, Any], expected: Verdict) -> None:
    assert process(known("cc", check=[change])).verdict is expected


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FUNCTIONING")
def test_a_module_that_does_not_work_is_insufficient() -> None:
    given = known("cc")
    told = replace(given, products=tuple(replace(one, healthy=False) for one in given.products))
    assert process(told).verdict is INSUFFICIENT
    well = replace(given, products=tuple(replace(one, healthy=True) for one in given.products))
    assert process(well).verdict is STRONG


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FUNCTIONING")
def test_what_says_that_it_works_is_named() -> None:
    given = known("cc")
    given = replace(given, products=tuple(replace(one, healthy=None) for one in given.products))
    found = [one.sentence for one in process(given).conditions if one.rule == "functioning"]
    assert found == ["It works, by the check on 2026-02-01."]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TEST-MODULE")
def test_a_test_module_is_insufficient_in_every_process_of_modules() -> None:
    given = known("cc-profile", processes=[USE, "certificates/ca_key_generation"])
    told = replace(given, products=tuple(replace(one, real_hardware=False) for one in given.products))
    for name in ("guidance", "current"):
        found = [one for service in evaluate(told, load(name), DAY).services for one in service.processes]
        assert {one.verdict for one in found if one.product} == {INSUFFICIENT}


def test_why_is_told_by_the_option_whose_certificate_is_there() -> None:
    found = process(known("fips-140-3", without=["confirmation target-fits", "document risk-analysis"]))
    assert found.options[0].reasons[-1].sentence.startswith("No CC certificate of")
    assert found.best is not None
    assert (found.best.option, found.best.certificate) == ("CUR-FIPS140-3-L3", "fips:9003")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TEST-MODULE")
def test_no_certificate_is_advised_for_a_test_module() -> None:
    bare = known("bare")
    told = replace(bare, products=tuple(replace(one, real_hardware=False) for one in bare.products))
    for given, wanted in ((bare, "Register the product's CC certificate"), (told, "No certificate helps")):
        lifts = [one.lift for one in option(given, "CUR-CC-EAL4").reasons]
        assert any(one.startswith(wanted) for one in lifts)
        assert any(one.startswith("Register") for one in lifts) is (given is bare)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-UNCOVERED")
def test_each_area_that_no_certificate_covers_is_argued() -> None:
    row = {"document": [{"kind": "iso19790-demonstration", "standard": "ISO/IEC 19790"}]}
    assert option(known("fips-140-3", **row), "ISO19790-DEMO", "guidance").verdict is ARGUED
    low = known("fips-140-3", certificate={"overall-level": 2, "area-levels": {"roles": 3}}, **row)
    found = option(low, "ISO19790-DEMO", "guidance")
    assert found.verdict is INSUFFICIENT
    assert "level 3 in " in found.deciding[0].sentence
    assert "Physical Security" in found.deciding[0].sentence
    assert option(known("fips-140-3"), "ISO19790-DEMO", "guidance").verdict is INSUFFICIENT


@pytest.mark.req("TRUSTWORKS:ASSURANCE-UNCOVERED")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"without": ["confirmation identity"]},
            "until a person confirms that this instance is the evaluated",
        ),
        ({"without": ["confirmation condition"]}, "until a person confirms that its condition is kept"),
        ({"without": ["confirmation evaluated-scope"]}, "until a person confirms that it covers what the"),
        ({"functions": ["sign", "other"]}, "as it does not cover what the process uses"),
        ({"product": {"firmware": "F-9"}}, "as this instance is not what it is about"),
        ({"certificate": {"status": "revoked"}}, "as it is revoked"),
        ({"certificate": {"overall-level": "not said"}}, "as its standard or its levels are not known"),
    ],
)
def test_a_certificate_that_does_not_count_is_named_with_the_reason(
    changed: dict[str, Any], why: str
) -> None:
    row = {"document": [{"kind": "iso19790-demonstration", "standard": "ISO/IEC 19790"}]}
    for given in (known("fips-140-3", **changed), known("fips-140-3", **changed, **row)):
        found = option(given, "ISO19790-DEMO", "guidance")
        assert found.verdict is INSUFFICIENT
        (told,) = (one.sentence for one in found.reasons if one.rule == "iso-19790")
        assert f"(fips:9003 does not count {why}" in told
        assert (
            "Nobody independent evaluated" not in str(found) or "instance is not" in why or "revoked" in why
        )


def test_an_evaluation_that_nobody_confirmed_is_not_told_to_be_none() -> None:
    own = ["design-evidence", "test-evidence"]
    for documents, expected in ((own, ARGUED), (own[:1], UNKNOWN), ([], UNKNOWN)):
        given = known(
            "fips-140-3",
            without=["confirmation identity"],
            document=[{"kind": one} for one in documents],
        )
        found = option(given, "ISO19790-DEMO", "guidance")
        (told,) = (one for one in found.reasons if one.rule == "own-evidence")
        assert told.verdict is expected
        assert "fips:9003 does not count until a person confirms that this instance" in told.sentence


OTHERS: dict[str, Any] = {
    "processes": ["certificates/ca_key_generation"],
    "also": [{"product": "other-module", "certificates": ["cc"], "processes": [USE]}],
}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TRANSFER")
@pytest.mark.parametrize(
    ("move", "expected"),
    [
        ({"equal-protection": False}, INSUFFICIENT),
        ({"dual-control": False}, INSUFFICIENT),
        ({"checksum-matched": False}, INSUFFICIENT),
        ({"equal-protection": "not said"}, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_keys_that_come_from_another_module_are_protected_as_inside(
    move: dict[str, Any] | None, expected: Verdict
) -> None:
    assert process(known("cc", **OTHERS, transfer=[{}])).verdict is STRONG
    told = known("cc", **OTHERS, transfer=[] if move is None else [move])
    assert process(told, "guidance", "certificates/key_transfer").verdict is expected


@pytest.mark.req("TRUSTWORKS:ASSURANCE-TRANSFER-ALLOWED")
def test_the_certificates_of_both_modules_allow_it() -> None:
    told = known("cc", **OTHERS, transfer=[{"allowed-by-certificates": False}])
    found = process(told)
    assert found.verdict is INSUFFICIENT
    assert "The certification of the devices does not allow" in str(found)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-BACKUPS")
def test_backups_are_protected_as_inside_and_made_by_two() -> None:
    path = "certificates/key_backup_restore"
    assert process(known("cc"), "guidance", path).verdict is STRONG
    silent = process(known("cc", without=["backup"]), "guidance", path)
    assert silent.verdict is UNKNOWN
    assert "No backup is on record" in str(silent)
    nobody = known("cc", without=["backup"], headcount=[{"persons": 0, "allowed": 0}])
    assert process(nobody, "guidance", path).verdict is STRONG
    for wrong in ({"equal-protection": False}, {"dual-control": False}):
        told = known("cc", transfer=[{"source": "module", "target": "module", "backup": True} | wrong])
        assert process(told, "guidance", path).verdict is INSUFFICIENT


@pytest.mark.req("TRUSTWORKS:ASSURANCE-HEADCOUNT")
@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ({"persons": 4, "allowed": 3}, INSUFFICIENT),
        ({"persons": 1, "allowed": 3}, INSUFFICIENT),
        ({"persons": 3, "allowed": "not said"}, UNKNOWN),
    ],
)
def test_no_more_persons_than_the_practice_statement_allows(count: dict[str, Any], expected: Verdict) -> None:
    told = known("cc", headcount=[{"act": "backup"} | count])
    assert process(told, "guidance", "certificates/key_backup_restore").verdict is expected


@pytest.mark.req("TRUSTWORKS:ASSURANCE-ALGORITHMS")
@pytest.mark.parametrize(
    ("kinds", "expected"),
    [(["P-384"], STRONG), (["RSA-2048"], INSUFFICIENT), (["Ed25519"], INSUFFICIENT), (["own"], INSUFFICIENT)],
)
def test_kinds_of_keys_are_agreed(kinds: list[str], expected: Verdict) -> None:
    assert process(known("cc", algorithms=kinds)).verdict is expected
    assert process(known("cc", algorithms=[])).verdict is UNKNOWN


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NOTIFIED")
def test_a_server_that_signs_is_on_the_notified_list() -> None:
    row = {
        "processes": ["signature_creation/server_signing_system"],
        "profiles": ["EN 419241-2"],
    }
    there = known("cc", **row, document=[{"kind": "qscd-notification"}])
    absent = known("cc", **row)
    path = "signature_creation/server_signing_system"
    asked = date(2027, 8, 19)
    assert process(there, path=path, at=asked).options[0].verdict is STRONG
    assert process(absent, path=path, at=asked).options[0].verdict is INSUFFICIENT


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FIRST-DAY")
def test_before_the_first_day_of_its_act_a_process_is_not_in_force_yet() -> None:
    given = known("cc-profile", since=date(2025, 1, 1))
    before = process(given, at=date(2025, 10, 19))
    assert (before.verdict, before.begins, before.obligation) == (UNKNOWN, date(2025, 10, 20), False)
    assert {one.begins for one in before.options} == {date(2025, 10, 20)}
    assert {one.verdict for one in before.options} == {UNKNOWN}
    (reason,) = before.options[0].reasons
    assert "Not in force yet: (EU) 2025/1943 applies from 2025-10-20 on" in reason.sentence
    assert "OJ L, 2025/1943, 30.9.2025" in reason.reference
    on_the_day = process(given, at=date(2025, 10, 20))
    assert (on_the_day.begins, on_the_day.obligation, on_the_day.act) == (None, True, "(EU) 2025/1943")
    assert process(given, "guidance", at=date(2025, 10, 19)).begins is None


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FIRST-DAY")
def test_a_process_without_options_is_not_in_force_either_before_its_act() -> None:
    given = known("bare", processes=["certificates/ca_key_use"], since=date(2025, 1, 1))
    eaa = replace(given.bindings[0], service="eaa", process="attestation_key")
    told = replace(given, bindings=(eaa,))
    found = process(told, path="eaa/attestation_key", at=date(2025, 8, 18))
    assert (found.begins, found.verdict) == (date(2025, 8, 19), UNKNOWN)
    assert "Not in force yet" in found.conditions[0].sentence
    assert process(told, path="eaa/attestation_key", at=date(2025, 8, 19)).begins is None


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FIRST-DAY")
def test_an_option_is_not_in_force_before_the_act_that_makes_it_one() -> None:
    rules = load("current")
    late = replace(rules.acts["(EU) 2024/482"], applies=date(2026, 7, 1))
    options = {**rules.options, "CUR-EUCC-EAL4": replace(rules.options["CUR-EUCC-EAL4"], act=late)}
    given = known("eucc")
    for day, begins, verdict in (
        (date(2026, 6, 30), date(2026, 7, 1), UNKNOWN),
        (date(2026, 7, 1), None, STRONG),
    ):
        (service,) = evaluate(given, replace(rules, options=options), day).services
        use = next(one for one in service.processes if one.process == "ca_key_use")
        eucc = next(one for one in use.options if one.option == "CUR-EUCC-EAL4")
        assert (eucc.begins, eucc.verdict, use.begins) == (begins, verdict, None)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-FIRST-DAY")
def test_the_forecast_begins_with_an_act() -> None:
    given = known("cc-profile", processes=["website_certificates/ca_key_use"])
    found = forecast(given, load("current"), DAY, date(2028, 1, 1))
    assert [(one.day, one.before, one.after) for one in found.changes if one.process == "ca_key_use"] == [
        (date(2027, 1, 6), UNKNOWN, STRONG)
    ]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-WEAKEST")
def test_a_service_is_as_strong_as_its_weakest_obligation() -> None:
    (service,) = report(known("cc")).services
    assert {one.process: one.verdict for one in service.processes}["ca_key_use"] is STRONG
    assert service.verdict is UNKNOWN  # the system that manages certificates is bound to no product
    assert any("certificate_management" in one for one in report(known("cc")).unbound)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EXPLAINED")
@pytest.mark.parametrize("base", ["fips-140-2", "fips-140-3", "cc", "eucc", "bare"])
@pytest.mark.parametrize("rules", ["current", "guidance"])
def test_every_answer_has_its_rule_its_reference_its_facts_and_what_would_lift_it(
    base: str, rules: str
) -> None:
    told = process(known(base), rules)
    reasons = [one for each in told.options for one in each.reasons] + list(told.conditions)
    assert reasons
    for one in reasons:
        assert one.rule
        assert one.reference
        assert one.sentence
        if one.verdict in {INSUFFICIENT, PARTIAL, UNKNOWN}:
            assert one.missing, one
            assert one.lift, one
    if base != "bare":
        assert any(fact.evidence for one in reasons for fact in one.facts)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-EXPLAINED")
def test_the_same_facts_give_the_same_octets() -> None:
    def octets() -> bytes:
        return json.dumps(as_values(report(known("fips-140-3"), "guidance"))).encode()

    assert octets() == octets()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-AGE")
def test_an_old_source_is_told_and_changes_no_verdict() -> None:
    fresh, old = date(2026, 3, 12), date(2026, 3, 13)  # retrieved on 2026-02-10
    assert report(known("cc"), at=fresh).stale == ()
    (told,) = report(known("cc"), at=old).stale
    assert told.endswith("retrieved 2026-02-10")
    assert process(known("cc"), at=old).verdict is process(known("cc"), at=fresh).verdict
    used = [fact for one in option(known("cc"), "CUR-CC-EAL4", at=old).reasons for fact in one.facts]
    assert any(one.stale for one in used)


def conditions(given: Facts, at: date) -> dict[str, Any]:
    return {one.rule: one for one in process(given, at=at).conditions}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AGES", "TRUSTWORKS:ASSURANCE-FUNCTIONING")
def test_an_old_probe_is_unknown_unless_a_check_of_the_function_is_in_time() -> None:
    seen = {"at": date(2026, 3, 1)}
    day = date(2026, 3, 31)
    without = known("cc", observed=seen, without=["check function"])
    assert conditions(without, day)["functioning"].verdict is STRONG
    old = conditions(without, date(2026, 4, 1))["functioning"]
    assert old.verdict is UNKNOWN
    assert old.sentence == "Whether it works is not known: it was probed last on 2026-03-01, too long ago."
    checked = conditions(known("cc", observed=seen), date(2026, 4, 1))
    assert checked["functioning"].verdict is STRONG
    assert "by the check on 2026-02-01" in checked["functioning"].sentence
    assert checked["as-registered"].verdict is UNKNOWN
    failed = known("cc", observed=seen, product={"healthy": False})
    assert conditions(failed, date(2026, 4, 1))["functioning"].verdict is INSUFFICIENT


@pytest.mark.req("TRUSTWORKS:ASSURANCE-AGES")
def test_a_check_by_its_kind_tells_when_it_is_due() -> None:
    given = known("cc", check=[{"kind": "storage", "due": "not said"}])
    told = conditions(given, DAY)["storage"].facts
    assert [one.value for one in told] == ["passed, due again 2027-02-01 (by its kind)"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-ALGORITHMS")
def test_keys_do_not_outlive_the_mechanism_that_they_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = replace(of_keys._AGREED["P-384"], until=date(2029, 6, 30))
    monkeypatch.setitem(of_keys._AGREED, "P-384", ending)
    given = known("cc")
    assert conditions(given, date(2028, 6, 29))["agreed-mechanisms"].lift == ""
    soon = conditions(given, date(2029, 6, 30))["agreed-mechanisms"]
    assert (soon.verdict, soon.lift) == (STRONG, "Plan their replacement.")
    over = conditions(given, date(2029, 7, 1))["agreed-mechanisms"]
    assert over.verdict is INSUFFICIENT
    assert "agreed no more: P-384 (until 2029-06-30)" in over.sentence
    assert "TIS-7.6.7-03A" in over.reference
    found = forecast(given, load("current"), DAY, date(2030, 1, 1))
    falls = [(one.day, one.before, one.after) for one in found.changes if one.process == "ca_key_use"]
    assert falls == [(date(2029, 7, 1), STRONG, INSUFFICIENT)]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-ALGORITHMS")
def test_schemes_are_held_against_the_agreed_ones_too() -> None:
    assert conditions(known("cc", algorithms=["RSA-3072", "RSA_PSS_SHA256"]), DAY)[
        "agreed-mechanisms"
    ].verdict is (STRONG)
    assert (
        conditions(known("cc", algorithms=["P-384", "ED25519"]), DAY)["agreed-mechanisms"].verdict
        is INSUFFICIENT
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHECKS-IN-TIME")
@pytest.mark.parametrize("last", [True, False])
def test_of_two_checks_of_one_day_the_one_that_was_written_last_counts(last: bool) -> None:
    given = known("cc")
    storage = next(one for one in given.checks if one.kind is CheckKind.STORAGE)
    both = tuple(replace(storage, on=DAY, passed=passed, due=None) for passed in (not last, last))
    others = tuple(one for one in given.checks if one.kind is not CheckKind.STORAGE)
    found = process(replace(given, checks=(*both, *others)))
    assert (found.verdict is INSUFFICIENT) is not last


@pytest.mark.req("TRUSTWORKS:ASSURANCE-REFERENCE-OF-ACT")
def test_a_reason_refers_to_the_act_of_its_process_and_says_what_is_carried_over() -> None:
    tsu = "timestamps/tsu_key_use"
    found = process(known("cc", processes=[tsu], without=["document risk-analysis"]), path=tsu)
    told = {one.rule: one.reference for each in found.options for one in (*each.reasons, *found.conditions)}
    assert "EN 319 421, 7.6, as (EU) 2025/1929 keeps it" in told["shipment"]
    assert told["device"].startswith("(EU) 2025/1929, TIS-7.6.2-03")
    assert told["target-fits"].startswith("condition C-1, carried over: read in (EU) 2025/2531")
    assert "taken to hold for (EU) 2025/1929" in told["target-fits"]
    assert told["CUR-FIPS140-3-L3.certificate"].startswith("(EU) 2025/1929, TIS-7.6.2-03")
