"""The trees, held against RFC 6962's own words, and proofs that cannot be bent."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.merkle import PathFinder, Tree, audit_path, root, root_from_path

values = st.lists(st.text("0123456789abcdef", min_size=1, max_size=8), min_size=1, max_size=70)


def by_the_book(leaves: list[str]) -> str:
    """RFC 6962, section 2.1, word by word."""

    def hash_of(part: list[str]) -> bytes:
        if len(part) == 1:
            return hashlib.sha256(b"\x00" + part[0].encode()).digest()
        k = 1
        while k * 2 < len(part):
            k *= 2
        return hashlib.sha256(b"\x01" + hash_of(part[:k]) + hash_of(part[k:])).digest()

    return hash_of(leaves).hex()


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[str], int]:
    leaves = draw(values)
    return leaves, draw(st.integers(0, len(leaves) - 1))


@given(values)
def test_root_is_that_of_the_rfc(leaves: list[str]) -> None:
    assert root(leaves) == by_the_book(leaves)


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root([]) == hashlib.sha256(b"").hexdigest()


@given(trees())
def test_path_leads_from_every_leaf_to_the_root(tree: tuple[list[str], int]) -> None:
    leaves, index = tree
    path = audit_path(leaves, index, len(leaves))
    assert root_from_path(leaves[index], index, len(leaves), path) == root(leaves)
    assert len(path) <= (len(leaves) - 1).bit_length()


@given(trees(), st.data())
def test_nothing_else_leads_there(tree: tuple[list[str], int], data: st.DataObject) -> None:
    leaves, index = tree
    path = list(audit_path(leaves, index, len(leaves)))
    other = data.draw(st.text("0123456789abcdef", max_size=8).filter(lambda v: v != leaves[index]))
    assert root_from_path(other, index, len(leaves), path) != root(leaves)
    assert root_from_path(leaves[index], index, len(leaves), [*path, "0" * 64]) is None
    if path:
        assert root_from_path(leaves[index], index, len(leaves), path[1:]) is None
        where = data.draw(st.integers(0, len(path) - 1))
        path[where] = hashlib.sha256(path[where].encode()).hexdigest()
        assert root_from_path(leaves[index], index, len(leaves), path) != root(leaves)


@given(values, values)
def test_copy_grows_on_its_own(leaves: list[str], more: list[str]) -> None:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    twin = tree.copy()
    for leaf in more:
        twin.add(leaf)
    assert (tree.root(), twin.root()) == (root(leaves), root([*leaves, *more]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3), (0, -1)])
def test_there_is_no_path_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    assert root_from_path("a", index, size, []) is None
    with pytest.raises(ValueError, match=str(index)):
        PathFinder(index, size)


def test_path_is_no_path_when_its_hashes_are_none() -> None:
    assert root_from_path("a", 0, 2, ["not hexadecimal"]) is None
    assert root_from_path("a", 0, 2**62, []) is None
