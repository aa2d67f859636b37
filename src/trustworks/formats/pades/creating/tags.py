"""A signature field in the structure of a tagged PDF, so that who has it read out is told of it.

Source: ISO 32000-2, 14.7.5.3 (OBJR) and 14.7.5.4 (parent tree); ISO 14289-1, 7.18 (from memory).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.formats.pades.creating.written import text
from trustworks.formats.pades.document import named
from trustworks.formats.pades.syntax import Name, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.formats.pades.creating.update import Update
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

_DEPTH: Final = 32
_MOST_KEY: Final = 1 << 31


@implements("ISO32000-2:14.7.5.3-FIELD", disabled=False)
def is_tagged(view: View) -> bool:
    """Whether a file has a structure that a field can be put into."""
    return bool(view.entries(view.root.get("StructTreeRoot")))


def put_tag(update: Update, made: Ref, place: Ref, alternative: str) -> int:
    """Puts a new widget into the structure as a form; answers the key that it has in the parent tree.

    Raises `Malformed`: the structure cannot be followed.
    """
    root = update.inside(update.catalogue(), "StructTreeRoot", dict)
    reference = update.catalogue().get("StructTreeRoot")
    if not isinstance(reference, Ref):
        raise Malformed("The structure of the tagged PDF is no object by itself, as it must be.")
    above, parent = _parent(update, root, reference)
    form: dict[str, Object] = {
        "Type": Name("StructElem"),
        "S": Name("Form"),
        "P": parent,
        "Pg": place,
        "Alt": text(alternative),
        "K": [{"Type": Name("OBJR"), "Obj": made, "Pg": place}],
    }
    if "NS" in above:
        form["NS"] = above["NS"]
    element = update.add(form)
    _append(update, above, element)
    key = _next_key(update.view, root)
    tree = update.inside(root, "ParentTree", dict)
    if "Kids" in tree:
        leaf: dict[str, Object] = {"Limits": [key, key], "Nums": [key, element]}
        update.inside(tree, "Kids", list).append(update.add(leaf))
    else:
        update.inside(tree, "Nums", list).extend((key, element))
    root["ParentTreeNextKey"] = key + 1
    return key


def _parent(update: Update, root: dict[str, Object], reference: Ref) -> tuple[dict[str, Object], Ref]:
    """The element that the form comes into: that of the whole document where there is one, else the root."""
    top = root.get("K")
    found = update.view.get(top)
    if isinstance(found, list):
        top = found[0] if len(found) == 1 else None
    if isinstance(top, Ref) and named(update.view.get(update.view.entries(top).get("S")), "Document", "Part"):
        held = update.edit(top, dict)
        if held is not None:
            return held, top
    return root, reference


def _append(update: Update, above: dict[str, Object], element: Ref) -> None:
    """One more kid: of none, of one, or of several."""
    kids = above.get("K")
    if kids is None:
        above["K"] = element
    elif isinstance(update.view.get(kids), list):
        update.inside(above, "K", list).append(element)
    else:
        above["K"] = [kids, element]


def _next_key(view: View, root: dict[str, Object]) -> int:
    """A key of the parent tree that is higher than all in it."""
    said = view.get(root.get("ParentTreeNextKey"))
    keys = [said - 1] if isinstance(said, int) else []
    highest = max([-1, *keys, *_keys(view, root.get("ParentTree"))])
    if highest >= _MOST_KEY:
        raise Malformed("The structure of the tagged PDF has no keys left in its parent tree.")
    return highest + 1


def _keys(view: View, tree: Object) -> Iterator[int]:
    waiting = [(tree, 0)]
    while waiting:
        here, depth = waiting.pop()
        view.document.work()
        entries = view.entries(here)
        for one in (*view.items(entries.get("Nums"))[::2], *view.items(entries.get("Limits"))):
            found = view.get(one)
            if isinstance(found, int):
                yield found
        if depth < _DEPTH:
            waiting += [(kid, depth + 1) for kid in view.items(entries.get("Kids"))]
