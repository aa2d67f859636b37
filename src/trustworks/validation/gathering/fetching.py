"""Fetches certificates, revocation lists and OCSP answers from where certificates say that they are.

Whoever made the signed file chose these addresses. So nothing inside the provider's network is connected to,
a name is resolved once and the connection goes to the address that was looked at, redirections are looked at
alike, and size and time are bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import ipaddress
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from trustworks.core.addresses import reachable
from trustworks.core.durable import put
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.pinned import PORTS, Names, request, resolve
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from urllib.parse import SplitResult

    import httpx

    from trustworks.core.addresses import Network
    from trustworks.core.pinned import Resolve
    from trustworks.validation.gathering.memory import Brief, Memory

_AGENT: Final = "Trustworks validation"
_REDIRECTIONS: Final = 3
_THREADS: Final = ThreadPoolExecutor(16, thread_name_prefix="evidence-names")
_OK: Final = 200
_LONGEST_MOMENT: Final = 64
_TOTAL: Final = "octets"
"""The file beside the folders of answers that says how many octets those have."""
_SPARE: Final = 8
"""Where a cache is full, this part of it is freed, so that the next answers need no room to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Bounds of one answer, and of one validation with all its answers.

    Of one answer: `seconds` from the name to the last octet, and `octets`. Of one validation: `answers` that
    are asked for, `rounds` of judging and asking for what is missing then, `all_seconds` from the first
    question on (the judging between the rounds counts) and `all_octets` of all answers, kept ones included.
    Where one of these ends, what there is is judged, and the report says so. `networks` are reached although
    they are not public, such as the provider's own responders; `hosts` are names in lower case whose address
    is known and not asked of DNS, and is reached wherever it is. Of hosts that are neither, `ports` are asked
    (None: all): whoever made the file must not have us talk to the mail servers and databases of others.
    `closed` networks are not asked although they are public, or in `networks`. `tells_names`: whether
    what is told of a host says if its name has an address: a service would tell strangers of names inside.
    """

    seconds: float = 10.0
    octets: int = 64 * 1024 * 1024
    answers: int = 40
    rounds: int = 8
    all_seconds: float = 60.0
    all_octets: int = 256 * 1024 * 1024
    networks: tuple[Network, ...] = ()
    ports: frozenset[int] | None = frozenset(PORTS.values())
    hosts: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[Network, ...] = ()
    tells_names: bool = True


class Allowance:
    """What one validation may still fetch: seconds and octets. Threads share it."""

    def __init__(self, limits: FetchLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.all_seconds
        self._octets = limits.all_octets
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """How long an answer may still take; 0 where the time of the whole validation is over."""
        return max(min(self._limits.seconds, self._end - self._clock()), 0.0)

    @property
    def ended(self) -> str | None:
        """Why nothing more is fetched, a sentence; None while something may be."""
        limits = self._limits
        if self.seconds <= 0:
            return (
                f"Evidence was looked for {limits.all_seconds:g} seconds, and no longer: that is the limit."
            )
        if self._octets < 0:
            return f"More than {limits.all_octets} octets of evidence came, and that is the limit."
        return None

    def take(self, octets: int) -> None:
        """Count octets that came. Raises `Unavailable` where there are more than may be."""
        with self._lock:
            self._octets -= octets
        if self._octets < 0:
            octets = self._limits.all_octets
            raise Unavailable(
                "fetch.all-size", f"More than {octets} octets of evidence came, and that is the limit."
            )


class Cache:
    """Answers by what was asked, in a folder, each until a time that the answer itself gives.

    The folder has at most `most` octets of them: what was not used for longest makes room for what comes.
    Processes may share it. What cannot be written is fetched again: a cache never stops a validation.
    """

    def __init__(self, folder: Path, most: int = 512 * 1024 * 1024) -> None:
        self._folder = folder
        self._most = most

    def get(self, kind: str, url: str, body: bytes) -> bytes | None:
        """The answer that was kept as one of a kind, None where there is none that still counts."""
        place = self._place(kind, url, body)
        try:
            until, _, octets = place.read_bytes().partition(b"\n")
            if float(until) <= time.time():
                return None
        except (OSError, ValueError):
            return None
        with contextlib.suppress(OSError):  # of another account, which says itself when it used it
            os.utime(place)  # when it was used last
        return octets

    def forget(self, kind: str, url: str, body: bytes) -> None:
        """Drop the answer that was kept."""
        with contextlib.suppress(OSError):
            self._place(kind, url, body).unlink(missing_ok=True)

    def keep(self, kind: str, url: str, body: bytes, octets: bytes, until: float) -> None:
        """Keep an answer until a moment (seconds since 1970), where there is room for it."""
        place, content = self._place(kind, url, body), b"%f\n" % until + octets
        if len(content) > self._most:
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                there = self._total()
                if there is None or there + len(content) > self._most:
                    _, there = self._make_room(max(self._most - self._most // _SPARE - len(content), 0))
                self._note(
                    there + len(content)
                )  # before it is there: a crash leaves no total that is too low
                put(place, content)
        except OSError:
            return

    def tidy(self) -> int:
        """Remove what no longer counts, and what is too much; answers how many answers were removed."""
        now, removed = time.time(), 0
        for file in sorted(self._folder.glob("*/*")):
            try:
                with file.open("rb") as stream:
                    ended = float(stream.readline(_LONGEST_MOMENT)) <= now
            except (OSError, ValueError):
                ended = True
            if ended:
                file.unlink(missing_ok=True)
                removed += 1
        if not self._folder.is_dir():
            return 0
        with self._alone():
            too_much, there = self._make_room(self._most)
            self._note(there)
        return removed + too_much

    def _total(self) -> int | None:
        """How many octets there are at most, None where nothing says so. Answers that were dropped count.

        Looking at every answer for each that comes would hold up all processes.
        """
        try:
            noted = (self._folder / _TOTAL).read_bytes()
        except OSError:
            return None
        return int(noted) if noted.endswith(b"\n") and noted[:-1].isdigit() else None

    def _note(self, octets: int) -> None:
        """Note the total. Raises OSError."""
        file = self._folder / _TOTAL
        file.unlink(missing_ok=True)  # another account that shares the folder may have written it
        file.write_bytes(b"%d\n" % octets)

    def _make_room(self, most: int) -> tuple[int, int]:
        """Remove what was not used for longest, until there are at most `most` octets.

        Answers how many answers were removed, and the octets of those that are left.
        """
        used: list[tuple[float, int, Path]] = []
        for file in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                found = file.stat()
                used.append((found.st_mtime, found.st_size, file))
        there, removed = sum(size for _, size, _ in used), 0
        for _, size, file in sorted(used):
            if there <= most:
                break
            file.unlink(missing_ok=True)
            there -= size
            removed += 1
        return removed, there

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process keeps anything meanwhile: each sees what the others wrote."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _place(self, kind: str, url: str, body: bytes) -> Path:
        parts = b"".join(len(one).to_bytes(8, "big") + one for one in (kind.encode(), url.encode(), body))
        named = hashlib.sha256(parts).hexdigest()
        return self._folder / named[:2] / named


class Fetcher:
    """Asks servers as the limits say. Threads share it."""

    def __init__(
        self,
        limits: FetchLimits,
        cache: Cache | Memory | Brief | None = None,
        *,
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._cache = cache
        self._names = Names(_THREADS, resolve)
        self._clock = clock

    def allowance(self) -> Allowance:
        """What one validation that begins now may fetch."""
        return Allowance(self.limits, self._clock)

    def cached(self, kind: str, url: str, body: bytes) -> bytes | None:
        """The answer that was kept for it."""
        return None if self._cache is None else self._cache.get(kind, url, body)

    def keep(self, kind: str, url: str, body: bytes, octets: bytes, until: float) -> None:
        """Keep an answer until a moment (seconds since 1970), where there is a cache."""
        if self._cache is not None:
            self._cache.keep(kind, url, body, octets, until)

    def forget(self, kind: str, url: str, body: bytes) -> None:
        """Drop the answer that was kept, where there is a cache."""
        if self._cache is not None:
            self._cache.forget(kind, url, body)

    def get(self, url: str, allowance: Allowance | None = None) -> bytes:
        """What is at a URL of http or https. `allowance`: of the validation that it is a part of.

        Raises:
            Rejected: ``fetch.<why>``: it is not asked at all (its address is not public, say).
            Unavailable: ``fetch.<why>``: it was asked, and no answer that counts came.
        """
        return self._ask(_Message("GET", url), allowance)

    def post(self, url: str, body: bytes, content_type: str, allowance: Allowance | None = None) -> bytes:
        """The answer to a message. Raises as `get`."""
        return self._ask(_Message("POST", url, body, content_type), allowance)

    def _ask(self, message: _Message, allowance: Allowance | None) -> bytes:
        return asyncio.run(self._in_time(message, allowance or self.allowance()))

    async def _in_time(self, message: _Message, allowance: Allowance) -> bytes:
        """All of it, from the name to the last octet, in the time that the limits give."""
        first, seconds = message.url, allowance.seconds
        try:
            async with asyncio.timeout(seconds):
                for _ in range(_REDIRECTIONS + 1):
                    answer = await self._once(message, allowance)
                    if isinstance(answer, bytes):
                        return answer
                    message = replace(message, url=_joined(message.url, answer.url))
        except TimeoutError:
            raise Unavailable(
                "fetch.time", f"{first} had not answered in full after {seconds:.3g} seconds."
            ) from None
        raise Unavailable("fetch.redirections", f"{first} leads from one address to another without end.")

    async def _once(self, message: _Message, allowance: Allowance) -> bytes | _Elsewhere:
        import httpx  # noqa: PLC0415 - who is offline needs no client

        url = message.url
        parts, host, port = _parsed(url)
        address = await self._address(host, port)
        headers = {"content-type": message.content_type} if message.content_type else {}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=None) as client:  # noqa: S113 - `_in_time`
                asked = request(
                    client,
                    message.method,
                    parts,
                    address,
                    agent=_AGENT,
                    content=message.body,
                    headers=headers,
                )
                async with contextlib.aclosing(await client.send(asked, stream=True)) as answer:
                    if answer.is_redirect and "location" in answer.headers:
                        return _Elsewhere(answer.headers["location"])
                    if answer.status_code != _OK:
                        raise Unavailable("fetch.status", f"{url} answered {answer.status_code}.")
                    return await self._body(answer, url, allowance)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise Unavailable("fetch.http", f"{url} did not answer ({type(error).__name__}).") from None

    async def _body(self, answer: httpx.Response, url: str, allowance: Allowance) -> bytes:
        found = bytearray()
        async for portion in answer.aiter_raw():
            found += portion
            allowance.take(len(portion))
            if len(found) > self.limits.octets:
                raise Unavailable("fetch.size", f"{url} answers with more than {self.limits.octets} octets.")
        return bytes(found)

    async def _address(self, host: str, port: int) -> str:
        known = self.limits.hosts.get(host.lower())
        if known is not None:
            return known
        try:
            found = await self._names.addresses(host, port)
        except (OSError, UnicodeError):
            if not self.limits.tells_names:
                raise _not_public(host) from None
            raise Unavailable("fetch.name", f"{host} has no address in DNS.") from None
        allowed = reachable(found, self.limits.networks, self.limits.closed)
        ports, networks = self.limits.ports, self.limits.networks
        for one in allowed:
            if ports is None or port in ports or any(ipaddress.ip_address(one) in net for net in networks):
                return one
        if allowed:
            raise Rejected(
                "fetch.port",
                f"Port {port} of {host} is not one where evidence is published, and is not asked; allow the "
                "port, if it is to be.",
            )
        raise _not_public(host)


def _not_public(host: str) -> Rejected:
    return Rejected(
        "fetch.private",
        f"{host} is not at a public address, and is not asked; allow its network, if it is to be.",
    )


def _parsed(url: str) -> tuple[SplitResult, str, int]:
    """A URL of http or https, its host and its port. Raises `Rejected`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise Rejected("fetch.scheme", f"{url!r} is no URL of http or https.") from None
    if parts.scheme not in PORTS or not host:
        raise Rejected("fetch.scheme", f"{url!r} is no URL of http or https, and is not asked.")
    try:
        return parts, host, parts.port or PORTS[parts.scheme]
    except ValueError:
        raise Rejected("fetch.port", f"{url!r} has no port that is one.") from None


def _joined(url: str, location: str) -> str:
    """Where a redirection leads. Raises `Rejected`."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise Rejected("fetch.scheme", f"{url} leads to {location!r}, which is no URL.") from None


@dataclass(frozen=True, slots=True)
class _Message:
    """What is asked, and where."""

    method: str
    url: str
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """A redirection."""

    url: str
