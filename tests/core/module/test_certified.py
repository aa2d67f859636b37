"""A key moves only to a module that is certified as well, under a key as strong, by a signed manifest."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from key_custodians import Custodians, make_custodians

from trustworks.core.errors import Malformed, Refused, Rejected
from trustworks.core.module import KeyAlgorithm, Module, documents, transfer
from trustworks.core.module.backup import Backup, check_manifest, generate_with_backup, read_backup
from trustworks.core.module.certified import Certification, lacking, read
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.transfer import check_target
from trustworks.core.module.wrapping import bits_to_carry, check_carrier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

FIPS = Certification(fips_140_3=3)
CC = Certification(cc_eal="4+", protection_profiles=("EN 419221-5",))


@pytest.mark.req("TRUSTWORKS:KEYS-TARGET", "EN319411-1:GEN-6.5.2-05")
@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        (FIPS, None, "nothing is declared of the target"),
        (FIPS, Certification(), "FIPS 140-3 level 3, the target has none"),
        (FIPS, Certification(fips_140_3=2), "FIPS 140-3 level 3, the target has 2"),
        (FIPS, Certification(fips_140_2=4), "FIPS 140-3 level 3, the target has none"),
        (FIPS, CC, "FIPS 140-3 level 3, the target has none"),
        (CC, FIPS, r"EAL 4\+"),
        (
            CC,
            Certification(cc_eal="4", protection_profiles=("EN 419221-5",)),
            r"EAL 4\+ .*, the target has 4",
        ),
        (CC, Certification(cc_eal="5"), "the protection profile EN 419221-5"),
        (Certification(fips_140_2=3), Certification(fips_140_2=2), "FIPS 140-2 level 3"),
    ],
)
def test_a_target_that_is_certified_less_or_not_said_to_be_gets_no_key(
    source: Certification, target: Certification | None, says: str
) -> None:
    facts = {"test_module": False}
    values = None if target is None else target.as_values()
    with pytest.raises(Refused, match=says) as caught:
        check_target(facts | {"certified": source.as_values()}, facts | {"certified": values})
    assert caught.value.requirement == "TRUSTWORKS:KEYS-TARGET"
    if values is None:
        with pytest.raises(Refused, match=says):  # left out altogether
            check_target(facts | {"certified": source.as_values()}, facts)


@pytest.mark.req("TRUSTWORKS:KEYS-TARGET")
@pytest.mark.parametrize(
    ("source", "target"),
    [
        (None, None),
        (None, FIPS),
        (Certification(), Certification()),
        (FIPS, FIPS),
        (FIPS, Certification(fips_140_3=4)),
        (Certification(fips_140_2=3), Certification(fips_140_3=3)),
        (CC, Certification(cc_eal="5", protection_profiles=("EN 419221-5", "another"))),
    ],
)
def test_a_target_that_is_certified_as_well_gets_the_key(
    source: Certification | None, target: Certification | None
) -> None:
    if source is not None and target is not None:
        assert lacking(source, target) == ()
    said, declared = (
        {"test_module": False, "certified": None if one is None else one.as_values()}
        for one in (source, target)
    )
    check_target(said, declared)


@pytest.mark.parametrize("values", [1, [], {"fips_140_3": "three"}, {"level": 3}, {"cc_eal": 4}])
def test_a_certification_that_nobody_writes_is_told(values: Any) -> None:
    with pytest.raises(Malformed, match="The certification of the target cannot be read"):
        read(values, "the target")


def test_a_configuration_declares_what_modules_are_certified_for() -> None:
    declared = {"token": "issuing", "fips-140-3": 3, "cc-eal": "4+", "protection-profiles": ["EN 419221-5"]}
    settings = ModuleSettings.model_validate({"certified": [declared]})
    found = settings.certified[0].certification()
    assert (found.fips_140_3, found.cc_eal) == (3, "4+")
    assert read(found.as_values(), "it") == found
    for wrong in ({"fips-140-3": 5}, {"cc-eal": "8"}, {"cc-eal": "4++"}):
        with pytest.raises(ValueError, match="certified"):
            ModuleSettings.model_validate({"certified": [{"token": "issuing", **wrong}]})


@pytest.mark.req("TRUSTWORKS:KEYS-TRANSPORT-STRENGTH", "EN319411-1:GEN-6.5.2-05")
def test_a_transport_key_is_as_strong_as_what_it_carries() -> None:
    wanted = {one: bits_to_carry(one) for one in KeyAlgorithm}
    assert wanted[KeyAlgorithm.P256] == wanted[KeyAlgorithm.RSA_3072] == wanted[KeyAlgorithm.RSA_2048] == 3072
    assert wanted[KeyAlgorithm.RSA_4096] == 4096
    assert wanted[KeyAlgorithm.P384] == wanted[KeyAlgorithm.BRAINPOOL_P384] == 7680
    assert wanted[KeyAlgorithm.P521] == wanted[KeyAlgorithm.BRAINPOOL_P512] == 15360
    check_carrier(7680, 7680, "ca")
    check_carrier(3072, None, "ca")
    for bits, least in ((4096, 7680), (3071, None), (3071, "0"), (3071, True)):
        with pytest.raises(Refused, match="weaker-transport") as caught:
            check_carrier(bits, least, "ca")
        assert caught.value.requirement == "TRUSTWORKS:KEYS-TRANSPORT-STRENGTH"


@pytest.fixture(scope="module")
def custodians(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token)


@pytest.fixture(scope="module")
def made(softhsm: Path, make_token: Callable[..., Pkcs11Uri], custodians: Custodians) -> Backup:
    """A backup of a P-384 key out of a module that is declared to be certified; the key is lost."""
    with Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module:
        module.certification = CC
        module.weaker_transport = False
        key, backup = generate_with_backup(
            module,
            label=f"ca-{secrets.token_hex(4)}",
            algorithm=KeyAlgorithm.P384,
            custodians=custodians.cards,
            threshold=2,
            keep=lambda _: None,
        )
        module.destroy(key)
    return backup


@pytest.mark.req("TRUSTWORKS:KEYS-MANIFEST", "EN319411-1:GEN-6.5.2-05")
def test_what_a_backup_says_of_its_module_is_signed_by_its_key(
    made: Backup, module: Module, custodians: Custodians
) -> None:
    read_again = read_backup(documents.write(made))
    assert read_again == made
    check_manifest(read_again)
    assert made.module["certified"] == CC.as_values()
    assert made.module["transport_bits"] == 7680
    without = {name: value for name, value in made.module.items() if name != "certified"}
    for changed in (
        dataclasses.replace(made, module=without),
        dataclasses.replace(made, module=made.module | {"certified": None}),
        dataclasses.replace(made, module=made.module | {"transport_bits": 3072}),
        dataclasses.replace(made, threshold=1),
        dataclasses.replace(made, signature=b""),
        dataclasses.replace(made, signature=made.signature[:-1] + bytes((made.signature[-1] ^ 1,))),
    ):
        with pytest.raises(Refused) as caught:
            check_manifest(changed)
        assert caught.value.requirement == "TRUSTWORKS:KEYS-MANIFEST"
        with pytest.raises(Refused) as caught:
            transfer.begin(module, changed, custodians=("anna", "boris"), purpose="transfer")
        assert caught.value.requirement == "TRUSTWORKS:KEYS-MANIFEST"
    # As if it were of before there were signatures: no custodian's token opens that.
    less = {name: value for name, value in without.items() if name != "transport_bits"}
    older = dataclasses.replace(made, format="trustworks-key-backup-2", module=less, signature=b"")
    check_manifest(older)
    request = custodians.ask(module, older, ("anna", "boris"), "transfer")
    with pytest.raises(Rejected) as rejected:
        custodians.step(request, older)
    assert rejected.value.code == "keys.damaged"


@pytest.mark.req("TRUSTWORKS:KEYS-TARGET", "TRUSTWORKS:KEYS-TRANSPORT-STRENGTH")
def test_target_and_custodians_refuse_alike(made: Backup, module: Module, custodians: Custodians) -> None:
    begin = {"custodians": ("anna", "boris"), "purpose": "transfer"}
    with pytest.raises(Refused, match="7680 bits or more"):
        transfer.begin(module, made, bits=4096, **begin)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="nothing is declared of the target"):
        transfer.begin(module, made, bits=7680, **begin)  # type: ignore[arg-type]
    # A target that does not look itself: the custodian's token does.
    honest = dataclasses.replace(made, module=made.module | {"certified": None, "transport_bits": 3072})
    unsigned = dataclasses.replace(honest, format="trustworks-key-backup-2", signature=b"")
    request = dataclasses.replace(custodians.ask(module, unsigned, ("anna", "boris")), backup=made.digest)
    with custodians.open("anna") as anna:
        with pytest.raises(Refused, match="nothing is declared of the target"):
            transfer.open_next(anna, request, made, fingerprint=request.fingerprint)
        declared = dataclasses.replace(request, module=request.module | {"certified": CC.as_values()})
        with pytest.raises(Refused, match="7680 bits or more"):
            transfer.open_next(anna, declared, made, fingerprint=declared.fingerprint)
