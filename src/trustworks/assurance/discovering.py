"""Products that a configuration shows by itself: its tokens, and this software; and what uses them.

Only what the register does not have is entered: what persons wrote there stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.collecting import product_on, uses_of
from trustworks.assurance.model import SOFTWARE, Binding, Product, ProductKind
from trustworks.assurance.records import EntryKind, identify, newest
from trustworks.assurance.registered import products_of
from trustworks.core.keys import records as keys
from trustworks.core.keys.model import places
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from trustworks.assurance.service import Register
    from trustworks.core.module import ModuleInfo, Pkcs11Uri

_SOFTWARE_USES: Final = (
    ("issuance", "certificates", "certificate_management", ("issue",)),
    ("timestamping", "timestamps", "time_stamping_system", ("time",)),
    ("validation", "validation", "signature_validation", ("validate",)),
    ("signing", "signature_creation", "signature_process", ("create",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a token shows: what its module says, its URI, the kinds of keys on it."""

    info: ModuleInfo
    uri: Pkcs11Uri
    algorithms: tuple[str, ...]


@implements("TRUSTWORKS:ASSURANCE-DISCOVER-ALL", disabled=())
def enter_discovered(
    register: Register,
    connection: Connection,
    tokens: Mapping[str, Shown],
    services: Iterable[str],
    version: str,
) -> tuple[str, ...]:
    """Enter what the register lacks of what runs here; answers the ids of the new products.

    `services` are those that are configured: issuance, timestamping, validation, signing. A token that has a
    product keeps it, whatever that is called; what was removed stays removed. A module that no rule set asks
    about, such as that of the log's signer, is entered without a binding: it protects keys of the provider
    ((EU) 2025/2162, Annex III, 13(m)).
    """
    products = products_of(connection)
    names = {token: _on(products.values(), shown) or f"module-{token}" for token, shown in tokens.items()}
    wanted = tuple(_bindings(tokens, names, frozenset(services)))
    made = {names[token]: _module(names[token], shown) for token, shown in tokens.items()}
    made[SOFTWARE] = Product(id=SOFTWARE, kind=ProductKind.SYSTEM, name="Trustworks", software=version)
    new = [
        one
        for name, one in made.items()
        if name not in products
        and newest(connection, EntryKind.PRODUCT, name) is None
        # A module is listed whatever it is used for; this software only where a service runs on it.
        and (name != SOFTWARE or any(binding.product == name for binding in wanted))
    ]
    for product in new:
        register.enter(product)
    there = {*products, *(one.id for one in new)}
    for binding in wanted:
        if newest(connection, EntryKind.BINDING, identify(binding)) is None and binding.product in there:
            register.enter(binding)
    return tuple(one.id for one in new)


def kinds_on(connection: Connection, serial: str) -> tuple[str, ...]:
    """The kinds of keys that are on a token now, by the register of keys."""
    found = {
        key.algorithm
        for key in keys.keys_that_were_on(connection, serial)
        if serial in places(keys.history_of(connection, key.spki_sha256))
    }
    return tuple(sorted(found))


def _on(products: Iterable[Product], shown: Shown) -> str | None:
    found = product_on(products, shown.uri)
    return None if found is None else found.id


def _bindings(
    tokens: Mapping[str, Shown], names: Mapping[str, str], configured: frozenset[str]
) -> Iterator[Binding]:
    for token, shown in tokens.items():
        for service, process in uses_of(token, configured):
            making = process.endswith("_generation")
            yield Binding(
                product=names[token],
                service=service,
                process=process,
                functions=("keygen",) if making else ("sign",),
                algorithms=shown.algorithms,
            )
    for needed, service, process, functions in _SOFTWARE_USES:
        if needed in configured:
            yield Binding(product=SOFTWARE, service=service, process=process, functions=functions)


def _module(name: str, shown: Shown) -> Product:
    info = shown.info
    return Product(
        id=name,
        kind=ProductKind.MODULE,
        name=info.token_model or info.library_description,
        manufacturer=info.token_manufacturer,
        model=info.token_model,
        hardware=info.hardware_version,
        firmware=info.firmware_version,
        serial=info.token_serial,
        token=str(shown.uri),
        library_sha256=info.library_sha256.hex(),
        # Nobody has said that it is a device; that it is software it says itself.
        real_hardware=False if info.is_test_module else None,
    )
