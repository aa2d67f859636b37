"""Whatever octets come in: evidence, or Malformed with a sentence, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jades_vectors import PAYLOAD, Signer, b64, component, standard

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets
from trustworks.formats.limits import Limits
from trustworks.formats.read import read

LIMITS = Limits(depth=40, elements=5_000, attributes=50, signatures=10, time_stamps=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@cache
def whole() -> dict[str, Any]:
    """A signature with every header and component there is, in clear."""
    ours = Signer()
    sign = {"mId": "http://uri.etsi.org/19182/ObjectIdByURIHash", "pars": ["x"], "hashM": "S256"}
    header = ours.header(
        sigD=sign | {"hashV": ["AAAA"]},
        sigPId={
            "id": {"id": "urn:oid:1.2"},
            "digAlg": "S256",
            "digVal": "AAAA",
            "sigPQuals": [{"spURI": "u"}],
        },
        srCms=[{"commId": {"id": "urn:x"}}],
        srAts={"claimed": [{"qVals": ["x"]}], "certified": [{}]},
        sigPl={"addressCountry": "LU"},
        sigX5ts=[{"digAlg": "S256", "digVal": "AAAA", "kid": standard(b"\x30\x00")}],
        kid=standard(b"\x30\x04\x30\x02\xa4\x00"),
        adoTst=ours.token(b64(PAYLOAD).encode()),
        crit=["sigD"],
    )
    flattened = ours.flattened(header)
    value = flattened["signature"].encode()
    etsi_u = [
        {"sigTst": ours.token(value)},
        {"xVals": [{"x509Cert": {"val": standard(ours.certificate)}}]},
        {"rVals": {"crlVals": [{"val": "MAA="}], "ocspVals": [{"val": "MAA="}]}},
        {"xRefs": [{"digAlg": "S256", "digVal": "AAAA"}]},
        {"rRefs": {"crlRefs": [{"digAlg": "S256", "digVal": "AAAA"}], "ocspRefs": [{"digAlg": "S1"}]}},
        {"sigRTst": ours.token(value)},
        {"rfsTst": ours.token(value)},
        {"cSig": ours.flattened(payload=b"value")},
        {"sigPSt": {"sigPolDoc": "AAAA"}},
        {"tstVD": {"xVals": [], "rVals": {}}},
        {"arcTst": ours.token(value) | {"canonAlg": "http://json-canonicalization.org/algorithm"}},
    ]
    return flattened | {"protected": header, "header": {"etsiU": etsi_u}}


def written(value: dict[str, Any], *, clear: bool) -> bytes:
    """The signature as a file; lone surrogates and infinities as Python writes them."""
    protected = value.get("protected")
    unprotected = value.get("header")
    if isinstance(protected, dict | list):
        value = value | {"protected": b64(json.dumps(protected).encode())}
    if not clear and isinstance(unprotected, dict) and isinstance(unprotected.get("etsiU"), list):
        value = value | {"header": {"etsiU": [component(item) for item in unprotected["etsiU"]]}}
    return json.dumps(value).encode()


def outcome(octets: bytes) -> None:
    try:
        found = read(Octets(octets), detached=[Octets(b"one", name="x")], limits=LIMITS)
    except Malformed as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is right
        return
    for signature in found.signatures:
        assert len(signature.signed.digest("sha256")) == 32


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, item in inner for place in places(item, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@settings(max_examples=70)
@given(st.data())
def test_any_value_in_place_of_another(data: st.DataObject) -> None:
    value = whole()
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(value)[1:]))
        value = replaced(value, path, data.draw(VALUES))
    outcome(written(value, clear=data.draw(st.booleans())))


@settings(max_examples=80)
@given(st.data())
def test_any_octets_in_place_of_others(data: st.DataObject) -> None:
    octets = bytearray(written(whole(), clear=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(octets) - 1))
        end = begin + data.draw(st.integers(0, 40))
        octets[begin:end] = data.draw(st.binary(max_size=8))
    outcome(bytes(octets))


@settings(max_examples=60)
@given(st.binary(max_size=60))
def test_any_compact_serialization(octets: bytes) -> None:
    outcome(b"eyJhbGciOiJFUzI1NiJ9." + octets)
    outcome(b64(b"{" + octets).encode() + b".e30.AAAA")
