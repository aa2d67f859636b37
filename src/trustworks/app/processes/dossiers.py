"""The task that makes the dossiers that were ordered at the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from trustworks.app.dossier.orders import Order, Orders
    from trustworks.app.processes.rounds import Round
    from trustworks.app.wiring import Wiring

LOOK: Final = 2.0  # seconds between two looks whether one was ordered
_ENDED: Final = "The process that made it ended meanwhile. Order it again."
_WAITS: Final = "Dossiers are made when they are ordered."


def maker(wiring: Wiring, stack: ExitStack) -> Round:
    """Makes one dossier after the other; one that fails says why, and stops no other."""
    from trustworks.app.dossier.orders import Orders  # noqa: PLC0415 - loads the register
    from trustworks.core.time import any_time  # noqa: PLC0415 - as above

    database = stack.enter_context(wiring.open_database())
    recorder = stack.enter_context(wiring.open_recorder("jobs-dossier", database=database))
    clock = wiring.open_clock()
    orders = Orders(database, recorder, now=lambda: any_time(clock).utc)
    orders.give_up(_ENDED)

    def look() -> str:
        order = orders.take()
        if order is not None:
            fulfil(wiring, orders, order)
        return _WAITS

    return look


def fulfil(wiring: Wiring, orders: Orders, order: Order) -> None:
    """Make what was ordered, by a wiring of its own: its tokens are open for as long as that takes."""
    from trustworks.app.dossier.making import Asked, make  # noqa: PLC0415 - where one is made
    from trustworks.app.dossier.orders import OrderState  # noqa: PLC0415 - as above

    asked = Asked(out=None, profile=order.profile, seal=None, by=order.asked_by)
    try:
        made = make(
            type(wiring).over(wiring.loaded), asked, told=lambda step: orders.tell(order.number, step)
        )
        orders.finish(order.number, manifest=made.manifest, content=made.container or b"")
    except TrustworksError as error:
        orders.tell(order.number, str(error), state=OrderState.FAILED)
    except Exception:
        orders.tell(order.number, "A fault of the program; its log says more.", state=OrderState.FAILED)
        raise
