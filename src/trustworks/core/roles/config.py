"""The table ``[roles]`` of ``trustworks.toml``."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from trustworks.core.errors import Refused
from trustworks.core.roles.model import MAX_KIND, QuorumPolicy, Role
from trustworks.core.roles.rules.quorum import check_dual_control, check_officer_among, policy_for
from trustworks.core.settings import Table

RoleName = Literal[
    "security-officer",
    "registration-officer",
    "revocation-officer",
    "system-administrator",
    "operator",
    "auditor",
]


class QuorumSettings(Table):
    """[[roles.quorum]]: how many approvals one kind of act needs, and of whom."""

    kind: str = Field(
        pattern=r"^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$",
        max_length=MAX_KIND,
        description="The kind of act, such as ceremony.root; ceremony stands for all kinds that begin so.",
    )
    approvals: int = Field(ge=1, le=20, description="How many operators must approve.")
    roles: tuple[RoleName, ...] = Field(
        default=(), description="The roles that may approve; empty: every role but the auditor."
    )
    among: tuple[RoleName, ...] = Field(
        default=(), description="Roles of which one holder each must be among those who approve."
    )
    distinct_roles: bool = Field(
        default=False, description="Whether those who approve must do so in different roles."
    )

    @model_validator(mode="after")
    def _is_dual_control(self) -> QuorumSettings:
        policy = self.policy(None)
        try:
            check_dual_control(policy)
            check_officer_among(policy)
        except Refused as error:
            raise ValueError(f"{error} ({error.requirement})") from None
        if len(policy.among) > self.approvals or (self.roles and not policy.among <= policy.roles):
            raise ValueError("among names more roles than there are approvals, or one that may not approve")
        return self

    def policy(self, lasts: timedelta | None) -> QuorumPolicy:
        """As the rules take it."""
        return QuorumPolicy(
            kind=self.kind,
            approvals=self.approvals,
            roles=frozenset(map(Role, self.roles)),
            among=frozenset(map(Role, self.among)),
            distinct_roles=self.distinct_roles,
            lasts=lasts,
        )


def _is_secure_origin(value: str) -> bool:
    """Whether a browser makes passkeys there: HTTPS, or this machine itself; a host name, and no more."""
    try:
        found = urlsplit(value)
        host, port = found.hostname or "", found.port
    except ValueError:
        return False
    again = f"{found.scheme}://{host}{'' if port is None else f':{port}'}"
    if value != again or not host or host.replace(".", "").isdigit() or ":" in host or port == 0:
        return False
    return found.scheme == "https" or (found.scheme == "http" and host == "localhost")


class RolesSettings(Table):
    """[roles]: trusted roles, how operators are known, and how many must approve what."""

    required: bool = Field(
        default=False,
        description="Whether in a laboratory, too, commands that change something need an operator with the "
        "role, named by --as and --key. Outside a laboratory, and as soon as operators are enrolled, they do "
        "in any case.",
    )
    session_minutes: int = Field(
        default=15, ge=1, le=60, description="Minutes without use after which a session at the console ends."
    )
    session_hours: int = Field(
        default=8, ge=1, le=12, description="Hours after which a session ends, used or not."
    )
    lock_out_failures: int = Field(
        default=5, ge=1, le=20, description="Failed sign-ins in a row after which an operator is locked out."
    )
    lock_out_minutes: int = Field(
        default=30, ge=1, le=10_080, description="Minutes for which an operator is locked out."
    )
    approval_hours: int = Field(
        default=168, ge=1, le=8_784, description="Hours for which an approval counts, from its own time on."
    )
    console: tuple[Literal["http", "tls", "proxy"], ...] = Field(
        default=(),
        description="The listeners that serve the operators' console (/console): http, tls, proxy.",
    )
    console_origin: str | None = Field(
        default=None,
        description="Where operators reach the console, such as https://ra.tsp.example; passkeys are bound "
        "to it. A host name: https, or http://localhost with a port.",
    )
    quorum: tuple[QuorumSettings, ...] = Field(
        default=(), description="Quorums in place of the ones that are built in."
    )

    @field_validator("console_origin")
    @classmethod
    def _origin_is_secure(cls, value: str | None) -> str | None:
        if value is not None and not _is_secure_origin(value):
            raise ValueError(
                "write https:// and a host name in lower case, perhaps a port, and nothing else, or "
                "http://localhost with a port; browsers make passkeys nowhere else"
            )
        return value

    @model_validator(mode="after")
    def _console_has_an_origin(self) -> RolesSettings:
        if self.console and self.console_origin is None:
            raise ValueError("console needs console-origin: passkeys and forms are bound to it")
        kinds = [one.kind for one in self.quorum]
        if len(set(kinds)) != len(kinds):
            raise ValueError("quorum has the same kind twice")
        return self

    @property
    def session_idle(self) -> timedelta:
        """How long a session may be left alone."""
        return timedelta(minutes=self.session_minutes)

    @property
    def session_life(self) -> timedelta:
        """How long a session lasts."""
        return timedelta(hours=self.session_hours)

    @property
    def lock_out(self) -> timedelta:
        """How long an operator is locked out."""
        return timedelta(minutes=self.lock_out_minutes)

    def quorum_for(self, kind: str) -> QuorumPolicy:
        """The policy for an act of this kind."""
        lasts = timedelta(hours=self.approval_hours)
        own = {one.kind: one.policy(lasts) for one in self.quorum}
        return policy_for(kind, own, lasts=lasts)
