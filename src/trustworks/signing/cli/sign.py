"""`trustworks sign`: signs documents with a key of the module, or in three steps with a key elsewhere."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson  # noqa: TC001 - as above
from trustworks.core.output import check_output, write_output
from trustworks.core.printable import printable
from trustworks.core.values import dataclass
from trustworks.signing.cli.options import (  # noqa: TC001 - as above
    CACHE,
    EARLIER,
    NETWORK,
    OFFLINE,
    TRUST,
    TSA,
    UNTRUSTED,
)
from trustworks.signing.cli.wiring import Sources
from trustworks.signing.model import Container, Format, Level, Packaging

if TYPE_CHECKING:
    from trustworks.signing.cli.wiring import SigningWiring
    from trustworks.signing.create.process import Creation, Signed
    from trustworks.signing.model import Request, Signer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def sign(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="The documents. Several are signed together (detached, or in an ASiC-E); with --parallel or "
            "--counter-sign the signed file, and then its detached data."
        ),
    ],
    *,
    key: Annotated[
        str | None,
        typer.Option(
            help="The key: a PKCS#11 URI (pkcs11:token=...;object=...?pin-source=file:...), or TOKEN/LABEL "
            "of the configuration, such as services/seal."
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="The certificate of the key (PEM); those of its authorities may follow."),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="The format. Default: by the name of the file; else cades."),
    ] = None,
    level: Annotated[Level, typer.Option(help="The level that the signature has to reach.")] = Level.B,
    packaging: Annotated[
        Packaging | None, typer.Option(help="Where the documents are. Default: what is usual for the format.")
    ] = None,
    container: Annotated[
        Container | None, typer.Option(help="Put documents and signature (XAdES or CAdES) into a container.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The new file, or with --batch the folder. Default: beside the first document."),
    ] = None,
    tsa: TSA = None,
    trust: TRUST = None,
    untrusted: UNTRUSTED = None,
    network: NETWORK = None,
    cache: CACHE = None,
    offline: OFFLINE = False,
    earlier_status: EARLIER = False,
    digest: Annotated[
        Literal["sha256", "sha384", "sha512"], typer.Option("--hash", help="The hash function of references.")
    ] = "sha256",
    scheme: Annotated[
        str | None,
        typer.Option(
            help="The signature scheme, such as RSA_PSS_SHA256. Default: that of the key.", metavar="NAME"
        ),
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="A role that the signer claims.")] = None,
    commitment: Annotated[
        list[str] | None,
        typer.Option(
            help="What the signer commits to: proof-of-origin, -receipt, -delivery, -sender, -approval, "
            "-creation, or an identifier."
        ),
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=TEXT", help="Where it is signed: street, city, state, postal-code, country."
        ),
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="The signature policy: its object identifier or URI.", metavar="ID")
    ] = None,
    policy_file: Annotated[
        Path | None, typer.Option(help="The document of the policy, for its digest.")
    ] = None,
    policy_uri: Annotated[str | None, typer.Option(help="Where that document is published.")] = None,
    content_time_stamp: Annotated[
        bool,
        typer.Option("--content-time-stamp", help="Show that the documents existed before they were signed."),
    ] = False,
    parallel: Annotated[
        bool, typer.Option("--parallel", help="Add one more signature to a signed file, over the same.")
    ] = False,
    counter_sign: Annotated[
        str | None,
        typer.Option(metavar="SIGNATURE", help="Countersign a signature of the file: its id, or `only`."),
    ] = None,
    element: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="XAdES internally detached: the identifier of an element to sign."),
    ] = None,
    within: Annotated[
        str | None, typer.Option(metavar="ID", help="XAdES: the element that the signature is put into.")
    ] = None,
    manifest: Annotated[
        bool, typer.Option("--manifest", help="XAdES detached: sign a list of the documents' digests.")
    ] = False,
    as_elements: Annotated[
        bool, typer.Option("--as-elements", help="XAdES enveloping: XML as elements, and not in base64.")
    ] = False,
    beside_others: Annotated[
        bool,
        typer.Option("--beside-others", help="XAdES enveloped: leave room for parallel signatures."),
    ] = False,
    serialization: Annotated[
        Literal["compact", "flattened", "general"], typer.Option(help="JAdES: how it is written.")
    ] = "flattened",
    mechanism: Annotated[
        Literal["hash", "uri", "none"],
        typer.Option(help="JAdES detached: documents are named by digests, by URIs, or not at all."),
    ] = "hash",
    in_clear: Annotated[
        bool, typer.Option("--in-clear", help="JAdES: sign the payload as it is (b64 is false).")
    ] = False,
    pdf_field: Annotated[
        str | None, typer.Option("--field", help="PAdES: the signature field, an empty one or a new one.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="PAdES: why it is signed.")] = None,
    name: Annotated[
        str | None, typer.Option(help="PAdES: the name of the signer, as the PDF says it.")
    ] = None,
    contact: Annotated[str | None, typer.Option(help="PAdES: how the signer is reached.")] = None,
    certify: Annotated[
        Literal["none", "forms", "annotations"] | None,
        typer.Option(help="PAdES: certify the document; which changes may come after (none, forms, ...)."),
    ] = None,
    qualified: Annotated[
        bool,
        typer.Option(
            "--qualified", help="Refuse a certificate whose key usage is not that of a qualified one."
        ),
    ] = False,
    prepare: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Step 1 of 3: write what is prepared to this new file, and print what has to be signed.",
        ),
    ] = None,
    dtbs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --prepare: write the data to be signed to this new file."),
    ] = None,
    complete: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Step 3 of 3: complete what --prepare wrote, with --value."),
    ] = None,
    value: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The signature value (ECDSA in DER), for --complete.")
    ] = None,
    batch: Annotated[
        bool,
        typer.Option(
            "--batch", help="The argument is a folder: each of its files gets a signature of its own."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the output where it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign documents: PDF, XML, JSON, any files. What leaves was verified, and has the level that was asked.

    The status of the certificate is looked at up to the anchors of --trust, else those of [validation]
    in the configuration; where there is neither, it is not looked at.
    """
    from trustworks.signing.cli.asked import (  # noqa: PLC0415 - keeps `--help` quick
        Shape,
        claims_of,
        document_of,
        format_of,
        policy_of,
    )
    from trustworks.signing.cli.naming import beside  # noqa: PLC0415 - as above
    from trustworks.signing.model import (  # noqa: PLC0415 - keeps `--help` quick
        JadesChoices,
        Onto,
        PadesChoices,
        Request,
        XadesChoices,
    )

    wiring: SigningWiring = context.obj
    sources = Sources(
        time_stamp_url=tsa,
        trust=tuple(trust or ()),
        untrusted=tuple(untrusted or ()),
        networks=tuple(network or ()),
        cache=cache,
        offline=offline,
        fresh=not earlier_status,
        qualified=qualified,
    )
    if parallel and counter_sign is not None:
        raise Malformed("Give --parallel or --counter-sign, not both.")
    onto = Onto.PARALLEL if parallel else Onto.NEW if counter_sign is None else Onto.COUNTER
    shape = Shape(format=form, container=container, packaging=packaging, onto=onto)
    claims = claims_of(
        policy=policy_of(policy, policy_file, policy_uri),
        place=place or (),
        roles=role or (),
        commitments=commitment or (),
    )

    def request(*documents: Path) -> Request:
        return Request(
            format=form or format_of(documents[0]),
            documents=tuple(document_of(one) for one in documents),
            level=level,
            packaging=packaging,
            container=container,
            claims=claims,
            hash_name=digest,
            content_time_stamp=content_time_stamp,
            onto=onto,
            target=None if counter_sign in {None, "only"} else counter_sign,
            xades=XadesChoices(
                as_xml=as_elements,
                manifest=manifest,
                parts=tuple(element or ()),
                within=within,
                beside_others=beside_others,
            ),
            jades=JadesChoices(serialization=serialization, mechanism=mechanism, encoded=not in_clear),
            pades=PadesChoices(
                field=pdf_field,
                name=name,
                reason=reason,
                contact=contact,
                certify=None if certify is None else _CERTIFY[certify],
            ),
        )

    creation = wiring.creation(sources)
    output = _Output(out=out, replace=replace, as_json=as_json)
    if complete is not None:
        if value is None:
            raise Malformed("--complete needs --value FILE: what the key signed.")
        return _complete(creation, complete, value, [document_of(one) for one in files], output)
    if certificate is None:
        raise Malformed("Give --certificate FILE: the certificate of the key (PEM).")
    if prepare is not None:
        signer = _signer(certificate, scheme)
        return _prepare(creation, request(*files), signer, (prepare, dtbs), as_json=as_json)
    if key is None:
        raise Malformed("Give --key, or sign in three steps: --prepare, a key elsewhere, --complete.")
    with wiring.open_signing_key(key) as (opened, tell):
        from trustworks.signing.cli.signing import Hand, sign_folder, sign_one  # noqa: PLC0415

        hand = Hand(
            creation=creation,
            key=opened,
            tell=tell,
            signer=_signer(certificate, scheme or opened.scheme.name),
        )
        if batch:
            return sign_folder(hand, files, request, shape, out, replace=replace, as_json=as_json)
        asked = request(*files)
        place_ = out or beside(files[0], shape)
        check_output(place_, replace=replace)
        output.write(sign_one(hand, asked), place_)
    return None


_CERTIFY: dict[str, Literal[1, 2, 3]] = {"none": 1, "forms": 2, "annotations": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    """Where a signed file goes, and how it is told."""

    out: Path | None
    replace: bool
    as_json: bool

    def write(self, signed: Signed, place: Path) -> None:
        """Write it whole or not at all, and say so."""
        write_output(place, signed.data.portions(), replace=self.replace)
        if self.as_json:
            typer.echo(json.dumps({"file": str(place), "level": signed.level}))
        else:
            typer.echo(printable(f"{place}: {signed.level}, verified."))


def _signer(certificate: Path, scheme: str | None) -> Signer:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - keeps `--help` quick

    from trustworks.core.pki.certificates import load_pem_file  # noqa: PLC0415
    from trustworks.signing.model import Signer  # noqa: PLC0415
    from trustworks.signing.rules.certificates import usual_scheme  # noqa: PLC0415

    found = tuple(one.public_bytes(Encoding.DER) for one in load_pem_file(certificate))
    return Signer(certificates=found, scheme=scheme or usual_scheme(found[0]))


def _prepare(
    creation: Creation,
    request: Request,
    signer: Signer,
    places: tuple[Path, Path | None],
    *,
    as_json: bool,
) -> None:
    place, dtbs = places
    check_output(place)
    if dtbs is not None:
        check_output(dtbs)
    prepared = creation.prepare(request, signer)
    if dtbs is not None:
        write_output(dtbs, [prepared.dtbs.octets])
    write_output(place, [prepared.encode()])
    digest = prepared.dtbs.digest
    told: dict[str, Any] = {
        "prepared": str(place),
        "scheme": prepared.dtbs.scheme,
        "hash": prepared.dtbs.hash_name,
        "digest": None if digest is None else digest.hex(),
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    typer.echo(printable(f"{place} is prepared, and to be signed by {told['scheme']}."))
    if digest is not None:
        typer.echo(f"{told['hash']}: {told['digest']}")


def _complete(creation: Creation, state: Path, value: Path, documents: list[Any], output: _Output) -> None:
    from trustworks.signing.create import Prepared  # noqa: PLC0415 - keeps `--help` quick

    try:
        prepared = Prepared.decode(state.read_bytes())
        octets = value.read_bytes()
    except OSError as error:
        raise Malformed(f"{error.filename} cannot be read: {error.strerror}.") from error
    if output.out is None:
        raise Malformed("--complete needs --out FILE: where the signed file goes.")
    check_output(output.out, replace=output.replace)
    output.write(creation.complete(prepared, octets, documents), output.out)
