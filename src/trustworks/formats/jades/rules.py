"""What RFC 7515, RFC 7797 and TS 119 182-1 ask of a signature's headers: each an objection, or None."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.trace import implements
from trustworks.formats.jades.headers import signing_time
from trustworks.formats.jades.values import items, members

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNDERSTOOD: Final = frozenset(
    {"sigT", "x5t#o", "sigX5ts", "srCms", "sigPl", "srAts", "adoTst", "sigPId", "sigD", "b64", "iat"}
)
"""Extensions that may be critical and that this reader processes."""

_MUST_BE_CRITICAL: Final = frozenset({"sigD", "b64"})
"""Whoever ignored these would take other octets for the signed ones."""

_NEVER_CRITICAL: Final = frozenset(
    {
        *("alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit"),
        *("epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "enc", "zip"),
    }
)
"""Header parameters of RFC 7515 and RFC 7518 themselves, which every reader knows."""

_ONLY_IAT_SINCE: Final = datetime(2025, 5, 15, tzinfo=UTC)

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "alg": (str,),
    "typ": (str,),
    "cty": (str,),
    "kid": (str,),
    "x5u": (str,),
    "x5t": (str,),
    "x5t#S256": (str,),
    "x5c": (list,),
    "b64": (bool,),
    "iat": (int, float),
    "sigT": (str,),
    "x5t#o": (dict,),
    "sigX5ts": (list,),
    "srCms": (list,),
    "sigPl": (dict,),
    "srAts": (dict,),
    "adoTst": (dict,),
    "sigPId": (dict,),
    "sigD": (dict,),
}


@implements("RFC7515:4.1.11-UNDERSTOOD")
def critical_not_understood(header: Mapping[str, Any]) -> str | None:
    """A critical extension that nobody here knows."""
    for name in items(header.get("crit")):
        if isinstance(name, str) and name in header and name not in UNDERSTOOD | _NEVER_CRITICAL:
            return f"The header {name!r:.60} is marked as critical, and is not understood here."
    return None


@implements("RFC7515:4.1.11-CRIT")
def critical_form(header: Mapping[str, Any]) -> str | None:
    """What crit may be: a list of names that are there, each once, none of those that RFC 7515 defines."""
    if "crit" not in header:
        return None
    names = header["crit"]
    if not isinstance(names, list) or not names:
        return "The header crit is not an array of names."
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        return "The header crit has something that is not a name, or a name more than once."
    for name in names:
        if name not in header:
            return f"The header crit names {name!r:.60}, which is not in the protected header."
        if name in _NEVER_CRITICAL:
            return f"The header crit names {name}, which is not an extension."
    return None


@implements("TS119182-1:5.1.9-CRIT")
def critical_missing(header: Mapping[str, Any]) -> str | None:
    """Headers that must be critical, because they change what is signed (RFC 7797, 6)."""
    for name in sorted(_MUST_BE_CRITICAL & header.keys()):
        if name not in items(header.get("crit")):
            return f"The header {name} is there, and crit does not name it."
    return None


@implements("RFC7515:4-TYPES")
def wrong_type(header: Mapping[str, Any]) -> str | None:
    """A header whose value is of another JSON type than its definition says."""
    for name, value in header.items():
        expected = _TYPES.get(name)
        if expected and (
            not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)
        ):
            return f"The header {name} has a value of another type than it is defined with."
    return None


@implements("TS119182-1:5.1.2-ALG")
def algorithm_missing(header: Mapping[str, Any]) -> str | None:
    """The algorithm has to be said under the signature's protection, and be one of a public key."""
    name = header.get("alg")
    if not isinstance(name, str) or not name:
        return "The protected header does not say alg, the algorithm of the signature."
    if name == "none" or name.startswith("HS"):
        return f"The algorithm {name} makes no signature of a key that only its owner has."
    return None


@implements("TS119182-1:6.3-SIGNING-TIME")
def time_missing(header: Mapping[str, Any]) -> str | None:
    """One claimed signing time: iat, or sigT where it is before 2025-05-15."""
    if ("iat" in header) == ("sigT" in header):
        return (
            "The signature claims its time twice, in iat and sigT."
            if "iat" in header
            else ("The signature claims no time, neither in iat nor in sigT.")
        )
    claimed = signing_time(header)
    if claimed is None:
        return "The time that the signature claims is not a moment."
    if "iat" not in header and claimed >= _ONLY_IAT_SINCE:
        return "The signature claims a time since 2025-05-15 in sigT, where iat has taken its place."
    return None


@implements("TS119182-1:5.1.7-X5T")
def certificate_by_sha1(header: Mapping[str, Any]) -> str | None:
    """x5t, the digest of the certificate by SHA-1, is not to be used."""
    return "The signature has x5t, which digests its certificate by SHA-1." if "x5t" in header else None


@implements("TS119182-1:6.3-SIGNING-CERTIFICATE")
def certificate_missing(header: Mapping[str, Any]) -> str | None:
    """Exactly one of x5t#S256, x5t#o and sigX5ts binds the signing certificate."""
    found = [name for name in ("x5t#S256", "x5t#o", "sigX5ts") if header.get(name)]
    if len(found) == 1:
        return None
    if not found:
        return "No signed header says which certificate signed: x5t#S256, x5t#o or sigX5ts."
    return f"Several signed headers say which certificate signed: {', '.join(found)}."


@implements("TS119182-1:5.3.1-ETSIU-UNSIGNED")
def unsigned_in_protected(header: Mapping[str, Any]) -> str | None:
    """EtsiU holds what is added later, and so cannot be signed."""
    return (
        "The protected header has etsiU, which belongs in the unprotected one." if "etsiU" in header else None
    )


@implements("TS119182-1:5.3.1-UNPROTECTED")
def unprotected_others(unprotected: Mapping[str, Any] | None) -> str | None:
    """The unprotected header holds etsiU and nothing else."""
    others = sorted(set(unprotected or ()) - {"etsiU"})
    return f"The unprotected header has {others[0]!r:.60} beside etsiU." if others else None


@implements("TS119182-1:5.3.1-ETSIU")
def unsigned_form(unprotected: Mapping[str, Any] | None) -> str | None:
    """EtsiU is an array, all objects with one member each or all base64url of such."""
    if not unprotected or "etsiU" not in unprotected:
        return None
    components = unprotected["etsiU"]
    if not isinstance(components, list) or not components:
        return "The unsigned header etsiU is not an array with components in it."
    if len({isinstance(component, str) for component in components}) > 1:
        return "The unsigned header etsiU mixes components in clear with such in base64url."
    if any(isinstance(component, dict) and len(component) != 1 for component in components):
        return "A component of the unsigned header etsiU is not an object with one member."
    return None


@implements("TS119182-1:6.3-SIGPST")
def policy_store(header: Mapping[str, Any], components: Sequence[str]) -> str | None:
    """At most one stored policy, and only of a policy whose digest is signed."""
    stored = components.count("sigPSt")
    if stored > 1:
        return "The signature stores its policy more than once."
    if stored and not members(header.get("sigPId")).get("digVal"):
        return "The signature stores a policy whose digest it does not sign."
    return None


@implements("TS119182-1:5.3.2-CTY")
def counter_signature_type(header: Mapping[str, Any], *, counter: bool) -> str | None:
    """A counter-signature says nothing about the type of its content: that is a signature value."""
    return "The counter-signature has the header cty." if counter and "cty" in header else None
