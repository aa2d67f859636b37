"""Before anything is started: what is installed is what was signed, and no PIN is a default."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from integrity_testbed import Installation
from structlog.testing import capture_logs

from trustworks.app.processes import starting
from trustworks.app.processes.supervisor import ProcessSpec, Supervisor
from trustworks.app.processes.tasks import tasks
from trustworks.app.web import checks
from trustworks.app.wiring import Wiring, installed
from trustworks.assurance.integrity import standing
from trustworks.assurance.model import InstallationState
from trustworks.core.audit.records import events
from trustworks.core.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Provider:
    """A provider outside of a laboratory, whose installation is a small tree."""

    folder: Path
    bed: Installation

    def wiring(self, *, lab: bool = False, manifest: bool = True, keys: bool = True) -> Wiring:
        lines = [
            *("[provider]", 'name = "TEST provider"', f"lab = {str(lab).lower()}"),
            *("[module]", 'approval = "state/module-approval.json"'),
            *("[tokens]", 'tsu = "pkcs11:token=tsu?pin-source=file:tsu.pin"' if keys else ""),
        ]
        if manifest:
            lines += ["[integrity]", 'manifest = "../manifest"', 'key = "../public.pem"']
        file = self.folder / "trustworks.toml"
        file.write_text("\n".join(lines), encoding="utf-8")
        made = Wiring.lazy(file)
        made.run_dir.mkdir(exist_ok=True)
        return made

    def pin(self, value: str) -> None:
        file = self.folder / "tsu.pin"
        file.write_text(value + "\n", encoding="utf-8")
        file.chmod(0o600)


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Provider:
    bed = Installation(tmp_path)
    bed.sign()
    (tmp_path / "house").mkdir()
    made = Provider(tmp_path / "house", bed)
    made.pin(secrets.token_urlsafe(12))
    monkeypatch.setattr(installed, "roots", lambda _config: (bed.place,))
    monkeypatch.setattr(installed, "sys", SimpleNamespace(path=[str(bed.tree / "lib")]))
    return made


def upgraded(wiring: Wiring) -> Wiring:
    with wiring.open_database(check=False) as database:
        database.upgrade()
    return wiring


def recorded(wiring: Wiring) -> list[str]:
    with wiring.open_database() as database, database.read() as connection:
        found = connection.execute(events.select().order_by(events.c.time)).all()
    return [one.type for one in found if one.type.startswith("integrity.")]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_what_is_as_signed_starts_with_bytecode_of_its_own(provider: Provider) -> None:
    wiring = provider.wiring()
    environment = starting.check(wiring)
    assert environment["PYTHONPYCACHEPREFIX"] == str(wiring.run_dir / "bytecode")
    assert standing.read(wiring.run_dir).ok


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_what_differs_does_not_start_and_the_audit_log_knows_why(provider: Provider) -> None:
    wiring = upgraded(provider.wiring())
    provider.bed.write("lib/evil.pth", b"import evil\n")
    with pytest.raises(Refused, match=r"tree/lib/evil.pth \(added\)"):
        starting.check(wiring)
    assert recorded(wiring) == ["integrity.differs"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_it_does_not_start_either_where_the_audit_log_cannot_be_written(provider: Provider) -> None:
    provider.bed.write("lib/evil.pth", b"import evil\n")
    with capture_logs() as told, pytest.raises(Refused):
        starting.check(provider.wiring())
    assert [one["event"] for one in told] == ["integrity.not-recorded"]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_without_a_manifest_only_what_has_no_keys_starts(provider: Provider) -> None:
    with pytest.raises(Refused, match="No manifest of this installation is named"):
        starting.check(provider.wiring(manifest=False))
    assert starting.check(provider.wiring(manifest=False, keys=False))["PYTHONSAFEPATH"] == "1"


def test_a_laboratory_starts_and_says_what_differs(provider: Provider) -> None:
    provider.bed.write("lib/evil.pth", b"import evil\n")
    with capture_logs() as told:
        assert "PYTHONPYCACHEPREFIX" in starting.check(provider.wiring(lab=True))
    assert "evil.pth" in told[0]["reason"]
    assert starting.check(provider.wiring(lab=True, manifest=False)) == {}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_a_library_that_is_gone_is_no_reason_to_start(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_config: object) -> Any:
        raise Unavailable("module.library-absent", "There is no such file.")

    monkeypatch.setattr(installed, "roots", gone)
    with pytest.raises(Refused, match="There is no such file"):
        starting.check(provider.wiring())


@pytest.mark.parametrize("keys", [True, False])
def test_the_library_of_the_module_is_a_root_where_there_are_keys(
    softhsm: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch, *, keys: bool
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("TRUSTWORKS_PKCS11_LIBRARY", str(softhsm))
    found = installed.roots(provider.wiring(keys=keys).config)
    assert [one.only for one in found if one.root == "module"] == (
        [(softhsm.resolve().name,)] if keys else []
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INSTALLATION")
def test_for_evidence_the_last_look_of_the_processes_counts_while_it_is_new(provider: Provider) -> None:
    wiring = provider.wiring()
    now = datetime.now(UTC)

    def found(after: timedelta = timedelta()) -> InstallationState:
        return wiring.evidence_sources().installation(now + after).state

    provider.bed.write("lib/evil.pth", b"import evil\n")
    assert found() is InstallationState.DIFFERS  # nobody has looked: it is looked at now
    (provider.bed.tree / "lib/evil.pth").unlink()
    starting.check(wiring)
    provider.bed.write("lib/evil.pth", b"import evil\n")
    assert found() is InstallationState.INTACT
    assert found(timedelta(hours=3)) is InstallationState.DIFFERS  # no process has looked for too long
    nobody = provider.wiring(manifest=False).evidence_sources().installation(now)
    assert (nobody.at, nobody.state) == (now, InstallationState.UNSIGNED)


# By the clock


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-WATCHED")
def test_the_jobs_look_again_and_the_health_answer_and_the_log_tell(provider: Provider) -> None:
    wiring = upgraded(provider.wiring(keys=False))
    starting.check(wiring)
    (task,) = [one for one in tasks(wiring, Any) if one.name == "integrity"]  # type: ignore[arg-type]
    services: Any = type("Services", (), {"wiring": wiring})()
    with ExitStack() as stack:
        look: Callable[[ExitStack], object] = task._work
        look(stack)
        assert checks.integrity(services).detail["manifest"] == standing.read(wiring.run_dir).manifest
        provider.bed.write("lib/evil.pyc", b"")
        look(stack)
        with pytest.raises(Unavailable, match=r"tree/lib/evil.pyc \(bytecode\)") as caught:
            checks.integrity(services)
        assert caught.value.code == "integrity.differs"
        (provider.bed.tree / "lib/evil.pyc").unlink()
        look(stack)
        assert checks.integrity(services).sentence.startswith("5 files and links are as signed")
    assert recorded(wiring) == ["integrity.checked", "integrity.differs", "integrity.checked"]


# The environment of processes


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-OWN-BYTECODE")
@pytest.mark.parametrize("forked", [True, False])
def test_processes_have_the_environment_that_the_start_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, forked: bool
) -> None:
    (tmp_path / "told_child.py").write_text(
        "import pathlib, sys\n"
        "def main(arguments):\n"
        "    pathlib.Path(arguments[0]).write_text(f'{sys.pycache_prefix} {sys.flags.safe_path}')\n"
        "if __name__ == '__main__':\n"
        "    main(sys.argv[1:])\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    told = tmp_path / "told"
    spec = ProcessSpec(name="child", module="told_child", arguments=(str(told),))
    environment = {"PYTHONPYCACHEPREFIX": str(tmp_path / "own"), "PYTHONSAFEPATH": "1"}
    supervisor = Supervisor([spec], imports=("json",) if forked else (), environment=environment)

    def report(_states: object) -> bool:
        if told.exists() and told.read_text("utf-8"):
            supervisor.stop()
        return False

    supervisor._report = report
    supervisor.run()
    assert told.read_text("utf-8") == f"{tmp_path / 'own'} True"


# PINs


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DEFAULT-CREDENTIALS")
@pytest.mark.parametrize(
    "pin", ["1234", "12345678", "648219", "88888888", "0000000000", "Userpin1", "abcabcabc", "a1B2c3"]
)
def test_services_do_not_start_with_a_default_pin(provider: Provider, pin: str) -> None:
    provider.pin(pin)
    with pytest.raises(Refused, match="The PIN of the token tsu") as caught:
        starting.check(provider.wiring())
    assert caught.value.requirement == "TRUSTWORKS:MODULE-PIN-STRENGTH"
    assert pin not in str(caught.value)
    starting.check(provider.wiring(lab=True))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DEFAULT-CREDENTIALS")
def test_a_pin_that_is_not_there_yet_is_for_who_opens_the_token(provider: Provider) -> None:
    (provider.folder / "tsu.pin").unlink()
    assert starting.pins(provider.wiring()) == {}
    starting.check(provider.wiring())
