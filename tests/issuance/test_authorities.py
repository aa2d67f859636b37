"""Further authorities: of any name and parent, beside the two that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from trustworks.core.errors import Refused, Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.issuance import records
from trustworks.issuance.model import NewAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from issuance_testbed import Provider

    from trustworks.core.module import Key, Pkcs11Uri

NEW = NewAuthority(name="second", common_name="Second TEST CA", years=5, token="issuing", parent="root")


@pytest.fixture(scope="module")
def more_keys(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[list[Key]]:
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        yield [
            module.generate_key_pair(label=f"more-{number}", algorithm=KeyAlgorithm.P256)
            for number in range(3)
        ]


def test_an_authority_of_another_name_issues_under_it(provider: Provider, more_keys: list[Key]) -> None:
    made = provider.issuance.create_authority(NEW, more_keys[0], by="ceremony")
    provider.keys.keys["second"] = more_keys[0]
    issued = provider.issuance.issue(provider.request("tsu", authority="second"))
    certificate = x509.load_der_x509_certificate(issued.certificate)
    own = x509.load_der_x509_certificate(made.certificate)
    certificate.verify_directly_issued_by(own)
    own.verify_directly_issued_by(
        x509.load_der_x509_certificate(provider.issuance.authority("root").certificate)
    )
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name is not None
    assert points[0].full_name[0].value.endswith("/crl/second.crl")
    assert issued.chain == (made.certificate,)
    with provider.database.read() as connection:
        found = records.authority(connection, "second")
    assert found == made
    assert (made.token, made.key_label, made.parent) == ("issuing", "more-0", "root")


def test_path_lengths_go_down_and_are_kept(provider: Provider, more_keys: list[Key]) -> None:
    upper = NewAuthority(
        name="upper", common_name="Upper TEST CA", years=8, token="issuing", parent="root", path_length=1
    )
    lower = NewAuthority(
        name="lower", common_name="Lower TEST CA", years=5, token="issuing", parent="upper", path_length=1
    )
    provider.issuance.create_authority(upper, more_keys[0], by="ceremony")
    provider.keys.keys["upper"] = more_keys[0]
    with pytest.raises(Refused) as error:
        provider.issuance.create_authority(lower, more_keys[1], by="ceremony")
    assert error.value.requirement == "RFC5280:6.1.4"
    below = NewAuthority(name="below", common_name="Below TEST CA", years=5, token="issuing", parent="upper")
    made = provider.issuance.create_authority(below, more_keys[1], by="ceremony")
    constraints = x509.load_der_x509_certificate(made.certificate).extensions.get_extension_for_class(
        x509.BasicConstraints
    )
    assert constraints.value.path_length == 0
    assert provider.issuance.authority("below").parent == "upper"


def test_what_is_in_use_or_absent_makes_no_authority(
    provider: Provider, more_keys: list[Key], issuing_key: Key
) -> None:
    before = provider.issuance.authorities()
    orphan = NewAuthority(
        name="orphan", common_name="Orphan TEST CA", years=5, token="issuing", parent="gone"
    )
    for new, key, family, code in (
        (NEW, issuing_key, Refused, ""),
        (orphan, more_keys[2], Unavailable, "issuance.authority-absent"),
        (NewAuthority(name="root", common_name="TEST", years=5, token="root"), more_keys[2], Rejected, ""),
    ):
        with pytest.raises(family) as error:
            provider.issuance.create_authority(new, key, by="ceremony")
        assert code in getattr(error.value, "code", "")
    assert provider.issuance.authorities() == before


@pytest.mark.req("TRUSTWORKS:ISSUANCE-ROOT-APART")
def test_a_root_certifies_nobody_but_authorities(provider: Provider) -> None:
    with pytest.raises(Rejected, match="A root certifies authorities alone") as error:
        provider.issuance.issue(provider.request("tsu", authority="root"))
    assert error.value.code == "issuance.authority"
    with pytest.raises(Unavailable, match="There is no authority 'nobody'"):
        provider.issuance.issue(provider.request("tsu", authority="nobody"))
