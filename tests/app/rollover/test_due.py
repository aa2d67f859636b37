"""What is told of keys that are due: for each kind what the clock does, and what people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rollover_testbed import open_site

from trustworks.app.configuration import config
from trustworks.app.rollover.due import Scheduled, left_to_people, schedule, waiting_requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)
TEXT = """
[provider]
name = "Example TSP"

[timestamping]
policies = ["2.999.1"]

[[timestamping.units]]
name = "tsu"
certificate = "tsu.pem"

[issuance]
organization = "Example TSP"

[issuance.ocsp]
certificate = "ocsp.pem"

[signing]
[[signing.seals]]
name = "main"
key = "seal"
certificate = "ocsp.pem"

[http]
tls-listen = "127.0.0.1:8443"
tls-certificate = "ocsp.pem"
tls-key = "tls.key"
"""


def one(name: str, due: datetime, *, unattended: bool = False) -> Scheduled:
    return Scheduled(name=name, end=due + DAY, due=due, how=f"do {name}", unattended=unattended)


@pytest.mark.req("TRUSTWORKS:ROLLOVER-TOLD")
def test_people_are_told_of_what_the_clock_does_not_do(tmp_path: Path) -> None:
    assert left_to_people([one("later", NOW + DAY), one("alone", NOW, unattended=True)], NOW) is None
    (tmp_path / "tsu-2.csr").write_bytes(b"")
    (tmp_path / "tsu-3.csr").write_bytes(b"")
    (tmp_path / "tsu-3.pem").write_bytes(b"")
    requests = waiting_requests(tmp_path)
    told = left_to_people([one("audit", NOW)], NOW, requests)
    assert told is not None
    assert "audit: do audit" in told
    assert "tsu-2.csr to its authority" in told
    assert "tsu-3" not in told


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_each_kind_has_its_own_advice(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> None:
    with open_site(database, make_token(), softhsm, tmp_path) as site:
        site.publish()

        def advice(*unattended: str) -> dict[str, Scheduled]:
            given = ", ".join(f'"{name}"' for name in unattended)
            text = f"{TEXT}\n[rollover]\nunattended = [{given}]\n"
            read = config.parse(text, tmp_path / "trustworks.toml").config
            with database.read() as connection:
                return {found.name: found for found in schedule(read, connection)}

        found = advice()
        assert "openssl req" in found["HTTPS"].how
        assert "ceremony plan root" in found["authority root"].how
        assert "state/rollover/issuing-2.toml" in found["authority issuing"].how
        assert "profile tsu" in found["Time-stamping unit tsu"].how
        assert "profile ocsp-signer" in found["OCSP responder ocsp"].how
        assert "[[signing.seals]]" in next(one.how for name, one in found.items() if "Seal main" in name)
        assert not any(entry.unattended for entry in found.values())
        found = advice("ocsp", "tsu", "authority")
        alone = {entry.name for entry in found.values() if entry.unattended}
        assert alone == {"authority issuing", "Time-stamping unit tsu", "OCSP responder ocsp"}
        assert "the jobs make the next key" in found["Time-stamping unit tsu"].how
        site.clock.advance(days=2500)
        site.authority.round(site.clock.moment)
        site.unit.round(site.clock.moment)
        site.ocsp_file.unlink()
        told = site.authority_by(site.make)
        told._responder = None
        told.round(site.clock.moment)
        found = advice()
        old = found["authority issuing"]
        assert "issuing-2 issues in its place" in old.how
        assert "keys rollover end issuing" in old.how
        assert not old.is_due(site.clock.moment)
        assert old.is_due(old.end)
        assert "issuing-3" in found["authority issuing-2"].how
