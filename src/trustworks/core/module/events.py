"""What the audit log is told of tokens and keys.

The functions take an `OnEvent`, which must have made an event durable when it returns; `core.audit.module`
makes one of an open audit log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from trustworks.core.module.health import ensure_probe_key
from trustworks.core.module.uri import Pkcs11Uri

if TYPE_CHECKING:
    from trustworks.core.module.algorithms import KeyAlgorithm
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


def order_token(on_event: OnEvent, label: str) -> None:
    """Tell that a token is about to be made, so that it is known of whatever ends this process meanwhile.

    Raises what `on_event` raises; no token may be made then.
    """
    on_event("module.token-initialisation-ordered", Pkcs11Uri(token=label), {"label": label})


def record_token(on_event: OnEvent, label: str) -> None:
    """Tell that a token was made. Raises what `on_event` raises."""
    on_event("module.token-initialised", Pkcs11Uri(token=label), {"label": label})


def new_key(
    on_event: OnEvent, module: Module, *, label: str, algorithm: KeyAlgorithm, key_id: bytes | None = None
) -> Key:
    """Make a key pair, told before and after: whatever ends this process, the log knows of each key.

    `key_id` is its CKA_ID, for a caller that must know the key again; absent, it is drawn. Raises what
    `on_event` raises, and then there is no key; what `Module.generate_key_pair` raises.
    """
    ordered = {"label": label, "algorithm": algorithm.value}
    if key_id is not None:
        ordered["id"] = key_id.hex()
    on_event("module.key-generation-ordered", module.token_uri, ordered)
    key = module.generate_key_pair(label=label, algorithm=algorithm, key_id=key_id)
    _record_key(on_event, module, key)
    return key


def _record_key(on_event: OnEvent, module: Module, key: Key) -> None:
    """Tell that a key was made; a key that the log does not know of must not stay.

    Raises what `on_event` raises; the key is destroyed then.
    """
    try:
        on_event("module.key-generated", module.token_uri, key_facts(key))
    except BaseException:
        module.destroy(key)
        raise


def destroy_key(on_event: OnEvent, module: Module, key: Key, *, reason: str) -> dict[str, Any]:
    """Destroy a key on this token, told before and after; answers what was told."""
    told = key_facts(key) | {"reason": reason}
    on_event("module.key-destruction-ordered", module.token_uri, told)
    module.destroy(key)
    on_event("module.key-destroyed", module.token_uri, told)
    return told


def add_probe_key(on_event: OnEvent, module: Module) -> None:
    """Make the key that `health` signs with, where it is absent. The module must be open read_write."""
    ensure_probe_key(module, partial(new_key, on_event, module))
