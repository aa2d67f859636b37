"""The end of an authority without a plan: its last answers and lists, and its key out of use.

For one that another one has followed, or beside those that follow one another, once nothing is valid below.
Its key may be destroyed only then, by a ceremony: without it no list and no answer can be made any more.

| step | done again after an interruption |
|---|---|
| it issues no more | is recorded once |
| certificates of the responder, and of keys that are gone, are revoked | those that are left |
| the last answers of OCSP | about those that have none |
| the last lists, the complete one last | those that are left |
| the key is deactivated in the register | once |

Source: EN 319 411-2, 6.3.10 (CSS-6.3.10-07 to -12); EN 319 411-1, 6.5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.app.termination.keys import KeyEnding, check_same
from trustworks.core.errors import Refused
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import name_at
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.orders import ISSUING, USE_OF_ISSUING, ended_by
from trustworks.issuance.termination import Ending, has_last_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.keys.model import Succession
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.issuance.model import AuthorityRecord
    from trustworks.issuance.records import Left

# The responder's certificates come as long as there is something to answer for, and end with that.
OF_THE_RESPONDER: Final = ("ocsp-signer",)


@implements("TRUSTWORKS:ROLLOVER-END")
def check_may_end(
    authority: AuthorityRecord, later: Sequence[Succession], left: Sequence[Left], now: datetime
) -> None:
    """Refuse to end a root, the authority that issues by now, or one below which something is valid.

    `later` are the generations that followed the issuing authority, or will.
    """
    name = authority.name
    why = None
    if authority.parent is None:
        why = "it is a root"
    elif name == name_at(later, ISSUING, now):
        why = "no authority has followed it"
    elif any(one.name == name and now < one.from_at for one in later):
        why = "it is to follow another one"
    if why is not None:
        raise Refused(
            "TRUSTWORKS:ROLLOVER-END",
            f"{name} goes on: {why}. Wait for the next generation, or end it by a termination plan "
            "(trustworks termination plan).",
        )
    if left:
        what = ", ".join(f"{one.number} of {one.profile}" for one in left)
        last = max(one.last_end for one in left)
        raise Refused(
            "TRUSTWORKS:ROLLOVER-END",
            f"Certificates of {name} are valid until {last:%Y-%m-%d %H:%M} UTC ({what}), and need its lists "
            "until then. Wait, or replace and revoke them; or end it by a termination plan (trustworks "
            "termination plan).",
        )


class GenerationEnd:
    """Ends one authority. `by` acts in the audit log, `module` opens a token for writing."""

    def __init__(
        self,
        wiring: Wiring,
        name: str,
        *,
        by: str,
        database: Database,
        recorder: Recorder,
        module: Callable[[str], Module],
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._wiring = wiring
        self._name = name
        self._by = by
        self._database = database
        self._recorder = recorder
        self._module = module
        self._progress = progress
        self._clock = wiring.open_clock()

    def check(self) -> str | None:
        """What follows the authority, if any. Raises what stands against its end; nothing is changed.

        `Refused` (TRUSTWORKS:ROLLOVER-END), `Unavailable` without trusted time, `Rejected`
        (termination.authority) for an authority that there is not.
        """
        now = self._clock.now().utc
        record = self._ending("").record()
        with self._database.read() as connection:
            later = key_records.successions(connection, USE_OF_ISSUING)
            ended = [
                bytes.fromhex(one.spki_sha256)
                for one in key_records.keys_with(connection)
                if one.state in {KeyState.DEACTIVATED, KeyState.DESTROYED}
            ]
            left = records.valid_below(
                connection, self._name, now, without=OF_THE_RESPONDER, without_keys=ended
            )
        check_may_end(record, later, left, now)
        following = dict(zip([ISSUING, *(one.name for one in later)], later, strict=False)).get(self._name)
        return None if following is None else following.name

    def has_last_list(self) -> bool:
        """Whether the last list is published."""
        with self._database.read() as connection:
            return has_last_list(connection, self._name)

    def end(self, *, also: Callable[[Connection], None] | None = None) -> dict[str, Any]:
        """Do what is left, and answer what is there in the end; `also` is done with the last list.

        Raises what `check` and the steps raise.
        """
        following = self.check()
        ending = self._ending(ended_by(following))
        record = ending.record()
        token, label = self._wiring.authority_place(self._database, self._name)
        module = self._module(token)
        ending.close()
        self.check()  # now that nothing more comes
        ending.revoke(RevocationReason.cessationOfOperation)
        with self._database.read() as connection:
            answered = not records.unanswered(connection, self._name, limit=1)
        if not answered:
            key = module.key(label=label)
            check_same(key, record.spki_sha256)
            ending.answer(key, cert_hash=self._wiring.issuance_settings.ocsp.cert_hash)
        if not self.has_last_list():
            publisher = self._wiring.crl_publisher(
                database=self._database,
                recorder=self._recorder,
                clock=self._clock,
                tokens=self._module,
            )
            publisher.publish_all(self._name, actor=self._by, final=True, also=also)
        reason = f"the end of {self._name}"
        keys = KeyEnding(self._recorder, self._database, reason=reason, by=self._by)
        ended = keys.end(module, label, record.spki_sha256, destroy=False)
        with self._database.read() as connection:
            last = records.crl_heads(connection, self._name)[0]
            answers = records.count_last_answers(connection, self._name)
        return {
            "authority": self._name,
            "followed_by": following,
            "list": last.number,
            "answers": answers,
            **ended,
        }

    def _ending(self, plan: str) -> Ending:
        return Ending(
            self._name,
            plan=plan,
            by=self._by,
            database=self._database,
            recorder=self._recorder,
            clock=self._clock,
            progress=self._progress,
        )
