"""With which keys and certificates a unit may issue, and that it says why it does not."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import text
from timestamping_testbed import NOW, usage

from trustworks.core.errors import Refused, TrustworksError, Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.agreed import agreed_until
from trustworks.timestamping import records, wire
from trustworks.timestamping.model import PkiStatus
from trustworks.timestamping.rules import units as rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from timestamping_testbed import Pki, SteeredClock

    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.timestamping.config import TimestampingSettings
    from trustworks.timestamping.service import TimestampingAuthority

DAY = timedelta(days=1)


def refusal(authority: TimestampingAuthority, query: Callable[..., bytes]) -> tuple[str, str]:
    """The requirement and the reason of the only unit, which issues nothing."""
    answer = wire.decode_response(authority.stamp(query()))
    assert answer.token is None
    assert answer.failures == ("systemFailure",)
    with pytest.raises(Refused) as caught:
        authority.ping()
    (status,) = authority.status()["units"]
    assert not status["ok"]
    assert status["code"] == caught.value.requirement
    assert status["reason"] == str(caught.value)
    return caught.value.requirement, str(caught.value)


def failure(authority: TimestampingAuthority, query: Callable[..., bytes]) -> str:
    answer = wire.decode_response(authority.stamp(query()))
    assert answer.token is None
    return answer.failures[0]


@pytest.mark.req("EN319421:7.6.4-CERTIFICATE-LOADED")
def test_without_a_certificate_nothing_is_issued(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], tmp_path: Path
) -> None:
    authority = authority_of(unit={"certificate": str(tmp_path / "not-issued-yet.pem")})
    requirement, reason = refusal(authority, query)
    assert requirement == "EN319421:7.6.4-CERTIFICATE-LOADED"
    assert "no certificate yet" in reason


@pytest.mark.req("EN319421:7.6.4-CERTIFICATE-LOADED")
def test_with_the_certificate_of_another_key_nothing_is_issued(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
) -> None:
    authority = authority_of(unit={"certificate": str(pki.certify(tsu_module.key("tsu-2")))})
    requirement, reason = refusal(authority, query)
    assert requirement == "EN319421:7.6.4-CERTIFICATE-LOADED"
    assert "another key" in reason


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
@pytest.mark.parametrize("setting", ["certificate", "chain"])
def test_a_file_that_holds_no_certificate_is_named(
    authority_of: Callable[..., TimestampingAuthority], tmp_path: Path, content: bytes, setting: str
) -> None:
    file = tmp_path / "tsu.pem"
    file.write_bytes(content)
    with pytest.raises(Unavailable, match=r"tsu\.pem") as caught:
        authority_of(unit={setting: str(file)}).ping()
    assert caught.value.code == "timestamping.certificate"


def test_a_certificate_whose_extensions_cannot_be_read_is_named(
    authority_of: Callable[..., TimestampingAuthority], certificate: Path, tmp_path: Path
) -> None:
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    purpose = bytes.fromhex("06082b06010505070308")
    assert purpose in der
    file = tmp_path / "tsu.pem"
    damaged = base64.encodebytes(der.replace(purpose, b"\x07" + purpose[1:])).decode()
    file.write_text(f"-----BEGIN CERTIFICATE-----\n{damaged}-----END CERTIFICATE-----\n", encoding="ascii")
    with pytest.raises(Unavailable, match=r"tsu\.pem"):
        authority_of(unit={"certificate": str(file)}).ping()


def test_a_chain_that_is_named_and_absent_is_no_empty_chain(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], tmp_path: Path
) -> None:
    authority = authority_of(unit={"chain": str(tmp_path / "absent.pem")})
    assert failure(authority, query) == "systemFailure"
    with pytest.raises(Unavailable, match=r"absent\.pem as its chain"):
        authority.ping()


@pytest.mark.req("TRUSTWORKS:TSA-CHAIN")
def test_the_chain_begins_with_the_issuer_and_has_nothing_twice(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    pki: Pki,
    tsu_module: Module,
    certificate: Path,
    tmp_path: Path,
) -> None:
    own, issuing, root = (one.read_bytes() for one in (certificate, pki.chain_file, pki.root_file))
    other = pki.certify(tsu_module.key("tsu-2")).read_bytes()
    file = tmp_path / "chain.pem"
    for chain, word in (
        (own, "second time"),
        (other, "issued none"),
        (root, "issued none"),
        (issuing + issuing, "second time"),
        (issuing + other, "issued none"),
        (root + issuing, "issued none"),
    ):
        file.write_bytes(chain)
        requirement, reason = refusal(authority_of(unit={"chain": str(file)}), query)
        assert requirement == "TRUSTWORKS:TSA-CHAIN"
        assert word in reason
    for chain, number in ((issuing, 2), (issuing + root, 3)):
        file.write_bytes(chain)
        assert certificates_sent(authority_of(unit={"chain": str(file)}), query) == number


@pytest.mark.req("TRUSTWORKS:TSA-CHAIN")
def test_authorities_behind_the_certificate_are_the_chain_where_no_other_is_named(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    pki: Pki,
    certificate: Path,
    tmp_path: Path,
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + pki.chain_file.read_bytes())
    assert certificates_sent(authority_of(unit={"certificate": str(both), "chain": None}), query) == 2
    assert certificates_sent(authority_of(unit={"certificate": str(both)}), query) == 2


def certificates_sent(authority: TimestampingAuthority, query: Callable[..., bytes]) -> int:
    token = wire.decode_response(authority.stamp(query(cert_req=True))).token
    assert token is not None
    return len(wire.read_token(token).info.content.certificates or ())


PURPOSES: list[tuple[str, dict[str, Any]]] = [
    ("none", {"purposes": None}),
    ("not critical", {"critical": False}),
    ("other", {"purposes": [ExtendedKeyUsageOID.CODE_SIGNING]}),
    ("two", {"purposes": [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING]}),
    ("any", {"purposes": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]}),
    ("cert sign", {"key_usage": usage(digital_signature=True, key_cert_sign=True)}),
    ("authority", {"authority": True}),
    ("no signature", {"key_usage": usage(key_agreement=True)}),
]


@pytest.mark.req("EN319422:6-CERTIFICATE", "EN319421:TIS-7.7.1-08")
@pytest.mark.parametrize("options", [options for _, options in PURPOSES], ids=[name for name, _ in PURPOSES])
def test_the_certificate_must_be_for_time_stamping_alone(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
    options: dict[str, Any],
) -> None:
    authority = authority_of(unit={"certificate": str(pki.certify(tsu_module.key("tsu-1"), **options))})
    assert refusal(authority, query)[0] == "EN319422:6-CERTIFICATE"


@pytest.mark.req("EN319421:TIS-7.7.1-09", "EN319421:7.6.7-KEY-EXPIRY")
@pytest.mark.parametrize(
    ("moment", "issues"),
    [
        (NOW + 365 * DAY - timedelta(milliseconds=1), True),
        (NOW + 365 * DAY, False),
        (NOW + 400 * DAY, False),
        (NOW - DAY - timedelta(milliseconds=1), False),
        (NOW - DAY, True),
    ],
)
def test_the_key_signs_within_its_usage_period_though_the_certificate_lives_on(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    moment: datetime,
    *,
    issues: bool,
) -> None:
    clock.utc, clock.step = moment, timedelta(0)
    answer = wire.decode_response(authority.stamp(query()))
    assert (answer.status == PkiStatus.GRANTED) == issues
    if issues:
        authority.ping()
    else:
        assert answer.failures == ("systemFailure",)
        with pytest.raises(TrustworksError, match="private key"):
            authority.ping()


@pytest.mark.req("EN319421:TIS-7.7.1-09")
def test_the_extension_s_beginning_counts_too(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
) -> None:
    file = pki.certify(tsu_module.key("tsu-1"), key_starts=timedelta(days=2))
    authority = authority_of(unit={"certificate": str(file)})
    assert failure(authority, query) == "systemFailure"
    with pytest.raises(Unavailable, match=r"not be used before 2026-05-06T03:02:00Z") as caught:
        authority.ping()
    assert caught.value.code == "timestamping.key-not-begun"


@pytest.mark.req("EN319421:7.6.7-KEY-EXPIRY")
def test_the_end_of_the_key_must_be_said(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
    clock: SteeredClock,
) -> None:
    file = str(pki.certify(tsu_module.key("tsu-1"), key_lasts=None))
    assert refusal(authority_of(unit={"certificate": file}), query)[0] == "EN319421:7.6.7-KEY-EXPIRY"
    ends = NOW + 10 * DAY
    said = authority_of(unit={"certificate": file, "key-expires": ends.isoformat()})
    assert wire.decode_response(said.stamp(query())).token is not None
    clock.utc = ends
    assert failure(said, query) == "systemFailure"


@pytest.mark.req("EN319421:7.6.7-KEY-EXPIRY")
def test_a_setting_can_end_the_key_earlier_and_not_later(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], clock: SteeredClock
) -> None:
    earlier = authority_of(unit={"key-expires": (NOW + DAY).isoformat()})
    later = authority_of(unit={"key-expires": (NOW + 700 * DAY).isoformat()})
    clock.utc = NOW + 2 * DAY
    assert failure(earlier, query) == "systemFailure"
    clock.utc = NOW + 366 * DAY
    assert failure(later, query) == "systemFailure"


@pytest.mark.req("EN319421:7.6.7-KEY-EXPIRY")
def test_the_key_must_not_outlive_its_certificate(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
) -> None:
    file = pki.certify(tsu_module.key("tsu-1"), key_lasts=timedelta(days=801))
    assert refusal(authority_of(unit={"certificate": str(file)}), query)[0] == "EN319421:7.6.7-KEY-EXPIRY"


@pytest.mark.req("EN319421:7.6.7-KEY-EXPIRY", "EN319421:TIS-7.7.1-09")
def test_a_unit_that_was_good_at_the_start_stops_with_its_certificate(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
    clock: SteeredClock,
) -> None:
    file = pki.certify(tsu_module.key("tsu-1"), lasts=10 * DAY, key_lasts=10 * DAY)
    authority = authority_of(unit={"certificate": str(file)})
    end = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    clock.step = timedelta(0)
    for moment in (NOW, end - timedelta(milliseconds=1)):
        clock.utc = moment
        assert wire.decode_response(authority.stamp(query())).token is not None
        authority.ping()
    for moment in (end, end + DAY):
        clock.utc = moment
        assert failure(authority, query) == "systemFailure"
        with pytest.raises(Refused, match=f"its use ended at {end:%Y-%m-%d}") as raised:
            authority.ping()
        assert raised.value.requirement == "EN319421:TIS-7.7.1-09"


@pytest.mark.req("EN319421:TIS-8.1-01")
def test_a_qualified_unit_has_a_certificate_under_ncp_plus(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
) -> None:
    for policies in ((), ("2.999.1",)):
        file = str(pki.certify(tsu_module.key("tsu-1"), policies=policies))
        assert (
            refusal(authority_of(unit={"certificate": file, "qualified": True}), query)[0]
            == "EN319421:TIS-8.1-01"
        )
        assert wire.decode_response(authority_of(unit={"certificate": file}).stamp(query())).token is not None
    file = str(pki.certify(tsu_module.key("tsu-1"), policies=("2.999.1",)))
    own = authority_of(unit={"certificate": file, "qualified": True}, ncp_plus_policies=["2.999.1"])
    assert wire.decode_response(own.stamp(query())).token is not None


@pytest.mark.req("EN319421:TIS-8.2-01", "EN319422:9.1-QUALIFIED")
@pytest.mark.parametrize(("lab", "mode"), [(True, "enforce"), (False, "lab"), (True, "lab")])
def test_a_lab_and_an_unchecked_clock_issue_nothing_qualified(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    mode: str,
    *,
    lab: bool,
) -> None:
    clock.mode = mode
    authority = authority_of(lab=lab, unit={"qualified": True})
    assert refusal(authority, query)[0] == "EN319421:TIS-8.2-01"


@pytest.mark.req("TRUSTWORKS:TSA-LAB-POLICY")
def test_an_unchecked_clock_issues_under_the_lab_policy_alone(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    sqlite: Database,
) -> None:
    clock.mode = "lab"
    authority = authority_of(lab=True, unit={"policies": ["2.999.3161.7"]})
    token = wire.decode_response(authority.stamp(query())).token
    assert token is not None
    found = wire.read_token(token).tst_info
    assert found.policy.dotted_string == "1.3.6.1.4.1.32473.3161.1"
    assert found.extensions is None
    assert wire.decode_response(authority.stamp(query(policy="2.999.3161.7"))).failures == (
        "unacceptedPolicy",
    )
    record = records.find(sqlite, f"{found.serial_number:x}")
    assert record is not None
    assert (record.clock_mode, record.clock_bound_us, record.clock_leap) == ("lab", None, "unchecked")


@pytest.mark.req("EN319422:5.2.2-POLICY", "TRUSTWORKS:TSA-LAB-POLICY")
@pytest.mark.parametrize(
    "policies", [[], ["1.3.6.1.4.1.32473.3161.1"], ["2.999.3161.7", "1.3.6.1.4.1.32473.3161.1"]]
)
def test_a_checked_clock_needs_a_policy_that_is_not_the_lab_s(
    authority_of: Callable[..., TimestampingAuthority], policies: list[str]
) -> None:
    with pytest.raises(Refused) as caught:
        authority_of(policies=policies)
    assert caught.value.requirement == "EN319422:5.2.2-POLICY"


def test_the_lab_needs_no_policy(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], clock: SteeredClock
) -> None:
    clock.mode = "lab"
    assert wire.decode_response(authority_of(policies=[]).stamp(query())).token is not None


@pytest.mark.req("EN319422:5.2.2-GENTIME")
@pytest.mark.parametrize(("accuracy", "digits"), [(999_999, 0), (500, 3)])
def test_gen_time_must_be_as_fine_as_the_accuracy(
    authority_of: Callable[..., TimestampingAuthority], clock: SteeredClock, accuracy: int, digits: int
) -> None:
    clock.mode = "lab"
    with pytest.raises(Refused) as caught:
        authority_of(accuracy_us=accuracy, gen_time_digits=digits)
    assert caught.value.requirement == "EN319422:5.2.2-GENTIME"


@pytest.mark.req("EN319422:5.2.2-GENTIME")
def test_whole_seconds_leave_a_checked_clock_no_accuracy(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], clock: SteeredClock
) -> None:
    with pytest.raises(Refused, match=r"raise .* gen-time-digits"):
        authority_of(gen_time_digits=0)
    clock.mode = "lab"
    assert wire.decode_response(authority_of(gen_time_digits=0).stamp(query())).token is not None


@pytest.mark.req("TRUSTWORKS:TSA-SIGNING-LIMIT")
def test_a_signature_may_not_take_longer_than_the_accuracy(
    authority_of: Callable[..., TimestampingAuthority], settings_of: Callable[..., TimestampingSettings]
) -> None:
    with pytest.raises(Refused, match=r"lower .* signing-limit-ms") as caught:
        authority_of(accuracy_us=300_000, signing_limit_ms=301)
    assert caught.value.requirement == "TRUSTWORKS:TSA-SIGNING-LIMIT"
    authority_of(accuracy_us=300_000, signing_limit_ms=300)
    assert settings_of(accuracy_us=300_000).signing_limit_us == 300_000
    assert settings_of().signing_limit_us == 500_000
    assert settings_of(signing_limit_ms=700).signing_limit_us == 700_000


@pytest.mark.req("EN319421:TIS-7.7.1-06")
def test_an_accuracy_that_leaves_no_time_to_sign_is_refused(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes], clock: SteeredClock
) -> None:
    clock.mode = "lab"
    given: dict[str, Any] = {"gen_time_digits": 6, "lab": True}
    requirement, reason = refusal(authority_of(accuracy_us=99, **given), query)
    assert requirement == "EN319421:TIS-7.7.1-06"
    assert "takes some 100 us; declare more" in reason
    assert authority_of(accuracy_us=100, **given).status()["ok"]


@pytest.mark.req("EN319421:TIS-7.7.1-05")
def test_an_accuracy_that_the_clock_cannot_keep_is_refused_at_the_start(
    authority_of: Callable[..., TimestampingAuthority],
) -> None:
    with pytest.raises(Refused, match="bound"):
        authority_of(accuracy_us=1_000)


@pytest.mark.req("EN319421:TIS-7.6.5-01", "EN319421:TIS-7.6.7-03A")
def test_certificate_and_key_end_with_their_algorithm() -> None:
    end = datetime(2030, 6, 1, tzinfo=UTC)
    assert rules.algorithm_findings(end, end, None) == ()
    assert rules.algorithm_findings(end, end, date(2030, 6, 1)) == ()
    assert len(rules.algorithm_findings(end + DAY, end, date(2030, 6, 1))) == 1
    assert len(rules.algorithm_findings(end + DAY, end + DAY, date(2030, 6, 1))) == 2


@pytest.mark.req("EN319422:5.2.3-SIGNATURE-SUITE", "EN319421:TIS-7.6.2-05A", "EN319421:TIS-7.6.5-01")
def test_keys_that_are_not_agreed_sign_in_the_lab_alone(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
) -> None:
    key = tsu_module.generate_key_pair(label="rsa-2048", algorithm=KeyAlgorithm.RSA_2048)
    unit = {"key": "rsa-2048", "certificate": str(pki.certify(key))}
    requirement, _ = refusal(authority_of(unit=unit), query)
    assert requirement == "ECCG-ACM:SIGNATURES"
    assert wire.decode_response(authority_of(lab=True, unit=unit).stamp(query())).token is not None


@pytest.mark.req("EN319422:5.2.3-SIGNATURE-SUITE", "EN319421:TIS-7.6.2-05A", "EN319421:TIS-7.6.7-03A")
def test_what_was_agreed_is_refused_on_a_later_trusted_day(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    tsu_module: Module,
    pki: Pki,
    clock: SteeredClock,
) -> None:
    key = tsu_module.generate_key_pair(label="rsa-2048-of-2025", algorithm=KeyAlgorithm.RSA_2048)
    until = agreed_until(key.algorithm, key.scheme)
    assert until is not None
    last = datetime.combine(until, time(12), tzinfo=UTC)
    file = pki.certify(key, starts=last - 300 * DAY - pki.now, lasts=last - pki.now, key_lasts=last - pki.now)
    unit = {"key": key.label, "certificate": str(file)}
    # The machine's own clock is past that day: only the trusted one counts.
    clock.utc = last - DAY
    authority = authority_of(unit=unit)
    assert wire.decode_response(authority.stamp(query())).token is not None
    clock.utc = last + DAY
    assert failure(authority, query) == "systemFailure"
    requirement, reason = refusal(authority_of(unit=unit), query)
    assert requirement == "ECCG-ACM:SIGNATURES"
    assert f"agreed until {until}" in reason


@pytest.mark.req("EN319422:5.2.3-SIGNATURE-SUITE")
def test_a_scheme_must_fit_the_key(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes]
) -> None:
    authority = authority_of(unit={"signature": "RSA_PSS_SHA256"})
    assert refusal(authority, query)[0] == "EN319422:5.2.3-SIGNATURE-SUITE"


def test_several_units_answer_by_name_and_by_policy(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    sqlite: Database,
) -> None:
    authority = authority_of(units=two_units)
    authority.ping()

    def unit_of(response: bytes) -> str:
        token = wire.decode_response(response).token
        assert token is not None
        record = records.find(sqlite, f"{wire.read_token(token).tst_info.serial_number:x}")
        assert record is not None
        return record.unit

    assert unit_of(authority.stamp(query())) == "tsu-1"
    assert unit_of(authority.stamp(query(policy="2.999.3161.8"))) == "tsu-2"
    assert unit_of(authority.stamp(query(), "tsu-2")) == "tsu-2"
    refused = wire.decode_response(authority.stamp(query(policy="2.999.3161.8"), "tsu-1"))
    assert refused.failures == ("unacceptedPolicy",)
    assert authority.issued(NOW - DAY, NOW + DAY) == {"tsu-1": 1, "tsu-2": 2}


def test_a_unit_that_does_not_issue_leaves_the_others_alone(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    two_units: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    two_units[0]["certificate"] = str(tmp_path / "absent.pem")
    authority = authority_of(units=two_units)
    assert wire.decode_response(authority.stamp(query())).failures == ("systemFailure",)
    assert wire.decode_response(authority.stamp(query(), "tsu-2")).token is not None
    with pytest.raises(Refused):
        authority.ping()


@pytest.mark.req("EN319421:3.1-ONE-KEY")
def test_two_units_do_not_share_a_key(
    authority_of: Callable[..., TimestampingAuthority],
    two_units: list[dict[str, Any]],
    tsu_module: Module,
    certificate: Path,
    settings_of: Callable[..., TimestampingSettings],
) -> None:
    two_units[1] |= {"certificate": str(certificate), "qualified": False}
    authority = authority_of(units=two_units, keys=lambda _: tsu_module.key("tsu-1"))
    first, second = authority.status()["units"]
    assert first["ok"]
    assert second["code"] == "EN319421:3.1-ONE-KEY"
    two_units[1]["key"] = "tsu-1"
    with pytest.raises(ValueError, match="same key"):
        settings_of(units=two_units)


@pytest.mark.req("EN319421:OVR-7.12-02", "EN319421:OVR-7.12-03")
def test_taking_a_key_and_certificate_into_use_is_recorded(
    authority: TimestampingAuthority, sqlite: Database, certificate: Path
) -> None:
    with sqlite.read() as connection:
        bodies = connection.execute(
            text("SELECT body FROM audit_events WHERE type = 'timestamp.unit-opened'")
        ).scalars()
        (body,) = [bytes(one).decode() for one in bodies]
    issued = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert f'"certificate_serial":"{issued.serial_number:x}"' in body
    assert '"key_ends":"2027-05-04T03:02:00Z"' in body
    assert authority.status()["units"][0]["key_ends"] == "2027-05-04T03:02:00Z"


@pytest.mark.parametrize(
    "wrong",
    [
        {"accuracy-us": 1_000_001},
        {"accuracy-us": 0},
        {"policies": ["1.2.x"]},
        {"policies": ["3.1"]},
        {"policies": ["2.5.4.03"]},
        {"policies": [""]},
        {"policies": ["2.999" + ".1" * 126]},
        {"lab-policy": "one"},
        {"imprints": ["sha1"]},
        {"imprints": []},
        {"units": []},
        {"units": [{"name": "A", "certificate": "a.pem"}]},
        {"units": [{"name": "a", "certificate": "a.pem"}, {"name": "a", "key": "b", "certificate": "b.pem"}]},
        {"units": [{"name": "a", "certificate": "a.pem", "signature": "RSA_SHA1"}]},
        {"units": [{"name": "a", "certificate": "a.pem", "key-expires": "2027-01-01T00:00:00"}]},
        {"unknown": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings_of: Callable[..., TimestampingSettings], wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="validation error"):
        settings_of(**wrong)
