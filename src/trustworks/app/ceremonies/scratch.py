"""A rehearsal's room: scratch tokens in a folder that goes again, and a database of their own.

The plan's tokens are there under their names, with their labels; keys, authorities, custodians and backups
that must be there before are stood in for. Nothing of the provider's is touched, whatever the plan says.
"""

from __future__ import annotations

import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cryptography import x509
from cryptography.x509.oid import NameOID

from trustworks.app.ceremonies.custodians import StandIns
from trustworks.app.ceremonies.room import Room
from trustworks.app.configuration.config import Loaded
from trustworks.app.configuration.settings import TokensSettings
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Rejected
from trustworks.core.module import KeyAlgorithm, Pkcs11Uri, initialise_token
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.events import add_probe_key, new_key
from trustworks.core.store.config import StoreSettings
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.ceremony.model import Plan
    from trustworks.core.store import Database
    from trustworks.issuance.model import AuthorityRecord

_AUDIT = "audit"


@contextmanager
def rehearsal(wiring: Wiring, plan: Plan, *, confirm: Callable[[str], dict[str, Any]]) -> Iterator[Room]:
    """A room in which a plan can be carried out for trial; all of it goes when the with statement ends."""
    above = _authorities(wiring, plan)
    with tempfile.TemporaryDirectory(prefix="trustworks-rehearsal-") as folder:
        scratch = _wiring(wiring, plan, {one.token for one in above}, Path(folder))
        with scratch.open_database(check=False) as database:
            database.upgrade()
            custodians = StandIns(scratch, plan)
            with scratch.open_recorder("rehearsal", database=database) as recorder:
                room = Room(
                    scratch,
                    database=database,
                    recorder=recorder,
                    clock=LabClock(),
                    by="rehearsal",
                    confirm=confirm,
                    custodian=custodians.open,
                    stands_in=True,
                )
                try:
                    _stand_in(room, plan, above, custodians)
                    yield room
                finally:
                    room.close()


def _tokens(plan: Plan) -> set[str]:
    """The tokens that the plan's steps name."""
    return {step.token for step in plan.steps if hasattr(step, "token")}


def _new_labels(plan: Plan) -> dict[str, str]:
    """The labels of tokens that the plan makes, with the files of their PINs."""
    return {
        step.label: step.pin_file or f"secrets/{step.label}.pin"
        for step in plan.steps
        if step.kind == "initialise-token"
    }


def _wiring(wiring: Wiring, plan: Plan, more: set[str], folder: Path) -> Wiring:
    """The configuration with scratch tokens and a scratch database in place of the provider's."""
    for name in ("tokens", "secrets", "state", "run"):
        (folder / name).mkdir(mode=0o700)
    for file in _new_labels(plan).values():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    for step in plan.steps:
        if step.kind == "initialise-token" and step.so_pin_file is not None:
            (folder / step.so_pin_file).parent.mkdir(parents=True, exist_ok=True)
    conf = folder / "softhsm2.conf"
    put(conf, f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    module = ModuleSettings.model_validate({"softhsm2-conf": conf, "oaep-sha1": True})
    named = {**dict.fromkeys((*_tokens(plan), *more, _AUDIT))}
    uris = {name: _token(wiring, name, plan, folder, module) for name in named}
    tokens = TokensSettings.model_validate(
        {
            **{name: uri for name, uri in uris.items() if name in TOKENS},
            "further": {name: uri for name, uri in uris.items() if name not in TOKENS},
        }
    )
    store = folder / "state" / "rehearsal.sqlite"
    config = wiring.config.model_copy(
        update={
            "module": module,
            "tokens": tokens,
            "store": StoreSettings.model_validate({"url": f"sqlite:///{store}"}),
            "audit": wiring.config.audit.model_copy(update={"certificate": None, "time_stamp_url": None}),
        }
    )
    return Wiring.over(Loaded(file=folder / "trustworks.toml", config=config))


def _token(wiring: Wiring, name: str, plan: Plan, folder: Path, module: ModuleSettings) -> str:
    """The URI of a scratch token, which is made unless the plan makes it."""
    label = name if name == _AUDIT and wiring.config.tokens.audit is None else wiring.token_uri(name).token
    label = label or name
    made_by_plan = _new_labels(plan).get(label)
    file = made_by_plan or f"secrets/{name}.pin"
    if made_by_plan is None:
        pin, so_pin = (secrets.token_urlsafe(18) for _ in range(2))
        put(folder / file, f"{pin}\n", mode=0o600)
        initialise_token(label=label, so_pin=so_pin, user_pin=pin, settings=module, base=folder)
    return str(Pkcs11Uri(token=label, pin_source=f"file:{quote(str(folder / file))}"))


def _authorities(wiring: Wiring, plan: Plan) -> list[AuthorityRecord]:
    """The provider's authorities that the plan builds on, from the root down."""
    made = {step.authority for step in plan.steps if step.kind == "make-authority"}
    wanted = [step.parent for step in plan.steps if step.kind == "make-authority" and step.parent]
    for step in plan.steps:
        if step.kind == "publish-crl":
            wanted.append(step.authority)
        elif step.kind == "certify-key":
            from trustworks.issuance.profiles import profile_named  # noqa: PLC0415 - few plans certify

            wanted.append(step.authority or profile_named(step.profile).authority)
    needed = [name for name in dict.fromkeys(wanted) if name not in made]
    if not needed:
        return []
    with wiring.open_database() as database:
        return _with_those_above(database, needed)


def _with_those_above(database: Database, names: list[str]) -> list[AuthorityRecord]:
    from trustworks.issuance import records  # noqa: PLC0415 - where a plan builds on an authority

    found: dict[str, AuthorityRecord] = {}
    with database.read() as connection:
        for name in names:
            chain: list[AuthorityRecord] = []
            above: str | None = name
            while above is not None and above not in found:
                record = records.authority(connection, above)
                if record is None:
                    raise Rejected(
                        "ceremony.authority",
                        f"There is no authority {above!r}, and the plan builds on it. Make it first, or name "
                        "another.",
                    )
                chain.append(record)
                above = record.parent
            found.update({one.name: one for one in reversed(chain)})
    return list(found.values())


def _stand_in(room: Room, plan: Plan, above: list[AuthorityRecord], custodians: StandIns) -> None:
    """Keys and authorities that must be there before; the audit log's key, which seals the transcript."""
    made_labels = _new_labels(plan)
    for token in {*_tokens(plan), *(one.token for one in above), _AUDIT}:
        if (room.wiring.token_uri(token).token or token) not in made_labels:
            add_probe_key(room.on_event, room.module(token))
    _key(room, _AUDIT, room.wiring.config.audit.key, KeyAlgorithm.P256)
    for one in above:
        certificate = x509.load_der_x509_certificate(one.certificate)
        _authority(room, one, certificate)
    custodians.back_up(room)
    made: set[tuple[str, str]] = set()
    for step in plan.steps:
        if step.kind in {"generate-key", "restore-key", "transfer-key"}:
            made.add((step.token, step.label))
        elif step.kind in {"check-key", "destroy-key"} and (step.token, step.label) not in made:
            _key(room, step.token, step.label, KeyAlgorithm.P256)
            made.add((step.token, step.label))


def _key(room: Room, token: str, label: str, algorithm: KeyAlgorithm) -> None:
    if all(one.label != label for one in room.module(token).keys()):  # noqa: SIM118 - no dictionary
        new_key(room.on_event, room.module(token), label=label, algorithm=algorithm)


def _authority(room: Room, record: AuthorityRecord, certificate: x509.Certificate) -> None:
    """An authority of the same name, path length and kind of key, over a scratch key."""
    from trustworks.issuance.model import NewAuthority  # noqa: PLC0415 - where a plan builds on an authority

    key: Any = certificate.public_key()
    token, label = (
        room.wiring.authority_place(room.database, record.name)
        if record.name in TOKENS
        else (
            record.token,
            record.key_label,
        )
    )
    _key(room, token, label, algorithm_of(key))
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    years = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days // 366
    room.issuance().create_authority(
        NewAuthority(
            name=record.name,
            common_name=str(names[0].value),
            years=max(1, years),
            token=token,
            parent=record.parent,
            path_length=constraints.path_length,
        ),
        room.module(token).key(label),
        by=room.by,
    )
