"""What the running systems know for points of Annex III that documents of the provider answer else.

Each is an `Input`: values for a file, and sentences about what of the point is not known here. Source:
Implementing Regulation (EU) 2025/2162, Annex III, points 2, 3, 12 and 13.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.wiring import TOKENS
from trustworks.assurance.dossier.listed import differences, entry_of, in_list
from trustworks.assurance.dossier.model import Input, Rank
from trustworks.assurance.dossier.register_list import MISSING, fact_text
from trustworks.assurance.evidence import Kind
from trustworks.assurance.evidence.identity import product_on
from trustworks.assurance.model import FactName, PaperKind
from trustworks.core.audit.search import newest
from trustworks.core.module import Pkcs11Uri
from trustworks.core.pki.trusted_lists.uris import CA_QC, TSA, TSA_QTST
from trustworks.core.roles import list_operators
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config
    from trustworks.assurance.dossier.model import PolicySet, ServiceIdentity
    from trustworks.assurance.evidence import Item
    from trustworks.assurance.model import Facts
    from trustworks.assurance.sources import Imported

_NO_LIST: Final = (
    "No trusted list was imported to compare with; `trustworks assurance certificate import FILE` "
    "imports one."
)
_PLANS: Final = "termination."
_MOST_PLANS: Final = 50
_TO_CONFIGURE: Final = (
    "{}: missing; {} of the configuration says it, or `trustworks assurance paper add {} FILE`."
)


def inputs(
    config: Config,
    connection: Connection,
    *,
    facts: Facts,
    items: Iterable[Item],
    identities: Iterable[ServiceIdentity],
    policy_sets: Iterable[PolicySet],
    trace: Mapping[str, Any] | None,
    lists: Iterable[Imported] = (),
) -> tuple[Input, ...]:
    """All that is known, in the order of the points; nothing where nothing is."""
    items, identities, policy_sets = tuple(items), tuple(identities), tuple(policy_sets)
    found = (
        _provider(config),
        _services(config, identities, policy_sets),
        _entry(config, identities, policy_sets, tuple(lists)),
        _termination(connection, items),
        _duty("13(e)", "13-e-risk-review", "when risks were reviewed last", items, "risk-review"),
        _roles(connection),
        _finances(config),
        _followed(trace),
        _assessed(config, facts),
        of_tokens(config, facts),
    )
    return tuple(one for one in found if one is not None)


@implements("TRUSTWORKS:ASSURANCE-DOSSIER-TOKENS", disabled=None)
def of_tokens(config: Config, facts: Facts) -> Input | None:
    """Which product is on each token of the configuration; one that no product names is lacking.

    Also those that are opened by ceremonies alone, and those that sign what no rule set asks about, such as
    the log's checkpoints: every device that protects a key of the provider is listed.
    """
    given = [(name, getattr(config.tokens, name)) for name in TOKENS] + sorted(config.tokens.further.items())
    rows, lacks = [], []
    for name, uri in given:
        if uri is None:
            continue
        label = Pkcs11Uri.parse(uri)
        product = product_on(facts.products, label)
        rows.append(
            {"token": name, "label": label.token or "", "product": MISSING if product is None else product.id}
        )
        if product is None:
            lacks.append(
                f"No product of the register names the token {name} of the configuration; `trustworks "
                "assurance product discover` enters what is on it, or `product add` with --token."
            )
    if not rows:
        return None
    return Input(
        point="13(m)",
        name="13-m-tokens",
        about="the tokens of the configuration, and the product that is on each",
        values=rows,
        lacks=tuple(lacks),
    )


def _provider(config: Config) -> Input:
    issuance, said = config.issuance, config.statements
    values = {
        "name": config.provider.name if issuance is None else issuance.organization,
        "registration_number": None if issuance is None else issuance.organization_identifier,
        "postal_address": said.address,
        "electronic_address": said.email or said.web_site,
        "web_site": said.web_site,
        "country": None if issuance is None else issuance.country,
    }
    settings = {
        "registration_number": ("registration number", "issuance.organization-identifier"),
        "postal_address": ("postal address", "statements.address"),
        "electronic_address": ("electronic address", "statements.email"),
    }
    lacks = [
        _TO_CONFIGURE.format(words.capitalize(), setting, PaperKind.REGISTRATION.value)
        for name, (words, setting) in settings.items()
        if not values[name]
    ]
    return Input(
        point="2",
        name="02-provider",
        about="the provider: name, registration number, addresses, as configured",
        values={name: value or MISSING for name, value in values.items()},
        lacks=tuple(lacks),
        instead=frozenset({PaperKind.REGISTRATION}),
    )


def _services(
    config: Config, identities: tuple[ServiceIdentity, ...], policy_sets: tuple[PolicySet, ...]
) -> Input | None:
    rows = list(_running(config, identities, policy_sets))
    if not rows:
        return None
    return Input(
        point="3",
        name="03-services",
        about="the services that run here, with their identities",
        values={"services": rows},
        whole=True,
    )


def _running(
    config: Config, identities: tuple[ServiceIdentity, ...], policy_sets: tuple[PolicySet, ...]
) -> Iterator[dict[str, Any]]:
    qualified = sorted({one.purpose for one in policy_sets if one.qualified})
    if config.issuance is not None:
        yield {
            "service": "issuance of certificates",
            "type": CA_QC if qualified else None,
            "qualified_for": qualified,
            "identities": [one.name for one in identities if one.rank is not Rank.END_ENTITY],
        }
    for unit in () if config.timestamping is None else config.timestamping.units:
        yield {
            "service": f"time-stamps, unit {unit.name}",
            "type": TSA_QTST if unit.qualified else TSA,
            "qualified_for": ["electronic time stamps"] if unit.qualified else [],
            "identities": [one.name for one in identities if one.name == unit.key_label],
        }
    keys = {one.name for one in identities}
    validation, signing = config.validation, config.signing
    if validation is not None:
        seals = [] if validation.seal is None else [validation.seal.key]
        yield _other("validation of signatures", [one for one in seals if one in keys])
    if signing is not None:
        seals = [one.key for one in signing.seals]
        yield _other("creation of signatures", [one for one in seals if one in keys])


def _other(service: str, identities: list[str]) -> dict[str, Any]:
    return {"service": service, "type": None, "qualified_for": [], "identities": identities}


def _entry(
    config: Config,
    identities: tuple[ServiceIdentity, ...],
    policy_sets: tuple[PolicySet, ...],
    lists: tuple[Imported, ...],
) -> Input | None:
    """The draft of the entry, and what the lists that were imported say of the same keys."""
    kinds = dict(_listable(config, identities, policy_sets))
    ours = tuple(one for one in identities if one.name in kinds)
    if not ours:
        return None
    compared: list[dict[str, Any]] = []
    lacks: list[str] = []
    for one in lists:
        first = one.services[0]
        found = tuple(in_list(ours, one.services))
        differs = differences(ours, found, first.territory)
        lacks += differs
        compared.append(
            {
                "territory": first.territory,
                "list_sha256": first.provenance.document,
                "retrieved": first.provenance.retrieved.isoformat(),
                "found": [asdict(entry) for entry in found],
                "differences": list(differs),
            }
        )
    if not lists:
        lacks.append(_NO_LIST)
    return Input(
        point="12",
        name="12-trusted-list",
        about="the draft of the entry, and what imported trusted lists say of the same keys",
        values={
            "entry": [entry_of(one, kinds[one.name], config.provider.name) for one in ours],
            "compared": compared,
        },
        whole=True,
        lacks=tuple(lacks),
    )


def _listable(
    config: Config, identities: tuple[ServiceIdentity, ...], policy_sets: tuple[PolicySet, ...]
) -> Iterator[tuple[str, str]]:
    """The services that a list would name, with the type of each (TS 119 612, 5.5.1)."""
    qualified = {one.authority for one in policy_sets if one.qualified}
    for one in identities:
        if one.rank is not Rank.END_ENTITY and one.name in qualified:
            yield one.name, CA_QC
    for unit in () if config.timestamping is None else config.timestamping.units:
        if any(one.name == unit.key_label for one in identities):
            yield unit.key_label, TSA_QTST if unit.qualified else TSA


def _termination(connection: Connection, items: tuple[Item, ...]) -> Input | None:
    """Plans that were rehearsed or carried out here, and when the plan was reviewed last."""
    plans = []
    for event in newest(connection, limit=_MOST_PLANS, type_prefix=_PLANS):
        value = event.value
        if value["subject"].get("kind") == "termination-plan":
            plans.append(
                {
                    "event": value["type"],
                    "at": value["time"],
                    "plan": value["subject"].get("name"),
                    "sha256": value["subject"].get("sha256"),
                }
            )
    review = _done(items, "termination-plan-review")
    if not plans and review is None:
        return None
    return Input(
        point="13(d)",
        name="13-d-termination",
        about="termination plans that the log knows, and their last review",
        values={"plans": plans, "review": review or MISSING},
    )


def _duty(point: str, name: str, about: str, items: tuple[Item, ...], duty: str) -> Input | None:
    found = _done(items, duty)
    return None if found is None else Input(point=point, name=name, about=about, values=found)


def _done(items: tuple[Item, ...], duty: str) -> dict[str, Any] | None:
    """When a duty was done last, and when it is due; None where nobody has entered that it was."""
    for one in items:
        if one.kind is Kind.DUTY and one.subject == duty and one.values.get("done_on"):
            names = ("title", "done_on", "due", "document_sha256")
            return {name: one.values.get(name) for name in names}
    return None


def _roles(connection: Connection) -> Input | None:
    """How many hold each trusted role: a part of how the provider is organised."""
    active = [one for one in list_operators(connection) if one.state == "active"]
    if not active:
        return None
    counts = Counter(role.value for one in active for role in one.roles)
    return Input(
        point="13(h)",
        name="13-h-trusted-roles",
        about="how many persons hold each trusted role",
        values={"operators": len(active), "roles": dict(sorted(counts.items()))},
    )


def _finances(config: Config) -> Input | None:
    said = config.statements
    if not (said.insurance or said.liability):
        return None
    return Input(
        point="13(i)",
        name="13-i-liability",
        about="what the statements say of liability and insurance",
        values={"liability": said.liability or MISSING, "insurance": said.insurance or MISSING},
    )


def _followed(trace: Mapping[str, Any] | None) -> Input | None:
    """The standards whose requirements the software carries out, with how many and which are left open."""
    if trace is None:
        return None
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in trace["requirements"]:
        counts.setdefault((one["standard"], one["version"] or ""), Counter())[one["state"]] += 1
    rows = [
        {"standard": standard, "version": version, "requirements": dict(sorted(states.items()))}
        for (standard, version), states in sorted(counts.items())
    ]
    return Input(
        point="13(j)",
        name="13-j-standards-of-the-software",
        about="standards whose requirements the software carries out, and how many are covered or open",
        values={"of": "the software, not the operations", "standards": rows},
    )


def _assessed(config: Config, facts: Facts) -> Input | None:
    """What others have evaluated of products, and who assesses the provider by its own statement."""
    rows = [
        {
            "certificate": one.id,
            "standard": fact_text(one.value(FactName.STANDARD)),
            "status": fact_text(one.value(FactName.STATUS)),
        }
        for one in facts.certificates
    ]
    if not rows and not config.statements.audits:
        return None
    return Input(
        point="13(k)",
        name="13-k-evaluations-of-products",
        about="certificates of products, and who assesses the provider as its statements say",
        values={
            "of": "products, not the operations",
            "certificates": rows,
            "assessment": config.statements.audits or MISSING,
        },
    )
