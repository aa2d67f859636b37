"""What a laboratory's HTTPS certificate has to name."""

from __future__ import annotations

import socket

import pytest

from trustworks.app.configuration.settings import HttpSettings
from trustworks.app.lab.complete import server_names
from trustworks.issuance.lints.rfc5280.dns_names import is_dns_name

ALWAYS = ("DNS:tsp.example.com", "IP:127.0.0.1", "IP:::1")


@pytest.mark.parametrize(
    "own",
    [
        "my_box.lan",
        "host.",
        "-x.example",
        "\u00fcn\u0131.example",
        "10.0.0.5",
        "box",
        "",
        f"{'a.' * 130}lan",
        "*.a.b",
    ],
)
def test_a_machine_whose_name_no_certificate_may_have_goes_unnamed(
    monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: own)
    assert server_names(HttpSettings()) == ALWAYS


def test_a_machine_is_named_and_so_are_the_hosts_of_its_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "My-Box.lan")
    http = HttpSettings.model_validate({"listen": "Lab.test:8080"})
    names = server_names(http)
    assert names == (*ALWAYS, "DNS:lab.test", "DNS:my-box.lan")
    assert all(is_dns_name(name.removeprefix("DNS:")) for name in names if name.startswith("DNS:"))
