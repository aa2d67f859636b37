"""`trustworks registration`: what a person types, what comes out, and which error says what to do."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from issuance_testbed import START, make_csr
from nobody_acts import NobodyActs
from registration_testbed import CARD, SEEN_ON
from typer.testing import CliRunner

from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.issuance.cli import registration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.issuance.registration.service import Registration


class Wiring(NobodyActs):
    """What the application hands to the commands."""

    def __init__(self, desk: Registration) -> None:
        super().__init__()
        self._desk = desk

    @contextmanager
    def open_registration(self) -> Iterator[Registration]:
        yield self._desk


@pytest.fixture
def example() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(registration, ["example"]).stdout)
    found["evidence"]["established_on"] = found["device"]["established_on"] = SEEN_ON.isoformat()
    found["device"]["product"] = CARD
    return found


class Cli:
    def __init__(self, desk: Registration, folder: Path) -> None:
        self._wiring = Wiring(desk)
        self._folder = folder

    @property
    def approvals(self) -> list[tuple[str, dict[str, Any]]]:
        return self._wiring.approvals

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(registration, list(arguments), obj=self._wiring)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout

    def file(self, name: str, content: Any) -> str:
        file = self._folder / name
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(file)

    def submit(self, application: dict[str, Any]) -> str:
        given = self.file("application.json", application)
        done = json.loads(self("submit", given, "--csr", self.file("r.csr", make_csr_pem()), "--json"))
        return str(done["id"])


def make_csr_pem() -> bytes:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    return x509.load_der_x509_csr(make_csr()).public_bytes(Encoding.PEM)


@pytest.fixture
def cli(desk: Registration, tmp_path: Path) -> Cli:
    return Cli(desk, tmp_path)


def test_from_the_example_to_a_certificate(cli: Cli, desk: Registration, example: dict[str, Any]) -> None:
    identifier = cli.submit({**example["application"], "limit": "EUR 5000"})
    assert f"{identifier}  received" in cli("list")
    before = cli("show", identifier)
    assert "surname                 Muster  ≠  nothing shown" in before
    assert "Before it can be approved:" in before
    with pytest.raises(Refused, match="surname"):
        cli("approve", identifier, "--reason", "Seen in person.")
    told = cli("evidence", identifier, cli.file("evidence.json", example["evidence"]))
    assert "nothing shows that: trustworks registration device record" in told
    device = {**example["device"], "key": desk.application(identifier).key_id}
    wrong = cli.file("device.json", {**device, "attestation": "x"})
    with pytest.raises(Malformed, match="goes with the way attestation"):
        cli("device", "record", identifier, wrong)
    told = cli("device", "record", identifier, cli.file("device.json", device))
    assert "TEST-CARD-1 (personalised)." in told
    assert "Nothing stands" in cli("evidence", identifier, cli.file("second.json", example["evidence"]))
    shown = cli("show", identifier)
    assert "surname                 Muster  =  Muster" in shown
    assert "limit                   EUR 5000  as the applicant wants it" in shown
    assert "identification          eIDAS2-acd  as the evidence came" in shown
    assert f"{CARD} TEST-CARD-1, personalised, " in shown
    assert "Issued " in cli("approve", identifier, "--reason", "Seen in person.")
    after = cli("show", identifier)
    assert "approve by registration-officer" in after
    assert "certificate " in after
    assert json.loads(cli("list", "--state", "issued", "--json"))["applications"][0]["id"] == identifier
    assert json.loads(cli("finish", "--json")) == {"finished": []}

    serial = desk.application(identifier).serial
    assert f"{CARD}  qscd  until 2026-" in cli("device", "list")
    with pytest.raises(Malformed, match="is no day"):
        cli("device", "lost", CARD, "--why", "The card was broken.", "--on", "soon")
    told = cli("device", "lost", CARD, "--why", "The card was broken.", "--on", SEEN_ON.isoformat())
    assert f"Concerned: {serial}" in told
    assert "They are not revoked" in told
    told = json.loads(
        cli("device", "lost", CARD, "--why", "The card was broken.", "--on", SEEN_ON.isoformat(), "--json")
    )
    assert (told["certificates"][0]["serial"], told["revoked"]) == (serial, [])
    assert cli("device", "list", code=1).startswith(f"{CARD}  qscd  lost {SEEN_ON}")
    named, desk.settings = desk.settings, desk.settings.model_copy(update={"devices": ()})
    assert cli("device", "list", code=1) == f"{CARD}  lost {SEEN_ON}  1 certificate(s)\n"
    (left,) = json.loads(cli("device", "list", "--json", code=1))["products"]
    assert (left["product"], left["kind"], len(left["certificates"])) == (CARD, None, 1)
    desk.settings = named
    given = ("--why", "The card was broken.", "--on", SEEN_ON.isoformat(), "--revoke")
    assert f"Revoked: {serial}" in cli("device", "lost", CARD, *given)
    assert cli.approvals == [("revocation.mass", {"device": CARD, "reason": "privilegeWithdrawn"})]
    assert f"No valid certificate stands on {CARD}." in cli("device", "lost", CARD, *given)


def test_an_application_without_its_request_says_where_it_may_be(cli: Cli, example: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match=r"csr: Field required\. Name the request's file by --csr\."):
        cli("submit", cli.file("application.json", example["application"]))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"profil": "x"}, "profil: Extra inputs"),
        ({"kind": "animal"}, "kind: Input should be 'natural' or 'legal'"),
        ({"renews": "12"}, "renews: "),
        ({"subject": ["CN=x"]}, "subject: "),
        ({"limit": "5000 EUR"}, "is no limit"),
        ({"payment_services": {"roles": ["PSP_AS"]}}, "payment_services.authority: Field required"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    cli: Cli, example: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    with pytest.raises(Malformed, match=why):
        cli.submit({**example["application"], **change})
    with pytest.raises(Malformed, match="the text: Invalid JSON"):
        cli("submit", cli.file("x.json", b"{"), "--csr", cli.file("r.csr", b"x"))


def test_evidence_comes_from_a_file_or_from_an_application(cli: Cli, example: dict[str, Any]) -> None:
    first, second = cli.submit(example["application"]), cli.submit(example["application"])
    piece = cli.file("evidence.json", example["evidence"])
    cli("evidence", first, piece)
    assert "about the subject" in cli("evidence", second, "--from", first)
    for arguments in ([], [piece, "--from", first]):
        with pytest.raises(Rejected, match="Name a file with the evidence, or --from"):
            cli("evidence", second, *arguments)


def test_decisions_need_reasons_and_end_it(cli: Cli, example: dict[str, Any]) -> None:
    first, second = cli.submit(example["application"]), cli.submit(example["application"])
    with pytest.raises(Rejected, match="Say why"):
        cli("reject", first, "--reason", "")
    assert "Rejected" in cli("reject", first, "--reason", "The passport is not hers.")
    assert "Withdrew" in cli("withdraw", second, "--reason", "By mistake.", "--by", "olga")
    with pytest.raises(Rejected, match="There is no state 'lost'"):
        cli("list", "--state", "lost")
    assert cli("list", "--state", "received") == "No application fits.\n"
    with pytest.raises(Rejected, match="no application 'x'"):
        cli("show", "x")


def test_what_is_over_is_erased(cli: Cli, example: dict[str, Any], provider: Any) -> None:
    identifier = cli.submit(example["application"])
    provider.clock.moment = START.replace(year=2027)
    assert cli("tidy") == "Withdrew 1 and erased 0 application(s).\n"
    provider.clock.moment = START.replace(year=2040)
    assert json.loads(cli("tidy", "--json")) == {"withdrawn": [], "erased": [identifier]}
    assert "(erased)" in cli("list")
