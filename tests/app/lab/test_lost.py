"""What is lost from a laboratory is made again, or named where it cannot be.

What its owner put there stays.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import stat
from typing import TYPE_CHECKING

import forked_program
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from laboratory import Lab, openssl

from trustworks.app.certificates import read
from trustworks.app.lab.layout import Layout
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module import find_library
from trustworks.core.module.pin import check_pin
from trustworks.core.module.softhsm import LABEL, attributes
from trustworks.core.pki.trusted_lists.store import STATE

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from cryptography import x509

COMPLETE = "is complete."
KEYS = {"tsu": "tsu-1", "services": "ocsp", "audit": "audit"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    try:
        find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    one = Lab(tmp_path_factory.mktemp("made") / "lab")
    one.set_up()
    return one


@pytest.fixture
def lab(made: Lab, tmp_path: Path) -> Lab:
    """A copy that was set up, in its own folder, so that its first start has nothing to tell."""
    folder = tmp_path / "lab"
    shutil.copytree(made.folder, folder)
    put(folder / "softhsm2.conf", f"directories.tokendir = {folder / 'tokens'}\n")
    return Lab(folder, port=made.port, tls_port=made.tls_port)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NO-DEFAULT-CREDENTIALS")
def test_a_fresh_laboratory_has_no_credential_that_anybody_knows(made: Lab) -> None:
    """What is made first is as strong as what a provider must have, differs, and is the owner's alone."""
    secrets = [file for file in (made.folder / "secrets").iterdir() if file.is_file()]
    pins = [file.read_bytes().strip() for file in secrets if file.suffix in {".pin", ".so-pin"}]
    assert len(pins) >= 8
    assert len(set(pins)) == len(pins)
    for pin in pins:
        check_pin(pin, whose="a laboratory's token", lab=False)
    assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in secrets} == {0}
    enrolled = made.run("roles", "operator", "list", "--json")
    assert json.loads(enrolled.stdout) == []


def token(lab: Lab, label: str) -> Path:
    """The folder of the one token with this label."""
    (found,) = (
        file.parent
        for file in Layout(lab.folder).tokens.glob("*/token.object")
        if attributes(file.read_bytes())[LABEL] == label.encode().ljust(32)
    )
    return found


def destroy(lab: Lab, name: str, label: str) -> None:
    lab.run(
        "module", "destroy-key", "--token", name, "--label", label, "--reason", "test", "--confirm", label
    )


def lose(lab: Lab, name: str) -> None:
    """An authority's key is gone, and nothing that the laboratory keeps says by whom."""
    uri = f"pkcs11:token={name}?pin-source=file:{lab.folder}/secrets/{name}.pin"
    what = ("--label", name, "--reason", "test", "--confirm", name)
    alone = ("module", "destroy-key", "--uri", uri, "--lab", "--without-configuration")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(lab.folder / "softhsm2.conf"))
        done = forked_program.run(*alone, *what, cwd=lab.folder / "state")
        assert done.returncode == 0, done.stderr


def spki(certificate: x509.Certificate) -> str:
    octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).hexdigest()


def assert_well(lab: Lab) -> None:
    """All keys of services are their certificates' keys, the log is whole, and nothing is missing."""
    for name, label in KEYS.items():
        listed = lab.run("module", "keys", "--token", name, "--json").stdout
        assert spki(read(Layout(lab.folder).certificate(label))) in listed
        assert '"trustworks-probe"' in listed
    lab.run("audit", "verify")
    assert COMPLETE in lab.try_set_up().stdout


def test_a_whole_laboratory_is_complete(lab: Lab) -> None:
    assert COMPLETE in lab.try_set_up().stdout


@pytest.mark.parametrize("name", KEYS)
def test_a_lost_token_of_a_service_is_made_with_its_keys(lab: Lab, name: str) -> None:
    layout = Layout(lab.folder)
    before = read(layout.certificate(KEYS[name]))
    shutil.rmtree(token(lab, name))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert spki(read(layout.certificate(KEYS[name]))) != spki(before)
    assert read(layout.certificate(f"{KEYS[name]}-1")) == before
    assert f"The key {KEYS[name]} of the token {name} was gone" in found.stdout
    assert ("The key registration of the token services was gone" in found.stdout) == (name == "services")
    assert f"is kept in {layout.certificate(f'{KEYS[name]}-1')}" in found.stdout
    assert_well(lab)


def test_tokens_whose_labels_the_configuration_changed_are_made(lab: Lab) -> None:
    text = lab.config.read_text(encoding="utf-8")
    put(lab.config, text.replace("pkcs11:token=audit?", "pkcs11:token=other?"))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert token(lab, "other") != token(lab, "audit")
    assert_well(lab)


def test_a_lost_key_of_a_service_is_made(lab: Lab) -> None:
    destroy(lab, "services", "ocsp")
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert_well(lab)


def test_a_lost_probe_key_is_made(lab: Lab) -> None:
    for name in ("issuing", "tsu"):
        destroy(lab, name, "trustworks-probe")
    assert lab.try_set_up().returncode == 0
    assert '"trustworks-probe"' in lab.run("module", "keys", "--token", "issuing", "--json").stdout
    assert_well(lab)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ["root", "issuing"])
def test_a_lost_key_of_an_authority_is_told_and_nothing_is_made(lab: Lab, name: str, whole: bool) -> None:
    if whole:
        shutil.rmtree(token(lab, name))
    else:
        lose(lab, name)
    shutil.rmtree(token(lab, "tsu"))
    tokens = sorted(Layout(lab.folder).tokens.iterdir())
    for _ in range(2):
        refused = lab.try_set_up()
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert f"The key of the {name} CA is gone from" in said
        assert "Put" in said
        assert "backup" in said
        assert sorted(Layout(lab.folder).tokens.iterdir()) == tokens


def test_another_key_in_an_authoritys_place_is_told(lab: Lab) -> None:
    lose(lab, "issuing")
    lab.run("module", "generate-key", "--token", "issuing", "--label", "issuing")
    refused = lab.try_set_up()
    assert refused.returncode == 1
    assert "The key of the issuing CA is gone from" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("gone", ["state/trustworks.sqlite*", "state"])
def test_a_lost_database_is_told_and_nothing_is_made(lab: Lab, gone: str) -> None:
    for path in lab.folder.glob(gone):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for _ in range(2):
        refused = lab.try_set_up()
        assert refused.returncode == 1
        said = " ".join(refused.stderr.split())
        assert re.search("The records of this laboratory are gone from .*trustworks.sqlite", said)
        assert "backup" in said


@pytest.mark.parametrize(
    "name",
    [
        *(f"certs/{name}.pem" for name in ("issuing", "tsu-1", "ocsp", "cmp", "audit", "tls")),
        *(f"trust/{name}.pem" for name in ("root", "issuing", "chain")),
    ],
)
def test_a_lost_certificate_is_written_down_again(lab: Lab, name: str) -> None:
    file = lab.folder / name
    before = file.read_bytes()
    file.unlink()
    assert COMPLETE not in lab.try_set_up().stdout
    assert file.read_bytes() == before
    assert COMPLETE in lab.try_set_up().stdout


def test_what_is_no_certificate_in_the_place_of_the_authoritys_is_kept(lab: Lab) -> None:
    layout = Layout(lab.folder)
    file, before = layout.certificate("issuing"), layout.certificate("issuing").read_bytes()
    file.write_bytes(b"a note of its owner")
    layout.complete.unlink()
    assert f"is kept in {layout.certificate('issuing-1')}" in lab.try_set_up().stdout
    assert layout.certificate("issuing-1").read_bytes() == b"a note of its owner"
    assert file.read_bytes() == before


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_lost_key_of_https_gets_its_own_certificate(lab: Lab, made: Lab, interrupted: bool) -> None:
    layout = Layout(lab.folder)
    layout.tls_key.unlink()
    assert lab.try_set_up().returncode == 0
    if interrupted:  # after the key was written, and before the certificate was
        shutil.copy(Layout(made.folder).certificate("tls"), layout.certificate("tls"))
        assert COMPLETE not in lab.try_set_up().stdout
    key = load_pem_private_key(layout.tls_key.read_bytes(), None)
    assert read(layout.certificate("tls")).public_key() == key.public_key()
    assert_well(lab)


@pytest.mark.parametrize("content", [b"", bytes(200)])
@pytest.mark.parametrize("name", ["services", "issuing"])
def test_a_damaged_key_is_as_good_as_lost(lab: Lab, name: str, content: bytes) -> None:
    for file in token(lab, name).glob("*.object"):
        if file.name != "token.object":
            file.write_bytes(content)
    found = lab.try_set_up()
    if name == "issuing":
        assert "The key of the issuing CA is gone from" in " ".join(found.stderr.split())
    else:
        assert found.returncode == 0, found.stderr
        assert_well(lab)


def test_a_damaged_token_is_put_back_from_its_copy(lab: Lab) -> None:
    file = token(lab, "tsu") / "token.object"
    file.write_bytes(b"garbage" * 20)
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert COMPLETE not in found.stdout
    assert attributes(file.read_bytes())[LABEL] == b"tsu".ljust(32)
    assert_well(lab)


def test_a_mark_of_completeness_that_is_no_text_counts_for_nothing(lab: Lab) -> None:
    Layout(lab.folder).complete.write_bytes(b"\xff\xfe")
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert COMPLETE not in found.stdout
    assert_well(lab)


# What the operator's guide tells its owner to do.


def take_into_use(lab: Lab, name: str, label: str, profile: str, file: str) -> None:
    """A new key and its certificate by the laboratory's authority, in certs/ under the name `file`."""
    lab.run("module", "generate-key", "--token", name, "--label", label)
    lab.run("module", "request", "--token", name, "--label", label, "--out", "own.csr")
    issue = ("certificate", "issue", "--profile", profile, "--csr", "own.csr", "--subject", "CN=TEST own")
    lab.run(*issue, "--out", str(Layout(lab.folder).certificate(file)), "--replace")


def put_settings(lab: Lab, table: str, **settings: str) -> None:
    """Let a table of the configuration have these values alone in the place of what it says of them."""
    text = lab.config.read_text(encoding="utf-8")
    before, head, rest = text.partition(f"\n[{table}]\n")
    own, blank, after = rest.partition("\n\n")
    names = {name.replace("_", "-"): value for name, value in settings.items()}
    kept = [line for line in own.splitlines() if line.partition(" = ")[0] not in names]
    lines = [*kept, *(f'{name} = "{value}"' for name, value in names.items())]
    put(lab.config, before + head + "\n".join(lines) + blank + after)


def certificates(lab: Lab) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Layout(lab.folder).certificates.iterdir()}


@pytest.mark.parametrize("file", ["ocsp", "ocsp-2"])
def test_an_ocsp_signer_of_its_owner_stays(lab: Lab, file: str) -> None:
    take_into_use(lab, "services", "ocsp-2", "ocsp-signer", file)
    put_settings(lab, "issuance.ocsp", key="ocsp-2", certificate=f"certs/{file}.pem")
    before = certificates(lab)
    for _ in range(2):  # after a restart the guide destroys the old key
        found = lab.try_set_up()
        assert found.returncode == 0, found.stderr
        assert "gone" not in found.stdout
        assert certificates(lab) == before
        if '"ocsp"' in lab.run("module", "keys", "--token", "services", "--json").stdout:
            destroy(lab, "services", "ocsp")
    assert '"ocsp"' not in lab.run("module", "keys", "--token", "services", "--json").stdout
    assert COMPLETE in lab.try_set_up().stdout


def test_a_lost_token_for_a_key_of_its_owner_gets_its_probe_key_alone(lab: Lab) -> None:
    put_settings(lab, "issuance.ocsp", key="ocsp-2")
    before = certificates(lab)
    shutil.rmtree(token(lab, "services"))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    after = certificates(lab)
    for name in (
        "cmp",
        "list-signer",
        "report-seal",
        "seal",
    ):  # whose keys were the laboratory's, and are made anew
        assert after.pop(f"{name}-1.pem") == before.pop(f"{name}.pem")
        assert after.pop(f"{name}.pem") is not None
    assert after == before
    keys = lab.run("module", "keys", "--token", "services", "--json").stdout
    assert '"trustworks-probe"' in keys
    assert '"ocsp"' not in keys


def test_https_certificate_and_key_of_its_owner_stay(lab: Lab) -> None:
    own = Layout(lab.folder).certificate("tls")
    command = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    )
    openssl(*command, "-days", 2, "-keyout", lab.folder / "own.key", "-out", own)
    put_settings(lab, "http", tls_key="own.key")
    before = certificates(lab)
    Layout(lab.folder).complete.unlink()  # as by any new key on any token
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert certificates(lab) == before
    assert COMPLETE in lab.try_set_up().stdout


def test_a_certificate_of_another_key_is_kept_and_no_key_is_said_to_be_gone(lab: Lab) -> None:
    layout = Layout(lab.folder)
    take_into_use(lab, "services", "ocsp-2", "ocsp-signer", "ocsp")  # and the configuration names `ocsp`
    own = read(layout.certificate("ocsp"))
    found = lab.try_set_up()
    assert found.returncode == 0, found.stderr
    assert "gone" not in found.stdout
    assert f"is kept in {layout.certificate('ocsp-1')}" in found.stdout
    assert read(layout.certificate("ocsp-1")) == own
    assert_well(lab)


def run_shown(lab: Lab, what: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run the command on this laboratory that a text shows at the end of a line, from these words on."""
    (line,) = {line for line in text.splitlines() if what in line}
    return lab.run(*shlex.split(line[line.index(what) :]), check=False)


def test_an_audit_signer_of_its_owner_stays_and_the_log_verifies(lab: Lab) -> None:
    lab.start()
    assert lab.stop() == 0
    take_into_use(lab, "audit", "audit-2", "audit-signer", "audit-2")
    put_settings(lab, "audit", key="audit-2", certificate="certs/audit-2.pem")
    destroy(lab, "audit", "audit")
    before = certificates(lab)
    lab.start()
    assert lab.stop() == 0
    assert "gone" not in lab.output
    assert certificates(lab) == before
    assert lab.run("audit", "verify", check=False).returncode == 1
    verified = run_shown(lab, "audit verify", lab.output)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_lost_audit_token_leaves_the_log_verifiable_as_shown(lab: Lab) -> None:
    lab.start()
    assert lab.stop() == 0
    assert COMPLETE in lab.try_set_up().stdout, "its processes have logged in to the tokens"
    shutil.rmtree(token(lab, "audit"))
    noted = lab.try_set_up().stdout
    lab.start()
    assert lab.stop() == 0
    for text in (noted, lab.output):
        verified = run_shown(lab, "audit verify", text)
        assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_lost_token_of_the_client_is_replaced_and_one_of_its_owners_is_left(lab: Lab) -> None:
    layout = Layout(lab.folder)
    kept, text = layout.client_token.read_text("utf-8"), lab.config.read_text("utf-8")
    assert kept.strip() not in text
    layout.client_token.unlink()
    told = " ".join(lab.try_set_up().stdout.split())
    assert "The token of the client lab was gone" in told
    assert COMPLETE in told
    other = layout.client_token.read_text("utf-8")
    assert other != kept
    assert other.strip() not in told
    assert stat.S_IMODE(layout.client_token.stat().st_mode) == 0o600
    was, now = (hashlib.sha256(one.strip().encode()).hexdigest() for one in (kept, other))
    changed = lab.config.read_text("utf-8")
    assert changed == text.replace(was, now)

    put(lab.config, changed.replace('name = "lab"\n', 'name = "shop"\n'))
    layout.client_token.unlink()
    assert "token" not in lab.try_set_up().stdout
    assert not layout.client_token.exists()


def test_a_laboratory_of_an_earlier_version_is_as_complete_as_it_was(lab: Lab) -> None:
    """One that has neither seals nor lists of its own to believe; its owner may add them."""
    text = lab.config.read_text("utf-8")
    older = re.sub(
        r"(?ms)^\[validation\.lists\].*?(?=^\[validation\.fetch\])|^\[signing\].*?(?=^\[http\])", "", text
    )
    assert "signing" not in older
    assert "lotl.xml" not in older
    put(lab.config, older)
    layout = Layout(lab.folder)
    for file in (layout.client_token, layout.certificate("seal")):
        file.unlink()
    shutil.rmtree(layout.state / "trusted-lists")
    told = lab.try_set_up()
    assert COMPLETE in told.stdout, told.stderr
    assert lab.config.read_text("utf-8") == older
    layout.complete.unlink()
    assert lab.try_set_up().returncode == 0
    assert not layout.client_token.exists()
    assert not layout.certificate("seal").exists()
    assert "is in order" in lab.run("config", "check").stdout

    put(lab.config, text)
    assert lab.try_set_up().returncode == 0
    assert layout.certificate("seal").is_file()
    assert layout.client_token.is_file()
    assert (layout.state / "trusted-lists" / STATE).is_file()
