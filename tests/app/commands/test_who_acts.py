"""Every command that changes something knows who does it, before anything else is looked at."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from command_tree import COMMANDS, PERFORMED, behind

from trustworks.core.roles.model import Act, Role
from trustworks.core.roles.rules.duties import MAY, may

# Who only looks asks for nobody: the rights of the account and of the files decide who reads.
LOOKS = {
    "doctor",
    *("config check", "config explain", "config show", "module info", "module keys", "time status"),
    *("audit verify", "audit export", "audit checkpoint", "audit prove", "audit check-proof", "audit list"),
    *("audit show", "store status", "profile list", "profile show", "assurance trace"),
    *(
        "assurance rules list",
        "assurance rules show",
        "assurance rules check",
        "assurance verdicts",
        "assurance statements",
    ),
    *("assurance forecast", "assurance product list", "assurance product show", "assurance binding list"),
    *("assurance binding processes", "assurance certificate list", "assurance certificate show"),
    *("assurance sources read", "assurance sources match"),
    *("assurance certificate find", "assurance certificate file", "assurance check list"),
    *("assurance paper list", "assurance paper kinds"),
    *("assurance document list", "assurance transfer list", "assurance headcount list"),
    *("roles acts", "roles operator list", "roles operator show", "roles credential list"),
    *("roles change list", "roles change show", "roles approvals list", "roles approvals verify"),
    *(
        "certificate show",
        "certificate list",
        "certificate blocked list",
        "revocation list",
        "crl list",
        "crl show",
        "crl check",
    ),
    *("trusted-list show", "trusted-list verify", "trusted-list diff"),
    *("api client list", "api webhook list", "api webhook deliveries"),
    *("registration list", "registration show", "registration example", "registration device list"),
    *(
        "cmp secret list",
        "cmp request list",
        "acme eab list",
        "acme account list",
        "acme order list",
        "timestamp issued",
    ),
    *("perspective check", "integrity bom"),
    *("keys ceremony plan", "keys ceremony check", "keys ceremony digest", "keys ceremony list"),
    *("keys ceremony show", "keys ceremony export", "keys ceremony verify"),
    *("keys custodian show", "keys backup list"),
    *(
        "termination plan",
        "termination check",
        "termination status",
        "termination verify",
        "keys due",
        "keys rollover show",
    ),
    *("assurance evidence list", "assurance evidence show", "assurance duty list", "assurance change list"),
    *("assurance change show", "assurance change notice", "assurance incident list"),
    *("assurance incident show", "assurance incident notice"),
    *("keys states list", "statements render", "statements check", "statements list", "statements show"),
}

# Changes nothing of the provider's, or shows by itself who it is; each with its reason.
BY_ITSELF = {
    "lab": "makes what is missing of a laboratory, whose own steps it carries out; no provider's",
    "serve": "starts the processes; what they do was decided before",
    "perspective serve": "a process elsewhere in the network, that has nothing of the provider's",
    "time collect": "a process of the services, in the foreground",
    "store upgrade": "comes with the program: before it there may be no operators' tables yet",
    "store backup": "copies what this account reads anyway, by a timer",
    "roles bootstrap": "names the first operators, by the account that owns the installation",
    "roles change apply": "does what a quorum approved, by its signatures alone",
    "roles approvals add": "takes a signature in, which shows whose it is",
    "keys ceremony rehearse": "scratch tokens, which go again",
    "keys custodian make": "a custodian's own token, on his own machine",
    "keys open-pin": "the operator's own token opens, which shows who it is",
    "keys transfer wrap": "the custodians' own tokens open, which show who they are",
    "api sign-in": "a client of the API signs in, over the network, by its own key",
    "timestamp request": "a client asks an authority, over the network",
    "timestamp verify": "a relying party's",
    "timestamp inspect": "a relying party's",
    "validate": "a relying party's; its --sealed is by the account that opens the token, as the services are",
    "sign": "a signer's, by the account that opens the token; a key of the provider's is told to the log",
    "augment": "a relying party's, which signs nothing",
    "agreement verify": "a relying party's",
    "integrity make": "signs what is installed, by the key of who vouches for it; nothing here is changed",
    "integrity verify": "a relying party's",
    "integrity attest": "signs a release, by the key of who releases; nothing here is changed",
    "integrity check-attestation": "a relying party's",
    "dossier verify": "a relying party's",
    "dossier diff": "a relying party's",
    "trust refresh": "a relying party's, whose lists show by their signatures whose they are",
    "trust list": "a relying party's",
    "trust show": "a relying party's",
    "trust certificate": "a relying party's",
}

# These need `--as` and `--key` always: the key signs what is approved, or changes who may act.
BY_OWN_KEY = {
    *("keys ceremony approve", "keys ceremony sign", "roles approve", "roles console"),
    *("roles operator add", "roles operator describe", "roles operator lock", "roles operator unlock"),
    *("roles operator retire", "roles role grant", "roles role withdraw", "roles credential add"),
    *("roles credential remove", "roles change drop"),
}


@pytest.mark.req("CENTS419261:IA1.1", "CENTS419261:SA1.1")
def test_every_command_says_who_acts_or_why_nobody_need_to() -> None:
    told = [*PERFORMED, *LOOKS, *BY_ITSELF, *BY_OWN_KEY]
    assert sorted(told) == sorted(set(told)), "a command stands in two tables"
    assert set(told) == set(COMMANDS)
    assert all(len(why) > 10 for why in BY_ITSELF.values())


@pytest.mark.parametrize("words", sorted(BY_OWN_KEY))
def test_what_an_operator_signs_needs_his_name_and_key(words: str) -> None:
    options = {opt: one.required for one in COMMANDS[words].params for opt in one.opts}
    assert (options["--as"], options["--key"]) == (True, True)


class AskedError(Exception):
    """The officer was asked for."""


class Stranger:
    """Stands for the wiring: whatever is used before the officer is known fails the test."""

    def officer(
        self, act: Act, name: str | None, key: str | None, *, alone: bool | None = None
    ) -> str | None:
        del alone
        raise AskedError(act, name, key)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was used before the officer was known")


@pytest.mark.req("CENTS419261:IA1.1", "CENTS419261:SA1.1")
@pytest.mark.parametrize("words", sorted(PERFORMED))
def test_the_officer_is_known_before_anything_is_done(words: str) -> None:
    command = COMMANDS[words]
    callback = behind(command.callback)
    given: dict[str, Any] = {one.name or "": None for one in command.params}
    given |= {"operator_name": "anna", "operator_key": "anna.key"}
    if callback.when is not None:
        given[callback.when] = True
    context: Any = typer.Context(command, obj=Stranger())
    with pytest.raises(AskedError) as caught:
        callback(context=context, **given)
    assert caught.value.args == (PERFORMED[words], "anna", "anna.key")


@pytest.mark.req("CENTS419261:SA1.1", "CENTS419261:M1.5")
def test_what_an_auditor_may_is_reading_and_no_command_that_changes_something_is_his() -> None:
    # A dossier is made of what an auditor may read; that it was is told to the log.
    assert [words for words, act in PERFORMED.items() if may({Role.AUDITOR}, act)] == ["assurance dossier"]
    assert MAY[Role.AUDITOR] == {Act.READ_RECORDS, Act.READ_LOG, Act.EXPORT_LOG}


def test_some_role_may_do_what_each_command_performs() -> None:
    assert [words for words, act in PERFORMED.items() if not may(set(Role), act)] == []
