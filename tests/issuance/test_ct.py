"""Web sites' certificates are shown to logs before they are signed, and carry their timestamps."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from certificate_bench import EV, SERVER
from cryptography import x509
from ct_logs import FakeLog, FakeLogs, at
from issuance_testbed import START, open_provider

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.issuance.config import CtSettings
from trustworks.issuance.ct import Transparency
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.rules.ct import Log, check_enough, log_list, read_sct, scts_needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key
    from trustworks.core.store import Database


def make(*tempers: str) -> FakeLogs:
    """Logs of operators A, B, C, ..., each of that temper, and one with an RSA key among them."""
    logs = [
        FakeLog(f"log{number}", chr(ord("A") + number), kind="rsa" if number == 1 else "ec")
        for number in range(len(tempers))
    ]
    for log, temper in zip(logs, tempers, strict=True):
        log.temper = temper
    return FakeLogs(*logs, now=START)


@contextmanager
def logging(database: Database, root_key: Key, issuing_key: Key, logs: FakeLogs) -> Iterator[Provider]:
    shown = Transparency(log_list(logs.list()), transport=logs.transport)
    with open_provider(database, root_key, issuing_key, transparency=shown) as provider:
        provider.issuance.create_root(root_key, by="ceremony")
        provider.issuance.create_issuing(issuing_key, by="ceremony")
        yield provider


def site(provider: Provider, profile: str = "qevcp-w") -> x509.Certificate:
    request = provider.request(
        profile,
        subject=tuple(NameAttribute(*item) for item in EV.items()),
        alternative_names=(f"DNS:{SERVER}",),
        days=90,
    )
    return x509.load_der_x509_certificate(provider.issuance.issue(request).certificate)


@pytest.mark.req("RFC6962:3.1", "RFC6962:3.2", "TRUSTWORKS:ISSUANCE-CT-ENOUGH")
@pytest.mark.parametrize(
    "tempers", [("", ""), ("down", "", ""), ("", "other", ""), ("busy", "", "junk", ""), ("long", "", "")]
)
def test_a_certificate_carries_the_timestamps_of_two_operators(
    database: Database, root_key: Key, issuing_key: Key, tempers: tuple[str, ...]
) -> None:
    logs = make(*tempers)
    with logging(database, root_key, issuing_key, logs) as provider:
        found = site(provider)
    listed = found.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    good = {log.url for log in logs.logs if not log.temper}
    assert not listed.critical
    assert [sct.log_id for sct in listed.value] == [
        log.id for log in log_list(logs.list()) if log.url in good
    ]
    assert {sct.timestamp.replace(microsecond=0) for sct in listed.value} == {
        START.replace(microsecond=0, tzinfo=None)
    }
    for log in logs.logs:
        assert set(log.logged) <= {found.tbs_precertificate_bytes}
        for precertificate in log.seen:
            assert precertificate.serial_number == found.serial_number
            assert precertificate.extensions.get_extension_for_class(x509.PrecertPoison).critical


@pytest.mark.req("RFC6962:3.2", "TRUSTWORKS:ISSUANCE-CT-ENOUGH")
@pytest.mark.parametrize(
    ("tempers", "error"),
    [
        (("other",), "RFC6962:3.2"),
        (("future", "future"), "RFC6962:3.2"),
        (("", "other"), "TRUSTWORKS:ISSUANCE-CT-ENOUGH"),
        (("",), "TRUSTWORKS:ISSUANCE-CT-ENOUGH"),
        (("down", "busy"), "ct.logs"),
        (("version", "long"), "ct.logs"),
        ((), "ct.logs"),
    ],
)
def test_without_enough_timestamps_nothing_is_issued(
    database: Database, root_key: Key, issuing_key: Key, tempers: tuple[str, ...], error: str
) -> None:
    with logging(database, root_key, issuing_key, make(*tempers)) as provider:
        with pytest.raises((Refused, Unavailable)) as found:
            site(provider)
        assert getattr(found.value, "requirement", getattr(found.value, "code", "")) == error
        (record,) = provider.issuance.list(profile="qevcp-w")
        assert (record.state, record.der) == ("abandoned", None)


def test_other_profiles_are_not_shown(database: Database, root_key: Key, issuing_key: Key) -> None:
    logs = make("", "")
    with logging(database, root_key, issuing_key, logs) as provider:
        assert provider.issuance.issue(provider.request("tls-server")).certificate
    assert [log.seen for log in logs.logs] == [[], []]


def test_a_log_takes_what_ends_in_its_time() -> None:
    logs = make("", "")
    interval = {"start_inclusive": "2027-01-01T00:00:00Z", "end_exclusive": "2028-01-01T00:00:00Z"}
    (log, _) = log_list(logs.list(temporal_interval=interval))
    assert [log.takes(at(year)) for year in (2026, 2027, 2028)] == [False, True, False]
    assert log.takes(at(2028) - timedelta(seconds=1))


def test_logs_that_are_not_in_use_are_left_out() -> None:
    logs = make("", "")
    assert len(log_list(logs.list(state={"usable": {}}))) == 2
    assert len(log_list(logs.list(state={"qualified": {}}))) == 2
    assert log_list(logs.list(state={"retired": {}})) == ()


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"operators": [{"name": "A", "logs": [{"key": "?"}]}]}']
)
def test_what_is_no_list_of_logs_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="log-list"):
        log_list(data)


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"sct_version": 0, "id": 5}', b'{"sct_version": 0}'])
def test_what_is_no_timestamp_is_malformed(answer: bytes) -> None:
    with pytest.raises(Malformed, match="timestamp"):
        read_sct(answer)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-CT-ENOUGH")
def test_browsers_ask_for_two_operators_and_for_more_the_longer_it_is_valid() -> None:
    assert scts_needed(timedelta(days=180)) == 2
    assert scts_needed(timedelta(days=181)) == 3
    a, b = (Log(b"", "https://x", operator, b"") for operator in "AB")
    check_enough([a, b], 2)
    check_enough([a, b, b], 3)
    for logs, needed in (([a], 2), ([a, a], 2), ([a, b], 3), ([], 2)):
        with pytest.raises(Refused, match="browsers ask"):
            check_enough(logs, needed)


def test_the_list_is_a_file(tmp_path: Path) -> None:
    logs = make("", "")
    (tmp_path / "logs.json").write_bytes(logs.list())
    settings = CtSettings.model_validate({"log-list": tmp_path / "logs.json"})
    assert isinstance(Transparency.of(settings), Transparency)
    with pytest.raises(Rejected, match=r"\[issuance.ct\]") as found:
        Transparency.of(CtSettings.model_validate({"log-list": tmp_path / "none.json"}))
    assert found.value.code == "issuance.ct-log-list"
    (tmp_path / "logs.json").write_text(json.dumps({}))
    with pytest.raises(Malformed):
        Transparency.of(settings)
