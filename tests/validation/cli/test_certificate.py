"""`trustworks trust certificate`, over a small list made for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from trusted_list_bench import (
    LOTL,
    NOW,
    PUBLICATION,
    Party,
    list_of_lists,
    list_xml,
    party,
    provider,
    service,
    sign,
    state,
)
from typer.testing import CliRunner

from trustworks.core.der import qc_statements as qc
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.refresh import refresh
from trustworks.core.pki.trusted_lists.uris import FOR_SEALS, FOR_SIGNATURES, FOR_WEB, WITHDRAWN
from trustworks.validation.cli.trust import app

if TYPE_CHECKING:
    from pathlib import Path

COMMISSION, OPERATOR, GRANTED_CA, ENDED_CA = map(party, ("Commission", "Operator", "Provider", "Ended"))
KEY = ec.generate_private_key(ec.SECP256R1())
FOR = "".join(
    '<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">'
    f"{one}</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>"
    for one in (FOR_SIGNATURES, FOR_SEALS, FOR_WEB)
)
WITHDRAWAL = datetime(2026, 2, 1, tzinfo=UTC)
ESIGN = (qc.compliance(), qc.qc_type(qc.QC_TYPE_ESIGN), qc.sscd())
ESEAL = (qc.compliance(), qc.qc_type(qc.QC_TYPE_ESEAL))
WEB = (qc.compliance(), qc.qc_type(qc.QC_TYPE_WEB))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Greek list with an authority for everything, and one whose status was withdrawn a month ago."""
    directory = tmp_path_factory.mktemp("trust")
    listed = [
        provider("Provider", service(state(GRANTED_CA.der, name="Issuing\u202e", extensions=FOR))),
        provider(
            "Ended",
            service(
                state(ENDED_CA.der, status=WITHDRAWN, since=WITHDRAWAL, extensions=FOR),
                state(since=datetime(2018, 1, 1, tzinfo=UTC), extensions=FOR),
            ),
        ),
    ]
    files = {
        LOTL: list_of_lists({"EL": OPERATOR}, signer=COMMISSION),
        "https://lists.example/EL.xml": sign(list_xml(providers=listed), OPERATOR),
    }
    journal = OfficialJournal(publication=PUBLICATION, location=LOTL, certificates=(COMMISSION.der,))
    refresh(directory, journal, files.__getitem__, NOW)
    return directory


def issue(
    statements: tuple[qc.Statement, ...],
    by: Party = GRANTED_CA,
    *,
    site: str = "",
    name: str = "Subject",
    ca: bool | None = None,
    until: datetime = datetime(2027, 1, 1, tzinfo=UTC),
) -> Party:
    """A certificate of a Greek holder, who has a key and could issue more."""
    subject = [("C", "GR"), ("O", name), ("CN", name)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(",".join(f"{k}={v}" for k, v in reversed(subject))))
        .issuer_name(by.certificate.subject)
        .public_key(KEY.public_key())
        .serial_number(2)
        .not_valid_before(datetime(2025, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
    )
    if statements:
        value = x509.UnrecognizedExtension(
            x509.ObjectIdentifier(qc.QC_STATEMENTS), qc.write_qc_statements(statements)
        )
        builder = builder.add_extension(value, critical=False)
    if site:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(site)]), critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return Party(KEY, builder.sign(by.key, hashes.SHA256()))


class Asked:
    """The command over one store."""

    def __init__(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder

    def write(self, name: str, *found: Party) -> Path:
        file = self.folder / name
        file.write_bytes(b"".join(one.certificate.public_bytes(Encoding.PEM) for one in found))
        return file

    def text(self, *arguments: str, at: str = NOW.isoformat()) -> tuple[int, str]:
        given = ["certificate", *arguments, "--trust", str(self.store), "--at", at]
        result = CliRunner().invoke(app, given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    def __call__(self, found: Party, *more: str, at: str = NOW.isoformat()) -> tuple[int, dict[str, Any]]:
        code, out = self.text(str(self.write("asked.pem", found)), *more, "--json", at=at)
        return code, json.loads(out)


@pytest.fixture
def asked(store: Path, tmp_path: Path) -> Asked:
    return Asked(store, tmp_path)


@pytest.mark.parametrize(
    ("statements", "purpose", "device"),
    [
        (ESIGN, "electronic signatures", "QSCD_YES"),
        (ESEAL, "electronic seals", "QSCD_NO"),
        (WEB, "website authentication", "QSCD_INDETERMINATE"),
    ],
)
def test_what_a_certificate_is_qualified_for(
    asked: Asked, statements: tuple[qc.Statement, ...], purpose: str, device: str
) -> None:
    code, found = asked(issue(statements))
    assert (code, found["answer"], found["reasons"]) == (0, "qualified", [])
    for look in (found["at_time"], found["at_issuance"]):
        assert (look["qualified_for"], look["key_in_device"], look["list"]) == ([purpose], device, "EL")
        assert look["services"][0]["provider"] == "Provider"
    assert found["at_issuance"]["time"] == "2025-01-01T00:00:00Z"
    assert found["revocation_looked_at"] is False


def test_a_terminal_is_told_the_same_in_lines(asked: Asked) -> None:
    code, out = asked.text(str(asked.write("a.pem", issue(ESIGN))))
    assert code == 0
    assert "QUALIFIED for electronic signatures, at 2026-03-01T12:00:00Z" in out
    assert "its key is in a qualified device, by the list of EL" in out
    assert "Provider: Issuing\\u202e, granted since 2017-01-01" in out  # nothing that a terminal would obey
    assert "Whether it was revoked is not looked at." in out


def test_what_states_nothing_is_not_qualified(asked: Asked) -> None:
    code, found = asked(issue(()))
    assert (code, found["answer"]) == (1, "not qualified")
    assert found["reasons"] == ["Neither the list nor what it states itself makes it a qualified one."]


def test_a_service_that_was_withdrawn_ends_it_from_then_on(asked: Asked) -> None:
    one = issue(ESIGN, ENDED_CA)
    assert asked(one, at="2026-01-31")[0] == 0
    code, found = asked(one)
    assert (code, found["at_issuance"]["qualified_for"]) == (1, ["electronic signatures"])
    assert found["reasons"][0] == "The status of Service was withdrawn then."
    assert any(one.startswith("It was something else when it was issued") for one in found["reasons"])


def test_out_of_its_validity_it_is_qualified_no_more(asked: Asked) -> None:
    for at, says in (("2028-01-01", "had expired"), ("2024-01-01", "was not valid yet")):
        code, found = asked(issue(ESIGN), at=at)
        assert code == 1
        assert any(says in one for one in found["reasons"]), found["reasons"]


def test_a_website_is_the_one_in_the_certificate(asked: Asked) -> None:
    one = issue(WEB, site="*.example.org")
    code, found = asked(one, "--domain", "www.example.org")
    assert (code, found["site"]["matching"]) == (0, "*.example.org")
    code, found = asked(one, "--domain", "example.org")
    assert (code, found["reasons"]) == (1, ["It is not for example.org."])
    assert found["site"]["names"] == ["*.example.org"]
    code, found = asked(issue(ESIGN, site="www.example.org"), "--domain", "www.example.org")
    assert (code, found["reasons"]) == (1, ["It is not confirmed as qualified for website authentication."])
    code, out = asked.text(str(asked.write("w.pem", one)), "--domain", "other.example")
    assert "NOT QUALIFIED for the website other.example" in out
    assert "not other.example; names: *.example.org" in out


def test_an_authority_between_is_given_or_asked_for(asked: Asked) -> None:
    between = issue((), name="Provider", ca=True)
    leaf = issue(ESIGN, between)
    code, found = asked(leaf)
    assert (code, found["answer"]) == (2, "indeterminate")
    assert "--untrusted" in found["reasons"][0]
    code, found = asked(leaf, "--untrusted", str(asked.write("between.pem", between)))
    assert code == 0
    assert len(found["path"]) == 2
    assert asked.text(str(asked.write("chain.pem", leaf, between)))[0] == 0  # as a server sends it


def test_a_client_of_a_listed_authority_issues_nothing_qualified(asked: Asked) -> None:
    client = issue(ESIGN, name="Provider", ca=False)
    forged = issue(ESIGN, client)
    code, found = asked(forged, "--untrusted", str(asked.write("client.pem", client)))
    assert (code, found["at_time"]["qualified_for"]) == (2, [])
    assert "does not hold" in found["reasons"][0]


def test_what_nobody_on_the_list_has_issued_is_not_qualified(asked: Asked) -> None:
    stranger = party("Stranger")
    code, found = asked(stranger)
    assert (code, found["answer"]) == (1, "not qualified")
    impostor = Party(KEY, GRANTED_CA.certificate)  # the name of the authority and another key
    code, found = asked(issue(ESIGN, impostor))
    assert (code, found["at_time"]["qualified_for"]) == (2, [])


def test_without_a_list_that_can_be_believed_nothing_is_said(asked: Asked) -> None:
    code, found = asked(party("Elsewhere", "BE"))
    assert (code, found["at_time"]["status"]) == (2, "PROCESS_FAILED")
    assert "There is no trusted list of its issuer's country that can be believed." in found["reasons"]
    code, found = asked(party("Far away", "US"))
    assert (code, found["reasons"]) == (2, ["Its issuer is in no country that has a trusted list."])


def test_overdue_lists_count_and_are_told(asked: Asked) -> None:
    code, found = asked(issue(ESIGN), at="2026-12-01")
    assert code == 0
    assert "A new trusted list of EL was due on 2026-07-01" in found["overdue"][-1]


def test_what_cannot_be_asked_has_codes_of_its_own(asked: Asked, tmp_path: Path) -> None:
    good = str(asked.write("good.pem", issue(ESIGN)))
    (tmp_path / "bad.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    code, out = asked.text(str(tmp_path / "bad.pem"), "--json")
    assert (code, list(json.loads(out))) == (3, ["error"])
    code, out = asked.text(str(tmp_path / "nowhere.pem"))
    assert (code, "Not readable" in out) == (3, True)
    for more in (
        ["--domain", "https://example.org"],
        ["--untrusted", str(tmp_path / "bad.pem")],
        ["--at", "soon"],
        ["--trust", str(tmp_path)],
        ["--nothing"],
    ):
        result = CliRunner().invoke(app, ["certificate", good, "--trust", str(asked.store), *more])
        assert result.exit_code == 64, (more, result.output)
