"""The connection to one token: found by its URI, logged in once, with a pool of sessions for the threads.

Life of a signature: take an idle session (or open one), C_SignInit, C_Sign, give the session back. A session
with a failed operation is closed, never reused. When the connection is lost (device reset, sessions killed),
the first thread that notices opens it anew, and every thread tries once more; handles of objects belong to
one such `generation`.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Unavailable
from trustworks.core.module import library
from trustworks.core.module.constants import LOST, Attribute, Rv, User
from trustworks.core.module.failures import pin_error, unavailable
from trustworks.core.module.pkcs11 import CryptokiError, ffi, text
from trustworks.core.module.refusals import RefusedPins
from trustworks.core.module.slots import find_slot
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from trustworks.core.module.library import Setup
    from trustworks.core.module.pkcs11 import Cryptoki, PreparedMechanism
    from trustworks.core.module.uri import Pkcs11Uri

    T = TypeVar("T")

LARGEST_SIGNATURE: Final = 2048
SESSION_PATIENCE: Final = (
    5.0  # seconds; a token whose sessions are all in use gets one back within a signature's time
)
RETURN_PATIENCE: Final = 1.0  # seconds to wait for calls that are under way, before closing or reopening
_SESSION_PAUSE: Final = 0.002


class Session:
    """A session with the buffers that its signatures are written to."""

    __slots__ = ("buffer", "generation", "handle", "length", "start", "view")

    def __init__(self, handle: int, generation: int, start: int) -> None:
        self.handle = handle
        self.generation = generation
        self.start = start
        self.buffer: Any = ffi.new("CK_BYTE[]", LARGEST_SIGNATURE)
        self.length: Any = ffi.new("CK_ULONG *")
        self.view: Any = ffi.buffer(self.buffer)


class Connection:
    """One token, logged in. Threads share it; a forked child is refused."""

    def __init__(
        self, cryptoki: Cryptoki, uri: Pkcs11Uri, pin: bytes, *, setup: Setup, read_write: bool
    ) -> None:
        self.cryptoki = cryptoki
        self.uri = uri
        self.setup = setup
        self.slot = -1
        self.generation = 0
        self.pid = os.getpid()
        self.closed = False
        self._pin = pin
        self._read_write = read_write
        self._lock = threading.RLock()
        self._idle: deque[Session] = deque()
        self._all: set[Session] = set()
        self._opening = False
        self._anchor: Session | None = None
        self._copies: dict[int, int] = {}
        self._pin_refused: Unavailable | None = None
        self._sign_init = cryptoki.c_sign_init
        self._sign = cryptoki.c_sign

    # Opening and closing

    def open(self) -> None:
        """Find the token and log in; the caller holds the start-up lock.

        A token that is not there may have appeared since the library listed its slots, and a library that
        lost its device may need a new start: it gets one, if nobody else in this process uses it.
        """
        with self.cryptoki.lock:
            try:
                self._enter()
            except (CryptokiError, Unavailable) as error:
                if self.cryptoki.users or (
                    isinstance(error, Unavailable) and error.code != "module.token-absent"
                ):
                    raise
                library.start_afresh(self.cryptoki)
                self._enter()

    def _enter(self) -> None:
        self.slot = find_slot(self.cryptoki, self.uri)
        anchor = self._new_session()
        try:
            self._login(anchor)
        except BaseException:
            self._discard(anchor)
            raise
        self._anchor = anchor  # the login ends with the last session, so one always stays open
        self.cryptoki.users += 1

    def _login(self, session: Session) -> None:
        cryptoki, users = self.cryptoki, 0
        fingerprint = hashlib.sha256(self._pin).digest()
        if self._pin_refused is not None:
            # Another try with the same PIN would bring the token nearer to its lock.
            raise self._pin_refused.with_traceback(None)
        if self.slot in cryptoki.logins:
            users, first = cryptoki.logins[self.slot]
            if first != fingerprint:
                raise pin_error(Rv.PIN_INCORRECT, self.uri)
        memory = self._memory()
        if memory is not None:
            memory.check(self._pin, self.uri)
        try:
            cryptoki.login(session.handle, User.USER, self._pin)
        except CryptokiError as error:
            if error.rv != Rv.USER_ALREADY_LOGGED_IN:
                raise self._refused(error, memory) from error
            if not users:  # by somebody else in this process, with a PIN that we have not seen
                cryptoki.logout(session.handle)
                return self._login(session)
        if memory is not None:
            memory.forget()  # before the login counts: where it fails, it ends with the session
        cryptoki.logins[self.slot] = (users + 1, fingerprint)
        return None

    def _memory(self) -> RefusedPins | None:
        """Where it is kept which PIN this token refused."""
        if self.setup.state is None:
            return None
        info = self.cryptoki.token_info(self.slot)
        return RefusedPins.of(
            self.setup.state, text(info.manufacturerID), text(info.model), text(info.serialNumber)
        )

    @implements(
        "TRUSTWORKS:MODULE-PIN-ONCE", disabled=lambda self, error, _memory: pin_error(error.rv, self.uri)
    )
    def _refused(self, error: CryptokiError, memory: RefusedPins | None) -> Unavailable:
        """What a refused login means; neither this process nor another tries the same PIN again."""
        failure = pin_error(error.rv, self.uri)
        if failure.code.startswith("module.pin"):
            self._pin_refused = failure
        if memory is not None and error.rv == Rv.PIN_INCORRECT:
            try:
                memory.remember(self._pin)
            except OSError as reason:
                return Unavailable(
                    failure.code,
                    f"{failure} That it was refused cannot be kept in {memory.file} ({reason.strerror}), so "
                    "that each process tries it once: stop them.",
                )
        return failure

    def close(self) -> None:
        """Close the sessions; the last user of a token in this process logs out."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            if os.getpid() != self.pid:
                return  # the sessions are the parent's
            self._await_return()
            with self.cryptoki.lock:
                self._leave()

    def _leave(self) -> None:
        self._drain()
        self._copies = {}
        anchor, self._anchor = self._anchor, None
        if anchor is None:
            return
        self.cryptoki.users -= 1
        users, fingerprint = self.cryptoki.logins.pop(self.slot, (1, b""))
        if users > 1:
            self.cryptoki.logins[self.slot] = (users - 1, fingerprint)
        elif anchor.start == self.cryptoki.starts:
            with suppress(CryptokiError):
                self.cryptoki.logout(anchor.handle)
        self._discard(anchor)

    def reopen(self, seen: int) -> None:
        """Open the lost connection again, unless another thread has done so since generation `seen`."""
        self.check_usable()
        if self.generation != seen:
            return
        with library.start_lock(self.setup), self._lock:
            if self.generation != seen:
                return
            self.check_usable()
            self._opening = True
            try:
                self._await_return()
                with self.cryptoki.lock:
                    self._leave()
                    library.start_again(self.cryptoki)
                    self.open()
            except CryptokiError as error:
                raise unavailable(error, self.uri) from error
            else:
                self.generation += 1
            finally:
                self._opening = False

    def _await_return(self) -> None:
        """Wait until other threads have given their sessions back: a logout would make their calls fail."""
        deadline = time.monotonic() + RETURN_PATIENCE
        while len(self._all) > len(self._idle) + 1 and time.monotonic() < deadline:
            time.sleep(_SESSION_PAUSE)

    def check_usable(self) -> None:
        """Refuse after `close` and after a fork."""
        library.check_not_forked(self.pid, os.getpid())
        if self.closed:
            raise Unavailable("module.closed", f"The module {self.uri} was closed; open it again.")

    def change_pin(self, pin: bytes) -> None:
        """C_SetPIN, and the login counts as one with the new PIN. The caller holds the start-up lock."""
        self.run(lambda session: self.cryptoki.set_pin(session, self._pin, pin), once=True)
        self._pin = pin
        users, _ = self.cryptoki.logins[self.slot]
        self.cryptoki.logins[self.slot] = (users, hashlib.sha256(pin).digest())

    # Sessions

    def _new_session(self) -> Session:
        """Open a session; where the token has no more of them, wait for one that a thread gives back."""
        deadline = time.monotonic() + SESSION_PATIENCE
        while True:
            generation, start = (
                self.generation,
                self.cryptoki.starts,
            )  # before the call: what it gives is as old
            try:
                handle = self.cryptoki.open_session(self.slot, read_write=self._read_write)
            except CryptokiError as error:
                if error.rv != Rv.SESSION_COUNT:
                    raise
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "module.sessions",
                        f"The token of {self.uri} has no free session. Lower the number of workers or "
                        "threads.",
                    ) from error
                time.sleep(_SESSION_PAUSE)
                if session := self._idle_session():
                    return session
            else:
                session = Session(handle, generation, start)
                self._all.add(session)
                return session

    def _idle_session(self) -> Session | None:
        """A session of the present generation that nobody uses."""
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                return None
            if session.generation == self.generation:
                return session
            self._discard(session)

    def _take(self) -> Session:
        if self._opening:
            with self._lock:  # until another thread has opened the connection anew
                pass
        return self._idle_session() or self._new_session()

    def _give(self, session: Session) -> None:
        self._idle.append(session)
        if self.closed:
            self._drain()

    def _drain(self) -> None:
        with suppress(IndexError):
            while True:
                self._discard(self._idle.pop())

    def _discard(self, session: Session) -> None:
        self._all.discard(session)
        if session.start == self.cryptoki.starts:  # else its number may by now be another's
            with suppress(CryptokiError):
                self.cryptoki.close_session(session.handle)

    @contextmanager
    def session(self) -> Iterator[int]:
        """A session's number for a few calls."""
        self.check_usable()
        session = self._take()
        try:
            yield session.handle
        except BaseException:
            self._discard(session)
            raise
        self._give(session)

    def run(self, action: Callable[[int], T], *, once: bool = False) -> T:
        """Do something with a session; again on a new connection where it was lost, unless `once`."""
        seen = self.generation
        try:
            with self.session() as session:
                return action(session)
        except CryptokiError as error:
            self.check_usable()
            if once or error.rv not in LOST:
                raise unavailable(error, self.uri) from error
        self.reopen(seen)
        try:
            with self.session() as session:
                return action(session)
        except CryptokiError as error:
            raise unavailable(error, self.uri) from error

    def working_copy(self, handle: int, generation: int) -> int | None:
        """A copy of a private key in the module's memory, as an object of the anchor session; None without.

        SoftHSM2 opens, locks and reads the token's and the key's file for every use of a token object: a
        third of a signature's time. The copy has the key's own protection, and ends with the session, at the
        latest with the process.
        """
        with self._lock:
            if self._anchor is None or generation != self.generation:
                return None
            if handle not in self._copies:
                try:
                    copied = self.cryptoki.copy(self._anchor.handle, handle, {Attribute.TOKEN: False})
                except CryptokiError:
                    return None
                self._copies[handle] = copied
            return self._copies[handle]

    def drop_copies(self, handles: list[int]) -> None:
        """Destroy the working copies of private keys that are to be destroyed."""
        with self._lock:
            for handle in handles:
                copied = self._copies.pop(handle, None)
                if copied is not None and self._anchor is not None:
                    with suppress(CryptokiError):
                        self.cryptoki.destroy(self._anchor.handle, copied)

    def sign(self, mechanism: PreparedMechanism, place: tuple[int, int], data: bytes) -> bytes:
        """C_SignInit and C_Sign without an allocation on our side: the hot path.

        `place` is the generation and the number of the key. `CryptokiError` when it fails;
        CKR_KEY_HANDLE_INVALID also when the number is of an earlier generation, where it could by now name
        another key.
        """
        if os.getpid() != self.pid or self.closed:
            self.check_usable()  # here and not in each call: a call costs more than the comparison
        session = self._take()
        handle = session.handle
        generation, key = place
        if generation != session.generation:
            self._give(session)
            raise CryptokiError("C_SignInit", Rv.KEY_HANDLE_INVALID)
        function, rv = "C_SignInit", self._sign_init(handle, mechanism.cdata, key)
        if rv == 0:
            function = "C_Sign"
            session.length[0] = LARGEST_SIGNATURE
            rv = self._sign(handle, data, len(data), session.buffer, session.length)
            if rv == 0:
                signature: bytes = session.view[: session.length[0]]
                self._give(session)
                return signature
        self._discard(session)
        raise CryptokiError(function, rv)
