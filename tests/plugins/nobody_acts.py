"""The wiring's part about who acts, for commands that are tested by themselves: nobody is asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trustworks.core.roles.model import NOT_NEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustworks.core.roles import Act
    from trustworks.core.roles.model import Approved, Hold, Person


class NobodyActs:
    """Takes everybody at his word, and writes down what was asked; `refusal` is raised where it is set."""

    refusal: Exception | None = None

    def __init__(self) -> None:
        self.asked: list[tuple[Act, str | None, str | None]] = []
        self.concerned: list[tuple[Act, str, list[Person]]] = []
        self.approvals: list[tuple[str, dict[str, Any]]] = []

    def officer(
        self, act: Act, name: str | None, key: str | None, *, alone: bool | None = None
    ) -> str | None:
        del alone
        self.asked.append((act, name, key))
        if self.refusal is not None:
            raise self.refusal
        return name

    def check_not_subject(self, act: Act, name: str, concerned: Iterable[Person]) -> None:
        self.concerned.append((act, name, list(concerned)))

    def approval(self, what: str, about: dict[str, Any], *, by: str) -> Approved:
        assert by
        self.approvals.append((what, about))
        return NOT_NEEDED

    @contextmanager
    def held(
        self,
        what: str,
        about: dict[str, Any],
        *,
        by: str,
        done: Callable[[str], bool],  # noqa: ARG002 - as the wiring's
        completes: bool = False,  # noqa: ARG002 - as above
    ) -> Iterator[Hold | None]:
        assert by
        self.approvals.append((what, about))
        yield None
