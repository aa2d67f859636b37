"""Several certificates at once: two transactions for all, and one that is refused hinders no other."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from issuance_testbed import make_csr
from sqlalchemy import select

from trustworks.core.audit import records as audit_records
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.issuance import orders as orders_module
from trustworks.issuance import records
from trustworks.issuance.enrolment.csr import request_of
from trustworks.issuance.model import Issued, NameAttribute, RevocationReason
from trustworks.issuance.wire import read_subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from issuance_testbed import Provider
    from sqlalchemy import Connection

    from trustworks.core.module import Key
    from trustworks.issuance.model.requests import Request

OTHER = read_subject("CN=TEST other")


def order(provider: Provider, csr: bytes | None = None, **changes: Any) -> Request:
    return provider.request("audit-signer", csr, **changes)


def events(provider: Provider) -> list[tuple[str, dict[str, Any]]]:
    with provider.database.read() as connection:
        bodies = connection.execute(
            select(audit_records.events.c.body)
            .where(audit_records.events.c.type.startswith("certificate."))
            .order_by(audit_records.events.c.sequence)
        ).scalars()
        found = [json.loads(bytes(body)) for body in bodies]
    return [(event["type"].partition(".")[2], event["detail"]) for event in found[4:]]  # after the ceremonies


def kinds(provider: Provider) -> list[str]:
    return [kind for kind, _ in events(provider)]


def while_first_signs(provider: Provider, happens: Callable[[], object]) -> None:
    before = provider.key.sign

    def sign(data: bytes) -> bytes:
        if not provider.key.signed:
            happens()
        return before(data)

    provider.key.sign = sign  # type: ignore[method-assign]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-INTENT")
def test_many_certificates_are_issued_in_two_transactions(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = []
    transact = provider.recorder.transact_all

    def counted(events: Any, action: Any) -> Any:
        transactions.append(len(provider.key.signed))
        return transact(events, action)

    monkeypatch.setattr(provider.recorder, "transact_all", counted)
    issued = provider.issuance.issue_all([order(provider) for _ in range(5)])
    assert transactions == [0, 5]  # the intents before the first signature, the records after the last
    assert kinds(provider) == ["intended"] * 5 + ["issued"] * 5
    assert [one.serial for one in issued if isinstance(one, Issued)] == [
        f"{x509.load_der_x509_certificate(one.certificate).serial_number:040x}"
        for one in issued
        if isinstance(one, Issued)
    ]
    assert len({one.serial for one in issued if isinstance(one, Issued)}) == 5
    for one in issued:
        assert isinstance(one, Issued)
        found = provider.issuance.find(one.serial)
        assert found is not None
        assert (found.state, found.der) == ("issued", one.certificate)


def test_who_is_refused_hinders_no_other(provider: Provider, root_key: Key) -> None:
    lost = ec.generate_private_key(ec.SECP256R1())
    serial = provider.issuance.issue(order(provider, make_csr(lost))).serial
    provider.issuance.revoke(serial, RevocationReason.keyCompromise, by="revocation-officer")
    provider.key.signed.clear()
    before = len(kinds(provider))
    broken = bytearray(make_csr())
    broken[-1] ^= 1
    outcomes = provider.issuance.issue_all(
        [
            order(provider),
            order(provider, b"no request"),
            order(provider, bytes(broken)),
            order(provider, request_of(root_key)),
            order(provider, make_csr(lost)),
            order(provider, subject=(NameAttribute("commonName", "no lab's name"),)),
            order(provider, days=10**6),
            order(provider, requested_by="no\nrole"),
            provider.request("tsu", days=400),
            order(provider),
        ]
    )
    good = [one for one in outcomes if isinstance(one, Issued)]
    assert [outcomes.index(one) for one in good] == [0, 9]
    assert len(provider.key.signed) == 2
    assert [type(one) for one in outcomes[1:9]] == [
        *(Malformed, Refused, Refused, Refused, Refused, Rejected, Rejected, Refused)
    ]
    refused = [one.requirement for one in outcomes if isinstance(one, Refused)]
    assert refused == [
        "EN319411-1:REG-6.3.1-01",
        "TRUSTWORKS:ISSUANCE-KEY-SEPARATE",
        "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED",
        "TRUSTWORKS:ISSUANCE-LAB-NAMES",
        "TRUSTWORKS:ISSUANCE-TSU-KEY-PERIOD",
    ]
    told = events(provider)[before:]
    assert [kind for kind, _ in told] == ["intended"] * 2 + ["issued"] * 2 + ["refused"] * 6
    # In the order of the requests, without what cannot be read and who cannot stand in the log.
    assert [detail["rule"] for kind, detail in told if kind == "refused"] == [
        *refused[:4],
        "issuance.validity",
        refused[4],
    ]


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-ONE-USE")
def test_a_key_has_one_use_within_a_batch_too(provider: Provider) -> None:
    csr = make_csr()
    first, second, third, fourth = provider.issuance.issue_all(
        [
            order(provider, csr),
            order(provider, csr, subject=OTHER),
            order(provider, csr),
            provider.request("tsu", csr),
        ]
    )
    assert isinstance(first, Issued)
    assert isinstance(third, Issued)
    for one in (second, fourth):
        assert isinstance(one, Refused)
        assert one.requirement == "TRUSTWORKS:ISSUANCE-KEY-ONE-USE"
    assert provider.issuance.counts() == {"issued": 4, "revoked": 0}


def test_what_happens_to_one_while_all_are_signed_is_that_ones_alone(provider: Provider) -> None:
    """One intent is closed, one key is lost, one signature fails."""
    csr = make_csr()
    lost = provider.issuance.issue(order(provider, csr)).serial
    provider.key.signed.clear()

    def happens() -> None:
        serials = sorted(one.serial for one in provider.issuance.list(state="issuing"))
        assert len(serials) == 4
        taken = next(
            one.serial for one in provider.issuance.list(state="issuing") if "TEST other" in one.subject
        )
        with provider.database.begin() as connection:
            records.mark_abandoned(connection, [taken])
        provider.issuance.revoke(lost, RevocationReason.keyCompromise, by="revocation-officer")

    sign = provider.key.sign

    def failing(data: bytes) -> bytes:
        if len(provider.key.signed) == 3:
            raise ZeroDivisionError
        return sign(data)

    provider.key.sign = failing  # type: ignore[method-assign]
    while_first_signs(provider, happens)
    good, closed, refused, failed = provider.issuance.issue_all(
        [order(provider), order(provider, subject=OTHER), order(provider, csr), order(provider)]
    )
    assert isinstance(good, Issued)
    assert isinstance(closed, Unavailable)
    assert closed.code == "issuance.intent-closed"
    assert isinstance(refused, Refused)
    assert refused.requirement == "TRUSTWORKS:ISSUANCE-KEY-COMPROMISED"
    assert isinstance(failed, ZeroDivisionError)
    assert provider.issuance.list(state="issuing") == []
    assert provider.issuance.counts() == {"issued": 4, "abandoned": 3, "revoked": 1}
    reasons = [detail["reason"] for kind, detail in events(provider) if kind == "abandoned"]
    assert sorted(reasons) == ["TRUSTWORKS:ISSUANCE-KEY-COMPROMISED", "ZeroDivisionError"]


@pytest.mark.req("EN319412-2:GEN-4.2.6-01")
def test_a_serial_that_is_used_spoils_its_own_certificate_alone(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = int(provider.issuance.authority("issuing").serial, 16)
    drawn = iter([1 << 158, used, 1 << 157 | 5])
    monkeypatch.setattr(orders_module, "new_serial", lambda: next(drawn))
    first, second, third = provider.issuance.issue_all([order(provider) for _ in range(3)])
    assert isinstance(first, Issued)
    assert isinstance(third, Issued)
    assert isinstance(second, Unavailable)
    assert second.code == "issuance.serial"
    assert len(provider.key.signed) == 2
    assert provider.issuance.counts() == {"issued": 4, "revoked": 0}


def test_without_a_log_or_a_key_nothing_of_a_batch_is_released(provider: Provider) -> None:
    provider.key.error = Unavailable("module.device-error", "The device failed.")
    for one in provider.issuance.issue_all([order(provider), order(provider)]):
        assert isinstance(one, Unavailable)
        assert one.code == "module.device-error"
    assert provider.issuance.counts() == {"issued": 2, "abandoned": 2, "revoked": 0}
    provider.recorder._refusal = Unavailable("audit.unwritable", "The audit log cannot be written.")
    for one in provider.issuance.issue_all([order(provider), order(provider)]):
        assert isinstance(one, Unavailable)
        assert one.code == "audit.unwritable"
    provider.recorder._refusal = None


def test_what_belongs_to_a_certificate_is_recorded_with_it_or_both_are_not(provider: Provider) -> None:
    def write(connection: Connection, der: bytes) -> None:
        serial = f"{x509.load_der_x509_certificate(der).serial_number:040x}"
        found = records.certificate(connection, serial)
        assert found is not None
        records.add_authority(
            connection, provider.issuance.authority("root").__class__(**authority_of(serial, der))
        )

    def authority_of(serial: str, der: bytes) -> dict[str, Any]:
        return {
            "name": f"beside-{serial[:8]}",
            "certificate": der,
            "serial": serial,
            "spki_sha256": hashlib.sha256(serial.encode()).digest(),
            "token": "none",
            "key_label": "none",
            "parent": None,
            "created_at": provider.clock.moment,
        }

    def object_to(connection: Connection, der: bytes) -> None:
        write(connection, der)
        raise Rejected("acme.order", "The order is not ready any more.")

    issued = provider.issuance.issue(order(provider), also=write)
    assert [one.name for one in provider.issuance.authorities()] == [
        f"beside-{issued.serial[:8]}",
        "issuing",
        "root",
    ]
    with pytest.raises(Rejected, match="not ready"):
        provider.issuance.issue(order(provider), also=object_to)
    assert len(provider.issuance.authorities()) == 3
    assert provider.issuance.counts() == {"issued": 3, "abandoned": 1, "revoked": 0}
    assert events(provider)[-1] == ("refused", {"rule": "acme.order"})


def test_threads_that_come_together_share_their_transactions(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first one's key signs, the others come; they are one batch then, each with its own answer."""
    transactions: list[object] = []
    transact = provider.recorder.transact_all

    def counted(*given: Any) -> Any:
        transactions.append(given)
        return transact(*given)

    monkeypatch.setattr(provider.recorder, "transact_all", counted)
    subjects = [read_subject(f"CN=TEST {number}") for number in range(6)]
    issued: dict[int, Issued] = {}
    refused: list[Exception] = []

    def ask(number: int) -> None:
        try:
            subject = subjects[number] if number else (NameAttribute("commonName", "no lab's"),)
            issued[number] = provider.issuance.issue(order(provider, subject=subject))
        except Refused as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]

    def others_come() -> None:
        for thread in threads:
            thread.start()
        for _ in range(5000):
            if len(provider.issuance._callers._queue) == 6:
                return
            threading.Event().wait(0.002)
        raise AssertionError("the others did not come")

    while_first_signs(provider, others_come)
    provider.issuance.issue(order(provider))
    for thread in threads:
        thread.join(30)
    assert len(transactions) == 5  # two for the first one, two for five of the others, one for the refused
    assert len(refused) == 1
    for number, one in issued.items():
        subject = x509.load_der_x509_certificate(one.certificate).subject.rfc4514_string()
        assert subject.endswith(f"TEST {number}") or subject.startswith(f"CN=TEST {number}")
    assert sorted(issued) == [1, 2, 3, 4, 5]


def test_open_intents_of_a_batch_are_settled(provider: Provider) -> None:
    class Died(BaseException):
        pass

    provider.key.error = Died()  # type: ignore[assignment]
    with pytest.raises(Died):
        provider.issuance.issue_all([order(provider) for _ in range(3)])
    provider.key.error = None
    provider.clock.advance(seconds=1)
    assert len(provider.issuance.settle(by="start", older_than=timedelta(0))) == 3
    assert kinds(provider)[-3:] == ["abandoned"] * 3
