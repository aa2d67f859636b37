"""A laboratory's modules in the register of products: where nobody entered them, a dossier would say nothing.

Elsewhere whoever is responsible enters what he bought; a laboratory has nobody, and its tokens are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.assurance.collecting.collector import product_on
from trustworks.assurance.model import Binding, Product, ProductKind
from trustworks.assurance.service import Register, products_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database

# The processes that stand on a token, by service; each makes its keys there and uses them there.
_PROCESSES: Final[Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]]] = {
    "root": (("certificates", "ca_key_generation", ("keygen",)), ("certificates", "ca_key_use", ("sign",))),
    "issuing": (
        ("certificates", "ca_key_generation", ("keygen",)),
        ("certificates", "ca_key_use", ("sign",)),
    ),
    "tsu": (("timestamps", "tsu_key_generation", ("keygen",)), ("timestamps", "tsu_key_use", ("sign",))),
    "services": (("validation", "svsp_key", ("sign",)),),
    "audit": (),
}


def enter_modules(wiring: Wiring, *, database: Database, recorder: Recorder, by: str) -> tuple[str, ...]:
    """Enter the tokens that no product of the register names, and what uses them; answers their products."""
    with database.read() as connection:
        known = list(products_of(connection).values())
    register, entered = Register(recorder, by=by), []
    for token, processes in _PROCESSES.items():
        if getattr(wiring.config.tokens, token) is None:
            continue
        uri = wiring.token_uri(token)
        if product_on(known, uri) is not None:
            continue
        name = f"lab-{token}"
        register.enter(
            Product(
                id=name,
                kind=ProductKind.MODULE,
                name=f"Token {token} of the laboratory",
                token=f"pkcs11:token={uri.token}",
                real_hardware=False,
            )
        )
        for service, process, functions in processes:
            register.enter(Binding(product=name, service=service, process=process, functions=functions))
        entered.append(name)
    return tuple(entered)
