"""Commands that change something: each says which act it is, and who does it is known before it begins.

One decorator on every such command adds `--as` and `--key`, and asks the application's wiring for the
officer. A test walks all commands, and fails for one that is neither decorated nor in its table of those that
change nothing.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from trustworks.core.roles.model import Act, Approved, Hold, Person

OperatorName = Annotated[
    str | None,
    typer.Option("--as", help="The operator who acts; needed once there are operators.", metavar="NAME"),
]
OperatorKey = Annotated[
    str | None,
    typer.Option(
        "--key", help="With --as: the operator's key, a PEM file or a pkcs11: URI.", metavar="FILE|URI"
    ),
]

WithoutConfiguration = Annotated[
    bool,
    typer.Option(
        "--without-configuration",
        help="Where no configuration is found: the token belongs to no provider, and nobody is asked for.",
    ),
]

_OPTIONS: Final = {"operator_name": OperatorName, "operator_key": OperatorKey}
_ALONE: Final = "without_configuration"
_ACTOR: Final = "trustworks.operator"


class Officers(Protocol):
    """What commands need of the application's wiring to know who acts."""

    def officer(
        self, act: Act, name: str | None, key: str | None, *, alone: bool | None = None
    ) -> str | None:
        """The operator who does `act`, authenticated by his key; None where none is needed.

        `alone`: whether it was said that a token is used that belongs to no configuration; None where the
        command is about no such token.
        """

    def check_not_subject(self, act: Act, name: str, concerned: Iterable[Person]) -> None:
        """Refuse an act that concerns the operator of that name himself."""

    def approval(self, what: str, about: dict[str, Any], *, by: str) -> Approved:
        """The approvals by which an act that is a record may be done, which no operator does alone."""

    def held(
        self,
        what: str,
        about: dict[str, Any],
        *,
        by: str,
        done: Callable[[str], bool],
        completes: bool = False,
    ) -> AbstractContextManager[Hold | None]:
        """The approvals of an act outside the database, held while it is done."""


def performs(
    act: Act, *, by: str = "by", when: str | None = None, alone: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command begin only when an operator was authenticated who may do `act`.

    Where operators are needed, the command's parameter `by` (if it has one of that name) becomes the
    operator's; otherwise it is what was typed, and must not be empty. `when` names the flag without which the
    command changes nothing, and asks for nobody. One that may be about a token `alone` gets
    `--without-configuration`, too. The command has a parameter `context`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        named = by in signature.parameters

        @functools.wraps(command)
        def performed(*, context: typer.Context, **given: Any) -> None:
            officers: Officers = context.obj
            who = [given.pop(name) for name in _OPTIONS]
            said: dict[str, Any] = {"alone": bool(given.pop(_ALONE))} if alone else {}
            operator = officers.officer(act, *who, **said) if when is None or given[when] else None
            context.meta[_ACTOR] = operator
            if named and operator is not None:
                given[by] = operator
            elif named and not given[by]:
                raise Malformed(f"Say who acts: --{by.replace('_', '-')} NAME, or --as NAME --key FILE.")
            command(context=context, **given)

        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in _OPTIONS.items()
        ]
        added: dict[str, Any] = {**_OPTIONS}
        if alone:
            options.append(
                inspect.Parameter(
                    _ALONE, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=WithoutConfiguration
                )
            )
            added[_ALONE] = WithoutConfiguration
        performed.__signature__ = signature.replace(  # type: ignore[attr-defined]  # as Typer reads it
            parameters=[*signature.parameters.values(), *options]
        )
        performed.__annotations__ = {**command.__annotations__, **added}
        performed.act, performed.when = act, when  # type: ignore[attr-defined]  # for who walks the commands
        return performed

    return decorate


def act_of(command: object) -> Act | None:
    """The act that a command performs; None where it was not said."""
    return getattr(command, "act", None)


def operator_of(context: typer.Context) -> str | None:
    """The operator who was authenticated for the command that runs; None where none was needed."""
    found: str | None = context.meta.get(_ACTOR)
    return found
