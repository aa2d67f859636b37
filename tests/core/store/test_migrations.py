"""A migration is history: databases that it made exist, and would not be made anew."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from trustworks.core.store import Database, StoreSettings, schema
from trustworks.issuance import records
from trustworks.issuance.records import notices

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgresql_server import PostgresqlServer

# To change the schema, add a file and its hash here. Never renew a hash that has been released.
FROZEN = {
    "0001_audit.py": "a332b8225774be38c29160ddcdb6e42b4eb9fb029b39b335fd380b135f0c9122",
    "0002_timestamping.py": "daba983d576f1f612fdad6a821d40e43cb3f2af2288c78102d296f8632f0ddf5",
    "0003_issuance.py": "3c78392cf719cda250875987b2b96f1daf879c67caf15c980b6054d5e272d5d9",
    "0004_lost_keys.py": "5dd5023057829bb9e2b65c47f16b0bd3a88e5c934a2872867982032943da16f5",
    "0005_changes_of_status.py": "659846a777d95926b6d9ea04424ab6adf6fda8423992bed1158f96b471613c3f",
    "0006_roles.py": "0824b361c35a46e1b962d482d3cbb247dd27ad9481078925a648114741efc3e6",
    "0007_ceremonies.py": "733ce4f5047e02a4e795b93adc95fe235463814db10c9e7498b3d8da18eb424c",
    "0008_registration.py": "2360882ca70fcc4f23425de15ecb977bfc8000e13a1fbfe520338b6e05cb5b3c",
    "0009_status.py": "86c1dba9ecebe8f36b10326f34b13dec51e60a5f7a47d3b954a9e8183cb8e9f5",
    "0010_enrolment.py": "ed808cdff255cdc35b044c31d5fd26ee307827dd44d00bdd1fa49382e6612332",
    "0011_keys.py": "142fa1bdb3fdcf9ba9c4eb880039c16bb94ff4bc68a823f6643b46d791bede15",
    "0012_acme.py": "62b8734f348cd5e245cd0aed1b167b95e39dfbaa764f159aca17682e36a09ac6",
    "0013_api.py": "cbce8ad5706ea441b807998c2260b8066a88f9cd0e7c113e7af8695739beefb3",
    "0014_revocation_requests.py": "cd1f8299a608bfb2e4b2053c98cee368680879274c3772c9149ae7d09d50f384",
    "0015_blocked_keys.py": "453cff8140cf11c259d1000b4450c8ad8a313dd9ab450588b700c4e674c41731",
    "0016_statements.py": "25b64047e7ff01dcd60034b8e70b1311cc75e266edb4e1abefeadadffa939721",
    "0017_termination.py": "19e66c3001c83c1ccf53d9b7098a27e1bf4e778be84c37472f53a0aa39fc24e3",
    "0018_enrolment_requests.py": "d888f997385bf2752ac6a801e183cb1b0f7f38bfe3b6b8e975eea99e3bbefc0f",
    "0019_search.py": "968a5975b96e8057c2ef419388aff19895340998f371fd86e12ac1f84adba11b",
    "0020_notices.py": "47c54f774b75eef606341b96d3f4c9091cfda13601ebb1e5b59a670bc635985b",
    "0021_key_lists.py": "2ebbea9f7283b2697f4682abe06fff10cea120739cf5162b01e74274378f0d51",
    "0022_renewals.py": "b3f02823ce75a2300a9ccd6a24b9b7644aeeda04c1905eff0397f7d88a81eece",
    "0023_key_successions.py": "518db70cb7de120e6b7e95af105a5136636937060a659ea48f7a12fd6b9929f6",
    "0024_used_approvals.py": "71edaec9ab1b1a13eca12ed0413cdc969a53b0022f9e42e3adf31f3afc01de89",
    "0025_registration_contents.py": "44220472e396c74e9ffdc399deae5659b2ff1870bb7cc7a7775268858f48725e",
    "0026_domain_validations.py": "2f50c309fb9b6136e7390bb5f7af7134bc21c3f5547057eb518b3a44b547f747",
    "0027_mailbox_validations.py": "669de30156767cbc26d7b5f633f118be5c9045f2cdfde36b7d19f40d2cbd3b94",
    "0028_credential_failures.py": "3176d16c44183f959a9803c441e16ba1e11d7eca4c48ae9a5d321435597c5749",
    "0029_held_approvals.py": "92831131b57fa8dc74b71f4b7d2a2d267c354c050a8a58612fd3c8d2bee1d556",
    "0030_device_evidence.py": "ede65d02780b40b6258932bf47e8b6394df3cb57cbdde37faedcc27ffd515a6b",
    "0031_trusted_lists.py": "64a5df819d5c283758f0eecede0e787efea47a5795ccb95a89f019a473f20048",
    "0032_seals.py": "7d6f8d4c84366110fad8675836173dc872d04337aee70c5fb845aa16bd9886e9",
    "0033_agreements.py": "8db7c32fae37698b39236292fdc7a09f9ac764e7d8ebf93ec890d74ccad4ac73",
    "0034_signing_usage.py": "47f913120ad2d3b98521a1499c82f9e8177595b3ebaa61fdccd17c63f7240ee5",
    "0035_assurance.py": "91ac9a8d1e92c19932f4078391408b8ac62dcbb796399a8b6d7a4c54bf490e7c",
    "0036_assurance_evidence.py": "dbd86150a84cf1c63a5d6472e706335e9fd754401503a84a328eed5ee499abbe",
    "0037_incident_ends.py": "cde511ab6163e47dbdd9207c8a60d4962ba2ded6799059de074d6fec5e138f72",
    "0038_dossier_orders.py": "3758b3e547fc205c46910927d28254e5ae5b58e59c5235508f5bf43e79b96ed9",
}


def test_migrations_are_never_changed() -> None:
    versions = resources.files("trustworks.core.store.migrations").joinpath("versions")
    found = {
        entry.name: hashlib.sha256(entry.read_bytes()).hexdigest()
        for entry in versions.iterdir()
        if entry.name[:1].isdigit()
    }
    assert found == FROZEN
    assert max(FROZEN).startswith(schema.head())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def at_0004(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A database of the version before changes of status were counted."""
    url = f"sqlite:///{tmp_path / 'state' / 'old.sqlite'}"
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        server.run("DROP DATABASE IF EXISTS at_0004")
        server.run("CREATE DATABASE at_0004")  # the server is removed with the tests' session
        url = server.url("at_0004")
    upgrade = command.upgrade
    with Database.open(StoreSettings.model_validate({"url": url})) as database:
        monkeypatch.setattr(command, "upgrade", lambda configuration, _: upgrade(configuration, "0004"))
        database.upgrade()
        monkeypatch.undo()
        yield database


@pytest.mark.req("TRUSTWORKS:STATUS-CHANGE-LISTED", "TRUSTWORKS:AUDIT-10")
def test_lists_from_before_changes_were_counted_are_followed_by_a_new_one(at_0004: Database) -> None:
    with at_0004.begin() as connection:
        connection.execute(
            text("INSERT INTO authorities VALUES ('issuing', 'c', '01', 'k', 'token', 'key', NULL, 1)")
        )
        connection.execute(text("INSERT INTO crls VALUES ('issuing', 3, 1, 2, 0, 'list', 1)"))
    at_0004.upgrade()
    with at_0004.read() as connection:
        (head,) = records.crl_heads(connection, "issuing")
        assert (head.number, head.changes, records.changes(connection, "issuing")) == (3, -1, 0)
    for statement in ("UPDATE authorities SET token = 'other'", "UPDATE crls SET changes = 0"):
        with pytest.raises(DBAPIError, match="is append-only"), at_0004.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.req("EN319411-1:REV-6.3.9-03")
def test_notices_to_subjects_wait_on_in_the_outbox_of_all(
    at_0004: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", lambda configuration, _: upgrade(configuration, "0015"))
    at_0004.upgrade()
    monkeypatch.undo()
    rows = (("a", "revoked", 4, None), ("b", "held", 6, 7), ("c", "released", None, None))
    with at_0004.begin() as connection:
        for name, kind, reason, sent in rows:
            connection.execute(
                text("INSERT INTO subject_notices VALUES (:id, '01', :kind, :reason, 5, :sent, 2, NULL)"),
                {"id": name, "kind": kind, "reason": reason, "sent": sent},
            )
    at_0004.upgrade()
    with at_0004.read() as connection:
        found = {one.id: one for one in notices.notices_about(connection, "01")}
    assert {(one.event, one.reason, one.state) for one in found.values()} == {
        ("certificate.revoked", "superseded", "waiting"),
        ("certificate.held", "certificateHold", "sent"),
        ("certificate.released", None, "waiting"),
    }
    assert found["a"].due_at == found["a"].at
    with pytest.raises(DBAPIError, match="append-only"), at_0004.begin() as connection:
        connection.execute(text("DELETE FROM notices WHERE id = 'a'"))
