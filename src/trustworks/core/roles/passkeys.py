"""Passkeys: registration and assertions of WebAuthn, judged by the library `webauthn`.

Source: WebAuthn Level 2, 7.1 (registration) and 7.2 (assertion).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trustworks.core.audit.reading import loads
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import base64url, jws
from trustworks.core.roles.model import Factor

if TYPE_CHECKING:
    from trustworks.core.audit import JSON
    from trustworks.core.roles.model import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What an authenticator answered: which passkey, over which client data, with which signature."""

    handle: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes

    def as_dict(self) -> dict[str, JSON]:
        """The octets in Base64url, by WebAuthn's names."""
        return {
            "id": base64url.encode(self.handle),
            "clientDataJSON": base64url.encode(self.client_data),
            "authenticatorData": base64url.encode(self.authenticator_data),
            "signature": base64url.encode(self.signature),
        }

    @classmethod
    def from_dict(cls, value: Any) -> Assertion:
        """Read what `as_dict` wrote. Raises `Malformed`."""
        names = ("id", "clientDataJSON", "authenticatorData", "signature")
        if not isinstance(value, dict) or set(value) != set(names):
            raise Malformed(f"A passkey's assertion is a JSON object with {', '.join(names)} alone.")
        octets = [base64url.decode(value[name], name) for name in names]
        return cls(handle=octets[0], client_data=octets[1], authenticator_data=octets[2], signature=octets[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a good assertion tells: the counter to remember, and how the operator was known."""

    sign_count: int
    factors: frozenset[Factor]


def verify(
    assertion: Assertion, credential: Credential, *, challenge: bytes, after: int = 0, alone: bool = True
) -> Verified:
    """Whether the assertion is the passkey's over `challenge`, at the place where the passkey was made.

    `after` is the counter that must have been passed (0: it is not looked at, as in an approval from long
    ago). `alone`: the authenticator must have verified its user, so that this one credential shows two
    factors. Raises `Rejected` (roles.signature).
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - few processes meet a passkey
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticationCredential,
        AuthenticatorAssertionResponse,
    )

    if credential.kind != "passkey" or credential.handle != assertion.handle:
        raise Rejected("roles.signature", "The assertion is of another passkey than the credential.")
    try:
        found = verify_authentication_response(
            credential=AuthenticationCredential(
                id=base64url.encode(assertion.handle),
                raw_id=assertion.handle,
                response=AuthenticatorAssertionResponse(
                    client_data_json=assertion.client_data,
                    authenticator_data=assertion.authenticator_data,
                    signature=assertion.signature,
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=credential.rp_id or "",
            expected_origin=credential.origin or "",
            credential_public_key=credential.public,
            credential_current_sign_count=after,
            require_user_verification=alone,
        )
    except Exception as error:  # noqa: BLE001 - the library meets what anybody sends: JSON, CBOR, signatures
        raise Rejected(
            "roles.signature", f"The passkey's assertion does not hold: {error}. Sign in anew."
        ) from None
    shown = {Factor.POSSESSION} | ({Factor.VERIFICATION} if found.user_verified else set())
    return Verified(sign_count=found.new_sign_count, factors=frozenset(shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A passkey that an authenticator made: its id, its public key (COSE_Key), and that key's hash."""

    handle: bytes
    public: bytes
    key_id: str
    sign_count: int


def register(answer: Any, *, challenge: bytes, rp_id: str, origin: str) -> Registered:
    """Judge what `navigator.credentials.create` answered (as JSON). Raises `Rejected` (roles.passkey).

    The user must have been verified. An attestation is not asked for: which device may be used is for those
    who approve the registration.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - few processes meet a passkey
    from webauthn.helpers import decode_credential_public_key  # noqa: PLC0415
    from webauthn.helpers.decoded_public_key_to_cryptography import (  # noqa: PLC0415
        decoded_public_key_to_cryptography,
    )

    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
        )
        key: Any = decoded_public_key_to_cryptography(
            decode_credential_public_key(found.credential_public_key)
        )
        return Registered(
            handle=found.credential_id,
            public=found.credential_public_key,
            key_id=jws.key_id_of(key),
            sign_count=found.sign_count,
        )
    except Exception as error:  # noqa: BLE001 - the library meets what anybody sends: CBOR, COSE, keys
        raise Rejected(
            "roles.passkey",
            f"The passkey cannot be registered: {error}. Make it anew, with a PIN or gesture.",
        ) from None


def challenge_of(assertion: Assertion) -> bytes:
    """The challenge that an assertion says it signed. Raises `Malformed`."""
    return _challenge_in(assertion.client_data)


def _challenge_in(client_data: bytes) -> bytes:
    value = loads(client_data)
    challenge = value.get("challenge") if isinstance(value, dict) else None
    return base64url.decode(challenge, "The challenge in clientDataJSON")


def challenge_of_registration(answer: object) -> bytes:
    """The challenge that a registration says it is for. Raises `Malformed`."""
    response = answer.get("response") if isinstance(answer, dict) else None
    text = response.get("clientDataJSON") if isinstance(response, dict) else None
    return _challenge_in(base64url.decode(text, "clientDataJSON"))
