"""What a client may have on a day: requests and time-stamps, however they end, and whoever counts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from signing_desk import TOKEN, Here, encoded, opened, post, settings
from signing_house import TEXT, house, pdf
from sqlalchemy import select

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.http import Headers, RawRequest
from trustworks.signing import records
from trustworks.signing.bounded.meter import Meter
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.http import routes
from trustworks.signing.rules.clients import MOST_STAMPS, check_left

if TYPE_CHECKING:
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.signing.desk import Desk

DOCUMENT = {"content": encoded(TEXT), "name": "a.txt"}
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def some(**most: int) -> Any:
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return settings(clients=[{"name": "shop", "token-sha256": digest, "seals": ["main"], **most}])


def used(database: Database) -> tuple[int, int]:
    with database.read() as connection:
        (row,) = connection.execute(select(records.usage))
    return row.requests, row.time_stamps


def prepare(**changes: Any) -> dict[str, Any]:
    certificates = [encoded(one) for one in house().person().signer.certificates]
    return {"format": "cades", "documents": [DOCUMENT], "certificates": certificates, **changes}


def seal(**changes: Any) -> dict[str, Any]:
    document = {"content": encoded(pdf().octets()), "name": "a.pdf"}
    return {"seal": "main", "format": "pades", "documents": [document], **changes}


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-QUOTA")
def test_a_client_makes_so_many_requests_on_a_day(database: Database, recorder: Recorder) -> None:
    with opened(database, recorder, settings=some(**{"requests-per-day": 3})) as desk:
        asked = [("/signing/prepare", prepare()), ("/seals", seal()), ("/signing/complete", {})]
        assert [post(desk, *one)[0] for one in asked] == [200, 200, 400]
        for one in asked:
            status, told = post(desk, *one)
            assert (status, told["type"].rsplit(":", 1)[-1]) == (429, "SIGNING-REQUEST-QUOTA")
            assert "may make 3 requests on a day" in told["detail"]
    assert used(database) == (3, 0)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-QUOTA")
def test_the_next_day_begins_anew(database: Database, recorder: Recorder) -> None:
    now = [NOON]
    chosen = some(**{"requests-per-day": 1})
    with opened(database, recorder, settings=chosen, clock=lambda: now[0]) as desk:
        assert [post(desk, "/signing/prepare", prepare())[0] for _ in range(2)] == [200, 429]
        now[0] = NOON + timedelta(days=1)
        assert post(desk, "/signing/prepare", prepare())[0] == 200


def test_who_had_enough_is_told_when_to_ask_again(database: Database, recorder: Recorder) -> None:
    chosen = some(**{"requests-per-day": 0})
    with opened(database, recorder, settings=chosen, clock=lambda: NOON) as desk:
        route = next(one for one in routes(desk) if one.path == "/seals")
        request = RawRequest(
            method="POST",
            path="/seals",
            raw_path=b"/seals",
            headers=Headers([(b"authorization", f"Bearer {TOKEN}".encode())]),
            body=json.dumps(seal()).encode(),
            secure=True,
        )
        answer = asyncio.run(_answered(route.handler(request)))
    assert answer.status == 429
    assert dict(answer.headers)["retry-after"] == str(12 * 3600 + 1)


async def _answered(coming: Any) -> Any:
    return await coming


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def test_a_client_uses_so_many_time_stamps_on_a_day(database: Database, recorder: Recorder) -> None:
    with opened(database, recorder, settings=some(**{"time-stamps-per-day": 3})) as desk:
        assert post(desk, "/seals", seal(level="B-LTA"))[0] == 200
        assert used(database) == (1, 2)
        status, told = post(desk, "/seals", seal(level="B-LTA"))
        assert (status, told["type"].rsplit(":", 1)[-1]) == (429, "SIGNING-STAMP-QUOTA")
        assert "of which 1 are left, and the seal needs 2" in told["detail"]
        assert post(desk, "/signing/prepare", prepare(content_time_stamp=True))[0] == 200
        assert used(database) == (3, 3)
        status, told = post(desk, "/signing/prepare", prepare(content_time_stamp=True))
        assert (status, told["type"].rsplit(":", 1)[-1]) == (429, "SIGNING-STAMP-QUOTA")
        assert post(desk, "/signing/prepare", prepare())[0] == 200
        assert post(desk, "/seals", seal())[0] == 200


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def test_what_was_not_used_is_given_back(database: Database, recorder: Recorder) -> None:
    with opened(database, recorder, settings=some()) as desk:
        _, told = post(desk, "/seals", seal())
        file = {"content": told["content"]}
        assert post(desk, "/augmentation", {"file": DOCUMENT})[0] in {400, 422}
        assert used(database) == (2, 0)
        assert post(desk, "/augmentation", {"file": file, "level": "B-T"})[0] == 200
        assert used(database) == (3, 1)
        _, told = post(desk, "/signing/prepare", prepare(level="B-T"))
        value = house().person().sign(base64.b64decode(told["data_to_be_signed"]))
        last = {"prepared": told["prepared"], "documents": [DOCUMENT]}
        assert post(desk, "/signing/complete", last | {"value": encoded(b"none")})[0] == 422
        assert used(database) == (5, 1)
        assert post(desk, "/signing/complete", last | {"value": encoded(value)})[0] == 200
        assert used(database) == (6, 2)


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def test_what_a_process_does_not_tell_stays_counted(database: Database, recorder: Recorder) -> None:
    class Ended(Here):
        def ask(self, question: Any) -> Any:
            del question
            raise Unavailable("signing.process", "It ended.")

    with opened(database, recorder, settings=some(), pool=Ended()) as desk:
        assert post(desk, "/seals", seal(level="B-LTA"))[0] == 503
    assert used(database) == (1, 2)


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-QUOTA")
def test_of_one_request_no_more_are_used_than_were_set_aside(desk: Desk) -> None:
    here: Any = desk._pool
    asked: list[int] = []

    class Stamper:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            asked.append(len(digest))
            found: bytes = house().means.stamper.stamp(digest, hash_name)  # type: ignore[union-attr] # it has one
            return found

    here.creation = Creation(means=replace(house().means, stamper=Stamper()), terms=Terms(lab=True))
    post(desk, "/seals", seal(level="B-LTA"))
    assert [one["stamps"] for one in here.asked] == [2, 2]
    assert len(asked) == 2
    with pytest.raises(Refused, match="time-stamps-per-day"):
        check_left(2, 2)
    with pytest.raises(Rejected, match="One request uses 100 time-stamps at most"):
        check_left(MOST_STAMPS, MOST_STAMPS)


def test_a_process_is_believed_as_far_as_it_may_be_true() -> None:
    meter = Meter(3)
    assert meter.begin() == 3
    assert meter.unused == 0
    meter.spend(-5)
    assert meter.unused == 3
    meter.begin()
    meter.spend(2)
    assert (meter.left, meter.unused) == (1, 1)
    meter.begin()
    meter.spend(10**9)
    assert (meter.left, meter.unused) == (0, 0)
