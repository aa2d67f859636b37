"""The template of the hot path writes what the full encoder writes, to the octet."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.der import encode
from trustworks.core.der.ocsp import (
    EXTENDED_REVOKE_EXTENSION,
    ResponseData,
    SingleResponse,
    Status,
    archive_cutoff_extension,
    encode_response,
    encode_response_data,
    encode_status,
    nonce_extension,
)
from trustworks.issuance.status.template import AnswerTemplate, Piece, single_extensions

STATUSES: tuple[Status, ...] = ("good", "revoked", "unknown")
moments = st.datetimes(datetime(1971, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def singles(draw: st.DrawFn, known: datetime, until: datetime) -> SingleResponse:
    status = draw(st.sampled_from(STATUSES))
    digest = draw(st.binary(min_size=20, max_size=64))
    cert_id = encode.tlv(
        encode.SEQUENCE,
        encode.tlv(encode.SEQUENCE, encode.oid("2.16.840.1.101.3.4.2.1")),
        encode.tlv(encode.OCTET_STRING, digest),
        encode.tlv(encode.OCTET_STRING, digest),
        encode.integer(draw(st.integers(0, 2**160))),
    )
    return SingleResponse(
        cert_id=cert_id,
        status=status,
        this_update=known,
        next_update=until,
        revoked_at=draw(moments) if status == "revoked" else None,
        reason=draw(st.sampled_from((None, 1, 10))) if status == "revoked" else None,
        extensions=tuple(draw(st.lists(moments.map(archive_cutoff_extension), max_size=3))),
    )


@given(
    data=st.data(),
    produced_at=moments,
    next_update=moments,
    key_hash=st.binary(min_size=20, max_size=20),
    signature=st.binary(min_size=8, max_size=520),
    certificate=st.binary(min_size=1, max_size=1500),
)
def test_the_template_is_the_full_encoder(
    *,
    data: st.DataObject,
    produced_at: datetime,
    next_update: datetime,
    key_hash: bytes,
    signature: bytes,
    certificate: bytes,
) -> None:
    responses = tuple(data.draw(st.lists(singles(produced_at, next_update), min_size=1, max_size=5)))
    nonce = nonce_extension(data.draw(st.binary(min_size=1, max_size=128)))
    extensions = data.draw(st.sampled_from(((), (nonce,), (nonce, EXTENDED_REVOKE_EXTENSION))))
    algorithm = encode.tlv(encode.SEQUENCE, encode.oid("1.2.840.10045.4.3.2"))
    full = encode_response_data(
        ResponseData(
            responder_key_hash=key_hash, produced_at=produced_at, responses=responses, extensions=extensions
        )
    )
    template = AnswerTemplate(key_hash=key_hash, algorithm=algorithm, certificate=certificate)
    pieces = [
        Piece(
            one.cert_id,
            encode_status(one.status, one.revoked_at, one.reason),
            single_extensions(*one.extensions),
        )
        for one in responses
    ]
    tbs = template.tbs(pieces, produced_at=produced_at, next_update=next_update, extensions=extensions)
    assert tbs == full
    assert template.response(tbs, signature) == encode_response(full, algorithm, signature, [certificate])
