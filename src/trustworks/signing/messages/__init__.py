"""What signers read, in one catalogue per language: sentences by key, and nowhere else.

A key is a dotted path into the file, such as ``finding.pdf.script``. A sentence names its values in braces.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LANGUAGES: Final = ("en",)
"""The catalogues that there are, by their tags (BCP 47)."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of one language. `language` is its tag, for the `lang` of a page.

    `version` tells its wording from every other one: the SHA-256 of the file, in hexadecimal.
    """

    language: str
    sentences: Mapping[str, str]
    version: str

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of a key with its values. Raises KeyError for a key or a value that is missing."""
        return self.sentences[key].format_map(values)


@cache
def catalogue(language: str = "en") -> Catalogue:
    """The catalogue of a language, read once. Raises KeyError where there is none."""
    if language not in LANGUAGES:
        raise KeyError(language)
    octets = resources.files(__package__).joinpath(f"{language}.toml").read_bytes()
    sentences = dict(_flat(tomllib.loads(octets.decode())))
    return Catalogue(language, sentences, hashlib.sha256(octets).hexdigest())


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield above + name, value
        else:
            yield from _flat(value, f"{above}{name}.")
