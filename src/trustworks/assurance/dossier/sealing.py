"""The seals of a dossier: PAdES on the paper, CAdES beside the manifest, XAdES in a container; all B-LTA.

Who seals gives the key's `sign`, and what time-stamps and finds evidence; nothing is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trustworks.assurance.dossier import manifest
from trustworks.formats.data import Octets
from trustworks.signing.model import Container, Document, Format, Level, Packaging, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.assurance.dossier.model import File
    from trustworks.signing.create.process import Creation
    from trustworks.signing.model import Signer

LEVEL: Final = Level.LTA
_TYPES: Final = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "p7s": "application/pkcs7-signature",
    "pdf": "application/pdf",
    "pem": "application/x-pem-file",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xml": "application/xml",
}
_OCTETS: Final = "application/octet-stream"
# What others made is kept as it was given: its name promises nothing, and the seal says no more than that.
_OF_OTHERS: Final = ("annex-iii/13/", "evidence/", "installation/")
_OURS: Final = frozenset({"evidence/index.json", "evidence/live.json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals with one key. `name` is what the provider calls the seal; `sign` answers the key's value.

    Every method raises as `signing.create.process.Creation.sign`: nothing unsealed is given out.
    """

    name: str
    creation: Creation
    signer: Signer
    sign: Callable[[bytes], bytes]

    def paper(self, pdf: bytes) -> bytes:
        """The PDF with a seal that is not visible."""
        return self._signed(Format.PADES, [Document(data=Octets(pdf, "dossier.pdf"))])

    def beside(self, listed: bytes) -> bytes:
        """The detached seal over the manifest (CMS in DER)."""
        document = Document(data=Octets(listed, manifest.NAME), media_type="application/json")
        return self._signed(Format.CADES, [document], packaging=Packaging.DETACHED)

    def container(self, files: Sequence[File]) -> bytes:
        """An ASiC-E of all files, whose signature is over each of them."""
        documents = [
            Document(data=Octets(one.content, one.name), media_type=media_type_of(one.name)) for one in files
        ]
        return self._signed(Format.XADES, documents, container=Container.ASIC_E)

    def _signed(
        self,
        format_: Format,
        documents: Sequence[Document],
        *,
        packaging: Packaging | None = None,
        container: Container | None = None,
    ) -> bytes:
        request = Request(
            format=format_,
            documents=tuple(documents),
            level=LEVEL,
            packaging=packaging,
            container=container,
        )
        return self.creation.sign(request, self.signer, self.sign).data.octets()


def media_type_of(name: str) -> str:
    """The media type of a file of a dossier by its place, the same on every machine.

    A file of which others say by its name what it is, such as a text called ``certificate.pdf``, is octets.
    """
    if name.startswith(_OF_OTHERS) and name not in _OURS:
        return _OCTETS
    return _TYPES.get(name.rpartition(".")[2].lower(), _OCTETS)
