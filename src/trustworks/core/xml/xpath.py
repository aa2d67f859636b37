"""XPath expressions of signatures: read, priced, and only then evaluated by libxml2.

An expression has the functions of XPath 1.0 and here(), no variables and no others. What evaluating it may
cost is estimated first from its steps and the size of the document, and what may cost too much is refused:
libxml2 cannot be stopped once it has begun. Sources: XPath 1.0; XML Signature 1.1, 6.6.3; XML-Signature XPath
Filter 2.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from trustworks.core.errors import BeyondLimit, Rejected
from trustworks.core.values import dataclass
from trustworks.core.xml.tokens import refuse, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.core.xml.parse import Ids

# Functions that give nodes; and those that look at names or numbers of nodes and not at their characters.
_OF_NODES: Final = frozenset({"id", "here"})
_WITHOUT_STRINGS: Final = frozenset({
    "last", "position", "count", "local-name", "namespace-uri", "name", "boolean", "not", "true", "false",
    "lang", "here",
})  # fmt: skip
_ARITY: Final = {"id": 1, "here": 0}  # libxml2 looks after those of its own functions
_LOOKED_UP: Final = 100  # what it costs to look an identifier up
_NESTING: Final = 24
_ID_FUNCTION: Final = "id-of-document"  # libxml2 does not let its own id() be replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What bounds the work of an expression: nodes, depth, namespaces in scope, and octets of a document.

    `long_attributes` tells of attributes whose values are long enough to count.
    """

    nodes: int
    depth: int
    namespaces: int
    octets: int
    long_attributes: bool

    @property
    def text(self) -> int:
        """What reading all characters of the document costs, in visits to nodes."""
        return 1 + self.octets // 100


_NODES: Final = etree.XPath("count(//node()) + count(//@*)")
_LONG: Final = etree.XPath("boolean(//@*[string-length() > 2000])")
_LENGTH: Final = etree.XPath("string-length(/)")


def size_of(root: etree._Element) -> Size:
    """Measure a document, in time that grows as it does."""
    depth = 1
    while depth < 4096 and root.xpath("boolean(" + "/*" * (depth + 1) + ")"):  # a depth or a little more
        depth += max(1, depth // 4)
    nodes = int(float(str(_NODES(root)))) + 1
    return Size(
        nodes=nodes,
        depth=depth + 2,
        namespaces=4,
        octets=int(float(str(_LENGTH(root)))) + 20 * nodes,
        long_attributes=bool(_LONG(root)),
    )


@dataclass(slots=True)
class _Operand:
    """A part of an expression: how many nodes it gives, what it costs, whether all are attributes."""

    count: int
    cost: int
    attributes: bool = False
    nodes: bool = True


class _Reader:
    """Reads an expression by the grammar of XPath 1.0 as far as its price needs it."""

    def __init__(self, text: str, size: Size) -> None:
        self._size = size
        self._at = 0
        self._tokens = list(tokens(text))
        self._conditions = 0
        self.plain = True
        self._relative: list[int] = []  # where paths begin that start from the context node of the expression
        self.positional = any(
            kind == "function" and word in {"position", "last"} for kind, word in self._tokens
        )

    def cost(self) -> int:
        operand = self._expression(0)
        if self._at < len(self._tokens):
            refuse("cannot be read")
        return operand.cost

    def written(self, *, from_root: bool) -> str:
        """The expression again; `from_root` has its relative paths begin at the document node."""
        words = [_ID_FUNCTION if kind == "id" else word for kind, word in self._tokens]
        for at in self._relative if from_root else ():
            words[at] = "/" + words[at]
        return " ".join(words)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> bool:
        if self._kind() != "literal" and self._peek() in wanted:
            self._at += 1
            return True
        return False

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            refuse("cannot be read")

    def _expression(self, depth: int) -> _Operand:
        if depth > _NESTING:
            raise BeyondLimit(f"An XPath expression is nested more than {_NESTING} deep, which is not read.")
        left = self._operand(depth)
        cost = left.cost
        operator = False
        while self._kind() in {"operator", "symbol"} and self._peek() not in {")", "]", ","}:
            name = self._peek()
            self._at += 1
            right = self._operand(depth)
            cost += right.cost + 1
            if name == "|":
                if not (left.nodes and right.nodes):
                    refuse("unites what are no nodes")
                # Each node of one set is looked for in the other.
                cost += left.count * right.count
                left = _Operand(
                    min(left.count + right.count, self._size.nodes), 0, left.attributes and right.attributes
                )
                continue
            operator = True
            if name not in {"and", "or"}:
                pairs = left.count * right.count if left.nodes and right.nodes else 0
                cost += pairs + self._strings(left) + self._strings(right)
            left = right
        if operator:
            return _Operand(1, cost, nodes=False)
        return _Operand(left.count, cost, left.attributes, left.nodes)

    def _strings(self, operand: _Operand) -> int:
        """What the characters of nodes cost: those of nested elements are read once for each."""
        if not operand.nodes:
            return 1
        if operand.attributes and not self._size.long_attributes:
            return operand.count
        self.plain = False
        return operand.count + min(operand.count, self._size.depth) * self._size.text

    def _operand(self, depth: int) -> _Operand:  # noqa: C901 - a case for each way to begin
        while self._kind() in {"symbol", "operator"} and self._take("-"):
            pass
        kind, word = self._kind(), self._peek()
        if kind in {"literal", "number"}:
            self._at += 1
            return _Operand(1, 1, nodes=False)
        if word == "$":
            refuse("has a variable, which nothing gives a value")
        if kind in {"function", "id"} or word == "(":
            start = self._call(depth) if word != "(" else self._group(depth)
            start = self._predicates(start, depth)
            if self._peek() not in {"/", "//"} or self._kind() != "symbol":
                return start
            if not start.nodes:
                refuse("takes a step from what are no nodes")
        elif kind == "symbol" and word in {"/", "//"}:
            start = _Operand(1, 1)
            if word == "/":
                self._at += 1
                return self._steps(start, depth, optional=True)
        else:
            if not self._conditions:
                self._relative.append(self._at)
            return self._steps(_Operand(1, 1), depth, optional=False)
        if self._take("//"):
            start = self._step_from("descendant-or-self", start)
        else:
            self._expect("/")
        return self._steps(start, depth, optional=False)

    def _group(self, depth: int) -> _Operand:
        self._expect("(")
        operand = self._expression(depth + 1)
        self._expect(")")
        return operand

    def _call(self, depth: int) -> _Operand:
        name = self._peek()
        self.plain = self.plain and (name in _WITHOUT_STRINGS or name == "id")
        self._at += 1
        self._expect("(")
        cost = 1
        arguments = 0
        counts: list[int] = []
        while not self._take(")"):
            if arguments:
                self._expect(",")
            argument = self._expression(depth + 1)
            arguments += 1
            counts.append(argument.count)
            cost += argument.cost + (1 if name in _WITHOUT_STRINGS else self._strings(argument))
        if arguments != _ARITY.get(name, arguments):
            refuse(f"calls {name}() with {arguments} arguments")
        if not arguments and name in {"string", "number", "string-length", "normalize-space"}:
            cost += self._size.text
        if name == "lang":
            cost += self._size.depth
        if name == "id":
            cost += sum(_LOOKED_UP * argument for argument in counts)
            return _Operand(min(self._size.nodes, 8), cost)
        return _Operand(1, cost, nodes=name in _OF_NODES)

    def _steps(self, start: _Operand, depth: int, *, optional: bool) -> _Operand:
        operand = start
        first = True
        while True:
            found = self._step(operand, depth)
            if found is None:
                if first and optional:
                    return operand
                refuse("cannot be read")
            operand, first = found, False
            if self._kind() != "symbol":
                return operand
            if self._take("//"):
                operand = self._step_from("descendant-or-self", operand)
            elif not self._take("/"):
                return operand

    def _step(self, context: _Operand, depth: int) -> _Operand | None:
        kind, word = self._kind(), self._peek()
        if kind == "symbol" and word in {".", ".."}:
            self._at += 1
            return self._step_from("self" if word == "." else "parent", context)
        axis = "child"
        if kind == "symbol" and word == "@":
            self._at += 1
            axis = "attribute"
        elif kind == "axis":
            axis = word
            self._at += 1
            self._expect("::")
        kind, word = self._kind(), self._peek()
        if kind == "type":
            self._at += 1
            self._expect("(")
            if self._kind() == "literal" and word == "processing-instruction":
                self._at += 1
            self._expect(")")
        elif kind in {"name", "any"}:
            self._at += 1
        else:
            return None
        return self._predicates(self._step_from(axis, context), depth)

    def _step_from(self, axis: str, context: _Operand) -> _Operand:
        size = self._size
        count = context.count
        match axis:
            case "self":
                found, visits = count, count
            case "parent":
                found, visits = count, count
            case "child" | "attribute":
                found = visits = size.nodes
            case "namespace":
                found, visits = count * size.namespaces, 20 * count * size.namespaces
            case "ancestor" | "ancestor-or-self":
                found = visits = count * size.depth
            case "descendant" | "descendant-or-self" if count == 1:
                found = visits = size.nodes
            case "descendant" | "descendant-or-self":
                # libxml2 looks for each node that it finds among those that it has: as often as it is found.
                found, visits = size.nodes, size.nodes * min(size.depth, count) * size.nodes
            case _:
                found, visits = size.nodes, 8 * size.nodes * (1 if count == 1 else count * size.nodes)
        if axis in {"ancestor", "ancestor-or-self", "parent"} and count > 1:
            visits += found * min(count, size.nodes)
        found = min(found, size.nodes * (size.namespaces if axis == "namespace" else 1))
        return _Operand(max(found, 1), context.cost + visits + 1, axis == "attribute")

    def _predicates(self, operand: _Operand, depth: int) -> _Operand:
        while self._kind() == "symbol" and self._take("["):
            self._conditions += 1
            predicate = self._expression(depth + 1)
            self._conditions -= 1
            self._expect("]")
            if not operand.nodes:
                refuse("puts a condition on what are no nodes")
            operand = _Operand(
                operand.count, operand.cost + operand.count * (predicate.cost + 1), operand.attributes
            )
        return operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression that may be evaluated.

    `positional` where it asks for position() or last(); `plain` where it reads no characters but those of
    short attributes.
    """

    text: str
    cost: int
    positional: bool
    plain: bool


def read(text: str, size: Size, *, longest: int, from_root: bool) -> Expression:
    """Read an expression and estimate the visits to nodes that one evaluation costs.

    `from_root` has it evaluated at the document node, which lxml does not do by itself.

    Raises `Rejected` (xml.xpath) for what is not XPath 1.0 with here(), or is longer than `longest`.
    """
    if len(text) > longest:
        raise BeyondLimit(f"An XPath expression is longer than the {longest} characters that are read.")
    reader = _Reader(text, size)
    cost = reader.cost()
    return Expression(
        text=reader.written(from_root=from_root), cost=cost, positional=reader.positional, plain=reader.plain
    )


def compiled(
    text: str, namespaces: Mapping[str, str], ids: Ids, here: etree._Element
) -> Callable[[etree._Element], Any]:
    """An expression of `read`, ready to be evaluated. Raises `Rejected` where libxml2 does not take it."""

    def look_up(_: object, wanted: object) -> list[etree._Element]:
        values = wanted if isinstance(wanted, list) else [wanted]
        names = {name for value in values for name in _string(value).split()}
        # XPath puts a set of nodes into the order of the document where that matters.
        return [element for name in names if (element := ids.get(name)) is not None]

    functions: dict[tuple[None, str], Callable[..., Any]] = {
        (None, _ID_FUNCTION): look_up,
        (None, "here"): lambda _: [here],
    }
    try:
        expression = etree.XPath(
            text,
            namespaces=dict(namespaces),
            extensions=functions,
            regexp=False,
        )
    except (etree.XPathError, ValueError) as error:
        raise Rejected("xml.xpath", f"The XPath expression cannot be read: {error}.") from error

    def evaluate(node: etree._Element) -> Any:
        try:
            return expression(node)
        except etree.XPathError as error:
            raise Rejected("xml.xpath", f"The XPath expression cannot be evaluated: {error}.") from error

    return evaluate


def _string(value: object) -> str:
    if isinstance(value, etree._Element):
        return "".join(str(text) for text in value.itertext())
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
