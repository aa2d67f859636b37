"""What lies where in a laboratory's folder, and the configuration that is written for it."""

from __future__ import annotations

import re
import secrets
import stat
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from trustworks.app.configuration.config import read_text
from trustworks.app.configuration.laboratory import TOKENS as TOKEN_FOLDER
from trustworks.app.configuration.laboratory import names_own_tokens
from trustworks.app.configuration.settings import Address, bracketed, split_address, url
from trustworks.app.statements.model import Document, path
from trustworks.app.wiring import TOKENS
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.module.softhsm import token_folder
from trustworks.core.secret_file import draw_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

PROVIDER = "Trustworks TEST Provider"
# Certificates name a public host: linters object to 127.0.0.1. IANA keeps example.com for examples.
NAME = "tsp.example.com"
TLS_STEP = 363  # 8080 -> 8443: where HTTPS listens when nobody says where
LEFTOVER = r"\..+\.[0-9a-f]{8}"  # the name of a file that `core.durable.put` did not come to rename
GROUP_AND_OTHERS_WRITE = 0o022
_PIN_OCTETS = 18
# It ends a value at these; what is no text (a surrogate, in Python) cannot be written to its file.
_CUT_BY_SOFTHSM2 = re.compile(r"[#=\x00-\x1f\x7f\ud800-\udfff]")
# Octets of a line of its file that it reads at once, before the line's end; of a longer one it takes the
# beginning. Tried with SoftHSM2 2.6.1; what it makes below a folder of tokens may be longer.
_LONGEST_LINE = 1023
_TOKENDIR = re.compile(r"(?m)^[ \t]*directories\.tokendir[ \t]*=.*$")

TRACEABLE = (
    '# traceable-to = ["UTC(k)"]  # enforce needs it: the laboratories that your time sources trace to'
)

Clock = Literal["lab", "enforce"]


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
        """PINs and the HTTPS key, each in a file of mode 0600."""
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
    def acme_secret(self) -> Path:
        """The secret of the ACME server."""
        return self.secrets / "acme.secret"

    @property
    def tls_key(self) -> Path:
        """The private key of the HTTPS certificate."""
        return self.secrets / "tls.key"

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
                put(file, f"{secrets.token_urlsafe(_PIN_OCTETS)}\n", mode=0o600)


def make_secrets(layout: Layout) -> None:
    """Draw the secrets that are missing."""
    draw_secret(layout.acme_secret)


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


def tls_beside(listen: Address) -> Address:
    """Where HTTPS listens when only `listen` was said."""
    host, port = split_address(listen)
    other = port + TLS_STEP if port + TLS_STEP < 65536 else port - TLS_STEP
    return f"{bracketed(host)}:{other}"


def named(listen: Address) -> str:
    """The address that certificates of a new laboratory name, see the ADR on what lab certificates claim."""
    return f"http://{NAME}:{split_address(listen)[1]}"


def practice_url(public_url: str) -> str:
    """Where certificates of a laboratory say that its practice statement is."""
    return f"{public_url}{path(Document.CPS, 'en', 'pdf')}"


def disclosure_url(public_url: str, tls_listen: Address) -> str:
    """Where qualified certificates of a laboratory say that its PKI disclosure statement is: over https."""
    host = bracketed(urlsplit(public_url).hostname or NAME)
    return f"https://{host}:{split_address(tls_listen)[1]}{path(Document.PDS, 'en', 'pdf')}"


def config_text(listen: Address, tls_listen: Address, clock: Clock, public_url: str | None = None) -> str:
    """The configuration of a new laboratory; `public_url` is what its certificates name."""
    tokens = "\n".join(
        f'{name} = "pkcs11:token={name}?pin-source=file:secrets/{name}.pin"' for name in TOKENS
    )
    return f"""\
# A laboratory, written by `trustworks lab`. `trustworks config explain` says what each setting means.

[provider]
name = "{PROVIDER}"
lab = true

[module]
softhsm2-conf = "softhsm2.conf"
# SoftHSM2 knows RSA-OAEP with SHA-1 alone; and nobody has to come when a laboratory starts.
oaep-sha1 = true
unattended-start = true

[tokens]
{tokens}

[time]
# lab: a clock that nobody checks. enforce: time only with a proven bound, see docs/time.md.
mode = "{clock}"
{TRACEABLE}

[audit]
certificate = "certs/audit.pem"
time-stamp-url = "{url("http", listen)}/tsa"

[timestamping]
policies = ["1.3.6.1.4.1.32473.3161.2"]

[[timestamping.units]]
name = "tsu-1"
certificate = "certs/tsu-1.pem"
chain = "certs/issuing.pem"

[issuance]
organization = "{PROVIDER}"
organization-identifier = "NTRXX-TEST-0001"

cps-url = "{practice_url(public_url or named(listen))}"

[[issuance.pds]]  # certificates of the qualified profiles name one
language = "en"
url = "{disclosure_url(public_url or named(listen), tls_listen)}"

[issuance.ocsp]
certificate = "certs/ocsp.pem"

[issuance.api]

[issuance.cmp]
certificate = "certs/cmp.pem"

[issuance.est]

[issuance.acme]  # validates hosts of this machine; outside a laboratory at the ports 80 and 443 alone
secret-source = "secrets/acme.secret"
allow-private-addresses = true
http-port = 5002
tls-port = 5001

[http]
listen = "{listen}"
public-url = "{public_url or named(listen)}"
tls-listen = "{tls_listen}"
tls-certificate = "certs/tls.pem"
tls-key = "secrets/tls.key"
pages = ["http", "tls"]  # outside a laboratory, where only operators come

[roles]
# Until operators are enrolled (trustworks roles bootstrap), who may run commands here may issue and revoke.
console = ["http"]
console-origin = "http://localhost:{split_address(listen)[1]}"

[log]
level = "warning"
format = "text"
"""


def moved(
    text: str,
    *,
    listen: Address | None = None,
    tls_listen: Address | None = None,
    public_url: str | None = None,
) -> str:
    """The text of a laboratory's configuration with other addresses; all else stays as its owner wrote it.

    With `listen` go HTTPS, unless `tls_listen` says where, and the public URL, while it is the one that a
    laboratory begins with. Raises `Malformed` when what changes is not where `config_text` wrote it.
    """
    values = {"tls-listen": tls_listen, "public-url": public_url}
    if listen is not None:
        found = re.search(r'(?m)^public-url = "([^"\n]*)"$', text)
        own = found is not None and not found[1].startswith(f"http://{NAME}:")
        values = {
            "listen": listen,
            "tls-listen": tls_listen or tls_beside(listen),
            "public-url": public_url or (found[1] if found and own else named(listen)),
            "time-stamp-url": f"{url('http', listen)}/tsa",
        }
    text = _with_statements(text, values)
    for key, value in values.items():
        if value is None:
            continue
        text, number = re.subn(rf'(?m)^{key} = "[^"\n]*"$', f'{key} = "{value}"', text)
        if number != 1:
            raise Malformed(
                f"The laboratory's configuration has no single line {key} = ... that could be changed. "
                "Change addresses in it by hand, and start without --listen, --tls-listen and --public-url."
            )
    return text


def _with_statements(text: str, values: Mapping[str, str | None]) -> str:
    """The text with the addresses of statements that `values` lead to, where it has those that we wrote."""
    at = {key: re.search(rf'(?m)^{key} = "([^"\n]*)"$', text) for key in ("public-url", "tls-listen")}
    old_url, old_tls = (one[1] if one else "" for one in at.values())
    url, tls = values.get("public-url") or old_url, values.get("tls-listen") or old_tls
    if not old_url or not old_tls:
        return text
    return text.replace(
        f'cps-url = "{practice_url(old_url)}"\n', f'cps-url = "{practice_url(url)}"\n'
    ).replace(f'\nurl = "{disclosure_url(old_url, old_tls)}"\n', f'\nurl = "{disclosure_url(url, tls)}"\n')


def with_clock(text: str, clock: Clock) -> str:
    """The text of a laboratory's configuration with another clock. Raises `Malformed` as `moved` does."""
    text, number = re.subn(r'(?m)^mode = "(lab|enforce)"$', f'mode = "{clock}"', text)
    if number != 1:
        raise Malformed(
            "The laboratory's configuration has no single line mode = ...; change [time] mode by hand."
        )
    if clock == "enforce" and "traceable-to" not in text:
        text = text.replace('\nmode = "enforce"\n', f'\nmode = "enforce"\n{TRACEABLE}\n')
    return text


def names_unit(text: str, unit: str) -> bool:
    """Whether the configuration names the time-stamping unit in the words of `config_text`."""
    return all(text.count(line) == 1 for line in _unit_lines(unit))


def with_unit(text: str, old: str, new: str) -> str:
    """The text of a laboratory's configuration with another unit in the place of one that it names."""
    for before, after in zip(_unit_lines(old), _unit_lines(new), strict=True):
        text = text.replace(before, after)
    return text


def _unit_lines(unit: str) -> tuple[str, str]:
    return f'\nname = "{unit}"\n', f'\ncertificate = "certs/{unit}.pem"\n'
