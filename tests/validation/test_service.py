"""A file in, a report out: by the service, by the command, alone and for a folder."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from trustworks.core.errors import Malformed
from trustworks.formats.asic.creating import DataObject, Sign, prepare_extended
from trustworks.formats.data import Octets
from trustworks.validation import validate
from trustworks.validation.cli.validate import app
from trustworks.validation.given import extra_of, trust_of
from trustworks.validation.policies.policy import shipped
from trustworks.validation.service import Validator, policy_of

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = b"what is signed\n"


def certify(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
    )
    return key, built.sign(key, hashes.SHA256())


KEY, CERTIFICATE = certify("Signer TEST")


def signed(data: bytes = DATA, *, detached: bool = False) -> bytes:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(CERTIFICATE, KEY, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary]
    if detached:
        options.append(pkcs7.PKCS7Options.DetachedSignature)
    return builder.sign(Encoding.DER, options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "signer.pem").write_bytes(CERTIFICATE.public_bytes(Encoding.PEM))
    (tmp_path / "good.p7m").write_bytes(signed())
    (tmp_path / "apart.p7s").write_bytes(signed(detached=True))
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "changed").write_bytes(DATA + b"!")
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--offline"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.req("TS119441:VPR-8.1-04")
def test_three_lines_do_the_common_case(folder: Path) -> None:
    report = validate(folder / "good.p7m", trust=[folder / "signer.pem"], offline=True)
    assert [one.indication.value for one in report.outcome.signatures] == ["TOTAL-PASSED"]


def test_what_is_in_memory_is_validated_alike() -> None:
    report = Validator(policy=shipped()).validate(Octets(signed(), "a.p7m"))
    (found,) = report.plain()["signatures"]
    assert found["signer"] == "Signer TEST"
    assert found["cryptographically_valid"]


def shown(found: dict[str, Any]) -> dict[str, Any]:
    names = ("format", "indication", "sub_indication", "cryptographically_valid", "data_found", "data_intact")
    return {name: found[name] for name in names}


@pytest.mark.req("TS119441:SVR-8.4-01")
@pytest.mark.req("TS119441:SVR-8.4-04")
def test_json_has_the_same_names_whatever_the_verdict(folder: Path) -> None:
    code, out, _ = run(folder / "good.p7m", "--trust", folder / "signer.pem", "--json")
    passed = json.loads(out)
    assert code == 0
    assert shown(passed["signatures"][0]) == {
        "format": "CAdES",
        "indication": "TOTAL-PASSED",
        "sub_indication": None,
        "cryptographically_valid": True,
        "data_found": True,
        "data_intact": True,
    }
    code, out, _ = run(folder / "good.p7m", "--json")
    untrusted = json.loads(out)
    assert code == 2
    assert shown(untrusted["signatures"][0]) == shown(passed["signatures"][0]) | {
        "indication": "INDETERMINATE",
        "sub_indication": "NO_CERTIFICATE_CHAIN_FOUND",
    }
    assert untrusted.keys() == passed.keys() >= {"signatures", "timestamps", "evidence_records"}
    assert untrusted["signatures"][0].keys() == passed["signatures"][0].keys()
    assert {"id", "level", "signer", "signing_time", "best_signature_time", "timestamps", "scopes"} <= passed[
        "signatures"
    ][0].keys()


def test_detached_data_is_given_beside_the_signature(folder: Path) -> None:
    trust = ("--trust", folder / "signer.pem")
    assert run(folder / "apart.p7s", *trust, "--detached", folder / "data")[0] == 0
    code, out, _ = run(folder / "apart.p7s", *trust, "--detached", folder / "changed")
    assert (code, "HASH_FAILURE" in out) == (1, True)
    code, out, _ = run(folder / "apart.p7s", *trust)
    assert (code, "SIGNED_DATA_NOT_FOUND" in out) == (2, True)


def test_an_explanation_says_what_decided_and_what_would_help(folder: Path) -> None:
    _, out, _ = run(folder / "good.p7m", "--explain")
    assert "Signer TEST (as the certificate says): INDETERMINATE, NO_CERTIFICATE_CHAIN_FOUND" in out
    assert "Decided by xcv." in out
    assert "--trust" in out
    _, out, _ = run(folder / "apart.p7s", "--explain", "--detached", folder / "changed")
    assert "Get the data exactly as it was signed" in out
    code, out, _ = run(folder / "good.p7m", "--explain", "--trust", folder / "signer.pem")
    assert (code, "TOTAL-PASSED" in out, "What would change it" in out) == (0, True, False)


def test_a_file_that_is_not_signed_is_not_readable(folder: Path) -> None:
    code, out, err = run(folder / "data")
    assert (code, out) == (3, "")
    assert "no signed file of a format that is known" in err
    code, out, _ = run(folder / "data", "--json")
    found = json.loads(out)
    assert (code, found["signatures"]) == (3, [])
    assert found["error"]
    assert run(folder / "missing")[0] == 3


def test_a_folder_is_validated_file_by_file(folder: Path) -> None:
    (folder / "signed").mkdir()
    (folder / "signed" / "a.p7m").write_bytes(signed())
    (folder / "signed" / "b.p7m").write_bytes(signed(b"another"))
    code, out, _ = run(folder / "signed", "--trust", folder / "signer.pem")
    assert (code, out) == (0, "a.p7m: TOTAL-PASSED\nb.p7m: TOTAL-PASSED\n")
    (folder / "signed" / "c.txt").write_bytes(b"text")
    (folder / "signed" / "d.p7s").write_bytes(signed(detached=True))
    with_one_open = run(folder / "signed", "--trust", folder / "signer.pem")
    assert with_one_open[0] == 2, "what is not signed hides no verdict"
    (folder / "signed" / "d.p7s").unlink()
    code, out, _ = run(folder / "signed", "--trust", folder / "signer.pem", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [(one["file"], len(one["signatures"])) for one in lines] == [
        ("a.p7m", 1),
        ("b.p7m", 1),
        ("c.txt", 0),
    ]


def test_the_time_of_validation_can_be_another(folder: Path) -> None:
    later = f"{NOW + timedelta(days=60):%Y-%m-%dT%H:%M:%SZ}"
    _, out, _ = run(folder / "good.p7m", "--trust", folder / "signer.pem", "--at", later, "--json")
    found = json.loads(out)
    assert found["validation_time"] == later
    assert found["signatures"][0]["best_signature_time"] == later


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"text", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "cannot be decoded"),
    ],
)
def test_what_is_no_certificate_is_no_trust_anchor(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "anchor").write_bytes(content)
    with pytest.raises(Malformed, match=said):
        trust_of([tmp_path])
    with pytest.raises(Malformed, match="neither certificate" if content == b"text" else said):
        extra_of([tmp_path / "anchor"])


def test_a_policy_is_shipped_or_a_file(tmp_path: Path) -> None:
    assert policy_of("qualified") is shipped("qualified")
    with pytest.raises(Malformed, match="There is no validation policy none"):
        policy_of("none")
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nidentifier = "urn:example:own"\nbased-on = "ades"\n', encoding="utf-8")
    assert policy_of(str(own)).identifier == "urn:example:own"


def test_a_policy_of_eu_dss_is_read(tmp_path: Path) -> None:
    policy = tmp_path / "constraint.xml"
    policy.write_text(
        '<ConstraintsParameters Name="of others" xmlns="http://dss.esig.europa.eu/validation/policy">'
        "<SignatureConstraints/></ConstraintsParameters>",
        encoding="utf-8",
    )
    assert policy_of(str(policy)).name == "of others"


def test_a_file_called_like_a_shipped_policy_is_not_that_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ades").write_text('name = "none"\nidentifier = "urn:example:none"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert policy_of("ades") is shipped("ades")


def test_a_signature_that_passed_has_no_reasons(folder: Path) -> None:
    report = validate(folder / "good.p7m", trust=[folder / "signer.pem"], offline=True)
    assert report.plain()["signatures"][0]["reasons"] == []
    assert "because" not in report.text()


def test_a_signer_whose_certificate_came_from_outside_is_named(folder: Path) -> None:
    builder = pkcs7.PKCS7SignatureBuilder().set_data(DATA).add_signer(CERTIFICATE, KEY, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCerts]
    (folder / "bare.p7m").write_bytes(builder.sign(Encoding.DER, options))
    anchor = [folder / "signer.pem"]
    report = validate(folder / "bare.p7m", trust=anchor, untrusted=anchor, offline=True)
    assert report.plain()["signatures"][0]["signer"] == "Signer TEST"
    assert "Signer TEST" in report.explained()


def test_the_report_of_etsi_is_about_signatures(folder: Path) -> None:
    code, out, _ = run(folder / "good.p7m", "--etsi", "--trust", folder / "signer.pem")
    assert code == 0
    assert "urn:etsi:019102:mainindication:total-passed" in out


@pytest.mark.req("EN319102-1:5.2.7.4-1")
@pytest.mark.parametrize("gone", ["a.txt", "b.txt"])
def test_a_container_from_which_a_signed_file_was_taken_is_not_whole(gone: str, tmp_path: Path) -> None:
    key, certificate = certify("Signer")
    objects = [DataObject(name=name, data=Octets(name.encode(), name)) for name in ("a.txt", "b.txt")]
    prepared = prepare_extended(objects, Sign.CADES)
    (manifest,) = prepared.covered(objects)
    signed = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(manifest.octets())
        .add_signer(certificate, key, hashes.SHA256())
        .sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    )
    whole = prepared.complete(signed, objects).octets()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(fewer := io.BytesIO(), "w") as new:
        for one in old.infolist():
            if one.filename != gone:
                new.writestr(one, old.read(one))
    anchor = tmp_path / "signer.pem"
    anchor.write_bytes(certificate.public_bytes(Encoding.PEM))
    trust = trust_of([anchor])
    verdicts = {}
    for octets in (whole, fewer.getvalue()):
        (found,) = validate(Octets(octets), trust=trust, policy="ades", offline=True).plain()["signatures"]
        verdicts[found["sub_indication"]] = (found["indication"], found["data_found"], found["data_intact"])
    assert verdicts["SIGNED_DATA_NOT_FOUND"] == ("INDETERMINATE", False, False)
    assert len(verdicts) == 2
