"""What is wrong with the statements of a provider: pure functions, which answer sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from trustworks.app.statements.blocks import escaped
from trustworks.app.statements.model import PREFIX, Document, path
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trustworks.app.configuration.config import Config
    from trustworks.app.statements.facts import Facts, Offer
    from trustworks.app.statements.model import Draft, Version

PUBLISH: Final = "`trustworks statements publish` publishes it"
# The sections of RFC 3647, 6, down to where all of its outline agrees.
OUTLINE: Final = (
    *("1", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"),
    *("2", "2.1", "2.2", "2.3", "2.4"),
    *("3", "3.1", "3.2", "3.3", "3.4"),
    *("4", *(f"4.{number}" for number in range(1, 13))),
    *("5", *(f"5.{number}" for number in range(1, 9))),
    *("6", *(f"6.{number}" for number in range(1, 9))),
    *("7", "7.1", "7.2", "7.3"),
    "8",
    *("9", *(f"9.{number}" for number in range(1, 18))),
)


@implements("TRUSTWORKS:STATEMENTS-IN-FORCE", disabled=())
def not_in_force(
    drafts: Iterable[Draft], published: Mapping[tuple[Document, str], Version | None]
) -> tuple[str, ...]:
    """The statements of which another version is published than the configuration says now, or none."""
    found = []
    for draft in drafts:
        last = published.get((draft.document, draft.language))
        what = f"{draft.document.value} ({draft.language})"
        if last is None:
            found.append(f"{what} is not published; {PUBLISH}.")
        elif last.sha256 != draft.sha256:
            found.append(
                f"{what}: version {last.number} of {last.published_at:%Y-%m-%d} is published, and the "
                f"configuration says something else now (`trustworks statements render` shows it); {PUBLISH}."
            )
    return tuple(found)


@implements("TRUSTWORKS:STATEMENTS-NOT-INVENTED", "EN319411-1:DIS-6.1-07A", disabled=())
def not_said(drafts: Iterable[Draft]) -> tuple[str, ...]:
    """What statements have to say and only the provider can, and does not."""
    asked: dict[str, tuple[str, list[str]]] = {}
    for draft in drafts:
        for one in draft.missing:
            asked.setdefault(one.key, (one.words, []))[1].append(f"{draft.document.value}-{draft.language}")
    return tuple(
        f"{', '.join(dict.fromkeys(where))}: {words} is missing; write it into {key}.md in the folder of "
        f"[statements] paragraphs{_or_setting(key)}."
        for key, (words, where) in asked.items()
    )


def _or_setting(key: str) -> str:
    from trustworks.app.configuration.statements import StatementsSettings  # noqa: PLC0415 - no cycle below

    return f", or set [statements] {key}" if key.replace("-", "_") in StatementsSettings.model_fields else ""


@implements("EN319411-1:DIS-6.1-05", disabled=())
def not_resolvable(offers: Iterable[Offer], config: Config) -> tuple[str, ...]:
    """The certificates from which nobody finds the terms: neither a practice statement nor a PDS is named.

    Also addresses below our own that lead to no statement.
    """
    settings = config.issuance
    if settings is None:
        return ()
    found = []
    if settings.cps_url is None:
        bare = [one.profile.name for one in offers if one.profile.qc_type is None or not settings.pds]
        if bare:
            found.append(
                f"The terms cannot be found from certificates by {len(bare)} profile(s), such as {bare[0]}: "
                "set [issuance] cps-url, for example to "
                f"{config.http.public_url}{path(Document.CPS, 'en', 'pdf')}."
            )
    named = [("issuance.cps-url", settings.cps_url)] if settings.cps_url else []
    named += [(f"issuance.pds ({one.language})", one.url) for one in settings.pds]
    own = _own_hosts(config)
    for key, url in named:
        host, at = _split(url)
        if host in own and at.startswith(PREFIX) and not _is_served(at, config):
            found.append(f"{key}: {url} leads to no statement here; write the address of one that is served.")
    return tuple(found)


def _own_hosts(config: Config) -> frozenset[str]:
    return frozenset({_split(config.http.public_url)[0]})


def _split(url: str) -> tuple[str, str]:
    """Host without port, and path."""
    found = re.match(r"https?://(\[[^\]]*\]|[^/:]*)(?::\d+)?(/[^?#]*)?", url, re.IGNORECASE)
    return ("", "") if found is None else (found[1].lower(), found[2] or "/")


def _is_served(at: str, config: Config) -> bool:
    return at in {
        path(document, language, form)
        for document in Document
        for language in config.statements.languages
        for form in ("pdf", "md")
    }


@implements("EN319411-1:CSS-6.3.10-09A", "EN319411-2:CSS-6.3.10-12", disabled=())
def not_told(drafts: Iterable[Draft], facts: Facts) -> tuple[str, ...]:
    """What a practice statement does not tell of the delays and the time for which status is given.

    Ours tells all of it; this is for templates of the provider's own.
    """
    settings = facts.config.issuance
    if settings is None:
        return ()
    needed = [
        ("for how long an OCSP answer is good", f"{settings.ocsp.validity_minutes}"),
        ("for how long caches keep an OCSP answer", f"{settings.ocsp.max_age_seconds}"),
        ("the end of the last list (99991231235959Z)", "99991231235959Z"),
        ("that lists keep expired certificates (ExpiredCertsOnCRL)", "ExpiredCertsOnCRL"),
        *((f"the list of {one.common_name}", escaped(one.common_name)) for one in facts.authorities),
    ]
    return tuple(
        f"{draft.document.value}-{draft.language} does not tell {words}: the template must have {text!r}."
        for draft in drafts
        if draft.document is Document.CPS
        for words, text in needed
        if text not in draft.text
    )


@implements("RFC3647:6", disabled=())
def outline_gaps(drafts: Iterable[Draft]) -> tuple[str, ...]:
    """The sections of the outline that a practice statement does not have, in their order."""
    found = []
    for draft in drafts:
        if draft.document is Document.CPS:
            numbers = re.findall(r"(?m)^#{2,4} ([0-9]+(?:\.[0-9]+)*) ", draft.text)
            absent = [one for one in OUTLINE if one not in numbers]
            if absent:
                found.append(
                    f"cps-{draft.language} lacks section(s) {', '.join(absent)} of RFC 3647; let its "
                    "template have them, and say `No stipulation.` where there is none."
                )
    return tuple(found)
