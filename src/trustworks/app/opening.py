"""A resource that may be absent when its process starts, and is opened once it is there."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from trustworks.core.errors import Refused, TrustworksError, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

T = TypeVar("T")

# A PIN that was wrong once is wrong the next time too, and each try brings the token nearer to locking
# itself.
NEVER_AGAIN = frozenset({"module.pin-wrong", "module.pin-locked"})


@implements("TRUSTWORKS:APP-PIN-ONCE", disabled=False)
def is_hopeless(error: Exception) -> bool:
    """Whether trying again would do harm or change nothing, until the operator has put something right."""
    return isinstance(error, Refused) or (isinstance(error, Unavailable) and error.code in NEVER_AGAIN)


class Opening(Generic[T]):
    """A resource and how it is opened. `attempt` is called by one thread; `get` by any.

    What `watch` answers stands for what the operator can put right, such as the state of a PIN file: when it
    is another than before the last try, there is hope again.
    """

    def __init__(
        self, name: str, open_it: Callable[[ExitStack], T], *, watch: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self._open = open_it
        self._watch = watch
        self._seen: object = None
        self._stack = ExitStack()
        self._value: T | None = None
        self._error: TrustworksError = Unavailable(f"{name}.starting", f"{name} is being opened.")

    @property
    def is_open(self) -> bool:
        """Whether `get` answers."""
        return self._value is not None

    @property
    def hopeless(self) -> bool:
        """Whether trying again would do harm, until the operator has put something right."""
        return is_hopeless(self._error) and (self._watch is None or self._watch() == self._seen)

    def get(self) -> T:
        """The resource. Raises what opening it raised last."""
        if self._value is None:
            raise self._error.with_traceback(None)  # else it would grow with every raise
        return self._value

    def attempt(self) -> bool:
        """Open it unless it is open; answers whether it was opened now."""
        if self._value is not None or self.hopeless:
            return False
        self._seen = None if self._watch is None else self._watch()
        try:
            self._value = self._open(self._stack)
        except TrustworksError as error:
            self._failed(error)
        except Exception as error:
            # A bug in one service must not take the others down.
            log.exception("opening.bug", resource=self.name)
            self._failed(
                Unavailable(
                    f"{self.name}.bug",
                    f"{self.name} cannot be opened ({type(error).__name__}); the reason is in the log. It is "
                    "tried again.",
                )
            )
        return self._value is not None

    def _failed(self, error: TrustworksError) -> None:
        if str(error) != str(self._error):
            log.error("opening.failed", resource=self.name, reason=str(error))
        self._stack.close()
        self._stack = ExitStack()
        self._error = error

    def close(self) -> None:
        """Close it."""
        self._value = None
        self._error = Unavailable(f"{self.name}.closed", f"{self.name} is closed.")
        self._stack.close()
