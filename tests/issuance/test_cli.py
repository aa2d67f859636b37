"""The commands: what a person types, what comes out, and which error says what to do."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuance_testbed import NATURAL, SEAL, SpyKey, make_csr
from nobody_acts import NobodyActs
from registration_testbed import ask, seen
from typer.testing import CliRunner, Result

from trustworks.core.der.qc_statements import QC_STATEMENTS, read_qc_statements
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.roles import Act
from trustworks.issuance.cli import app, crl, profile
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.registration.service import Registration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import typer
    from issuance_testbed import Provider

    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.service import Issuance


CONFIRMED = ("--confirmed-how", "called back")


class Tokens:
    """The tokens' keys, by whatever label."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def key(self, label: str) -> Any:
        assert label
        return self._key


class Wiring(NobodyActs):
    """What the application hands to the commands."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    public_url = "http://lab.example"

    @property
    def lab(self) -> bool:
        return self._provider.issuance.lab

    @contextmanager
    def open_registration(self) -> Iterator[Registration]:
        provider = self._provider
        yield Registration(
            RegistrationSettings(),
            issuance=provider.issuance,
            clock=provider.clock,
            recorder=provider.recorder,
            database=provider.database,
        )

    @property
    def issuance_settings(self) -> IssuanceSettings:
        return self._provider.issuance.settings

    @contextmanager
    def open_module(self, token: str) -> Iterator[Tokens]:
        yield Tokens(self._provider.keys(token))

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        yield self._provider.database

    @contextmanager
    def open_recorder(self, role: str, *, database: Database | None = None) -> Iterator[Recorder]:
        assert role
        assert database is self._provider.database
        yield self._provider.recorder

    def open_clock(self) -> Any:
        return self._provider.clock

    def authority_place(self, database: Any, name: str) -> tuple[str, str]:
        del database
        return name, name

    @contextmanager
    def open_issuance(self, role: str = "issuance") -> Iterator[Issuance]:
        assert role
        yield self._provider.issuance


@pytest.fixture
def csr(tmp_path: Path) -> Path:
    file = tmp_path / "request.csr"
    file.write_bytes(make_csr())
    return file


class Cli:
    def __init__(self, provider: Provider) -> None:
        self.wiring = self._wiring = Wiring(provider)

    def __call__(self, *arguments: str, noun: typer.Typer = app) -> Result:
        return CliRunner().invoke(noun, list(arguments), obj=self._wiring)

    def json(self, *arguments: str, noun: typer.Typer = app) -> Any:
        result = self(*arguments, "--json", noun=noun)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def cli(provider: Provider) -> Cli:
    return Cli(provider)


def test_what_is_approved_is_all_that_is_asked_for(cli: Cli, csr: Path) -> None:
    asked = ("issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL)
    for more in ((), ("--days", "30"), ("--limit", "EUR 100"), ("--authority", "issuing")):
        assert cli(*asked, *more).exit_code == 0
    digests = [about["request"] for _, about in cli.wiring.approvals]
    assert len(set(digests)) == 4
    assert cli(*asked).exit_code == 0
    assert cli.wiring.approvals[-1][1]["request"] == digests[0]


def test_a_certificate_is_issued_shown_listed_and_revoked(cli: Cli, csr: Path, tmp_path: Path) -> None:
    out = tmp_path / "anna.pem"
    done = cli(
        "issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL, "--out", str(out), "--chain"
    )
    assert done.exit_code == 0, done.output
    ((what, about),) = cli.wiring.approvals  # a qualified certificate without an application
    assert (what, about["profile"]) == ("certificate.qualified", "natural")
    leaf, issuing = x509.load_pem_x509_certificates(out.read_bytes())
    leaf.verify_directly_issued_by(issuing)
    serial = f"{leaf.serial_number:040x}"
    assert serial in done.output

    shown = cli.json("show", serial)
    assert shown["status"] == "good"
    assert shown["profile"] == "natural-qcp-n-qscd"
    assert cli("show", serial, "--pem").stdout.encode() == leaf.public_bytes(Encoding.PEM)
    assert "Anna Muster TEST" in cli("show", serial.upper()).stdout

    revoked = cli.json("revoke", serial, "--reason", "KeyCompromise", *CONFIRMED)
    assert revoked["reason"] == "keyCompromise"
    assert revoked["publish"] is None
    (listed,) = cli.json("list", "--revoked")
    assert listed["serial"] == serial
    assert listed["status"] == "revoked"
    assert serial not in cli("list", "--not-revoked").stdout
    assert serial in cli("list", "--profile", "natural").stdout


def outside_a_laboratory(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the provider were none; its names say TEST all the same."""
    monkeypatch.setattr(provider.issuance, "lab", False)
    monkeypatch.setattr(provider.issuance._orders, "_lab", False)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
@pytest.mark.req("TRUSTWORKS:ISSUANCE-NAMES-VALIDATED")
@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("natural", NATURAL),
        ("natural-lcp", NATURAL),
        ("natural-ncp", NATURAL),
        ("legal-ncp-plus", SEAL),
        ("smime-individual", "GN=Anna, SN=Muster, CN=Anna Muster TEST"),
        ("tls-server-dv", "CN=x TEST"),
    ],
)
def test_an_officer_alone_certifies_no_applicant_and_no_domain_outside_a_laboratory(
    cli: Cli, csr: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    names = ("--alternative-name", "DNS:a.example.com") if name == "tls-server-dv" else ()
    asked = ("issue", "--profile", name, "--csr", str(csr), "--subject", subject, *names)
    outside_a_laboratory(provider, monkeypatch)
    signed = len(provider.key.signed)
    done = cli(*asked)
    assert isinstance(done.exception, Refused), done.output
    assert "trustworks registration submit" in str(done.exception)
    assert cli.wiring.approvals == []  # nobody's approval is used up for it
    assert len(provider.key.signed) == signed
    assert isinstance(cli(*asked, "--by", "application:1").exception, Rejected)  # nor by a name alone


def test_a_laboratory_says_that_nobody_looked(cli: Cli, csr: Path, tmp_path: Path) -> None:
    natural = ("issue", "--profile", "natural-ncp", "--csr", str(csr), "--subject", NATURAL)
    assert cli.json(*natural)["lacks_evidence"] is True
    told = cli(*natural, "--out", str(tmp_path / "a.pem"))
    assert "Nobody looked at what it says of its subject" in told.stderr
    csr.write_bytes(make_csr())
    names = ("--alternative-name", "DNS:a.example.com")
    assert (
        cli.json("issue", "--profile", "tls-server-dv", "--csr", str(csr), *names)["lacks_evidence"] is True
    )
    csr.write_bytes(make_csr())
    unit = ("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU")
    assert cli.json(*unit)["lacks_evidence"] is False


@pytest.mark.req("TRUSTWORKS:ISSUANCE-APPLICANT-DECIDED")
def test_a_certificate_is_issued_out_of_a_decided_application(
    cli: Cli, provider: Provider, tmp_path: Path
) -> None:
    with cli.wiring.open_registration() as desk:
        identifier = desk.submit(ask(), by="ra-desk").id
        seen(desk, identifier)
        early = cli("issue", "--application", identifier).exception
        assert isinstance(early, Rejected)
        assert f"trustworks registration approve {identifier}" in str(early)
        provider.key.error = Unavailable("module.gone", "No token.")
        with pytest.raises(Unavailable):
            desk.approve(identifier, by="officer", reason="Seen in person.")
        provider.key.error = None
        rejected = desk.submit(ask(), by="ra-desk").id
        desk.reject(rejected, by="officer", reason="No person of that name.")
    out = tmp_path / "anna.pem"
    done = cli("issue", "--application", identifier, "--out", str(out), "--chain", "--by", "clerk")
    assert done.exit_code == 0, done.output
    assert cli.wiring.concerned[-1][:2] == (Act.ISSUE, "clerk")
    leaf, issuing = x509.load_pem_x509_certificates(out.read_bytes())
    leaf.verify_directly_issued_by(issuing)
    again = cli.json("issue", "--application", identifier)  # the same one, once and for all
    assert again["serial"] == f"{leaf.serial_number:040x}"
    assert (again["application"], again["lacks_evidence"]) == (identifier, False)
    assert cli.json("show", again["serial"])["requested_by"] == f"application:{identifier}"
    why = cli("issue", "--application", rejected).exception
    assert isinstance(why, Rejected)
    assert "No person of that name" in str(why)
    assert cli.wiring.approvals == []
    assert isinstance(cli("issue", "--application", "0" * 32).exception, Rejected)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--application", "0", "--profile", "tsu"),
        ("--application", "0", "--semantics"),
        ("--application", "0", "--nca-id", "XX-NCA"),
        ("--profile", "tsu", "--subject", "CN=TEST TSU"),
        (),
    ],
)
def test_either_an_application_says_what_is_issued_or_the_command_does(
    cli: Cli, arguments: tuple[str, ...]
) -> None:
    assert isinstance(cli("issue", *arguments).exception, Malformed)


@pytest.mark.req("TRUSTWORKS:ISSUANCE-PROVIDER-NAME")
def test_a_service_of_the_provider_has_the_providers_name(cli: Cli, csr: Path) -> None:
    asked = ("issue", "--profile", "tsu", "--csr", str(csr), "--subject")
    for other in ("O=Another TEST Ltd", "OI=NTRXX-TEST-99", "C=XY"):
        assert isinstance(cli(*asked, f"CN=TEST TSU, {other}").exception, Refused)
    assert cli(*asked, "CN=TEST TSU, OI=NTRXX-TEST-1").exit_code == 0


@pytest.mark.parametrize(
    "written", ["2026-02-01T11:00:00", "2026-02-01T13:00:00+02:00", "2026-02-01T11:00:00Z"]
)
def test_the_date_of_a_loss_is_in_utc_unless_it_names_a_zone(cli: Cli, csr: Path, written: str) -> None:
    serial = cli.json("issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL)["serial"]
    cli.json("revoke", serial, "--reason", "keyCompromise", *CONFIRMED, "--invalidity-date", written)
    assert cli.json("show", serial)["invalidity_date"] == "2026-02-01T11:00:00+00:00"


def test_without_a_file_the_certificate_comes_out_in_pem(cli: Cli, csr: Path) -> None:
    done = cli("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU")
    assert x509.load_pem_x509_certificate(done.stdout.encode()).serial_number > 0


def test_who_revokes_without_trusted_time_is_told(cli: Cli, csr: Path, provider: Provider) -> None:
    issue = ("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU")
    first, second = (cli.json(*issue)["serial"] for _ in range(2))
    provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")
    told = cli.json("revoke", first, "--reason", "superseded", *CONFIRMED)
    assert told["unproven_time"] == "clock.jump"
    done = cli("revoke", second, "--reason", "keyCompromise", *CONFIRMED)
    assert "There is no trusted time (clock.jump" in done.stdout
    assert cli.json("show", second)["status"] == "revoked"
    assert isinstance(cli("release", second).exception, Unavailable)


def test_a_hold_is_lifted(cli: Cli, csr: Path) -> None:
    serial = cli.json("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU")["serial"]
    cli.json("revoke", serial, "--reason", "certificateHold", *CONFIRMED)
    assert cli.json("show", serial)["status"] == "held"
    assert cli.json("release", serial) == {"serial": serial, "held": False}
    assert cli.json("show", serial)["status"] == "good"


def test_open_intents_are_listed_and_settled(cli: Cli, csr: Path, provider: Provider) -> None:
    class Died(BaseException):
        pass

    provider.key.error = Died()  # type: ignore[assignment]
    with pytest.raises(Died):
        provider.issuance.issue(provider.request("tsu", csr.read_bytes()))
    provider.key.error = None
    (intent,) = cli.json("list", "--state", "issuing")
    assert intent["status"] == "not released"
    assert cli.json("settle") == {"closed": []}
    provider.clock.advance(minutes=10)
    assert cli.json("settle") == {"closed": [intent["serial"]]}
    assert cli.json("list", "--state", "issuing") == []


@pytest.mark.parametrize(
    ("arguments", "family", "word"),
    [
        (("issue", "--profile", "natrual", "--subject", NATURAL), Rejected, "Did you mean natural"),
        (("issue", "--profile", "root", "--subject", "CN=TEST"), Rejected, "ceremony"),
        (("issue", "--profile", "tsu", "--subject", "TEST"), Malformed, "TYPE=VALUE"),
        (("issue", "--profile", "tsu", "--subject", "CN=no lab name"), Refused, "TEST"),
        (("issue", "--profile", "tls-server", "--subject", "CN=TEST"), Rejected, "alternative names"),
        (
            ("issue", "--profile", "tls-server", "--subject", "CN=TEST", "--alternative-name", "IP:x"),
            Rejected,
            "not an IP address",
        ),
    ],
)
def test_what_cannot_be_issued_is_said_in_a_sentence(
    cli: Cli, csr: Path, arguments: tuple[str, ...], family: type[Exception], word: str
) -> None:
    done = cli(*arguments, "--csr", str(csr))
    assert isinstance(done.exception, family)
    assert word in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "family", "word"),
    [
        (("revoke", "xyz", "--reason", "superseded", *CONFIRMED), Malformed, "hexadecimal"),
        (("revoke", "00", "--reason", "bored", *CONFIRMED), Rejected, "keyCompromise"),
        (("revoke", "00", "--reason", "superseded", *CONFIRMED), Rejected, "No certificate"),
        (("show", "00"), Rejected, "No certificate"),
        (("list", "--state", "lost"), Malformed, "issuing"),
    ],
)
def test_wrong_serials_reasons_and_states_are_said(
    cli: Cli, arguments: tuple[str, ...], family: type[Exception], word: str
) -> None:
    done = cli(*arguments)
    assert isinstance(done.exception, family)
    assert word in str(done.exception)


def test_lists_are_published_listed_and_written(cli: Cli, csr: Path, tmp_path: Path) -> None:
    before = cli("list", noun=crl)
    assert before.exit_code == 1
    assert "no list was published" in before.stdout
    serial = cli.json("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU")["serial"]
    cli.json("revoke", serial, "--reason", "superseded", *CONFIRMED)
    done = cli.json("publish", noun=crl)
    assert (done["authority"], done["entries"]) == ("issuing", 1)
    assert cli.wiring.approvals == []
    assert "list 1 of root with 0 entries" in cli("publish", "--authority", "root", noun=crl).stdout
    assert cli.wiring.approvals == [("status.root-list", {"authority": "root", "after": 0})]
    states = cli.json("list", noun=crl)
    assert [(one["authority"], one["fresh"]) for one in states] == [("issuing", True), ("root", True)]
    assert cli("list", noun=crl).stdout.count("fresh") == 2
    out = tmp_path / "issuing.crl"
    assert cli("show", "--out", str(out), noun=crl).exit_code == 0
    found = x509.load_der_x509_crl(out.read_bytes())
    assert found.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None


def test_lists_of_nobody_are_said_to_be_nobodys(cli: Cli, tmp_path: Path) -> None:
    for arguments in (
        ("publish", "--authority", "x"),
        ("show", "--authority", "x", "--out", str(tmp_path / "x")),
    ):
        assert isinstance(cli(*arguments, noun=crl).exception, Rejected)
    missing = cli("show", "--out", str(tmp_path / "x"), noun=crl)
    assert isinstance(missing.exception, Rejected)
    assert "crl publish" in str(missing.exception)


def test_profiles_are_listed_and_shown() -> None:
    run = CliRunner().invoke
    listed = json.loads(run(profile, ["list", "--json"]).stdout)
    assert {"root", "sub-ca", "tsu", "natural-qcp-n-qscd"} <= {one["name"] for one in listed}
    assert "QCP-l-qscd" in run(profile, ["list"]).stdout
    shown = run(profile, ["show", "tsu"]).stdout
    assert "key signs  365 days" in shown
    assert "had by     application, officer, provider\n" in shown
    assert "had by     application\n" in run(profile, ["show", "natural-lcp"]).stdout
    assert json.loads(run(profile, ["show", "seal", "--json"]).stdout)["qc_sscd"] is True
    assert isinstance(run(profile, ["show", "nothing"]).exception, Rejected)
    assert "also in version 2" in run(profile, ["list"]).stdout
    later = run(profile, ["show", "seal/2"]).stdout
    assert "from 2026-07-01; beside legal-qcp-l-qscd/1" in later
    assert "EN 319 412-5 V2.6.1, key in a QSCD: yes" in later
    for name, line in (
        ("natural-qcp-n-qscd-short-term", "never revoked or held"),
        ("psd2-qwac", "roles of payment services"),
        ("qncp-w-gen-legal", "never held"),
        ("smime-mailbox", "names      email"),
    ):
        assert line in run(profile, ["show", name]).stdout


def test_what_is_declared_goes_into_the_certificate(cli: Cli, csr: Path) -> None:
    subject = "C=XX, O=Muster TEST Ltd, OI=PSDXX-NCA-1, CN=Muster TEST Seal"
    asked = ("issue", "--profile", "psd2-qseal/2", "--csr", str(csr), "--subject", subject)
    services = ("--psd2-role", "PSP_AS", "--psd2-role", "PSP_PI", "--nca-name", "Supervisor TEST")
    more = ("--nca-id", "XX-NCA", "--limit", "EUR 5000", "--identified-by", "eIDAS2-acd")
    pem = cli.json(*asked, *services, *more)["certificate"]
    found = x509.load_pem_x509_certificate(pem.encode())
    value = found.extensions.get_extension_for_oid(x509.ObjectIdentifier(QC_STATEMENTS)).value
    assert isinstance(value, x509.UnrecognizedExtension)
    stated = read_qc_statements(value.value)
    roles = (("0.4.0.19495.1.1", "PSP_AS"), ("0.4.0.19495.1.2", "PSP_PI"))
    assert stated.psd2 == ((roles, "Supervisor TEST", "XX-NCA"),)
    assert (stated.limits, stated.methods) == ((("EUR", 5, 3),), ("0.4.0.1862.1.8.3",))
    assert isinstance(cli(*asked).exception, Rejected)
    assert isinstance(cli(*asked, "--nca-id", "XX-NCA").exception, Rejected)
    assert isinstance(cli(*asked, *services, "--limit", "5").exception, Malformed)


@pytest.mark.req("EN319411-1:CSS-6.3.9-13")
@pytest.mark.parametrize(("name", "above"), [("issuing", "root"), ("root", "root")])
def test_who_revokes_an_authority_is_told_to_publish_the_list_above(
    cli: Cli, provider: Provider, name: str, above: str
) -> None:
    serial = provider.issuance.authority(name).serial
    said = cli("revoke", serial, "--reason", "cACompromise", *CONFIRMED).stdout
    assert f"publish the list of {above} now" in said
    assert f"trustworks crl publish --authority {above}" in said
    # With an authority goes all that it issued, which nobody revokes alone.
    assert cli.wiring.approvals == [("revocation.mass", {"serial": serial, "reason": "cACompromise"})]


def test_where_nothing_can_be_written_nothing_is_issued(
    cli: Cli, csr: Path, provider: Provider, tmp_path: Path
) -> None:
    for out in (tmp_path / "absent" / "a.pem", tmp_path):
        done = cli(
            "issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", str(out)
        )
        assert isinstance(done.exception, Rejected)
        assert "cannot be written" in str(done.exception)
    assert provider.issuance.counts()["issued"] == 2
    assert provider.key.signed == []


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(
    cli: Cli, csr: Path, provider: Provider, tmp_path: Path
) -> None:
    key, link = tmp_path / "server.key", tmp_path / "link.pem"
    key.write_bytes(b"a private key")
    link.symlink_to(key)
    issue = ("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out")
    for out in (key, link):
        done = cli(*issue, str(out))
        assert isinstance(done.exception, Rejected)
        assert done.exception.code == "output.exists"
        assert "--replace" in str(done.exception)
    assert key.read_bytes() == b"a private key"
    assert provider.key.signed == []
    assert provider.issuance.counts()["issued"] == 2
    assert cli(*issue, str(link), "--replace").exit_code == 0
    assert link.is_symlink()
    assert x509.load_pem_x509_certificate(key.read_bytes()).serial_number > 0
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_comes_while_a_certificate_is_issued_stays(
    cli: Cli, csr: Path, provider: Provider, tmp_path: Path
) -> None:
    out = tmp_path / "a.pem"

    def sign_slowly(data: bytes) -> bytes:
        out.write_bytes(b"of somebody else")
        return SpyKey.sign(provider.key, data)

    provider.key.sign = sign_slowly  # type: ignore[method-assign]
    done = cli("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", str(out))
    (newest, *_) = provider.issuance.list(profile="tsu")
    assert isinstance(done.exception, Rejected)
    assert f"trustworks certificate show {newest.serial} --pem" in str(done.exception)
    assert out.read_bytes() == b"of somebody else"


@pytest.mark.parametrize("issued", [True, False])
def test_a_link_to_a_file_that_is_not_there_stays_a_link(
    cli: Cli, csr: Path, provider: Provider, tmp_path: Path, *, issued: bool
) -> None:
    out, target = tmp_path / "link.pem", tmp_path / "target.pem"
    out.symlink_to(target)
    if not issued:
        provider.clock.refusal = Unavailable("clock.jump", "The clock is stopped: it jumped.")
    cli("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", str(out))
    assert out.readlink() == target
    assert target.exists() is issued


def test_a_certificate_can_be_written_into_a_pipe(cli: Cli, csr: Path) -> None:
    reading, writing = os.pipe()  # as a shell hands it over: /dev/stdout, and the name of >(...)
    with os.fdopen(reading, "rb") as reader:
        with os.fdopen(writing, "wb"):
            out = f"/dev/fd/{writing}"
            done = cli(
                "issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", out
            )
        assert done.exit_code == 0, done.output
        assert x509.load_pem_x509_certificate(reader.read()).serial_number > 0


def test_a_file_that_fails_after_the_issuance_leaves_the_serial(
    cli: Cli, csr: Path, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trustworks.core.output.put_new", full)
    out = tmp_path / "a.pem"
    done = cli("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", str(out))
    (newest, *_) = provider.issuance.list(profile="tsu")
    assert isinstance(done.exception, Rejected)
    assert f"trustworks certificate show {newest.serial} --pem" in str(done.exception)


def test_a_list_is_shown_in_json_and_words(cli: Cli, tmp_path: Path) -> None:
    published = cli.json("publish", noun=crl)
    out = tmp_path / "issuing.crl"
    told = cli.json("show", "--out", str(out), noun=crl)
    assert {name: told[name] for name in published} == published
    assert (told["size"], told["out"]) == (len(out.read_bytes()), str(out))
    assert told["sha256"] in cli("show", noun=crl).stdout
    again = cli("show", "--out", str(out), noun=crl)
    assert isinstance(again.exception, Rejected)
    assert "--replace" in str(again.exception)
    number = cli.json("publish", noun=crl)["number"]
    assert cli.json("show", "--out", str(out), "--replace", noun=crl)["number"] == number
    assert (
        x509.load_der_x509_crl(out.read_bytes())
        .extensions.get_extension_for_class(x509.CRLNumber)
        .value.crl_number
        == number
    )
    done = cli("show", "--out", str(tmp_path), noun=crl)
    assert isinstance(done.exception, Rejected)
    assert "cannot be written" in str(done.exception)


NO_TEXT = "\udcff"  # an octet 0xff of an argument, as Python has it


@pytest.mark.parametrize(
    "arguments",
    [
        ("issue", "--profile", NO_TEXT, "--subject", "CN=TEST"),
        ("issue", "--profile", "tsu", "--subject", f"CN=TEST {NO_TEXT}"),
        ("issue", "--profile", "tsu", "--subject", "CN=TEST", "--by", NO_TEXT),
        ("issue", "--profile", "tls-server", "--subject", "CN=TEST", "--alternative-name", NO_TEXT),
        ("issue", "--profile", "tls-server", "--subject", "CN=TEST", "--alternative-name", f"DNS:{NO_TEXT}"),
        ("issue", "--profile", "tls-server", "--subject", "CN=TEST", "--alternative-name", f"IP:{NO_TEXT}"),
        ("revoke", NO_TEXT, "--reason", "superseded", *CONFIRMED),
        ("revoke", "00", "--reason", NO_TEXT, *CONFIRMED),
        ("revoke", "00", "--reason", "superseded", *CONFIRMED, "--by", NO_TEXT),
        ("revoke", "00", "--reason", "superseded", *CONFIRMED, "--invalidity-date", NO_TEXT),
        ("release", NO_TEXT),
        ("release", "00", "--by", NO_TEXT),
        ("show", NO_TEXT),
        ("list", "--state", NO_TEXT),
        ("list", "--profile", NO_TEXT),
    ],
)
def test_octets_that_are_no_text_are_refused_in_a_sentence(
    cli: Cli, csr: Path, arguments: tuple[str, ...]
) -> None:
    done = cli(*arguments, *(("--csr", str(csr)) if arguments[0] == "issue" else ()))
    assert isinstance(done.exception, TrustworksError)
    assert str(done.exception).encode()


@pytest.mark.parametrize(
    "arguments",
    [("publish", "--authority", NO_TEXT), ("show", "--authority", NO_TEXT)],
)
def test_octets_that_are_no_text_are_refused_of_lists_too(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments, noun=crl)
    assert isinstance(done.exception, TrustworksError)
    assert str(done.exception).encode()


def test_a_file_whose_name_is_no_text_is_written(cli: Cli, csr: Path, tmp_path: Path) -> None:
    out = tmp_path / NO_TEXT
    issue = ("issue", "--profile", "tsu", "--csr", str(csr), "--subject", "CN=TEST TSU", "--out", str(out))
    assert cli(*issue).exit_code == 0
    assert out.exists()
    assert isinstance(cli(*issue).exception, Rejected)
    assert cli("publish", noun=crl).exit_code == 0
    assert cli("show", "--out", str(out), "--replace", noun=crl).exit_code == 0


@pytest.mark.parametrize("seconds", ["-1", "99999999999999", str(10**30)])
def test_an_age_that_is_none_is_a_wrong_option(cli: Cli, seconds: str) -> None:
    done = cli("settle", "--older-than", seconds)
    assert done.exit_code == 2
    assert "--older-than" in done.output
    assert cli.json("settle", "--older-than", "315360000") == {"closed": []}


def test_a_subject_is_found_as_it_was_written_and_as_it_is_listed(cli: Cli, csr: Path) -> None:
    serial = cli.json("issue", "--profile", "tsu", "--csr", str(csr), "--subject", r"CN=A\, B TEST")["serial"]
    listed = cli.json("show", serial)["subject"]
    for sought in ("A, B TEST", r"A\, B TEST", listed):
        assert [one["serial"] for one in cli.json("list", "--subject", sought)] == [serial]
    assert cli.json("list", "--subject", "A; B TEST") == []


# Trusted roles


def test_the_operator_who_acts_is_in_the_record(cli: Cli, csr: Path) -> None:
    issued = cli.json(
        "issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL, "--as", "ben", "--key", "k"
    )
    assert cli.wiring.asked[-1] == (Act.ISSUE, "ben", "k")
    act, name, (person,) = cli.wiring.concerned[-1]
    assert (act, name) == (Act.ISSUE, "ben")
    assert person.names == {"anna muster", "anna muster test"}
    spki = (
        x509.load_der_x509_csr(csr.read_bytes())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    assert person.key_ids == {hashlib.sha256(spki).hexdigest()}
    assert cli.json("show", issued["serial"])["requested_by"] == "ben"
    held = ("revoke", issued["serial"], "--reason", "certificateHold", *CONFIRMED)
    cli.json(*held, "--as", "rita", "--key", "k")
    cli.json("release", issued["serial"], "--as", "rita", "--key", "k")
    assert [one[0] for one in cli.wiring.asked[1:]] == [Act.REVOKE, Act.RELEASE]
    assert cli.wiring.concerned[-1] == (Act.RELEASE, "rita", [person])


@pytest.mark.req("CENTS419261:SA1.1")
def test_who_may_not_changes_nothing(cli: Cli, csr: Path) -> None:
    issued = cli.json("issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL)
    before = len(cli.json("list"))
    cli.wiring.refusal = Refused("CENTS419261:SA1.1", "Not you.")
    for arguments in (
        ("issue", "--profile", "natural", "--csr", str(csr), "--subject", NATURAL),
        ("revoke", issued["serial"], "--reason", "superseded", *CONFIRMED),
        ("release", issued["serial"]),
    ):
        done = cli(*arguments)
        assert isinstance(done.exception, Refused)
        assert done.stdout == ""
    assert len(cli.json("list")) == before
    assert cli.json("show", issued["serial"])["status"] == "good"
