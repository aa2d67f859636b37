"""A provider outside of a laboratory: its programs are what was signed, or nothing with keys is started."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from installed_product import InstalledProduct
from laboratory import until

if TYPE_CHECKING:
    from pathlib import Path

    from laboratory import Lab

pytestmark = pytest.mark.e2e

KEPT = ("provider", "module", "tokens", "time", "audit", "timestamping", "http", "log")
PASSPHRASE = "of a test, and of no other key"
INTEGRITY = """
[integrity]
manifest = "../integrity.manifest"
key = "../integrity.pem"
"""


@pytest.fixture
def product(tmp_path: Path) -> InstalledProduct:
    return InstalledProduct(tmp_path / "product")


def as_provider(lab: Lab) -> None:
    """Make a laboratory that was set up one of a provider of time-stamps, whose tokens are approved."""
    parts = re.split(r"\n(?=\[)", lab.config.read_text(encoding="utf-8"))
    text = "\n".join(one for one in parts if re.match(r"\[+(" + "|".join(KEPT) + r")\b", one))
    text = re.sub(r"^(tls-|issuing|root).*\n", "", text, flags=re.MULTILINE)
    text = re.sub('^listen = ".*"$', f'listen = "127.0.0.1:{lab.port}"', text, flags=re.MULTILINE)
    text = text.replace('"http", "tls"', '"http"')  # on plain HTTP alone, which is one process less
    text = text.replace("[module]\n", '[module]\napproval = "state/module-approval.json"\n')
    lab.config.write_text(text, encoding="utf-8")
    for token in ("tsu", "services", "audit"):
        lab.run("module", "approve", "--token", token, "--operator", "test")
    for left in (lab.folder / "secrets").glob("*.so-pin"):
        left.unlink()  # while it lies there, a token signs nothing outside of laboratories
    lab.config.write_text(text.replace("lab = true", "lab = false") + INTEGRITY, encoding="utf-8")


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-START")
def test_one_changed_octet_keeps_a_provider_from_serving(
    copied: Lab, product: InstalledProduct, tmp_path: Path
) -> None:
    as_provider(copied)
    subprocess.run(
        [
            *("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-aes256", "-pass", f"pass:{PASSPHRASE}", "-out", tmp_path / "release.pem"),
        ],
        check=True,
        capture_output=True,
    )
    made = product.run(
        *("--config", copied.config, "integrity", "make", "--key", tmp_path / "release.pem"),
        *("--out", tmp_path / "integrity.manifest", "--public-key", tmp_path / "integrity.pem", "--json"),
        given=f"{PASSPHRASE}\n",
    )
    assert made.returncode == 0, made.stderr
    assert "changed by others" not in made.stderr

    started = serve(copied, product)
    try:
        # Its start compiles all that it imports, since it runs no compiled file but its own.
        told = until(lambda: health(copied, started), seconds=300, what="its health answer")
        assert told["resources"]["integrity"]["ok"], told
        assert told["manifest"] == json.loads(made.stdout)["sha256"]
    finally:
        started.terminate()
        assert started.wait(60) == 0, copied.output

    file = product.packages / "trustworks" / "core" / "module" / "pin.py"
    octets = bytearray(file.read_bytes())
    octets[5] ^= 1  # of its description: it runs as before
    file.write_bytes(octets)
    refused = serve(copied, product)
    assert refused.wait(300) == 1
    assert "Refused by TRUSTWORKS:ASSURANCE-INTEGRITY-START: The services do not start." in copied.output
    assert "trustworks/core/module/pin.py (changed)" in copied.output
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{copied.url}/healthz", timeout=5)


def serve(lab: Lab, product: InstalledProduct) -> subprocess.Popen[str]:
    with (lab.folder.parent / f"{lab.folder.name}.out").open("w", encoding="utf-8") as out:
        return subprocess.Popen(
            product.command("--config", lab.config, "serve"),
            env=product.environment,
            cwd=lab.folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )


def health(lab: Lab, started: subprocess.Popen[str]) -> dict[str, Any] | None:
    """What it says of itself, once it answers."""
    assert started.poll() is None, lab.output
    try:
        return lab.health()
    except httpx.HTTPError:
        return None
