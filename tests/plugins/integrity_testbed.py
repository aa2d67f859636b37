"""A small installation, a key, and its signed manifest, for tests of integrity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from trustworks.assurance.integrity.making import make, verify
from trustworks.assurance.integrity.manifest import signed, verified
from trustworks.assurance.integrity.tree import Place
from trustworks.core.roles.jws import Signer

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.assurance.integrity.making import Outcome

FILES = {
    "lib/product/__init__.py": b"",
    "lib/product/rules.py": b"LIMIT = 1\n",
    "lib/product/native.so": b"\x7fELF and so on",
    "bin/product": b"#!/usr/bin/env python3\n",
}


class Installation:
    """An installation in a folder, with the key that signs it."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        for name, content in FILES.items():
            self.write(name, content)
        (self.tree / "bin/product").chmod(0o755)
        (self.tree / "bin/also").symlink_to("product")
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.key_file, self.public_file = folder / "key.pem", folder / "public.pem"
        self.key_file.write_bytes(
            self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.public_file.write_bytes(
            self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        self.signer = Signer(
            public_key=self.private.public_key(),
            sign=lambda data, _scheme: self.private.sign(data, ec.ECDSA(hashes.SHA256())),
            factors=frozenset(),
        )
        self.manifest_file = folder / "manifest"

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of the tree."""
        file = self.tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
        for folder in (file.parent, *file.parent.parents):
            if folder.is_relative_to(self.tree):
                folder.chmod(0o755)  # whatever umask the tests run under
        return file

    @property
    def place(self) -> Place:
        """The tree as the one root."""
        return Place(root="tree", folder=self.tree)

    def sign(self) -> bytes:
        """Sign the tree as it is now."""
        content = signed(make([self.place], version="1"), self.signer)
        self.manifest_file.write_bytes(content)
        return content

    def verify(self, tree: Path | None = None) -> Outcome:
        """Compare a tree with what was signed last."""
        manifest = verified(self.manifest_file.read_bytes(), self.private.public_key())
        return verify(manifest, [Place(root="tree", folder=tree or self.tree)])

    def differences(self, tree: Path | None = None) -> list[tuple[str, str]]:
        """Kind and name of what differs."""
        return [(one.difference.value, one.name) for one in self.verify(tree).deviations]
