"""Scenarios about certificates, what is signed, and what the policy asks of a signature."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Final

from asic_vectors import container
from cryptography import x509
from evidence_graphs import Entity, crl
from judged_making import (
    BETWEEN,
    EVERY,
    SIGNED,
    SIGNER,
    STRANGER,
    Maker,
    Told,
    authority,
    certified,
    lists,
    of_signer,
    root,
    scenario,
    signer,
    stamp,
)
from lxml import etree
from signed_stories import CONTENT, Signing, asic_of, cms_of

from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.read import read

# --- certificates


@scenario("certificates", "nobody is trusted", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(), trust=())


@scenario("certificates", "another root is trusted")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(), revocation=lists(), trust=(STRANGER,))


@scenario("certificates", "the authority's certificate is missing")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(chain=()), revocation=lists())


@scenario("certificates", "signer has signed its own")
def _(make: Maker) -> Told:
    return Told(octets=make.signed(certified("alone"), chain=()), revocation=lists())


@scenario("certificates", "not for signatures", *EVERY)
def _(make: Maker) -> Told:
    by = signer(usage=("key_agreement",))
    wanted = of_signer("KeyUsage", inside="<Id>nonRepudiation</Id>")
    return Told(octets=make.signed(by), revocation=lists(), policy=(wanted,))


@scenario("certificates", "authority not for certificates")
def _(make: Maker) -> Told:
    by = certified("judged ca", root(), ca=True, usage=("crl_sign",))
    return Told(octets=make.signed(signer(by), chain=(by,)), revocation=lists())


@scenario("certificates", "authority that is none")
def _(make: Maker) -> Told:
    by = certified("judged ca", root(), usage=("key_cert_sign", "crl_sign"))
    return Told(octets=make.signed(signer(by), chain=(by,)), revocation=lists())


@scenario("certificates", "path longer than is allowed")
def _(make: Maker) -> Told:
    above = certified("upper ca", root(), ca=True, path_length=0)
    below = certified("judged ca", above, ca=True)
    found = (crl(below), crl(above), crl(root()))
    return Told(octets=make.signed(signer(below), chain=(below, above)), revocation=found)


PERMITTED: Final = x509.NameConstraints(
    permitted_subtrees=[x509.DirectoryName(x509.Name.from_rfc4514_string("O=Others"))], excluded_subtrees=None
)


@scenario("certificates", "name outside of the name constraints")
def _(make: Maker) -> Told:
    by = certified("judged ca", root(), ca=True, extensions=[PERMITTED])
    levels = (
        of_signer("NameConstraints"),
        (
            "SignatureConstraints/BasicSignatureConstraints/CACertificate/NameConstraints",
            {"Level": "FAIL"},
            "",
        ),
    )
    return Told(octets=make.signed(signer(by), chain=(by,)), revocation=lists(), policy=levels)


@scenario("certificates", "wanted extended key usage is missing")
def _(make: Maker) -> Told:
    wanted = of_signer("KeyUsage+ExtendedKeyUsage", inside="<Id>emailProtection</Id>")
    return Told(octets=make.signed(), revocation=lists(), policy=(wanted,))


# --- cryptography


def changed(octets: bytes, format_: str, wanted: bytes | None = CONTENT[::-1]) -> bytes:
    """The file with other data in the place of what was signed; None: a container without it."""
    if format_ == "PAdES":
        return octets.replace(b"You owe nothing.", b"You owe a heap..")
    if format_ == "ASiC":
        with zipfile.ZipFile(io.BytesIO(octets)) as opened:
            members = {one: opened.read(one) for one in opened.namelist() if one != "mimetype"}
        del members["a.txt"]
        return container(members if wanted is None else {"a.txt": wanted, **members})
    assert wanted is not None
    for written in (bytes, base64.b64encode, _in_jws):
        octets = octets.replace(written(CONTENT), written(wanted))
    return octets


def _in_jws(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


@scenario("cryptography", "data changed", *EVERY)
def _(make: Maker) -> Told:
    return Told(octets=changed(make.signed(), make.format), revocation=lists())


@scenario("cryptography", "time-stamped, then the data changed", *EVERY)
def _(make: Maker) -> Told:
    octets = changed(make.signed(SIGNER, stamp()), make.format)
    return Told(octets=octets, revocation=lists((SIGNER, BETWEEN)))


@scenario("cryptography", "data missing in the container", "ASiC")
def _(make: Maker) -> Told:
    return Told(octets=changed(make.signed(SIGNER, stamp()), make.format, None), revocation=lists())


@scenario("cryptography", "one of two files is missing in the container", "ASiC")
def _(_: Maker) -> Told:
    signing = Signing(by=SIGNER, time=SIGNED, chain=(authority(),), stamps=(stamp(),))
    octets = changed(asic_of(signing, ("a.txt", "b.txt")), "ASiC", None)
    return Told(octets=octets, revocation=lists())


def _beside(title: str, *detached: bytes) -> None:
    @scenario("cryptography", f"detached, {title}", "CAdES")
    def _(_: Maker) -> Told:
        signing = Signing(by=SIGNER, time=SIGNED, chain=(authority(),), stamps=(stamp(),))
        octets = cms_of(signing, Octets(CONTENT), Claims(signing_time=SIGNED), inside=False)
        return Told(octets=octets, detached=detached, revocation=lists())


_beside("the data is there", CONTENT)
_beside("the data is not there")
_beside("other data is there", CONTENT[::-1])


@scenario("cryptography", "value of another key", "XAdES", "CAdES", "JAdES")
def _(make: Maker) -> Told:
    made, other = (_value(make, by) for by in (SIGNER, certified("another", authority())))
    while len(other[1]) != len(made[1]):
        other = _value(make, certified("another", authority()))
    return Told(octets=made[0].replace(made[1], other[1]), revocation=lists())


def _value(make: Maker, by: Entity) -> tuple[bytes, bytes]:
    """A signed file, and its value as it is written there."""
    octets = make.signed(by)
    if make.format == "JAdES":
        return octets, json.loads(octets)["signature"].encode()
    if make.format == "XAdES":
        return octets, etree.fromstring(octets).findtext(".//{*}SignatureValue", "").encode()
    (signature,) = read(Octets(octets)).signatures
    return octets, signature.value


@scenario("signed attributes", "what the policy asks is not there", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    wanted = (
        "SignatureConstraints/SignedAttributes/EllipticCurveKeySize+CommitmentTypeIndication",
        {"Level": "FAIL"},
        "<Id>1.2.840.113549.1.9.16.6.1</Id>",
    )
    return Told(octets=make.signed(), revocation=lists(), policy=(wanted,))


@scenario("signed attributes", "a level the policy does not accept", "XAdES", "CAdES", "PAdES")
def _(make: Maker) -> Told:
    wanted = ("SignatureConstraints/AcceptableFormats", {"Level": "FAIL"}, "<Id>XAdES_BASELINE_LTA</Id>")
    return Told(octets=make.signed(), revocation=lists(), policy=(wanted,))
