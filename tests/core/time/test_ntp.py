"""Own NTP queries: the wire, false servers on loopback, and the quorum over them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.time import TimeSettings
from trustworks.core.time.ntp import NtpSource, majority_leap, sample
from trustworks.core.time.ntp_wire import HEADER, make_request, ntp_timestamp, parse_answer, unix_ns
from trustworks.core.time.readings import Moment, SystemReadings
from trustworks.core.time.resolver import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECOND = 1_000_000_000
NOW = 1_795_516_900 * SECOND
NONCE = 0x0123456789ABCDEF
# Servers, source and other tests share a machine that may be busy; what liars and slow names add is seconds.
NARROW = SECOND // 2


def packet(**changes: Any) -> bytes:
    """A good server's answer, with changes by the header's field names."""
    fields: dict[str, Any] = {
        "leap": 0,
        "version": 4,
        "mode": 4,
        "stratum": 1,
        "precision": -20,
        "delay": 0x10,
        "dispersion": 0x10,
        "reference": int.from_bytes(b"PTB\0", "big"),
        "set_at": ntp_timestamp(NOW - 10 * SECOND),
        "origin": NONCE,
        "received": ntp_timestamp(NOW),
        "sent": ntp_timestamp(NOW + 1000),
    } | changes
    first = fields["leap"] << 6 | fields["version"] << 3 | fields["mode"]
    rest = ("delay", "dispersion", "reference", "set_at", "origin", "received", "sent")
    return HEADER.pack(first, fields["stratum"], 6, fields["precision"], *(fields[name] for name in rest))


# -- the wire


def test_a_request_gives_nothing_away() -> None:
    (first, one), (second, two) = make_request(), make_request()
    assert first[:40] == second[:40] == b"\x23" + bytes(39)
    assert one != two
    assert int.from_bytes(first[40:], "big") == one


def test_a_good_answer_is_read() -> None:
    answer = parse_answer(packet(leap=1) + b"an extension field", NONCE, NOW, 4)
    assert (answer.leap, answer.stratum, answer.reference_id) == ("insert", 1, b"PTB\0")
    assert answer.received_ns == pytest.approx(NOW, abs=1)
    assert answer.root_distance_ns == pytest.approx(244_141 * 1.5 + 954, abs=3)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"origin": NONCE ^ 1}, "origin"),
        ({"origin": 0}, "origin"),
        ({"stratum": 0, "reference": int.from_bytes(b"RATE", "big")}, "RATE"),
        ({"stratum": 0, "reference": 0}, "KISS"),
        ({"leap": 3}, "unsynchronised"),
        ({"stratum": 5}, "stratum"),
        ({"stratum": 16}, "stratum"),
        ({"stratum": 2, "reference": 0x7F7F0101}, "local"),
        ({"reference": int.from_bytes(b"LOCL", "big")}, "local"),
        ({"dispersion": 0x10001}, "distance"),
        ({"delay": 0x20000}, "distance"),
        ({"precision": 1}, "distance"),
        ({"received": 0}, "times"),
        ({"sent": 0}, "times"),
        ({"sent": ntp_timestamp(NOW - 1000)}, "times"),
        ({"set_at": ntp_timestamp(NOW + SECOND)}, "times"),
    ],
)
def test_what_speaks_against_an_answer(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_answer(packet(**changes), NONCE, NOW, 4)
    assert caught.value.code == code


@pytest.mark.parametrize("data", [b"", packet()[:47], packet(version=3), packet(mode=3), packet(mode=5)])
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_answer(data, NONCE, NOW, 4)


@given(st.binary(max_size=100))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    with pytest.raises((Malformed, Rejected)):
        parse_answer(data, NONCE, NOW, 15)


@given(st.integers(0, 4 * 10**18))
def test_timestamps_survive_and_eras_too(at: int) -> None:
    assert abs(unix_ns(ntp_timestamp(at), at + 3600 * SECOND) - at) <= 1


@given(
    offset=st.integers(-(10**10), 10**10),
    there=st.integers(0, 10**8),
    work=st.integers(0, 10**6),
    back=st.integers(0, 10**8),
)
def test_a_sample_contains_the_truth_however_the_network_delays(
    offset: int, there: int, work: int, back: int
) -> None:
    raw = 77 * SECOND
    true_difference = NOW - raw
    sent = Moment(NOW + offset, raw, 0, 0, 0)
    end = raw + there + work + back
    arrived = Moment(NOW + offset + end - raw, end, 0, 0, 0)
    answer = parse_answer(
        packet(received=ntp_timestamp(NOW + there), sent=ntp_timestamp(NOW + there + work)), NONCE, NOW, 4
    )
    taken = sample(answer, sent, arrived, 100.0)
    assert taken.low <= true_difference <= taken.high
    assert taken.high - taken.low <= there + back + 2 * answer.root_distance_ns + (end - raw) // 4000 + 4


def test_a_server_cannot_have_worked_longer_than_the_round_trip() -> None:
    answer = parse_answer(packet(sent=ntp_timestamp(NOW + SECOND)), NONCE, NOW, 4)
    with pytest.raises(Rejected):
        sample(answer, Moment(NOW, 0, 0, 0, 0), Moment(NOW, 1000, 0, 0, 0), 100.0)


def test_a_minority_announces_no_leap_second() -> None:
    assert majority_leap(["insert", "none", "none"]) == "none"
    assert majority_leap(["insert", "insert", "none"]) == "insert"
    assert majority_leap(["delete", "delete"]) == "delete"
    assert majority_leap([]) == "none"


# -- servers on loopback


class FakeServer:
    """An NTP server on loopback that answers what its `answering` makes of a request's nonce."""

    def __init__(self, answering: Callable[[int], list[bytes]]) -> None:
        self.answering = answering
        self.asked = 0
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.link.bind(("127.0.0.1", 0))
        self.name = f"127.0.0.1:{self.link.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            data, peer = self.link.recvfrom(1024)
            if data == b"stop":
                return
            self.asked += 1
            for answer in self.answering(int.from_bytes(data[40:48], "big")):
                self.link.sendto(answer, peer)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(b"stop", self.link.getsockname())
        self.thread.join()
        self.link.close()


def truthful(shift: int = 0, **changes: Any) -> Callable[[int], list[bytes]]:
    """A server whose clock is this machine's, moved by `shift` nanoseconds."""

    def answer(nonce: int) -> list[bytes]:
        now = SystemReadings().realtime_ns() + shift
        times = {
            "received": ntp_timestamp(now),
            "sent": ntp_timestamp(now),
            "set_at": ntp_timestamp(now - SECOND),
        }
        return [packet(**{"origin": nonce, **times, **changes})]

    return answer


def silent(nonce: int) -> list[bytes]:
    del nonce
    return []


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[NtpSource, list[FakeServer]]]]:
    """A function that starts servers and answers a source that asks them."""
    started: list[FakeServer] = []

    def start(*answering: Callable[[int], list[bytes]], **changes: Any) -> tuple[NtpSource, list[FakeServer]]:
        servers = [FakeServer(one) for one in answering]
        started.extend(servers)
        table = {
            "sources": ["ntp"],
            "traceable-to": ["UTC(TEST)"],
            "ntp-servers": [server.name for server in servers],
            "ntp-timeout": 0.3,
            **changes,
        }
        return NtpSource(TimeSettings.model_validate(table)), servers

    yield start
    for server in started:
        with contextlib.suppress(OSError):
            server.stop()


def test_honest_servers_give_a_narrow_bound(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    source, servers = serve(truthful(), truthful(leap=1), truthful(leap=1), **{"ntp-timeout": 2})
    with pytest.raises(Unavailable, match="not yet asked"):
        source.estimate(SystemReadings().moment())
    source.poll()
    estimate = source.estimate(SystemReadings().moment())
    assert estimate.bound_ns is not None
    assert estimate.bound_ns < NARROW
    assert estimate.at_least_ns == 0
    assert estimate.leap == "insert"
    assert set(estimate.ids) == {f"ntp:{server.name}" for server in servers}


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_one_liar_of_four_changes_nothing(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    source, servers = serve(
        truthful(), truthful(), truthful(5 * SECOND, leap=1), truthful(), **{"ntp-timeout": 2}
    )
    source.poll()
    estimate = source.estimate(SystemReadings().moment())
    assert estimate.bound_ns is not None
    assert estimate.bound_ns < NARROW
    assert estimate.detail is not None
    assert estimate.detail["outsiders"] == [servers[2].name]
    assert estimate.leap == "none"


@pytest.mark.req("EN319421:TIS-7.7.2-06")
def test_servers_prove_a_wrong_clock_wrong(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    source, _ = serve(*(truthful(3 * SECOND),) * 3, **{"ntp-timeout": 2})
    source.poll()
    estimate = source.estimate(SystemReadings().moment())
    assert 2.9 * SECOND < estimate.at_least_ns <= 3 * SECOND <= (estimate.bound_ns or 0)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (silent, "no answer"),
        (lambda _: [b"short"], "5 bytes"),
        (lambda _: [bytes(48)], "version 0, mode 0"),
        (truthful(leap=3), "not synchronised"),
        (truthful(stratum=0, reference=int.from_bytes(b"DENY", "big")), "kiss-o'-death, 'DENY'"),
        (truthful(origin=12345), "nonce"),
        (truthful(stratum=2, reference=0x7F7F0101), "nothing but its own clock"),
    ],
)
def test_without_a_quorum_every_silent_server_is_explained(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
    bad: Callable[[int], list[bytes]],
    message: str,
) -> None:
    source, _ = serve(truthful(), truthful(), bad)
    source.poll()
    with pytest.raises(Unavailable, match=message) as caught:
        source.estimate(SystemReadings().moment())
    assert "No 3 of the 3 NTP servers agree (2 usable" in str(caught.value)


def test_forged_answers_do_not_keep_the_true_one_out(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    def answer(nonce: int) -> list[bytes]:
        return [b"junk", *truthful(9 * SECOND)(nonce ^ 2), *truthful()(nonce)]

    source, _ = serve(answer, answer, answer, **{"ntp-timeout": 2})
    source.poll()
    assert (source.estimate(SystemReadings().moment()).bound_ns or SECOND) < NARROW


def test_kisses_of_death_are_obeyed(serve: Callable[..., tuple[NtpSource, list[FakeServer]]]) -> None:
    source, (denying, limiting, _) = serve(
        truthful(stratum=0, reference=int.from_bytes(b"DENY", "big")),
        truthful(stratum=0, reference=int.from_bytes(b"RATE", "big")),
        truthful(),
    )
    for _round in range(4):
        source.poll()
    assert denying.asked == 1
    assert limiting.asked == 2  # at once, then every second round, then every fourth


def test_a_server_that_cannot_be_asked_is_explained(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    source, (closed, _, _) = serve(
        truthful(),
        truthful(),
        truthful(),
        **{"ntp-servers": ["127.0.0.1:9", "does-not-exist.invalid", "127.0.0.1:10"]},
    )
    del closed
    source.poll()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9: cannot be asked.*invalid: cannot be asked"):
        source.estimate(SystemReadings().moment())


# -- names


def naming(monkeypatch: pytest.MonkeyPatch, names: dict[str, Callable[[], list[str]]]) -> None:
    """Let names resolve to servers of the test, `HOST:PORT`, by a function that may take its time."""
    known = socket.getaddrinfo

    def find(host: str, port: int, **options: Any) -> list[Any]:
        if host not in names:
            return known(host, port, **options)
        places = [place.split(":") for place in names[host]()]
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (one, int(number))) for one, number in places]

    monkeypatch.setattr(socket, "getaddrinfo", find)


def test_a_slow_name_holds_up_no_other_server(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = threading.Event()

    def dead() -> list[str]:
        found.wait(20)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    _, servers = serve(truthful(), truthful(), truthful())
    naming(monkeypatch, {"dead.example": dead})
    good = [server.name for server in servers]
    source, _ = serve(**{"ntp-servers": [*good[:2], "dead.example", good[2]], "ntp-timeout": 1})
    try:
        source.poll()
        assert (source.estimate(SystemReadings().moment()).bound_ns or SECOND) < NARROW
        assert len(threading.enumerate()) < len(good) + 10
        source.poll()  # no second question while the first is under way
        assert [thread.name for thread in threading.enumerate()].count("clock-names") == 1
        with pytest.raises(
            Unavailable, match=r"dead\.example: cannot be asked .its name has not been resolved"
        ):
            source.estimate(SystemReadings().moment()._replace(raw=1 << 62))
    finally:
        found.set()


def test_a_name_that_no_longer_resolves_is_asked_at_its_last_address(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, servers = serve(truthful(), truthful(), truthful())
    answers = [[servers[0].name]]

    def first() -> list[str]:
        if not answers:
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return answers.pop()

    naming(monkeypatch, {"first.example": first})
    names = ["first.example", servers[1].name, servers[2].name]
    source, _ = serve(**{"ntp-servers": names, "ntp-timeout": 2})
    source.poll()
    source.poll()
    assert [server.asked for server in servers] == [2, 2, 2]


def test_the_next_address_of_a_name_is_asked_where_one_is_silent(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, servers = serve(silent, truthful(), truthful(), truthful())
    places = [server.name for server in servers]
    naming(monkeypatch, {"two.example": lambda: places[:2]})
    source, _ = serve(**{"ntp-servers": ["two.example", *places[2:]], "ntp-timeout": 1})
    source.poll()
    with pytest.raises(Unavailable, match=r"two\.example: no answer"):
        source.estimate(SystemReadings().moment())
    source.poll()
    assert "ntp:two.example" in source.estimate(SystemReadings().moment()).ids


def test_a_name_that_leads_to_a_server_that_smears_is_not_asked_there(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, servers = serve(truthful(), truthful(), truthful(), truthful())
    places = [server.name for server in servers]
    smeared = "216.239.35.0:9"  # time1.google.com; port 9, where nobody answers
    naming(
        monkeypatch,
        {"both.example": lambda: [smeared, places[0]], "smeared.example": lambda: [smeared]},
    )
    names = ["both.example", *places[1:3], "smeared.example"]
    source, _ = serve(**{"ntp-servers": names, "ntp-timeout": 1})
    source.poll()
    assert "ntp:both.example" in source.estimate(SystemReadings().moment()).ids
    with pytest.raises(
        Unavailable,
        match=r"smeared\.example: leads to 216\.239\.35\.0, which smears leap seconds; name another",
    ):
        source.estimate(SystemReadings().moment()._replace(raw=1 << 62))


@pytest.mark.req("EN319421:TIS-7.7.2-05")
def test_names_of_one_machine_count_once(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, servers = serve(truthful(), truthful(), truthful())
    one, other, _ = (server.name for server in servers)
    naming(monkeypatch, {"one.example": lambda: [one], "alias.example": lambda: [one]})
    source, _ = serve(**{"ntp-servers": ["one.example", "alias.example", other], "ntp-timeout": 2})
    source.poll()
    with pytest.raises(
        Unavailable, match=r"2 usable; alias.example: has the address of one.example; name an independent one"
    ):
        source.estimate(SystemReadings().moment())


def test_an_earlier_answer_of_the_same_machine_counts_no_more(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, servers = serve(truthful(), truthful(), truthful())
    one, other, _ = (server.name for server in servers)
    pool = {"a.example": [one], "b.example": [other]}
    naming(monkeypatch, {"a.example": lambda: pool["a.example"], "b.example": lambda: pool["b.example"]})
    names = ["a.example", "b.example", "192.0.2.1:9"]
    source, _ = serve(**{"ntp-servers": names, "ntp-timeout": 1})
    source.poll()
    assert set(source.samples(SystemReadings().moment())) == {"a.example", "b.example"}
    pool["a.example"], pool["b.example"] = ["192.0.2.1:9"], [one]  # a pool that gives its names in turn
    source.poll()
    assert set(source.samples(SystemReadings().moment())) == {"b.example"}


def test_one_machine_by_two_forms_of_its_address_is_one() -> None:
    plain = Address(family=socket.AF_INET, place=("192.0.2.1", 123))
    mapped = Address(family=socket.AF_INET6, place=("::ffff:192.0.2.1", 123, 0, 0))
    scoped = Address(family=socket.AF_INET6, place=("fe80::1%lo", 123, 0, 1))
    assert plain.identity == mapped.identity == ("192.0.2.1", 123)
    assert scoped.identity == ("fe80::1", 123)


def test_old_samples_count_for_nothing(serve: Callable[..., tuple[NtpSource, list[FakeServer]]]) -> None:
    source, _ = serve(truthful(), truthful(), truthful(), **{"ntp-timeout": 2})
    source.poll()
    moment = SystemReadings().moment()
    young = source.estimate(moment).bound_ns
    later = moment._replace(raw=moment.raw + 100 * SECOND, realtime=moment.realtime + 100 * SECOND)
    # 100 ppm over 100 s is 10 ms.
    assert (source.estimate(later).bound_ns or 0) - (young or 0) == pytest.approx(10_000_000, rel=0.01)
    too_late = moment._replace(raw=moment.raw + 200 * SECOND, realtime=moment.realtime + 200 * SECOND)
    with pytest.raises(Unavailable):
        source.estimate(too_late)


def test_the_thread_polls_until_it_is_stopped(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]],
) -> None:
    stop = threading.Event()

    def last(nonce: int) -> list[bytes]:
        stop.set()
        return truthful()(nonce)

    source, servers = serve(truthful(), truthful(), last, **{"ntp-timeout": 2})
    source.run(stop)
    assert [server.asked for server in servers] == [1, 1, 1]


def test_the_thread_outlives_a_machine_without_free_files(
    serve: Callable[..., tuple[NtpSource, list[FakeServer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, rounds = threading.Event(), []
    source, servers = serve(truthful(), truthful(), truthful(), **{"ntp-timeout": 2})
    genuine = source.poll

    def poll() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        genuine()

    def wait(_: float | None = None) -> bool:
        if len(rounds) == 1:
            with pytest.raises(Unavailable, match=r"cannot be asked \(Too many open files\)"):
                source.estimate(SystemReadings().moment())
        else:
            stop.set()
        return stop.is_set()

    monkeypatch.setattr(source, "poll", poll)
    monkeypatch.setattr(stop, "wait", wait)
    source.run(stop)
    assert [server.asked for server in servers] == [1, 1, 1]
    assert source.estimate(SystemReadings().moment()).bound_ns is not None
