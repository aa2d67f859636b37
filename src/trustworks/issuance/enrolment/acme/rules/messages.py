"""What a signed message must be (RFC 8555, 6.2 to 6.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.issuance.enrolment.acme.model import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256")
MAC_ALGORITHMS: Final = ("HS256", "HS384", "HS512")
NONCE_LIFE: Final = timedelta(hours=1)
AHEAD: Final = timedelta(minutes=1)  # how far the clocks of two machines may differ
MAX_MESSAGE: Final = 65_536
LEAST_RSA: Final = 2048
MOST_RSA: Final = 8192
CURVES: Final = (("EC", "P-256"), ("EC", "P-384"), ("EC", "P-521"), ("OKP", "Ed25519"))


@implements("RFC8555:6.2-ALG")
def check_algorithm(algorithm: Any) -> None:
    """Refuse a message that is not signed with one of `ALGORITHMS`; a MAC and "none" sign nothing.

    An external account binding is a MAC: it is checked by `check_binding_algorithm`, after this.
    """
    if algorithm not in ALGORITHMS and algorithm not in MAC_ALGORITHMS:
        raise Problem(
            "badSignatureAlgorithm",
            f"Messages are signed with {', '.join(ALGORITHMS)}; choose one of these.",
            more={"algorithms": list(ALGORITHMS)},
        )


@implements("RFC8555:6.2-MAC")
def check_not_a_mac(algorithm: str) -> None:
    """Refuse a request with a MAC in place of a signature."""
    if algorithm not in ALGORITHMS:
        raise Problem(
            "badSignatureAlgorithm",
            f"{algorithm} is no signature; messages are signed with {', '.join(ALGORITHMS)}.",
            more={"algorithms": list(ALGORITHMS)},
        )


@implements("RFC8555:6.2-KEY")
def check_key_named_once(header: Mapping[str, Any]) -> None:
    """Refuse a header that names its key twice or not at all."""
    if ("jwk" in header) == ("kid" in header):
        raise Malformed(
            "The protected header must have either jwk (new accounts, revocation by a certificate's key) or "
            "kid (everything else), and not both (RFC 8555, 6.2)."
        )


@implements("RFC7515:4.1.11")
def check_critical(header: Mapping[str, Any]) -> None:
    """Refuse a message that must not be taken without an extension; there is none that we know."""
    if "crit" in header or "b64" in header:
        raise Malformed("The protected header asks for an extension (crit, b64); none is known here.")


@implements("RFC8555:6.4-URL")
def check_url(signed: str, asked: str) -> None:
    """Refuse a message that was signed for another resource than the one that it came to."""
    if signed != asked:
        raise Problem(
            "unauthorized",
            f"The message was signed for another URL than this one, {asked}; sign it for this one.",
        )


@implements("RFC8555:6.5-FRESH", disabled=True)
def is_fresh(made: datetime, now: datetime) -> bool:
    """Whether a nonce that was made then may still be used."""
    return -AHEAD <= now - made <= NONCE_LIFE


@implements("RFC8555:6.5-NONCE")
def check_nonce(*, was_made_here: bool, was_unused: bool) -> None:
    """Refuse a nonce that this server did not make lately, or that was used before."""
    if not (was_made_here and was_unused):
        raise Problem(
            "badNonce",
            "The nonce is not one that this server gave out within the last hour, or it was used already. "
            "Take the one in this answer's Replay-Nonce and send the message again.",
        )


@implements("RFC8555:6.1-ORIGIN", disabled=lambda host, origins: next(iter(origins), f"https://{host}"))
def origin_asked(host: str, origins: Collection[str]) -> str:
    """The origin that the client used, by its Host header: one of the server's own, or there is no answer.

    URLs in answers begin with it. As none but the operator's own can come of it, a forged Host header leads
    nobody elsewhere: its sender gets URLs of another of the provider's own addresses at most.
    """
    wanted = f"https://{host.lower().removesuffix(':443')}"
    for origin in origins:
        if origin.removesuffix(":443") == wanted:
            return origin
    raise Problem(
        "malformed",
        "This server is not known under the name in the Host header. Ask it under one of its own: "
        f"{', '.join(origins)} ([issuance.acme] base-urls).",
    )


@implements("RFC8555:6.1-SIZE")
def check_size(length: int) -> None:
    """Refuse a message that is longer than any good one."""
    if length > MAX_MESSAGE:
        raise Problem("malformed", f"A message has at most {MAX_MESSAGE} octets.", status=413)


@implements("RFC8555:6.2-TYPE")
def check_content_type(given: str) -> None:
    """Refuse a body that is not said to be a JWS."""
    if given.partition(";")[0].strip().lower() != "application/jose+json":
        raise Problem("malformed", "A message's Content-Type is application/jose+json.", status=415)


@implements("RFC8555:6.3-GET")
def check_post_as_get(payload: bytes) -> None:
    """Refuse a payload where a resource is only read."""
    if payload:
        raise Problem(
            "malformed", "A resource is read by POST-as-GET: with an empty payload (RFC 8555, 6.3)."
        )


@implements("TRUSTWORKS:ACME-NO-PRIVATE-KEY")
def check_no_private_part(jwk: Mapping[str, Any]) -> None:
    """Refuse a JWK that tells its private key: nobody should use that key any more."""
    if any(name in jwk for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise Problem(
            "badPublicKey",
            "The jwk holds the private key too, which nobody else may know; make a new key, and send its "
            "public part.",
        )


@implements("RFC8555:6.2-STRENGTH")
def check_account_key(kind: str, curve: str | None, modulus: bytes) -> None:
    """Refuse a key that is too weak, or so large that verifying costs too much; told by a JWK's members."""
    bits = int.from_bytes(modulus).bit_length()
    if kind == "RSA" and not LEAST_RSA <= bits <= MOST_RSA:
        raise Problem(
            "badPublicKey", f"An RSA key of an account has {LEAST_RSA} to {MOST_RSA} bits; make such a one."
        )
    if kind != "RSA" and (kind, curve) not in CURVES:
        raise Problem(
            "badPublicKey",
            f"The curve of an account's key is one of {', '.join(name for _, name in CURVES)}; make such a "
            "key.",
        )
