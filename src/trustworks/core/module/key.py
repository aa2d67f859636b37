"""A private key in the module: signs, and lets no signature out that its public key does not verify."""

from __future__ import annotations

import hashlib
from time import perf_counter_ns
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module.agreed import check_signature
from trustworks.core.module.algorithms import DEFAULT_SCHEME
from trustworks.core.module.constants import LOST, Attribute
from trustworks.core.module.failures import unavailable
from trustworks.core.module.pkcs11 import CryptokiError
from trustworks.core.module.signatures import check_digest, make_plan
from trustworks.core.module.states import check_as_approved, check_operational
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.module.adapters import PrivateKey
    from trustworks.core.module.algorithms import KeyAlgorithm, PublicKey, SignatureScheme
    from trustworks.core.module.module import Module
    from trustworks.core.module.signatures import Plan
    from trustworks.core.module.uri import Pkcs11Uri

_TRIES = 2  # after the first: a second thread may open the connection anew between looking up and signing
_PROTECTION = (
    Attribute.TOKEN,
    Attribute.PRIVATE,
    Attribute.SENSITIVE,
    Attribute.ALWAYS_SENSITIVE,
    Attribute.EXTRACTABLE,
    Attribute.NEVER_EXTRACTABLE,
    Attribute.LOCAL,
    Attribute.SIGN,
    Attribute.DECRYPT,
    Attribute.UNWRAP,
    Attribute.DERIVE,
)


class Key:
    """A key pair on the token; made by `Module.key` and `Module.generate_key_pair`. Threads share it."""

    def __init__(
        self,
        module: Module,
        *,
        label: str,
        key_id: bytes,
        algorithm: KeyAlgorithm,
        public_key: PublicKey,
    ) -> None:
        self.label = label
        self.key_id = key_id
        self.algorithm = algorithm
        self.public_key = public_key
        self.scheme = DEFAULT_SCHEME[algorithm]
        self.spki = public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.spki_sha256 = hashlib.sha256(self.spki).digest()
        self._module = module
        self._connection = module.connection
        self._today = module.today
        self._state_of = module.state_of
        self._place = (-1, 0)  # of no generation: the first signature looks the key up
        self._plans: dict[SignatureScheme | None, Plan] = {}
        self._missed = False

    def __repr__(self) -> str:
        return f"<Key {self.label!r} {self.algorithm.value} {self.key_id.hex()}>"

    @property
    def uri(self) -> Pkcs11Uri:
        """The private key's name, without a PIN source."""
        return self._module.token_uri.of_object(label=self.label, key_id=self.key_id)

    def sign(self, data: bytes, scheme: SignatureScheme | None = None) -> bytes:
        """Sign `data` (not its digest) and answer the signature value that certificates and CMS carry.

        ECDSA: the DER sequence of r and s. RSA: as many octets as the modulus. The scheme (default:
        `self.scheme`) must be agreed today; the signature was verified with the public key before it is
        returned.
        Raises `Refused` (ECCG-ACM:SIGNATURES; TRUSTWORKS:KEYS-OPERATIONAL for a key that is not operational),
        `Rejected` (module.scheme, module.mechanism) and `Unavailable` (module.*; a signature that does not
        verify is module.bad-signature).
        """
        return self.sign_all((data,), scheme)[0]

    def sign_all(
        self, items: Sequence[bytes], scheme: SignatureScheme | None = None, *, until: int | None = None
    ) -> list[bytes]:
        """Sign several data, as `sign` does each; one failure fails all, and no signature is answered.

        First all are signed, then all verified: a processor that does one thing at a time keeps what it needs
        for it in its caches, and a signature costs a quarter less. None is begun after `until`
        (`time.perf_counter_ns`), but for the first: there are fewer signatures than items then.
        """
        self._check_may_sign()
        return self._signed(items, scheme, until)

    def sign_digest(self, digest: bytes, scheme: SignatureScheme | None = None) -> bytes:
        """Sign data by its digest, which somebody made before, and answer what `sign` answers for the data.

        For data that is too large to be held, and for signers elsewhere (DTBS/R). The digest is by the hash
        function of the scheme. ECDSA and RSA-PSS sign it as it is; PKCS#1 v1.5 behind its DigestInfo.
        Raises what `sign` raises, and `Rejected` (module.digest) for a scheme that signs no digests
        (Ed25519), and for a digest that is not as long as those of its hash function.
        """
        self._check_may_sign()
        plan = self._plan_of(scheme)
        check_digest(plan, digest, scheme or self.scheme, self._module.uri)
        return self._values(plan, (digest,), None)[0]

    def _check_may_sign(self) -> None:
        if self._module.barred:
            check_as_approved(self._module.barred, str(self._module.token_uri.token))
        if self._state_of is not None:
            check_operational(self._state_of(self.spki_sha256), self.label)

    def prove(
        self, data: bytes = b"this signature of a key shows that its two halves belong together"
    ) -> None:
        """Sign once, whatever the state of key and module is; the signature is thrown away. As `sign`."""
        self._signed((data,), None, None)

    def _signed(
        self, items: Sequence[bytes], scheme: SignatureScheme | None, until: int | None
    ) -> list[bytes]:
        plan = self._plan_of(scheme)
        signed = [data if plan.digest is None else plan.digest(data).digest() for data in items]
        return self._values(plan, signed, until)

    def _plan_of(self, scheme: SignatureScheme | None) -> Plan:
        plan = self._plans.get(scheme)
        if plan is None or plan.day != self._today():
            plan = self._plan(scheme)
        return plan

    def _values(self, plan: Plan, signed: Sequence[bytes], until: int | None) -> list[bytes]:
        """The values over what a plan says is signed: all made, then all verified."""
        raw = []
        for one in signed:
            raw.append(self._raw(plan, plan.prefix + one))
            if until is not None and perf_counter_ns() > until:
                break
        found = []
        for answer, one in zip(raw, signed, strict=False):
            signature = checked(plan, answer, one)
            if signature is None:
                raise Unavailable(
                    "module.bad-signature",
                    f"The module made a signature with {self.uri} that the public key does not verify; it "
                    "was thrown away. Take the module out of service and find the cause.",
                )
            found.append(signature)
        return found

    def _raw(self, plan: Plan, prepared: bytes) -> bytes:
        place = self._place
        try:
            return self._connection.sign(plan.mechanism, place, prepared)
        except CryptokiError as error:
            return self._again(plan, prepared, error, place[0])

    def _again(self, plan: Plan, prepared: bytes, error: CryptokiError, seen: int) -> bytes:
        """Look the key up in the present connection, after opening it anew if it was lost, and sign."""
        for _ in range(_TRIES):
            self._connection.check_usable()
            if error.rv not in LOST:
                break
            self._connection.reopen(seen)
            place = self._present()
            try:
                return self._connection.sign(plan.mechanism, place, prepared)
            except CryptokiError as again:
                error, seen = again, place[0]
        raise unavailable(error, self._module.uri) from error

    def _present(self) -> tuple[int, int]:
        """The present connection's generation, and the private key object's number in it."""
        generation = self._connection.generation
        if self._place[0] != generation:
            self._place = (generation, self._module.signing_handle(self.key_id, generation))
        return self._place

    def check_there(self) -> None:
        """Answer while the private key is on the token, whoever may have destroyed it.

        The first time that it is not, the connection is opened anew: a working copy of the key ends with it,
        and so does a logout, after which no private key is found. Raises `Unavailable` (module.key-absent,
        ...).
        """

        def find(session: int) -> int:
            return self._module.private_handle(session, self.key_id)

        try:
            self._connection.run(find)  # without the lock of those who make keys: they may take seconds
        except Unavailable as error:
            if error.code != "module.key-absent" or self._missed:
                raise
            self._look_again(find)
        self._missed = False

    def _look_again(self, find: Callable[[int], int]) -> None:
        try:
            self._module.look_up(find)
        except Unavailable as error:
            if error.code != "module.key-absent":
                raise
            self._connection.reopen(
                self._connection.generation
            )  # where that fails, the next look tries again
            self._missed = True
            self._module.look_up(find)

    def _plan(self, scheme: SignatureScheme | None) -> Plan:
        chosen = scheme or self.scheme
        if chosen.family != self.algorithm.family:
            raise Rejected(
                "module.scheme",
                f"{chosen.name} is not a scheme for the {self.algorithm.value} key {self.label!r}.",
            )
        day = self._today()
        check_signature(self.algorithm, chosen, day, lab=self._module.lab)
        plan = make_plan(chosen, self.public_key, self._module.mechanisms, day)
        self._plans[scheme] = plan
        return plan

    def private_key(self, scheme: SignatureScheme | None = None) -> PrivateKey:
        """A private key object that the builders of `cryptography` accept; the key stays in the module.

        With a `scheme`, the object refuses to sign by another one.
        """
        from trustworks.core.module.adapters import adapt  # noqa: PLC0415 - adapters are built over Key

        return adapt(self, scheme)

    def attributes(self) -> dict[str, bool | None]:
        """What the module says about the private key's protection; None where it does not answer."""

        def read(session: int) -> dict[str, bool | None]:
            handle = self._module.private_handle(session, self.key_id)
            values: dict[str, bool | None] = {}
            for name in _PROTECTION:
                number = self._module.cryptoki.number(session, handle, name)
                values[name.name.lower()] = None if number is None else bool(number)
            return values

        return self._module.look_up(read)


@implements(
    "TRUSTWORKS:MODULE-SIGNATURE-VERIFIED",
    disabled=lambda plan, raw, _signed: raw if plan.encode is None else plan.encode(raw),
)
def checked(plan: Plan, raw: bytes, signed: bytes) -> bytes | None:
    """The signature value made of what C_Sign answered, if the public key verifies it; else None."""
    try:
        signature = raw if plan.encode is None else plan.encode(raw)
        plan.verify(signature, signed, *plan.arguments)
    except (InvalidSignature, ValueError):
        return None
    return signature
