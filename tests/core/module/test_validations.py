"""What a module of PKCS#11 v3.2 claims of its certificates: a small library over SoftHSM2."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.module import KeyAlgorithm, Module, Validation
from trustworks.core.module.validations import is_offered

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Pkcs11Uri

SOURCE = Path(__file__).with_name("validating_module.c")


@pytest.fixture(scope="module")
def compiled(softhsm: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that compiles the library, with the variants that its head names."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NOT TESTED, no C compiler: apt install gcc")

    def build(*variants: str) -> Path:
        # A file of its own each time: a process has a library once, by its path.
        library = tmp_path_factory.mktemp("validating") / "libsofthsm-validating.so"
        defined = [f"-D{variant}" for variant in (*variants, f'BENEATH="{softhsm}"')]
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-w", "-o", str(library), *defined, str(SOURCE), "-ldl"],
            check=True,
            timeout=60,
        )
        return library

    return build


def test_claims_are_read_and_the_session_says_whether_a_signature_was_within_them(
    compiled: Callable[..., Path], token: Pkcs11Uri
) -> None:
    with Module.open(token, library=compiled(), read_write=True, lab=True) as module:
        before = module.info()
        assert before.interfaces == ("PKCS 11 3.2",)
        assert before.signs_validated is None  # without a probe key nothing is signed
        cc, cmvp = before.validations
        assert cmvp == Validation(
            kind="hardware",
            authority="NIST CMVP",
            version="3.0",
            level=3,
            module_id="TEST module 7",
            certificate="9999",
            certificate_uri="https://example.test/9999",
            country="US",
            profile="",
            flag=4,
        )
        assert (cc.identifier, cc.kind, cc.level, cc.version) == (
            "Common Criteria TEST-CC-7",
            "software",
            None,
            "",
        )
        module.ensure_probe_key()
        assert module.info().signs_validated == ("NIST CMVP 9999",)
        key = module.generate_key_pair(label="k", algorithm=KeyAlgorithm.P256)
        assert key.sign(b"what the library beneath does, it still does")


def test_a_library_that_refuses_the_class_or_has_no_such_object_claims_nothing(
    compiled: Callable[..., Path], make_token: Callable[..., Pkcs11Uri]
) -> None:
    for variant in ("REFUSE", "EMPTY"):
        with Module.open(make_token(), library=compiled(variant), read_write=True, lab=True) as module:
            module.ensure_probe_key()
            found = module.info()
            assert found.validations == ()
            assert found.signs_validated is None


def test_a_library_of_an_earlier_version_is_not_asked(module: Module) -> None:
    module.ensure_probe_key()
    found = module.info()
    assert found.validations == ()
    assert found.signs_validated is None
    assert not is_offered(found.cryptoki_version, found.interfaces)


@pytest.mark.parametrize(
    ("version", "interfaces", "offered"),
    [
        ("2.40", (), False),
        ("3.1", ("PKCS 11 3.1", "Vendor NSS FIPS Interface 9.9"), False),
        ("2.40", ("PKCS 11 2.40", "PKCS 11 3.2"), True),
        ("3.2", (), True),
        ("3.10", (), True),
    ],
)
def test_which_libraries_are_asked(version: str, interfaces: tuple[str, ...], offered: bool) -> None:
    assert is_offered(version, interfaces) is offered
