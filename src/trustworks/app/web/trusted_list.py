"""The page of the trusted lists in force, in the look of the other pages."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustworks.app.web.drawing import environment
from trustworks.core.pki.certificate import Certificate
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.issuance.http.trusted_list import SIGNER, file_of
from trustworks.issuance.trusted_list.contents import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.issuance.trusted_list.records import Issue


def drawer(
    *, organization: str, banners: Sequence[tuple[str, str]], version: str
) -> Callable[[Sequence[Issue]], str]:
    """What draws the page of some lists; it is public, and links no page of the inside."""
    template = environment("trustworks.app.web").get_template("trusted_list.html")

    def draw(issues: Sequence[Issue]) -> str:
        read = [read_trusted_list(one.octets) for one in issues]
        signers = dict.fromkeys(one.signer for one in issues)
        return template.render(
            lists=[
                {
                    "name": next((text.value for text in one.scheme.names), ""),
                    "path": f"{PREFIX}{file_of(issue)}",
                    "issue": issue,
                }
                for issue, one in zip(issues, read, strict=True)
            ],
            services=[
                {
                    "name": service.current.names[0].value,
                    "type": service.current.type.rpartition("/Svctype/")[2],
                    "status": service.current.status.rpartition("/")[2],
                    "since": service.current.since,
                }
                for one in read
                for provider in one.providers
                for service in provider.services
            ],
            signers=[
                (Certificate.read(one).subject.text, hashlib.sha256(one).hexdigest()) for one in signers
            ],
            signer_path=f"{PREFIX}{SIGNER}",
            organization=organization,
            banners=tuple(banners),
            version=version,
            inside=False,
        )

    return draw
