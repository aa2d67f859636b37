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
from trustworks.validation.policies.constraints import HAVE_PATHS, TABLE, Context, Section
from trustworks.validation.policies.path_inputs import PathInputs
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


class KeptPathInputs(_Edge):
    """What paths of a context begin with."""

    context: Context
    user_initial_policy_set: tuple[str, ...] | None
    initial_explicit_policy: bool
    initial_policy_mapping_inhibit: bool
    initial_any_policy_inhibit: bool
    initial_permitted_subtrees: tuple[str, ...]
    initial_excluded_subtrees: tuple[str, ...]


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
    path_inputs: tuple[KeptPathInputs, ...] = ()  # bundles of versions before have none
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
            path_inputs=tuple(
                KeptPathInputs(
                    context=context,
                    user_initial_policy_set=one.user_initial_policy_set,
                    initial_explicit_policy=one.initial_explicit_policy,
                    initial_policy_mapping_inhibit=one.initial_policy_mapping_inhibit,
                    initial_any_policy_inhibit=one.initial_any_policy_inhibit,
                    initial_permitted_subtrees=one.initial_permitted_subtrees,
                    initial_excluded_subtrees=one.initial_excluded_subtrees,
                )
                for context, one in sorted(policy.path_inputs.items())
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
        """The policy. Raises `Malformed` where it has what is not known here."""
        for one in self.constraints:
            if one.name not in TABLE.get(one.context, {}).get(one.section, {}):
                raise Malformed(
                    f"The policy that was kept has the constraint {one.name!r:.60} in {one.context}, which "
                    "is not known here; judge it by the version of the product that kept it."
                )
        for path in self.path_inputs:
            if path.context not in HAVE_PATHS:
                raise Malformed(f"The policy that was kept has settings of paths in {path.context}.")
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
            path_inputs=MappingProxyType(
                {one.context: PathInputs(**one.model_dump(exclude={"context"})) for one in self.path_inputs}
            ),
            findings=MappingProxyType(dict(self.findings)),
            not_taken=self.not_taken,
        )
