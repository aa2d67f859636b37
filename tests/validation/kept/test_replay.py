"""A verdict is kept and made again: by the bundle alone, octet for octet, and a changed bundle is found."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from evidence_records import AUTHORITY, digest, record, stamp
from qualified_reports import CA, COMPLIANCE, CRL, DEVICE, FOR_ESIGN, FRESH, report
from trusted_list_bench import LOTL, NOW, PUBLICATION, list_of_lists, list_xml, party, provider, service, sign
from trusted_list_bench import state as listed_state
from typer.testing import CliRunner
from validated_corpus import cases

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.trusted_lists.uris import FOR_SIGNATURES
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.validation import replay, validate
from trustworks.validation.cli import trust
from trustworks.validation.cli.exits import Exit
from trustworks.validation.cli.validate import app
from trustworks.validation.gathering.rounds import Source
from trustworks.validation.kept.bundle import as_zip, opened
from trustworks.validation.kept.policy_record import KeptPolicy
from trustworks.validation.kept.replay import first_difference
from trustworks.validation.model import Poe, PoeOrigin
from trustworks.validation.policies.dss_policy import read_dss_policy
from trustworks.validation.policies.policy import SHIPPED, Policy, parse, shipped
from trustworks.validation.rules.inputs import Extra
from trustworks.validation.service import Validator
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from trustworks.validation.service import Report

PROGRAM = Path(sys.executable).with_name("trustworks")
EXTENSION = (
    '<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">'
    f"{FOR_SIGNATURES}</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>"
)
QUALIFIED = (COMPLIANCE, DEVICE, FOR_ESIGN)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def verdict(out: str) -> object:
    """What JSON says without what it says of the replay."""
    said = json.loads(out)
    del said["replay"]
    return said


def signed_file(folder: Path) -> Path:
    """A signed file whose signer is a client of the provider of `qualified_reports`."""
    file = folder / "contract.p7m"
    file.write_bytes(report(*QUALIFIED).given.data.octets())
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A signed file, its trust anchor and revocation data."""
    signed_file(tmp_path)
    (tmp_path / "anchor.pem").write_bytes(CA.public_bytes(Encoding.PEM))
    (tmp_path / "list.crl").write_bytes(CRL)
    return tmp_path


def judged(folder: Path, **given: object) -> Report:
    """The report about it, offline."""
    options = {"trust": [folder / "anchor.pem"], "untrusted": [folder / "list.crl"], "offline": True}
    return validate(folder / "contract.p7m", **(options | given))  # type: ignore[arg-type]


def test_a_verdict_is_the_same_by_what_was_kept_alone(folder: Path) -> None:
    before = judged(folder)
    assert [one.indication.value for one in before.outcome.signatures] == ["TOTAL-PASSED"]
    before.keep(folder / "bundle")
    for one in ("contract.p7m", "anchor.pem", "list.crl"):
        (folder / one).unlink()
    found = replay(folder / "bundle")
    assert found.same
    assert found.report.plain() == before.plain()
    assert json.loads(found.kept) == before.plain()
    assert found.kept_by == found.judged_by
    found.report.keep(folder / "again")
    assert (folder / "again").read_bytes() == (folder / "bundle").read_bytes(), (
        "the same inputs, the same file"
    )


def test_every_format_of_the_corpus_replays_at_any_time(tmp_path: Path) -> None:
    chosen = random.Random(4)  # noqa: S311 - which files, not a secret
    known = cases()
    kinds: dict[str, list[int]] = {}
    for place, one in enumerate(known):
        kinds.setdefault(one.format, []).append(place)
    replayed = 0
    for places in kinds.values():
        for place in chosen.sample(places, 8):
            case = known[place].case
            day = datetime(2012, 1, 1, tzinfo=UTC) + timedelta(days=chosen.randrange(5400))
            for at in (case.at, day):
                try:
                    before = validate(
                        case.file, detached=case.detached, trust=case.anchors, at=at, offline=True
                    )
                except Malformed:
                    continue
                bundle = tmp_path / f"{place}-{at}"
                before.keep(bundle)  # which judges again, and would have raised
                replayed += 1
                bundle.unlink()
    assert replayed > 80


def test_another_process_with_another_hash_seed_comes_to_the_same(folder: Path) -> None:
    judged(folder).keep(folder / "bundle")
    printed = set()
    for seed in ("1", "77"):
        ran = subprocess.run(
            [PROGRAM, "validate", "--replay", folder / "bundle", "--json"],
            capture_output=True, check=True, timeout=60, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert ran.stderr.endswith(b"\nThe verdict is the one that was kept, octet for octet.\n")
        printed.add(ran.stdout)
    (out,) = printed
    assert verdict(out.decode()) == json.loads(replay(folder / "bundle").kept)


def test_the_order_of_what_is_given_beside_the_file_changes_nothing(folder: Path) -> None:
    (folder / "token.pem").write_bytes(AUTHORITY.anchor.public_bytes(Encoding.PEM))
    at = datetime.now(UTC)
    beside = [folder / "list.crl", folder / "token.pem", folder / "anchor.pem"]
    verdicts = {
        json.dumps(judged(folder, untrusted=untrusted, at=at).plain())
        for untrusted in (beside, beside[::-1], [beside[1], beside[2], beside[0]])
    }
    assert len(verdicts) == 1


def test_trusted_lists_are_kept_as_published(tmp_path: Path) -> None:
    commission, greek, other = party("Commission"), party("Greek operator"), party("Belgian operator")
    files = tmp_path / "files"
    files.mkdir()
    listed = provider("Provider", service(listed_state(CA.public_bytes(Encoding.DER), extensions=EXTENSION)))
    elsewhere = provider("Elsewhere", service(listed_state(other.der)))
    # Current on the day of the certificates, which are made on the day of the test.
    now = datetime.now(UTC).replace(microsecond=0)
    soon = now + timedelta(days=90)
    (files / "lotl.xml").write_bytes(
        list_of_lists({"EL": greek, "BE": other}, signer=commission, next_update=soon)
    )
    (files / "EL.xml").write_bytes(sign(list_xml(providers=[listed], next_update=soon), greek))
    (files / "BE.xml").write_bytes(
        sign(list_xml(territory="BE", providers=[elsewhere], next_update=soon), other)
    )
    (tmp_path / "oj.pem").write_bytes(commission.certificate.public_bytes(Encoding.PEM))
    store = tmp_path / "store"
    done = CliRunner().invoke(
        trust.app,
        [
            *("refresh", "--trust", str(store), "--from", str(files), "--anchor", str(tmp_path / "oj.pem")),
            *("--publication", PUBLICATION, "--lotl", LOTL, "--at", NOW.isoformat()),
        ],
    )
    assert done.exit_code == 0, done.output
    (tmp_path / "list.crl").write_bytes(CRL)
    file = signed_file(tmp_path)
    bundle = tmp_path / "bundle"
    code, out, _ = run(
        file, "--trust", store, "--untrusted", tmp_path / "list.crl", "--offline", "--json", "--keep", bundle
    )
    assert code == Exit.PASSED
    assert json.loads(out)["signatures"][0]["qualification"] == "QESig"
    octets = {one: (store / one).read_bytes() for one in ("EU.xml", "EL.xml", "state.json")}
    for one in store.iterdir():
        one.unlink()
    code, again, err = run("--replay", bundle, "--json")
    assert (code, verdict(again)) == (Exit.PASSED, json.loads(out))
    assert "octet for octet" in err
    assert json.loads(again)["replay"]["trusted_lists"] == {
        "signatures_verified_again": False,
        "sha256": {one: digest(octets[f"{one}.xml"]).hex() for one in ("EU", "EL")},
        "publication": PUBLICATION,
        "journal_certificates_sha256": [digest(commission.der).hex()],
    }
    _, text, _ = run("--replay", bundle)
    assert "lists      taken as they were kept: their signatures were not verified again" in text
    for told in (octets["EU.xml"], octets["EL.xml"], commission.der):
        assert digest(told).hex() in text
    with opened(bundle) as kept:
        names = [one for one in kept.members if one.startswith("lists/")]
        assert {one.removeprefix("lists/"): kept.part(one) for one in names} == octets, "and no other list"


def test_what_was_fetched_is_kept_with_address_and_time(folder: Path) -> None:
    before = judged(folder)
    (crl,) = before.extra.revocation
    fetched = Source(id=crl.id, url="http://ca.example/list.crl", time=before.outcome.at)
    given = replace(before.given, sources=(fetched,))
    replace(before, given=given, troubles=("A trouble.",)).keep(folder / "bundle")
    with opened(folder / "bundle") as kept:
        (told,) = kept.manifest.revocation
        assert (told.url, told.time) == (fetched.url, fetched.time)
        assert kept.part(told.member) == CRL
    again = replay(folder / "bundle").report
    assert again.given.sources == (fetched,)
    assert again.troubles == ("A trouble.",)


def test_data_evidence_records_proofs_and_signature_policies_are_kept(tmp_path: Path) -> None:
    token = tmp_path / "token.tst"
    token.write_bytes(AUTHORITY.token())
    about = tmp_path / "record.ers"
    about.write_bytes(record([stamp([[digest(token.read_bytes())]])]))
    extra = Extra(
        poes=(Poe(object="D-1", time=datetime(2026, 1, 1, tzinfo=UTC), origin=PoeOrigin.CLIENT),),
        policies={"1.2.3": b"the document of a signature policy"},
    )
    validator = Validator(policy=shipped("qualified"), extra=extra, at=datetime(2026, 6, 1, tzinfo=UTC))
    before = validator.validate(token, detached=[Octets(b"data", "data.txt")], records=[about])
    before.keep(tmp_path / "bundle")
    again = replay(tmp_path / "bundle").report
    assert again.given.data.name == "token.tst"
    assert [(one.name, one.octets()) for one in again.given.detached] == [("data.txt", b"data")]
    assert [one.octets() for one in again.given.records] == [about.read_bytes()]
    assert (again.extra, again.policy) == (extra, before.policy)
    assert again.outcome.at == before.outcome.at


def test_data_can_be_left_out_and_brought_again(folder: Path) -> None:
    file, bundle = folder / "contract.p7m", folder / "bundle"
    (folder / "data.txt").write_bytes(b"data")
    options = ("--trust", folder / "anchor.pem", "--detached", folder / "data.txt", "--offline")
    _, out, _ = run(file, *options, "--json", "--keep", bundle, "--keep-without-data")
    assert file.read_bytes() not in bundle.read_bytes()
    code, found, err = run("--replay", bundle, "--json")
    assert (code, json.loads(found)["signatures"]) == (Exit.UNREADABLE, [])
    assert "kept without the data 'contract.p7m'" in json.loads(found)["error"]
    elsewhere = folder / "another name"
    file.rename(elsewhere)
    code, found, err = run("--replay", bundle, elsewhere, "--detached", folder / "data.txt", "--json")
    assert (verdict(found), "octet for octet" in err) == (json.loads(out), True)
    elsewhere.write_bytes(elsewhere.read_bytes()[:-1])
    assert run("--replay", bundle, elsewhere, "--detached", folder / "data.txt")[0] == Exit.UNREADABLE


def test_a_changed_octet_anywhere_is_found(folder: Path) -> None:
    bundle = folder / "bundle"
    judged(folder).keep(bundle)
    octets = bundle.read_bytes()
    chosen = random.Random(1)  # noqa: S311 - which octets, not a secret
    ends = (*range(80), *range(len(octets) - 400, len(octets)))
    for place in {*ends, *(chosen.randrange(len(octets)) for _ in range(300))}:
        changed = bytearray(octets)
        changed[place] ^= 1 << chosen.randrange(8)
        bundle.write_bytes(changed)
        with pytest.raises(Malformed), opened(bundle):
            pytest.fail(f"octet {place} was changed, and nobody saw it")
    for cut in (octets[:-1], octets + b"\0", b"x" + octets, b""):
        bundle.write_bytes(cut)
        assert run("--replay", bundle)[0] == Exit.UNREADABLE


def forged(bundle: Path, place: Path, **parts: bytes) -> Path:
    """A bundle with other parts, whose manifest says that they belong there."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update({name.replace("__", "."): octets for name, octets in parts.items()})
    if "manifest__json" not in parts:
        manifest = json.loads(members["manifest.json"])
        manifest["members"] = {
            name: digest(octets).hex() for name, octets in members.items() if name != "manifest.json"
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    data = {name: Octets(octets, name) for name, octets in members.items()}
    place.write_bytes(as_zip(data, digest(members["manifest.json"]).hex().encode()).octets())
    return place


def test_a_verdict_that_differs_is_told_with_a_code_of_its_own(folder: Path) -> None:
    judged(folder).keep(folder / "bundle")
    other = json.loads(replay(folder / "bundle").kept)
    other["signatures"][0]["indication"] = "TOTAL-FAILED"
    place = forged(folder / "bundle", folder / "forged", verdict__json=json.dumps(other).encode())
    code, out, err = run("--replay", place, "--json")
    assert code == Exit.DIFFERENT
    assert json.loads(out)["signatures"][0]["indication"] == "TOTAL-PASSED"
    assert "first in signatures.0.indication." in err
    assert "kept by trustworks" in err


def test_whose_trust_a_verdict_made_again_goes_by_is_told(folder: Path) -> None:
    """Whoever makes a bundle chooses the anchors and the policy in it: they are told as the bundle's."""
    bundle = folder / "bundle"
    judged(folder).keep(bundle)
    anchor = digest(CA.public_bytes(Encoding.DER)).hex()
    subject = CA.subject.rfc4514_string()
    with opened(bundle) as kept:
        policy = digest(kept.part("policy.json")).hex()
    whole = digest(bundle.read_bytes()).hex()
    code, out, err = run("--replay", bundle)
    assert (code, err) == (Exit.PASSED, "The verdict is the one that was kept, octet for octet.\n")
    for said in (f"By what the bundle says, SHA-256 {whole}", f"SHA-256 {anchor}", f"SHA-256 {policy}"):
        assert said in out
    assert "came with the bundle; nothing here says that they are yours" in out
    _, told, beside = run("--replay", bundle, "--json")
    said = json.loads(told)["replay"]
    assert (said["same"], said["bundle_sha256"], said["policy"]["sha256"]) == (True, whole, policy)
    assert said["anchors"] == [
        {"subject": replay(bundle).origin.anchors[0].subject, "sha256": anchor, "label": None}
    ]
    assert all(
        part in said["anchors"][0]["subject"] for part in (one.split("=")[1] for one in subject.split(","))
    )
    assert (said["anchors_for_signers"], said["trusted_lists"]) == (None, None)
    # The other kinds have no place for it: it is told beside them.
    assert f"SHA-256 {anchor}" in beside
    assert f"SHA-256 {anchor}" in run("--replay", bundle, "--html")[2]
    run("--replay", bundle, "--report", folder / "reports")
    assert anchor in (folder / "reports" / "report.txt").read_text()
    assert anchor in (folder / "reports" / "report.json").read_text()


def test_names_in_a_bundle_do_not_command_the_terminal(folder: Path) -> None:
    judged(folder).keep(folder / "bundle")
    escape = "\x1b]0;owned\x07\x1b[2K\rThe verdict is the one that was kept, octet for octet.\x1b[8m"
    other = {escape: 1} | json.loads(replay(folder / "bundle").kept)
    with zipfile.ZipFile(folder / "bundle") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    # What is only in the kept verdict is named where nothing else differs.
    place = forged(folder / "bundle", folder / "forged", verdict__json=json.dumps(other).encode())
    code, _, err = run("--replay", place)
    assert (code, err.replace("\n", "").isprintable()) == (Exit.DIFFERENT, True), err
    assert r"first in \x1b]0;owned" in err
    manifest["members"][escape] = "0" * 64
    place = forged(folder / "bundle", folder / "other", manifest__json=json.dumps(manifest).encode())
    code, _, err = run("--replay", place)
    assert (code, err.replace("\n", "").isprintable()) == (Exit.UNREADABLE, True), err
    manifest["data"] |= {"name": escape, "member": None}
    del manifest["members"][escape]
    place = forged(folder / "bundle", folder / "third", manifest__json=json.dumps(manifest).encode())
    code, _, err = run("--replay", place)
    assert (code, err.replace("\n", "").isprintable()) == (Exit.UNREADABLE, True), err


@pytest.mark.parametrize(
    "part",
    [
        {"policy__json": b"{}"},
        {"policy__json": b"[" * 100_000},
        {"trust__json": b'{"anchors": [{"certificate": "zz"}]}'},
        {"trust__json": b'{"anchors": [{"certificate": "3000"}]}'},
        {"trust__json": b'{"anchors": [{}]}'},
        {"data": b"text"},
        {"manifest__json": b"{}"},
        {"manifest__json": b"\xff"},
    ],
    ids=lambda part: next(iter(part)),
)
def test_a_bundle_that_somebody_made_is_refused_with_a_sentence(folder: Path, part: dict[str, bytes]) -> None:
    judged(folder).keep(folder / "bundle")
    code, out, err = run("--replay", forged(folder / "bundle", folder / "forged", **part))
    assert (code, out) == (Exit.UNREADABLE, "")
    assert err.startswith("Not readable: ")


def test_a_bundle_cannot_raise_the_limits_of_its_reader(folder: Path) -> None:
    bundle = folder / "bundle"
    judged(folder).keep(bundle)
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["limits"]["parsed"] = DEFAULT.parsed + 1
    code, _, err = run(
        "--replay", forged(bundle, folder / "forged", manifest__json=json.dumps(manifest).encode())
    )
    assert (code, "larger limits than hold here: parsed" in err) == (Exit.UNREADABLE, True)
    small = Validator(policy=shipped(), limits=Limits(parsed=100_000)).validate(folder / "contract.p7m")
    small.keep(folder / "small")
    assert replay(folder / "small").report.given.limits.parsed == 100_000


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a\\b"])
def test_a_member_leads_nowhere_else(folder: Path, name: str) -> None:
    judged(folder).keep(folder / "bundle")
    with zipfile.ZipFile(folder / "bundle") as archive:
        names = {one: archive.read(one) for one in archive.namelist()}
    made = {one: Octets(octets) for one, octets in {**names, name: b"x"}.items()}
    (folder / "forged").write_bytes(as_zip(made, digest(names["manifest.json"]).hex().encode()).octets())
    before = sorted(folder.iterdir())
    assert run("--replay", folder / "forged")[0] == Exit.UNREADABLE
    assert sorted(folder.iterdir()) == before


def test_what_is_packed_is_no_bundle(folder: Path) -> None:
    judged(folder).keep(folder / "bundle")
    packed = BytesIO()
    with zipfile.ZipFile(folder / "bundle") as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("bomb", b"\0" * 50_000_000)
        new.comment = old.comment
    (folder / "forged").write_bytes(packed.getvalue())
    assert run("--replay", folder / "forged")[0] == Exit.UNREADABLE


def test_what_is_no_bundle_is_told(folder: Path) -> None:
    for file in ("contract.p7m", "missing", "."):
        code, out, err = run("--replay", folder / file)
        assert (code, out) == (Exit.UNREADABLE, "")
        assert err.startswith("Not readable: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--replay", "bundle", "--trust", "anchor.pem"], "and not by --trust: leave that out"),
        (["--replay", "bundle", "--policy", "qualified"], "and not by --policy: leave that out"),
        (["--replay", "bundle", "--policy", "ades"], "and not by --policy: leave that out"),
        (["--replay", "bundle", "--lotl", "https://a.example"], "and not by --lotl: leave that out"),
        (["--replay", "bundle", "--untrusted", "anchor.pem"], "by what was kept alone"),
        (["contract.p7m", "--keep", "anchor.pem", "--offline"], "exists already"),
        (["contract.p7m", "--keep-without-data"], "goes with --keep"),
        ([".", "--keep", "bundle"], "not a folder"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    code, out, err = run(*options)
    assert (code, out) == (Exit.USAGE, "")
    assert said in err
    assert not (folder / "bundle").exists()


def test_where_the_bundle_cannot_be_written_there_is_no_verdict(folder: Path) -> None:
    code, out, err = run(folder / "contract.p7m", "--offline", "--keep", folder / "none" / "bundle")
    assert (code, out) == (Exit.UNAVAILABLE, "")
    assert "cannot be written" in err


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="that `trustworks trust refresh` fetched"):
        report(*QUALIFIED).keep(tmp_path / "bundle")
    absent = DigestOnly((("sha256", digest(b"data")),), "data")
    validator = Validator(policy=shipped(), extra=FRESH)
    before = validator.validate(report(*QUALIFIED).given.data, detached=[absent])
    with pytest.raises(Rejected, match="only digests were given"):
        before.keep(tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []
    before = validator.validate(Octets(report(*QUALIFIED).given.data.octets(), "\udcff"))
    with pytest.raises(Malformed, match="is no UTF-8"):
        before.keep(tmp_path / "bundle")


def test_a_policy_is_kept_with_all_that_it_came_to() -> None:
    foreign = read_dss_policy(
        b'<ConstraintsParameters Name="of others" xmlns="http://dss.esig.europa.eu/validation/policy">'
        b'<SignatureConstraints><BasicSignatureConstraints/><Other Level="FAIL"/></SignatureConstraints>'
        b"</ConstraintsParameters>"
    )
    own = parse(
        'name = "n"\nidentifier = "urn:n"\n[signature.path-validation]\n'
        'user-initial-policy-set = ["1.2.3"]\ninitial-excluded-subtrees = ["dns:example.org"]\n'
        "[time-stamp.path-validation]\ninitial-any-policy-inhibit = true\n"
    )
    for policy in (*map(shipped, SHIPPED), foreign, own):
        kept = KeptPolicy.model_validate_json(KeptPolicy.of(policy).model_dump_json()).policy()
        for one in (one for one in fields(Policy) if one.compare):
            assert getattr(kept, one.name) == getattr(policy, one.name), one.name


def test_only_anchors_that_paths_may_lead_to_are_kept(folder: Path) -> None:
    many = [CA.public_bytes(Encoding.DER), *(party(f"Other {place}").der for place in range(20))]
    validator = Validator(policy=shipped(), trust=Trust.of(many), extra=FRESH)
    validator.validate(folder / "contract.p7m").keep(folder / "bundle")
    again = replay(folder / "bundle").report.given.trust
    assert [one.certificate.der for one in again.anchors.anchors if one.certificate] == many[:1]


@pytest.mark.parametrize(
    ("before", "now", "where"),
    [
        (b'{"a": [1, {"b": 2}]}', b'{"a": [1, {"b": 3}]}', "a.1.b"),
        (b'{"a": 1}', b'{"a": 1, "c": null}', "c"),
        (b'{"a": [1]}', b'{"a": [1, 2]}', "a"),
        (b'{"a":1}', b'{"a": 1}', "how it is written"),
        (b"[" * 100_000, b"{}", "the verdict as a whole, which is no JSON"),
        (b"3", b"{}", "how it is written"),
    ],
)
def test_where_two_verdicts_differ(before: bytes, now: bytes, where: str) -> None:
    assert first_difference(before, now) == where
