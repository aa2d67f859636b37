"""What the audit log is told of tokens and keys.

The functions take an `OnEvent`, which must have made an event durable when it returns; `core.audit.module`
makes one of an open audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trustworks.core.module.uri import Pkcs11Uri

if TYPE_CHECKING:
    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module

OnEvent = Callable[[str, Pkcs11Uri, dict[str, Any]], None]  # type of the event, token, detail


def key_facts(key: Key) -> dict[str, Any]:
    """What is told of a key, as JSON values."""
    return {
        "label": key.label,
        "id": key.key_id.hex(),
        "algorithm": key.algorithm.value,
        "spki_sha256": key.spki_sha256.hex(),
        "uri": str(key.uri),
    }


def record_token(on_event: OnEvent, label: str) -> None:
    """Tell that a token was made. Raises what `on_event` raises."""
    on_event("module.token-initialised", Pkcs11Uri(token=label), {"label": label})


def record_key(on_event: OnEvent, module: Module, key: Key) -> dict[str, Any]:
    """Tell that a key was made, and answer its facts; a key that the log does not know of must not stay.

    Raises what `on_event` raises; the key is destroyed then.
    """
    facts = key_facts(key)
    try:
        on_event("module.key-generated", module.token_uri, facts)
    except BaseException:
        module.destroy(key)
        raise
    return facts


def add_probe_key(on_event: OnEvent, module: Module) -> None:
    """Make the key that `health` signs with, where it is absent. The module must be open read_write."""
    key, made = module.ensure_probe_key()
    if made:
        record_key(on_event, module, key)
