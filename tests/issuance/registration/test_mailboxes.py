"""Control over mailboxes at the desk: mailed, answered, or shown by control over the domain."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mail_server import MailServer, certificate_for, mail_server
from nobody_acts import NobodyActs
from pydantic import ValidationError
from registration_testbed import ask_for_mail, received, seen_for_mail
from sqlalchemy import select
from typer.testing import CliRunner

from trustworks.core.audit import records as audit_records
from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.issuance import orders
from trustworks.issuance.cli import registration as app
from trustworks.issuance.config.mail import MailSettings
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.profiles.tbs import alternative_name
from trustworks.issuance.registration import mailbox_records, rules
from trustworks.issuance.registration.contents import RegisteredContents
from trustworks.issuance.registration.mail import SmtpMailer
from trustworks.issuance.registration.mailbox_answers import USED, MailboxAnswers
from trustworks.issuance.registration.model import (
    Application,
    DomainValidation,
    MailboxValidation,
    NewApplication,
    SubjectKind,
)
from trustworks.issuance.registration.rules.mailboxes import LIFE, MOST_MAILS, MOST_WRONG
from trustworks.issuance.rules.doors import check_mailboxes_were_validated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.issuance.registration.service import Registration

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANNA = "anna@muster.example.com"
MAIL = profile_named("smime-individual")
SECRET = "s" * 43


# The rules


def asked(*names: str, subject: tuple[NameAttribute, ...] = ()) -> Application:
    new = NewApplication(
        profile=MAIL.name,
        kind=SubjectKind.NATURAL,
        subject=subject,
        csr=b"",
        terms="1",
        alternative_names=names,
    )
    return received(new, at=NOW)


MAILED = MailboxValidation(
    id="0" * 32,
    application="a1",
    address=ANNA,
    digest=rules.digest_of(SECRET),
    drawn_at=NOW,
    drawn_by="ra",
    mailed_at=NOW,
)
ANSWERED = replace(MAILED, validated_at=NOW, validated_by="mailbox-holder")


def domain(name: str, at: datetime = NOW) -> DomainValidation:
    return DomainValidation(
        id="d1",
        application="a1",
        name=name,
        token="t",
        value="v",
        drawn_at=at,
        drawn_by="ra",
        method="dns",
        validated_at=at,
        validated_by="ra",
    )


@pytest.mark.req("CABF-SMIME:3.2.2")
def test_each_mailbox_needs_a_validation() -> None:
    one = asked(
        f"email:{ANNA}",
        "email:a.m@other.example",
        subject=(NameAttribute("emailAddress", "third@else.example"),),
    )
    found = rules.mailboxes_are_validated(one, [ANSWERED], [], NOW)
    assert [wrong.requirement for wrong in found] == ["CABF-SMIME:3.2.2"] * 2
    assert "a.m@other.example" in found[0].sentence
    assert "third@else.example" in found[1].sentence
    assert "trustworks registration mailbox challenge a1" in found[0].sentence
    assert len(rules.mailboxes_are_validated(one, [MAILED], [], NOW)) == 3
    assert rules.mailboxes_are_validated(asked("DNS:a.example"), [], [], NOW) == ()


@pytest.mark.req("CABF-SMIME:3.2.2")
def test_domains_are_the_same_in_capitals_and_names_are_not() -> None:
    assert rules.mailboxes_are_validated(asked("email:anna@MUSTER.example.com"), [ANSWERED], [], NOW) == ()
    assert rules.mailboxes_are_validated(asked("email:Anna@muster.example.com"), [ANSWERED], [], NOW)


@pytest.mark.req("CABF-SMIME:3.2.2.1")
def test_control_of_the_domain_speaks_for_its_mailboxes() -> None:
    one = asked(f"email:{ANNA}")
    assert rules.mailboxes_are_validated(one, [], [domain("muster.example.com")], NOW) == ()
    for other in ("example.com", "a.muster.example.com", "other.example"):
        assert rules.mailboxes_are_validated(one, [], [domain(other)], NOW)
    old = domain("muster.example.com", NOW - timedelta(days=201))
    assert rules.mailboxes_are_validated(one, [], [old], NOW)
    assert rules.names_to_control(one, MAIL) == ("muster.example.com",)
    both = asked(f"email:{ANNA}", subject=(NameAttribute("emailAddress", "anna@Else.example"),))
    assert rules.names_to_control(both, MAIL) == ("muster.example.com", "else.example")


@pytest.mark.req("CABF-SMIME:4.2.1-AGE")
def test_an_answer_counts_30_days() -> None:
    one = asked(f"email:{ANNA}")
    for days, left in ((30, 0), (31, 1), (-1, 1)):
        seen = replace(ANSWERED, validated_at=NOW - timedelta(days=days))
        assert len(rules.mailboxes_are_validated(one, [seen], [], NOW)) == left, days


@pytest.mark.req("CABF-SMIME:3.2.2.2-24H")
def test_a_value_comes_back_within_a_day() -> None:
    assert rules.is_answerable(MAILED, NOW + LIFE - timedelta(seconds=1))
    assert not rules.is_answerable(MAILED, NOW + LIFE)
    assert timedelta(hours=24) == LIFE


@pytest.mark.req("TRUSTWORKS:MAILBOX-ONCE")
def test_a_value_is_good_once() -> None:
    assert not rules.is_answerable(ANSWERED, NOW)


@pytest.mark.req("TRUSTWORKS:MAILBOX-GUESSES")
def test_a_value_that_was_guessed_at_is_good_no_more() -> None:
    assert rules.is_answerable(replace(MAILED, wrong=MOST_WRONG - 1), NOW)
    assert not rules.is_answerable(replace(MAILED, wrong=MOST_WRONG), NOW)


@pytest.mark.req("CABF-SMIME:3.2.2.2")
def test_only_the_value_that_was_mailed_is_good() -> None:
    assert rules.is_the_value(MAILED, SECRET)
    assert not rules.is_the_value(MAILED, SECRET[:-1] + "t")


@pytest.mark.req("TRUSTWORKS:MAILBOX-MAILS-LIMITED")
def test_nobody_fills_a_mailbox_through_us() -> None:
    rules.check_mails(MOST_MAILS - 1, ANNA)
    with pytest.raises(Rejected, match="wait until"):
        rules.check_mails(MOST_MAILS, ANNA)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-MAILBOX-VALIDATED")
def test_only_the_desk_has_certificates_for_mail_issued() -> None:
    for profile in ("smime-mailbox", "smime-individual", "smime-sponsored", "smime-organization"):
        check_mailboxes_were_validated(PROFILES[profile], Door.APPLICATION)
        for door in set(Door) - {Door.APPLICATION}:
            with pytest.raises(Refused, match="registration mailbox challenge"):
                check_mailboxes_were_validated(PROFILES[profile], door)
    check_mailboxes_were_validated(PROFILES["device"], Door.EST)


@pytest.mark.parametrize(
    "text",
    [
        "anna@a.test\r\nBcc: eve@b.test",
        "anna@a.test\n",
        "anna@a.test,eve@b.test",
        "anna@eve@b.test",
        "anna,eve@b.test",
        "anna;eve@b.test",
        "anna:eve@b.test",
        "(x)anna@b.test",
        "anna@[192.0.2.1]",
        ".anna@b.test",
        "anna..m@b.test",
        "anna@b..test",
        "anna@-b.test",
        "a" * 65 + "@b.test",
    ],
)
def test_what_a_mail_program_reads_as_two_addresses_is_no_mailbox(text: str) -> None:
    with pytest.raises(Rejected, match="no address of electronic mail"):
        alternative_name(f"email:{text}")


def test_a_name_that_cannot_be_certified_is_not_received(desk: Registration) -> None:
    site: dict[str, Any] = {"profile": "tls-server-dv", "subject": ()}
    for name, changes in (
        ("email:attacker@evil.test;v@bank.test", {}),
        ("email:a@x.test\nBcc: y@z.test", {}),
        ("email:anna müller@x.test", {}),
        ("DNS:münchen.test", site),
        ("DNS:a b.test", site),
        ("DNS:", site),
    ):
        asked_for = ask_for_mail(alternative_names=(name,), **changes)
        with pytest.raises(Rejected, match=r"is (no address of|not a DNS name).*[.]$") as rejected:
            desk.submit(asked_for, by="ra-desk")
        assert rejected.value.code == "issuance.alternative-name"


def test_what_may_be_read_as_two_addresses_gets_no_mail() -> None:
    with mail_server() as server, pytest.raises(Rejected, match="no address of electronic mail"):
        mailer(server.port).send(
            "attacker@evil.test;v@bank.test", f"{'0' * 32}.{SECRET}", application="a1", until=NOW
        )
    assert server.mails == []


# The settings


def settings(**changes: Any) -> MailSettings:
    given = {"server": "127.0.0.1", "security": "none", "sender": "ra@tsp.example", **changes}
    return MailSettings.model_validate(given)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"server": "mail.tsp.example"}, "on the way"),
        ({"user": "ra"}, "both"),
        ({"sender": "RA <ra@tsp.example>"}, "an address alone"),
        ({"server": "mail.tsp.example\r\n"}, "of a host"),
    ],
)
def test_mail_goes_in_the_clear_nowhere_else(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        settings(**changes)


# The mail


def mailer(port: int, **changes: Any) -> SmtpMailer:
    found = settings(port=port, seconds=5, **changes)
    return SmtpMailer(found, provider="Muster TEST Trust", public_url="https://tsp.example.com/")


def send(one: SmtpMailer) -> None:
    one.send(ANNA, f"{'0' * 32}.{SECRET}", application="a1", until=NOW)


def test_the_mail_says_who_asks_and_what_to_do() -> None:
    with mail_server() as server:
        send(mailer(server.port))
    ((receivers, mail),) = server.mails
    assert receivers == [ANNA]
    assert mail["To"] == ANNA
    assert mail["From"] == "ra@tsp.example"
    assert mail["Subject"] == "Muster TEST Trust: is this your mailbox?"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    lines = text.replace("\r", "").split("\n")
    assert "https://tsp.example.com/mailbox" in lines  # an address with the value would be in servers' logs
    assert f"{'0' * 32}.{SECRET}" in lines
    assert "do nothing" in text
    assert "2026-11-27 12:00 UTC" in text


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_nothing_is_said_before_tls(security: str, tmp_path: Path) -> None:
    context, trusted = certificate_for("127.0.0.1", tmp_path)
    password = tmp_path / "password"
    password.write_text("of the user\n")
    password.chmod(0o600)
    with mail_server(context, at_once=security == "tls") as server:
        send(mailer(server.port, **{"security": security, "ca-file": trusted}))
        assert len(server.mails) == 1
        with pytest.raises(Unavailable, match="TLS failed"):
            send(mailer(server.port, security=security))  # by the system's authorities it is nobody
        server.said.clear()
        other = mailer(server.port, **{"security": security, "ca-file": tmp_path / "none.pem"})
        with pytest.raises(Unavailable, match="as ca-file"):
            send(other)
        assert server.said == []
        password.chmod(0o644)
        open_to_all = {"user": "ra", "password-source": password}
        with pytest.raises(Unavailable, match="chmod 600"):
            send(mailer(server.port, **{"security": security, "ca-file": trusted, **open_to_all}))
        assert len(server.mails) == 1


def test_a_server_without_tls_gets_nothing() -> None:
    with mail_server() as server, pytest.raises(Unavailable, match="did not take the mail"):
        send(mailer(server.port, security="starttls"))
    assert not any("RCPT" in line or ANNA in line for line in server.said)


def test_what_the_server_refuses_is_told_without_the_address() -> None:
    with mail_server() as server:
        server.refused.add(ANNA)
        with pytest.raises(Unavailable, match="refuses the receiver: 550") as refused:
            send(mailer(server.port))
    assert ANNA not in str(refused.value)
    with pytest.raises(Unavailable, match="Connection refused"):
        send(mailer(server.port))


# End to end


class Cli(NobodyActs):
    """The commands over a desk, with a mail server."""

    def __init__(self, desk: Registration, server: MailServer) -> None:
        super().__init__()
        self.desk = desk
        self.port = server.port
        self.server = server

    @contextmanager
    def open_registration(self) -> Iterator[Registration]:
        yield self.desk

    def open_mailer(self) -> SmtpMailer:
        return mailer(self.port)

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["mailbox", *arguments, "--json"], obj=self)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def value(self, number: int = -1) -> str:
        """The value in a mail."""
        _, mail = self.server.mails[number]
        found = re.search(r"^[0-9a-f]{32}\.\S{43}$", mail.get_content().replace("\r", ""), re.MULTILINE)
        assert found is not None
        return found[0]

    def submit(self, address: str = ANNA, **changes: Any) -> str:
        found = self.desk.submit(ask_for_mail(address, **changes), by="ra-desk").id
        seen_for_mail(self.desk, found, address)
        return found


@pytest.fixture
def cli(desk: Registration) -> Iterator[Cli]:
    with mail_server() as server:
        yield Cli(desk, server)


@pytest.fixture
def answers(provider: Provider) -> MailboxAnswers:
    return MailboxAnswers(clock=provider.clock, recorder=provider.recorder, database=provider.database)


def events(provider: Provider) -> list[str]:
    query = select(audit_records.events.c.body).order_by(audit_records.events.c.sequence)
    with provider.database.read() as connection:
        bodies = [json.loads(one) for one in connection.execute(query).scalars()]
    assert "example.com" not in json.dumps([one["detail"] for one in bodies if "mailbox" in one["type"]])
    return [
        one["type"].removeprefix("registration.")
        for one in bodies
        if one["type"].startswith("registration.mailbox")
    ]


def test_from_the_mail_to_the_certificate(cli: Cli, provider: Provider, answers: MailboxAnswers) -> None:
    one = cli.submit()
    with pytest.raises(Refused, match=f"No control over the mailbox {ANNA}") as refused:
        cli.desk.approve(one, by="ra-chief", reason="All is well.")
    assert refused.value.requirement == "CABF-SMIME:3.2.2"
    (told,) = cli("challenge", one)["mailboxes"]
    assert (told["address"], told["why"]) == (ANNA, None)
    cli("challenge", one)
    first, second = cli.value(0), cli.value(1)
    assert first != second  # each mail has a value of its own, and both are good
    with provider.database.read() as connection:
        kept = repr(connection.execute(select(mailbox_records.validations)).all())
    assert first.partition(".")[2] not in kept

    other = cli.submit()
    for wrong in ("", "x", first[:-1], f"{first.partition('.')[0]}.{SECRET}", f"{'0' * 32}.{SECRET}"):
        with pytest.raises(Rejected, match="This value is not good"):
            answers.take(wrong)
    with pytest.raises(Rejected, match="This value is not good"):
        cli("confirm", other, "--value", first)
    assert cli("confirm", one, "--value", first)["address"] == ANNA
    with pytest.raises(Rejected, match="This value was used") as used:
        answers.take(first)
    assert used.value.code == USED
    with pytest.raises(Rejected, match="This value is not good"):
        answers.take(f"{first.partition('.')[0]}.{SECRET}")
    assert cli("challenge", one)["mailboxes"] == []
    assert events(provider) == [
        "mailbox-drawn",
        "mailbox-mailed",
        "mailbox-drawn",
        "mailbox-mailed",
        "mailbox-not-confirmed",
        "mailbox-confirmed",
    ]
    done = cli.desk.approve(one, by="ra-chief", reason="All is well.")
    assert done.state == "issued", done.decisions
    with pytest.raises(Rejected, match="This value is not good"):
        answers.take(second)  # nothing is waited for any more
    assert "CABF-SMIME:3.2.2" in [wrong.requirement for wrong in cli.desk.review(other).objections]


def test_the_holder_answers_by_the_page_within_a_day(
    cli: Cli, provider: Provider, answers: MailboxAnswers
) -> None:
    one = cli.submit()
    cli("challenge", one)
    provider.clock.advance(hours=24)
    with pytest.raises(Rejected, match="This value is not good"):
        answers.take(cli.value())
    cli("challenge", one)
    value = cli.value()
    for _ in range(MOST_WRONG - 1):
        with pytest.raises(Rejected):
            answers.take(value[:-2] + ("AA" if value[-2:] != "AA" else "BB"))
    assert answers.take(f" {value[:40]}\r\n {value[40:]}\n").validated_by == "mailbox-holder"
    provider.clock.advance(days=31)
    assert "CABF-SMIME:3.2.2" in [wrong.requirement for wrong in cli.desk.review(one).objections]


def test_an_outage_of_the_mail_server_loses_nothing(cli: Cli, provider: Provider) -> None:
    one = cli.submit(alternative_names=(f"email:{ANNA}", "email:second@muster.example.com"))
    cli.server.refused.add(ANNA)
    told = cli("challenge", one, code=1)["mailboxes"]
    assert [each["until"] is None for each in told] == [True, False]
    assert "550" in told[0]["why"]
    assert events(provider).count("mailbox-not-mailed") == 1
    cli("confirm", one, "--value", cli.value())
    cli.server.refused.clear()
    (told,) = cli("challenge", one)["mailboxes"]  # the other alone is written to
    assert told["address"] == ANNA
    for _ in range(MOST_MAILS - 2):
        cli("challenge", one)
    (told,) = cli("challenge", one, code=1)["mailboxes"]
    assert "wait until" in told["why"]


def test_a_mailbox_that_an_earlier_version_received_is_not_written_to(
    cli: Cli, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = "attacker@evil.test;v@bank.test"
    with monkeypatch.context() as earlier:
        earlier.setattr(orders, "alternative_names", lambda _: [])
        one = cli.submit(two)
    (told,) = cli("challenge", one, code=1)["mailboxes"]
    assert "no address of electronic mail" in told["why"]
    assert (cli.server.mails, events(provider)) == ([], [])


def test_what_is_decided_is_not_written_about(cli: Cli, provider: Provider) -> None:
    one = cli.submit()
    cli("challenge", one)
    cli.desk.withdraw(one, by="ra-desk", reason="By mistake.")
    with pytest.raises(Rejected, match="The application is withdrawn"):
        cli("challenge", one)
    with pytest.raises(Rejected, match="The application is withdrawn"):
        cli("confirm", one, "--value", cli.value())
    with provider.database.read() as connection:
        assert list(RegisteredContents(connection).rest()) == []
    provider.clock.moment = provider.clock.moment.replace(year=2040)
    assert cli.desk.tidy(by="retention")[1] == [one]
    with provider.database.read() as connection:
        addresses = connection.execute(select(mailbox_records.validations.c.address)).scalars().all()
        assert list(RegisteredContents(connection).rest()) == []
    assert addresses == [None]
