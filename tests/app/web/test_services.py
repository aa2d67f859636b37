"""What a worker opens is opened once, and closed at its end."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from trustworks.app import certificates
from trustworks.app.web.services import Services

if TYPE_CHECKING:
    import pytest

    from trustworks.core.http import Handler


def test_all_routes_of_the_time_stamping_authority_have_one_edge_that_ends_with_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(certificates, "in_use", lambda _: ())
    authority = SimpleNamespace(unit_names=("tsu-1",), settings=SimpleNamespace(threads=1))
    config = SimpleNamespace(
        timestamping=authority.settings,
        issuance=None,
        validation=None,
        signing=None,
        integrity=SimpleNamespace(manifest=None),
    )
    wiring: Any = SimpleNamespace(
        config=config,
        base=Path(),
        timestamping_settings=SimpleNamespace(units=[SimpleNamespace(name="tsu-1")]),
        open_clock=lambda: None,
        open_database=contextlib.nullcontext,
        open_recorder=lambda *_, **__: contextlib.nullcontext(),
        open_module=lambda _: contextlib.nullcontext(object()),
        pin_state=lambda _: None,
        timestamping_authority=lambda **_: authority,
    )
    services = Services(wiring, "http-1")
    services.version = "1"
    services.banners = ()  # what the pages of the statements begin with
    assert services.attempt()
    edge = services.timestamping.get()
    made: list[str | None] = []

    def handler(unit: str | None) -> Handler:
        made.append(unit)
        return None  # type: ignore[return-value]

    monkeypatch.setattr(edge, "handler", handler)
    for _ in range(3):
        paths = [route.path for route in services.routes()]
        assert [one for one in paths if one.startswith("/tsa")] == ["/tsa", "/tsa/tsu-1"]
    assert made == [None, "tsu-1"] * 3
    thread = edge._threads.submit(lambda: edge._threads._threads).result()
    services.close()
    for one in thread:
        one.join(10)
        assert not one.is_alive()
