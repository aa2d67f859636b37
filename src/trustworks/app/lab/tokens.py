"""Makes the tokens that a laboratory lacks."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from trustworks.app.lab import layout as places
from trustworks.app.lab.opened import AUTHORITIES, Opened
from trustworks.app.wiring import TOKENS
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.keys import registered_events
from trustworks.core.module import initialise_token
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.events import add_probe_key, record_token
from trustworks.core.module.pin import read_pin
from trustworks.issuance import records

if TYPE_CHECKING:
    from trustworks.issuance.model import AuthorityRecord


class TokenSteps(Opened):
    """The step that makes tokens."""

    def tokens(self) -> None:
        """Make the tokens that are missing, each apart: one is in its place when it is whole and recorded.

        Each token gets its probe key, where that is missing.
        Raises `Unavailable`, before anything is made, where records or keys of the authorities are gone.
        """
        self._check_authorities()
        shutil.rmtree(self.layout.new_tokens, ignore_errors=True)
        missing = [name for name in TOKENS if not self._has_token(name)]
        if missing:
            self._make_tokens(missing)
        on_event = registered_events(self.log()[1])
        for name in TOKENS:
            add_probe_key(on_event, self.module(name))

    def _check_authorities(self) -> None:
        """Refuse to go on without what cannot be made again: the authorities' records, and their keys.

        Raises `Unavailable` (lab.records, lab.authority-key).
        """
        with self.wiring.open_database() as database, database.read() as connection:
            known = {name: records.authority(connection, name) for name in AUTHORITIES}
        root = self.layout.anchors[0]  # written when all of the first set-up is recorded
        if known["root"] is None and root.exists():
            raise Unavailable(
                "lab.records",
                f"The records of this laboratory are gone from {database.where}: it does not know the root "
                f"CA in {root}. Put the database back from a backup, or name another folder with --dir.",
            )
        for name, record in known.items():
            if record is not None and not self._has_key(record):
                raise Unavailable(
                    "lab.authority-key",
                    f"The key of the {name} CA is gone from the token {self.wiring.token_uri(name)}, and it "
                    f"cannot be made again. Put {self.layout.tokens} back from a backup, or name another "
                    "folder with --dir.",
                )

    def _has_key(self, record: AuthorityRecord) -> bool:
        try:
            with self.wiring.open_module(record.name) as module:
                return module.key(self.label(record.name)).spki_sha256 == record.spki_sha256
        except Unavailable as error:
            if error.code not in {"module.token-absent", "module.key-absent"}:
                raise
            return False

    def _make_tokens(self, names: list[str]) -> None:
        on_event = registered_events(self.log()[1])
        new = self.layout.new_tokens
        new.mkdir(mode=0o700)
        conf = self.layout.folder / ".softhsm2.new.conf"
        put(conf, places.softhsm2_text(new))
        settings = ModuleSettings.model_validate({"softhsm2-conf": conf})
        for name in names:
            before = set(new.iterdir())
            uri = self.wiring.token_uri(name)
            label = uri.token or name
            initialise_token(
                label=label,
                so_pin=self.layout.so_pin(name).read_text(encoding="ascii").strip(),
                user_pin=read_pin(uri, base=self.wiring.base),
                settings=settings,
            )
            record_token(on_event, label)
            for folder in set(new.iterdir()) - before:
                folder.rename(self.layout.tokens / folder.name)
        conf.unlink()
        new.rmdir()

    def _has_token(self, name: str) -> bool:
        try:
            # Closed again: a token that is missing is made by the library under another configuration.
            with self.wiring.open_module(name):
                pass
        except Unavailable as error:
            if error.code == "module.token-absent":
                return False
            raise
        return True
