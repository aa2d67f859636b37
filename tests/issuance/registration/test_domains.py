"""Control over the names of web sites at the desk: drawn, put up, seen from here and elsewhere, or not."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from certificate_bench import SUBJECTS
from issuance_testbed import make_csr
from nobody_acts import NobodyActs
from registration_testbed import SEEN_ON, received
from sqlalchemy import select
from typer.testing import CliRunner

from trustworks.core.audit import records as audit_records
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.issuance.cli import registration as app
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts
from trustworks.issuance.enrolment.control import Control, control_of
from trustworks.issuance.enrolment.perspectives import wire
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
from trustworks.issuance.enrolment.perspectives.server import Bounds
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.registration import domain_records, rules
from trustworks.issuance.registration.contents import RegisteredContents
from trustworks.issuance.registration.model import (
    About,
    Application,
    DomainValidation,
    Fact,
    NewApplication,
    SubjectKind,
)
from trustworks.issuance.registration.rules.domains import LIFE, counts_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from issuance_testbed import Provider

    from trustworks.issuance.enrolment.acme.validation.attempt import Proof
    from trustworks.issuance.registration.service import Registration

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SITE = "www.muster.example.com"
SUBJECT = tuple(NameAttribute(*one) for one in {**SUBJECTS["qncp-w-gen-legal"], "commonName": SITE}.items())
WEB = profile_named("qncp-w-gen-legal")


# The rules


def asked(*names: str, subject: tuple[NameAttribute, ...] = SUBJECT) -> Application:
    new = NewApplication(
        profile=WEB.name,
        kind=SubjectKind.LEGAL,
        subject=subject,
        csr=b"",
        terms="1",
        alternative_names=names,
    )
    return received(new, at=NOW)


def drawn(name: str = SITE, **changes: Any) -> DomainValidation:
    given: dict[str, Any] = {
        "id": "d1",
        "application": "a1",
        "name": name,
        "token": "t",
        "value": "v",
        "drawn_at": NOW,
        "drawn_by": "ra",
        "method": "dns",
        "validated_at": NOW,
        "validated_by": "ra",
    }
    return DomainValidation(**{**given, **changes})


@pytest.mark.req("CABF-BR:3.2.2.4", "TS119411-5:DOMAIN-CONTROL")
def test_each_name_of_a_web_site_needs_a_validation() -> None:
    one = asked(f"DNS:{SITE.upper()}", "DNS:shop.example.com", "IP:192.0.2.1")
    found = rules.domains_are_validated(one, WEB, [drawn(), drawn("192.0.2.1", method="http")], NOW)
    assert [wrong.requirement for wrong in found] == ["CABF-BR:3.2.2.4"]
    assert "No control over shop.example.com was seen within 200 days" in found[0].sentence
    assert len(rules.domains_are_validated(one, WEB, [drawn(validated_at=None, method=None)], NOW)) == 3


@pytest.mark.req("CABF-BR:3.2.2.4")
@pytest.mark.parametrize(
    ("profile", "count"),
    [
        ("qevcp-w", 1),
        ("qncp-w-iv", 1),
        ("qncp-w-ov", 1),
        ("qncp-w-gen-natural", 1),
        ("qwac-binding", 1),
        ("psd2-qwac", 1),
        ("tls-server", 1),
        ("device", 0),
    ],
)
def test_all_profiles_of_web_sites_are_meant(profile: str, count: int) -> None:
    found = rules.domains_are_validated(asked(f"DNS:{SITE}"), profile_named(profile), [], NOW)
    assert len(found) == count


@pytest.mark.req("CABF-BR:3.2.2.4-WILDCARD")
def test_a_file_shows_control_over_no_wildcard() -> None:
    seen = [drawn("example.com", method="http")]
    assert rules.uncovered(["*.example.com", "example.com"], seen, NOW) == ["*.example.com"]
    seen = [drawn("example.com", method="dns")]
    assert rules.uncovered(["*.example.com", "example.com", "a.example.com"], seen, NOW) == ["a.example.com"]


@pytest.mark.req("CABF-BR:3.2.2.4-RANDOM")
def test_what_was_drawn_is_looked_for_30_days() -> None:
    one = drawn(validated_at=None, method=None)
    assert rules.is_open(one, NOW + LIFE - timedelta(seconds=1))
    assert not rules.is_open(one, NOW + LIFE)
    assert not rules.is_open(drawn(), NOW)


@pytest.mark.req("CABF-BR:4.2.1-AGE")
def test_a_validation_ends() -> None:
    days = (date(2026, 3, 14), date(2026, 3, 15), date(2027, 3, 15), date(2029, 3, 15))
    assert [counts_for(day) for day in days] == [398, 200, 100, 10]
    for age, left in ((200, []), (201, [SITE])):
        assert rules.uncovered([SITE], [drawn(validated_at=NOW - timedelta(days=age))], NOW) == left
    assert rules.uncovered([SITE], [drawn(validated_at=NOW + timedelta(days=1))], NOW) == [SITE]


@pytest.mark.req("TRUSTWORKS:DOMAIN-SAME-APPLICANT")
def test_only_the_same_organization_shows_nothing_anew() -> None:
    one = asked()
    renamed = tuple(
        NameAttribute(a, "other") if a == "commonName" else NameAttribute(a, b) for a, b in SUBJECT
    )
    assert rules.same_applicant(asked(subject=renamed), one)
    for kind in ("organizationIdentifier", "organizationName"):
        other = tuple(NameAttribute(a, "X") if a == kind else NameAttribute(a, b) for a, b in SUBJECT)
        assert not rules.same_applicant(asked(subject=other), one)
    nameless = asked(subject=tuple(part for part in SUBJECT if part.type != "organizationIdentifier"))
    assert not rules.same_applicant(nameless, nameless)


# End to end


class Names:
    """A resolver with the TXT records that it was told."""

    def __init__(self) -> None:
        self.txt: dict[str, list[bytes]] = {}

    def addresses(self, _: str) -> Sequence[str]:
        return ("10.0.0.1",)  # a host of a private network: it is not asked

    def texts(self, name: str) -> Sequence[bytes]:
        return self.txt.get(name, [])


class Place:
    """A place elsewhere in the network that looks with a resolver of its own."""

    def __init__(self, region: str, names: Names) -> None:
        self.name = region.lower()
        self.region = region
        self._attempts = Attempts(Bounds(), names)

    def look(self, proof: Proof) -> str | None:
        self._attempts.attempt(proof)
        return None

    def caa(self, _: Sequence[str]) -> Any:
        raise NotImplementedError


class Cli(NobodyActs):
    """The commands over a desk, with DNS as it is here and elsewhere."""

    def __init__(self, desk: Registration) -> None:
        super().__init__()
        self.desk = desk
        self.here, self.far, self.away = Names(), Names(), Names()
        self.lab = True

    @contextmanager
    def open_registration(self) -> Iterator[Registration]:
        yield self.desk

    def open_domain_control(self) -> Control:
        places = [Place("RIPE", self.here), Place("ARIN", self.far), Place("APNIC", self.away)]
        return Control(Attempts(Bounds(), self.here).attempt, Corroboration(places, lab=self.lab))

    def __call__(self, *arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["domain", *arguments, "--json"], obj=self)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)["domains"]

    def submit(self, *names: str, **changes: Any) -> str:
        given: dict[str, Any] = {
            "profile": WEB.name,
            "kind": SubjectKind.LEGAL,
            "subject": SUBJECT,
            "csr": make_csr(),
            "terms": "1",
            "alternative_names": tuple(f"DNS:{one}" for one in names),
        }
        found = self.desk.submit(NewApplication(**{**given, **changes}), by="ra-desk").id
        facts = [Fact(*one) for one in given["subject"]]
        pieces = (
            (About.ORGANIZATION, "official-register", [*facts, *(Fact("dNSName", one) for one in names)]),
            (
                About.REPRESENTATIVE,
                "physical-presence",
                [
                    Fact("givenName", "Anna"),
                    Fact("surname", "Muster"),
                    Fact("dateOfBirth", "1990-01-01"),
                    Fact("authority", "managing director"),
                ],
            ),
        )
        for about, method, shown in pieces:
            self.desk.add_evidence(
                found,
                about=about,
                method=method,
                source="register XX",
                established_on=SEEN_ON,
                facts=shown,
                by="ra-desk",
            )
        return found


@pytest.fixture
def cli(desk: Registration) -> Cli:
    return Cli(desk)


def events(provider: Provider) -> list[tuple[str, dict[str, Any]]]:
    query = select(audit_records.events.c.body).order_by(audit_records.events.c.sequence)
    with provider.database.read() as connection:
        bodies = [json.loads(one) for one in connection.execute(query).scalars()]
    return [(one["type"], one["detail"]) for one in bodies if one["type"].startswith("registration.domain")]


def put_up(one: Any, *where: Names) -> None:
    for names in where:
        names.txt[one["dns"]["record"]] = [b"v=spf1", one["dns"]["value"].encode()]


def test_from_the_challenge_to_the_certificate(cli: Cli, provider: Provider) -> None:
    wild = "*.shop.example.com"
    first = cli.submit(SITE, wild)
    with pytest.raises(Refused, match=f"No control over {SITE}") as refused:
        cli.desk.approve(first, by="ra-chief", reason="All is well.")
    assert refused.value.requirement == "CABF-BR:3.2.2.4", str(refused.value)

    wanted = {one["name"]: one for one in cli("challenge", first)}
    assert wanted[SITE]["dns"]["record"] == f"_trustworks-validation.{SITE}"
    url, content = wanted[SITE]["http"]["url"], wanted[SITE]["http"]["content"]
    assert url.startswith(f"http://{SITE}/.well-known/pki-validation/")
    assert content not in url
    assert len(content) > 2 * 40
    assert "http" not in wanted[wild]
    assert wanted[wild]["dns"]["record"] == "_trustworks-validation.shop.example.com"
    assert {one["name"]: one for one in cli("challenge", first)} == wanted  # as long as it may be looked for

    assert all(one["method"] is None for one in cli("check", first, code=1))
    put_up(wanted[wild], cli.here, cli.far, cli.away)
    put_up(wanted[SITE], cli.here)  # and nowhere else
    told = {one["name"]: one for one in cli("check", first, "--method", "dns", code=1)}
    assert told[wild]["method"] == "dns"
    assert "1 of 3 other places" in told[SITE]["why"]
    # Names are looked at beside each other.
    detail = [detail for kind, detail in events(provider) if kind == "registration.domain-not-seen"][-1]
    assert [one["sees"] for one in detail["perspectives"]] == [True, False, False]
    with pytest.raises(Refused, match=f"No control over {SITE}"):
        cli.desk.approve(first, by="ra-chief", reason="All is well.")

    put_up(wanted[SITE], cli.far)  # two of three are enough
    assert cli("check", first) == [{"name": SITE, "method": "dns", "why": None}]
    kind, detail = events(provider)[-1]
    assert (kind, detail["method"]) == ("registration.domain-validated", "dns")
    assert [one["sees"] for one in detail["perspectives"]] == [True, True, False]
    assert "example.com" not in json.dumps(events(provider))
    assert cli("check", first) == cli("challenge", first) == []
    done = cli.desk.approve(first, by="ra-chief", reason="All is well.")
    assert done.state == "issued", done.decisions

    # A renewal of the same applicant needs nothing anew, until the validation is too old.
    again = cli.submit(SITE, wild, renews=done.serial)
    assert [
        one.requirement for one in cli.desk.review(again).objections if "3.2.2.4" in one.requirement
    ] == []
    other = tuple(
        NameAttribute(a, "NTRXX-TEST-9") if a == "organizationIdentifier" else NameAttribute(a, b)
        for a, b in SUBJECT
    )
    strange = cli.submit(SITE, renews=done.serial, subject=other)
    assert "CABF-BR:3.2.2.4" in [one.requirement for one in cli.desk.review(strange).objections]
    provider.clock.advance(days=201)
    late = [one.requirement for one in cli.desk.review(again).objections]
    assert late.count("CABF-BR:3.2.2.4") == 2


@pytest.mark.req("TRUSTWORKS:ISSUANCE-NAMES-VALIDATED")
def test_a_domain_validated_certificate_comes_out_of_an_application(cli: Cli, provider: Provider) -> None:
    found = cli.submit(SITE, profile="tls-server-dv", subject=())
    cli.desk.add_evidence(
        found,
        about=About.ORGANIZATION,
        method="official-register",
        source="register XX",
        established_on=SEEN_ON,
        facts=[Fact(*one) for one in SUBJECT if one.type != "commonName"],
        by="ra-desk",
    )
    with pytest.raises(Refused, match=f"No control over {SITE}"):
        cli.desk.approve(found, by="ra-chief", reason="All is well.")
    (wanted,) = cli("challenge", found)
    put_up(wanted, cli.here, cli.far, cli.away)
    cli("check", found)
    done = cli.desk.approve(found, by="ra-chief", reason="All is well.")
    assert done.state == "issued", done.decisions
    assert done.serial is not None
    (issued,) = provider.issuance.list(profile="tls-server-dv")
    assert (issued.serial, issued.subject) == (done.serial, "")


class Caa:
    """A place elsewhere: does not answer (`away`), answers nonsense, or finds that only others may issue."""

    def __init__(self, region: str) -> None:
        self.name = region.lower()
        self.region = region
        self.fails: Exception | None = None

    def look(self, _: Proof) -> str | None:
        raise NotImplementedError

    def caa(self, _: Sequence[str]) -> Any:
        if self.fails is not None:
            raise self.fails
        return self


@pytest.mark.req("CABF-BR:3.2.2.9")
def test_an_outage_of_the_perspectives_ends_no_application(
    cli: Cli, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = cli.submit(SITE)
    put_up(cli("challenge", one)[0], cli.here, cli.far, cli.away)
    cli("check", one)
    places = [Caa("RIPE"), Caa("ARIN"), Caa("APNIC")]
    far = Corroboration(places, lab=False)
    asks = provider.issuance._domains
    monkeypatch.setattr(asks, "_ask", lambda _: None)
    monkeypatch.setattr(
        asks, "_elsewhere", lambda names, _: far.caa(names, lambda _: None, date(2026, 3, 20))
    )
    places[0].fails, places[1].fails = Unavailable("perspectives.away", "It is away."), Malformed("Nonsense.")
    with pytest.raises(Unavailable, match="1 of 3") as caught:
        cli.desk.approve(one, by="ra-chief", reason="All is well.")
    assert caught.value.code == "perspectives.away"
    assert cli.desk.application(one).state == "approved"
    places[0].fails = Refused("CABF:CAA", "Others issue for it.")  # one who objects is no quorum yet
    with pytest.raises(Unavailable):
        cli.desk.finish_all()
    places[0].fails = places[1].fails = None
    places[2].fails = Unavailable("perspectives.away", "It is away.")
    assert cli.desk.finish_all() == [one]
    assert cli.desk.application(one).state == "issued"

    other = cli.submit(SITE)
    put_up(cli("challenge", other)[0], cli.here, cli.far, cli.away)
    cli("check", other)
    places[0].fails = places[1].fails = Refused("CABF:CAA", "Others issue for it.")
    done = cli.desk.approve(other, by="ra-chief", reason="All is well.")
    assert done.state == "refused"
    assert done.decisions[-1].reason.startswith("CABF-BR:3.2.2.9: ")


def test_a_name_for_which_there_is_no_time_is_left_to_the_next_look(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = cli.submit(SITE)
    put_up(cli("challenge", one)[0], cli.here, cli.far, cli.away)
    monkeypatch.setattr("trustworks.issuance.registration.looking.SECONDS", 0.0)
    (told,) = cli("check", one, code=1)
    assert (told["method"], "look again" in told["why"]) == (None, True)
    monkeypatch.undo()
    assert cli("check", one)[0]["method"] == "dns"


def test_what_is_too_old_is_drawn_anew(cli: Cli, provider: Provider) -> None:
    one = cli.submit(SITE)
    with pytest.raises(Rejected, match="Nothing that counts is drawn"):
        cli("check", one)
    (old,) = cli("challenge", one)
    put_up(old, cli.here, cli.far, cli.away)
    provider.clock.advance(days=31)
    with pytest.raises(Rejected, match="registration domain challenge"):
        cli("check", one)
    (new,) = cli("challenge", one)
    assert new["dns"]["value"] != old["dns"]["value"]
    assert "private" in cli("check", one, "--method", "http", code=1)[0]["why"]
    with pytest.raises(Rejected, match="use dns or http"):
        cli("check", one, "--method", "mail")


def test_too_few_places_are_told_before_anybody_is_asked(cli: Cli, provider: Provider) -> None:
    one = cli.submit(SITE)
    cli("challenge", one)
    cli.lab = False
    before = events(provider)
    with pytest.raises(Unavailable, match="perspectives"):
        cli("check", one)
    assert events(provider) == before


def test_who_asks_for_no_web_site_and_what_is_decided_changes_nothing(cli: Cli, provider: Provider) -> None:
    one = cli.submit(SITE)
    cli.desk.reject(one, by="ra-chief", reason="No.")
    for command in ("challenge", "check"):
        with pytest.raises(Rejected, match="The application is rejected"):
            cli(command, one)
    assert events(provider) == []


def test_names_are_bound_and_are_forgotten(cli: Cli, provider: Provider) -> None:
    one = cli.submit(SITE)
    cli("challenge", one)
    cli.desk.withdraw(one, by="ra-desk", reason="By mistake.")
    with provider.database.read() as connection:
        assert list(RegisteredContents(connection).rest()) == []
    provider.clock.moment = provider.clock.moment.replace(year=2040)
    assert cli.desk.tidy(by="retention")[1] == [one]
    with provider.database.read() as connection:
        names = connection.execute(select(domain_records.validations.c.name)).scalars().all()
        assert list(RegisteredContents(connection).rest()) == []
    assert names == [None]


def test_a_file_is_looked_for_at_its_own_place(cli: Cli) -> None:
    (one,) = cli("challenge", cli.submit(SITE))
    asked: list[str] = []

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = one["http"]["content"].encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is told to the terminal."""

    class Local(Names):
        def addresses(self, _: str) -> Sequence[str]:
            return ("127.0.0.1",)

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        bounds = Bounds(allow_private_addresses=True, http_port=server.server_address[1])
        control = Control(Attempts(bounds, Local()).attempt, Corroboration(lab=True))
        token, _, value = one["http"]["content"].partition(".")
        assert control.look("http", SITE, token=token, value=value, day=NOW.date()) == ()
        with pytest.raises(Rejected, match="does not hold"):
            control.look("http", SITE, token=token, value="x" * 43, day=NOW.date())
        server.shutdown()
        thread.join()
    assert asked == [f"/.well-known/pki-validation/{token}"] * 2
    assert one["http"]["url"] == f"http://{SITE}{asked[0]}"


def test_a_perspective_is_asked_for_both_places() -> None:
    for kind in ("dns-change", "website-change"):
        question = {"type": kind, "name": SITE, "token": "t" * 43, "thumbprint": "v" * 43}
        assert wire.read(wire.ControlQuestion, json.dumps(question).encode()).type == kind


def test_the_configuration_says_how_far_is_looked() -> None:
    acme = {"secret-source": "x", "resolver": "127.0.0.1:1", "allow-private-addresses": True}
    settings = IssuanceSettings.model_validate({"acme": acme})
    control = control_of(settings, lab=True)
    control.check_ready(NOW.date())
    with pytest.raises(Unavailable, match="perspectives"):
        control_of(settings, lab=False).check_ready(NOW.date())
