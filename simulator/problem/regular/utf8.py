"""Read UTF-8 byte by byte as classes of characters, by two tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from simulator.typing import Bools, Ints

__all__ = ["ByteReader"]

# what has been read of a character: its first bytes, or the class that it is sure to have and the
# number of bytes to come
Node: TypeAlias = bytes | tuple[int, int]

LEAST = (0x80, 0x800, 0x10000)  # code points of two, three and four bytes
MOST = 0x10FFFF


class ByteReader:
    """A table of what each byte does to a character that is half read.

    Parameters
    ----------
    classes : mapping of str to int
        Class of each character that is named, in 0..K-1.
    other : int
        That of all others.
    n_classes : int
        K.

    Attributes
    ----------
    step : (P, 256) int array
        The next node; node 0 is between two characters.
    read : (P, 256) int array
        Class of the character that the byte completes; K where it completes none, and K + 1 where
        this is no UTF-8.
    reach : (P, K) bool array
        Classes of the characters that a node can become.

    Examples
    --------
    >>> reader = ByteReader({"é": 0}, 1, 2)
    >>> first, second = "é".encode()
    >>> node = reader.step[0, first]
    >>> int(reader.read[0, first]), int(reader.read[node, second]), reader.reach[node].tolist()
    (2, 0, [True, True])
    """

    def __init__(self, classes: Mapping[str, int], other: int, n_classes: int) -> None:
        self.other, self.k = other, n_classes
        self.points = np.array(sorted(map(ord, classes)), dtype=np.int64)
        self.of_point = np.array([classes[chr(c)] for c in self.points], dtype=np.int64)
        self.nodes: dict[Node, int] = {b"": 0}
        queue: list[Node] = [b""]
        steps, reads, reach = [], [], []
        for node in queue:  # it grows meanwhile
            step, read = np.zeros((2, 256), dtype=np.int64)
            read[:] = n_classes + 1
            for byte in range(256):
                child, kind = self._child(node, byte)
                if child not in self.nodes:
                    self.nodes[child] = len(queue)
                    queue.append(child)
                step[byte], read[byte] = self.nodes[child], kind
            steps.append(step)
            reads.append(read)
            reach.append(self._reach(node))
        self.step: Ints = np.array(steps)
        self.read: Ints = np.array(reads)
        self.reach: Bools = np.array(reach)

    def _child(self, node: Node, byte: int) -> tuple[Node, int]:
        """Where a byte leads, and what it completes."""
        none, wrong = self.k, self.k + 1
        if node == b"" and byte < 0x80:
            return b"", int(self._classes(byte, byte)[0])
        if not (0xC2 <= byte <= 0xF4 if node == b"" else 0x80 <= byte <= 0xBF):
            return b"", wrong
        if isinstance(node, tuple):
            kind, rest = node
            return ((kind, rest - 1), none) if rest > 1 else (b"", kind)
        prefix = node + bytes([byte])
        low, high, rest = code_points(prefix)
        if low > high:
            return b"", wrong
        found = self._classes(low, high)
        if rest == 0:
            return b"", int(found[0])
        alike = found.size == 1 and high - low + 1 == 64**rest
        return ((int(found[0]), rest) if alike else prefix), none

    def _classes(self, low: int, high: int) -> Ints:
        """Classes of the characters from one code point to another."""
        first, last = np.searchsorted(self.points, [low, high + 1])
        found = np.unique(self.of_point[first:last])
        return found if last - first == high + 1 - low else np.union1d(found, self.other)

    def _reach(self, node: Node) -> Bools:
        out = np.zeros(self.k + 2, dtype=np.bool_)
        if isinstance(node, tuple):
            out[node[0]] = True
        else:
            low, high, _ = code_points(node) if node else (0, MOST, 0)
            out[self._classes(low, high)] = True
        return out[: self.k]


def code_points(prefix: bytes) -> tuple[int, int, int]:
    """Return the first and last character that begin with some bytes, and the bytes to come.

    Parameters
    ----------
    prefix : bytes
        From the first byte of a character of two bytes or more.

    Returns
    -------
    low, high, rest : int
        low > high where there is none.

    Examples
    --------
    >>> [hex(c) for c in code_points(bytes([0xE0]))[:2]]
    ['0x800', '0xfff']
    """
    length = 2 + (prefix[0] >= 0xE0) + (prefix[0] >= 0xF0)
    point = prefix[0] & (0x7F >> length)
    for byte in prefix[1:]:
        point = point << 6 | byte & 0x3F
    rest = length - len(prefix)
    low, high = point << 6 * rest, (point + 1 << 6 * rest) - 1
    highest = 0xD7FF if prefix[0] == 0xED else MOST  # no surrogates
    return max(low, LEAST[length - 2]), min(high, highest), rest
