"""What the tokens of a configuration are used for, by the names of the rule sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

# By the token's name in the configuration: the service of the configuration that has to be there, service and
# process of the rule sets.
_TOKENS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    "root": (
        ("issuance", "certificates", "ca_key_generation"),
        ("issuance", "certificates", "ca_key_use"),
    ),
    "issuing": (
        ("issuance", "certificates", "ca_key_generation"),
        ("issuance", "certificates", "ca_key_use"),
    ),
    "tsu": (
        ("timestamping", "timestamps", "tsu_key_generation"),
        ("timestamping", "timestamps", "tsu_key_use"),
    ),
    "services": (("validation", "validation", "svsp_key"),),
}


def uses_of(token: str, services: Container[str]) -> tuple[tuple[str, str], ...]:
    """Services and processes for which a token is used, where these services are configured."""
    return tuple(
        (service, process) for needed, service, process in _TOKENS.get(token, ()) if needed in services
    )
