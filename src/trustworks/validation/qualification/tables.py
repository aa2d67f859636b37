"""Tables 1 to 7 of TS 119 615 as data, each cell by its row and column.

Rows are what the certificate states, columns what the list says of it. In tables 1 to 3 the columns are: the
list says nothing; NotQualified; QCStatement; the qualifier of that table's purpose; that one and QCStatement.
Q is qualified, N is not, I is indeterminate. Table 4 is a picture in the copy of the standard at hand: its
content is second-hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.qualification.model import QUALIFIED, UNDETERMINED, Device, Indication

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

# The row's QcTypes after whether there is QcCompliance; one that has it and no type is as one of type 1.
_TABLES: Final = {
    1: {
        (True, ""): "QNQQQ",
        (True, "1"): "QNQQQ",
        (True, "2"): "NNNQQ",
        (True, "3"): "NNNQQ",
        (True, "12"): "INIQQ",
        (True, "13"): "INIQQ",
        (True, "23"): "NNNQQ",
        (True, "123"): "INIQQ",
        (False, ""): "NNINQ",
        (False, "1"): "NNQNQ",
        (False, "2"): "NNNNQ",
        (False, "3"): "NNNNQ",
        (False, "12"): "NNINQ",
        (False, "13"): "NNINQ",
        (False, "23"): "NNNNQ",
        (False, "123"): "NNINQ",
    },
    2: {
        (True, ""): "NNNQQ",
        (True, "1"): "NNNQQ",
        (True, "2"): "QNQQQ",
        (True, "3"): "NNNQQ",
        (True, "12"): "INIQQ",
        (True, "13"): "NNNQQ",
        (True, "23"): "INIQQ",
        (True, "123"): "INIQQ",
        (False, ""): "NNINQ",
        (False, "1"): "NNNNQ",
        (False, "2"): "NNQNQ",
        (False, "3"): "NNNNQ",
        (False, "12"): "NNINQ",
        (False, "13"): "NNNNQ",
        (False, "23"): "NNINQ",
        (False, "123"): "NNINQ",
    },
    3: {
        (True, ""): "NNNQQ",
        (True, "1"): "NNNQQ",
        (True, "2"): "NNNQQ",
        (True, "3"): "QNQQQ",
        (True, "12"): "NNNQQ",
        (True, "13"): "INIQQ",
        (True, "23"): "INIQQ",
        (True, "123"): "INIQQ",
        (False, ""): "NNINQ",
        (False, "1"): "NNNNQ",
        (False, "2"): "NNNNQ",
        (False, "3"): "NNQNQ",
        (False, "12"): "NNNNQ",
        (False, "13"): "NNINQ",
        (False, "23"): "NNINQ",
        (False, "123"): "NNINQ",
    },
}

ANSWERS: Final = {
    1: {"Q": Indication.FOR_ESIG, "N": Indication.NOT_FOR_ESIG, "I": Indication.INDETERMINATE_FOR_ESIG},
    2: {"Q": Indication.FOR_ESEAL, "N": Indication.NOT_FOR_ESEAL, "I": Indication.INDETERMINATE_FOR_ESEAL},
    3: {"Q": Indication.QWAC, "N": Indication.NOT_QWAC, "I": Indication.INDETERMINATE_QWAC},
}


def column(*, not_qualified: bool, statement: bool, purpose: bool) -> int:
    """The column of tables 1 to 3, from the qualifiers that apply."""
    return 1 if not_qualified else 4 if statement and purpose else 3 if purpose else 2 if statement else 0


@implements(
    "TS119615:PRO-4.4.4-15",
    "TS119615:PRO-4.4.4-23",
    "TS119615:PRO-4.4.4-31",
    disabled=lambda kind, place, *, compliance, types: (ANSWERS[kind]["Q"], ()),  # noqa: ARG005
)
def purpose_of(
    kind: int, place: int, *, compliance: bool, types: AbstractSet[int]
) -> tuple[Indication, tuple[str, ...]]:
    """The cell of table 1, 2 or 3, and the warning that too little is known of the type, where it is so."""
    row = (compliance, "".join(str(one) for one in sorted(types)))
    answer = ANSWERS[kind][_TABLES[kind][row][place]]
    if row == (False, "") and place == column(not_qualified=False, statement=True, purpose=False):
        return answer, (f"WARNING_T{kind}_Not_Enough_Info_on_QC_Type",)
    return answer, ()


@implements("TS119615:PRO-4.4.4-32", disabled="")
def pair(one: Indication, other: Indication) -> str:
    """What table 4 says of two checks: an error where both are qualified, a warning where one is unknown."""
    if one in QUALIFIED and other in QUALIFIED:
        return f"ERROR_{one}_and_{other}"
    if one in UNDETERMINED or other in UNDETERMINED:
        return f"WARNING_{one}_and_{other}"
    return ""


@implements("TS119615:PRO-4.4.4-33-j", disabled=Indication.FOR_ESIG)
def under_directive(*, marked: bool, not_qualified: bool, statement: bool) -> Indication:
    """The cell of table 5: the row is whether the certificate has QcCompliance or a policy QCP or QCP+."""
    if not_qualified or not (marked or statement):
        return Indication.NOT_FOR_ESIG
    return Indication.FOR_ESIG


@implements("TS119615:PRO-4.5.4-03", "TS119615:PRO-4.5.4-04", disabled=Device.YES)
def device(*, stated: bool, with_device: bool, no_device: bool) -> Device:
    """The cell of tables 6 and 7: what the list says goes before what the certificate states."""
    if with_device:
        return Device.YES
    if no_device:
        return Device.NO
    return Device.YES if stated else Device.NO
