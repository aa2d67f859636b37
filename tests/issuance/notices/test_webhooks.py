"""Webhooks: who is told of what, signed how, how often, and where never."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from laboratory import until
from sqlalchemy import text
from webhook_receiver import receiving

from trustworks.core.errors import Rejected
from trustworks.issuance.config.api import WebhookSettings
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.notices.delivery import Delivery
from trustworks.issuance.notices.ending import tell_of_ending
from trustworks.issuance.notices.sending import NotTakenError, Sender
from trustworks.issuance.records import notices as records
from trustworks.issuance.records.notices import EVENTS
from trustworks.issuance.rules import webhooks as rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from issuance_testbed import Provider
    from webhook_receiver import Receiver
    from webhook_testbed import Hooks


HOLD, LOST = RevocationReason.certificateHold, RevocationReason.keyCompromise


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, _, body in receiver.got]


def signed(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As Standard Webhooks says, by hand."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def audited(provider: Provider) -> list[str]:
    with provider.database.read() as connection:
        rows = connection.execute(
            text("SELECT type FROM audit_events WHERE type LIKE 'api.webhook%' ORDER BY sequence")
        )
        return list(rows.scalars())


@pytest.mark.req("TRUSTWORKS:WEBHOOK-TOLD", "TRUSTWORKS:WEBHOOK-SIGNED")
def test_what_happens_to_a_certificate_is_told_and_signed(hooks: Hooks, receiver: Receiver) -> None:
    identifier, secret = hooks.create(receiver, *EVENTS)
    issuance = hooks.provider.issuance
    serial = issuance.issue(hooks.provider.request("tls-server")).serial
    issuance.issue(hooks.provider.request("tsu"))  # of a profile that is not the client's
    for reason in (HOLD, None, LOST):
        hooks.provider.clock.advance(seconds=1)
        if reason is None:
            issuance.release(serial, by="officer")
        else:
            issuance.revoke(serial, reason, by="officer")
    assert hooks.deliver() == 1
    assert hooks.deliver() == 0
    assert [(one["type"], one["data"]) for one in told(receiver)] == [
        ("certificate.issued", {"serial": serial, "profile": "tls-server"}),
        ("certificate.held", {"serial": serial, "profile": "tls-server", "reason": "certificateHold"}),
        ("certificate.released", {"serial": serial, "profile": "tls-server"}),
        ("certificate.revoked", {"serial": serial, "profile": "tls-server", "reason": "keyCompromise"}),
    ]
    for path, headers, body in receiver.got:
        assert path == "/hook"
        assert headers["webhook-signature"] == signed(secret, headers, body)
        assert abs(int(headers["webhook-timestamp"]) - hooks.provider.clock.moment.timestamp()) <= 1
    assert {one.state for one in hooks.webhooks.notices(identifier)} == {"sent"}


@pytest.mark.req("TRUSTWORKS:WEBHOOK-TOLD")
def test_nothing_is_told_of_what_did_not_happen(hooks: Hooks, receiver: Receiver) -> None:
    identifier, _ = hooks.create(receiver, *EVENTS)

    def objects(*_: object) -> None:
        raise Rejected("test.no", "Not recorded after all.")

    with pytest.raises(Rejected):
        hooks.provider.issuance.issue(hooks.provider.request("tls-server"), also=objects)
    assert hooks.webhooks.notices(identifier) == []


def test_a_webhook_is_told_of_what_it_wants_alone(hooks: Hooks, receiver: Receiver) -> None:
    hooks.create(receiver, "certificate.revoked")
    serial = hooks.provider.issuance.issue(hooks.provider.request("tls-server")).serial
    hooks.provider.issuance.revoke(serial, HOLD, by="officer")
    assert hooks.deliver() == 0
    hooks.provider.issuance.revoke(serial, LOST, by="officer")
    assert hooks.deliver() == 1
    assert [one["type"] for one in told(receiver)] == ["certificate.revoked"]


@pytest.mark.req("TRUSTWORKS:WEBHOOK-RETRY")
def test_what_is_not_taken_comes_again_and_is_given_up_in_the_end(hooks: Hooks, receiver: Receiver) -> None:
    identifier, _ = hooks.create(receiver, "certificate.issued")
    hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    receiver.status = 500
    for tries, pause in enumerate(rules.PAUSES, start=1):
        assert hooks.deliver() == 1
        (notice,) = hooks.webhooks.notices(identifier, state="waiting")
        assert (notice.tries, notice.problem) == (tries, "127.0.0.1 answered 500")
        assert notice.due_at == hooks.provider.clock.moment + pause
        hooks.provider.clock.moment += pause - timedelta(seconds=1)
        assert hooks.deliver() == 0
        hooks.provider.clock.advance(seconds=1)
    hooks.deliver()
    (notice,) = hooks.webhooks.notices(identifier, state="undelivered")
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.got}) == len(rules.PAUSES) + 1
    assert audited(hooks.provider)[-1] == "api.webhook-undelivered"
    hooks.provider.clock.advance(days=30)
    assert hooks.deliver() == 0
    with pytest.raises(Rejected, match="No delivery"):
        hooks.webhooks.try_again(identifier, "0" * 32, by="officer")
    assert hooks.webhooks.try_again(identifier, by="officer") == 1
    receiver.status = 200
    assert hooks.deliver() == 1
    assert [one.id for one in hooks.webhooks.notices(identifier, state="sent")] == [notice.id]


def test_a_server_that_is_slow_holds_up_no_other(hooks: Hooks, receiver: Receiver) -> None:
    hooks.enrol("shop", "tls-server")
    receiver.hold = threading.Event()
    with receiving() as other:
        hooks.create(receiver, "certificate.issued")
        hooks.create(other, "certificate.issued", client="shop")
        for _ in range(2):
            hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
        assert hooks.delivery.round() == 2
        (shop,) = hooks.webhooks.all("shop")
        while any(one.state == "waiting" for one in hooks.webhooks.notices(shop.id)):
            pass
        assert len(other.got) == 2
        assert len(receiver.got) <= 1
        receiver.hold.set()
        hooks.delivery.finish()
    assert len(receiver.got) == 2


@pytest.mark.req("TRUSTWORKS:WEBHOOK-TOLD")
def test_a_process_that_died_in_between_has_it_told_again(hooks: Hooks, receiver: Receiver) -> None:
    identifier, _ = hooks.create(receiver, "certificate.issued")
    hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    now = hooks.provider.clock.moment
    with hooks.provider.database.begin() as connection:  # as it is done before each attempt
        (notice,) = records.due_notices(connection, identifier, now, limit=9)
        assert records.claim(connection, notice, until=now + timedelta(minutes=3))
        assert not records.claim(connection, notice, until=now + timedelta(minutes=9))
    assert hooks.deliver() == 0
    hooks.provider.clock.advance(minutes=3)
    assert hooks.deliver() == 1
    assert len(receiver.got) == 1


@pytest.mark.req("TRUSTWORKS:WEBHOOK-SIGNED")
def test_a_new_secret_signs_beside_the_last_one_for_a_while(hooks: Hooks, receiver: Receiver) -> None:
    identifier, first = hooks.create(receiver, "certificate.issued")
    second = hooks.webhooks.rotate(identifier, by="officer")
    hooks.webhooks.test(identifier, by="officer")
    hooks.deliver()
    hooks.provider.clock.advance(hours=24)
    hooks.webhooks.test(identifier, by="officer")
    hooks.deliver()
    (_, during, body), (_, after, later) = receiver.got
    assert during["webhook-signature"].split() == [signed(second, during, body), signed(first, during, body)]
    assert after["webhook-signature"] == signed(second, after, later)
    with hooks.provider.database.read() as connection:
        rows = [*connection.execute(text("SELECT * FROM webhooks"))]
        rows += [*connection.execute(text("SELECT body FROM audit_events"))]
    for secret in (first, second):
        assert secret.encode() not in b"".join(
            bytes(one) for row in rows for one in row if isinstance(one, bytes)
        )
        assert secret not in str(rows)


def test_a_removed_webhook_is_told_nothing_more(hooks: Hooks, receiver: Receiver) -> None:
    identifier, _ = hooks.create(receiver, "certificate.issued")
    hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    hooks.webhooks.remove(identifier, by="officer")
    assert hooks.deliver() == 0
    for call in (hooks.webhooks.remove, hooks.webhooks.rotate, hooks.webhooks.test):
        with pytest.raises(Rejected, match="no webhook"):
            call(identifier, by="officer")
    identifier, _ = hooks.create(receiver, "certificate.issued")
    hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    hooks.clients.remove("portal", by="officer")
    hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    assert hooks.deliver() == 0
    assert hooks.webhooks.all() == []
    assert receiver.got == []


def test_a_server_that_is_gone_for_good_is_told_nothing_more(hooks: Hooks, receiver: Receiver) -> None:
    hooks.create(receiver, "certificate.issued")
    for _ in range(2):
        hooks.provider.issuance.issue(hooks.provider.request("tls-server"))
    receiver.status = 410
    hooks.deliver()
    assert hooks.webhooks.all() == []
    assert hooks.deliver() == 0
    assert len(receiver.got) == 1
    assert audited(hooks.provider) == ["api.webhook-added", "api.webhook-removed"]


def test_a_redirection_is_not_followed(hooks: Hooks, receiver: Receiver) -> None:
    identifier, _ = hooks.create(receiver, "certificate.issued")
    receiver.status, receiver.location = 307, f"http://127.0.0.1:{receiver.port}/elsewhere"
    hooks.webhooks.test(identifier, by="officer")
    hooks.deliver()
    assert [path for path, _, _ in receiver.got] == ["/hook"]
    assert hooks.webhooks.notices(identifier)[0].problem == "127.0.0.1 answered 307"


@pytest.mark.req("TRUSTWORKS:WEBHOOK-EXPIRING")
def test_a_certificate_is_told_of_once_before_its_end(hooks: Hooks, receiver: Receiver) -> None:
    clock, database = hooks.provider.clock, hooks.provider.database
    identifier, _ = hooks.create(receiver, "certificate.expiring")
    assert tell_of_ending(database, clock.moment, days=30) == 0  # where it begins
    issue = hooks.provider.issuance.issue
    ends = [issue(hooks.provider.request("tls-server", days=days)) for days in (20, 60, 60, 90)]
    hooks.provider.issuance.revoke(ends[2].serial, RevocationReason.superseded, by="officer")
    seen = []
    for _ in range(12):
        clock.advance(days=5)
        while tell_of_ending(database, clock.moment, days=30):
            pass
        seen.append(len(hooks.webhooks.notices(identifier)))
    assert seen == sorted(seen)
    told_of = [one.serial for one in reversed(hooks.webhooks.notices(identifier))]
    assert told_of == [ends[1].serial, ends[3].serial]
    assert seen[:7] == [0, 0, 0, 0, 0, 0, 1] or seen[:6] == [0, 0, 0, 0, 0, 1]


def test_what_was_told_is_forgotten_in_time_but_not_what_subjects_were_told(
    hooks: Hooks, receiver: Receiver
) -> None:
    identifier, _ = hooks.create(receiver, *EVENTS)
    serial = hooks.provider.issuance.issue(hooks.provider.request("tls-server")).serial
    hooks.provider.issuance.revoke(serial, LOST, by="officer")
    hooks.deliver()
    with hooks.provider.database.begin() as connection:
        assert records.forget_notices(connection, hooks.provider.clock.moment) == 0
        assert records.forget_notices(connection, hooks.provider.clock.moment + timedelta(seconds=1)) == 2
    assert hooks.webhooks.notices(identifier) == []
    with hooks.provider.database.read() as connection:
        assert [one.event for one in records.notices_about(connection, serial)] == ["certificate.revoked"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"client": "nobody"}, "no client"),
        ({"events": ["everything"]}, "is told of"),
        ({"events": []}, "is told of"),
        ({"url": "ftp://hooks.example.com/"}, "https URL"),
    ],
)
def test_a_wrong_webhook_is_not_made(hooks: Hooks, changes: dict[str, Any], why: str) -> None:
    given = {"client": "portal", "url": "https://hooks.example.com/", "events": ["certificate.issued"]}
    wanted = {**given, **changes}
    with pytest.raises(Rejected, match=why):
        hooks.webhooks.create(wanted.pop("client"), **wanted, by="officer")
    assert hooks.webhooks.all() == []


def test_a_client_has_so_many_webhooks_and_no_more(hooks: Hooks, receiver: Receiver) -> None:
    for _ in range(WebhookSettings().most):
        hooks.create(receiver, "certificate.issued")
    with pytest.raises(Rejected, match="at most"):
        hooks.create(receiver, "certificate.issued")


# Where to


@pytest.mark.req("TRUSTWORKS:WEBHOOK-PRIVATE")
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://",
        "https:///path",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#fragment",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com\\@evil.example/",
        "https://[::1/",
        "https://bücher.example/",
        "https://hooks.example.com/" + "x" * 2000,
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_none_for_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(Rejected, match="https URL"):
        rules.check_url(url, lab=False)


@pytest.mark.req("TRUSTWORKS:WEBHOOK-INWARD")
@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fd00::1"],
)
def test_nobody_has_the_provider_s_own_network_asked(address: str) -> None:
    sender = Sender(WebhookSettings(), lab=False, resolve=lambda *_: [address])
    with pytest.raises(NotTakenError, match="no public address"):
        sender.send("https://hooks.example.com/", b"{}", {})
    literal = f"[{address}]" if ":" in address else address
    plain = Sender(WebhookSettings(), lab=False)
    with pytest.raises(NotTakenError, match="no public address"):
        plain.send(f"https://{literal}/", b"{}", {})


@pytest.mark.req("TRUSTWORKS:WEBHOOK-INWARD")
def test_the_connection_goes_where_was_looked_and_the_certificate_is_the_name_s(tmp_path: Path) -> None:
    asked = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with receiving(tmp_path) as receiver:
        given = {"networks": ["127.0.0.0/8"], "ca-file": str(tmp_path / "server.pem")}
        sender = Sender(WebhookSettings.model_validate(given), lab=False, resolve=resolve)
        sender.send(f"https://hooks.example.com:{receiver.port}/x?y=1", b"{}", {"webhook-id": "1"})
        ((path, headers, body),) = receiver.got
        assert (path, body) == ("/x?y=1", b"{}")
        assert headers["host"] == f"hooks.example.com:{receiver.port}"
        assert asked == [("hooks.example.com", receiver.port)]
        with pytest.raises(NotTakenError, match="certificate"):
            sender.send(f"https://other.example.com:{receiver.port}/", b"{}", {})
        strangers = Sender(
            WebhookSettings.model_validate({"networks": ["127.0.0.0/8"]}), lab=False, resolve=resolve
        )
        with pytest.raises(NotTakenError, match="certificate"):
            strangers.send(f"https://hooks.example.com:{receiver.port}/", b"{}", {})
    assert len(receiver.got) == 1


def test_a_server_that_does_not_answer_is_left_in_time() -> None:
    with receiving() as receiver:
        receiver.hold = threading.Event()
        sender = Sender(WebhookSettings.model_validate({"seconds": 0.2}), lab=True)
        with pytest.raises(NotTakenError, match="no answer within"):
            sender.send(f"http://127.0.0.1:{receiver.port}/", b"{}", {})
    with pytest.raises(NotTakenError, match="no connection to"):
        Sender(WebhookSettings(), lab=True).send(f"http://127.0.0.1:{receiver.port}/", b"{}", {})

    def nowhere(*_: object) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(NotTakenError, match="no address in DNS"):
        Sender(WebhookSettings(), lab=False, resolve=nowhere).send("https://no.example/", b"{}", {})


# At their own pace


class Hanging:
    """In place of a sender: servers at ``hang`` answer nothing until they are let; others take all."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked: list[str] = []
        self.took: list[str] = []

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        del body, headers
        self.asked.append(url)
        if "hang" in url:
            self.let.wait(60)
            raise NotTakenError("no answer within 10 seconds")
        self.took.append(url)


class Post:
    """In place of the operator's command."""

    def __init__(self) -> None:
        self.told: list[str | None] = []

    def hand_over(self, notice: records.Notice) -> None:
        self.told.append(notice.serial)


@pytest.mark.req("EN319411-1:REV-6.3.9-03", "TRUSTWORKS:WEBHOOK-RETRY")
def test_servers_that_hang_delay_neither_subjects_nor_other_servers(hooks: Hooks) -> None:
    sender, post = Hanging(), Post()
    clients = ["portal", *(f"c{number}" for number in range(4))]
    for client in clients[1:]:
        hooks.enrol(client, "tls-server")

    def hook(client: str, name: str, event: str) -> None:
        hooks.webhooks.create(client, url=f"http://127.0.0.1:1/{name}", events=[event], by="officer")

    hook("portal", "good", "certificate.issued")
    stubs: dict[str, Any] = {"sender": sender, "command": post}
    delivery = Delivery(
        database=hooks.provider.database,
        recorder=hooks.provider.recorder,
        now=lambda: hooks.provider.clock.moment,
        webhooks=hooks.webhooks,
        **stubs,
    )
    issue, clock = hooks.provider.issuance.issue, hooks.provider.clock
    try:
        issue(hooks.provider.request("tls-server"))
        delivery.round()
        delivery.finish()
        assert len(sender.took) == 1  # a server that is known to answer
        for client in clients:
            for number in range(WebhookSettings().most - 1):
                hook(client, f"hang-{client}-{number}", "certificate.issued")
        serials = [issue(hooks.provider.request("tls-server")).serial for _ in range(2)]
        hooks.provider.issuance.revoke(serials[0], LOST, by="officer")
        delivery.round()
        until(lambda: len(sender.took) == 3 and post.told == [serials[0]])
        hanging = {url for url in sender.asked if "hang" in url}
        assert len(hanging) > 8  # more than there are threads for who answers
        hooks.provider.issuance.revoke(serials[1], LOST, by="officer")
        delivery.round()
        until(lambda: post.told == serials)
    finally:
        sender.let.set()
        delivery.finish()
    asked = len(sender.asked)
    delivery.round()  # each rests, also for the notice that it was not asked to take yet
    delivery.finish()
    assert len(sender.asked) == asked
    clock.advance(seconds=5)
    delivery.round()
    delivery.finish()
    assert len(sender.asked) > asked
    asked = len(sender.asked)
    clock.advance(seconds=5)  # longer each time
    delivery.round()
    delivery.finish()
    assert len(sender.asked) == asked
    delivery.close()


def test_a_name_that_nobody_resolves_is_left_in_time() -> None:
    let = threading.Event()

    def hangs(*_: object) -> Sequence[str]:
        let.wait()
        return []

    sender = Sender(WebhookSettings.model_validate({"seconds": 0.2}), lab=True, resolve=hangs)
    with pytest.raises(NotTakenError, match="no answer within"):
        sender.send("https://hooks.example.com/", b"{}", {})
    let.set()
