"""Acts of custody with their records: the mechanism of `core.module`, told before and entered after.

What is ordered is in the audit log before anything is done, so that whatever ends the process is known of;
what was done is entered in the register. A process that ends between the two is resolved by the same act
again: a key that came back already is found, proven and entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.module import backup as backups
from trustworks.core.module import transfer
from trustworks.core.module.states import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.keys.register import KeyRegister
    from trustworks.core.module import Key, KeyAlgorithm, Module
    from trustworks.core.module.backup import Backup
    from trustworks.core.module.custodians import Custodian
    from trustworks.core.module.events import OnEvent
    from trustworks.core.module.openings import Opening, Request
    from trustworks.core.module.transfer import Drill


def make_key_with_backup(
    register: KeyRegister,
    on_event: OnEvent,
    module: Module,
    *,
    label: str,
    algorithm: KeyAlgorithm,
    custodians: Sequence[Custodian],
    threshold: int,
    keep: Callable[[Backup], None],
    state: KeyState = KeyState.OPERATIONAL,
    reason: str = "",
    key_id: bytes | None = None,
) -> tuple[Key, Backup]:
    """Make a key with its backup and enter both; a key that the register does not take is destroyed again.

    `keep` makes the backup's file durable, before the key has its place; `key_id` is the key's CKA_ID, drawn
    where it is absent. Raises what
    `generate_with_backup` raises, and what `on_event` and the register raise.
    """
    names: list[str] = [one.name for one in custodians]
    on_event(
        "module.key-generation-ordered",
        module.token_uri,
        {"label": label, "algorithm": algorithm.value, "custodians": names, "threshold": threshold},
    )
    key, backup = backups.generate_with_backup(
        module,
        label=label,
        algorithm=algorithm,
        custodians=custodians,
        threshold=threshold,
        keep=keep,
        key_id=key_id,
    )
    try:
        register.enter(key, state=state, reason=reason, backup=backup)
    except BaseException:
        module.destroy(key)
        raise
    return key, backup


def finish(
    register: KeyRegister, module: Module, request: Request, backup: Backup, opening: Opening
) -> tuple[Key, KeyState]:
    """Bring a key to the target and enter it; answers the key and its state from then on.

    Raises what `transfer.finish` raises, and `Rejected` (keys.state) for a key whose life has ended.
    """
    register.order_return(request, backup, opening, token=module.token_uri)
    key = transfer.finish(module, request, backup, opening)
    entry = register.restored(
        backup,
        token=key.uri,
        custodians=opening.opened_by,
        transfer=request.purpose == "transfer",
    )
    transfer.abandon(module, request)  # last: until it is entered, the same files bring it to its end
    return key, entry.state


def drill(register: KeyRegister, module: Module, request: Request, backup: Backup, opening: Opening) -> Drill:
    """Show that a backup brings its key back, and date it in the register. Raises as `transfer.drill`."""
    register.order_return(request, backup, opening, token=module.token_uri)
    found = transfer.drill(module, request, backup, opening)
    register.drilled(backup, token=module.token_uri, custodians=opening.opened_by, nonce=found.nonce)
    transfer.abandon(module, request)
    return found
