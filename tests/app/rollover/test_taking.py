"""Another authority's certificate for the next key of a unit: what is refused changes nothing."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from rollover_testbed import Site, open_site
from timestamping_testbed import Pki

from trustworks.app.rollover.taking import take_certificate
from trustworks.core.errors import Malformed, Refused, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri
    from trustworks.core.store import Database


def wiring_of(site: Site) -> Any:
    """What the command opens, over the site's own."""

    @contextmanager
    def opened(what: object) -> Iterator[object]:
        yield what

    return SimpleNamespace(
        timestamping_settings=site.timestamping,
        state_dir=site.folder,
        lab=True,
        today=site.clock.moment.date,
        open_clock=lambda: site.clock,
        open_database=lambda: opened(site.database),
        open_module=lambda *_, **__: opened(site.module),
        open_recorder=lambda *_: opened(site.recorder),
    )


@pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
def test_a_certificate_is_taken_for_the_key_that_waits(
    database: Database, softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> None:
    with open_site(database, make_token(), softhsm, tmp_path) as site:
        rollover, wiring = site.unit_by(issuance=False), wiring_of(site)
        pki = Pki(tmp_path, site.clock.moment)
        site.clock.advance(days=336)
        rollover.round(site.clock.moment)
        rollover.round(site.clock.moment)
        key = site.module.key(label="tsu-2")
        taken = tmp_path / "rollover" / "tsu-2.pem"

        def take(file: Path, unit: str = "tsu") -> str:
            return take_certificate(wiring, unit, file, by="operator")

        file = pki.certify(key, lasts=(site.clock.moment - pki.now) * 4)
        with pytest.raises(Rejected, match="There is no time-stamping unit"):
            take(file, "tsu-9")
        with pytest.raises(Rejected, match="for another key"):
            take(site.tsu_file)
        with pytest.raises(Refused, match="does not issue"):
            take(pki.certify(key, purposes=None))
        (tmp_path / "nonsense.pem").write_bytes(b"nonsense")
        with pytest.raises(Malformed):
            take(tmp_path / "nonsense.pem")
        assert not taken.exists()
        chain = pki.issuing.public_bytes(Encoding.PEM)
        file.write_bytes(file.read_bytes() + chain)
        assert take(file) == "tsu-2"
        assert taken.read_bytes() == file.read_bytes()
        assert "in use" in rollover.round(site.clock.moment)
        assert site.tsu_file.read_bytes() == file.read_bytes()
        with pytest.raises(Rejected, match="for another key"):
            take(file)  # it is in use by now
