"""The configuration that is written for a laboratory, and what is changed in it later."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from trustworks.app.configuration.settings import Address, bracketed, split_address, url
from trustworks.app.statements.model import Document, path
from trustworks.app.wiring import TOKENS
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = "Trustworks TEST Provider"
DEVICE = "TEST device of the laboratory"
REGISTRATION_KEY = "registration"
SEAL_KEY = "report-seal"
LIST_KEY = "list-signer"
OWN_SEAL = "seal"
CLIENT = "lab"
CLIENT_FILE = "secrets/client.token"  # in the laboratory's folder
# Certificates name a public host: linters object to 127.0.0.1. IANA keeps example.com for examples.
NAME = "tsp.example.com"
TLS_STEP = 363  # 8080 -> 8443: where HTTPS listens when nobody says where

TRACEABLE = (
    '# traceable-to = ["UTC(k)"]  # enforce needs it: the laboratories that your time sources trace to'
)

_CLIENT = re.compile(rf'(?m)^name = "{CLIENT}"\ntoken-sha256 = "[0-9a-f]{{64}}"$')

Clock = Literal["lab", "enforce"]


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


def _client(token: str) -> str:
    return f'name = "{CLIENT}"\ntoken-sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"'


def _reached(listen: Address) -> str:
    """The address at which this machine reaches the listener."""
    host = split_address(listen)[0]
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104


def _lists(public_url: str) -> str:
    """Where the laboratory's own lists say that they are, for who is to believe them."""
    return f'url = "{public_url}/tl/lotl.xml"\npublication = "{public_url}/tl/"'


def config_text(
    listen: Address, tls_listen: Address, clock: Clock, public_url: str | None = None, *, token: str = ""
) -> str:
    """The configuration of a new laboratory; `public_url` is what its certificates name.

    `token` is that of its client of signatures, of which the configuration has the digest alone; without one
    there is no client.
    """
    tokens = "\n".join(
        f'{name} = "pkcs11:token={name}?pin-source=file:secrets/{name}.pin"' for name in TOKENS
    )
    clients = f'[[signing.clients]]  # its token is in {CLIENT_FILE}\n{_client(token)}\nseals = ["main"]\n\n'
    clients = clients if token else ""
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
registration-key = "{REGISTRATION_KEY}"  # on the token services; the secrets of enrolment come of it

cps-url = "{practice_url(public_url or named(listen))}"

[[issuance.pds]]  # certificates of the qualified profiles name one
language = "en"
url = "{disclosure_url(public_url or named(listen), tls_listen)}"

[[issuance.registration.devices]]  # cards and tokens of the laboratory, which nobody certified
product = "{DEVICE}"
kind = "qscd"
certified-until = 2099-12-31
reference = "none: nothing of a laboratory is certified"
shown-by = ["personalised", "own-module"]
tokens = ["services"]

[issuance.ocsp]
certificate = "certs/ocsp.pem"

[issuance.api]

[issuance.cmp]
certificate = "certs/cmp.pem"

[issuance.trusted-list]  # of what runs here, at /tl/
certificate = "certs/{LIST_KEY}.pem"

[issuance.est]

[issuance.acme]  # validates hosts of this machine; outside a laboratory at the ports 80 and 443 alone
allow-private-addresses = true
http-port = 5002
tls-port = 5001

[validation]
trust = ["trust/root.pem"]

[validation.seal]  # on the token services
certificate = "certs/{SEAL_KEY}.pem"
time-stamp-url = "{url("http", listen)}/tsa"

[validation.lists]  # our own, which are taken out of the database
{_lists(public_url or named(listen))}
anchors = ["certs/{LIST_KEY}.pem"]

[validation.fetch]  # the laboratory's own status is asked here, whatever name certificates give it
hosts = ["{urlsplit(public_url or named(listen)).hostname}={_reached(listen)}"]

[signing]
time-stamp-url = "{url("http", listen)}/tsa"

[[signing.seals]]  # on the token services
name = "main"
key = "{OWN_SEAL}"
certificate = "certs/{OWN_SEAL}.pem"
qualified = true

{clients}[http]
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
    text = _with_published(text, values)
    text = _with_hosts(text, listen, values.get("public-url"))
    for key, value in values.items():
        if value is None:
            continue
        text, number = re.subn(rf'(?m)^{key} = "[^"\n]*"$', f'{key} = "{value}"', text)
        # The audit log and the seal on reports are stamped by the same authority.
        if number < 1 or (number > 1 and key != "time-stamp-url"):
            raise Malformed(
                f"The laboratory's configuration has no single line {key} = ... that could be changed. "
                "Change addresses in it by hand, and start without --listen, --tls-listen and --public-url."
            )
    return text


def _with_hosts(text: str, listen: Address | None, public_url: str | None) -> str:
    """The text with the address at which the laboratory's own status is reached, where it has ours."""
    found = re.search(r'(?m)^hosts = \["([^"=\n]*)=([^"\n]*)"\]$', text)
    if found is None:
        return text
    host = found[1] if public_url is None else urlsplit(public_url).hostname
    address = found[2] if listen is None else _reached(listen)
    return f'{text[: found.start()]}hosts = ["{host}={address}"]{text[found.end() :]}'


def _with_published(text: str, values: Mapping[str, str | None]) -> str:
    """The text with the addresses of statements and lists that `values` lead to, where it has ours."""
    at = {key: re.search(rf'(?m)^{key} = "([^"\n]*)"$', text) for key in ("public-url", "tls-listen")}
    old_url, old_tls = (one[1] if one else "" for one in at.values())
    url, tls = values.get("public-url") or old_url, values.get("tls-listen") or old_tls
    if not old_url or not old_tls:
        return text
    return (
        text.replace(f'cps-url = "{practice_url(old_url)}"\n', f'cps-url = "{practice_url(url)}"\n')
        .replace(f'\nurl = "{disclosure_url(old_url, old_tls)}"\n', f'\nurl = "{disclosure_url(url, tls)}"\n')
        .replace(f"\n{_lists(old_url)}\n", f"\n{_lists(url)}\n")
    )


def with_token(text: str, token: str) -> str:
    """The text with another token of the laboratory's own client; unchanged where there is no such client."""
    return _CLIENT.sub(_client(token), text)


def is_clients(text: str, token: str) -> bool:
    """Whether a token is that of the laboratory's own client."""
    return _client(token) in text


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
