"""Lists of weak and published keys: read whole or not at all, looked up, told, bound to the log."""

from __future__ import annotations

import hashlib
import json
import subprocess
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from issuance_testbed import make_csr
from nobody_acts import NobodyActs
from sqlalchemy import select, text
from typer.testing import CliRunner

from trustworks.app.commands.audit import all_bound_tables
from trustworks.core.audit.bound import BoundRecords
from trustworks.core.audit.entries import DatabaseSource
from trustworks.core.audit.records import events
from trustworks.core.audit.verify import verify
from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.roles import Act
from trustworks.issuance.cli.blocked import blocked
from trustworks.issuance.model.key_lists import Naming, names_of_key
from trustworks.issuance.records.key_lists import listed_keys
from trustworks.issuance.revocation.key_lists import KeyLists, digest_of, imported_lists, read_key_list
from trustworks.issuance.rules.keys import check_key_not_listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.audit import Recorder

DAY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def lists(provider: Provider) -> KeyLists:
    return KeyLists(
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        system=provider.system,
    )


def spki(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def line(key: Any) -> bytes:
    return hashlib.sha256(spki(key)).hexdigest().encode()


def told(provider: Provider, kind: str) -> list[dict[str, Any]]:
    with provider.database.read() as connection:
        found = connection.execute(
            select(events.c.body).where(events.c.type == kind).order_by(events.c.sequence)
        ).scalars()
        return [json.loads(one) for one in found]


# What is no list


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LIST-READ")
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no key in it"),
        (b"# nothing yet\n\n", "no key in it"),
        (b"zz" * 32, "Line 1"),
        (b"aa" * 32 + b"\n" + b"aa" * 31, "Line 2"),
        (b"aa" * 32 + b"\n" + b"aa" * 10, "Line 2"),
        (b"\xff" * 16 + b"\1" * 16, "no list of keys"),
        (b"\0" * 15, "no list of keys"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "PEM block 1"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n", "cut"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "PEM block 1"),
    ],
)
def test_what_is_no_list_changes_nothing(provider: Provider, lists: KeyLists, data: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        lists.add(data, source="somewhere", dated_at=DAY, by="officer")
    assert imported_lists(provider.database) == []
    assert told(provider, "key.list-imported") == []


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LIST-READ")
def test_a_list_says_where_it_comes_from_and_of_which_day_it_is(
    provider: Provider, lists: KeyLists, key: ec.EllipticCurvePrivateKey
) -> None:
    later = provider.clock.moment + timedelta(days=1)
    for source, dated in ((" ", DAY), ("x" * 501, DAY), ("two\nlines", DAY), ("Debian", later)):
        with pytest.raises(Malformed, match=r"--source|--dated"):
            lists.add(line(key), source=source, dated_at=dated, by="officer")
    with pytest.raises(Rejected, match="role or pseudonym"):
        lists.add(line(key), source="Debian", dated_at=DAY, by="no actor\n")
    assert imported_lists(provider.database) == []


# How keys are named


def test_every_naming_has_its_name_for_a_key(key: ec.EllipticCurvePrivateKey) -> None:
    modulus = rsa.generate_private_key(65537, 2048)
    edwards = ed25519.Ed25519PrivateKey.generate()
    pem = modulus.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    printed = subprocess.run(
        ["openssl", "rsa", "-noout", "-modulus"], input=pem, capture_output=True, check=True
    ).stdout
    found = names_of_key(spki(modulus), Naming)
    assert found[Naming.OPENSSL_MODULUS].hex() == hashlib.sha1(printed).hexdigest()[20:]  # noqa: S324
    number = modulus.public_key().public_numbers().n.to_bytes(256, "big")
    assert found[Naming.BADKEYS] == hashlib.sha256(number).digest()[:15]
    for other in (key, edwards):
        assert set(names_of_key(spki(other), Naming)) == {Naming.SPKI_SHA256, Naming.BADKEYS}


def test_a_file_is_known_by_what_is_in_it(key: ec.EllipticCurvePrivateKey) -> None:
    naming, entries = read_key_list(b"# of mine\n" + line(key).upper() + b"  # twice\r\n" + line(key))
    assert (naming, entries) == (Naming.SPKI_SHA256, [hashlib.sha256(spki(key)).digest()[:16]])
    csr = x509.load_der_x509_csr(make_csr(key)).public_bytes(Encoding.PEM)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert read_key_list(b"a comment\n" + csr + public + private) == (naming, entries)
    assert read_key_list(b"00112233445566778899\n")[0] is Naming.OPENSSL_MODULUS
    record = names_of_key(spki(key), [Naming.BADKEYS])[Naming.BADKEYS]
    assert read_key_list(record + b"\7") == (Naming.BADKEYS, [record])


# What a list does


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LISTED")
def test_a_source_is_named_to_who_asks() -> None:
    check_key_not_listed(None)
    with pytest.raises(Refused, match="Debian's list"):
        check_key_not_listed("Debian's list")


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LISTED")
def test_a_listed_key_gets_no_certificate_until_its_list_is_retired(
    provider: Provider, lists: KeyLists, key: ec.EllipticCurvePrivateKey
) -> None:
    had = provider.issuance.issue(provider.request("tsu", make_csr(key))).serial
    made = lists.add(line(key), source="a search of ours", dated_at=DAY, by="officer")
    assert lists.certificates(made) == [had]
    with pytest.raises(Refused, match=r"a search of ours") as refusal:
        provider.issuance.issue(provider.request("tsu", make_csr(key)))
    assert refusal.value.requirement == "TRUSTWORKS:ISSUANCE-KEY-LISTED"
    assert provider.issuance.issue(provider.request("tsu")).serial
    with pytest.raises(Rejected, match="before"):
        lists.add(b"\n" + line(key), source="another", dated_at=DAY, by="officer")
    with pytest.raises(Rejected, match="no list"):
        lists.retire("ff" * 32, why="of no use", by="officer")
    with pytest.raises(Malformed, match="--why"):
        lists.retire(made.id, why="", by="officer")
    lists.retire(made.id[:8], why="it was a mistake", by="officer")
    assert provider.issuance.issue(provider.request("tsu", make_csr(key))).serial
    with pytest.raises(Rejected, match="no list"):
        lists.retire(made.id, why="again", by="officer")
    (imported,), (retired,) = told(provider, "key.list-imported"), told(provider, "key.list-retired")
    assert imported["detail"]["source"] == "a search of ours"
    assert imported["subject"] == retired["subject"] == {"kind": "key-list", "id": made.id}


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LISTED")
def test_a_key_that_is_listed_while_its_certificate_is_made_is_refused(
    provider: Provider, lists: KeyLists, key: ec.EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = provider.key.sign

    def sign(data: bytes) -> bytes:
        lists.add(line(key), source="the last hour", dated_at=DAY, by="officer")
        return signed(data)

    monkeypatch.setattr(provider.key, "sign", sign)
    with pytest.raises(Refused, match="the last hour"):
        provider.issuance.issue(provider.request("tsu", make_csr(key)))
    assert provider.issuance.counts()["abandoned"] == 1


@pytest.mark.req("TRUSTWORKS:ISSUANCE-KEY-LISTED")
@pytest.mark.parametrize("naming", list(Naming))
def test_a_key_is_found_among_many_by_each_naming(
    provider: Provider, lists: KeyLists, naming: Naming
) -> None:
    sought = rsa.generate_private_key(65537, 2048)
    name = names_of_key(spki(sought), [naming])[naming]
    near = [name[:-1] + bytes([name[-1] ^ 1]), bytes([name[0] ^ 1]) + name[1:]]
    many = {hashlib.sha256(b"%d" % number).digest()[: len(name)] for number in range(20_000)}
    others = sorted({*many, *near})
    with_it = sorted([*others, name])

    def written(entries: list[bytes]) -> bytes:
        if naming is Naming.BADKEYS:
            return b"".join(one + b"\1" for one in entries)
        filling = "00" * 16 if naming is Naming.SPKI_SHA256 else ""
        return "\n".join(one.hex() + filling for one in entries).encode()

    lists.add(written(others), source="without it", dated_at=DAY, by="officer")
    with provider.database.read() as connection:
        assert listed_keys(connection, [spki(sought)]) == {}
    provider.clock.advance(seconds=1)
    lists.add(written(with_it), source="with it", dated_at=DAY, by="officer")
    with provider.database.read() as connection:
        assert listed_keys(connection, [spki(sought)]) == {spki(sought): "with it"}
    assert [(one.entries, intact) for one, intact in imported_lists(provider.database)] == [
        (len(others), True),
        (len(with_it), True),
    ]


@pytest.mark.req("TRUSTWORKS:AUDIT-17")
def test_who_changes_a_list_beside_the_log_is_found(
    provider: Provider, lists: KeyLists, key: ec.EllipticCurvePrivateKey
) -> None:
    made = lists.add(line(key), source="Debian", dated_at=DAY, by="officer")
    assert digest_of([names_of_key(spki(key), [Naming.SPKI_SHA256])[Naming.SPKI_SHA256]]) == made.id

    def findings() -> list[str]:
        with provider.database.inspect() as connection:
            checker = BoundRecords(connection, all_bound_tables())
            return [one.message for one in verify(DatabaseSource(connection), checkers=(checker,)).findings]

    assert findings() == []
    with provider.database.begin() as connection:
        connection.execute(text("UPDATE key_lists SET retired_at = 1, retired_by = 'x', retired_why = 'y'"))
    assert any("key_lists" in one for one in findings())


# The commands


class Wiring(NobodyActs):
    """What the application hands to the commands."""

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def open_database(self) -> Any:
        return nullcontext(self._provider.database)

    @contextmanager
    def open_recorder(self, role: str, *, database: Any = None) -> Iterator[Recorder]:
        assert (role, database) == ("key-lists", self._provider.database)
        yield self._provider.recorder

    def open_clock(self) -> Any:
        return self._provider.clock


def test_the_commands(provider: Provider, key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> None:
    wiring, runner = Wiring(provider), CliRunner()
    assert "No list" in runner.invoke(blocked, ["list"], obj=wiring).output
    serial = provider.issuance.issue(provider.request("tsu", make_csr(key))).serial
    file = tmp_path / "list"
    file.write_bytes(line(key))
    given = ["import", str(file), "--source", "Debian", "--dated", "2008-05-13"]
    done = runner.invoke(blocked, given, obj=wiring)
    assert done.exit_code == 1  # there is something to revoke
    assert "Imported 1 keys (spki-sha256)" in done.output
    assert f"The certificate {serial} has one of these keys" in done.output
    (listed,) = json.loads(runner.invoke(blocked, ["list", "--json"], obj=wiring).output)
    assert (listed["source"], listed["dated_at"][:10], listed["intact"]) == ("Debian", "2008-05-13", True)
    assert "in use  Debian" in runner.invoke(blocked, ["list"], obj=wiring).output
    done = runner.invoke(blocked, ["retire", listed["id"][:16], "--why", "old"], obj=wiring)
    assert done.exit_code == 0, done.output
    assert "retired" in runner.invoke(blocked, ["list"], obj=wiring).output
    assert [act for act, *_ in wiring.asked] == [Act.REVOKE, Act.RELEASE]
    file.write_bytes(b"ab" * 32)
    done = runner.invoke(blocked, [*given, "--json"], obj=wiring)
    assert (done.exit_code, json.loads(done.output)["certificates"]) == (0, [])
