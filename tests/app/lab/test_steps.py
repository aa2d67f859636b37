from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from forked_program import run, run_script

from trustworks.app.certificates import read
from trustworks.app.lab import complete as completeness
from trustworks.app.lab import configuration
from trustworks.app.lab import layout as places
from trustworks.app.lab.complete import is_complete
from trustworks.app.lab.layout import Layout
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.audit.search import newest
from trustworks.core.der.qc_statements import QCP_L_QSCD
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module import find_library
from trustworks.core.pki.trusted_lists.store import TrustStore, read_state

if TYPE_CHECKING:
    import subprocess
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
    places.use_own_tokens(made)
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab", token="a token")
    put(made.config, text)
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
    found = run_script(SCRIPT, layout.folder, *more)
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


def test_every_token_and_key_that_is_made_is_in_the_audit_log_once(layout: Layout) -> None:
    do_all(layout)  # finds all there
    wiring = Wiring.lazy(layout.config)
    with wiring.open_database() as database, database.read() as connection:
        found = [event.value for event in newest(connection, limit=1000, type_prefix="module.")]
    made = [event["subject"]["token"] for event in found if event["type"] == "module.token-initialised"]
    assert sorted(made) == sorted(f"pkcs11:token={name}" for name in TOKENS)
    keys = [event["detail"]["label"] for event in found if event["type"] == "module.key-generated"]
    own = ["root", "issuing", "tsu-1", "ocsp", "cmp", "report-seal", "list-signer", "seal", "registration"]
    assert sorted(keys) == sorted([*own, "audit", *(len(TOKENS) * ["trustworks-probe"])])


def test_the_seal_is_of_an_authority_that_the_list_had_granted_before(layout: Layout) -> None:
    store = TrustStore.load(layout.state / "trusted-lists", datetime.now(UTC))
    assert [one.territory for one in store.state.entries] == ["EU", "XX"]
    found = store.authenticated("XX").list
    assert found is not None
    seal = x509.load_pem_x509_certificates(layout.certificate("seal").read_bytes())
    assert [one.public_bytes(Encoding.PEM) for one in seal[1:]] == [layout.anchors[1].read_bytes()]
    states = [one.current for each in found.providers for one in each.services]
    (authority,) = (one for one in states if one.type.endswith("/CA/QC"))
    assert authority.status.endswith("/granted")
    assert authority.since <= seal[0].not_valid_before_utc
    policies = seal[0].extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert QCP_L_QSCD in {one.policy_identifier.dotted_string for one in policies}


def test_a_set_up_that_was_broken_off_at_the_lists_and_the_seal_goes_on(layout: Layout) -> None:
    before = serial(layout, "seal")
    shutil.rmtree(layout.state / "trusted-lists")
    layout.certificate("seal").unlink()
    layout.complete.unlink()
    do_all(layout)
    assert serial(layout, "seal") == before
    assert [one.territory for one in read_state(layout.state / "trusted-lists")[0].entries] == ["EU", "XX"]
    assert complete(layout)


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


def set_up(layout: Layout, *more: str) -> subprocess.CompletedProcess[str]:
    return run("lab", "--dir", layout.folder, "--setup-only", *more)


def test_a_copy_works_on_its_own_keys(layout: Layout, tmp_path: Path) -> None:
    copy = Layout(tmp_path / "la b's copy")
    shutil.copytree(layout.folder, copy.folder)
    command = ("--config", copy.config, "module", "generate-key", "--token", "tsu", "--label", "of-the-copy")
    refused = run(*command)
    assert refused.returncode == 2
    assert f"{copy.softhsm2} does not name {copy.tokens}" in refused.stderr

    told = set_up(copy)
    assert told.returncode == 0, told.stderr
    assert f"{copy.softhsm2} named other tokens" in " ".join(told.stdout.split())
    run(*command, check=True)
    assert "of-the-copy" in keys(copy)
    assert "of-the-copy" not in keys(layout)

    moved = Layout(tmp_path / "moved")
    copy.folder.rename(moved.folder)
    assert set_up(moved).returncode == 0
    assert "of-the-copy" in keys(moved)


def keys(layout: Layout) -> str:
    return run("--config", layout.config, "module", "keys", "--token", "tsu", check=True).stdout


def alternative_names(layout: Layout) -> set[str]:
    names = read(layout.certificate("tls")).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(one.value) for one in names.value}


def test_the_https_certificate_follows_both_addresses(layout: Layout) -> None:
    text = layout.config.read_text(encoding="utf-8")
    before = alternative_names(layout)
    assert before >= {"127.0.0.1", "::1", configuration.NAME}
    try:
        put(layout.config, configuration.moved(text, listen="127.0.0.9:8080", tls_listen="lab.test:8443"))
        assert not complete(layout)
        do_all(layout)
        assert alternative_names(layout) == before | {"127.0.0.9", "lab.test"}
        assert complete(layout)
        put(layout.config, configuration.moved(text, listen="0.0.0.0:8080", tls_listen="[::1%lo]:8443"))
        assert complete(layout), "neither any address nor a link is a name"
    finally:
        put(layout.config, text)
    assert complete(layout), "more names than are needed"


def test_a_token_whose_file_is_damaged_gets_no_other_beside_it(layout: Layout) -> None:
    file = next(layout.tokens.glob("*/token.object"))
    copy = file.with_name("token.object.kept")
    kept, content = copy.read_bytes(), file.read_bytes()
    copy.unlink()
    file.write_bytes(b"")
    layout.complete.unlink()  # else nobody looks
    before = sorted(layout.tokens.iterdir())
    refused = set_up(layout)
    put(file, content, mode=0o600)
    put(copy, kept, mode=0o600)
    assert refused.returncode == 1
    assert f"{file} is damaged" in refused.stderr
    assert sorted(layout.tokens.iterdir()) == before
    assert set_up(layout).returncode == 0


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


def test_a_checked_clock_that_traces_to_nobody_is_told_at_the_start(layout: Layout) -> None:
    before = layout.config.read_text(encoding="utf-8")
    told = set_up(layout, "--clock", "enforce").stdout
    assert "gives no time before [time] traceable-to says" in told, told
    text = layout.config.read_text(encoding="utf-8")
    put(layout.config, text.replace(configuration.TRACEABLE, 'traceable-to = ["UTC(PTB)"]'))
    assert "traceable-to" not in set_up(layout).stdout
    put(layout.config, text)
    assert "traceable-to" not in set_up(layout, "--clock", "lab").stdout
    assert layout.config.read_text(encoding="utf-8") == before


# With the clocks of the set-up and of the authority so many days ahead.
LATER = """
import hashlib
import sys
from datetime import timedelta
from pathlib import Path
from trustworks.app.lab import complete, opened, steps
from trustworks.app.lab.layout import Layout
from trustworks.app.wiring import Wiring
from trustworks.core.time import LabClock
from trustworks.timestamping import wire
ahead = timedelta(days=float(sys.argv[2]))
now = complete.now
complete.now = lambda: now() + ahead
class Later:
    def realtime_ns(self):
        return int(complete.now().timestamp() * 10**6) * 1000
opened.LabClock = steps.LabClock = lambda: LabClock(Later())
layout = Layout(Path(sys.argv[1]))
setup = steps.Setup(layout)
setup.time_stamping()
setup.anchors()
print("notes:", *setup.notes)
setup.close()
wiring = Wiring.lazy(layout.config)
print("to keep:", complete.unit_to_keep(layout, wiring))
query = wire.encode_request(hashlib.sha256(b"a document").digest(), "sha256")
with wiring.open_database() as database, wiring.open_recorder("tsa", database=database) as recorder:
    with wiring.open_module("tsu") as module:
        print("keys:", *(key.label for key in module.keys()))
        clock = LabClock(Later())
        tsa = wiring.timestamping_authority(module=module, recorder=recorder, database=database, clock=clock)
        print("granted" if wire.decode_response(tsa.stamp(query)).token else "refused")
"""


def later(layout: Layout, days: float) -> list[str]:
    found = run_script(LATER, layout.folder, days)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


def unit(layout: Layout) -> tuple[str, str]:
    (one,) = Wiring.lazy(layout.config).timestamping_settings.units
    return one.name, one.certificate.name


def test_a_unit_whose_key_ends_soon_gets_a_successor_with_a_key_of_its_own(layout: Layout) -> None:
    first = layout.certificate("tsu-1").read_bytes()
    text = layout.config.read_text(encoding="utf-8")
    notes, to_keep, _, answer = later(layout, 350)
    assert (notes, to_keep, answer) == ("notes:", "to keep: tsu-1", "granted"), "fifteen days before its end"
    assert layout.config.read_text(encoding="utf-8") == text

    notes, to_keep, keys, answer = later(layout, 360)
    assert unit(layout) == ("tsu-2", "tsu-2.pem")
    assert "tsu-1" in notes
    assert "tsu-2" in notes
    assert "destroy-key" in notes
    assert to_keep == "to keep: tsu-2"
    assert {"tsu-1", "tsu-2"} <= set(keys.split()), "the old key was destroyed before its use ended"
    assert answer == "granted"
    assert layout.certificate("tsu-1").read_bytes() == first
    assert configuration.with_unit(layout.config.read_text(encoding="utf-8"), "tsu-2", "tsu-1") == text

    assert later(layout, 400)[3] == "granted", "the first key's use has ended"
    assert complete(layout)
    assert later(layout, 360 + 363)[0] != "notes:"
    assert unit(layout) == ("tsu-3", "tsu-3.pem")


def test_a_successor_that_was_made_and_not_named_is_named(layout: Layout) -> None:
    text = layout.config.read_text(encoding="utf-8")
    first = configuration.with_unit(text, unit(layout)[0], "tsu-1")
    put(layout.config, first)
    later(layout, 360)
    before = layout.certificate("tsu-2").read_bytes()
    put(layout.config, first)
    later(layout, 360)
    assert unit(layout) == ("tsu-2", "tsu-2.pem")
    assert layout.certificate("tsu-2").read_bytes() == before
    put(layout.config, text)


def test_a_unit_that_its_owner_wrote_anew_is_its_owners(layout: Layout) -> None:
    text = layout.config.read_text(encoding="utf-8")
    name, _ = unit(layout)
    put(layout.config, text.replace(f'name = "{name}"', f"name = '{name}'"))
    mine = layout.config.read_text(encoding="utf-8")
    notes, to_keep, *_ = later(layout, 4 * 365)
    assert (notes, to_keep) == ("notes:", "to keep: None")
    assert layout.config.read_text(encoding="utf-8") == mine
    put(layout.config, text)
