"""`trustworks validate --lotl`: lists fetched into the user's own folder, renewed, used offline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from qualified_reports import CA, COMPLIANCE, CRL, DEVICE, FOR_ESIGN, report
from trusted_list_bench import LOTL, PUBLICATION, list_of_lists, list_xml, party, provider, service, sign
from trusted_list_bench import state as listed_state
from typer.testing import CliRunner

from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.trusted_lists.fetch import Folder
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS
from trustworks.core.pki.trusted_lists.uris import FOR_SIGNATURES
from trustworks.validation.cli import lists
from trustworks.validation.cli.exits import Exit
from trustworks.validation.cli.validate import app
from trustworks.validation.gathering import lists as gathering

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.authenticate import Fetch

COMMISSION, GREEK = party("Commission"), party("Greek operator")
EXTENSION = (
    '<tsl:Extension Critical="true"><tsl:AdditionalServiceInformation><tsl:URI xml:lang="en">'
    f"{FOR_SIGNATURES}</tsl:URI></tsl:AdditionalServiceInformation></tsl:Extension>"
)


class Web:
    """Where the lists are published, and how often somebody came."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0
        folder.mkdir()
        soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
        listed = provider(
            "Provider", service(listed_state(CA.public_bytes(Encoding.DER), extensions=EXTENSION))
        )
        lotl = list_of_lists({"EL": GREEK}, signer=COMMISSION, next_update=soon)
        (folder / "lotl.xml").write_bytes(lotl)
        (folder / "EL.xml").write_bytes(sign(list_xml(providers=[listed], next_update=soon), GREEK))

    def fetch(self, **_: object) -> Fetch:
        given = Folder(self.folder, most=DEFAULT_LIMITS.octets)

        def get(url: str) -> bytes:
            self.asked += 1
            return given(url)

        return get


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The published lists, a signed file, and a user without any copy."""
    found = Web(tmp_path / "web")
    monkeypatch.setattr(gathering, "fetch_from", found.fetch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "oj.pem").write_bytes(COMMISSION.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "list.crl").write_bytes(CRL)
    (tmp_path / "a.p7m").write_bytes(report(COMPLIANCE, DEVICE, FOR_ESIGN).given.data.octets())
    return found


@pytest.fixture
def run(web: Web, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    assert web.asked == 0

    def runs(*more: str) -> tuple[int, str, str]:
        given = ["--lotl", LOTL, "--lotl-publication", PUBLICATION, "--json", *more]
        beside = ["--untrusted", str(tmp_path / "list.crl")]
        result = CliRunner().invoke(app, [str(tmp_path / "a.p7m"), *given, *beside])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return runs


def test_lists_are_fetched_once_a_day_and_used_offline(
    web: Web, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, _ = run("--lotl-anchor", str(tmp_path / "oj.pem"))
    (signature,) = json.loads(out)["signatures"]
    assert (code, signature["qualification"]) == (Exit.PASSED, "QESig")
    fetched = web.asked
    assert fetched >= 2
    for more in ((), ("--offline",), ("--lotl-anchor", str(tmp_path / "oj.pem"))):
        code, out, _ = run(*more)
        assert (code, json.loads(out)["signatures"][0]["qualification"]) == (Exit.PASSED, "QESig")
    assert web.asked == fetched, "the copy is of today"
    assert (tmp_path / "cache" / "trustworks" / "trust").is_dir()


def test_another_day_they_are_renewed_and_good_copies_stay(web: Web, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    given = (LOTL, [tmp_path / "oj.pem"], PUBLICATION)
    store = lists.lists_of(*given, offline=False, now=now)
    fetched = web.asked
    lists.lists_of(*given, offline=False, now=now + timedelta(hours=23))
    assert web.asked == fetched
    lists.lists_of(*given, offline=False, now=now + timedelta(hours=25))
    assert web.asked > fetched
    kept = (store / "EL.xml").read_bytes()
    for file in web.folder.iterdir():
        file.write_bytes(b"<changed/>")
    assert lists.lists_of(LOTL, (), PUBLICATION, offline=False, now=now + timedelta(days=3)) == store
    assert (store / "EL.xml").read_bytes() == kept


def test_what_could_not_be_renewed_is_told(
    web: Web, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    before = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)
    lists.lists_of(LOTL, [tmp_path / "oj.pem"], PUBLICATION, offline=False, now=before)
    (web.folder / "EL.xml").write_bytes(b"<changed/>")
    code, out, err = run()
    assert (code, json.loads(out)["signatures"][0]["qualification"]) == (Exit.PASSED, "QESig")
    assert "The trusted list of EL could not be renewed" in err


def test_without_a_copy_and_without_whom_to_believe_there_is_no_verdict(
    web: Web, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = run("--offline")
    assert (code, out) == (Exit.UNAVAILABLE, "")
    assert "validate once without --offline" in err
    code, out, err = run()
    assert (code, out) == (Exit.USAGE, "")
    assert "--lotl-anchor" in err
    (web.folder / "lotl.xml").write_bytes(b"<changed/>")
    code, out, err = run("--lotl-anchor", str(tmp_path / "oj.pem"))
    assert (code, out) == (Exit.UNAVAILABLE, "")
    assert "cannot be had" in err
    assert run("--lotl-anchor", str(tmp_path / "list.crl"))[0] == Exit.USAGE
    with pytest.raises(Unavailable):
        lists.lists_of(f"{LOTL}?another", (), PUBLICATION, offline=True)
    with pytest.raises(Malformed):
        lists.lists_of(f"{LOTL}?another", (), PUBLICATION, offline=False)


def test_the_user_s_folder_is_that_of_the_desktop_s_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert lists.user_store(LOTL).is_relative_to(tmp_path / ".cache" / "trustworks")
    assert lists.user_store(LOTL) != lists.user_store(LOTL + "2")


def test_an_anchor_needs_its_list(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [str(tmp_path), "--lotl-anchor", str(tmp_path)])
    assert (result.exit_code, "goes with --lotl" in result.stderr) == (Exit.USAGE, True)
