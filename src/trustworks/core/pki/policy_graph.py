"""Certificate policies along a path: which are valid for the end entity (RFC 5280, 6.1; RFC 9618).

RFC 5280 describes a tree that grows exponentially with certificates made for it. RFC 9618 has the same
outcome from a graph with one node for a policy at each depth, which grows as the certificates do. Of that
graph only the last depth is kept here: each node knows from which policies in the anchor's domain it is
reached, which is all that is asked of the depths above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.pki.extensions import ANY_POLICY, PolicyInformation
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_NODES: Final = 4096
"""Policies at one depth that are followed; a path with more has none that is valid."""

MOST_QUALIFIERS: Final = 32
"""Qualifiers from above that are kept of a policy."""

_NO_ROOTS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class ValidPolicy:
    """A policy that is valid for the end entity.

    `oid` is the policy in the end entity's certificate, `domain` those of the trust anchor's domain that it
    stands for: both are the same where nothing was mapped. `qualifiers` are PolicyQualifierInfos in DER, of
    the end entity's certificate; `qualifiers_above` those that CAs gave to what it stands for.
    """

    oid: str
    domain: frozenset[str]
    qualifiers: tuple[bytes, ...] = ()
    qualifiers_above: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Node:
    """A valid_policy at the present depth; `roots` are empty while it stands for any policy."""

    expected: frozenset[str]
    qualifiers: tuple[bytes, ...]
    roots: frozenset[str]
    above: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyGraph:
    """The valid policies at one depth; none: the graph is NULL."""

    nodes: dict[str, _Node]

    @staticmethod
    def start() -> PolicyGraph:
        """The graph above the first certificate: any policy (RFC 5280, 6.1.2 (a))."""
        return PolicyGraph({ANY_POLICY: _Node(frozenset({ANY_POLICY}), (), _NO_ROOTS)})

    def __bool__(self) -> bool:
        """Whether any policy is valid."""
        return bool(self.nodes)

    def below(self, policies: tuple[PolicyInformation, ...] | None, *, any_allowed: bool) -> PolicyGraph:
        """The graph one certificate further down (RFC 5280, 6.1.3 (d) and (e)).

        `policies` are those of the certificate, None without the extension; `any_allowed` whether its
        anyPolicy counts.
        """
        if not self.nodes or policies is None:
            return _NULL
        nodes: dict[str, _Node] = {}
        parents = self._parents()
        above_any = self.nodes.get(ANY_POLICY)
        any_qualifiers: tuple[bytes, ...] | None = None
        for one in policies:
            own = frozenset({one.oid})
            if one.oid == ANY_POLICY:
                any_qualifiers = one.qualifiers
            elif one.oid in parents:
                nodes[one.oid] = _Node(own, one.qualifiers, *parents[one.oid])
            elif above_any is not None:
                nodes[one.oid] = _Node(own, one.qualifiers, own, _joined(above_any))
        if any_qualifiers is not None and any_allowed:
            for expected, (roots, above) in parents.items():
                if expected not in nodes:
                    nodes[expected] = _Node(frozenset({expected}), any_qualifiers, roots, above)
        return PolicyGraph(nodes) if len(nodes) <= MOST_NODES else _NULL

    def _parents(self) -> dict[str, tuple[frozenset[str], tuple[bytes, ...]]]:
        """For each policy that is expected, the roots and qualifiers of all nodes that expect it."""
        roots: dict[str, set[str]] = {}
        above: dict[str, tuple[bytes, ...]] = {}
        for node in self.nodes.values():
            joined = _joined(node)
            for expected in node.expected:
                roots.setdefault(expected, set()).update(node.roots)
                if joined:
                    above[expected] = _some((*above.get(expected, ()), *joined))
        return {one: (frozenset(found), above.get(one, ())) for one, found in roots.items()}

    def mapped(
        self,
        mappings: Iterable[tuple[str, str]],
        *,
        allowed: bool,
        any_qualifiers: tuple[bytes, ...],
    ) -> PolicyGraph:
        """The graph after the policy mappings of a certificate (RFC 5280, 6.1.4 (b)).

        Where mapping is not `allowed`, what would be mapped is valid no longer. `any_qualifiers` are those of
        the certificate's anyPolicy.
        """
        wanted: dict[str, set[str]] = {}
        for issuers, own in mappings:
            wanted.setdefault(issuers, set()).add(own)
        if not wanted or not self.nodes:
            return self
        nodes = dict(self.nodes)
        for policy, subjects in wanted.items():
            known = nodes.get(policy)
            if not allowed:
                nodes.pop(policy, None)
            elif known is not None:
                nodes[policy] = _Node(frozenset(subjects), known.qualifiers, known.roots, known.above)
            elif ANY_POLICY in self.nodes:
                nodes[policy] = _Node(
                    frozenset(subjects), any_qualifiers, frozenset({policy}), self.nodes[ANY_POLICY].above
                )
        return PolicyGraph(nodes)

    def for_user(self, initial: frozenset[str] | None) -> tuple[ValidPolicy, ...]:
        """The valid policies, of those that the user accepts (RFC 5280, 6.1.5 (g)); None: any."""
        found: list[ValidPolicy] = []
        leaf_any = self.nodes.get(ANY_POLICY)
        for oid, node in self.nodes.items():
            if oid == ANY_POLICY:
                continue
            domain = node.roots if initial is None else node.roots & initial
            if domain:
                found.append(ValidPolicy(oid, domain, node.qualifiers, node.above))
        if leaf_any is not None:
            if initial is None:
                found.append(
                    ValidPolicy(ANY_POLICY, frozenset({ANY_POLICY}), leaf_any.qualifiers, leaf_any.above)
                )
            else:
                known = {root for node in self.nodes.values() for root in node.roots}
                found += [
                    ValidPolicy(oid, frozenset({oid}), leaf_any.qualifiers, leaf_any.above)
                    for oid in sorted(initial - known)
                ]
        return tuple(found)


def _joined(node: _Node) -> tuple[bytes, ...]:
    """The qualifiers at and above a node."""
    return _some((*node.above, *node.qualifiers)) if node.above or node.qualifiers else ()


def _some(qualifiers: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Each once, and not more than are shown to anyone."""
    return tuple(dict.fromkeys(qualifiers))[:MOST_QUALIFIERS]


_NULL: Final = PolicyGraph({})
