"""A laboratory whose ACME server validates by a DNS server of the tests, at ports that are free here."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from laboratory import Lab, free_port, until
from name_server import name_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOMAIN = "example.test"


@dataclass
class AcmeLab:
    """The laboratory, and where its clients are looked for. TXT records come from files in `records`."""

    lab: Lab
    http_port: int
    alpn_port: int
    records: Path

    @property
    def directory(self) -> str:
        return f"{self.lab.tls_url}/acme/directory"

    @property
    def root(self) -> Path:
        return self.lab.folder / "trust" / "root.pem"

    def external_key(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.lab.run("acme", "eab", "create", "--json").stdout)
        return found

    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.lab.run("acme", "order", "list", "--json").stdout)
        return found

    def zone(self) -> dict[tuple[str, str], list[str]]:
        """Every name below the domain is this machine; a file's name is that of its TXT records."""
        names = [DOMAIN, *(f"{one}.{DOMAIN}" for one in ("www", "two", "js", "two.js", "bound", "alpn"))]
        found = {(name, "A"): ["127.0.0.1"] for name in names}
        for file in self.records.iterdir():
            lines = file.read_text(encoding="utf-8").split()
            found[file.name, "TXT"] = [f'"{line}"' for line in lines]
        return found


@contextmanager
def acme_laboratory(folder: Path) -> Iterator[AcmeLab]:
    """It is up and well while the block runs, and asks for external account bindings."""
    lab = Lab(folder / "lab")
    records = folder / "records"
    records.mkdir()
    found = AcmeLab(lab=lab, http_port=free_port(), alpn_port=free_port(), records=records)
    lab.set_up()
    with name_server(found.zone) as resolver:
        text = lab.config.read_text(encoding="utf-8")
        for key, value in (("http-port", found.http_port), ("tls-port", found.alpn_port)):
            text, number = re.subn(rf"(?m)^{key} = [0-9]+$", f"{key} = {value}", text)
            assert number == 1
        more = f'external-account-required = true\nresolver = "{resolver}"\n'
        text = text.replace("allow-private-addresses = true\n", f"allow-private-addresses = true\n{more}")
        lab.config.write_text(text, encoding="utf-8")
        lab.start()
        until(lab.well, what="that everything is well")
        yield found
        assert lab.stop() == 0
