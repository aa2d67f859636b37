"""A key made together with its backup: wrapped in the module first, never extractable afterwards.

PKCS#11 lets a key out of the module, encrypted, only while it is extractable. So a key that is to have a
backup is made as an object of one session, wrapped under a backup key of that session (AES-256, which is
closed for every group of custodians that may bring it back), and then copied to the token as a key that
cannot be extracted. The session ends with the process; what is left is the key and the file.

Where the private key is outside of a module it is wrapped by AES-256. Why this way: ADR 0017.
Source: EN 319 411-1, GEN-6.5.2-05 and -06.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from cryptography.exceptions import InvalidSignature

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.module import documents, objects, packages
from trustworks.core.module import library as libraries
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.algorithms import DEFAULT_SCHEME, KeyAlgorithm, check_signature
from trustworks.core.module.constants import Attribute, Rv
from trustworks.core.module.custodians import (
    MOST_PACKAGES,
    Custodian,
    check_cards,
    check_quorum,
    module_facts,
    spki_sha256,
)
from trustworks.core.module.module import LONGEST_LABEL
from trustworks.core.module.packages import Package, Recipient
from trustworks.core.module.pkcs11 import CryptokiError, PreparedMechanism
from trustworks.core.module.placing import place_private, place_public, public_key, spki_from, verified
from trustworks.core.module.protection import check_protection
from trustworks.core.module.wrapping import (
    LEAST_BITS,
    bits_to_carry,
    choose_oaep,
    one_time_key,
    passing,
    wrapping_profile,
)
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.module.key import Key
    from trustworks.core.module.module import Module
    from trustworks.core.module.wrapping import WrappingProfile

_SIGNED: Final = b"trustworks backup of this key: "  # before what a key signs of its backup
# Why a module does not copy a session's key to the token with less rights: then it is unwrapped there.
_NO_COPIES: Final = frozenset(
    {
        Rv.ACTION_PROHIBITED,
        Rv.ATTRIBUTE_READ_ONLY,
        Rv.ATTRIBUTE_VALUE_INVALID,
        Rv.FUNCTION_NOT_SUPPORTED,
        Rv.TEMPLATE_INCONSISTENT,
        Rv.GENERAL_ERROR,
        Rv.DEVICE_ERROR,
        Rv.FUNCTION_FAILED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUpKey:
    """Which key is in a backup."""

    __pydantic_config__: ClassVar = documents.CONFIG

    label: str
    key_id: bytes
    algorithm: KeyAlgorithm
    spki: bytes

    @property
    def spki_sha256(self) -> str:
        """How the register and the audit log name the key."""
        return spki_sha256(self.spki)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A key's backup: the wrapped key, and a package for each group of custodians. It holds no secret openly.

    `module` says where it was made, what that is certified for, and how strong a key has to be under which
    this one travels; `threshold` how many of `custodians` bring it back. The packages are bound to all the
    rest (`core`), so that a custodian's token hands on nothing of a changed file; and the key itself has
    signed it while it was made, so that anybody sees whether it was changed. Format 2 was not signed.
    """

    __pydantic_config__: ClassVar = documents.CONFIG

    format: Literal["trustworks-key-backup-2", "trustworks-key-backup-3"] = "trustworks-key-backup-3"
    key: BackedUpKey
    made_at: datetime
    module: dict[str, Any]
    threshold: int
    custodians: tuple[Recipient, ...]
    wrapped_key: bytes
    packages: tuple[Package, ...]
    signature: bytes = b""

    @property
    def core(self) -> bytes:
        """SHA-256 over everything but packages and signature: what these are bound to."""
        return documents.digest(self, without=("packages", "signature"))

    @property
    def digest(self) -> str:
        """SHA-256 over the whole backup, in hexadecimal: how it is named."""
        unsigned = self.format == "trustworks-key-backup-2"
        return documents.digest(self, without=("signature",) if unsigned else ()).hex()

    def package(self, names: Sequence[str]) -> Package:
        """The package for a group, in whatever order it is named. Raises `Rejected` (keys.quorum)."""
        wanted = frozenset(names)
        found = [one for one in self.packages if frozenset(one.custodians) == wanted]
        if len(wanted) != len(names) or not found:
            known = ", ".join(one.name for one in self.custodians)
            raise Rejected(
                "keys.quorum",
                f"{', '.join(names) or 'Nobody'} cannot bring {self.key.label!r} back: {self.threshold} "
                "different "
                f"ones of {known} are needed.",
            )
        return found[0]

    def recipient(self, name: str) -> Recipient:
        """One custodian. Raises `Malformed` for a name that the backup does not know."""
        for one in self.custodians:
            if one.name == name:
                return one
        raise Malformed(f"The backup knows no custodian {name!r}. Take another copy of the file.")


def read_backup(octets: bytes, what: str = "The backup") -> Backup:
    """Read a backup's file. Raises `Malformed`."""
    return documents.read(Backup, octets, what)


@implements("TRUSTWORKS:KEYS-MANIFEST", "EN319411-1:GEN-6.5.2-05")
def check_manifest(backup: Backup) -> None:
    """Refuse a backup that its own key did not sign: what it says of its module may be somebody else's word.

    Raises `Refused`; `Malformed` for a public key that is none.
    """
    if backup.format == "trustworks-key-backup-2":  # its packages say so, too: none of format 3 passes for it
        return
    try:
        scheme = DEFAULT_SCHEME[backup.key.algorithm]
        check_signature(public_key(backup), scheme.name, backup.signature, _SIGNED + backup.core)
    except InvalidSignature:
        raise Refused(
            "TRUSTWORKS:KEYS-MANIFEST",
            f"The backup of {backup.key.label!r} is not as the key signed it when it was made. Take another "
            "copy of the file, and find out who changed this one.",
        ) from None


def generate_with_backup(
    module: Module,
    *,
    label: str,
    algorithm: KeyAlgorithm,
    custodians: Sequence[Custodian],
    threshold: int,
    keep: Callable[[Backup], None],
    at: datetime | None = None,
    key_id: bytes | None = None,
) -> tuple[Key, Backup]:
    """Make a key pair and its backup; the key itself then never leaves the module, which is open read_write.

    `keep` is called with the backup before the key gets its place, and must have made it durable when it
    returns: there is no key whose backup was lost. When it raises, there is no key. `key_id` is the key's
    CKA_ID, for a caller that must know the key again; absent, it is drawn.
    `Refused`: ECCG-ACM:KEYS, TRUSTWORKS:KEYS-WRAPPING-STRENGTH, TRUSTWORKS:KEYS-OAEP,
    TRUSTWORKS:MODULE-KEY-INSIDE (the key is destroyed). `Rejected`: module.key-exists, keys.quorum,
    keys.no-wrapping (also for a kind of key that the module does not wrap), keys.damaged (the backup did not
    bring the key back; there is no key).
    """
    check_key_algorithm(algorithm, module.today(), lab=module.lab)
    if not 0 < len(label.encode()) <= LONGEST_LABEL:
        raise Malformed(f"A key's label has 1 to {LONGEST_LABEL} octets.")
    check_quorum(custodians, threshold)
    check_cards(custodians)
    if comb(len(custodians), threshold) > MOST_PACKAGES:
        raise Rejected(
            "keys.quorum",
            f"{threshold} of {len(custodians)} makes {comb(len(custodians), threshold)} groups, and a "
            "package for "
            f"each; at most {MOST_PACKAGES} are made. Name fewer custodians.",
        )
    profile = wrapping_profile(module)
    recipients = tuple(
        Recipient(
            name=one.name,
            spki=one.keys_spki,
            oaep=choose_oaep(profile.oaep, one.oaep, sha1=module.oaep_sha1),
        )
        for one in custodians
    )
    identity = key_id or secrets.token_bytes(20)
    making = _Making(module, profile, label, algorithm, recipients, threshold, identity)
    with libraries.start_lock(module.connection.setup):
        if module.has(label=label) or module.has(key_id=identity):
            raise Rejected(
                "module.key-exists",
                f"A key with the label {label!r} or that id is on the token already; use another.",
            )
        moment = (at or datetime.now(UTC)).replace(microsecond=0)
        least = LEAST_BITS if module.weaker_transport else bits_to_carry(algorithm)
        facts = module_facts(module) | {"transport_bits": least}
        backup, copied = module.connection.run(
            lambda session: making.run(session, facts, moment, keep), once=True
        )
    try:
        key = module.key(key_id=making.key_id)
        check_protection(key.attributes(), label, lab=module.lab or not copied, backed_up=True)
        key.prove()
    except BaseException:
        module.destroy_id(making.key_id)
        raise
    return key, backup


@dataclass(frozen=True, slots=True)
class _Making:
    """One key and its backup, made in one session."""

    module: Module
    profile: WrappingProfile
    label: str
    algorithm: KeyAlgorithm
    recipients: tuple[Recipient, ...]
    threshold: int
    key_id: bytes

    def run(
        self, session: int, facts: dict[str, Any], moment: datetime, keep: Callable[[Backup], None]
    ) -> tuple[Backup, bool]:
        """The backup, and whether the key was copied to its place (else: unwrapped there)."""
        cryptoki = self.module.cryptoki
        with passing(cryptoki, session) as handles:
            public, private = objects.generate(
                cryptoki,
                session,
                self.module.mechanisms,
                algorithm=self.algorithm,
                label=self.label,
                key_id=self.key_id,
                on_token=False,
                extractable=True,
            )
            handles += [public, private]
            found = objects.read_public(cryptoki, session, public, self.algorithm)
            if found is None:
                raise Unavailable(
                    "module.public-key-absent", "The module does not give out the public key of the new key."
                )
            spki = spki_from(found)
            kek = one_time_key(cryptoki, session, Attribute.WRAP, Attribute.UNWRAP)
            handles.append(kek)
            wrapped = self._wrapped(session, kek, private)
            backup = self._backup(session, kek, wrapped, spki, facts, moment)
            signed = verified(self.module, session, private, found, self.algorithm, _SIGNED + backup.core)
            if signed is None:
                raise Unavailable(
                    "module.bad-signature",
                    "The module made a signature with the new key that the public key does not verify; there "
                    "is no key. Take the module out of service and find the cause.",
                )
            backup = replace(backup, signature=signed)
            # What the custodians bring back one day is shown to be the key, while there is another way still.
            tried = place_private(self.module, session, self.profile.kwp, kek, backup, on_token=False)
            handles.append(tried)
            if not verified(self.module, session, tried, found, self.algorithm):
                raise Rejected(
                    "keys.damaged", "The module does not bring back the key that it wrapped. Use another one."
                )
            keep(backup)
            place_public(self.module, session, backup)
            return backup, self._place(session, kek, private, backup)

    def _wrapped(self, session: int, kek: int, private: int) -> bytes:
        try:
            return self.module.cryptoki.wrap_key(session, PreparedMechanism(self.profile.kwp), kek, private)
        except CryptokiError as error:
            if error.rv not in {Rv.KEY_NOT_WRAPPABLE, Rv.KEY_UNEXTRACTABLE, Rv.FUNCTION_NOT_SUPPORTED}:
                raise
            raise Rejected(
                "keys.no-wrapping",
                f"The module does not wrap {self.algorithm.value} keys ({error}), so that there can be no "
                "backup "
                "of one. Choose another kind.",
            ) from error

    def _backup(  # noqa: PLR0917 - the parts of the document
        self, session: int, kek: int, wrapped: bytes, spki: bytes, facts: dict[str, Any], moment: datetime
    ) -> Backup:
        open_part = Backup(
            key=BackedUpKey(label=self.label, key_id=self.key_id, algorithm=self.algorithm, spki=spki),
            made_at=moment,
            module=facts,
            threshold=self.threshold,
            custodians=self.recipients,
            wrapped_key=wrapped,
            packages=(),
        )
        closed = tuple(
            packages.close(self.module, session, kek, self.profile.kwp, group, open_part.core)
            for group in packages.groups(self.recipients, self.threshold)
        )
        return replace(open_part, packages=closed)

    def _place(self, session: int, kek: int, private: int, backup: Backup) -> bool:
        """Put the private key on the token, not extractable; whether by a copy, which stays local."""
        try:
            self.module.cryptoki.copy(session, private, {Attribute.TOKEN: True, Attribute.EXTRACTABLE: False})
        except CryptokiError as error:
            if error.rv not in _NO_COPIES:
                raise
            place_private(self.module, session, self.profile.kwp, kek, backup, on_token=True)
            return False
        return True
