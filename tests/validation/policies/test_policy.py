"""Validation policies: what is shipped, and what is wrong with others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Malformed
from trustworks.validation.model import Level
from trustworks.validation.policies.constraints import TABLE, UNSWITCHABLE, Context, Section
from trustworks.validation.policies.policy import SHIPPED, Constraint, Model, load, parse, shipped
from trustworks.validation.rules.names import NAMES

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 'name = "n"\nidentifier = "urn:n"\n'


@pytest.mark.req("TS119441:VPR-8.1-05")
@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_can_be_read(name: str) -> None:
    shipped.cache_clear()
    policy = shipped(name)
    assert policy.identifier.startswith("urn:trustworks:validation-policy:")
    assert policy.model is Model.SHELL


def test_qualified_signatures_want_fresh_data_about_the_signer_alone() -> None:
    """Source: (EU) 2025/1942, annex, TS 119 172-4, 4.2, c) iv; (EU) 2025/1946 for preservation."""
    of_signer = (Context.SIGNATURE, "freshness", Section.SIGNING_CERTIFICATE)
    assert shipped("qualified").constraint(*of_signer).limit == timedelta(hours=24)
    assert shipped("preservation").constraint(*of_signer).limit == timedelta(0)
    for name in ("qualified", "preservation"):
        policy = shipped(name)
        assert policy.suite.name.startswith("ECCG")
        assert policy.constraint(*of_signer).level is Level.FAIL
        for context in (Context.SIGNATURE, Context.TIME_STAMP):
            assert policy.constraint(context, "freshness", Section.CA_CERTIFICATE).ignored
        assert policy.constraint(Context.TIME_STAMP, "freshness", Section.SIGNING_CERTIFICATE).ignored


def test_a_policy_goes_on_from_another() -> None:
    policy = parse(f'{HEAD}based-on = "ades"\nmodel = "chain"\n[signature]\nstructure = "fail"')
    assert policy.level(Context.SIGNATURE, "structure") is Level.FAIL
    assert policy.level(Context.COUNTER_SIGNATURE, "structure") is Level.FAIL
    assert policy.level(Context.TIME_STAMP, "order") is shipped().level(Context.TIME_STAMP, "order")
    assert policy.model is Model.CHAIN
    assert policy.suite == shipped().suite


@pytest.mark.req("EN319102-1:5.1.4-UNSWITCHABLE")
@pytest.mark.parametrize("name", sorted(UNSWITCHABLE))
@pytest.mark.parametrize("level", [Level.WARN, Level.INFORM, Level.IGNORE])
def test_what_makes_a_validation_cannot_be_lowered(name: str, level: Level) -> None:
    context = Context.EVIDENCE_RECORD if name == "data-object-intact" else Context.SIGNATURE
    with pytest.raises(Malformed, match=f"{context}.{name} in .* is wrong: no policy may lower it"):
        parse(f'{HEAD}[{context}]\n{name} = "{level}"')
    assert parse(f'{HEAD}[{context}]\n{name} = "fail"').level(context, name) is Level.FAIL
    made = replace(shipped(), constraints={(context, Section.OWN, name): Constraint(level)})
    assert made.level(context, name) is Level.FAIL


def test_a_policy_may_stand_alone() -> None:
    policy = parse(f'{HEAD}suite = "eccg"')
    assert policy.constraints == {}
    assert policy.level(Context.SIGNATURE, "reference-data-intact") is Level.FAIL


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "is no TOML"),
        ("", "name in P is wrong: it must be there"),
        (f'{HEAD}nme = "x"', "P has the unknown key nme. Known there: name, "),
        (f"{HEAD}[signature]\nstructur = 1", r"\[signature\] of P has the unknown key structur"),
        (f'{HEAD}[signature.ca]\na = "fail"', r"\[signature\] of P has the unknown key ca"),
        (f"{HEAD}[signature.ca-certificate]\na = 1", r"\[signature.ca-certificate\] of P has the unknown"),
        (f'{HEAD}[signature]\nstructure = "no"', "signature.structure in P is wrong: it must be one of fail"),
        (f"{HEAD}[signature]\nstructure = 1", "signature.structure in P is wrong: it must be a table"),
        (f"{HEAD}signature = 1", "signature in P is wrong: it must be a table"),
        (f'{HEAD}model = "x"', "model in P is wrong: it must be one of shell, chain, hybrid"),
        (f'{HEAD}suite = "x"', "There is no cryptographic suite x"),
        (f'{HEAD}based-on = "x"', "There is no validation policy x; there are ades"),
        (f'{HEAD}[findings]\n"xades.target" = "y"', "findings.xades.target in P is wrong"),
        (
            f'{HEAD}[findings]\n"pades.anotated" = "fail"',
            r"\[findings\] of P has the unknown finding 'pades.anotated'. Near to it: pades.annotated",
        ),
        (f'{HEAD}[findings]\n"0815" = "fail"', "unknown finding '0815'. All are in docs/findings.md"),
        (f'{HEAD}[time-stamp]\ndelay = "fail"', "it needs at-most beside its level"),
        (
            f'{HEAD}[time-stamp]\ndelay = {{ level = "fail", at-most = "soon" }}',
            'a duration is a number and s, m, h or d, such as "24h"',
        ),
        (f'{HEAD}[signature]\nacceptable-formats = "fail"', "it needs values beside its level"),
        (
            f'{HEAD}[signature]\nacceptable-formats = {{ level = "fail", values = 1 }}',
            "its values must be a list of strings",
        ),
        (f'{HEAD}[signature]\nstructure = {{ level = "fail", values = [] }}', "it has no setting values"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said(text: str, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        parse(text, "P")


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    place = tmp_path / "own.toml"
    place.write_text(f'{HEAD}based-on = "qualified"', encoding="utf-8")
    assert load(place).name == "n"
    with pytest.raises(Malformed, match="cannot be read"):
        load(tmp_path / "other.toml")
    place.write_bytes(b"\xff")
    with pytest.raises(Malformed, match="cannot be read"):
        load(place)


def test_every_constraint_of_certificates_and_attributes_has_a_check() -> None:
    sections = TABLE[Context.SIGNATURE]
    asked = {name.partition(".")[2] for name in NAMES}
    elsewhere = {
        *("not-expired", "revocation-data-available", "acceptable-revocation-data-found", "algorithms"),
        *("revocation-data-skip", "next-update-present", "freshness", "freshness-by-next-update"),
        *("not-on-hold", "revocation-issuer-not-expired", "certificate-digest-present"),
        *("certificate-digest-match", "issuer-serial-match"),
    }
    for section in (Section.SIGNING_CERTIFICATE, Section.SIGNED_ATTRIBUTES, Section.UNSIGNED_ATTRIBUTES):
        assert set(sections[section]) - asked - elsewhere == set()
