"""What a dossier is made of, made up, for tests that need no laboratory."""

from __future__ import annotations

from datetime import UTC, date, datetime

from trustworks.assurance.dossier.model import (
    Key,
    Material,
    OfferedDevice,
    Paper,
    PolicySet,
    Profile,
    Provider,
    Rank,
    Sample,
    ServiceIdentity,
)
from trustworks.assurance.engine import evaluate
from trustworks.assurance.evidence import Item, Kind, Outcome
from trustworks.assurance.model import Binding, Check, CheckKind, Facts, Identity, Product, ProductKind
from trustworks.assurance.rulesets import SHIPPED, load

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PERSONS = ("Vera Muster", "Max Beispiel")


def facts(*, test_module: bool = True) -> Facts:
    """One module in two processes, looked at by two persons."""
    seen = Identity(
        at=NOW,
        manufacturer="SoftHSM project" if test_module else "Example",
        model="SoftHSM v2",
        serial="0badc0de",
        hardware="2.6",
        firmware="2.6",
        library="libsofthsm2.so",
        library_sha256="0" * 64,
        is_test_module=test_module,
    )
    product = Product(
        id="hsm-1",
        kind=ProductKind.MODULE,
        name="Example module",
        serial="0badc0de",
        firmware="2.6",
        owner=PERSONS[0],
        place="Room 1, ask vera.muster@example.com",
        observed=seen,
    )
    return Facts(
        products=(product,),
        bindings=(
            Binding(product="hsm-1", service="timestamps", process="tsu_key_use", functions=("sign",)),
            Binding(product="hsm-1", service="certificates", process="ca_key_use", functions=("sign",)),
        ),
        checks=(
            Check(
                product="hsm-1", kind=CheckKind.SHIPMENT, on=date(2026, 1, 2), passed=True, persons=PERSONS
            ),
        ),
    )


def identity(name: str, rank: Rank, parent: str | None = None) -> ServiceIdentity:
    """A service's identity; the certificate is a text that stands for one."""
    return ServiceIdentity(
        name=name,
        use=f"use of {name}",
        rank=rank,
        subject=f"CN={name} & TEST",
        key_identifier=name.encode().hex().ljust(40, "0"),
        sha256="1" * 64,
        not_before=NOW,
        not_after=NOW.replace(year=2030),
        algorithm="ecdsa-with-SHA256",
        pem=f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n",
        parent=parent,
    )


def material(*, whole: bool = True, known: Facts | None = None) -> Material:
    """All of a dossier; without `whole` a provider about whom nothing is known."""
    provider = Provider(
        name="Example TEST", identifier="", lab=True, product="Trustworks 0", build="", manifest=""
    )
    if not whole:
        reports = tuple(evaluate(Facts(), load(name), NOW.date()) for name in SHIPPED)
        return Material(
            made=NOW, profile=Profile.PSEUDONYMS, provider=provider, facts=Facts(), reports=reports
        )
    known = facts() if known is None else known
    return Material(
        made=NOW,
        profile=Profile.PSEUDONYMS,
        provider=provider,
        facts=known,
        reports=tuple(evaluate(known, load(name), NOW.date()) for name in SHIPPED),
        items=(
            Item(
                kind=Kind.IDENTITY,
                subject="tsu",
                at=NOW,
                outcome=Outcome.OK,
                sentence="It is a test module.",
                values={"is_test_module": True},
            ),
        ),
        identities=(
            identity("root", Rank.ROOT),
            identity("issuing", Rank.ISSUING, "root"),
            identity("tsu-1", Rank.END_ENTITY, "issuing"),
        ),
        policy_sets=(
            PolicySet(
                authority="issuing",
                profile="natural-qcp-n-qscd",
                version=1,
                title="Natural person",
                policies=("0.4.0.194112.1.2",),
                qualified=True,
                purpose="electronic signatures",
                device="in a qualified device, local or remote",
            ),
        ),
        papers=(
            Paper(
                point="13(a)",
                kind="cps",
                title="Practices",
                language="en",
                version="3",
                since=NOW,
                sha256="2" * 64,
                name="cps-en.pdf",
                content=b"%PDF",
            ),
        ),
        devices=(
            OfferedDevice(
                product="Example card", kind="qscd", certified_until=date(2030, 1, 1), reference="EX-1"
            ),
        ),
        samples=(Sample(what="time-stamp token", name="time-stamp.tst", content=b"0", test=True),),
        keys=(Key(token="tsu", label="tsu-1", algorithm="P-256", state="operational", sha256="3" * 64),),
    )
