from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from closed_folder import closed

from trustworks.app.cli import main
from trustworks.app.configuration import config, explain
from trustworks.app.configuration.settings import AuditSettings, HttpSettings, ProxySettings
from trustworks.app.configuration_check import refusals
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

LEAST = '[provider]\nname = "Trustworks TEST Provider"\n'


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "trustworks.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(tmp_path: Path, text: str) -> str:
    file = write(tmp_path, text)
    with pytest.raises(Malformed) as raised:
        config.load(file)
    message = str(raised.value)
    assert str(file) in message
    return message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["provider", "missing"]),
        ("x", ["is not TOML"]),
        (LEAST + "[http]\nlistem = 1\n", ["http.listem", "unknown", "Did you mean listen?", "tls-listen"]),
        (LEAST + "[tsa]\n", ["tsa", "unknown", "timestamping"]),
        (LEAST + '[http]\nlisten = "8080"\n', ["http.listen", "HOST:PORT", "'8080'"]),
        (LEAST + '[http]\nlisten = "127.0.0.1:0"\n', ["http.listen", "HOST:PORT"]),
        (LEAST + "[http]\nworkers = 0\n", ["http.workers", "greater than or equal to 1"]),
        (LEAST + '[time]\nmode = "perhaps"\n', ["time.mode", "'enforce' or 'lab'"]),
        (
            LEAST + '[http]\ntls-listen = "127.0.0.1:1"\n',
            ["http", "all of tls-listen, tls-certificate and tls-key"],
        ),
        (
            LEAST + "[[timestamping.units]]\nname = 'tsu-1'\ncertificat = 'x'\n",
            ["timestamping.units.0.certificat", "Did you mean certificate?"],
        ),
        (
            LEAST + '[http.proxy]\nunix-socket = "x"\nunix-socket-group = "no-such-group"\n',
            ["http.proxy.unix-socket-group", "the name of a group of this machine", "'no-such-group'"],
        ),
        (
            LEAST + "[http.proxy]\nunix-socket-group = 0\n",
            ["http.proxy.unix-socket-group", "text in quotes", "given: 0"],
        ),
        (LEAST + '[http.proxy]\nunix-socket-group = "root"\n', ["http.proxy", "set that too"]),
        (LEAST + '[store]\nurl = "postgresql://me:pw@h/d"\n', ["store.url", "password-source"]),
    ],
)
def test_a_wrong_file_is_told_file_key_and_what_is_allowed(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    message = complaint(tmp_path, text)
    for word in words:
        assert word in message, message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[store]\nurl = "postgresql://me:hidden@h/d"\n', ["store.url"]),
        ('[tokens]\ntsu = ["pkcs11:token=x?pin-value=hidden"]\n', ["tokens.tsu"]),
        ('[http.proxy]\nsecret-source = ["hidden"]\n', ["http.proxy.secret-source"]),
        ('[http]\nproxy = "x"\n', ["http.proxy", "write a table"]),
        ("[timestamping]\npolicies = {hidden = 1}\n", ["timestamping.policies", "write a list"]),
    ],
)
def test_no_complaint_tells_a_secret_or_speaks_of_python(tmp_path: Path, text: str, words: list[str]) -> None:
    message = complaint(tmp_path, LEAST + text)
    for word in words:
        assert word in message, message
    for word in (":hidden", "=hidden", "'hidden", "tuple", "dictionary", "instance"):
        assert word not in message, message


UNIT = "[[timestamping.units]]\nname = 'tsu-1'\ncertificate = 'x'\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[provider]\nname = "P."\nlab = "yes"\n',
            "provider.lab: write true or false, without quotes (given: 'yes').",
        ),
        ('[provider]\nname = "P."\nlab = 1\n', "provider.lab: write true or false (given: 1)."),
        ("[provider]\nname = 2026-01-01\n", "provider.name: write text in quotes."),
        ('[provider]\nname = "P"\n', "provider.name: it must have at least 2 character(s) (given: 'P')."),
        (LEAST + "[http]\nlisten = 8080\n", "http.listen: write text in quotes (given: 8080)."),
        (
            LEAST + '[http]\ntls-workers = "two"\n',
            "http.tls-workers: write a whole number, at least 1, at most 64, without quotes (given: 'two').",
        ),
        (
            LEAST + "[http]\nworkers = true\n",
            "http.workers: write a whole number, at least 1, at most 64 (given: true).",
        ),
        (
            LEAST + '[http]\nbody-timeout = "1"\n',
            "http.body-timeout: write a number, more than 0, at most 300, without quotes (given: '1').",
        ),
        (
            LEAST + '[http]\npublic-url = "tsp"\n',
            (
                "http.public-url: write http:// or https:// and a host, perhaps a port, and nothing else, "
                "such as http://tsp.example.com (given: 'tsp')."
            ),
        ),
        (
            LEAST + '[http.proxy]\ncertificate-header = "client-zert\u0151"\n',
            (
                "http.proxy.certificate-header: write the name of an HTTP header, such as client-cert "
                "(given: 'client-zert\u0151')."
            ),
        ),
        (
            LEAST + '[timestamping]\naccuracy-us = "1000"\n' + UNIT,
            (
                "timestamping.accuracy-us: write a whole number, at least 1, at most 1000000, without quotes "
                "(given: '1000')."
            ),
        ),
        (
            LEAST + "[timestamping]\naccuracy-us = 1.0\n" + UNIT,
            "timestamping.accuracy-us: write a whole number, at least 1, at most 1000000 (given: 1.0).",
        ),
        (
            LEAST + "[timestamping]\ngen-time-digits = false\n" + UNIT,
            "timestamping.gen-time-digits: write 0 or 3 or 6 (given: false).",
        ),
        (
            LEAST + UNIT.replace("tsu-1", "TSU 1"),
            (
                "timestamping.units.0.name: write at most 32 lower-case letters, digits and hyphens, for "
                "example tsu-1 (given: 'TSU 1')."
            ),
        ),
        (
            LEAST + UNIT.replace("'x'", "5"),
            "timestamping.units.0.certificate: write a path in quotes (given: 5).",
        ),
        (
            LEAST + UNIT + "key-expires = 2027\n",
            (
                "timestamping.units.0.key-expires: write a time with its zone, for example "
                "2027-01-31T00:00:00Z (given: 2027)."
            ),
        ),
        (LEAST + "[timestamping]\nunits = []\n", "timestamping.units: it must have at least 1 of them."),
        (
            LEAST + '[audit]\ntime-stamp-url = "x"\n',
            "audit.time-stamp-url: write an http or https URL without a user, such as http://127.0.0.1:8080/tsa.",
        ),
    ],
)
def test_one_wrong_value_gets_one_complaint_with_what_is_allowed_and_given(
    tmp_path: Path, text: str, words: str
) -> None:
    assert complaint(tmp_path, text).splitlines()[1:] == [f"  {words}"]


@pytest.mark.parametrize(
    "value",
    [
        *(
            "http://[::1",
            "http://[::1]x",
            "http://[tsp.test]",
            "https://u:p@h:443",
            "http://u@h",
            "http://h?",
        ),
        *("http://h#x", "http://h/", "http://h:", "http://h:0", "http://h:65536", "http://h:99999999"),
        *("http://h:\u00b2", "http://h:080", "http://", "http://:80", "http://a..b", "http://-a", "ftp://h"),
        *("http://a b", "http://a\n", "http://h\u00e4", "http://h\\x", f"http://{'a' * 64}.test"),
    ],
)
def test_a_public_address_that_no_client_could_follow_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="and a host, perhaps a port, and nothing else"):
        HttpSettings.model_validate({"public-url": value})


@pytest.mark.parametrize(
    "value",
    ["http://tsp.example.com", "https://TSP.example.com:8443", "http://[2001:db8::1]:80", "http://192.0.2.1"],
)
def test_a_public_address_is_a_scheme_a_host_and_perhaps_a_port(value: str) -> None:
    assert HttpSettings.model_validate({"public-url": value}).public_url == value


@pytest.mark.parametrize(
    "value", ["http://[::1/tsa", "http://h:65536/tsa", "http://h:x/tsa", "http:///tsa", "http://u:p@h/tsa"]
)
def test_an_address_of_a_time_stamping_authority_that_leads_nowhere_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="write an http or https URL"):
        AuditSettings.model_validate({"time-stamp-url": value})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("127.0.0.1:\u00b2", "write HOST:PORT"),
        ("127.0.0.1:\u0668\u0660", "write HOST:PORT"),
        ("127.0.0.1:000080", "write HOST:PORT"),
        ("127.0.0.1:+80", "write HOST:PORT"),
        ("[::1:80", "write HOST:PORT"),
        ("::1]:80", "write HOST:PORT"),
        ("a..b:80", "the host must be"),
        (f"{'a' * 64}.test:80", "the host must be"),
        ("a-.test:80", "the host must be"),
        ("*.tsp.test:80", "the host must be"),
        ("127.1:80", "the host must be a whole IP address"),
        (f"{'a.' * 127}aa:80", "the host must be"),
    ],
)
def test_an_address_that_nothing_can_listen_on_is_refused(value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        HttpSettings.model_validate({"listen": value})


@pytest.mark.parametrize("value", ["localhost:80", "tsp.test:8080", "[::1]:80", "::1:80", "0.0.0.0:65535"])
def test_an_address_is_a_host_and_a_port(value: str) -> None:
    assert HttpSettings.model_validate({"listen": value}).listen == value


@pytest.mark.parametrize("value", ["", "client cert", "client-cert:", "client\u0151"])
@pytest.mark.parametrize("key", ["certificate-header", "secret-header"])
def test_a_header_that_no_request_can_have_is_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="the name of an HTTP header"):
        ProxySettings.model_validate({key: value})


def test_what_toml_has_no_type_for_is_taken_as_it_is_meant(tmp_path: Path) -> None:
    text = LEAST + "[http]\nbody-timeout = 5\n[timestamping]\npolicies = ['1.2.3']\n" + UNIT
    for moment in ("2027-01-31T00:00:00Z", "'2027-01-31T00:00:00Z'"):
        found = config.load(write(tmp_path, f"{text}key-expires = {moment}\n")).config
        assert found.http.body_timeout == 5.0
        assert found.timestamping is not None
        assert found.timestamping.policies == ("1.2.3",)
        (unit,) = found.timestamping.units
        assert unit.certificate == tmp_path / "x"
        assert unit.key_expires == datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("-1", "Invalid value for '--limit': it must be greater than or equal to 1 (given: '-1')."),
        ("x", "Invalid value for '--limit': write a whole number (given: 'x')."),
    ],
)
def test_a_wrong_option_is_told_in_the_same_words(
    value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("audit", "list", "--limit", value, code=2)
    assert words in " ".join(capsys.readouterr().err.split())


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    message = complaint(tmp_path, "[provider]\n[http]\nworkers = 0\nx = 1\n")
    assert "3 problem(s)" in message


def test_a_file_that_is_not_text_or_not_there_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "trustworks.toml"
    file.write_bytes(b"\xff")
    with pytest.raises(Malformed, match="not UTF-8"):
        config.load(file)
    with pytest.raises(Malformed, match="no configuration file"):
        config.find(tmp_path / "absent.toml")


def test_a_file_that_may_not_be_seen_is_told_so(tmp_path: Path) -> None:
    file = write(tmp_path, LEAST)
    with closed(tmp_path), pytest.raises(Malformed, match=r"toml cannot be read: Permission denied\."):
        config.load(config.find(file))


def test_a_name_that_no_file_can_have_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 300)
    with pytest.raises(Malformed, match=r"cannot be read: File name too long\."):
        config.load(config.find(file))


def test_relative_paths_are_meant_from_the_files_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        tmp_path, LEAST + "[audit]\ncertificate = 'certs/audit.pem'\n[module]\nsofthsm2-conf = '/etc/x'\n"
    )
    monkeypatch.chdir("/")
    loaded = config.load(file)
    assert loaded.config.audit.certificate == tmp_path / "certs/audit.pem"
    assert str(loaded.config.module.softhsm2_conf) == "/etc/x"
    assert loaded.config.store.url == f"sqlite:///{tmp_path}/state/trustworks.sqlite"


def laboratory(folder: Path, tokens: str, more: str = "lab = true\n") -> Path:
    """A configuration with a softhsm2.conf beside it that names a folder of tokens."""
    folder.mkdir(exist_ok=True)
    (folder / "tokens").mkdir(exist_ok=True)
    (folder / "softhsm2.conf").write_text(f"log.level = ERROR\n{tokens}\n", encoding="utf-8")
    return write(folder, LEAST + more + '[module]\nsofthsm2-conf = "softhsm2.conf"\n')


@pytest.mark.parametrize(
    "named", ["directories.tokendir = {original}/tokens", "", "directories.tokendir = {lab}"]
)
def test_no_laboratory_works_on_the_tokens_of_another(tmp_path: Path, named: str) -> None:
    copy = tmp_path / "copy"
    file = laboratory(copy, named.format(original=tmp_path / "original", lab=copy))
    with pytest.raises(Malformed, match=f"{copy}/softhsm2.conf does not name {copy}/tokens") as raised:
        config.load(file)
    assert f"trustworks lab --dir {copy} --setup-only" in str(raised.value)


def test_a_folder_in_place_of_softhsm2s_file_is_to_be_moved_away(tmp_path: Path) -> None:
    file = laboratory(tmp_path, "")
    (tmp_path / "softhsm2.conf").unlink()
    (tmp_path / "softhsm2.conf").mkdir()
    with pytest.raises(Malformed, match=r"softhsm2\.conf is a folder, .* Move it away; then `trustworks lab"):
        config.load(file)


def test_a_laboratory_names_its_own_tokens_by_whatever_way_it_is_reached(tmp_path: Path) -> None:
    real = tmp_path / "real"
    laboratory(real, f"directories.tokendir = {real}/tokens")
    (tmp_path / "link").symlink_to(real)
    for folder in (real, tmp_path / "link"):
        assert config.load(folder / "trustworks.toml").config.provider.lab
    (real / "softhsm2.conf").unlink()
    assert config.load(real / "trustworks.toml").config.provider.lab, "`config check` tells what is missing"


@pytest.mark.req("TRUSTWORKS:MODULE-APPROVAL-DEMANDED")
@pytest.mark.parametrize(
    "tokens", ['[tokens]\ntsu = "pkcs11:token=tsu"\n', '[tokens.further]\nmine = "pkcs11:token=mine"\n']
)
def test_outside_of_laboratories_no_token_goes_without_an_approval(tmp_path: Path, tokens: str) -> None:
    assert "module.approval: this key is missing" in complaint(tmp_path, LEAST + tokens)
    approved = '[module]\napproval = "state/approval.json"\n'
    assert config.load(write(tmp_path, LEAST + approved + tokens)).config.module.approval
    assert config.load(write(tmp_path, LEAST + "lab = true\n" + tokens)).config.module.approval is None
    assert config.load(write(tmp_path, LEAST)).config.module.approval is None


def test_where_an_operator_keeps_tokens_is_the_operators(tmp_path: Path) -> None:
    elsewhere = "directories.tokendir = /var/lib/softhsm/tokens"
    assert config.load(laboratory(tmp_path, elsewhere, more="")).config.module.softhsm2_conf
    shared = tmp_path / "shared.conf"
    shared.write_text(elsewhere, encoding="utf-8")
    (tmp_path / "lab").mkdir()
    text = LEAST + f"lab = true\n[module]\nsofthsm2-conf = '{shared}'\n"
    assert config.load(write(tmp_path / "lab", text)).config.module.softhsm2_conf == shared


def test_https_needs_all_three() -> None:
    with pytest.raises(ValueError, match="HTTPS needs all"):
        HttpSettings.model_validate({"tls-key": "x"})


@pytest.mark.parametrize(
    ("plain", "tls", "same"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080", True),
        ("[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", True),
        ("0.0.0.0:8080", "127.0.0.1:8080", True),
        ("localhost:8080", "127.0.0.1:8080", True),
        ("127.0.0.1:8080", "127.0.0.2:8080", False),
        ("127.0.0.1:8080", "127.0.0.1:8443", False),
    ],
)
def test_http_and_https_do_not_share_an_address(plain: str, tls: str, same: bool) -> None:
    given = {"listen": plain, "tls-listen": tls, "tls-certificate": "c", "tls-key": "k"}
    if same:
        with pytest.raises(ValueError, match=r"listen .* and tls-listen .* are the same address; give HTTPS"):
            HttpSettings.model_validate(given)
    else:
        assert HttpSettings.model_validate(given).tls_listen == tls


def test_every_setting_has_a_meaning_and_says_what_it_may_be() -> None:
    for one in explain.settings():
        assert len(one.meaning) > 10, f"{one.path} has no description"
        assert one.meaning.endswith("."), one.path
        assert one.allowed
        assert "typing" not in one.allowed, one
        assert "trustworks" not in one.allowed, one


def test_explain_and_show_and_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTWORKS_CONFIG", str(write(tmp_path, LEAST)))
    run("config", "explain", "http.body-timeout")
    assert "Seconds within which" in capsys.readouterr().out
    run("config", "explain", "time", "--json")
    paths = [one["path"] for one in json.loads(capsys.readouterr().out)]
    assert "time.mode" in paths
    assert all(path.startswith("time.") for path in paths)
    run("config", "show")
    assert json.loads(capsys.readouterr().out)["http"]["body-timeout"] == 10.0
    run("config", "check", code=1)
    assert "store.url" in capsys.readouterr().out
    run("config", "explain", "nonsense", code=1)
    assert "There is no setting 'nonsense'" in capsys.readouterr().err


def test_what_the_authority_would_refuse_to_start_for_is_found_before(tmp_path: Path) -> None:
    text = (
        LEAST + "[time]\nmode = 'enforce'\n"
        "[timestamping]\naccuracy-us = 1\n[[timestamping.units]]\nname = 'tsu-1'\ncertificate = 'x'\n"
    )
    found = list(refusals(config.load(write(tmp_path, text)).config))
    assert any(one.startswith("timestamping: ") and "accuracy" in one for one in found), found
    assert any("traceable-to" in one for one in found), found


def run(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert (ended.value.code or 0) == code, arguments


def test_the_documented_example_is_a_good_file(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    tomllib.loads(example)
    config.load(write(tmp_path, example))


def test_the_page_on_configuration_says_what_the_models_say(repository: Path) -> None:
    script = repository / "docs" / "configuration.py"
    found = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> Path:
    return request.config.rootpath


def test_pages_are_shown_on_listeners_that_there_are() -> None:
    proxy = {"unix-socket": "/run/trustworks/http.sock"}
    tls = {"tls-listen": "127.0.0.1:8443", "tls-certificate": "c", "tls-key": "k"}
    with pytest.raises(ValueError, match=r"pages names proxy, and .*; set \[http\.proxy\] unix-socket, or"):
        HttpSettings.model_validate({"pages": ["http", "proxy"], **tls})
    with pytest.raises(ValueError, match=r"pages names tls, and .*; set tls-listen, or"):
        HttpSettings.model_validate({"pages": ["tls"], "proxy": proxy})
    every = {"pages": ["http", "tls", "proxy"], "proxy": proxy, **tls}
    assert HttpSettings.model_validate(every).pages == ("http", "tls", "proxy")
    assert HttpSettings.model_validate({"pages": []}).pages == ()
