"""General messages: certificates of authorities, the root's update, templates, revocation lists."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from issuance_testbed import PUBLIC_URL

from trustworks.core.der import cmp as der
from trustworks.core.der.cmp import Body, InfoTypeAndValue
from trustworks.core.der.crmf import elements, encoded, read_template
from trustworks.core.der.encode import SEQUENCE, context, generalized_time, tlv
from trustworks.core.der.x509 import read_name
from trustworks.issuance import records
from trustworks.issuance.status.crl import CrlPublisher

if TYPE_CHECKING:
    from cmp_client import Reply
    from cmp_testbed import Server


def ask(server: Server, kind: str, value: bytes = b"", *, subject: str = "CN=* TEST") -> Reply:
    client = server.client(**server.secret(subject))
    return client.send(Body.genm, der.write_infos([InfoTypeAndValue(type=kind, value=value)]))


def only(reply: Reply) -> InfoTypeAndValue:
    assert reply.body is Body.genp, reply.text
    (found,) = der.read_infos(reply.message.content)
    return found


def test_the_authorities_certificates(server: Server) -> None:
    found = only(ask(server, der.CA_CERTS))
    assert found.type == der.CA_CERTS
    assert [encoded(one) for one in elements(found.value)] == [
        server.provider.issuance.authority("issuing").certificate
    ]


def test_the_root_has_no_update(server: Server) -> None:
    root = server.provider.issuance.authority("root").certificate
    for value in (b"", root):
        assert only(ask(server, der.ROOT_CA_CERT, value)) == InfoTypeAndValue(type=der.ROOT_CA_KEY_UPDATE)
    assert ask(server, der.ROOT_CA_CERT, server.certificate).failure == "badRequest"


def test_what_a_request_is_to_have(server: Server) -> None:
    found = only(ask(server, der.CERT_REQ_TEMPLATE, subject="CN=* TEST, O=Muster TEST"))
    (written,) = elements(found.value)
    template = read_template(encoded(written))
    assert template.subject is not None
    assert template.public_key is None
    name = read_name(tlv(SEQUENCE, *(encoded(one) for one in template.subject)))
    assert [one.value for one in name] == ["", "Muster TEST"]
    wanted = {one.oid.dotted_string for one in template.extensions or ()}
    assert wanted == {"2.5.29.15", "2.5.29.37"}


def publish(server: Server) -> bytes:
    provider = server.provider
    publisher = CrlPublisher(
        provider.issuance.settings,
        public_url=PUBLIC_URL,
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        keys={"issuing": provider.keys.keys["issuing"]},
    )
    publisher.publish("issuing", actor="jobs")
    with provider.database.read() as connection:
        found = records.last_crl(connection, "issuing")
    assert found is not None
    return found.der


def test_a_revocation_list_that_is_newer(server: Server) -> None:
    current = publish(server)
    read = x509.load_der_x509_crl(current)
    issuer = context(1, context(4, read.issuer.public_bytes()))
    place = context(0, context(0, context(6, b"http://tsp.example.com/crl/issuing.crl", constructed=False)))
    since = read.last_update_utc
    for source in (issuer, place):
        for update, expected in (
            (b"", [current]),
            (generalized_time(since - timedelta(hours=1)), [current]),
            (generalized_time(since), []),
        ):
            asked = tlv(SEQUENCE, tlv(SEQUENCE, source, update))
            found = only(ask(server, der.CRL_STATUS_LIST, asked))
            assert found.type == der.CRLS
            lists = [encoded(one) for one in elements(found.value)] if found.value else []
            assert lists == expected


def test_a_revocation_list_of_nobody(server: Server) -> None:
    asked = tlv(SEQUENCE, tlv(SEQUENCE, context(1, context(4, tlv(SEQUENCE)))))
    assert ask(server, der.CRL_STATUS_LIST, asked).failure == "badRequest"
    assert ask(server, der.CRL_STATUS_LIST, b"\x05\x00").failure == "badDataFormat"


@pytest.mark.parametrize("kind", ["1.3.6.1.5.5.7.4.2", "1.2.3"])
def test_information_that_there_is_not(server: Server, kind: str) -> None:
    assert ask(server, kind).failure == "badRequest"


def test_a_question_without_a_question(server: Server) -> None:
    client = server.client(**server.secret())
    assert client.send(Body.genm, tlv(SEQUENCE)).failure == "badRequest"
