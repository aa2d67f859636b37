"""X.509 certificate validation (XCV): a path to a trust anchor that holds, with all that is asked of it.

Source: EN 319 102-1, 5.2.6.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.pki.building import build_paths, partial_path
from trustworks.core.trace import implements
from trustworks.validation.model import Need, NeedKind, SubIndication, indeterminate
from trustworks.validation.rules.building_blocks.x509_path import judge_path
from trustworks.validation.rules.checks import Checks
from trustworks.validation.rules.inputs import id_of
from trustworks.validation.rules.surroundings import CertificateResult

if TYPE_CHECKING:
    from trustworks.core.pki.building import Path
    from trustworks.core.pki.tokens import Certificate
    from trustworks.validation.policies.constraints import Context
    from trustworks.validation.rules.inputs import Inputs

S = SubIndication
MOST_PATHS: Final = 20
NOTHING: Final[frozenset[SubIndication]] = frozenset()


@implements("EN319102-1:5.2.6.4-2")
def chain_found(found: bool) -> str | None:  # noqa: FBT001 - a fact
    """There is a prospective path to a trust anchor."""
    return None if found else "No path of certificates leads from the signer to a trust anchor."


def validate_certificate(
    certificate: Certificate,
    context: Context,
    inputs: Inputs,
    *,
    forgiven: frozenset[SubIndication] = NOTHING,
) -> CertificateResult:
    """Validate a certificate now: by the first path that holds, else by the one that got furthest.

    `forgiven` are reasons that a caller has dealt with: they only warn. What was found is kept with the
    surroundings of the validation: nothing else of `inputs` may be asked for here.
    """
    key = (certificate.sha256, context, forgiven)
    known = inputs.surroundings.paths.get(key)
    if known is None:
        known = inputs.surroundings.paths[key] = _by_best_path(certificate, context, inputs, forgiven)
    return known


def _by_best_path(
    certificate: Certificate, context: Context, inputs: Inputs, forgiven: frozenset[SubIndication]
) -> CertificateResult:
    best: CertificateResult | None = None
    anchors = inputs.trust.anchors_in(context)
    paths = build_paths(certificate, anchors=anchors, pool=inputs.pool, at=inputs.at)
    for path, _ in zip(paths, range(MOST_PATHS), strict=False):
        result = judge_path(path, context, inputs, forgiven)
        if result.conclusion.passed:
            return result
        if best is None or _rank(result) > _rank(best):
            best = result
    if best is not None:
        return best
    checks = Checks("XCV", id_of(certificate))
    level = inputs.policy.level(context, "prospective-certificate-chain")
    checks.ask(
        "xcv.chain",
        partial(chain_found, found=False),
        indeterminate(S.NO_CERTIFICATE_CHAIN_FOUND),
        level=level,
    )
    chain = partial_path(certificate, inputs.pool)
    top = chain[-1]
    needs = (
        (Need(kind=NeedKind.ISSUER, about=id_of(top), urls=top.ca_issuers_urls),)
        if not top.is_self_issued
        else ()
    )
    return CertificateResult(conclusion=checks.conclude(), leaf=certificate, chain=chain, needs=needs)


_STAGES: Final = (
    S.NO_CERTIFICATE_CHAIN_FOUND,
    S.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    S.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    S.CHAIN_CONSTRAINTS_FAILURE,
)


def _rank(result: CertificateResult) -> int:
    """How far a path got: what time may yet heal is further than what it cannot."""
    sub = result.conclusion.sub_indication
    return _STAGES.index(sub) if sub in _STAGES else len(_STAGES)


def validate_path_again(
    result: CertificateResult, context: Context, inputs: Inputs, forgiven: frozenset[SubIndication]
) -> CertificateResult:
    """The same path, judged again without what is forgiven: what had hidden behind it comes out.

    Where there was no path there is nothing to judge.
    """
    return result if result.path is None else judge_path(result.path, context, inputs, forgiven)


def validate_this_path(path: Path, context: Context, inputs: Inputs) -> CertificateResult:
    """A path that was found otherwise, judged now."""
    return judge_path(path, context, inputs, NOTHING)
