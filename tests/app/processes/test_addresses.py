from __future__ import annotations

import socket

import pytest

from trustworks.app.processes.addresses import UNREAD_TIMEOUT, listening, reserved
from trustworks.core.errors import Unavailable


def test_a_reserved_address_can_be_listened_on_by_those_who_share_it_and_by_nobody_else() -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    with reserved(address), socket.socket() as worker:
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        worker.bind(("127.0.0.1", int(address.rpartition(":")[2])))
        worker.listen()
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))):
            worker.accept()[0].close()
        with pytest.raises(Unavailable, match=r"listens on .* already") as raised, reserved(address):
            pass
        assert raised.value.code == "serve.address"


@pytest.mark.parametrize(
    ("address", "words"),
    [("203.0.113.1:8080", "is no address of this machine"), ("nowhere.invalid:80", "is no address here")],
)
def test_an_address_of_another_machine_is_told(address: str, words: str) -> None:
    with pytest.raises(Unavailable, match=words), reserved(address):
        pass


@pytest.mark.parametrize("address", ["a..b:80", f"{'a' * 300}:80"])
def test_what_is_no_host_name_is_told(address: str) -> None:
    with pytest.raises(Unavailable, match="is no address here") as raised, reserved(address):
        pass
    assert raised.value.code == "serve.address"


def test_workers_listen_together_on_a_name() -> None:
    with listening("localhost:0") as one, listening(f"localhost:{one.getsockname()[1]}") as other:
        assert one.getsockname() == other.getsockname()
        with (
            pytest.raises(Unavailable, match=r"listens on .* already"),
            reserved(f"localhost:{one.getsockname()[1]}"),
        ):
            pass


def test_octets_that_a_client_does_not_take_are_given_up() -> None:
    with listening("127.0.0.1:0") as one, socket.create_connection(one.getsockname()):
        one.settimeout(5)
        with one.accept()[0] as connection:
            found = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert found == UNREAD_TIMEOUT
