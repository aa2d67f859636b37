"""What a revocation list is made from, its octets, and the check of them: steps 1 to 3 of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from trustworks.core.der.algorithms import SIGNATURES
from trustworks.core.der.crl import (
    REMOVE_FROM_CRL,
    authority_key_identifier_extension,
    crl_number_extension,
    delta_crl_indicator_extension,
    encode_certificate_list,
    encode_entries,
    encode_tbs,
    expired_certs_on_crl_extension,
    freshest_crl_extension,
    issuing_distribution_point_extension,
)
from trustworks.core.der.x509 import public_key_info
from trustworks.core.errors import Rejected
from trustworks.issuance import records
from trustworks.issuance.model import NEVER, crl_path
from trustworks.issuance.rules.revocation import date_told, invalidity_date_told
from trustworks.issuance.status import crl_rules as rules
from trustworks.issuance.status.octets import subject_octets
from trustworks.issuance.status.states import delta_of, head_of, hours_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.module import Key
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import AuthorityRecord, CrlHead
    from trustworks.issuance.status.states import Scope

_SECOND: Final = 1_000_000  # in microseconds, as times are stored
_ROWS: Final = 5_000  # are fetched at once
_ABSENT = (
    "There is no authority {name!r} yet. `trustworks lab` makes a laboratory's, and a key ceremony others: "
    "trustworks keys ceremony plan sub-ca."
)


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a list is made from, as one transaction read it.

    `entries` are encoded, `serials` have 20 octets each; `url` is where a shard's list is, None for one of
    all certificates, `urls` that place and the former ones. `base` is the complete list before a delta list.
    """

    authority: AuthorityRecord
    scope: Scope
    last: CrlHead | None
    before: int
    base: CrlHead | None
    this_update: datetime
    next_update: datetime
    since: datetime
    entries: bytearray
    serials: bytearray
    count: int
    changes: int
    final: bool
    url: str | None
    urls: tuple[str, ...]
    delta_url: str | None

    @property
    def number(self) -> int:
        """The list's number: the next of its authority, over all scopes, so that it grows in each."""
        return self.before + 1


def draft(
    connection: Connection,
    settings: IssuanceSettings,
    public_url: str,
    scope: Scope,
    now: datetime,
    *,
    final: bool,
) -> Draft:
    """(1) What the list of a scope has to say now. Raises `Rejected` (crl.authority, crl.final, crl.base)."""
    name = scope.authority
    authority = records.authority(connection, name)
    if authority is None:
        raise Rejected("crl.authority", _ABSENT.format(name=name))
    last = head_of(connection, scope)
    base = head_of(connection, scope._replace(delta=False)) if scope.delta else last
    if base is not None and base.next_update == NEVER:
        raise Rejected(
            "crl.final",
            f"The list {base.number} of {scope.words} is its last: it says that none will follow.",
        )
    if final:
        wrong = rules.last_list_objections(records.scope(connection, name), now)
        if wrong:
            raise Rejected("crl.final", f"This cannot be the last list of {name}: {wrong[0]}.")
    if scope.delta:
        _check_base(base, scope, now)
    # Numbers are read before the entries: a list with higher ones never knows less.
    changes, before = records.changes(connection, name), records.last_number(connection, name)
    after = base.changes if scope.delta and base is not None else None
    entries, serials, count = _entries(connection, scope, now, changed_after=after)
    hours = hours_of(settings, authority).validity
    path = f"{public_url}{scope._replace(delta=False).path}"
    return Draft(
        authority=authority,
        scope=scope,
        last=last,
        before=before,
        base=base if scope.delta else None,
        this_update=now,
        next_update=NEVER if final else now + timedelta(hours=hours),
        since=x509.load_der_x509_certificate(authority.certificate).not_valid_before_utc,
        entries=entries,
        serials=serials,
        count=count,
        changes=changes,
        final=final,
        url=None if scope.shard is None else path,
        urls=_urls(connection, scope, path),
        delta_url=f"{public_url}{crl_path(name, scope.shard, delta=True)}"
        if delta_of(settings, name) and not final
        else None,
    )


def _check_base(base: CrlHead | None, scope: Scope, now: datetime) -> None:
    """Refuse a delta list with nothing that it could go on from, or of the same second (RFC 5280, 5.2.4)."""
    if base is None:
        raise Rejected(
            "crl.base",
            f"There is no complete list of {scope.authority} that a delta list could go on from; publish "
            "that first.",
        )
    if base.this_update >= now:
        raise Rejected(
            "crl.base",
            f"The complete list {base.number} of {scope.authority} is of the same second; a delta list of "
            "that second would have its number. Publish it a second later.",
        )


def _urls(connection: Connection, scope: Scope, url: str) -> tuple[str, ...]:
    """Where the shard's list is and was: certificates name the place that was right when they were issued."""
    if scope.shard is None:
        return ()
    before = records.last_crl(connection, scope.authority, shard=scope.shard)
    if before is None:
        return (url,)
    point = x509.load_der_x509_crl(before.der).extensions.get_extension_for_class(
        x509.IssuingDistributionPoint
    )
    return tuple(dict.fromkeys([url, *(name.value for name in point.value.full_name or ())]))


def _entries(
    connection: Connection, scope: Scope, now: datetime, *, changed_after: int | None
) -> tuple[bytearray, bytearray, int]:
    """The entries and serials of a scope, shard after shard, and how many there are."""
    entries, serials, count = bytearray(), bytearray(), 0
    shards: list[int | None] = [scope.shard]
    if scope.shard is None:
        shards += range(1, records.last_shard(connection, scope.authority) + 1)
    for shard in shards:
        rows = records.revoked_rows(connection, scope.authority, shard, changed_after=changed_after)
        _, more = encode_entries(_told(rows, serials, now), entries)
        count += more
    if changed_after is None:
        revoked = records.count_revoked(connection, scope.authority)
        counted = sum(revoked.values()) if scope.shard is None else revoked.get(scope.shard, 0)
        if counted != count:
            raise RuntimeError(f"{counted} certificates of {scope.words} are revoked, {count} were read")
    return entries, serials, count


def _told(cursor: Any, serials: bytearray, now: datetime) -> Iterator[tuple[bytes, int, int, int | None]]:
    """The entries of all certificates that belong on the list; their serials are put into `serials`."""
    this_update = int(now.timestamp())
    listed = {state: rules.is_listed(state, now) for state in ("issued", "issuing", "abandoned")}
    fromhex = bytes.fromhex
    while rows := cursor.fetchmany(_ROWS):
        told = []
        for text, state, revoked_at, reason, invalid_since in rows:
            if not listed[state]:
                continue
            if revoked_at is None:  # on a delta list: a hold was lifted
                told.append((fromhex(text), this_update, REMOVE_FROM_CRL, None))
                continue
            moment, since = revoked_at // _SECOND, None
            if moment > this_update:  # the rule's own condition: a million calls cost too much
                moment = date_told(moment, this_update)
            if invalid_since is not None:
                since = invalidity_date_told(invalid_since // _SECOND, this_update)
            told.append((fromhex(text), moment, reason, since))
        serials += b"".join([one[0] for one in told])
        yield from told


def check_authority(record: AuthorityRecord, authority: x509.Certificate, key: Key, now: datetime) -> None:
    """Refuse a key or a certificate that cannot sign this authority's list."""
    if public_key_info(record.certificate) != key.spki:
        raise Rejected(
            "crl.authority",
            f"The key {key.label!r} is not the one in the certificate of {record.name}. Correct [tokens] "
            f"{record.name}.",
        )
    wrong = rules.key_usage_objections(authority)
    if wrong:
        raise Rejected("crl.authority", f"The list of {record.name} cannot be signed: {wrong[0]}.")
    if now >= authority.not_valid_after_utc:
        raise Rejected(
            "crl.authority",
            f"The certificate of {record.name} expired at {authority.not_valid_after_utc}; its last list had "
            "to be published before.",
        )


def signed(draft: Draft, authority: x509.Certificate, key: Key) -> bytes:
    """(2) The list, signed in the module. The draft's entries are gone then: a large list is held once."""
    algorithm = SIGNATURES[key.scheme.name]
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    extensions = [authority_key_identifier_extension(identifier), crl_number_extension(draft.number)]
    if draft.urls:
        # An issuing authority certifies no authorities; the root, which does, has one list.
        extensions.append(issuing_distribution_point_extension(draft.urls, only_user_certificates=True))
    if draft.base is not None:
        extensions.append(delta_crl_indicator_extension(draft.base.number))
    elif draft.delta_url is not None:
        extensions.append(freshest_crl_extension((draft.delta_url,)))
    extensions.append(expired_certs_on_crl_extension(draft.since))
    tbs = encode_tbs(
        algorithm=algorithm,
        issuer=subject_octets(draft.authority.certificate),
        this_update=draft.this_update,
        next_update=draft.next_update,
        entries=draft.entries,
        extensions=extensions,
    )
    draft.entries = bytearray()
    return encode_certificate_list(tbs, algorithm, key.sign(tbs))


def check_output(der: bytes, draft: Draft, authority: x509.Certificate, now: datetime) -> None:
    """(3) Parse the list by another implementation and hold every rule against it; a bug if one objects."""
    crl = x509.load_der_x509_crl(der)
    wrong = [
        *rules.issuer_objections(der, subject_octets(draft.authority.certificate)),
        *rules.signature_objections(crl, der, authority),
        *rules.key_identifier_objections(crl, authority),
        *rules.number_objections(crl, draft.number, draft.before or None),
        *rules.next_update_objections(crl, last=draft.final),
        *rules.time_objections(crl, now),
        *rules.authority_list_objections(
            crl, of_authorities=draft.authority.parent is None, last=draft.final
        ),
        *rules.distribution_point_objections(crl, draft.url, only_user_certificates=True),
        *rules.delta_objections(crl, None if draft.base is None else draft.base.number),
        *rules.entries_objections(crl, draft.serials),
        *rules.expired_certs_objections(crl, draft.since),
    ]
    if wrong:
        raise RuntimeError(f"the list of {draft.scope.words} breaks its rules: {'; '.join(wrong)}")
