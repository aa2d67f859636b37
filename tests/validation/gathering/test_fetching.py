"""Evidence is fetched from public addresses alone, within bounds, and kept while it counts."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Rejected, Unavailable
from trustworks.validation.gathering.fetching import Cache, Fetcher, FetchLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK = (ip_network("127.0.0.0/8"),)
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers each path as a test says; tells what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, bytes, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.command, self.path, b"", self.headers["host"]))
                server.answers[self.path](self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.asked.append((self.command, self.path, body, self.headers["host"]))
                server.answers[self.path](self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.port = self._http.server_port

    def url(self, path: str, host: str = "ca.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


def says(octets: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(octets)))
        handler.end_headers()
        handler.wfile.write(octets)

    return answer


def at(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _host, _port: addresses


def fetcher(**limits: object) -> Fetcher:
    return Fetcher(FetchLimits(**{"networks": LOOPBACK} | limits), resolve=at("127.0.0.1"))  # type: ignore[arg-type]


def test_what_is_there_is_fetched_by_the_name_that_was_asked(server: Server) -> None:
    server.answers = {"/ca.cer?x=1": says(b"certificate"), "/ocsp": says(b"answer")}
    found = fetcher()
    assert found.get(server.url("/ca.cer?x=1")) == b"certificate"
    assert found.post(server.url("/ocsp"), b"request", "application/ocsp-request") == b"answer"
    host = f"ca.example:{server.port}"
    assert server.asked == [("GET", "/ca.cer?x=1", b"", host), ("POST", "/ocsp", b"request", host)]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "::1",
        "fd00::1",
        "fec0::1",
        "::ffff:10.0.0.1",
    ],
)
def test_an_address_that_is_not_public_is_not_asked(server: Server, address: str) -> None:
    inward = Fetcher(FetchLimits(), resolve=at(address))
    with pytest.raises(Rejected, match="not at a public address") as caught:
        inward.get(server.url("/"))
    assert caught.value.code == "fetch.private"
    assert server.asked == []


@pytest.mark.parametrize("address", ["93.184.215.14", "127.0.0.1", "::ffff:93.184.215.14"])
def test_an_address_of_a_network_that_is_closed_is_not_asked(address: str) -> None:
    closed = (ipaddress.ip_network("93.184.0.0/16"), ipaddress.ip_network("127.0.0.1/32"))
    limits = FetchLimits(networks=LOOPBACK, closed=closed)
    with pytest.raises(Rejected, match="not at a public address"):
        asyncio.run(Fetcher(limits, resolve=at(address))._address("ca.example", 80))


def test_a_service_tells_strangers_of_no_name_whether_it_has_an_address() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError

    def said(limits: FetchLimits) -> list[str]:
        found = []
        for places in (nowhere, at("10.0.0.1"), at()):
            with pytest.raises((Rejected, Unavailable)) as caught:
                asyncio.run(Fetcher(limits, resolve=places)._address("db.internal.example", 80))
            found.append(f"{getattr(caught.value, 'code', '')} {caught.value}")
        return found

    assert len(set(said(FetchLimits(tells_names=False)))) == 1
    assert said(FetchLimits())[0] == "fetch.name db.internal.example has no address in DNS."


def test_a_redirection_to_an_address_that_is_not_public_is_not_followed(server: Server) -> None:
    server.answers = {"/": says(b"", 302, location="http://inside.example/secret")}
    places = {"ca.example": ["127.0.0.1"], "inside.example": ["10.0.0.1"]}
    found = Fetcher(FetchLimits(networks=LOOPBACK), resolve=lambda host, _port: places[host])
    with pytest.raises(Rejected, match=r"inside\.example is not at a public address"):
        found.get(server.url("/"))


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
def test_of_a_public_host_only_the_ports_of_the_web_are_asked(port: int) -> None:
    public = Fetcher(FetchLimits(), resolve=at("93.184.215.14"))
    with pytest.raises(Rejected, match=f"Port {port} of ca.example") as caught:
        public.get(f"http://ca.example:{port}/crl")
    assert caught.value.code == "fetch.port"


def test_a_redirection_to_another_port_is_not_followed(server: Server) -> None:
    server.answers = {"/": says(b"", 302, location="http://other.example:6379/")}
    places = {"ca.example": ["127.0.0.1"], "other.example": ["93.184.215.14"]}
    found = Fetcher(FetchLimits(networks=LOOPBACK), resolve=lambda host, _port: places[host])
    with pytest.raises(Rejected, match=r"Port 6379 of other\.example"):
        found.get(server.url("/"))


def test_ports_that_are_allowed_are_asked_and_all_of_networks_that_are() -> None:
    async def address(limits: FetchLimits, port: int, *addresses: str) -> str:
        return await Fetcher(limits, resolve=at(*addresses))._address("ca.example", port)

    public, inside = "93.184.215.14", "10.1.2.3"
    assert asyncio.run(address(FetchLimits(), 443, public)) == public
    assert asyncio.run(address(FetchLimits(ports=frozenset({8080})), 8080, public)) == public
    assert asyncio.run(address(FetchLimits(ports=None), 8080, public)) == public
    networks = (ip_network("10.0.0.0/8"),)
    assert asyncio.run(address(FetchLimits(networks=networks), 8080, public, inside)) == inside


def test_redirections_are_followed_and_end(server: Server) -> None:
    server.answers = {
        "/old": says(b"", 301, location="/new"),
        "/new": says(b"here"),
        "/round": says(b"", 302, location="/round"),
    }
    assert fetcher().get(server.url("/old")) == b"here"
    with pytest.raises(Unavailable, match="without end"):
        fetcher().get(server.url("/round"))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://ca.example/crl", "fetch.scheme"),
        ("file:///etc/passwd", "fetch.scheme"),
        ("ldap://ca.example/cn=crl", "fetch.scheme"),
        ("http:///crl", "fetch.scheme"),
        ("http://[x/crl", "fetch.scheme"),
        ("http://ca.example:999999/crl", "fetch.port"),
    ],
)
def test_what_is_no_url_of_http_is_not_asked(url: str, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        fetcher().get(url)
    assert caught.value.code == code


def test_an_answer_that_is_too_long_is_not_read_to_its_end(server: Server) -> None:
    server.answers = {"/": says(b"x" * 5000)}
    with pytest.raises(Unavailable, match="more than 1000 octets"):
        fetcher(octets=1000).get(server.url("/"))


def test_an_answer_that_drips_is_given_up(server: Server) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not ended.wait(0.02):
                handler.wfile.write(b"x")
        except OSError:
            return

    server.answers = {"/": drip}
    with pytest.raises(Unavailable, match=r"after 0\.3 seconds"):
        fetcher(seconds=0.3).get(server.url("/"))  # the server would drip without end
    ended.set()


def test_headers_that_drip_are_given_up_as_well(server: Server) -> None:
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while not ended.wait(0.02):
                handler.wfile.write(b"x-more: y\r\n")
                handler.wfile.flush()
        except OSError:
            return

    server.answers = {"/": drip}
    with pytest.raises(Unavailable, match=r"after 0\.3 seconds"):
        fetcher(seconds=0.3).get(server.url("/"))
    ended.set()


def test_a_resolver_that_hangs_is_given_up() -> None:
    ended = threading.Event()

    def hang(_host: str, _port: int) -> Sequence[str]:
        ended.wait(20)
        return ["127.0.0.1"]

    with pytest.raises(Unavailable, match=r"after 0\.2 seconds"):
        Fetcher(FetchLimits(seconds=0.2), resolve=hang).get("http://ca.example/crl")
    ended.set()


def test_a_redirection_to_no_url_is_refused(server: Server) -> None:
    server.answers = {"/": says(b"", 302, location="http://[x")}
    with pytest.raises(Rejected, match="no URL"):
        fetcher().get(server.url("/"))


def test_nothing_is_unpacked(server: Server) -> None:
    asked: list[str | None] = []
    packed = gzip.compress(b"x" * 100_000)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers["accept-encoding"])
        says(packed, 200, **{"content-encoding": "gzip"})(handler)

    server.answers = {"/": answer}
    assert fetcher(octets=1000).get(server.url("/")) == packed
    assert asked == ["identity"]


@pytest.mark.parametrize("status", [404, 500, 204])
def test_an_answer_without_content_is_none(server: Server, status: int) -> None:
    server.answers = {"/": says(b"" if status == 204 else b"page", status)}
    with pytest.raises(Unavailable, match=f"answered {status}"):
        fetcher().get(server.url("/"))


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        fetcher().get("http://ca.example:1/crl")

    def none(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(Unavailable, match="no address in DNS"):
        Fetcher(FetchLimits(), resolve=none).get("http://ca.example/crl")


def test_a_kept_answer_counts_until_its_time(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.get("crl", "http://ca.example/crl", b"") is None
    cache.keep("crl", "http://ca.example/crl", b"", b"list\n\nof two", time.time() + 60)
    assert cache.get("crl", "http://ca.example/crl", b"") == b"list\n\nof two"
    assert cache.get("crl", "http://ca.example/crl", b"other") is None
    assert cache.get("issuer", "http://ca.example/crl", b"") is None
    cache.keep("crl", "http://ca.example/crl", b"", b"old", time.time() - 1)
    assert cache.get("crl", "http://ca.example/crl", b"") is None


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    cache = Cache(tmp_path / "cache")
    cache.keep("crl", "http://ca.example/crl", b"", b"list", time.time() + 60)
    assert cache.get("crl", "http://ca.example/crl", b"") is None


def test_of_all_answers_of_a_validation_no_more_octets_come_than_the_limits_allow(server: Server) -> None:
    server.answers = {"/a": says(b"a" * 600), "/b": says(b"b" * 600)}
    found = fetcher(all_octets=1000)
    allowance = found.allowance()
    assert found.get(server.url("/a"), allowance) == b"a" * 600
    with pytest.raises(Unavailable, match="More than 1000 octets of evidence came") as refused:
        found.get(server.url("/b"), allowance)
    assert refused.value.code == "fetch.all-size"
    assert str(allowance.ended).startswith("More than 1000 octets")
    assert found.get(server.url("/b"), found.allowance()) == b"b" * 600, "another validation begins anew"


def test_an_answer_takes_no_longer_than_its_validation_has_left(server: Server) -> None:
    server.answers = {"/a": says(b"a")}
    now = [0.0]
    found = Fetcher(
        FetchLimits(networks=LOOPBACK, all_seconds=5), resolve=at("127.0.0.1"), clock=lambda: now[0]
    )
    allowance = found.allowance()
    now[0] = 4.5
    assert allowance.seconds == 0.5
    assert found.get(server.url("/a"), allowance) == b"a"
    now[0] = 5.0
    with pytest.raises(Unavailable) as refused:
        found.get(server.url("/a"), allowance)
    assert refused.value.code == "fetch.time"
    assert len(server.asked) == 1
    assert allowance.ended == "Evidence was looked for 5 seconds, and no longer: that is the limit."


def test_a_host_whose_address_is_known_is_asked_there_and_not_of_dns(server: Server) -> None:
    server.answers["/crl"] = says(b"list")

    def nothing(host: str, port: int) -> Sequence[str]:
        raise AssertionError((host, port))

    known = Fetcher(FetchLimits(hosts={"ca.example": "127.0.0.1"}), resolve=nothing)
    assert known.get(server.url("/crl", "CA.example")) == b"list"
    other = Fetcher(FetchLimits(hosts={"ca.example": "127.0.0.1"}), resolve=at("127.0.0.1"))
    with pytest.raises(Rejected):
        other.get(server.url("/crl", "other.example"))


def test_a_cache_never_has_more_octets_and_loses_what_was_not_used_for_longest(tmp_path: Path) -> None:
    cache, until = Cache(tmp_path, 3_500), time.time() + 1000

    def keep(*names: str) -> None:
        for name in names:
            cache.keep("crl", name, b"", b"x" * 1000, until)
            assert sum(one.stat().st_size for one in tmp_path.glob("*/*")) <= 3_500

    def there(*names: str) -> list[bool]:
        return [cache._place("crl", name, b"").exists() for name in names]

    keep("a", "b", "c")
    for age, name in enumerate(("c", "b", "a")):
        os.utime(cache._place("crl", name, b""), (1000 + age, 1000 + age))
    assert cache.get("crl", "c", b"") is not None
    keep("d")
    assert there("a", "b", "c", "d") == [True, False, True, True]
    cache.keep("crl", "long", b"", b"x" * 4000, until)
    assert there("a", "c", "d", "long") == [True, True, True, False]


def test_a_cache_of_another_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    cache.keep("crl", "a", b"", b"list", time.time() + 1000)

    def refused(_: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refused)
    assert cache.get("crl", "a", b"") == b"list"


def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that all files of a folder are looked at from now on."""
    found: list[str] = []
    real = Path.glob

    def glob(folder: Path, pattern: str) -> Iterator[Path]:
        found.append(pattern)
        return real(folder, pattern)

    monkeypatch.setattr(Path, "glob", glob)
    return found


def test_a_cache_looks_at_all_its_answers_only_where_they_may_be_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until, found = time.time() + 1000, looks(monkeypatch)
    for number in range(40):
        Cache(tmp_path, 33_000).keep("crl", str(number), b"", b"x" * 1000, until)
    assert len(found) == 1 + 2, "the first, since nothing says how much there is; then where it is full"
    there = [one.stat().st_size for one in sorted(tmp_path.glob("*/*"))]
    assert 28_000 <= sum(there) <= 33_000
    assert int((tmp_path / "octets").read_text()) == sum(there)


@pytest.mark.parametrize("noted", ["", "10", "-5\n", "?\n"])
def test_a_total_that_cannot_be_read_is_made_anew(tmp_path: Path, noted: str) -> None:
    cache = Cache(tmp_path, 3_500)
    for name in "abc":
        cache.keep("crl", name, b"", b"x" * 1000, time.time() + 1000)
    (tmp_path / "octets").write_text(noted)
    cache.keep("crl", "d", b"", b"x" * 1000, time.time() + 1000)
    assert sum(one.stat().st_size for one in tmp_path.glob("*/*")) <= 3_500


def test_answers_that_were_dropped_leave_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 3_500)
    for _ in range(9):
        cache.keep("crl", "a", b"", b"x" * 1000, time.time() + 1000)
        cache.forget("crl", "a", b"")
    for name in "abc":
        cache.keep("crl", name, b"", b"x" * 1000, time.time() + 1000)
    assert all(cache.get("crl", name, b"") for name in "abc")
    cache.tidy()
    assert int((tmp_path / "octets").read_text()) == sum(one.stat().st_size for one in tmp_path.glob("*/*"))


def test_a_cache_loses_what_no_longer_counts_and_then_what_is_too_much(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    now = time.time()
    cache.keep("crl", "http://a.example/", b"", b"old", now - 1)
    for number in range(3):
        cache.keep("crl", f"http://{number}.example/", b"", b"x" * 1000, now + 1000 + number)
    (tmp_path / "ab").mkdir(exist_ok=True)
    (tmp_path / "ab" / "damaged").write_bytes(b"?")
    assert cache.tidy() == 2
    assert [cache.get("crl", f"http://{number}.example/", b"") for number in range(3)] == [b"x" * 1000] * 3
    os.utime(cache._place("crl", "http://0.example/", b""), (1000, 1000))
    assert Cache(tmp_path, 2500).tidy() == 1
    assert cache.get("crl", "http://0.example/", b"") is None
    assert cache.get("crl", "http://2.example/", b"") is not None
    assert Cache(tmp_path / "absent").tidy() == 0
