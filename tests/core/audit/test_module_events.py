"""What is done to tokens and keys, in the audit log."""

from __future__ import annotations

from operator import attrgetter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trustworks.core.account import account
from trustworks.core.audit.module import module_events
from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.events import add_probe_key, key_facts, new_key, order_token, record_token

if TYPE_CHECKING:
    from trustworks.core.audit import Event
    from trustworks.core.module import Pkcs11Uri


def test_an_event_names_token_account_and_key_and_no_pin(module: Module) -> None:
    recorded: list[Event] = []
    recorder: Any = SimpleNamespace(record=recorded.append)
    on_event = module_events(recorder)
    order_token(on_event, "new")
    record_token(on_event, "new")
    facts = key_facts(new_key(on_event, module, label="k", algorithm=KeyAlgorithm.P256))
    for _ in range(2):
        add_probe_key(on_event, module)  # the second finds it
    assert [(one.type, one.detail["label"]) for one in recorded] == [
        ("module.token-initialisation-ordered", "new"),
        ("module.token-initialised", "new"),
        ("module.key-generation-ordered", "k"),
        ("module.key-generated", "k"),
        ("module.key-generation-ordered", "trustworks-probe"),
        ("module.key-generated", "trustworks-probe"),
    ]
    assert recorded[2].detail == {"label": "k", "algorithm": "P-256"}
    assert recorded[3].detail == facts
    assert facts["spki_sha256"] == module.key(label="k").spki_sha256.hex()
    assert {(one.actor, one.outcome) for one in recorded} == {(account(), "success")}
    assert {str(one.subject) for one in recorded[2:]} == {
        str({"kind": "module", "token": str(module.token_uri)})
    }
    assert "pin" not in str([one.subject for one in recorded])


class Killed(BaseException):
    """The process ends here."""


def test_a_key_that_was_made_just_before_a_kill_is_in_the_log_as_ordered(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str, str]] = []

    def on_event(kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        events.append((kind, str(token), detail["label"]))

    genuine = Module.generate_key_pair

    def killed(*arguments: Any, **options: Any) -> None:
        genuine(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Module, "generate_key_pair", killed)
        with pytest.raises(Killed):
            add_probe_key(on_event, module)
        with pytest.raises(Killed):
            new_key(on_event, module, label="k", algorithm=KeyAlgorithm.P256)
    add_probe_key(on_event, module)
    here = str(module.token_uri)
    assert sorted(map(attrgetter("label"), module.keys())) == ["k", "trustworks-probe"]
    assert events == [
        ("module.key-generation-ordered", here, "trustworks-probe"),
        ("module.key-generation-ordered", here, "k"),
    ]


@pytest.mark.parametrize("taken", [0, 1])
def test_a_key_that_no_log_takes_does_not_stay(module: Module, taken: int) -> None:
    room = iter(range(taken))

    def full(*_: object) -> None:
        if next(room, None) is None:
            raise Unavailable("audit.unwritable", "The log is full.")

    with pytest.raises(Unavailable, match="The log is full"):
        add_probe_key(full, module)
    assert module.keys() == []
