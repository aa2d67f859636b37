"""The components of etsiU as they came, in clear or as base64url, and what time-stamps take of them.

Source: TS 119 182-1, 5.3.1 (incorporation) and 5.3.6.3 (message imprint).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import BeyondLimit, Malformed
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.jades import json_text
from trustworks.formats.jades.base64url import decode
from trustworks.formats.jades.jws import repeated_members

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.formats.limits import Limits

_JCS: Final = frozenset(
    {
        "http://json-canonicalization.org/algorithm",
        "https://www.rfc-editor.org/rfc/rfc8785",
        "urn:ietf:rfc:8785",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One unsigned property: its name, its value, and its base64url as it was sent (None: in clear)."""

    name: str
    value: Any
    sent: bytes | None

    def stamped(self, canonicalization: str | None) -> bytes | None:
        """Its share in what a time-stamp covers; None where the canonicalization is not known here."""
        if self.sent is not None:
            return self.sent
        try:
            if canonicalization in _JCS:
                # Brings the audit log's libraries with it, and is needed once in a thousand signatures.
                from trustworks.core.audit.canonical import canonical  # noqa: PLC0415

                return canonical({self.name: self.value})
            if canonicalization is None:
                # Nothing says how a component in clear becomes octets without one: its value without white
                # space is what writers of such signatures take.
                return json.dumps(self.value, ensure_ascii=False, separators=(",", ":")).encode()
        except ValueError:  # numbers and characters that have no octets
            return None
        return None


def components(
    unprotected: Mapping[str, Any] | None, limits: Limits
) -> tuple[tuple[Component, ...], tuple[Finding, ...]]:
    """All components that can be read, in order, and a finding for each that cannot."""
    if not unprotected:
        return (), ()
    array = unprotected.get("etsiU")
    if not isinstance(array, list):
        return (), ()
    if len(array) > limits.attributes:
        raise BeyondLimit(
            f"etsiU has {len(array)} components, more than the {limits.attributes} that are read.",
            "attributes",
        )
    found, findings = [], []
    for place, item in enumerate(array):
        try:
            component, repeated = _component(item, limits)
        except BeyondLimit:
            raise
        except Malformed as error:
            findings.append(
                Finding(
                    code="jades.unreadable-component",
                    text=f"Component {place + 1} of etsiU cannot be read: {error}",
                    weight=Weight.NOTE,
                )
            )
            continue
        found.append(component)
        findings.extend(repeated_members(repeated, f"component {place + 1} of etsiU"))
    return tuple(found), tuple(findings)


def _component(item: Any, limits: Limits) -> tuple[Component, tuple[str, ...]]:
    repeated: tuple[str, ...] = ()
    sent = None
    if isinstance(item, str):
        octets = decode(item, "it")
        sent = item.encode("ascii")
        item, repeated = json_text.parse(octets, limits)
    if not isinstance(item, dict) or len(item) != 1:
        raise Malformed("it is not an object with one member.")
    ((name, value),) = item.items()
    return Component(name=name, value=value, sent=sent), repeated
