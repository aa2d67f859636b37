"""Whether a module is a laboratory's, and whether a laboratory works on its own tokens.

SoftHSM2's configuration names their folder from the root on. So a laboratory's folder that was copied would
work on the tokens of the one that it was copied from, and destroy keys there; one that was moved has none.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from trustworks.core.errors import Malformed, TrustworksError
from trustworks.core.module.softhsm import token_folder
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.configuration.settings import ProviderSettings, TokensSettings
    from trustworks.core.module.config import ModuleSettings

TOKENS = "tokens"  # the folder of tokens in a laboratory's own


SOFTWARE = ("softhsm", "softokn", "kryoptic")  # in the names of libraries that protect keys against nobody


def is_software(provider: ProviderSettings, module: ModuleSettings) -> bool:
    """Whether the configured module is software; of a library that is not there the laboratory decides."""
    from trustworks.core.module import find_library  # noqa: PLC0415 - loads the binding

    try:
        library = find_library(module.library)
    except TrustworksError:
        return provider.lab
    return any(word in str(library.resolve()).lower() for word in SOFTWARE)


def names_own_tokens(softhsm2_conf: Path) -> bool:
    """Whether a laboratory's softhsm2.conf names the folder of tokens beside it, by whatever way to it."""
    named = token_folder(softhsm2_conf)
    return named is not None and named.resolve() == softhsm2_conf.with_name(TOKENS).resolve()


@implements("TRUSTWORKS:MODULE-APPROVAL-DEMANDED")
def check_approval(
    provider: ProviderSettings, module: ModuleSettings, tokens: TokensSettings, *, named: str
) -> None:
    """Refuse tokens outside of a laboratory without an approval that they are compared with.

    Raises `Malformed`.
    """
    named_tokens = any(value for value in tokens.model_dump().values())
    if named_tokens and not provider.lab and module.approval is None:
        raise Malformed(
            f"{named} has 1 problem(s):\n  module.approval: this key is missing. Outside of laboratories "
            "each token is compared with what an operator approved: write the line "
            'approval = "state/module-approval.json", and run `trustworks module approve`.'
        )


def check_tokens(provider: ProviderSettings, module: ModuleSettings, base: Path) -> None:
    """Refuse a laboratory in the folder `base` whose softhsm2.conf names other tokens than its own.

    A softhsm2.conf elsewhere, and that of a provider who is no laboratory, is the operator's. Raises
    `Malformed`.
    """
    conf = module.softhsm2_conf
    if not provider.lab or conf is None or conf.parent.resolve() != base.resolve() or not conf.exists():
        return
    if conf.is_dir():
        raise Malformed(
            f"{conf} is a folder, not SoftHSM2's configuration. Move it away; then `trustworks lab --dir "
            f"{quote(str(base))} --setup-only` writes the file anew."
        )
    if not names_own_tokens(conf):
        tokens = conf.with_name(TOKENS)
        raise Malformed(
            f"{conf} does not name {tokens} in directories.tokendir: was the laboratory's folder copied or "
            f"moved? Other keys than its own would be used. Run `trustworks lab --dir {quote(str(base))} "
            "--setup-only`, which corrects the line."
        )
