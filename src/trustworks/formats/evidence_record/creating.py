"""Evidence records made and renewed, in ASN.1 and XML, in three steps: prepare, time-stamp, complete.

What is prepared has a leaf for a hash tree (`hash_tree`). One time-stamp over the root of a tree serves all
its leaves, of first time-stamps and of renewals alike, as long as they are by one hash function:

    prepared = [prepare_first("asn1", [digest_of("asn1", data, "sha256")], "sha256") for data in objects]
    tree = HashTree.over((one.leaf for one in prepared), "sha256")
    token = ...  # a time-stamp over tree.root
    records = [one.complete(tree.siblings(at), token) for at, one in enumerate(prepared)]

Source: RFC 4998, 4.2 and 5.2; RFC 6283, 3.2.1 and 4.2.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final, Literal, get_args

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.evidence_record import read_chains
from trustworks.formats.evidence_record.hash_tree import node, one_hash, reduced, root_of
from trustworks.formats.evidence_record.objects import ArchiveTimeStamp
from trustworks.formats.evidence_record.sequence import algorithm_of, token_aside
from trustworks.formats.limits import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import TimeStamp
    from trustworks.formats.evidence_record.objects import Chain
    from trustworks.formats.limits import Limits

Form = Literal["asn1", "xml"]
Step = Literal["first", "time-stamp", "hash-tree"]

_KIND: Final = "evidence record"
_ASN1: Final[Form] = "asn1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A record that waits for its next time-stamp. `record` is what is there so far; empty: nothing.

    `step` is why: the first one, a renewal of the last time-stamp, or of the hash tree, which begins a chain
    by `hash_name`. `group` are the digests that the first list of its tree will have.
    """

    form: Form
    step: Step
    hash_name: str
    group: tuple[bytes, ...]
    record: bytes = field(default=b"", repr=False)

    @property
    def leaf(self) -> bytes:
        """What takes part in a hash tree; the time-stamp may be over it alone, too."""
        return node(self.group, self.hash_name)

    def encode(self) -> bytes:
        """As octets, to be kept until there is a time-stamp."""
        return packed(
            _KIND,
            {
                "form": self.form,
                "step": self.step,
                "hash_name": self.hash_name,
                "group": self.group,
                "record": self.record,
            },
        )

    @staticmethod
    def decode(octets: bytes) -> Prepared:
        """From what `encode` wrote. Raises `Malformed` for anything else."""
        read = Fields(_KIND, octets)
        form, step = read.text("form"), read.text("step")
        if form not in get_args(Form) or step not in get_args(Step):
            raise Malformed(f"A record of the form {form:.40} for the step {step:.40} was never prepared.")
        return _prepared(
            "xml" if form == "xml" else _ASN1,
            "first" if step == "first" else "time-stamp" if step == "time-stamp" else "hash-tree",
            read.text("hash_name"),
            read.several("group"),
            read.octets("record"),
        )

    def complete(
        self,
        siblings: Sequence[bytes],
        token: bytes,
        *,
        certificates: Sequence[bytes] = (),
        revocation_lists: Sequence[bytes] = (),
        ocsp_answers: Sequence[bytes] = (),
        limits: Limits = DEFAULT,
    ) -> bytes:
        """The record with one more archive time-stamp; what was there before keeps its octets.

        `siblings` lead from its leaf to the root of the tree (none: the time-stamp is over the leaf). What is
        needed to validate the token stands in the token itself; a record in XML may have it beside, in the
        three further arguments.

        Raises:
            Malformed: `token` is no time-stamp token.
            Rejected: ``evidence-record.imprint``, ``evidence-record.digest``: it is over another tree;
                ``evidence-record.order``: it is older than the record's last; ``evidence-record.place``:
                validation data beside the token of a record in ASN.1, which has no place for it.
        """
        one_hash(siblings, self.hash_name)
        tree = reduced(self.group, siblings)
        stamp = token_aside(token)
        over_the_root(stamp, root_of(tree or (self.group,), self.hash_name), self.hash_name)
        if self.record:
            in_order(token_aside(read_chains(self.record, limits)[-1].stamps[-1].token), stamp)
        made = ArchiveTimeStamp(
            tree=tree,
            token=token,
            renewal=(),
            certificates=tuple(certificates),
            revocation_lists=tuple(revocation_lists),
            ocsp_answers=tuple(ocsp_answers),
        )
        if self.form == _ASN1:
            from trustworks.formats.evidence_record import write_asn1  # noqa: PLC0415 - the one or the other

            return write_asn1.extended(self, made, limits)
        from trustworks.formats.evidence_record import write_xml  # noqa: PLC0415 - brings lxml

        return write_xml.extended(self, made, limits)


@implements("RFC4998:4.3-ROOT")
def over_the_root(stamp: TimeStamp, root: bytes, hash_name: str) -> None:
    """Refuses a time-stamp that is over something else than the root of the tree."""
    if stamp.imprint_algorithm != hash_name or stamp.references[0].expected != root:
        raise Rejected(
            "evidence-record.imprint",
            f"The time-stamp is not over the {hash_name} root of the hash tree. Get one that is.",
        )


@implements("RFC4998:5.3-ORDER")
def in_order(before: TimeStamp, stamp: TimeStamp) -> None:
    """Refuses a time-stamp that is older than the one that it renews."""
    if stamp.time < before.time:
        raise Rejected(
            "evidence-record.order",
            f"The time-stamp of {stamp.time:%Y-%m-%d %H:%M:%S} is older than the one that it renews, of "
            f"{before.time:%Y-%m-%d %H:%M:%S}.",
        )


def digest_of(form: Form, data: Data, hash_name: str) -> bytes:
    """The digest of an object for a record: in XML, of the canonical form of what is XML (RFC 6283, 3.1.2).

    Here the digest of its octets is found too; EU DSS looks for the canonical form alone.
    """
    if form == _ASN1:
        return data.digest(hash_name)
    from trustworks.formats.evidence_record.xml import INCLUSIVE, canonical_form  # noqa: PLC0415 - brings lxml

    try:
        canonical = canonical_form(data, INCLUSIVE)
    except BeyondLimit:  # whoever reads the record finds the octets
        canonical = None
    return (data if canonical is None else Octets(canonical)).digest(hash_name)


def prepare_first(form: Form, digests: Sequence[bytes], hash_name: str) -> Prepared:
    """A record about one data object, or about a group of them as a whole: their digests by `hash_name`.

    `digest_of` answers the digest by which others look for an object.

    Raises:
        Rejected: ``evidence-record.hash``, ``evidence-record.digest``, ``evidence-record.empty``.
    """
    return _prepared(form, "first", hash_name, tuple(digests), b"")


def prepare_time_stamp_renewal(record: bytes, *, limits: Limits = DEFAULT) -> Prepared:
    """The renewal of a record's last time-stamp, by a new one over it; no data object is needed.

    Raises:
        Malformed: it is no evidence record.
        Rejected: ``evidence-record.hash``: its hash function is weak, so that the hash tree must be renewed.
    """
    chains = _chains(record, limits)
    last = chains[-1]
    hash_name = algorithm_of(last)
    _check_hash(hash_name)
    digest = Octets(last.stamps[-1].renewal[0]).digest(hash_name)
    return _prepared(_form(last), "time-stamp", hash_name, (digest,), record)


def prepare_hash_tree_renewal(
    record: bytes, digests: Sequence[bytes], hash_name: str, *, limits: Limits = DEFAULT
) -> Prepared:
    """A new chain by another hash function over all before it and over the data objects, digested anew.

    `digests` are of all data objects that the record is about, by the new hash function.

    Raises:
        Malformed: it is no evidence record.
        Rejected: as `prepare_first`; ``evidence-record.objects``: they are more than the record is about.
    """
    chains = _chains(record, limits)
    form = _form(chains[-1])
    _check_hash(hash_name)
    first = chains[0].stamps[0].tree
    if not 0 < len(digests) <= (len(first[0]) if first else 1):
        raise Rejected(
            "evidence-record.objects",
            f"The evidence record is about {len(first[0]) if first else 1} data objects, and {len(digests)} "
            "digests were given for its renewal.",
        )
    if form == _ASN1:
        from trustworks.formats.evidence_record import write_asn1  # noqa: PLC0415 - the one or the other

        group = write_asn1.renewed(record, digests, hash_name, limits)
    else:
        from trustworks.formats.evidence_record import write_xml  # noqa: PLC0415 - brings lxml

        group = write_xml.renewed(record, digests, hash_name, limits)
    one_hash(digests, hash_name)
    return _prepared(form, "hash-tree", hash_name, group, record)


def _prepared(form: Form, step: Step, hash_name: str, group: tuple[bytes, ...], record: bytes) -> Prepared:
    _check_hash(hash_name)
    if not group:
        raise Rejected("evidence-record.empty", "An evidence record is about at least one data object.")
    one_hash(group, hash_name)
    return Prepared(form=form, step=step, hash_name=hash_name, group=group, record=record)


def _check_hash(hash_name: str) -> None:
    if hash_name not in HASHES:
        raise Rejected(
            "evidence-record.hash",
            f"Nothing new is digested by {hash_name:.40}. Renew the hash tree by one of {', '.join(HASHES)}.",
        )


def _chains(record: bytes, limits: Limits) -> Sequence[Chain]:
    chains = read_chains(record, limits)
    if not chains or not all(chain.stamps for chain in chains):
        raise Malformed("The evidence record has no archive time-stamp, or a chain without one.")
    return chains


def _form(chain: Chain) -> Form:
    return "xml" if chain.form == "xml" else _ASN1
