"""How a private key on the token has to be protected, by what the module says of it."""

from __future__ import annotations

from trustworks.core.errors import Refused
from trustworks.core.trace import implements


@implements("TRUSTWORKS:MODULE-KEY-INSIDE", "EN319411-1:GEN-6.5.2-09")
def check_protection(
    attributes: dict[str, bool | None], label: str, *, lab: bool, backed_up: bool = False
) -> None:
    """Refuse a new private key that the module could give out.

    One that was `backed_up` when it was made was extractable until then, and its past says so.

    What a module does not answer (None) is not held against it; what it answers must be right. In the lab
    only the protection itself counts, not what the module says of the key's past: NSS calls none of its keys
    local.
    """
    required = {"private": True, "sensitive": True, "extractable": False, "sign": True}
    if not lab:
        required |= {"always_sensitive": True, "local": True}
        if not backed_up:
            required["never_extractable"] = True
    wrong = [name for name, value in required.items() if attributes.get(name) not in {None, value}]
    if wrong or attributes.get("sensitive") is None or attributes.get("extractable") is None:
        raise Refused(
            "TRUSTWORKS:MODULE-KEY-INSIDE",
            f"The module does not protect the new key {label!r} as asked "
            f"({', '.join(wrong) or 'no answer'}); it was destroyed. Use a module that keeps private keys "
            "sensitive and not extractable.",
        )
