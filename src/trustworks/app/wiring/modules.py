"""The cryptographic module, opened on the token of a security context."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from trustworks.app.wiring.resources import Resources
from trustworks.core.errors import Rejected, TrustworksError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustworks.core.keys import KeyStates
    from trustworks.core.module import Module, Pkcs11Uri
    from trustworks.core.module.certified import Certification
    from trustworks.core.module.states import KeyState
    from trustworks.core.store import Database

TOKENS = ("root", "issuing", "tsu", "services", "audit")


class Modules(Resources):
    """Tokens by the names that the configuration gives them."""

    watching = False  # whether each module that is opened is looked at by the clock: in what runs for long

    def token_uri(self, name: str) -> Pkcs11Uri:
        """The URI of the token for a security context: one of `TOKENS`, or of [tokens.further]."""
        from trustworks.core.module import Pkcs11Uri  # noqa: PLC0415 - loads the binding

        further = self.config.tokens.further
        if name not in TOKENS and name not in further:
            known = ", ".join((*TOKENS, *further))
            raise Rejected(
                "config.token",
                f"There is no token {name!r}; there are {known}. Name another under [tokens.further].",
            )
        uri: str | None = further[name] if name in further else getattr(self.config.tokens, name)
        if uri is None:
            raise Rejected(
                "config.token",
                f"[tokens] {name} is not set in {self.loaded.file}. Name the token by a URI such as "
                f"pkcs11:token={name}?pin-source=file:secrets/{name}.pin.",
            )
        return Pkcs11Uri.parse(uri)

    def pin_state(self, name: str) -> tuple[int, int, int] | None:
        """What changes when the PIN file of a token is written anew; None while there is none."""
        from trustworks.core.module.pin import pin_path  # noqa: PLC0415 - loads the binding

        try:
            source = self.token_uri(name).pin_source
            if source is None:
                return None
            found = pin_path(source, self.base).stat()
        except (OSError, TrustworksError):
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    @contextmanager
    def open_module(
        self,
        token: str,
        *,
        read_write: bool = False,
        any_state: bool = False,
        pin: bytes | None = None,
    ) -> Iterator[Module]:
        """The cryptographic module, opened on the token of a security context.

        Keys sign that the register knows as operational, or not at all. `any_state`: they sign whatever their
        state is, as a key does for the request by which it gets its certificate. `pin` takes the place of the
        PIN file's, where who opens the token has it and no file may.
        """
        from trustworks.core.module import Module  # noqa: PLC0415 - loads the binding

        attended = True if pin is not None else self._attended(token)
        with ExitStack() as stack:
            register = _Register(self, stack)
            module = stack.enter_context(
                Module.open(
                    self.token_uri(token),
                    read_write=read_write,
                    lab=self.lab,
                    base=self.base,
                    today=self.today,
                    settings=self.config.module,
                    state=self.state_dir,
                    state_of=None if any_state else register.state_of,
                    register=register.on_token,
                    pin=pin,
                    officer_pins=() if self.lab else self.officer_pins(token),
                )
            )
            module.attended = attended
            module.certification = self._certification(token)
            if self.watching:
                from trustworks.core.module.watching import Watch  # noqa: PLC0415 - services alone

                every = self.config.module.look_every
                stack.enter_context(Watch(module, every=every, on_event=self._tell))
            yield module

    def _tell(self, kind: str, token: Pkcs11Uri, detail: dict[str, Any]) -> None:
        """Write to the audit log, opened for it: it is about once in the life of a process, if ever."""
        from trustworks.core.audit.module import module_events  # noqa: PLC0415 - loads SQLAlchemy

        with self.open_recorder("module") as recorder:
            module_events(recorder)(kind, token, detail)

    def _certification(self, token: str) -> Certification | None:
        """What the module of a token is certified for, as the configuration declares it."""
        declared = [one for one in self.config.module.certified if one.token == token]
        return declared[0].certification() if declared else None

    def officer_pins(self, token: str) -> tuple[Path, ...]:
        """The files in which the PIN of a token's security officer may lie on this machine."""
        from trustworks.core.module.officer import places  # noqa: PLC0415 - as above

        return places(self.token_uri(token), base=self.base, state=self.state_dir)

    def _attended(self, token: str) -> bool:
        """Whether somebody had to activate the token; refuses one that starts by itself, unless accepted."""
        from trustworks.core.module.activation import check_attended, in_memory  # noqa: PLC0415 - as above
        from trustworks.core.module.pin import pin_path  # noqa: PLC0415 - as above

        source = self.token_uri(token).pin_source
        if source is None:
            return True
        file = pin_path(source, self.base)
        attended = in_memory(file)
        accepted = self.config.module.unattended_start
        check_attended(memory=attended, unattended=accepted, lab=self.lab, file=file)
        return attended


class _Register:
    """What a module asks the register of keys; the database is opened for the first question.

    The first keys of an installation are older than its tables: until these are there, nothing is known.
    """

    def __init__(self, wiring: Modules, stack: ExitStack) -> None:
        self._wiring = wiring
        self._stack = stack
        self._database: Database | None = None
        self._states: KeyStates | None = None

    def _opened(self) -> KeyStates | None:
        if self._states is None:
            if self._database is None:
                self._database = self._stack.enter_context(self._wiring.open_database(check=False))
            if self._database.version() is not None:
                from trustworks.core.keys import KeyStates  # noqa: PLC0415 - loads SQLAlchemy

                self._states = KeyStates(self._database)
        return self._states

    def state_of(self, spki_sha256: bytes) -> KeyState | None:
        """The state of a key; None for one that is not known."""
        states = self._opened()
        return None if states is None else states(spki_sha256)

    def on_token(self, serial: str) -> tuple[frozenset[str], frozenset[str]]:
        """The keys that are on a token, and those that were."""
        states = self._opened()
        return (frozenset(), frozenset()) if states is None else states.on_token(serial)
