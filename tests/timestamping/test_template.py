"""The template writes what the full encoder writes, octet for octet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustworks.core.der.algorithms import HASHES, SIGNATURES, algorithm_identifier
from trustworks.core.der.encode import NULL, tlv
from trustworks.timestamping import readback, template, wire
from trustworks.timestamping.model import Content, Signer

if TYPE_CHECKING:
    from pathlib import Path

    from timestamping_testbed import Pki

ARC = st.integers(0, (1 << 64) - 1)
OIDS = st.builds(
    lambda first, rest: ".".join(map(str, (first, *rest))),
    st.just(2),
    st.lists(ARC, min_size=1, max_size=8),
)
IMPRINTS = st.sampled_from(sorted(HASHES)).flatmap(
    lambda name: st.tuples(
        st.sampled_from([algorithm_identifier(HASHES[name].oid, p) for p in (b"", tlv(NULL))]),
        st.binary(min_size=HASHES[name].size, max_size=HASHES[name].size),
    )
)
CONTENTS = st.builds(
    lambda imprint, **given: Content(hash_algorithm=imprint[0], digest=imprint[1], **given),
    imprint=IMPRINTS,
    policy=OIDS,
    serial=st.integers(1, (1 << 160) - 1),
    gen_time=st.datetimes(
        min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(9999, 12, 31),  # noqa: DTZ001 - as above
        timezones=st.just(UTC),
    ),
    accuracy_us=st.integers(1, 1_000_000),
    nonce=st.none() | st.integers(-(1 << 80), 1 << 80),
    qualified=st.booleans(),
)


@pytest.mark.req("RFC3161:2.4.2-GENTIME")
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=CONTENTS,
    scheme=st.sampled_from(sorted(SIGNATURES)),
    chain=st.booleans(),
    certificates=st.booleans(),
    signature=st.binary(max_size=600),
)
def test_template_and_full_encoder_agree(
    pki: Pki,
    certificate: Path,
    *,
    content: Content,
    scheme: str,
    chain: bool,
    certificates: bool,
    signature: bytes,
) -> None:
    unit = x509.load_pem_x509_certificate(certificate.read_bytes())
    signer = Signer(
        certificate=unit.public_bytes(Encoding.DER),
        issuer=unit.issuer.public_bytes(),
        serial=unit.serial_number,
        chain=(pki.issuing.public_bytes(Encoding.DER),) if chain else (),
        scheme=scheme,
    )
    parts = template.Template(signer, accuracy_us=content.accuracy_us, qualified=content.qualified)
    tst_info = parts.tst_info(content)
    assert tst_info == wire.encode_tst_info(content)
    attributes = parts.attributes(tst_info)
    assert attributes == wire.encode_attributes(tst_info, signer)
    token = parts.token(tst_info, attributes, signature, certificates=certificates)
    assert token == wire.encode_token(tst_info, attributes, signature, signer, certificates=certificates)
    assert template.response(token) == wire.encode_granted(token)
    view = wire.read_token(token)
    assert view.tst_info_der == tst_info
    assert view.signer.signature == signature
    assert readback.read_own(token).content == tst_info
