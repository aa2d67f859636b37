"""Canonical forms: what the recommendations show, and two implementations against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.xml import algorithms as names
from trustworks.core.xml import canonical
from trustworks.core.xml.canonical import Renderings, canonicalise
from trustworks.core.xml.nodes import NodeSet, subtree, whole_document
from trustworks.core.xml.parse import parse
from trustworks.core.xml.writer import Writer

if TYPE_CHECKING:
    from lxml import etree

ALL = sorted(canonical.ALGORITHMS)


def one(root: etree._Element, path: str) -> etree._Element:
    found: Any = root.xpath(path)
    return found[0]  # type: ignore[no-any-return]  # a path gives a list


def test_comments_and_instructions_beside_the_root_have_lines_of_their_own() -> None:
    root = parse(
        b"<?xml version='1.0'?>\n<?style  a?>\n\n<!-- 1 --><d>Hi!<!-- 2 --></d> <?end?>\n<!-- 3 -->\n"
    )
    everything = whole_document(root, comments=True)
    assert canonicalise(everything) == b"<?style a?>\n<d>Hi!</d>\n<?end?>"
    assert canonicalise(everything, names.C14N_COMMENTS) == (
        b"<?style a?>\n<!-- 1 -->\n<d>Hi!<!-- 2 --></d>\n<?end?>\n<!-- 3 -->"
    )
    without = whole_document(root, comments=False)
    assert canonicalise(without, names.C14N_COMMENTS) == canonicalise(everything)
    assert canonicalise(root, names.C14N_COMMENTS) == b"<d>Hi!<!-- 2 --></d>"


def test_start_tags_are_written_in_one_way() -> None:
    root = parse(
        b"<doc><e1  /><e3  name = 'e3'   id='3' xmlns:b='u:b' xmlns='u:a' b:attr='x' a='1'/>"
        b"<e7 xmlns=''><e8 xmlns='u:w' xml:space='preserve' b=\"'&quot;&#9;&#10;&#13;&lt;>\">"
        b"&#13;&gt;</e8></e7></doc>"
    )
    assert canonicalise(root) == (
        b'<doc><e1></e1><e3 xmlns="u:a" xmlns:b="u:b" a="1" id="3" name="e3" b:attr="x"></e3><e7>'
        b'<e8 xmlns="u:w" b="\'&quot;&#x9;&#xA;&#xD;&lt;>" xml:space="preserve">&#xD;&gt;</e8></e7></doc>'
    )


@pytest.mark.req("C14N:2.4", "C14N11:2.4-INHERITED")
def test_a_part_inherits_as_its_algorithm_says() -> None:
    root = parse(
        b"<a xmlns='u:1' xmlns:p='u:2' xml:lang='de' xml:id='x' xml:base='http://h/b/'>"
        b"<b xml:base='c/' xml:space='preserve'><p:d/></b></a>"
    )
    part = one(root, "//*[local-name() = 'd']")
    assert canonicalise(part) == (
        b'<p:d xmlns="u:1" xmlns:p="u:2" xml:base="c/" xml:id="x" xml:lang="de" xml:space="preserve"></p:d>'
    )
    assert canonicalise(part, names.C14N11) == (
        b'<p:d xmlns="u:1" xmlns:p="u:2" xml:base="http://h/b/c/" xml:lang="de" xml:space="preserve"></p:d>'
    )
    assert canonicalise(part, names.EXCLUSIVE) == b'<p:d xmlns:p="u:2"></p:d>'
    assert canonicalise(part, names.EXCLUSIVE, ["#default", "p", "q"]) == (
        b'<p:d xmlns="u:1" xmlns:p="u:2"></p:d>'
    )


@pytest.mark.parametrize(
    ("bases", "joined"),
    [
        (["http://h/a/b", "c"], "http://h/a/c"),
        (["a/b/", "../c"], "a/c"),
        (["a/", "../../c"], "../c"),
        (["../a/", "b"], "../a/b"),
        (["a/", "/b/"], "/b/"),
        (["/a/b/", "../c"], "/a/c"),
        (["a/", "http://h/"], "http://h/"),
        (["a/b", "."], "a/"),
    ],
)
@pytest.mark.req("C14N11:2.4-BASE")
def test_bases_of_1_1_are_joined_where_what_had_them_is_left_out(bases: list[str], joined: str) -> None:
    root = parse(f"<a xml:base='{bases[0]}'><b xml:base='{bases[1]}'><c/></b></a>".encode())
    assert canonicalise(one(root, "//c"), names.C14N11) == f'<c xml:base="{joined}"></c>'.encode()


def test_an_element_whose_parent_is_in_inherits_nothing() -> None:
    root = parse(b"<a xml:lang='de' xmlns:p='u:p'><b/><c/></a>")
    assert canonicalise(whole_document(root, comments=False).without(one(root, "//b"))) == (
        b'<a xmlns:p="u:p" xml:lang="de"><c></c></a>'
    )


@pytest.mark.req("EXC-C14N:3")
def test_single_nodes_may_be_left_out() -> None:
    root = parse(b"<a x='1' xmlns='u:a' xmlns:p='u:p'>t<b y='2'><p:c/>u</b>v</a>")
    b, a = root[0], root
    left = whole_document(root, comments=False).less(
        frozenset({(b, ""), (a, "@x"), (a, "text"), (b, "tail"), (a, "xmlns:")})
    )
    # The tags of b are out, its namespaces and attributes are not: they are written where they stand (2.3).
    assert canonicalise(left) == b'<a xmlns:p="u:p"> xmlns="u:a" y="2"<p:c xmlns="u:a"></p:c>u</a>'
    assert canonicalise(left, names.EXCLUSIVE) == b'<a> y="2"<p:c xmlns:p="u:p"></p:c>u</a>'


def test_an_unknown_algorithm_is_rejected() -> None:
    with pytest.raises(Rejected, match="no canonicalisation algorithm"):
        canonicalise(parse(b"<a/>"), "http://example.org/c14n")


@pytest.mark.parametrize("algorithm", ALL)
def test_relative_namespaces_have_no_canonical_form(algorithm: str) -> None:
    root = parse(b"<a xmlns='relative'><b/></a>")
    for nodes in (whole_document(root, comments=True), subtree(root[0], comments=True)):
        with pytest.raises(Malformed, match="no canonical form"):
            canonicalise(nodes, algorithm)
        with pytest.raises(Malformed, match="no canonical form"):
            canonicalise(nodes.less(frozenset({(root, "text")})), algorithm)


NAMES = st.sampled_from(["x", "y"])
PREFIXES = st.sampled_from(["", "a", "b"])
TEXTS = st.sampled_from(
    ["", "t&gt;", "&#13;", "<![CDATA[<&]]>", "<!--c<x -->", "<?pi <x ?>", "\N{EURO SIGN}"]
)


@st.composite
def elements(draw: st.DrawFn, scope: tuple[tuple[str, str], ...] = (), depth: int = 0) -> str:
    """An element with namespaces and attributes of every kind."""
    declared = dict(scope)
    attributes = []
    for prefix in ("", "a", "b"):
        uri = draw(st.sampled_from([None, None, "u:1", "u:2", "" if not prefix else None]))
        if uri is not None:
            declared[prefix] = uri
            attributes.append(f'xmlns{":" if prefix else ""}{prefix}="{uri}"')
    used = set()
    for prefix in [prefix for prefix in declared if prefix] + [""]:
        name = draw(st.sampled_from([None, "m", "n"]))
        key = (declared.get(prefix) if prefix else "", name)
        if name and key not in used:
            used.add(key)
            attributes.append(f'{prefix}{":" if prefix else ""}{name}="v&amp;&#10;&lt;>&quot;"')
    attributes += draw(
        st.sampled_from([[], [], ['xml:lang="de"'], ['xml:space="preserve"'], ['xml:base="b/"']])
    )
    prefix = draw(st.sampled_from([*declared, ""]))
    name = f"{prefix}{':' if prefix else ''}{draw(NAMES)}"
    content = draw(TEXTS)
    if depth < 4:
        for _ in range(draw(st.integers(0, 3))):
            content += draw(elements(tuple(declared.items()), depth + 1)) + draw(TEXTS)
    return f"<{name} {' '.join(draw(st.permutations(attributes)))}>{content}</{name}>"


@settings(max_examples=60)
@given(elements(), st.data())
def test_both_ways_to_write_give_the_same_octets(text: str, data: st.DataObject) -> None:
    """Libxml2 with cuts, and node by node: independent of each other but for what they are asked."""
    root = parse(f"<!--h--><?p?>{text}<?q r?><!--t-->".encode())
    everything = list(root.iter("*"))
    renderings = Renderings(root)
    for _ in range(3):
        comments = data.draw(st.booleans())
        nodes = (
            whole_document(root, comments=comments)
            if data.draw(st.booleans())
            else subtree(data.draw(st.sampled_from(everything)), comments=comments)
        )
        for cut in data.draw(st.lists(st.sampled_from(everything), max_size=3)):
            if cut not in nodes.switches:
                nodes = nodes.without(cut)
        for algorithm in ALL:
            prefixes = data.draw(st.sampled_from([(), ("a",), ("a", "b")]))
            assert canonicalise(nodes, algorithm, prefixes, renderings) == by_nodes(
                nodes, algorithm, prefixes
            )


def by_nodes(nodes: NodeSet, algorithm: str, prefixes: tuple[str, ...]) -> bytes:
    method = canonical._METHODS[algorithm]
    exclusive = method.family == "exclusive"
    return Writer(
        nodes, method.family, comments=method.comments, prefixes=prefixes if exclusive else ()
    ).write()
