"""The public page where holders of mailboxes answer: opening it does nothing, and it tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from console_testbed import Answer, ask, shell_of

from trustworks.app.web import mailbox
from trustworks.app.web.client_identity import ClientIdentity
from trustworks.app.web.report import FORM
from trustworks.core.errors import Rejected
from trustworks.issuance.registration.mailbox_answers import CODE, USED, parts_of

if TYPE_CHECKING:
    from trustworks.app.web.http import Shell

GOOD = f"{'a' * 32}.{'b' * 43}"


class Answers:
    """Knows one value, and is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def take(self, value: str) -> None:
        self.asked.append(value)
        if value != GOOD:
            parts_of("")


@pytest.fixture
def answers() -> Any:
    return Answers()


@pytest.fixture
def shell(answers: Any) -> Shell:
    return shell_of(mailbox.routes(answers, banners=[("Laboratory", "No effect")], version="1"))


def send(shell: Shell, value: str, address: str = "192.0.2.7") -> Answer:
    body = urlencode({"value": value}).encode()
    return ask(shell, "POST", "/mailbox", body, content_type=FORM, address=address)


def test_a_program_that_follows_the_link_confirms_nothing(shell: Shell, answers: Answers) -> None:
    page = ask(shell, "GET", "/mailbox")
    assert page.status == 200
    assert b"<button" in page.body
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert answers.asked == []
    assert ask(shell, "HEAD", "/mailbox").status in {200, 405}
    assert answers.asked == []


def test_what_is_in_an_address_is_not_taken_up(shell: Shell) -> None:
    for value in ('"><script>', GOOD, "%ff%fe", "a" * 5000):
        page = ask(shell, "GET", f"/mailbox?value={quote(value) if value != '%ff%fe' else value}")
        assert page.status == 200
        assert b'name="value" required maxlength="200" autocomplete="off" spellcheck="false">' in page.body


def test_the_button_confirms(shell: Shell, answers: Answers) -> None:
    answer = send(shell, GOOD)
    assert (answer.status, answers.asked) == (200, [GOOD])
    assert "your mailbox is confirmed" in answer.text


def test_whatever_is_wrong_is_answered_alike(shell: Shell) -> None:
    pages = [send(shell, one) for one in ("", "x", f"{'0' * 32}.{'b' * 43}", GOOD[:-1])]
    assert {(one.status, one.body) for one in pages} == {(400, pages[0].body)}
    assert "This value is not good" in pages[0].text
    assert b"aaaaaaaa" not in pages[0].body


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"\xff", FORM, 400), (b"x" * 5000, FORM, 413), (b"{}", "application/json", 415)],
)
def test_what_is_no_form_is_not_looked_at(
    shell: Shell, answers: Answers, body: bytes, kind: str, status: int
) -> None:
    assert ask(shell, "POST", "/mailbox", body, content_type=kind).status == status
    assert answers.asked == []


def test_who_guesses_is_told_to_wait_and_good_values_always_get_in(answers: Any) -> None:
    shell = shell_of(mailbox.routes(answers, banners=[], version="1"), ClientIdentity())
    for _ in range(mailbox.MOST_FAILURES):
        assert send(shell, "x").status == 400
    answer = send(shell, "x")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3600")
    assert send(shell, GOOD).status == 200
    assert send(shell, "x", "198.51.100.7").status == 400


def test_a_second_press_is_no_failure(shell: Shell, answers: Any) -> None:
    def take(_: str) -> None:
        raise Rejected(USED, "Used.")

    good, answers.take = answers.take, take
    for _ in range(mailbox.MOST_FAILURES + 1):
        answer = send(shell, GOOD)
        assert (answer.status, "your mailbox is confirmed" in answer.text) == (200, True)
    answers.take = good
    assert send(shell, "x").status == 400


def test_another_refusal_is_not_taken_for_a_wrong_value(shell: Shell, answers: Any) -> None:
    def take(_: str) -> None:
        raise Rejected("other", "Something else.")

    answers.take = take
    assert "Something else" in send(shell, GOOD).text
    assert CODE == "registration.mailbox-value"
