"""What was found out about one product in one process, so that nothing is asked twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trustworks.assurance.rulesets.domains import OF_PRODUCT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.assurance.engine.subject import Answer, Subject
    from trustworks.assurance.model import Used
    from trustworks.assurance.rulesets import Case, Table

# What an option's own parameters can change.
PARAMETRIC: Final = frozenset(
    {"profile", *(one for one in OF_PRODUCT if one.startswith(("document:", "demonstrated-")))}
)


@dataclass(slots=True)
class Found:
    """Answers by question, and with its table each case that they decided."""

    answers: dict[str, Answer] = field(default_factory=dict)
    cases: dict[str, tuple[Table, Case]] = field(default_factory=dict)

    def without_parameters(self) -> Found:
        """A copy without what depends on an option's own parameters."""
        return Found(
            {name: one for name, one in self.answers.items() if name not in PARAMETRIC},
            {name: one for name, one in self.cases.items() if PARAMETRIC.isdisjoint(one[0].asks)},
        )


class Known:
    """What is known about a product, and about each certificate of it; `questions` are asked when needed."""

    def __init__(self, questions: Mapping[str, Callable[[Subject], Answer]]) -> None:
        self.questions = questions
        self.of_product = Found()
        self.told: dict[int, Used] = {}  # by what it was made of (`id`), all of which the index holds
        self._of_certificates: dict[str, Found] = {}

    def of_certificate(self, certificate: str) -> Found:
        """What is known of one certificate, by its id."""
        found = self._of_certificates.get(certificate)
        if found is None:
            found = self._of_certificates[certificate] = Found()
        return found

    def without_parameters(self) -> Known:
        """A copy without what depends on an option's own parameters."""
        found = Known(self.questions)
        found.told = self.told
        found.of_product = self.of_product.without_parameters()
        found._of_certificates = {
            certificate: those.without_parameters() for certificate, those in self._of_certificates.items()
        }
        return found
