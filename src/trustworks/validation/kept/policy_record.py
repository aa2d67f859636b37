"""A validation policy with all that it came to, its algorithms too, as data; and the policy out of that.

What a policy builds on may be another in a later version of the product: a verdict is judged again by what
held then.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from trustworks.core.errors import Malformed
from trustworks.validation.model import Level
from trustworks.validation.policies.constraints import TABLE, Context, Section
from trustworks.validation.policies.policy import Constraint, Model, Policy
from trustworks.validation.policies.suites import Size, Suite


class _Edge(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptConstraint(_Edge):
    """One constraint; `limit` in seconds."""

    context: Context
    section: Section
    name: str
    level: Level
    values: tuple[str, ...] = ()
    limit: Annotated[int, Field(ge=0, le=10**10)] | None = None


class KeptScheme(_Edge):
    """A signature scheme with a digest, or any: least sizes of keys, each with its end."""

    scheme: str
    digest: str | None
    sizes: tuple[tuple[int, AwareDatetime | None], ...]


class KeptPolicy(_Edge):
    """`policy.json` of a bundle."""

    name: str
    identifier: str
    description: str
    model: Model
    constraints: tuple[KeptConstraint, ...]
    findings: dict[str, Level]
    not_taken: tuple[str, ...]
    suite: str
    digests: dict[str, AwareDatetime | None]
    schemes: tuple[KeptScheme, ...]

    @classmethod
    def of(cls, policy: Policy) -> KeptPolicy:
        """A policy as data, in one order."""
        suite = policy.suite
        return cls(
            name=policy.name,
            identifier=policy.identifier,
            description=policy.description,
            model=policy.model,
            constraints=tuple(
                KeptConstraint(
                    context=context,
                    section=section,
                    name=name,
                    level=one.level,
                    values=one.values,
                    limit=None if one.limit is None else one.limit // timedelta(seconds=1),
                )
                for (context, section, name), one in sorted(policy.constraints.items())
            ),
            findings=dict(sorted(policy.findings.items())),
            not_taken=policy.not_taken,
            suite=suite.name,
            digests=dict(sorted(suite.digests.items())),
            schemes=tuple(
                KeptScheme(scheme=scheme, digest=digest, sizes=tuple((one.least, one.end) for one in sizes))
                for (scheme, digest), sizes in sorted(
                    suite.signatures.items(), key=lambda item: (item[0][0], item[0][1] or "")
                )
            ),
        )

    def policy(self) -> Policy:
        """The policy. Raises `Malformed` where it has a constraint that is not known here."""
        for one in self.constraints:
            if one.name not in TABLE.get(one.context, {}).get(one.section, {}):
                raise Malformed(
                    f"The policy that was kept has the constraint {one.name!r:.60} in {one.context}, which "
                    "is not known here; judge it by the version of the product that kept it."
                )
        return Policy(
            name=self.name,
            identifier=self.identifier,
            description=self.description,
            model=self.model,
            suite=Suite(
                name=self.suite,
                digests=MappingProxyType(dict(self.digests)),
                signatures=MappingProxyType(
                    {
                        (one.scheme, one.digest): tuple(Size(least, end) for least, end in one.sizes)
                        for one in self.schemes
                    }
                ),
            ),
            constraints=MappingProxyType(
                {
                    (one.context, one.section, one.name): Constraint(
                        one.level,
                        one.values,
                        None if one.limit is None else timedelta(seconds=one.limit),
                    )
                    for one in self.constraints
                }
            ),
            findings=MappingProxyType(dict(self.findings)),
            not_taken=self.not_taken,
        )
