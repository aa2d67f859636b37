"""A time-stamping authority over a real module and a real database, with a clock that tests steer."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from timestamping_testbed import Pki, SteeredClock, Stopwatch

from trustworks.core.audit import Recorder
from trustworks.core.module import Key, KeyAlgorithm, Module
from trustworks.core.store import Database, StoreSettings
from trustworks.core.time import TimeSettings
from trustworks.timestamping import wire
from trustworks.timestamping.config import TimestampingSettings
from trustworks.timestamping.service import TimestampingAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

POLICY = "2.999.3161.7"
OTHER_POLICY = "2.999.3161.8"


@pytest.fixture(scope="module")
def tsu_module(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[Module]:
    """A token with one P-256 key for all tests that need no other."""
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as opened:
        opened.generate_key_pair(label="tsu-1", algorithm=KeyAlgorithm.P256)
        opened.generate_key_pair(label="tsu-2", algorithm=KeyAlgorithm.P256)
        yield opened


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def certificate(tsu_module: Module, pki: Pki) -> Path:
    return pki.certify(tsu_module.key("tsu-1"))


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A fresh SQLite database; records are tested on PostgreSQL too, by `database`."""
    file = tmp_path / "records.sqlite"
    shutil.copy(sqlite_template, file)
    settings = StoreSettings.model_validate({"url": f"sqlite:///{file}"})
    with Database.open(settings) as opened:
        yield opened


@pytest.fixture
def clock() -> SteeredClock:
    return SteeredClock()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def recorder(sqlite: Database) -> Iterator[Recorder]:
    with Recorder.open(sqlite, "tsa") as opened:
        yield opened


@pytest.fixture
def settings_of(pki: Pki, certificate: Path) -> Callable[..., TimestampingSettings]:
    """A function from keys of [timestamping], with underscores, to settings of one unit, or of `units`."""

    def make(**given: Any) -> TimestampingSettings:
        unit = {"name": "tsu-1", "certificate": str(certificate), "chain": str(pki.chain_file)}
        unit |= given.pop("unit", {})
        document = {"policies": [POLICY, OTHER_POLICY], "units": [unit]} | given
        return TimestampingSettings.model_validate(
            {key.replace("_", "-"): value for key, value in document.items()}
        )

    return make


@pytest.fixture
def authority_of(
    tsu_module: Module,
    clock: SteeredClock,
    stopwatch: Stopwatch,
    sqlite: Database,
    recorder: Recorder,
    settings_of: Callable[..., TimestampingSettings],
) -> Callable[..., TimestampingAuthority]:
    """A function from settings to an authority; `lab`, `keys` and `time` are given apart."""

    def make(
        *,
        lab: bool = False,
        keys: Callable[[str], Key] | None = None,
        time: dict[str, Any] | None = None,
        revoked: Callable[[int], str | None] = lambda _: None,
        **given: Any,
    ) -> TimestampingAuthority:
        return TimestampingAuthority(
            settings_of(**given),
            keys=keys or tsu_module.key,
            clock=clock,
            time_settings=time_settings(clock, **(time or {})),
            recorder=recorder,
            database=sqlite,
            lab=lab,
            revoked=revoked,
            monotonic=stopwatch,
        )

    return make


def time_settings(clock: SteeredClock, **given: Any) -> TimeSettings:
    document: dict[str, Any] = {"mode": clock.mode}
    if clock.mode == "enforce":
        document |= {"sources": ["chrony"], "traceable-to": ["UTC(TEST)"]}
    return TimeSettings.model_validate(document | given)


@pytest.fixture
def authority(authority_of: Callable[..., TimestampingAuthority]) -> TimestampingAuthority:
    return authority_of()


@pytest.fixture
def query() -> Callable[..., bytes]:
    """A function that writes a request over the SHA-256 of `data`."""

    def make(data: bytes = b"a document", **given: Any) -> bytes:
        return wire.encode_request(hashlib.sha256(data).digest(), "sha256", **given)

    return make


@pytest.fixture
def two_units(pki: Pki, tsu_module: Module, certificate: Path) -> list[dict[str, Any]]:
    second = pki.certify(tsu_module.key("tsu-2"))
    return [
        {"name": "tsu-1", "certificate": str(certificate), "policies": ["2.999.3161.7"]},
        {"name": "tsu-2", "certificate": str(second), "policies": ["2.999.3161.8"], "qualified": True},
    ]
