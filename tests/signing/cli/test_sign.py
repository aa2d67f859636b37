"""`trustworks sign` and `trustworks augment`, with a key in a token of one's own and no configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from signing_forms import asked
from signing_house import NOW, TEXT, XML, house, pdf
from typer.testing import CliRunner

from trustworks.app.wiring import Wiring
from trustworks.core.errors import Malformed, Rejected, TrustworksError, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.pki.certificate import Certificate
from trustworks.formats.data import Octets
from trustworks.formats.read import read
from trustworks.signing.cli.augment import app as augment
from trustworks.signing.cli.sign import app as sign
from trustworks.signing.cli.signing import Hand, sign_one
from trustworks.signing.create.process import Creation
from trustworks.signing.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.audit import Event
    from trustworks.core.module import Key, Pkcs11Uri


@pytest.fixture(scope="module")
def key(softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The URI of a key, and the files of its certificate and of another one."""
    token, folder = make_token(), tmp_path_factory.mktemp("signer")
    with Module.open(token, library=softhsm, read_write=True, lab=True) as module:
        made = module.generate_key_pair(label="mine", algorithm=KeyAlgorithm.P256)
        certificate = house().issued(made.public_key).public_bytes(Encoding.PEM)
        (folder / "signer.pem").write_bytes(certificate + house().root.certificate.public_bytes(Encoding.PEM))
    other = x509.load_der_x509_certificate(house().person().certificate)
    (folder / "other.pem").write_bytes(other.public_bytes(Encoding.PEM))
    return str(token).replace("?", ";object=mine?"), folder / "signer.pem", folder / "other.pem"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents, and without any configuration."""
    monkeypatch.delenv("TRUSTWORKS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pdf").write_bytes(pdf().octets())
    (tmp_path / "a.xml").write_bytes(XML)
    (tmp_path / "a.txt").write_bytes(TEXT)
    return tmp_path


def run(app: Any, *arguments: object) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], obj=Wiring.lazy(None))
    if isinstance(done.exception, TrustworksError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def by(key: Any) -> list[object]:
    return ["--key", key[0], "--certificate", key[1]]


@pytest.mark.parametrize(
    ("name", "signed", "level"),
    [
        ("a.pdf", "a.signed.pdf", "PAdES-BASELINE-B"),
        ("a.xml", "a.signed.xml", "XAdES-BASELINE-B"),
        ("a.txt", "a.signed.p7m", "CAdES-BASELINE-B"),
    ],
)
def test_a_document_is_signed_by_what_it_is(
    key: Any, folder: Path, name: str, signed: str, level: str
) -> None:
    assert run(sign, name, *by(key)) == f"{signed}: {level}, verified.\n"
    (one,) = read(Octets((folder / signed).read_bytes())).signatures
    assert one.level == level


def test_more_than_is_held_is_signed_by_its_digest(key: Any, folder: Path) -> None:
    (folder / "a.bin").write_bytes(TEXT * 10_000)
    options = ["--format", "jades", "--packaging", "detached", "--mechanism", "none"]
    run(sign, "a.bin", *by(key), *options)
    data = Octets((folder / "a.bin").read_bytes(), "a.bin")
    (one,) = read(Octets((folder / "a.signed.json").read_bytes()), detached=[data]).signatures
    assert one.level == "JAdES-BASELINE-B"
    assert all(each.intact for each in one.references)


def test_what_is_held_by_its_digest_has_no_octets_to_write(key: Any, folder: Path) -> None:
    (folder / "a.bin").write_bytes(TEXT * 10_000)
    options = ["--format", "jades", "--packaging", "detached", "--mechanism", "none"]
    with pytest.raises(Rejected, match="sign the digest that is told") as caught:
        run(sign, "a.bin", "--certificate", key[1], *options, "--prepare", "state", "--dtbs", "octets")
    assert caught.value.code == "signature.digest"
    assert not (folder / "state").exists()
    run(sign, "a.bin", "--certificate", key[1], *options, "--prepare", "state")


def test_documents_go_into_a_container(key: Any, folder: Path) -> None:
    options = ["--format", "xades", "--container", "asic-e", "--json"]
    told = json.loads(run(sign, "a.txt", "a.pdf", *by(key), *options))
    assert told == {"file": "a.signed.asice", "level": "XAdES-BASELINE-B"}
    found = read(Octets((folder / "a.signed.asice").read_bytes()))
    assert {one.name for one in found.data.values()} == {"a.txt", "a.pdf"}


def test_what_is_there_is_not_overwritten(key: Any, folder: Path) -> None:
    (folder / "out.pdf").write_bytes(b"precious")
    with pytest.raises(Rejected) as caught:
        run(sign, "a.pdf", *by(key), "--out", "out.pdf")
    assert caught.value.code == "output.exists"
    assert (folder / "out.pdf").read_bytes() == b"precious"
    run(sign, "a.pdf", *by(key), "--out", "out.pdf", "--replace")


def test_a_certificate_of_another_key_is_refused_and_nothing_is_written(key: Any, folder: Path) -> None:
    before = set(folder.iterdir())
    with pytest.raises(Rejected) as caught:
        run(sign, "a.pdf", "--key", key[0], "--certificate", key[2])
    assert caught.value.code == "signer.key"
    assert set(folder.iterdir()) == before


def test_a_level_that_cannot_be_reached_is_refused_and_nothing_is_written(key: Any, folder: Path) -> None:
    before = set(folder.iterdir())
    with pytest.raises(Rejected, match="no time-stamping authority"):
        run(sign, "a.pdf", *by(key), "--level", "B-T")
    with pytest.raises(Rejected, match="no time-stamping authority"):
        run(sign, "a.txt", *by(key), "--level", "B-LTA")
    assert set(folder.iterdir()) == before


def test_the_key_signs_nothing_whose_level_cannot_be_reached(
    key: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def used(*_: object, **__: object) -> bytes:
        raise AssertionError("the key signed")

    monkeypatch.setattr("trustworks.core.module.Key.sign", used)
    with pytest.raises(Rejected) as caught:
        run(sign, folder / "a.txt", *by(key), "--level", "B-T")
    assert caught.value.code == "signing.no-stamper"


def test_a_key_elsewhere_signs_between_two_commands(key: Any, folder: Path) -> None:
    person = house().person()
    prepared = ["--prepare", "state.json", "--dtbs", "to-be-signed"]
    told = json.loads(run(sign, "a.pdf", "--certificate", key[2], *prepared, "--json"))
    octets = (folder / "to-be-signed").read_bytes()
    assert told["scheme"] == "ECDSA_SHA256"
    assert told["digest"] == Octets(octets).digest("sha256").hex()
    (folder / "value").write_bytes(person.sign(octets))
    completed = ["--complete", "state.json", "--value", "value", "--out", "done.pdf"]
    assert run(sign, "a.pdf", *completed) == "done.pdf: PAdES-BASELINE-B, verified.\n"
    (folder / "value").write_bytes(person.sign(b"something else"))
    with pytest.raises(Rejected) as caught:
        run(sign, "a.pdf", *completed[:-1], "again.pdf")
    assert caught.value.code == "signature.own"
    assert not (folder / "again.pdf").exists()


def test_a_folder_is_signed_file_by_file(key: Any, folder: Path) -> None:
    many = folder / "many"
    many.mkdir()
    for name in ("a.pdf", "a.xml"):
        (many / name).write_bytes((folder / name).read_bytes())
    (many / "bad.pdf").write_bytes(b"no PDF at all")
    done = CliRunner().invoke(
        sign, [str(one) for one in (many, *by(key), "--batch", "--out", "signed")], obj=Wiring.lazy(None)
    )
    assert done.exit_code == 1
    assert done.stdout.endswith("2 of 3 files are signed.\n")
    assert "bad.pdf: not signed." in done.stderr
    assert {one.name for one in (folder / "signed").iterdir()} == {"a.signed.pdf", "a.signed.xml"}


def test_files_of_a_folder_that_differ_in_their_suffix_alone_stay_two(key: Any, folder: Path) -> None:
    many = folder / "many"
    many.mkdir()
    for name in ("a.txt", "a.doc", "a.pdf"):
        (many / name).write_bytes((folder / "a.pdf").read_bytes())
    run(sign, many, *by(key), "--batch", "--out", "signed", "--replace")
    names = {one.name for one in (folder / "signed").iterdir()}
    assert names == {"a.txt.signed.p7m", "a.doc.signed.p7m", "a.signed.pdf"}


def test_files_of_a_folder_that_would_get_one_name_are_refused_before_any_is_signed(
    key: Any, folder: Path
) -> None:
    many = folder / "many"
    many.mkdir()
    for name in ("a.txt", "a.txt.p7m"):
        (many / name).write_bytes(TEXT)
    with pytest.raises(Malformed, match=r"a.txt and a.txt.p7m would both become a.txt.signed.p7m. Rename"):
        run(sign, many, *by(key), "--batch", "--out", "signed", "--replace")
    assert not (folder / "signed").exists()


def test_a_folder_is_not_signed_into_itself(key: Any, folder: Path) -> None:
    before = set(folder.iterdir())
    (folder.parent / f"{folder.name}-link").symlink_to(folder)
    for out in (folder, folder.parent / f"{folder.name}-link"):
        with pytest.raises(Malformed, match="another folder"):
            run(sign, folder, *by(key), "--batch", "--out", out)
    assert set(folder.iterdir()) == before


def test_each_file_of_a_folder_says_its_own_time(
    key: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = folder / "many"
    many.mkdir()
    for number in range(3):
        (many / f"{number}.txt").write_bytes(TEXT)

    class Late(datetime):
        """A clock that is four minutes later each time."""

        asked = 0

        @classmethod
        def now(cls, tz: Any = None) -> Late:
            cls.asked += 1
            late = datetime.now(tz) + timedelta(minutes=4 * cls.asked)
            return cls.fromtimestamp(late.timestamp(), tz)

    monkeypatch.setattr("trustworks.app.wiring.creating.datetime", Late)
    assert run(sign, many, *by(key), "--batch", "--out", "signed").endswith("3 of 3 files are signed.\n")
    times = {
        read(Octets(one.read_bytes())).signatures[0].attributes.signing_time
        for one in (folder / "signed").iterdir()
    }
    assert len(times) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--policy-file", "a.txt"], "go with --policy"),
        (["--policy", "1.2.3"], "give --policy-file"),
        (["--policy", "1.2.3", "--policy-file", "none"], "cannot be read"),
        (["--place", "Lisboa"], "NAME=VALUE"),
        (["--parallel", "--counter-sign", "only"], "not both"),
        (["--batch"], "one folder"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    key: Any, folder: Path, options: list[str], words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        run(sign, folder / "a.pdf", *by(key), *options)


def test_a_scheme_that_is_none_is_told_with_those_of_the_key(key: Any, folder: Path) -> None:
    del folder
    for way in (by(key), [*by(key)[2:], "--prepare", "state.json"]):
        with pytest.raises(
            Rejected, match=r"'FOO' is no scheme of the key.*ECDSA_SHA256, ECDSA_SHA384"
        ) as caught:
            run(sign, "a.txt", *way, "--scheme", "FOO")
        assert caught.value.code == "signature.scheme"


def test_a_key_that_is_named_in_no_way_is_told(key: Any, folder: Path) -> None:
    del folder
    with pytest.raises(Malformed, match="names no key"):
        run(sign, "a.pdf", "--key", "seal", "--certificate", key[1])
    with pytest.raises(Malformed, match="Give --key"):
        run(sign, "a.pdf", "--certificate", key[1])
    with pytest.raises(Malformed, match="Give --certificate"):
        run(sign, "a.pdf", "--key", key[0])
    with pytest.raises(Malformed, match="cannot be read"):
        run(sign, "none.pdf", *by(key))


def test_signatures_are_countersigned_and_added(key: Any, folder: Path) -> None:
    run(sign, "a.txt", *by(key), "--out", "one.p7m")
    run(sign, "one.p7m", *by(key), "--parallel", "--out", "two.p7m")
    run(sign, "one.p7m", *by(key), "--counter-sign", "only", "--out", "counter.p7m")
    assert len(read(Octets((folder / "two.p7m").read_bytes())).signatures) == 2
    run(sign, "a.txt", *by(key), "--packaging", "detached", "--out", "beside.p7s")
    assert run(sign, "beside.p7s", "a.txt", *by(key), "--parallel").startswith("beside.signed.p7s: ")
    found = read(Octets((folder / "counter.p7m").read_bytes())).signatures
    assert [one.parent for one in found] in ([None, found[0].id], [found[1].id, None])


def test_what_the_signer_says_is_in_the_signature(key: Any, folder: Path) -> None:
    said = ["--role", "director", "--commitment", "proof-of-approval", "--place", "city=Lisboa"]
    run(sign, "a.xml", *by(key), *said)
    (one,) = read(Octets((folder / "a.signed.xml").read_bytes())).signatures
    assert "director" in str(one.attributes.claimed_roles)
    assert "ProofOfApproval" in str(one.attributes.commitments)
    assert "Lisboa" in str(one.attributes.location)
    assert one.attributes.signing_time is not None
    assert one.attributes.signing_time >= NOW


def test_a_container_to_which_is_added_is_to_be_named(key: Any, folder: Path) -> None:
    run(sign, "a.txt", *by(key), "--container", "asic-e")
    for way in (["--parallel"], ["--counter-sign", "only"]):
        with pytest.raises(Rejected, match=r"is an ASiC-E. Ask for that container \(asic-e\)") as caught:
            run(sign, "a.signed.asice", *by(key), *way, "--out", "two.asice")
        assert caught.value.code == "signing.container"
    run(sign, "a.signed.asice", *by(key), "--parallel", "--container", "asic-e", "--out", "two.asice")
    assert len(read(Octets((folder / "two.asice").read_bytes())).signatures) == 2


def test_what_has_no_place_for_its_signature_is_told_another(key: Any, folder: Path) -> None:
    with pytest.raises(Malformed, match="the packaging is enveloping or detached"):
        run(sign, "a.txt", *by(key), "--format", "xades")
    run(sign, "a.txt", *by(key), "--format", "xades", "--packaging", "enveloping")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_bytes(TEXT)
    with pytest.raises(Rejected, match=r"Two data objects would have the name 'a.txt'.*Give each a name"):
        run(sign, "a.txt", "sub/a.txt", *by(key), "--container", "asic-e")


def test_a_commitment_and_a_policy_that_are_none_are_told(key: Any, folder: Path) -> None:
    before = set(folder.iterdir())
    for name in ("a.xml", "a.txt", "a.pdf"):
        with pytest.raises(Rejected, match="Write one of proof-of-origin"):
            run(sign, name, *by(key), "--commitment", "proof-of-aproval")
        with pytest.raises(Rejected, match="'nonsense' names no signature policy"):
            run(sign, name, *by(key), "--policy", "nonsense", "--policy-file", "a.txt")
    assert set(folder.iterdir()) == before


def test_a_detached_signature_is_not_augmented_without_its_data(key: Any, folder: Path) -> None:
    before = set(folder.iterdir()) | {folder / "a.signed.p7s"}
    run(sign, "a.txt", *by(key), "--packaging", "detached")
    with pytest.raises(Rejected, match="Give it beside the file"):
        run(augment, "a.signed.p7s", "--level", "B-T")
    with pytest.raises(Rejected, match="--detached may name other data than was signed"):
        run(augment, "a.signed.p7s", "--detached", "a.xml", "--level", "B-T")
    with pytest.raises(Rejected, match="no time-stamping authority"):
        run(augment, "a.signed.p7s", "--detached", "a.txt", "--level", "B-T")
    assert set(folder.iterdir()) == before


def test_a_file_without_signatures_is_not_augmented(folder: Path) -> None:
    with pytest.raises(Rejected, match="has no signature"):
        run(augment, "a.pdf", "--level", "B-T")
    assert not (folder / "a.augmented.pdf").exists()


@pytest.mark.req("TRUSTWORKS:SIGNING-EVENT")
def test_a_key_that_signed_in_vain_is_told_to_the_log() -> None:
    class Down:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            del digest, hash_name
            raise Unavailable("stamper.down", "The authority does not answer.")

    person = house().person()
    told: list[Event] = []
    key = SimpleNamespace(
        spki_sha256=b"k",
        spki=Certificate.read(person.certificate).key.der,
        sign=lambda octets, **_: person.sign(octets),
    )
    hand = Hand(
        creation=Creation(means=replace(house().means, stamper=Down())),
        key=cast("Key", key),
        signer=person.signer,
        tell=told.append,
    )
    with pytest.raises(Unavailable):
        sign_one(hand, replace(asked("cades-enveloping"), level=Level.T))
    assert [(one.outcome, one.detail["why"], one.detail["level"]) for one in told] == [
        ("failure", "stamper.down", "B-T")
    ]
    with pytest.raises(Rejected):
        sign_one(hand, asked("cades-enveloping", hash_name="md5"))
    assert len(told) == 1, "what is refused before the key signs is no use of it"
