"""`trustworks module destroy-key` on the last copy of an authority's key, however the token is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from issuance_testbed import open_provider
from key_commands import call, facts, keys_on

from trustworks.app.commands.module import app as module_app
from trustworks.app.wiring import Wiring
from trustworks.core.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.req("TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST")
def test_the_last_copy_is_not_destroyed_too_early_on_a_token_that_is_named_by_its_uri(
    folder: Path, softhsm: Path
) -> None:
    wiring = Wiring.lazy(folder / "trustworks.toml")
    for token, label in (("services", "root"), ("issuing", "ca")):
        facts(folder, "generate-key", "--token", token, "--label", label, commands=module_app)
    with (
        wiring.open_database() as database,
        wiring.open_module("services") as above,
        wiring.open_module("issuing") as module,
        open_provider(database, above.key("root"), module.key("ca")) as provider,
    ):
        provider.issuance.create_root(above.key("root"), by="ceremony")
        provider.issuance.create_issuing(module.key("ca"), by="ceremony")
    lone = ("--uri", wiring.token_uri("issuing"), "--library", softhsm, "--lab")
    order = ("--label", "ca", "--reason", "TEST", "--confirm", "ca")
    for where in (("--token", "issuing"), lone):
        done = call(folder, "destroy-key", *where, *order, commands=module_app)
        assert isinstance(done.exception, Refused), (where, done.output, done.exception)
        assert done.exception.requirement == "TRUSTWORKS:ROLLOVER-LAST-STATUS-FIRST"
    assert keys_on(folder, "issuing") == ["ca"]
