"""What keeps an authority's end, and the destruction of its key, back: pure rules, and the register."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from issuance_testbed import open_provider

from trustworks.app.ceremonies.authorities import DestroyingLast
from trustworks.app.last_copies import loss_check
from trustworks.app.termination.generation import check_may_end
from trustworks.core.ceremony.executor import Action
from trustworks.core.errors import Refused
from trustworks.core.keys import KeyRegister, registered_events
from trustworks.core.keys.model import Succession
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.events import destroy_key
from trustworks.issuance.model import AuthorityRecord
from trustworks.issuance.orders import USE_OF_ISSUING, ended_by
from trustworks.issuance.records import Left
from trustworks.issuance.rules.authorities import check_last_status
from trustworks.issuance.termination import Ending, check_destruction

if TYPE_CHECKING:
    from trustworks.core.module import Module
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FOLLOWED = Succession(
    use=USE_OF_ISSUING, generation=2, name="issuing-2", spki_sha256="ab" * 32, from_at=NOW, decided_at=NOW,
    decided_by="jobs",
)  # fmt: skip

AUTHORITY = AuthorityRecord(
    name="issuing", serial="01", certificate=b"", spki_sha256=bytes(32), token="issuing", key_label="issuing",
    parent="root", created_at=NOW,
)  # fmt: skip


@pytest.mark.req("TRUSTWORKS:ROLLOVER-END")
def test_an_authority_does_not_end_before_its_time() -> None:
    issuing, second, root = (AUTHORITY, replace(AUTHORITY, name="issuing-2"), replace(AUTHORITY, parent=None))
    check_may_end(issuing, (FOLLOWED,), (), NOW)
    check_may_end(replace(AUTHORITY, name="seals"), (), (), NOW)  # beside those that follow one another
    with pytest.raises(Refused, match="no authority has followed it"):
        check_may_end(issuing, (), (), NOW)
    with pytest.raises(Refused, match="no authority has followed it"):
        check_may_end(second, (FOLLOWED,), (), NOW)
    with pytest.raises(Refused, match="no authority has followed it"):
        check_may_end(issuing, (FOLLOWED,), (), NOW - timedelta(days=1))
    with pytest.raises(Refused, match="it is to follow another one"):
        check_may_end(second, (FOLLOWED,), (), NOW - timedelta(days=1))
    with pytest.raises(Refused, match="it is a root"):
        check_may_end(root, (FOLLOWED,), (), NOW)
    left = (Left("tsu", 2, NOW + timedelta(days=3)), Left("tls-server", 1, NOW + timedelta(days=1)))
    with pytest.raises(Refused, match=r"until 2026-12-01 00:00 UTC \(2 of tsu, 1 of tls-server\)"):
        check_may_end(issuing, (FOLLOWED,), left, NOW)


@pytest.mark.req("TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST")
def test_a_key_that_is_needed_still_is_not_destroyed() -> None:
    check_last_status("issuing", listed=True, answered=True)
    with pytest.raises(Refused, match="last list is not published: nothing"):
        check_last_status("issuing", listed=False, answered=True)
    with pytest.raises(Refused, match="last answers are missing"):
        check_last_status("issuing", listed=True, answered=False)


class Gone(Action):
    """Destroys, in a ceremony."""

    def __init__(self, spki_sha256: str) -> None:
        self.spki_sha256 = spki_sha256
        self.done = 0

    def prepare(self, step: Any) -> dict[str, Any]:
        del step
        return {"spki_sha256": self.spki_sha256}

    def perform(self, step: Any, prepared: dict[str, Any]) -> dict[str, Any]:
        del step
        self.done += 1
        return prepared


@pytest.mark.req("TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST")
def test_the_last_copy_of_an_authority_s_key_waits_for_the_last_status(
    module: Module, database: Database
) -> None:
    root = module.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
    issuing = module.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
    here = module.token_uri.serial
    with open_provider(database, root, issuing) as provider:
        provider.issuance.create_root(root, by="ceremony")
        provider.issuance.create_issuing(issuing, by="ceremony")
        made = provider.issuance.issue(provider.request("tls-server"))
        KeyRegister(provider.recorder, by="officer").enter(issuing)
        spki = issuing.spki_sha256.hex()
        desk: Any = SimpleNamespace(
            wiring=SimpleNamespace(config=SimpleNamespace(issuance=object())),
            database=database,
            module=lambda _: module,
        )
        action = Gone(spki)
        guarded = DestroyingLast(desk, action)
        step = SimpleNamespace(kind="destroy-key", token="issuing")

        def look(key: str = spki, **gone: Any) -> None:
            with database.read() as connection:
                check_destruction(connection, key, **gone)

        look("00" * 32, token=here)  # no authority's
        look(token="elsewhere")  # this copy stays
        cases: tuple[dict[str, Any], ...] = ({"token": here}, {"token": here, "backup": "ab"})
        for gone in cases:
            with pytest.raises(Refused, match="last list is not published and last answers"):
                look(**gone)
        with pytest.raises(Refused, match="keys rollover end issuing"):
            guarded.prepare(step)
        # A step that an interrupted run began is looked at again: meanwhile the other copy may have gone.
        with pytest.raises(Refused, match="keys rollover end issuing"):
            guarded.perform(step, {"spki_sha256": spki})
        assert action.done == 0
        told = registered_events(provider.recorder, may_go=loss_check(desk.wiring.config))
        with pytest.raises(Refused, match="keys rollover end issuing"):
            destroy_key(told, module, issuing, reason="it goes")
        assert module.has(label="issuing")
        ending = Ending(
            "issuing", plan=ended_by("issuing-2"), by="officer", database=database,
            recorder=provider.recorder, clock=provider.clock,
        )  # fmt: skip
        ending.close()
        with pytest.raises(Refused, match="because of end:followed-by-issuing-2"):
            provider.issuance.issue(provider.request("tls-server"))
        provider.clock.advance(days=400)
        assert ending.answer(issuing, cert_hash=False) == 1
        with pytest.raises(Refused, match="last list is not published: nothing"):
            look(token=here)
        assert made.serial
