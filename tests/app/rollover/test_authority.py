"""The issuing authority's next generation: what does not follow, the plan, the moment, who issues then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from rollover_testbed import Site, open_site
from sqlalchemy import text

from trustworks.app.rollover.authority import follows_from, longest_days
from trustworks.core.ceremony import plan as plans
from trustworks.core.errors import Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import Succession
from trustworks.core.keys.successions import decide
from trustworks.issuance import records
from trustworks.issuance.orders import USE_OF_ISSUING, authority_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)
ONE_DATABASE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
UNTIL_DUE = 3652 - 1185 + 1  # days of the issuing authority's ten years


@pytest.fixture
def site(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> Iterator[Site]:
    with open_site(database, make_token(), softhsm, tmp_path) as opened:
        opened.publish()
        yield opened


def issuer(site: Site, **changes: Any) -> str:
    made = site.issuance.issue(site.provider.request("tls-server", **changes))
    with site.database.read() as connection:
        found = records.certificate(connection, made.serial)
    assert found is not None
    return found.authority


def succession(at: datetime, name: str = "issuing-2", generation: int = 2) -> Succession:
    return Succession(
        use=USE_OF_ISSUING, generation=generation, name=name, spki_sha256="ab" * 32, from_at=at,
        decided_at=NOW, decided_by="jobs",
    )  # fmt: skip


@pytest.mark.req("TRUSTWORKS:ROLLOVER-AUTHORITY-MOMENT")
def test_the_next_generation_issues_in_time_for_the_longest_certificate() -> None:
    assert longest_days() == 1095
    assert follows_from(NOW, NOW + 2000 * DAY, 30) == NOW + 30 * DAY
    assert follows_from(NOW, NOW + 1105 * DAY, 30) == NOW + 10 * DAY
    assert follows_from(NOW, NOW + 900 * DAY, 30) == NOW


@pytest.mark.req("TRUSTWORKS:ROLLOVER-AUTHORITY-FOLLOWED")
def test_who_issues_is_told_by_the_moment() -> None:
    found = [succession(NOW), succession(NOW + DAY, "issuing-3", 3)]
    moments = (NOW - DAY, NOW, NOW + DAY)
    assert [authority_at("issuing", found, one) for one in moments] == ["issuing", "issuing-2", "issuing-3"]
    assert authority_at("root", found, NOW) == "root"


@ONE_DATABASE
def test_a_decision_is_made_once(site: Site) -> None:
    first = decide(site.recorder, succession(NOW))
    assert decide(site.recorder, succession(NOW + DAY)) == first
    with site.database.read() as connection:
        assert key_records.successions(connection, USE_OF_ISSUING) == [first]
        told = connection.execute(text("SELECT type FROM audit_events")).scalars().all()
    assert told.count("key.succession-decided") == 1


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-AUTHORITY", "EN319411-1:GEN-6.5.1-08", "EN319411-1:GEN-6.5.1-09")
def test_the_plan_of_the_ceremony_is_written_when_it_is_due(site: Site, tmp_path: Path) -> None:
    rollover = site.authority_by(None)
    assert rollover.round(site.clock.moment) == "Nothing is due."
    site.clock.advance(days=UNTIL_DUE)
    (tmp_path / "rollover").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be written"):
        rollover.round(site.clock.moment)
    (tmp_path / "rollover").unlink()
    told = rollover.round(site.clock.moment)
    file = tmp_path / "rollover" / "issuing-2.toml"
    assert f"fill in the plan {file}" in told
    plan = plans.read_file(file).plan
    assert (plan.type, plan.name, plan.approvals) == ("sub-ca", "rollover-issuing-2", 2)
    assert not plan.unattended
    file.write_text(f"{file.read_text()}# filled in by people\n")
    rollover.round(site.clock.moment)
    assert "filled in by people" in file.read_text()


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-AUTHORITY", "TRUSTWORKS:ROLLOVER-AUTHORITY-FOLLOWED")
def test_new_certificates_follow_by_themselves(site: Site) -> None:
    site.clock.advance(days=UNTIL_DUE - 2)
    site.make_authority("issuing-2", "TEST Issuing CA 2")
    assert site.authority.round(site.clock.moment) == "Nothing is due."  # before its time none follows
    site.clock.advance(days=2)
    site.responder.round(site.clock.moment)
    site.publish()
    told = site.authority.round(site.clock.moment)
    assert "issuing-2 issues from" in told
    assert issuer(site) == "issuing"
    with site.database.read() as connection:
        (decided,) = key_records.successions(connection, USE_OF_ISSUING)
        signer = x509.load_pem_x509_certificate(site.ocsp_file.read_bytes())
    assert decided.from_at == (site.clock.moment + 30 * DAY).replace(microsecond=0)
    assert [one.name for one in site.issuance.generations()] == ["issuing-2", "issuing"]
    site.clock.advance(days=30)
    assert issuer(site) == "issuing-2"
    assert issuer(site, authority="issuing") == "issuing"  # who names it, gets it
    assert site.authority.round(site.clock.moment) == "Nothing is due."
    assert signer.issuer.rfc4514_string().startswith("CN=Trustworks TEST Issuing CA")


@ONE_DATABASE
@pytest.mark.req("TRUSTWORKS:ROLLOVER-AUTHORITY")
def test_an_authority_on_another_token_does_not_follow(site: Site) -> None:
    site.clock.advance(days=UNTIL_DUE)
    with site.database.read() as connection:
        present = records.authority(connection, "issuing")
    assert present is not None
    other = replace(present, name="issuing-2", token="elsewhere", spki_sha256=bytes(32))
    with site.database.begin() as connection:
        records.add_authority(connection, other)
    assert "does not follow issuing by itself" in site.authority.round(site.clock.moment)
    assert issuer(site) == "issuing"
