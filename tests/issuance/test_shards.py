"""A certificate names the list of its shard, and is recorded with it; `audit verify` finds another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from issuance_testbed import open_provider, settings
from sqlalchemy import select

from trustworks.issuance import records
from trustworks.issuance.model import crl_shard

if TYPE_CHECKING:
    from trustworks.core.module import Key
    from trustworks.core.store import Database

SHARDS = 4


def test_a_certificate_names_the_shard_that_its_record_has(
    database: Database, root_key: Key, issuing_key: Key
) -> None:
    given = settings(issuing={"crl-shards": SHARDS})
    with open_provider(database, root_key, issuing_key, of=given) as provider:
        provider.issuance.create_root(root_key, by="ceremony")
        authority = provider.issuance.create_issuing(issuing_key, by="ceremony")
        provider.clock.advance(hours=1)
        made = [provider.issuance.issue(provider.request("natural-qcp-n-qscd")) for _ in range(3)]
    with database.read() as connection:
        c = records.certificates.c
        shards = {row.serial: row.crl_shard for row in connection.execute(select(c.serial, c.crl_shard))}
    assert shards[authority.serial] is None
    for one in made:
        certificate = x509.load_der_x509_certificate(one.certificate)
        shard = crl_shard(certificate.serial_number, SHARDS)
        assert shards[one.serial] == shard
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        assert [name.value.rpartition("/crl/")[2] for p in points for name in p.full_name or ()] == [
            f"issuing/{shard}.crl"
        ]


@pytest.mark.parametrize(("shards", "expected"), [(1, None), (2, 2), (128, 8)])
def test_the_shard_is_the_serial_s(shards: int, expected: int | None) -> None:
    assert crl_shard((1 << 158) + 7, shards) == expected
