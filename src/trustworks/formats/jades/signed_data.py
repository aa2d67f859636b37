"""What a JWS signs: its payload, or detached data by one of the mechanisms of sigD (TS 119 182-1, 5.2.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import DigestOnly, Joined, Octets, comparable
from trustworks.formats.evidence import Finding, Reference, ReferenceKind, Scope, ScopeKind, Weight
from trustworks.formats.jades import http_message
from trustworks.formats.jades.base64url import Encoded, decode
from trustworks.formats.jades.values import digest_name, items, members, octets, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.jades.jws import Jws
    from trustworks.formats.limits import Limits

HTTP: Final = "http://uri.etsi.org/19182/HttpHeaders"
BY_URI: Final = "http://uri.etsi.org/19182/ObjectIdByURI"
BY_HASH: Final = "http://uri.etsi.org/19182/ObjectIdByURIHash"
_MECHANISMS: Final = (HTTP, BY_URI, BY_HASH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What stands for the payload.

    `payload` is what follows the point in the signing input; None where the data for it is not at hand.
    `stamped` is what adoTst and arcTst take for the data, None likewise: for digests the objects themselves.
    `covers` are ids of the data.
    """

    payload: Data | None
    stamped: Data | None
    references: tuple[Reference, ...]
    scopes: tuple[Scope, ...]
    covers: frozenset[str]
    findings: tuple[Finding, ...] = ()


def signed_data(jws: Jws, collector: Collector, detached: Sequence[Data], limits: Limits) -> Signed:
    """Brings together what the signature is over; what is wrong is in the references and findings."""
    if "sigD" not in jws.header:
        return _payload(jws, collector, detached)
    signed = _by_mechanism(jws, collector, detached, limits)
    if jws.payload is None:
        return signed
    findings = (*signed.findings, *payload_beside(jws))
    return replace(signed, payload=Octets(jws.payload), findings=findings)


@implements("TS119182-1:5.2.8-PAYLOAD")
def payload_beside(jws: Jws) -> tuple[Finding, ...]:
    """A payload where sigD says that the data is elsewhere: who is shown the one may think of the other."""
    if jws.payload is None or "sigD" not in jws.header:
        return ()
    finding = Finding(
        code="jades.payload-beside-sigd",
        text="The signature has sigD, which is for detached data, and a payload of its own too.",
        weight=Weight.SUSPICIOUS,
        requirement="TS119182-1:5.2.8-PAYLOAD",
    )
    return (finding,)


@implements("TS119182-1:5.2.8-SIGD")
def broken_mechanism(signed: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What sigD must say for its data to be found: the mechanism, names, for digests one for each name."""
    names = items(signed.get("pars"))
    mechanism = signed.get("mId")
    wrong = None
    if not names or not all(text(name) for name in names):
        wrong = "sigD does not name its data in pars."
    elif mechanism not in _MECHANISMS:
        wrong = "The mechanism of sigD is none that TS 119 182-1 defines."
    elif mechanism == BY_HASH and len(items(signed.get("hashV"))) != len(names):
        wrong = "sigD has not one digest for each data object that it names."
    if wrong is None:
        return ()
    finding = Finding(code="jades.sigd", text=wrong, weight=Weight.FATAL, requirement="TS119182-1:5.2.8-SIGD")
    return (finding,)


def _payload(jws: Jws, collector: Collector, detached: Sequence[Data]) -> Signed:
    """The payload inside, or the one data object that was given beside (RFC 7515, appendix F)."""
    findings: tuple[Finding, ...] = ()
    content: Data | None
    if jws.payload is not None:
        sent: Data = Octets(jws.payload)
        content = sent
        if jws.encoded:
            try:
                content = Octets(decode(jws.payload.decode(), "The payload"))
            except BeyondLimit:
                raise
            except Malformed as error:
                findings = (
                    Finding(
                        code="jades.payload-encoding",
                        text=f"{error} It is shown as it is.",
                        weight=Weight.FATAL,
                    ),
                )
        name, how = "payload", "The payload of the JWS"
    elif len(detached) == 1:
        content = detached[0]
        sent = Encoded(content) if jws.encoded else content
        name, how = content.name or "payload", "The detached payload"
    else:
        why = (
            "The payload is detached and was not given."
            if not detached
            else "The payload is detached, and which of the data given it is cannot be told."
        )
        return _nothing("payload", why)
    return _whole(sent, (content,), name, collector, how=how, findings=findings)


def _whole(
    sent: Data,
    contents: tuple[Data, ...],
    name: str,
    collector: Collector,
    *,
    how: str,
    findings: tuple[Finding, ...] = (),
) -> Signed:
    """Data that is in the signing input itself: nothing says its digest, the value alone protects it."""
    if any(isinstance(content, DigestOnly) for content in contents):
        return _nothing(
            name, "Of the data only a digest was given, and the signature is over the data itself.", findings
        )
    found = [(content, collector.data(content)) for content in contents]
    covers = frozenset(named for _, named in found)
    reference = Reference(
        kind=ReferenceKind.CONTENT,
        name=name,
        digest_algorithm=None,
        expected=None,
        actual=None,
        found=True,
        intact=True,
        covers=covers,
    )
    scopes = tuple(
        Scope(kind=ScopeKind.FULL, name=content.name or name, text=f"{how}.", data=content, id=named)
        for content, named in found
    )
    return Signed(
        payload=sent, stamped=sent, references=(reference,), scopes=scopes, covers=covers, findings=findings
    )


def _nothing(name: str, why: str, findings: tuple[Finding, ...] = ()) -> Signed:
    return Signed(
        payload=None,
        stamped=None,
        references=(_absent(name, why),),
        scopes=(),
        covers=frozenset(),
        findings=findings,
    )


def _absent(name: str | None, why: str) -> Reference:
    return Reference(
        kind=ReferenceKind.CONTENT,
        name=name,
        digest_algorithm=None,
        expected=None,
        actual=None,
        found=False,
        intact=False,
        why=why,
    )


def _by_mechanism(jws: Jws, collector: Collector, detached: Sequence[Data], limits: Limits) -> Signed:
    signed = members(jws.header["sigD"])
    findings = broken_mechanism(signed)
    pars = [name for name in items(signed.get("pars")) if text(name)]
    if len(pars) > limits.references:
        raise BeyondLimit(
            f"sigD names {len(pars)} data objects, more than the {limits.references} read.", "references"
        )
    mechanism = signed.get("mId")
    if not pars or mechanism not in _MECHANISMS:
        return _nothing("sigD", "What sigD says does not lead to any data.", findings)
    if mechanism == HTTP:
        found = _http([name.lower() for name in pars], collector, detached)
    elif mechanism == BY_URI:
        found = _by_name(jws, pars, collector, detached)
    else:
        found = _by_hash(jws, pars, collector, detached)
    return replace(found, findings=(*found.findings, *findings))


def _http(pars: list[str], collector: Collector, detached: Sequence[Data]) -> Signed:
    """Header fields of an HTTP message; the digest field protects its body (5.2.8.2)."""
    message = http_message.message(detached)
    absent = [name for name in pars if name not in message.fields]
    if absent:
        return _nothing(absent[0], f"The field {absent[0]:.60} of the HTTP message was not given.")
    for data in detached:
        if message.is_signed(data, pars):
            collector.signed_otherwise(data)
    lines = Octets(http_message.lines(pars, message), name="HTTP header fields")
    result = _whole(lines, (lines,), "HTTP header fields", collector, how="Fields of an HTTP message")
    if "digest" not in pars:
        return result
    reference = http_message.body_reference(message, collector)
    scopes = result.scopes
    if reference.intact and message.body is not None:
        scopes = (
            *scopes,
            Scope(
                kind=ScopeKind.FULL,
                name=message.body.name or "body",
                text="The body of the HTTP message.",
                data=message.body,
                id=collector.data(message.body),
            ),
        )
    return Signed(
        payload=result.payload,
        stamped=http_message.stamped(pars, message),
        references=(*result.references, reference),
        scopes=scopes,
        covers=result.covers | reference.covers,
    )


def _by_name(jws: Jws, pars: list[str], collector: Collector, detached: Sequence[Data]) -> Signed:
    """Objects that are put together, each encoded for itself, in place of the payload (5.2.8.3.2)."""
    found = [_named(name, detached, alone=len(pars) == 1) for name in pars]
    for name, content in zip(pars, found, strict=True):
        if content is None:
            return _nothing(name, f"The data object {name:.100} was not given.")
    contents = tuple(content for content in found if content is not None)
    sent = Joined(tuple(_octets(jws, content) for content in contents))
    return _whole(
        sent,
        contents,
        "sigD",
        collector,
        how="A data object that sigD names",
        findings=boundaries_open(len(contents)),
    )


def boundaries_open(objects: int) -> tuple[Finding, ...]:
    """Objects that are put together without anything between them, and without their lengths.

    Octets may be moved from one to the next: freely where they are not encoded or their lengths divide by
    three, else where the base64url happens to allow it.
    """
    if objects < 2:
        return ()
    finding = Finding(
        code="jades.boundaries",
        text="The signature is over several data objects put together: where one ends and the next begins is "
        "not signed.",
        weight=Weight.SUSPICIOUS,
    )
    return (finding,)


def _by_hash(jws: Jws, pars: list[str], collector: Collector, detached: Sequence[Data]) -> Signed:
    """Objects whose digests sigD holds; the payload is empty (5.2.8.3.3)."""
    signed = members(jws.header["sigD"])
    hash_name = digest_name(signed.get("hashM"))
    values = [*items(signed.get("hashV"))]
    values += [None] * (len(pars) - len(values))
    references, scopes, contents = [], [], []
    for name, value in zip(pars, values, strict=False):
        expected = octets(value, "A digest in sigD")
        content, actual, why = _match(jws, name, hash_name, expected, detached, alone=len(pars) == 1)
        intact = actual is not None and actual == expected
        covers: frozenset[str] = frozenset()
        if content is not None:
            contents.append(content)
        if intact and content is not None:
            named, kind = _identified(content, collector)
            covers = frozenset({named})
            scopes.append(
                Scope(
                    kind=kind,
                    name=content.name or name,
                    text="A data object whose digest sigD holds.",
                    data=content,
                    id=named,
                )
            )
        references.append(
            Reference(
                kind=ReferenceKind.CONTENT,
                name=name,
                digest_algorithm=hash_name,
                expected=expected,
                actual=actual,
                found=content is not None,
                intact=intact,
                covers=covers,
                why=why,
            )
        )
    whole = len(contents) == len(pars)
    header = Reference(
        kind=ReferenceKind.SIGNED_PROPERTIES,
        name="protected header",
        digest_algorithm=None,
        expected=None,
        actual=None,
        found=True,
        intact=True,
    )
    return Signed(
        payload=Octets(b""),
        stamped=Joined(tuple(_octets(jws, content) for content in contents)) if whole else None,
        references=(header, *references),
        scopes=tuple(scopes),
        covers=frozenset().union(*(reference.covers for reference in references)),
    )


def _octets(jws: Jws, content: Data) -> Data:
    """An object as it counts: encoded, unless b64 is false (5.2.8.3)."""
    return Encoded(content, name=content.name) if jws.encoded else content


def _match(
    jws: Jws,
    name: str,
    hash_name: str | None,
    expected: bytes | None,
    detached: Sequence[Data],
    *,
    alone: bool,
) -> tuple[Data | None, bytes | None, str | None]:
    """The object for one entry, its digest, and why that is not what it should be.

    Who names an object by a URI seldom gives its file the same name: the object with the digest is taken,
    before that with the name.
    """
    # A digest by another function is of no use, unless to say that there is none by this.
    detached = comparable(detached, hash_name) or detached
    why = None
    for content in detached:
        actual, why = _digest(jws, content, hash_name)
        if actual is None and why is not None:
            break
        if actual == expected:
            return content, actual, None
    content_named = _named(name, detached, alone=alone)
    if content_named is None:
        return None, None, f"The data object {name:.100} was not given."
    actual, why = _digest(jws, content_named, hash_name)
    return content_named, actual, why or "The data object is not the one that was signed."


def _digest(jws: Jws, content: Data, hash_name: str | None) -> tuple[bytes | None, str | None]:
    try:
        # A digest that was given in place of the data is of what sigD digests.
        return (content if isinstance(content, DigestOnly) else _octets(jws, content)).digest(
            hash_name or ""
        ), None
    except Rejected as error:
        return None, str(error)


def _identified(content: Data, collector: Collector) -> tuple[str, ScopeKind]:
    if isinstance(content, DigestOnly):
        return collector.data(content), ScopeKind.DIGEST
    return collector.data(content), ScopeKind.FULL


def _named(name: str, detached: Sequence[Data], *, alone: bool) -> Data | None:
    """The object with a name, as it is or with its percent-encoding undone, then that with its last part."""
    if alone and len(detached) == 1:
        return detached[0]
    plain = unquote(name)
    for wanted in (name, plain, plain.rsplit("/", 1)[-1]):
        for content in detached:
            if content.name == wanted:
                return content
    return None
