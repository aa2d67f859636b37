from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from laboratory import PROGRAM

from trustworks.app.lab import complete as completeness
from trustworks.app.lab import layout as places
from trustworks.app.lab.complete import is_complete
from trustworks.app.lab.layout import Layout
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module import find_library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    try:
        find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    made = Layout(tmp_path_factory.mktemp("lab"))
    places.make_folders(made)
    places.make_pins(made)
    put(made.softhsm2, places.softhsm2_text(made.tokens))
    put(made.config, places.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab"))
    do_all(made)
    return made


# A program of its own: other tests of this process hold the module open on other tokens.
SCRIPT = """
import sys
from datetime import timedelta
from pathlib import Path
from trustworks.app.lab import complete
from trustworks.app.lab.layout import Layout
from trustworks.app.lab.steps import Setup
if sys.argv[2:]:
    complete.RENEW_BEFORE = timedelta(seconds=float(sys.argv[2]))
setup = Setup(Layout(Path(sys.argv[1])))
for _, do in setup.steps():
    do()
setup.close()
"""


def do_all(layout: Layout, renew_before: timedelta | None = None) -> None:
    more = [] if renew_before is None else [str(renew_before.total_seconds())]
    command = [sys.executable, "-c", SCRIPT, str(layout.folder), *more]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def complete(layout: Layout) -> bool:
    wiring = Wiring.lazy(layout.config)
    with wiring.open_database() as database:
        return is_complete(layout, wiring, database)


def serial(layout: Layout, name: str) -> int:
    certificates = x509.load_pem_x509_certificates(layout.certificate(name).read_bytes())
    return certificates[0].serial_number


def test_doing_all_steps_again_changes_nothing(layout: Layout) -> None:
    assert complete(layout)
    before = {file: file.read_bytes() for file in layout.folder.rglob("*.pem")}
    tokens = sorted(layout.tokens.iterdir())
    do_all(layout)
    assert {file: file.read_bytes() for file in layout.folder.rglob("*.pem")} == before
    assert sorted(layout.tokens.iterdir()) == tokens
    assert len(tokens) == len(TOKENS)


def test_a_certificate_that_was_issued_and_not_written_down_is_written_down(layout: Layout) -> None:
    before = serial(layout, "ocsp")
    layout.certificate("ocsp").unlink()
    assert not complete(layout)
    do_all(layout)
    assert serial(layout, "ocsp") == before
    assert complete(layout)


@pytest.mark.parametrize("name", ["ocsp", "tls"])
def test_a_certificate_that_ends_soon_is_renewed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = layout.certificate(name)
    end = x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc
    before = serial(layout, name)
    now = datetime.now(UTC)
    sooner = end - now + timedelta(hours=1)
    monkeypatch.setattr(completeness, "RENEW_BEFORE", sooner)
    assert not complete(layout)
    do_all(layout, sooner)
    monkeypatch.undo()
    assert serial(layout, name) != before
    assert complete(layout)


def test_a_token_made_half_is_made_anew_and_the_others_are_kept(layout: Layout) -> None:
    before = sorted(layout.tokens.iterdir())
    (layout.new_tokens / "half").mkdir(parents=True)
    do_all(layout)
    assert sorted(layout.tokens.iterdir()) == before
    assert not layout.new_tokens.exists()


def set_up(layout: Layout) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), "lab", "--dir", str(layout.folder), "--setup-only"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_lost_pin_is_not_replaced_by_another_one(layout: Layout, tmp_path: Path) -> None:
    file, away = layout.pin("tsu"), tmp_path / "tsu.pin"
    file.rename(away)
    refused = set_up(layout)
    made = file.exists()
    away.rename(file)
    assert not made, "a PIN that the token does not have"
    assert refused.returncode == 1
    assert f"The PIN file {file} cannot be read: No such file or directory." in refused.stderr
    assert set_up(layout).returncode == 0


def test_the_security_officers_pins_may_be_kept_elsewhere(layout: Layout, tmp_path: Path) -> None:
    file, away = layout.so_pin("tsu"), tmp_path / "tsu.so-pin"
    file.rename(away)
    found = set_up(layout)
    made = file.exists()
    away.rename(file)
    assert found.returncode == 0, found.stderr
    assert not made, "a PIN that the token does not have"
