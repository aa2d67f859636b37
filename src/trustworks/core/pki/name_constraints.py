"""Name constraints along a path, for every form of name that has a rule (RFC 5280, 4.2.1.10 and 6.1).

A form without a rule, in a constraint and in a certificate below it, cannot be processed: the certificate is
refused rather than let through.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trustworks.core.der import ber
from trustworks.core.der.values import first
from trustworks.core.errors import Malformed
from trustworks.core.pki.names import EMAIL_ADDRESS, DistinguishedName, GeneralName, email_domain
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from trustworks.core.pki.certificate import Certificate
    from trustworks.core.pki.extensions import GeneralSubtree, NameConstraints

SMTP_UTF8_MAILBOX: Final = "1.3.6.1.5.5.7.8.9"

MOST_COMPARISONS: Final = 200_000
"""Names held against subtrees for one certificate; beyond, it is refused, since time is all it costs."""


@dataclass(frozen=True, slots=True)
class NameSpace:
    """The state of 6.1.2 (b) and (c): every certificate's permitted subtrees, and all excluded ones.

    A name is permitted when every constraint that has its form permits it: this is what intersecting the
    subtrees amounts to.
    """

    permitted: tuple[tuple[GeneralSubtree, ...], ...] = ()
    excluded: tuple[GeneralSubtree, ...] = ()

    def narrowed(self, constraints: NameConstraints) -> NameSpace:
        """The space below a certificate with these constraints (RFC 5280, 6.1.4 (g))."""
        permitted = (*self.permitted, constraints.permitted) if constraints.permitted else self.permitted
        return NameSpace(permitted, (*self.excluded, *constraints.excluded))

    def objection(self, certificate: Certificate) -> str | None:
        """Why a name of the certificate is outside of the space; None: all are within."""
        if not self.permitted and not self.excluded:
            return None
        names = names_of(certificate)
        subtrees = sum(map(len, self.permitted)) + len(self.excluded)
        if len(names) * subtrees > MOST_COMPARISONS:
            return "has more names, under more constraints, than are compared"
        objections = (self._excluded(name) or self._not_permitted(name) for name in names)
        return next(filter(None, objections), None)

    def _excluded(self, name: GeneralName) -> str | None:
        for subtree in self.excluded:
            if _form(subtree.base) == _form(name):
                if (why := _unprocessed(subtree)) is not None:
                    return why
                if _is_within(name, subtree.base, excluding=True):
                    return f"has the name {_shown(name)}, which a CA above, or who validates, excludes"
        return None

    def _not_permitted(self, name: GeneralName) -> str | None:
        for group in self.permitted:
            same_form = [subtree for subtree in group if _form(subtree.base) == _form(name)]
            if (why := next(filter(None, map(_unprocessed, same_form)), None)) is not None:
                return why
            if same_form and not any(_is_within(name, one.base, excluding=False) for one in same_form):
                return f"has the name {_shown(name)}, which a CA above, or who validates, does not permit"
        return None


def names_of(certificate: Certificate) -> tuple[GeneralName, ...]:
    """The names that constraints are about: subject, alternative names, addresses in the subject alone."""
    names: list[GeneralName] = []
    if certificate.subject:
        names.append(GeneralName("directory", certificate.subject))
    alternative = certificate.subject_alt_names
    names += alternative
    # An address in the subject counts where alternative names have none (RFC 5280, 4.2.1.10).
    if not any(one.form == "email" for one in alternative):
        names += [GeneralName("email", text) for text in certificate.subject.values(EMAIL_ADDRESS)]
    return tuple(names)


def _form(name: GeneralName) -> str:
    """What is compared with what: a mailbox with letters beyond ASCII is an e-mail address (RFC 9598, 6)."""
    if name.form == "other":
        oid = _other_oid(name)
        return "email" if oid == SMTP_UTF8_MAILBOX else f"other {oid}"
    return name.form


def _other_oid(name: GeneralName) -> str:
    if not isinstance(name.value, bytes):
        return ""
    try:
        return first(ber.read(name.value)).oid()
    except Malformed:
        return ""


def _unprocessed(subtree: GeneralSubtree) -> str | None:
    if subtree.bounded:
        return "is below a CA whose name constraints have a minimum or maximum, which is not processed"
    if _form(subtree.base) not in _PROCESSED:
        return f"has a name of the form {subtree.base.form}, under constraints that are not processed"
    return None


_PROCESSED: Final = frozenset({"directory", "email", "dns", "uri", "ip", "registered"})


def _is_within(name: GeneralName, base: GeneralName, *, excluding: bool) -> bool:
    """Whether a name is in a subtree; what cannot be understood is in what excludes, not in what permits."""
    if isinstance(name.value, DistinguishedName) and isinstance(base.value, DistinguishedName):
        return name.value.is_within(base.value)
    own = _mailbox(name) if name.form == "other" else name.value
    if isinstance(own, str) and isinstance(base.value, str):
        return _TEXT_RULES[_form(base)](own, base.value, excluding)
    if isinstance(own, bytes) and isinstance(base.value, bytes) and base.form == "ip":
        return _ip_within(own, base.value, excluding)
    return excluding


def _mailbox(name: GeneralName) -> str | None:
    """The address in a SmtpUTF8Mailbox (RFC 9598, 3)."""
    try:
        content = name.value if isinstance(name.value, bytes) else b""
        wrapped = ber.read(content).children()[1]
        return first(wrapped).value.decode("utf-8")
    except (Malformed, IndexError, UnicodeDecodeError):
        return None


def _email_within(address: str, base: str, excluding: bool) -> bool:  # noqa: FBT001 - as its callers have it
    """A mailbox, a host, or with a dot before it a domain (RFC 5280, 4.2.1.10)."""
    parts = email_domain(address)
    if parts is None:
        return excluding
    local, host = parts
    if "@" in base:
        return email_domain(base) == (local, host)
    return _host_within(host, base, excluding)


def _host_within(host: str, base: str, excluding: bool) -> bool:  # noqa: FBT001
    """A host exactly, or with a dot before it every host below."""
    wanted = _ascii(base)
    found = _ascii(host)
    if wanted is None or found is None:
        return excluding
    if not wanted:
        return True
    if wanted.startswith("."):
        return found.endswith(wanted) and len(found) > len(wanted)
    return found == wanted


def _dns_within(host: str, base: str, excluding: bool) -> bool:  # noqa: FBT001
    """The domain itself and all that is made by labels to the left of it."""
    wanted, found = _ascii(base), _ascii(host)
    if wanted is None or found is None:
        return excluding
    wanted = wanted.removeprefix(".")  # not the profile's form, and in use
    if not wanted or found == wanted or found.endswith("." + wanted):
        return True
    # A wildcard stands for a name that an excluded subtree may hold.
    return excluding and found.startswith("*.") and wanted.endswith(found[1:])


def _uri_within(uri: str, base: str, excluding: bool) -> bool:  # noqa: FBT001
    """By the host; a URI without one, or with an address in its place, is in no subtree (4.2.1.10)."""
    try:
        host = urlsplit(uri).hostname
    except ValueError:
        host = None
    if not host:
        return excluding
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _host_within(host, base, excluding)
    return excluding


def _ip_within(address: bytes, base: bytes, excluding: bool) -> bool:  # noqa: FBT001
    """By address and mask; an address of the other length is in no such subtree."""
    if len(base) not in {8, 32} or len(address) not in {4, 16}:
        return excluding
    half = len(base) // 2
    if len(address) != half:
        return False
    return all(
        own & mask == net & mask for own, net, mask in zip(address, base[:half], base[half:], strict=True)
    )


def _ascii(host: str) -> str | None:
    """A host as names are compared: lower case, without the root's dot; None where it is no ASCII."""
    return host.lower().removesuffix(".") if host.isascii() else None


def _shown(name: GeneralName) -> str:
    if isinstance(name.value, DistinguishedName):
        return name.value.text
    return name.value.hex() if isinstance(name.value, bytes) else ascii(name.value)[1:-1]


def _registered_within(oid: str, base: str, excluding: bool) -> bool:  # noqa: FBT001
    del excluding
    return oid == base or oid.startswith(base + ".")


_TEXT_RULES: Final = {
    "email": _email_within,
    "dns": _dns_within,
    "uri": _uri_within,
    "registered": _registered_within,
}
