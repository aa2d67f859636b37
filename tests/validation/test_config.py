"""[validation]: what is wrong with values, and what the service offers by them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError
from validation_desk import self_signed, settings_of

from trustworks.core.errors import Malformed, Rejected
from trustworks.formats.limits import DEFAULT, NAMES, Limits
from trustworks.formats.limits import limits_of as limits_of_options
from trustworks.validation import config
from trustworks.validation.config import ValidationSettings
from trustworks.validation.offer import Offer, fetcher_of, limits_of
from trustworks.validation.policies import policy

if TYPE_CHECKING:
    from pathlib import Path

OWN = 'name = "own"\nidentifier = "urn:own:1"\nbased-on = "ades"\n'


def test_the_policies_of_the_package_are_known_by_their_names() -> None:
    assert config.SHIPPED == policy.SHIPPED


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"policies": ["adse"]}, "there are ades, qualified, preservation"),
        ({"policies": ["ades", "ades"]}, "same name"),
        ({"policies": ["ades"], "policy-files": ["x/ades.toml"]}, "same name"),
        ({"policies": ["qualified"]}, "default-policy is ades, which is not offered"),
        ({"policies": []}, "offered are none"),
        ({"service-policy": "urn:oid:1.2.3"}, "write an object identifier in dotted form"),
        ({"service-policy": "3.1"}, "write an object identifier in dotted form"),
        ({"practice-statement": "practice.pdf"}, "begins with https://"),
        ({"fetch": {"networks": ["10.0.0.0/33"]}}, "write a network as 10.0.0.0/8"),
        ({"fetch": {"hosts": ["status.example.com"]}}, "write NAME=ADDRESS"),
        ({"fetch": {"hosts": ["=10.0.0.1"]}}, "write NAME=ADDRESS"),
        ({"lists": {"url": "ftp://example.com/lotl.xml"}}, "begins with https://"),
        ({"limits": {"at-once": 0}}, "greater than or equal to 1"),
        ({"limits": {"upload": 2048, "uploads-octets": 2047}}, "the longest upload could never come"),
    ],
)
def test_wrong_values_are_told_in_a_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as raised:
        settings_of(**given)
    assert sentence in str(raised.value)


def test_a_process_gets_the_settings_as_they_are(tmp_path: Path) -> None:
    settings = settings_of(
        trust=[str(tmp_path / "a.pem")], lists={}, fetch={"networks": ["10.0.0.0/8"], "hosts": ["a=::1"]}
    )
    told = settings.model_dump(mode="json", by_alias=True)
    assert config.ValidationSettings.model_validate(told) == settings


def test_own_policies_are_offered_by_the_names_of_their_files(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    offer = Offer(settings_of(**{"policies": ["ades"], "policy-files": [str(file)], "default-policy": "own"}))
    assert list(offer.policies) == ["ades", "own"]
    assert offer.named("").identifier == "urn:own:1"
    assert offer.named("urn:own:1") is offer.named("own")
    with pytest.raises(Rejected, match="offered are ades, own"):
        offer.named("qualified")


def test_a_policy_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"There is no validation policy .*own\.toml"):
        Offer(settings_of(**{"policy-files": [str(tmp_path / "own.toml")]}))


def test_what_is_trusted_is_read_again_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()

    def write(name: str) -> None:
        (folder / f"{name}.pem").write_bytes(self_signed(name)[1].public_bytes(Encoding.PEM))

    write("one")
    offer = Offer(settings_of(trust=[str(folder)]))
    first = offer.trusted()
    assert len(first.trust.anchors.anchors) == 1
    assert offer.trusted() is first
    write("two")
    assert len(offer.trusted().trust.anchors.anchors) == 2
    assert len(offer.validator("ades", datetime(2026, 1, 1, tzinfo=UTC)).trust.anchors.anchors) == 2


def test_limits_and_what_is_fetched_are_as_configured(tmp_path: Path) -> None:
    numbers = {name: 5000 + place for place, name in enumerate(sorted(NAMES - {"depth"}))} | {"depth": 7}
    written = {name.replace("_", "-"): number for name, number in numbers.items()}
    assert asdict(limits_of(settings_of(limits=written))) == numbers
    usual = asdict(limits_of(settings_of()))
    assert {name for name in NAMES if usual[name] != getattr(DEFAULT, name)} == {"parsed", "unpacked"}
    assert limits_of_options(f"{name}={number}" for name, number in written.items()) == Limits(**numbers)
    assert fetcher_of(settings_of()) is None
    table = {"answers": 3, "hosts": ["Status.example.com=10.0.0.5"], "cache": str(tmp_path)}
    made = fetcher_of(settings_of(fetch=table))
    assert made is not None
    assert made.limits.answers == 3
    assert made.limits.hosts == {"status.example.com": "10.0.0.5"}
    assert not made.limits.tells_names
    with pytest.raises(ValidationError, match="write a network"):
        settings_of(fetch={"closed-networks": ["everywhere"]})
    closed = fetcher_of(ValidationSettings.model_validate({"fetch": {"closed-networks": ["8.8.8.8/32"]}}))
    assert closed is not None
    assert [str(one) for one in closed.limits.closed] == ["8.8.8.8/32"]


def test_all_that_is_fetched_for_a_file_takes_a_small_part_of_the_time_of_its_validation() -> None:
    def seconds(**tables: Any) -> tuple[float, float]:
        made = fetcher_of(ValidationSettings.model_validate(tables))
        assert made is not None
        return made.limits.seconds, made.limits.all_seconds

    assert seconds() == (5.0, 10.0)
    assert seconds(fetch={"all-seconds": 90}) == (5.0, 42.0), "the file must still be judged"
    assert seconds(limits={"seconds": 5}) == (5.0, 3.5)
