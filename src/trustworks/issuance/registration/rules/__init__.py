"""What stands against an application: pure functions of the application, its evidence and the day.

Each rule answers its objections; an officer sees all of them at once, and approves when there is none.
"""

from __future__ import annotations

from trustworks.issuance.registration.rules.decisions import (
    API,
    check_another_saw_the_evidence,
    check_contact,
    check_not_concerned,
    check_nothing_against,
    check_reason,
    check_still_right,
    concerned_by,
    concerned_by_all,
    following,
    may_erase,
    may_publish,
)
from trustworks.issuance.registration.rules.declarations import (
    check_identification_follows,
    payment_attributes,
    payment_services,
    stated,
)
from trustworks.issuance.registration.rules.devices import (
    certification_end,
    certification_objection,
    check_as_certified,
    check_handover,
    check_key,
    check_known,
    check_not_lost,
    check_own_module,
    check_way,
    key_is_in_a_device,
    product_named,
)
from trustworks.issuance.registration.rules.domains import (
    domains_are_validated,
    is_open,
    methods_for,
    same_applicant,
    uncovered,
    web_names,
)
from trustworks.issuance.registration.rules.evidence import (
    check_only_what_is_needed,
    check_source,
    evidence_is_not_worn_out,
    evidence_is_recent,
    methods_count,
)
from trustworks.issuance.registration.rules.identity import (
    association_is_shown,
    kind_fits,
    legal_person_is_known,
    natural_person_is_known,
    subject_agrees,
    terms_are_accepted,
)
from trustworks.issuance.registration.rules.mailboxes import (
    check_mails,
    digest_of,
    is_answerable,
    is_the_value,
    mailboxes,
    mailboxes_are_validated,
    names_to_control,
    unconfirmed,
)
from trustworks.issuance.registration.rules.names import compare, request_equals_evidence
from trustworks.issuance.registration.rules.renewal import (
    changes_are_verified,
    key_serves_on,
    renewed_is_valid,
)

__all__ = [
    "API",
    "association_is_shown",
    "certification_end",
    "certification_objection",
    "changes_are_verified",
    "check_another_saw_the_evidence",
    "check_as_certified",
    "check_contact",
    "check_handover",
    "check_identification_follows",
    "check_key",
    "check_known",
    "check_mails",
    "check_not_concerned",
    "check_not_lost",
    "check_nothing_against",
    "check_only_what_is_needed",
    "check_own_module",
    "check_reason",
    "check_source",
    "check_still_right",
    "check_way",
    "compare",
    "concerned_by",
    "concerned_by_all",
    "digest_of",
    "domains_are_validated",
    "evidence_is_not_worn_out",
    "evidence_is_recent",
    "following",
    "is_answerable",
    "is_open",
    "is_the_value",
    "key_is_in_a_device",
    "key_serves_on",
    "kind_fits",
    "legal_person_is_known",
    "mailboxes",
    "mailboxes_are_validated",
    "may_erase",
    "may_publish",
    "methods_count",
    "methods_for",
    "names_to_control",
    "natural_person_is_known",
    "payment_attributes",
    "payment_services",
    "product_named",
    "renewed_is_valid",
    "request_equals_evidence",
    "same_applicant",
    "stated",
    "subject_agrees",
    "terms_are_accepted",
    "unconfirmed",
    "uncovered",
    "web_names",
]
