"""What a certificate by itself is in law, told as JSON and as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trustworks.core.pki.trusted_lists.anchors import english
from trustworks.core.pki.trusted_lists.authenticate import EUTL_OVERDUE, LOTL_OVERDUE
from trustworks.core.pki.trusted_lists.uris import APPROVED
from trustworks.validation.determining import Answer
from trustworks.validation.qualification.model import Device, Indication, Status
from trustworks.validation.report.words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.validation.determining import Determination, Look
    from trustworks.validation.qualification.model import Listed

_PURPOSES: Final = {
    Indication.FOR_ESIG: "electronic signatures",
    Indication.FOR_ESEAL: "electronic seals",
    Indication.QWAC: "website authentication",
}

_DEVICES: Final = {
    Device.YES: "in a qualified device",
    Device.NO: "not in a qualified device",
    Device.INDETERMINATE: "whether it is in a qualified device cannot be said",
}

# Tokens by how they begin, the longer beginnings first; of the others the token itself is shown.
_SENTENCES: Final = (
    (
        "No_confirmation_found_in_EUMSTL_",
        "No service for qualified certificates on that list, with a status then, has issued it.",
    ),
    ("Provided_country_code_not_representing", "Its issuer is in no country that has a trusted list."),
    ("EUTL_VERIFICATION_FAILED", "There is no trusted list of its issuer's country that can be believed."),
    ("TL_VERIFICATION_FAILED", "The list of lists cannot be believed."),
    ("LIST_NOT_AVAILABLE", "The list is not in the folder; run `trustworks trust refresh`."),
    ("ERROR_SERVICE_HISTORY", "The states of the service on the list are in no order that tells which held."),
    ("ERROR_TSP_CONFLICT", "Services of several providers match it."),
    ("ERROR_TSP_NAME", "Its issuer has another name than the provider on the list."),
    ("ERROR_Service_Status", "The service has a status that no qualified service may have."),
    (
        "ERROR_Critical_extension",
        "The list says of the service what has to be understood and is not.",
    ),
    ("ERROR_TL-SERVICE-ENTRY", "Services that match it have different statuses."),
    ("ERROR_At_Issuance_Differs_", "It was something else when it was issued: "),
    ("ERROR_Unknown_critical", "The list says of the device what has to be understood and is not."),
    ("WARNING_CERT_Inconsistency", "It states to be of several types."),
    ("WARNING_Criteria", "Criteria of the list are not understood, and not applied."),
    ("WARNING_TL-SERVICE-ENTRY", "Several services match it, with one status."),
    ("WARNING_Inconsistency", "What the list says of its device contradicts itself."),
    ("WARNING_Unknown", "The list says something of its device that is not understood."),
    *(
        sentence
        for kind, purpose in enumerate(_PURPOSES.values(), start=1)
        for sentence in (
            (f"ERROR_T{kind}_DUPLICATION", f"Services for {purpose} match it, with different statuses."),
            (f"WARNING_T{kind}_DUPLICATION", f"Several services for {purpose} match it, with one status."),
            (f"WARNING_T{kind}_TL", f"What the list says of it, as to {purpose}, contradicts itself."),
            (f"ERROR_T{kind}_TL", f"What the list says of it, as to {purpose}, contradicts itself."),
            (f"WARNING_T{kind}_Not", f"Neither it nor the list says whether it is for {purpose}."),
        )
    ),
    ("ERROR_QC_For", "It would be for several purposes at once."),
    ("WARNING_", "What it is for cannot be said of every purpose."),
)


# Whether procedures passed, and overdue lists, which have sentences of their own.
_TOLD_ELSEWHERE: Final = frozenset({*Status, EUTL_OVERDUE, LOTL_OVERDUE})


def plain(found: Determination) -> dict[str, Any]:
    """All of it as data for JSON; the same keys whatever was found."""
    one, site = found.certificate, found.site
    return {
        "certificate": {
            "subject": one.subject.text,
            "issuer": one.issuer.text,
            "serial": f"{one.serial:x}",
            "sha256": one.sha256.hex(),
            "not_before": moment(one.not_before),
            "not_after": moment(one.not_after),
        },
        "answer": found.answer.value,
        "at_time": _look(found, found.asked),
        "at_issuance": _look(found, found.issuance),
        "path": list(found.path),
        "reasons": list(reasons(found)),
        "site": {"asked": site.asked, "matching": site.matching, "names": list(site.names)} if site else None,
        "overdue": list(found.overdue),
        "revocation_looked_at": False,
    }


def _look(found: Determination, look: Look) -> dict[str, Any]:
    certificate, device = look.certificate, look.device
    return {
        "time": moment(look.time),
        "qualified_for": [] if found.no_path else [_PURPOSES[one] for one in _qualified_for(look)],
        "key_in_device": device.result.value if device.result else None,
        "status": certificate.status.value,
        "results": sorted(one.value for one in certificate.results),
        "sub_status": list(certificate.sub_status),
        "device_status": device.status.value,
        "device_sub_status": list(device.sub_status),
        "list": certificate.country,
        "services": [
            {
                "provider": english(one.provider.names),
                "service": english(one.state.names),
                "status": one.state.status,
                "since": moment(one.state.since),
            }
            for one in certificate.services
        ],
    }


def lines(found: Determination) -> Iterator[str]:
    """What it is, the answer, and what that comes from; names in it are as the certificate has them."""
    one = found.certificate
    rows = [
        ("certificate", one.subject.text),
        ("issued by", one.issuer.text),
        ("valid", f"{moment(one.not_before)} to {moment(one.not_after)}"),
        ("answer", _answer(found)),
        *_of_site(found),
        *_of_look("at that time", found, found.asked),
        *_of_look("at issuance", found, found.issuance),
        *(("why", sentence) for sentence in reasons(found)),
        *(("note", sentence) for sentence in found.overdue),
        ("note", "Whether it was revoked is not looked at."),
    ]
    yield from (f"{label:13} {value}" for label, value in rows)


def reasons(found: Determination) -> Iterator[str]:
    """Why it is not qualified, or not surely: sentences, each once. Also what a list warns of."""
    said: dict[str, None] = {}
    if found.no_path:
        said[found.no_path] = None
    else:
        said.update(dict.fromkeys((*_of_validity(found), *_of_procedure(found.asked))))
        if not said and not found.asked.certificate.qualified_for:
            said["Neither the list nor what it states itself makes it a qualified one."] = None
    if found.site is not None:
        if not found.no_path and Indication.QWAC not in found.asked.certificate.qualified_for:
            said["It is not confirmed as qualified for website authentication."] = None
        if found.site.matching is None:
            said[f"It is not for {found.site.asked}."] = None
    yield from said


def _of_validity(found: Determination) -> Iterator[str]:
    one, time = found.certificate, found.asked.time
    if time < one.not_before:
        yield f"It was not valid yet, before {moment(one.not_before)}."
    if time > one.not_after:
        yield f"It had expired, after {moment(one.not_after)}."


def _of_procedure(look: Look) -> Iterator[str]:
    certificate = look.certificate
    for listed in certificate.services:
        if listed.state.status not in APPROVED:
            yield f"The status of {english(listed.state.names)} was {_status(listed)} then."
    for token in (*certificate.sub_status, *look.device.sub_status):
        if token not in _TOLD_ELSEWHERE:
            yield _sentence(token)


def _sentence(token: str) -> str:
    for beginning, sentence in _SENTENCES:
        if token.startswith(beginning):
            return sentence + token.removeprefix(beginning) + "." if sentence.endswith(": ") else sentence
    return f"{token}."


def _answer(found: Determination) -> str:
    look, answer = found.asked, found.answer.value.upper()
    purposes = " and ".join(_PURPOSES[one] for one in _qualified_for(look))
    if found.answer is Answer.QUALIFIED and found.site is None:
        answer += f" for {purposes}"
    elif found.site is not None:
        answer += f" for the website {found.site.asked}"
    return f"{answer}, at {moment(look.time)}"


def _of_site(found: Determination) -> Iterator[tuple[str, str]]:
    if found.site is not None:
        matching = found.site.matching
        names = ", ".join(found.site.names) or "none"
        yield (
            "website",
            f"{found.site.asked} is {matching}" if matching else f"not {found.site.asked}; names: {names}",
        )


def _of_look(label: str, found: Determination, look: Look) -> Iterator[tuple[str, str]]:
    if found.no_path:
        return
    purposes = " and ".join(_PURPOSES[one] for one in _qualified_for(look))
    held = f"; its key is {_DEVICES[look.device.result]}" if purposes and look.device.result else ""
    says = f"qualified for {purposes}" if purposes else "not confirmed as qualified"
    yield label, f"{says}{held}, by the list of {look.certificate.country or 'no country'}"
    for listed in look.certificate.services:
        service = f"{english(listed.provider.names)}: {english(listed.state.names)}"
        yield "", f"{service}, {_status(listed)} since {listed.state.since:%Y-%m-%d}"


def _qualified_for(look: Look) -> list[Indication]:
    return [one for one in _PURPOSES if one in look.certificate.qualified_for]


def _status(listed: Listed) -> str:
    return listed.state.status.rpartition("/")[2]
