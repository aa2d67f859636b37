"""`trustworks timestamp`, against a real authority; the network is replaced by the authority itself."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier
from foreign_tokens import DATA, SERIAL, ForeignAuthority
from timestamping_testbed import NOW
from typer.testing import CliRunner

from trustworks.core.der import tsp
from trustworks.core.der.encode import GENERALIZED_TIME, SEQUENCE, oid, tlv
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.timestamping import client, wire
from trustworks.timestamping.cli import app
from trustworks.timestamping.inspect import as_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from timestamping_testbed import Pki

    from trustworks.core.store import Database
    from trustworks.timestamping.config import TimestampingSettings
    from trustworks.timestamping.service import TimestampingAuthority

URL = "http://tsa.test/tsa"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "document.txt"
    file.write_bytes(b"a document")
    return file


@pytest.fixture(autouse=True)
def network(authority: TimestampingAuthority, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The requests that went out."""
    sent: list[bytes] = []

    def request_token(url: str, request: bytes, *, tls_trust: object = ()) -> bytes:
        assert url == URL
        assert not tls_trust
        sent.append(request)
        return authority.stamp(request)

    monkeypatch.setattr(client, "request_token", request_token)
    return sent


def run(*arguments: object, wiring: Any = None) -> str:
    """What a command prints; its errors are raised."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], obj=wiring, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.req("EN319422:C-MEDIA-TYPE", "RFC3161:2.2-ANSWER")
def test_request_verify_inspect(document: Path, pki: Pki) -> None:
    said = run("request", document, "--url", URL, "--trust", pki.root_file)
    token = document.with_name("document.txt.tst")
    assert str(token) in said
    assert "Revocation was not checked." in said
    again = document.with_name("again.tst")
    assert "signer was not verified" in run("request", document, "--url", URL, "--out", again)
    wire.read_token(token.read_bytes())
    assert "Valid: document.txt existed at 2026-05-04T" in run(
        "verify", document, token, "--trust", pki.root_file
    )
    shown = run("inspect", token)
    for word in ("2.999.3161.7", "1000000 us", "not promised", "it does not say so", "SigningCertificateV2"):
        assert word in shown
    found = json.loads(run("inspect", token, "--json"))
    assert found["media_type"] == "application/vnd.etsi.timestamp-token"
    content = wire.read_token(token.read_bytes()).tst_info_der
    fraction = found["gen_time"].partition(".")[2]  # DER has no zero at the end of a fraction
    assert (f".{fraction}" if fraction else "Z").encode() in content
    assert not fraction.endswith("0Z")


def test_an_answer_is_kept_whole_on_request(document: Path, pki: Pki, tmp_path: Path) -> None:
    out = tmp_path / "answer.tsr"
    found = json.loads(run("request", document, "--url", URL, "--out", out, "--hash", "sha3_512", "--json"))
    assert found["file"] == str(out)
    assert found["imprint_hash"] == "sha3_512"
    assert wire.decode_response(out.read_bytes()).token is not None
    verified = json.loads(run("verify", document, out, "--trust", pki.root_file, "--json"))
    assert verified["valid"]
    assert len(verified["path"]) == 3
    assert json.loads(run("inspect", out, "--json"))["serial"] == found["serial"]


@pytest.mark.parametrize("where", ["data", "token", "link-to-data", "hard-link"])
def test_no_file_is_written_over(document: Path, network: list[bytes], where: str) -> None:
    out = document.with_name("out.tst")
    match where:
        case "data":
            out = document
        case "token":
            run("request", document, "--url", URL, "--out", out)
            network.clear()
        case "link-to-data":
            out.symlink_to(document)
        case "hard-link":
            out.hardlink_to(document)
    before = out.read_bytes()
    with pytest.raises(Rejected, match=r"exists\. Name a file that does not\.") as caught:
        run("request", document, "--url", URL, "--out", out)
    assert caught.value.code == "output.exists"
    assert not network, "refused before anything went out"
    assert out.read_bytes() == before
    assert document.read_bytes() == b"a document"


def test_a_link_to_no_file_stays_one_and_leads_to_the_token(document: Path, network: list[bytes]) -> None:
    out = document.with_name("out.tst")
    out.symlink_to(document.with_name("elsewhere"))
    run("request", document, "--url", URL, "--out", out)
    assert out.is_symlink()
    assert wire.read_token(document.with_name("elsewhere").read_bytes()).signers == 1
    assert len(network) == 1


def test_a_file_that_comes_up_meanwhile_is_not_written_over(
    document: Path, network: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = document.with_name("out.tst")
    ask = client.request_token

    def request_token(*given: Any, **more: Any) -> bytes:
        out.write_bytes(b"somebody else's")
        return ask(*given, **more)

    monkeypatch.setattr(client, "request_token", request_token)
    with pytest.raises(Rejected, match="exists"):
        run("request", document, "--url", URL, "--out", out)
    assert len(network) == 1
    assert out.read_bytes() == b"somebody else's"


@pytest.mark.req("RFC3161:2.2-SIGNED-ANSWER", "RFC3161:2.4.1-CERTIFICATE-SENT")
@pytest.mark.parametrize("wrong", ["signature", "certificate"])
def test_a_token_that_nobody_could_verify_is_not_kept(
    document: Path, authority: TimestampingAuthority, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    def request_token(_url: str, request: bytes, **_more: Any) -> bytes:
        if wrong == "certificate":
            asked = asn1.decode_der(tsp.TimeStampReq, request)
            asked.cert_req = False
            return authority.stamp(asn1.encode_der(asked))
        answer = authority.stamp(request)
        return answer[:-1] + bytes([answer[-1] ^ 1])

    monkeypatch.setattr(client, "request_token", request_token)
    with pytest.raises((Refused, Rejected), match=r"not verify|lacks its signer's"):
        run("request", document, "--url", URL)
    assert list(document.parent.glob("document*")) == [document]


@pytest.mark.parametrize("option", ["--trust", "--out"])
def test_what_stands_against_the_answer_is_told_before_the_request_goes_out(
    document: Path, network: list[bytes], option: str
) -> None:
    with pytest.raises((Malformed, Rejected), match=r"cannot be (read|written)"):
        run("request", document, "--url", URL, option, document.with_name("no-folder") / "file")
    assert not network


def test_data_that_can_be_read_once_only_are_read_once(pki: Pki, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        pipe.write_bytes(b"a document")  # returns when somebody read it
        pipe.unlink()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    run("request", pipe, "--url", URL, "--trust", pki.root_file)
    writer.join()


def test_what_is_asked_for_is_sent(document: Path, pki: Pki) -> None:
    found = json.loads(
        run(
            "request", document, "--url", URL, "--policy", "2.999.3161.8", "--no-nonce", "--no-cert", "--json"
        )
    )
    assert found["policy"] == "2.999.3161.8"
    assert found["nonce"] is None
    assert found["certificates"] == []
    token = document.with_name("document.txt.tst")
    with pytest.raises(Rejected, match="--untrusted"):
        run("verify", document, token, "--trust", pki.root_file)


def test_a_refusal_is_told(document: Path) -> None:
    with pytest.raises(Rejected, match="policy") as caught:
        run("request", document, "--url", URL, "--policy", "2.999.4")
    assert caught.value.code == "unacceptedPolicy"
    assert not document.with_name("document.txt.tst").exists()


@pytest.mark.parametrize("policy", ["abc", "", "3.1", "1.2.840." + "9" * 40, "2" + ".9" * 200])
def test_a_policy_that_is_no_object_identifier_is_told(document: Path, policy: str) -> None:
    with pytest.raises(Malformed, match="--policy: write an object identifier"):
        run("request", document, "--url", URL, "--policy", policy)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_the_calendar_is_told(document: Path, pki: Pki, moment: str) -> None:
    run("request", document, "--url", URL)
    token = document.with_name("document.txt.tst")
    with pytest.raises(Malformed, match="is no moment"):
        run("verify", document, token, "--trust", pki.root_file, "--at", moment)
    with pytest.raises(Malformed, match="is no moment"):
        run("issued", "--from", moment, "--to", "2026-05-05T00:00:00Z")


def test_a_changed_document_does_not_verify(document: Path, pki: Pki) -> None:
    run("request", document, "--url", URL)
    document.write_bytes(b"a changed document")
    with pytest.raises(Rejected, match="other data"):
        run("verify", document, document.with_name("document.txt.tst"), "--trust", pki.root_file)


def test_a_signer_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    tsa = ForeignAuthority()
    data, token, anchor = (tmp_path / one for one in ("data", "token", "anchor.pem"))
    data.write_bytes(DATA)
    token.write_bytes(tsa.token(certificate=tsa.certify(subject=tlv(SEQUENCE))))
    anchor.write_bytes(tsa.anchor.public_bytes(Encoding.PEM))
    assert f"Signed by the certificate {SERIAL:x}," in run("verify", data, token, "--trust", anchor)


def test_verification_at_another_time_and_with_further_certificates(
    document: Path, pki: Pki, certificate: Path
) -> None:
    run("request", document, "--url", URL, "--no-cert")
    token = document.with_name("document.txt.tst")
    known = ["--trust", pki.root_file, "--untrusted", certificate, "--untrusted", pki.chain_file]
    run("verify", document, token, *known)
    with pytest.raises(Rejected, match="was valid until"):
        run("verify", document, token, *known, "--at", (NOW + timedelta(days=900)).isoformat())
    with pytest.raises(Malformed, match="is no moment"):
        run("verify", document, token, *known, "--at", "yesterday")


def test_a_further_certificate_that_cannot_be_read_spoils_no_token(tmp_path: Path) -> None:
    tsa = ForeignAuthority()
    never = tlv(GENERALIZED_TIME, b"00000101000000Z")
    odd = x509.load_der_x509_certificate(tsa.certify(validity=(never, never)))
    data, token, anchor, further = (tmp_path / one for one in ("data", "token", "anchor.pem", "odd.pem"))
    data.write_bytes(DATA)
    anchor.write_bytes(tsa.anchor.public_bytes(Encoding.PEM))
    further.write_bytes(odd.public_bytes(Encoding.PEM))
    token.write_bytes(tsa.token())
    assert "Valid" in run("verify", data, token, "--trust", anchor, "--untrusted", further)
    token.write_bytes(tsa.token(certificates=[]))
    with pytest.raises(Rejected, match=f"at hand 1 cannot be read.* {SERIAL:x}"):
        run("verify", data, token, "--trust", anchor, "--untrusted", further)


@pytest.mark.parametrize("what", ["file", "token", "trust"])
def test_files_that_are_not_there_are_named(document: Path, pki: Pki, what: str) -> None:
    run("request", document, "--url", URL)
    token = document.with_name("document.txt.tst")
    absent = document.with_name(f"no-{what}")
    given = {"file": document, "token": token, "trust": pki.root_file} | {what: absent}
    with pytest.raises(Malformed, match=f"no-{what} cannot be read"):
        run("verify", given["file"], given["token"], "--trust", given["trust"])


def test_files_that_are_something_else_are_refused(document: Path) -> None:
    run("request", document, "--url", URL)
    token = document.with_name("document.txt.tst")
    with pytest.raises(Malformed, match="no certificates"):
        run("verify", document, token, "--trust", document)
    with pytest.raises(Malformed, match="DER"):
        run("inspect", document)
    with pytest.raises(Malformed, match="hash function"):
        run("request", document, "--url", URL, "--hash", "md5", "--out", document.with_name("new"))
    with pytest.raises(Rejected, match="cannot be written"):
        run("request", document, "--url", URL, "--out", document / "below-a-file")


@pytest.mark.parametrize("what", ["token", "trust", "untrusted"])
def test_a_file_without_an_end_is_not_read_to_its_end(document: Path, pki: Pki, what: str) -> None:
    run("request", document, "--url", URL)
    token = document.with_name("document.txt.tst")
    given = {"token": token, "trust": pki.root_file, "untrusted": pki.chain_file} | {what: Path("/dev/zero")}
    files = ["--trust", given["trust"], "--untrusted", given["untrusted"]]
    with pytest.raises(Malformed, match="more than 4194304 octets"):
        run("verify", document, given["token"], *files)


@pytest.mark.req("EN319421:OVR-7.13-05")
def test_the_tokens_of_a_period_are_listed(
    document: Path, sqlite: Database, settings_of: Callable[..., TimestampingSettings]
) -> None:
    for number in range(3):
        run("request", document, "--url", URL, "--out", document.with_name(f"{number}.tst"))

    class Wiring:
        timestamping_settings = settings_of()

        @contextmanager
        def open_database(self) -> Iterator[Database]:
            yield sqlite

    day = ["--from", "2026-05-04T00:00:00Z", "--to", "2026-05-05T00:00:00Z"]
    lines = run("issued", *day, wiring=Wiring()).splitlines()
    assert len(lines) == 3
    listed = [json.loads(line) for line in run("issued", *day, "--json", wiring=Wiring()).splitlines()]
    assert len({one["serial"] for one in listed}) == 3
    assert all(one["clock_mode"] == "enforce" for one in listed)
    assert len(run("issued", *day, "--unit", "tsu-1", wiring=Wiring()).splitlines()) == 3
    later = ["--from", "2026-05-06T00:00:00Z", "--to", "2026-05-07T00:00:00Z"]
    assert run("issued", *later, "--unit", "tsu-1", wiring=Wiring()) == "", "a unit without tokens then"
    with pytest.raises(Rejected, match=r"no time-stamping unit 'tsu-9'; there are: tsu-1\."):
        run("issued", *day, "--unit", "tsu-9", wiring=Wiring())
    for begin, end in (later[3::-2], (later[1], later[1])):
        with pytest.raises(Malformed, match="not before"):
            run("issued", "--from", begin, "--to", end, wiring=Wiring())


@pytest.mark.req("EN319421:OVR-7.13-05")
def test_the_tokens_of_a_unit_that_was_there_before_are_listed_still(
    document: Path, sqlite: Database, settings_of: Callable[..., TimestampingSettings]
) -> None:
    run("request", document, "--url", URL)

    class Wiring:
        timestamping_settings = settings_of(unit={"name": "tsu-2"})

        @contextmanager
        def open_database(self) -> Iterator[Database]:
            yield sqlite

    later = ["--from", "2026-05-06T00:00:00Z", "--to", "2026-05-07T00:00:00Z"]
    assert run("issued", *later, "--unit", "tsu-1", wiring=Wiring()) == ""


def test_a_large_file_is_read_piece_by_piece(
    document: Path, monkeypatch: pytest.MonkeyPatch, query: Callable[..., bytes]
) -> None:
    del query
    with document.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda _: pytest.fail("the whole file was read"))
    run("request", document, "--url", URL)


@pytest.mark.parametrize(
    ("statements", "qualified"),
    [
        (tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1), True),
        (tsp.qc_statements("2.999.1", tsp.ESI4_QTST_STATEMENT_1), True),
        (tsp.qc_statements("2.999.1"), False),
        # The octets of the statement, inside what another statement says.
        (tlv(SEQUENCE, tlv(SEQUENCE, oid("2.999.1"), tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1))), False),
        (b"\x05\x00" + tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1), False),
    ],
    ids=["alone", "second", "another", "inside-another", "not-der"],
)
@pytest.mark.req("EN319422:9.1-QUALIFIED")
def test_a_token_is_called_qualified_for_its_own_statement_alone(
    document: Path, *, statements: bytes, qualified: bool
) -> None:
    run("request", document, "--url", URL)
    view = wire.read_token(document.with_name("document.txt.tst").read_bytes())
    extension = tsp.Extension(oid=ObjectIdentifier(tsp.QC_STATEMENTS), critical=None, value=statements)
    info = view.tst_info
    changed = tsp.TstInfo(
        version=1,
        policy=info.policy,
        message_imprint=info.message_imprint,
        serial_number=info.serial_number,
        gen_time=info.gen_time,
        accuracy=info.accuracy,
        ordering=False,
        nonce=info.nonce,
        tsa=None,
        extensions=[extension],
    )
    assert as_dict(view._replace(tst_info=changed))["qualified"] is qualified
