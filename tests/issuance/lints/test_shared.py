"""What certificates have in common is taken apart once, and goes by its octets alone."""

from __future__ import annotations

from trustworks.issuance.lints.lint import _MOST_KEPT, _kept


def test_equal_octets_are_taken_apart_once_and_others_by_themselves() -> None:
    kept: dict[bytes, str] = {}
    made: list[str] = []

    def ask(octets: bytes | None, answer: str) -> str:
        def make() -> str:
            made.append(answer)
            return answer

        return _kept(kept, octets, make)

    assert [ask(b"a", "A"), ask(b"b", "B"), ask(b"a", "not asked")] == ["A", "B", "A"]
    assert ask(None, "no extension") == "no extension"
    assert made == ["A", "B", "no extension"]


def test_no_more_is_kept_than_may_be() -> None:
    kept = {str(number).encode(): "before" for number in range(_MOST_KEPT)}
    assert _kept(kept, b"new", lambda: "new") == "new"
    assert kept == {b"new": "new"}
