"""Merkle trees as in RFC 6962, section 2.1: one hash for many things, and short proofs for each.

A thing is shown to be under the root by the hashes of the subtrees beside its way up. Everything
is computed in one pass, with no more than one hash for every doubling of the number of things.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

LONGEST_PATH = 63
"""As many as a tree of 2 to the 63rd leaves needs."""


def _leaf(value: str) -> bytes:
    return hashlib.sha256(b"\x00" + value.encode()).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows at its right end; it remembers the roots of whole subtrees only."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[bytes] = []

    def add(self, value: str) -> None:
        """Put a leaf at the end."""
        self._whole.append(_leaf(value))
        self.size += 1
        count = self.size
        while count % 2 == 0:
            right = self._whole.pop()
            self._whole[-1] = _node(self._whole[-1], right)
            count //= 2

    def root(self) -> str:
        """The root as hexadecimal digits; that of no leaves is the hash of nothing."""
        if not self._whole:
            return hashlib.sha256().hexdigest()
        *others, top = self._whole
        for whole in reversed(others):
            top = _node(whole, top)
        return top.hex()

    def copy(self) -> Self:
        """Another one with the same leaves."""
        twin = type(self)()
        twin.size, twin._whole = self.size, list(self._whole)  # noqa: SLF001 its own kind
        return twin


@dataclass(frozen=True, slots=True)
class _Beside:
    """The leaves from `start` to before `stop`: a subtree beside the way, at its left or right."""

    start: int
    stop: int
    is_left: bool


def _way_down(index: int, size: int) -> list[_Beside]:
    """The subtrees beside the way from the root to a leaf, the largest first."""
    if not 0 <= index < size:
        raise ValueError(index)
    found: list[_Beside] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + (1 << (stop - start - 1).bit_length() - 1)
        if index < middle:
            found.append(_Beside(middle, stop, is_left=False))
            stop = middle
        else:
            found.append(_Beside(start, middle, is_left=True))
            start = middle
    return found


class PathFinder:
    """Collects the audit path of one leaf while all leaves pass by, in order.

    Args:
        index: the leaf, counted from 0.
        size: how many leaves there will be.

    Raises:
        ValueError: there is no such leaf.
    """

    def __init__(self, index: int, size: int) -> None:
        self._beside = _way_down(index, size)
        self._trees = [Tree() for _ in self._beside]
        self._order = sorted(range(len(self._beside)), key=lambda n: self._beside[n].start)
        self._count = 0
        self._at = 0

    def add(self, value: str) -> None:
        """The next leaf."""
        while self._at < len(self._order):
            number = self._order[self._at]
            if self._count < self._beside[number].stop:
                if self._count >= self._beside[number].start:
                    self._trees[number].add(value)
                break
            self._at += 1
        self._count += 1

    def path(self) -> tuple[str, ...]:
        """The hashes beside the way, from the leaf up, when all leaves have passed."""
        return tuple(tree.root() for tree in reversed(self._trees))


def root(values: Iterable[str]) -> str:
    """The root over these leaves."""
    tree = Tree()
    for value in values:
        tree.add(value)
    return tree.root()


def audit_path(values: Iterable[str], index: int, size: int) -> tuple[str, ...]:
    """What shows that the leaf at `index` is one of these, whose number is `size`."""
    finder = PathFinder(index, size)
    for value in values:
        finder.add(value)
    return finder.path()


def root_from_path(value: str, index: int, size: int, path: Sequence[str]) -> str | None:
    """The root over `size` leaves of which this one is at `index`; None if the path is none.

    Args:
        value: the leaf.
        index: its place, counted from 0.
        size: how many leaves there are.
        path: hexadecimal digits, from the leaf up.
    """
    try:
        way = _way_down(index, size)
        beside = [bytes.fromhex(digits) for digits in path]
    except ValueError:
        return None
    if len(way) != len(beside):
        return None
    top = _leaf(value)
    for step, other in zip(reversed(way), beside, strict=True):
        top = _node(other, top) if step.is_left else _node(top, other)
    return top.hex()
