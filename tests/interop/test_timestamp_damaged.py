"""A token with one bit changed: what is taken for valid here, OpenSSL takes too."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from foreign_tokens import DATA, WHEN, ForeignAuthority

from trustworks.core.errors import TrustworksError
from trustworks.timestamping.verify import digests_of, verify

if TYPE_CHECKING:
    from pathlib import Path

# The numbers of damaged certificates are as they are.
pytestmark = [pytest.mark.interop, pytest.mark.filterwarnings("ignore::UserWarning")]


def is_valid_for_openssl(token: bytes, folder: Path) -> bool:
    files = ["-data", f"{folder}/data", "-CAfile", f"{folder}/ca.pem", "-in", "/dev/stdin"]
    command = ["openssl", "ts", "-verify", "-token_in", "-attime", str(int(WHEN.timestamp())), *files]
    return subprocess.run(command, input=token, capture_output=True, check=False).returncode == 0


@pytest.mark.req("RFC5652:5.1-DIGEST-ALGORITHMS", "RFC3161:2.2-SIGNATURE")
def test_no_changed_bit_makes_a_token_that_openssl_refuses_and_we_take(tmp_path: Path) -> None:
    tsa = ForeignAuthority()
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "ca.pem").write_bytes(tsa.anchor.public_bytes(Encoding.PEM))
    token = tsa.token(certificates=[tsa.certificate])
    assert is_valid_for_openssl(token, tmp_path)
    taken = []
    for place in range(len(token)):
        for bit in range(8):
            changed = bytearray(token)
            changed[place] ^= 1 << bit
            try:
                verify(bytes(changed), digests_of(DATA), anchors=[tsa.anchor])
            except TrustworksError:
                continue
            taken.append((place, bit, bytes(changed)))
    assert [(place, bit) for place, bit, one in taken if not is_valid_for_openssl(one, tmp_path)] == []
    assert len(taken) < 20  # the version of SignerInfo, which nothing depends on
