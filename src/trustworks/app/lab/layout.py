"""What lies where in a laboratory's folder."""

from __future__ import annotations

import re
import secrets
import stat
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.app.configuration.config import read_text
from trustworks.app.configuration.laboratory import TOKENS as TOKEN_FOLDER
from trustworks.app.configuration.laboratory import names_own_tokens
from trustworks.app.lab.configuration import CLIENT_FILE
from trustworks.app.wiring import TOKENS
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.module.softhsm import token_folder
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

LEFTOVER = r"\..+\.[0-9a-f]{8}"  # the name of a file that `core.durable.put` did not come to rename
GROUP_AND_OTHERS_WRITE = 0o022
_PIN_OCTETS = 18
_TOKEN_OCTETS = 32
# It ends a value at these; what is no text (a surrogate, in Python) cannot be written to its file.
_CUT_BY_SOFTHSM2 = re.compile(r"[#=\x00-\x1f\x7f\ud800-\udfff]")
# Octets of a line of its file that it reads at once, before the line's end; of a longer one it takes the
# beginning. Tried with SoftHSM2 2.6.1; what it makes below a folder of tokens may be longer.
_LONGEST_LINE = 1023
_TOKENDIR = re.compile(r"(?m)^[ \t]*directories\.tokendir[ \t]*=.*$")


@dataclass(frozen=True, slots=True)
class Layout:
    """The places in a laboratory's folder (absolute)."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "trustworks.toml"

    @property
    def softhsm2(self) -> Path:
        """SoftHSM2's own configuration."""
        return self.folder / "softhsm2.conf"

    @property
    def tokens(self) -> Path:
        """Where SoftHSM2 keeps the tokens."""
        return self.folder / TOKEN_FOLDER

    @property
    def new_tokens(self) -> Path:
        """Where tokens are made; a folder of it is moved to `tokens` once its token is whole."""
        return self.folder / "tokens.new"

    @property
    def secrets(self) -> Path:
        """PINs, the HTTPS key and the client's token, each in a file of mode 0600."""
        return self.folder / "secrets"

    @property
    def certificates(self) -> Path:
        """The certificates of the services."""
        return self.folder / "certs"

    @property
    def ceremonies(self) -> Path:
        """A folder for each ceremony that made the laboratory's authorities."""
        return self.folder / "ceremonies"

    @property
    def trust(self) -> Path:
        """The trust anchors, for whoever verifies."""
        return self.folder / "trust"

    @property
    def anchors(self) -> tuple[Path, Path, Path]:
        """The root's certificate, the issuing authority's, and both in one file (PEM)."""
        return self.trust / "root.pem", self.trust / "issuing.pem", self.trust / "chain.pem"

    @property
    def lock(self) -> Path:
        """The lock that lets one process set up or serve."""
        return self.folder / "run" / "serve.lock"

    @property
    def state(self) -> Path:
        """Database and objects."""
        return self.folder / "state"

    @property
    def complete(self) -> Path:
        """The mark of a set-up that came to its end; it holds what `complete.keys_mark` says."""
        return self.state / "complete"

    def pin(self, token: str) -> Path:
        """The file with the user's PIN of a token."""
        return self.secrets / f"{token}.pin"

    def so_pin(self, token: str) -> Path:
        """The file with the security officer's PIN of a token."""
        return self.secrets / f"{token}.so-pin"

    @property
    def tls_key(self) -> Path:
        """The private key of the HTTPS certificate."""
        return self.secrets / "tls.key"

    @property
    def client_token(self) -> Path:
        """The token of the client that may have documents sealed; the configuration has its digest alone."""
        return self.folder / CLIENT_FILE

    def certificate(self, name: str) -> Path:
        """The certificate (PEM) of a service."""
        return self.certificates / f"{name}.pem"

    def free_certificate(self, name: str) -> Path:
        """A file that is not there yet, for what was the certificate of a service."""
        number = 1
        while self.certificate(f"{name}-{number}").exists():
            number += 1
        return self.certificate(f"{name}-{number}")


def check_folder(layout: Layout) -> None:
    """Refuse a folder that others can write, and one that holds anything else than a laboratory.

    Secrets are put into it, and folders in it are closed for all others. Raises `Malformed`.
    """
    folder = layout.folder
    if _CUT_BY_SOFTHSM2.search(str(folder)):
        raise Malformed(
            f"--dir: SoftHSM2 could not find its tokens in {str(folder)!r}: it takes no #, no =, no control "
            "character and no broken one in a name. Name another folder."
        )
    if max(map(len, softhsm2_text(layout.new_tokens).encode().splitlines())) > _LONGEST_LINE:
        raise Malformed(
            f"--dir: SoftHSM2 could not find its tokens in {folder}: the path is too long. Name another "
            "folder."
        )
    try:
        mode = folder.stat().st_mode
        if stat.S_ISDIR(mode) and mode & GROUP_AND_OTHERS_WRITE:
            raise Malformed(
                f"--dir: others can write to {folder} (mode {stat.S_IMODE(mode):04o}), and so could change "
                "the laboratory's keys and configuration. Name another folder; if this one is meant for the "
                f"laboratory alone, run chmod go-w {folder}."
            )
        if layout.config.exists():
            _check_config(layout.config)
        elif any(not _is_begun(entry, layout) for entry in folder.iterdir()):
            raise Malformed(
                f"--dir: {folder} is not empty and is no laboratory; name an empty folder or a new one."
            )
    except OSError:  # there is none yet; or there can be none, which is told when it is made
        return


def _is_begun(entry: Path, layout: Layout) -> bool:
    """Whether a set-up that was broken off before it wrote the configuration can have left this."""
    if entry == layout.softhsm2 or re.fullmatch(LEFTOVER, entry.name):
        return True
    folders = (
        layout.certificates,
        layout.trust,
        layout.lock.parent,
        layout.secrets,
        layout.tokens,
        layout.state,
    )
    return entry in folders and all(one == layout.lock for one in entry.iterdir())


def _check_config(file: Path) -> None:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("provider")
    except ValueError:  # no TOML, or no text: told when it is read for use
        return
    if not isinstance(found, dict) or found.get("lab") is not True:
        raise Malformed(
            f"{file} is not a laboratory's: [provider] lab is not true. `trustworks serve` serves it; for a "
            "laboratory name another folder with --dir."
        )


def make_folders(layout: Layout) -> None:
    """Make the folders that are missing; secrets and tokens are their owner's alone."""
    for folder in (layout.folder, layout.certificates, layout.trust, layout.lock.parent):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)  # no more, whatever the umask lets through
    for folder in (layout.secrets, layout.tokens, layout.state):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)


def make_pins(layout: Layout, present: Collection[str] = ()) -> None:
    """Draw the PINs of the tokens that are still to be made; a token of those `present` has its PINs."""
    for token in TOKENS:
        if token in present:
            continue
        for file in (layout.pin(token), layout.so_pin(token)):
            if not file.exists():
                put(file, f"{new_pin()}\n", mode=0o600)


@implements("TRUSTWORKS:ASSURANCE-NO-DEFAULT-CREDENTIALS", disabled="12345678")
def new_pin() -> str:
    """A PIN that nobody knows: a laboratory has none by default either."""
    return secrets.token_urlsafe(_PIN_OCTETS)


def kept_token(layout: Layout) -> str:
    """The token of the laboratory's client; empty where none is kept."""
    return read_text(layout.client_token).strip() if layout.client_token.exists() else ""


def new_token() -> str:
    """A new token for the laboratory's client."""
    return secrets.token_urlsafe(_TOKEN_OCTETS)


def softhsm2_text(tokens: Path) -> str:
    """SoftHSM2's configuration for a folder of tokens."""
    return f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"


def use_own_tokens(layout: Layout) -> bool:
    """Let SoftHSM2's configuration name this folder's tokens; whether another's were named until now.

    They were where the folder was copied or moved. Other lines stay as they are. Raises `Unavailable`
    (lab.tokens) where the tokens lie somewhere else by their owner's will, as far as that can be told, or
    are gone from a laboratory that was complete, and `Malformed` where the file is no text.
    """
    conf, tokens = layout.softhsm2, layout.tokens
    if not conf.exists():
        put(conf, softhsm2_text(tokens))
        return False
    own, named = names_own_tokens(conf), token_folder(conf)
    # A folder that cannot be seen may be one that is not mounted now, and the line all that tells of it.
    used = layout.complete.exists() or (not own and named and named.is_dir() and any(named.iterdir()))
    if named is not None and used and not any(tokens.iterdir()):
        raise Unavailable(
            "lab.tokens",
            f"{conf} names the tokens in {named}, and {tokens} has none. If they are this laboratory's, move "
            "them there, or put them back from a backup; then let the line say "
            f"directories.tokendir = {tokens}.",
        )
    if own:
        return False
    line = f"directories.tokendir = {tokens}"
    text, number = _TOKENDIR.subn(lambda _: line, read_text(conf))
    put(conf, text if number else f"{line}\n{text}")
    return True
