"""`trustworks sign`: signs documents with a key of the module, or in three steps with a key elsewhere."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trustworks.core.errors import Malformed
from trustworks.core.options import AsJson, is_given
from trustworks.signing.cli.options import (  # noqa: TC001 - as above
    CACHE,
    DESCRIPTION,
    EARLIER,
    LOCK,
    LOCK_ALL,
    LOCK_EXCEPT,
    NETWORK,
    OFFLINE,
    PASSWORD,
    SIGN_KEY_INFO,
    TRUST,
    TSA,
    UNTRUSTED,
    VISIBLE_ALTERNATIVE,
    VISIBLE_AT,
    VISIBLE_CORNER,
    VISIBLE_IMAGE,
    VISIBLE_PAGE,
    VISIBLE_TEXT,
)
from trustworks.signing.cli.steps import Output, check_options, complete_to, prepare_to, prepared_in
from trustworks.signing.cli.wiring import Sources
from trustworks.signing.model import CERTIFY, Container, Format, Level, Packaging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.signing.cli.wiring import SigningWiring
    from trustworks.signing.model import Document, Request, Signer

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
    sign_key_info: SIGN_KEY_INFO = False,
    description: DESCRIPTION = None,
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
    lock: LOCK = None,
    lock_except: LOCK_EXCEPT = None,
    lock_all: LOCK_ALL = False,
    visible_text: VISIBLE_TEXT = None,
    visible_image: VISIBLE_IMAGE = None,
    visible_at: VISIBLE_AT = None,
    visible_page: VISIBLE_PAGE = None,
    visible_corner: VISIBLE_CORNER = None,
    visible_alternative: VISIBLE_ALTERNATIVE = None,
    password_file: PASSWORD = None,
    qualified: Annotated[
        bool,
        typer.Option("--qualified", help="Refuse a certificate that does not state that it is qualified."),
    ] = False,
    device: Annotated[
        bool,
        typer.Option(
            "--device",
            help="Refuse a certificate that does not state that its key is in a qualified device.",
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
        onto_of,
        policy_of,
    )
    from trustworks.signing.cli.naming import beside, not_held  # noqa: PLC0415 - as above
    from trustworks.signing.cli.pdf import password_in, visible_of  # noqa: PLC0415 - as above
    from trustworks.signing.model import (  # noqa: PLC0415 - as above
        CLI,
        CadesChoices,
        JadesChoices,
        PadesChoices,
        Request,
        XadesChoices,
        check_opens,
        lock_of,
    )

    check_options(context)
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
        device=device,
    )
    onto = onto_of(counter_sign, parallel=parallel)
    shape = Shape(format=form, container=container, packaging=packaging, onto=onto)
    claims = claims_of(
        policy=policy_of(policy, policy_file, policy_uri),
        place=place or (),
        roles=role or (),
        commitments=commitment or (),
    )

    visible = visible_of(
        text=visible_text,
        image=visible_image,
        at=visible_at,
        page=visible_page,
        corner=visible_corner,
        alternative=visible_alternative,
        field=pdf_field,
    )
    locked = lock_of(lock or (), lock_except or (), everything=lock_all, names=CLI)
    password = None if password_file is None else password_in(password_file)

    def given(format_: Format, documents: Sequence[Path]) -> tuple[Document, ...]:
        """The documents; in a folder a password is for those that are PDF."""
        if password is not None and not batch:
            check_opens(format_, CLI)
        opens = password if format_ is Format.PADES else None
        return tuple(document_of(one, password=opens) for one in documents)

    def request(*documents: Path) -> Request:
        format_ = form or format_of(documents[0])
        return Request(
            format=format_,
            documents=given(format_, documents),
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
                sign_key_info=sign_key_info,
            ),
            cades=CadesChoices(description=description),
            jades=JadesChoices(serialization=serialization, mechanism=mechanism, encoded=not in_clear),
            pades=PadesChoices(
                field=pdf_field,
                name=name,
                reason=reason,
                contact=contact,
                widget=visible,
                lock=locked,
                certify=None if certify is None else CERTIFY[certify],
            ),
        )

    creation = wiring.creation(sources)
    read = (certificate, policy_file, visible_image, password_file, complete, value)
    output = Output(
        out=out, replace=replace, as_json=as_json, read=(*read, *sources.trust, *sources.untrusted)
    )
    if complete is not None:
        prepared = prepared_in(complete, level if is_given(context, "level") else None, form)
        how = prepared.how
        output = output.sparing(not_held(files, how.onto, how.packaging, how.container))
        return complete_to(creation, prepared, value, given(how.format, files), output)
    if certificate is None:
        raise Malformed("Give --certificate FILE: the certificate of the key (PEM).")
    if prepare is not None:
        signer = _signer(certificate, scheme)
        return prepare_to(creation, request(*files), signer, (prepare, dtbs), as_json=as_json)
    if key is None:
        raise Malformed("Give --key, or sign in three steps: --prepare, a key elsewhere, --complete.")
    with wiring.open_signing_key(key) as (opened, tell):
        from trustworks.signing.cli.folder import sign_folder  # noqa: PLC0415 - as above
        from trustworks.signing.cli.signing import Hand, sign_one  # noqa: PLC0415 - as above

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
        output.sparing(not_held(files, onto, asked.packed_as, container)).check(place_)
        output.write(sign_one(hand, asked), place_)
    return None


def _signer(certificate: Path, scheme: str | None) -> Signer:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - keeps `--help` quick

    from trustworks.core.pki.certificates import load_pem_file  # noqa: PLC0415
    from trustworks.signing.model import Signer  # noqa: PLC0415
    from trustworks.signing.rules.certificates import usual_scheme  # noqa: PLC0415

    found = tuple(one.public_bytes(Encoding.DER) for one in load_pem_file(certificate))
    return Signer(certificates=found, scheme=scheme or usual_scheme(found[0]))
