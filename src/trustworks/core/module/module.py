"""The cryptographic module, opened on one token: finds, makes and destroys keys."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import health, objects, probe
from trustworks.core.module import library as libraries
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.constants import Attribute, ObjectClass
from trustworks.core.module.failures import unavailable
from trustworks.core.module.key import Key
from trustworks.core.module.pin import check_pin, read_pin
from trustworks.core.module.pkcs11 import CryptokiError, text
from trustworks.core.module.protection import check_protection
from trustworks.core.module.sessions import Connection
from trustworks.core.module.softhsm import check_tokens_whole, keep_token
from trustworks.core.module.uri import Pkcs11Uri

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import TypeVar

    from trustworks.core.module.algorithms import KeyAlgorithm
    from trustworks.core.module.approvals import Approval
    from trustworks.core.module.certified import Certification
    from trustworks.core.module.config import ModuleSettings
    from trustworks.core.module.health import ModuleHealth
    from trustworks.core.module.objects import Found
    from trustworks.core.module.probe import Capability, ModuleInfo
    from trustworks.core.module.states import Register, StateOf
    from trustworks.core.module.wrapping import WrappingProfile

    T = TypeVar("T")

LONGEST_LABEL = 64
_TRIES = 3
_LOOK_AGAIN = (0.01, 0.05)  # seconds before another look at objects that seemed to be missing or damaged
_PASSING = objects.NOT_OURS | {"module.key-absent"}


def today_utc() -> date:
    """The day by the system clock; services hand in their trusted clock's."""
    return datetime.now(UTC).date()


class Module:
    """An open token of the cryptographic module; made by `open`, closed by `close` or a with statement.

    Threads share it. A forked child process is refused (module.forked): workers are spawned.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        lab: bool,
        today: Callable[[], date],
        settings: ModuleSettings | None,
        state_of: StateOf | None = None,
        register: Register | None = None,
    ) -> None:
        self.connection = connection
        self.cryptoki = connection.cryptoki
        self.uri = connection.uri
        self.lab = lab
        self.today = today
        self.state_of = state_of
        self.register = register
        self.barred: tuple[str, ...] = ()  # what the last look found (`health`); then nothing is signed
        self.looking = threading.Lock()
        self.officer_pins: tuple[Path, ...] = ()  # where no file with the security officer's PIN may lie
        self.mechanisms = frozenset(self.cryptoki.mechanisms(connection.slot))
        self.approval: Path | None = None
        self.attended: bool | None = None  # whether people activated it; None where nobody says
        self.profile: WrappingProfile | None = None  # once it was tried out
        self.certification: Certification | None = None  # as declared
        self.weaker_transport = lab or (settings is not None and settings.weaker_transport)
        self.oaep_sha1 = lab or (settings is not None and settings.oaep_sha1)
        info = self.cryptoki.token_info(connection.slot)
        wanted = settings.working_copies if settings else None
        self._working_copies = text(info.manufacturerID) == "SoftHSM project" if wanted is None else wanted
        self.token_uri = Pkcs11Uri(
            token=text(info.label),
            serial=text(info.serialNumber),
            manufacturer=text(info.manufacturerID),
            model=text(info.model),
        )

    @classmethod
    def open(
        cls,
        uri: Pkcs11Uri,
        *,
        library: Path | None = None,
        read_write: bool = False,
        lab: bool = False,
        base: Path | None = None,
        today: Callable[[], date] = today_utc,
        settings: ModuleSettings | None = None,
        state: Path | None = None,
        state_of: StateOf | None = None,
        pin: bytes | None = None,
        register: Register | None = None,
        officer_pins: tuple[Path, ...] = (),
    ) -> Module:
        """Open the token that `uri` names, with the PIN of its pin-source (a relative file: from `base`).

        `pin`: the PIN that a person typed, in place of a file's. Algorithms must be agreed on `today`.
        `state` is the folder that remembers a refused PIN for all processes (default: that of [module]
        lock-file). `state_of` answers the state of a key by the SHA-256 of its public key: one that is not
        operational signs nothing. Where `settings` name an approval file the module is looked at before it
        is answered (`health`), and signs nothing when that finds something, such as one of `officer_pins`.

        Raises `Unavailable` (module.library-absent, module.token-absent, module.pin-wrong, module.pin-locked,
        ...) and `Refused` (TRUSTWORKS:MODULE-PIN-*), each with one sentence that says what to do.
        """
        setup = libraries.make_setup(settings, library=library, uri=uri, base=base, state=state)
        pin = read_pin(uri, base=base) if pin is None else pin
        lab = lab or (settings is not None and settings.lab)
        check_pin(pin, whose=str(uri), lab=lab)
        try:
            with libraries.started(setup) as cryptoki:
                connection = Connection(cryptoki, uri, pin, setup=setup, read_write=read_write)
                try:
                    connection.open()
                except (Unavailable, CryptokiError) as error:
                    if isinstance(error, CryptokiError) or error.code == "module.token-absent":
                        check_tokens_whole(setup)
                    raise
                try:
                    module = cls(
                        connection,
                        lab=lab,
                        today=today,
                        settings=settings,
                        state_of=state_of,
                        register=register,
                    )
                    keep_token(setup, module.token_uri.serial or "")
                except BaseException:
                    connection.close()
                    raise
        except CryptokiError as error:
            raise unavailable(error, uri) from error
        module.officer_pins = officer_pins
        if settings and settings.approval:
            module.approval = (base or Path()) / settings.approval
            try:
                module.health()
            except BaseException:
                module.close()
                raise
        return module

    def close(self) -> None:
        """Close the sessions and log out; further use answers module.closed."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Keys

    def generate_key_pair(self, *, label: str, algorithm: KeyAlgorithm, key_id: bytes | None = None) -> Key:
        """Make a key pair whose private key can never leave the module, which must be open read_write.

        `Refused` where the algorithm is not agreed today (ECCG-ACM:KEYS) or the module does not protect the
        new key as asked (TRUSTWORKS:MODULE-KEY-INSIDE; the key is destroyed). `Rejected` (module.key-exists)
        for a label in use.
        """
        check_key_algorithm(algorithm, self.today(), lab=self.lab)
        if not 0 < len(label.encode()) <= LONGEST_LABEL:
            raise Malformed(f"A key's label has 1 to {LONGEST_LABEL} octets.")
        identity = key_id or self.random(20)
        with libraries.start_lock(self.connection.setup):  # a process that starts must not see half a key
            if self.look_up(
                lambda session: self._find(session, label) or self._find(session, key_id=identity)
            ):
                raise Rejected(
                    "module.key-exists",
                    f"A key with the label {label!r} or that id is on the token already; use another.",
                )
            self._generate(algorithm, label, identity)
        try:
            key = self.key(key_id=identity)
            check_protection(key.attributes(), label, lab=self.lab)
            key.prove()
        except BaseException:
            self._destroy(identity)
            raise
        return key

    def _generate(self, algorithm: KeyAlgorithm, label: str, identity: bytes) -> None:
        """C_GenerateKeyPair; again where it failed, after destroying what it may have left under this id.

        SoftHSM2 fails now and then with CKR_GENERAL_ERROR while other threads or processes look for objects.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                self.connection.run(
                    lambda session: objects.generate(
                        self.cryptoki,
                        session,
                        self.mechanisms,
                        algorithm=algorithm,
                        label=label,
                        key_id=identity,
                    ),
                    once=True,
                )
            except Unavailable as error:
                self._destroy(identity)
                if not tries_left or error.code != "module.failed":
                    raise
            else:
                return

    def key(self, label: str | None = None, key_id: bytes | None = None) -> Key:
        """The one private key with this label or id (or both); without either, the one that the URI names."""
        if label is None and key_id is None:
            label, key_id = self.uri.object, self.uri.id
        if label is None and key_id is None:
            raise Malformed(
                "Say which key is meant: by its label, its id, or object= or id= in the PKCS#11 URI."
            )

        name = f"with the label {label!r}" if label is not None else f"with the id {(key_id or b'').hex()}"

        def read(session: int) -> Found:  # found and read in one session: numbers end with it
            handles = self._find(session, label, key_id)
            found = objects.unique(objects.read(self.cryptoki, session, handle) for handle in handles)
            if len(found) > 1:
                raise Unavailable(
                    "module.key-ambiguous",
                    f"{len(found)} keys {name} are on {self.token_uri}; name one by its id.",
                )
            if not found:
                self.connection.check_usable()  # after a logout private keys are not found
                raise Unavailable(
                    "module.key-absent",
                    f"No private key {name} is on {self.token_uri}. `trustworks module keys` lists "
                    "those that are there.",
                )
            return found[0]

        return self._key(self.look_up(read))

    def keys(self) -> list[Key]:
        """All private keys of the token that Trustworks can sign with, by label."""
        looked_at_again: set[int] = set()

        def read(session: int) -> list[Found]:
            found, doubt = [], None
            for handle in self._find(session):
                if self.cryptoki.number(session, handle, Attribute.SIGN) == 0:
                    continue  # a custodian's or a transport key, which does nothing but unwrap
                try:
                    found.append(objects.read(self.cryptoki, session, handle))
                except (Unavailable, Rejected) as error:
                    if error.code not in objects.NOT_OURS:
                        raise
                    if handle not in looked_at_again:  # twice the same: it is none that Trustworks uses
                        looked_at_again.add(handle)
                        doubt = error
            if doubt is not None:
                raise doubt
            return objects.unique(found)

        return sorted(map(self._key, self.look_up(read)), key=lambda key: (key.label, key.key_id))

    def destroy(self, key: Key) -> None:
        """Destroy the private and the public key object; there is no way back."""
        self._destroy(key.key_id)

    def has(self, *, label: str | None = None, key_id: bytes | None = None) -> bool:
        """Whether a private key with this label or id is on the token, be it one that is used or not."""
        return bool(self.look_up(lambda session: self._find(session, label, key_id)))

    def destroy_id(self, key_id: bytes) -> None:
        """Destroy what there is of a key with this id, be it a half."""
        self._destroy(key_id)

    def _destroy(self, key_id: bytes) -> None:
        with libraries.start_lock(self.connection.setup):

            def destroy(session: int) -> None:
                self.connection.drop_copies(self._find(session, key_id=key_id))
                objects.destroy(self.cryptoki, session, key_id)

            self.connection.run(destroy)

    def random(self, length: int) -> bytes:
        """Random octets from the module."""
        return self.connection.run(lambda session: self.cryptoki.random(session, length))

    def look_up(self, action: Callable[[int], T]) -> T:
        """Find or read objects while nobody makes, destroys or logs in.

        SoftHSM2 reads its files anew when another process has written, and until it is done an object can be
        missing, be there twice or lack attributes. The lock keeps writers away, not other threads that sign,
        which make it read too: what looks wrong is looked at again before it is believed.
        """
        for pause in _LOOK_AGAIN:
            try:
                with libraries.start_lock(self.connection.setup):
                    return self.connection.run(action)
            except (Unavailable, Rejected) as error:
                if error.code not in _PASSING:
                    raise
            time.sleep(pause)
        with libraries.start_lock(self.connection.setup):
            return self.connection.run(action)

    def private_handle(self, session: int, key_id: bytes) -> int:
        """The private key object's number in the present connection."""
        found = self._find(session, key_id=key_id)
        if not found:
            self.connection.check_usable()
            raise Unavailable(
                "module.key-absent",
                f"The key with the id {key_id.hex()} is no longer on {self.token_uri}. Take another key into "
                "use, or put this one back from the token's backup; if it is still missed then, restart the "
                "services.",
            )
        return found[0]

    def signing_handle(self, key_id: bytes, generation: int) -> int:
        """The number of the object that signs: a working copy where that is wanted and possible."""
        handle = self.look_up(lambda session: self.private_handle(session, key_id))
        if not self._working_copies:
            return handle
        return self.connection.working_copy(handle, generation) or handle

    def _find(self, session: int, label: str | None = None, key_id: bytes | None = None) -> list[int]:
        wanted: dict[Attribute, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.TOKEN: True}
        if label is not None:
            wanted[Attribute.LABEL] = label
        if key_id is not None:
            wanted[Attribute.ID] = key_id
        return self.cryptoki.find(session, wanted)

    def _key(self, found: Found) -> Key:
        return Key(
            self,
            label=found.label,
            key_id=found.key_id,
            algorithm=found.algorithm,
            public_key=found.public_key,
        )

    # Probes

    def inventory(self) -> frozenset[str]:
        """The private and secret keys on the token, as the approval and the register name them."""
        return self.look_up(lambda session: objects.inventory(self.cryptoki, session))

    def token_info(self) -> Any:
        """CK_TOKEN_INFO as it is now; under the lock: SoftHSM2 fails to read it while a process logs in."""
        return self.look_up(lambda _: self.cryptoki.token_info(self.connection.slot))

    def info(self) -> ModuleInfo:
        """Library, token and mechanisms, as the module describes itself."""
        return probe.info(self)

    def capabilities(self) -> tuple[Capability, ...]:
        """What the module can really do, tried out with keys of one session; takes some seconds."""
        return probe.capabilities(self)

    def ensure_probe_key(self) -> tuple[Key, bool]:
        """The key that `health` signs with, and whether it was made, as it is where it is absent.

        The module must be open read_write.
        """
        return health.ensure_probe_key(self)

    def health(self, approved: Approval | None = None) -> ModuleHealth:
        """Sign and verify with the probe key, look at the random numbers, compare with what was approved.

        What is found bars the module: from then on it signs nothing, until a look finds nothing any more.
        `approved`: as read from the approval file that the configuration names, unless it is given.
        """
        return health.health(self, approved)
