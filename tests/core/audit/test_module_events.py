"""What is done to tokens and keys, in the audit log."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.account import account
from trustworks.core.audit.module import module_events
from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.events import add_probe_key, record_key, record_token

if TYPE_CHECKING:
    from trustworks.core.audit import Event


def test_an_event_names_token_account_and_key_and_no_pin(module: Module) -> None:
    recorded: list[Event] = []
    recorder: Any = SimpleNamespace(record=recorded.append)
    on_event = module_events(recorder)
    record_token(on_event, "new")
    facts = record_key(on_event, module, module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256))
    for _ in range(2):
        add_probe_key(on_event, module)  # the second finds it
    assert [(one.type, one.detail["label"]) for one in recorded] == [
        ("module.token-initialised", "new"),
        ("module.key-generated", "k"),
        ("module.key-generated", "trustworks-probe"),
    ]
    assert recorded[1].detail == facts
    assert facts["spki_sha256"] == module.key(label="k").spki_sha256.hex()
    assert {(one.actor, one.outcome) for one in recorded} == {(account(), "success")}
    assert recorded[1].subject == {"kind": "module", "token": str(module.token_uri)}
    assert "pin" not in str([one.subject for one in recorded])


def test_a_key_that_no_log_takes_does_not_stay(module: Module) -> None:
    def full(*_: object) -> None:
        raise Unavailable("audit.unwritable", "The log is full.")

    with pytest.raises(Unavailable, match="The log is full"):
        add_probe_key(full, module)
    assert module.keys() == []
