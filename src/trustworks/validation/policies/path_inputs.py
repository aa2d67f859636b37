"""What a policy lets the validation of paths begin with: policies that are accepted, and names.

Without any of it every certificate policy is accepted, and every name.

Source: RFC 5280, 6.1.1 (c) to (i), whose names the settings have; EN 319 102-1, 5.1.4.2 and 5.2.6.4.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography.x509 import Name

from trustworks.core.errors import Malformed
from trustworks.core.pki.extensions import GeneralSubtree
from trustworks.core.pki.name_constraints import NameSpace
from trustworks.core.pki.names import GeneralName, read_distinguished_name
from trustworks.core.pki.path_verdict import PathSettings
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH_VALIDATION: Final = "path-validation"
"""The table of a context in which they stand."""

_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,38})){1,40}")
_LABELS: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
_DOMAIN: Final = re.compile(rf"(\.?{_LABELS}\.?)?", re.IGNORECASE | re.ASCII)
_MAILBOX: Final = re.compile(rf"[^@*\s]+@{_LABELS}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathInputs:
    """The initial settings of one context, in the words of the file.

    `user_initial_policy_set` are dotted identifiers; None is any policy. Subtrees are a form and a name, as
    ``dns:example.org`` (`read_subtree`). `settings` is what path validation takes. What cannot be understood
    raises `Malformed`.
    """

    user_initial_policy_set: tuple[str, ...] | None = None
    initial_explicit_policy: bool = False
    initial_policy_mapping_inhibit: bool = False
    initial_any_policy_inhibit: bool = False
    initial_permitted_subtrees: tuple[str, ...] = ()
    initial_excluded_subtrees: tuple[str, ...] = ()
    settings: PathSettings = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wanted = self.user_initial_policy_set
        for one in wanted or ():
            if not _OID.fullmatch(one):
                raise Malformed(f"{one!r:.60} is no object identifier, such as 1.3.6.1.4.1.99999.1")
        permitted = tuple(read_subtree(one) for one in self.initial_permitted_subtrees)
        excluded = tuple(read_subtree(one) for one in self.initial_excluded_subtrees)
        settings = PathSettings(
            user_initial_policies=None if wanted is None else frozenset(wanted),
            explicit_policy=self.initial_explicit_policy,
            inhibit_policy_mapping=self.initial_policy_mapping_inhibit,
            inhibit_any_policy=self.initial_any_policy_inhibit,
            names=NameSpace((permitted,) if permitted else (), excluded),
        )
        object.__setattr__(self, "settings", settings)


NO_INPUTS: Final = PathInputs()
NAMES_OF_INPUTS: Final = tuple(one.name.replace("_", "-") for one in fields(PathInputs) if one.init)
"""The settings, as they are written."""


def read_path_inputs(table: Mapping[str, object], base: PathInputs) -> PathInputs:
    """The settings of a table, whose names are known; those that it does not have are as in `base`.

    Raises:
        Malformed: a value is wrong; the sentence has no full stop, and begins with the setting's name.
    """
    given: dict[str, Any] = {
        written.replace("-", "_"): _value(written, value) for written, value in table.items()
    }
    return replace(base, **given)


def _value(written: str, value: object) -> bool | tuple[str, ...]:
    if isinstance(getattr(NO_INPUTS, written.replace("-", "_")), bool):
        if not isinstance(value, bool):
            raise Malformed(f"{written} must be true or false")
        return value
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Malformed(f"{written} must be a list of strings")
    return tuple(value)


def read_subtree(text: str) -> GeneralSubtree:
    """A subtree of names as policies write it: its form, a colon, and a name of RFC 5280, 4.2.1.10.

    ``dns:example.org``, ``email:example.org`` (a host), ``email:.example.org`` (all below it),
    ``email:a@example.org`` (a mailbox), ``uri:`` a host or all below it, ``ip:192.0.2.0/24``,
    ``directory:O=Examples,C=XX``. Nothing behind the colon (of ``ip``: all of ``0.0.0.0/0`` or ``::/0``) is
    every name of the form. Raises `Malformed`.
    """
    form, colon, name = text.partition(":")
    try:
        match form:
            case "dns" | "email" | "uri" if colon:
                return _subtree(GeneralName(form, _written(form, name)))
            case "ip" if colon:
                network = ipaddress.ip_network(name)
                octets = network.network_address.packed + network.netmask.packed
                return _subtree(GeneralName("ip", octets))
            case "directory" if colon:
                der = Name.from_rfc4514_string(name).public_bytes() if name else b"\x30\x00"
                return _subtree(GeneralName("directory", read_distinguished_name(der)))
    except (ValueError, Malformed) as error:
        raise Malformed(f"{text!r:.120} is no subtree of names: {error}") from error
    raise Malformed(
        f"{text!r:.120} is no subtree of names: it begins with dns:, email:, uri:, ip: or directory:"
    )


def _subtree(base: GeneralName) -> GeneralSubtree:
    return GeneralSubtree(base=base)


def _written(form: str, name: str) -> str:
    """The name, if a name can be in such a subtree: one that no name is in would exclude nothing."""
    if not name.isascii() or not name.isprintable() or " " in name:
        raise ValueError("write it in ASCII without spaces, a domain of other letters as xn--")
    address = name.removesuffix(".").rpartition(".")[2].isdigit()
    if not address and (_DOMAIN.fullmatch(name) or (form == "email" and _MAILBOX.fullmatch(name))):
        return name
    what = "host, domain or mailbox" if form == "email" else "host or domain"
    raise ValueError(f"write a {what}, as example.org, without *, / or a port, and no address of the network")
