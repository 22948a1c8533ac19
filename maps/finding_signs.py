"""Appearance of the kinds of finding: family, colour, shape of the sign, and its character.

There are more kinds than distinguishable colours. Therefore six families have a colour (Okabe and Ito's, for any colour vision)
and a shape, and each kind has its own character.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from geo.coverage import Kind
from geo.coverage.report import EXPLANATIONS

#: Families: name in Chinese and English, colour, shape of the sign.
FAMILIES: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "twice": ("重复覆盖", "covered twice", "#d55e00", "circle"),
        "bare": ("未覆盖", "not covered", "#0072b2", "square"),
        "beyond": ("越界", "beyond a border", "#8e3a73", "diamond"),
        "drawing": ("图形与顶点", "polygons and vertices", "#a66f00", "triangle"),
        "shape": ("网格形态", "shape of a cell", "#00775a", "hexagon"),
        "register": ("编码与登记", "codes and records", "#4d4d4d", "tag"),
    }
)

_FAMILY_OF = {
    "twice": {Kind.OVERLAP: ("叠", "O"), Kind.DUPLICATE_POLYGON: ("同", "=")},
    "bare": {
        Kind.GAP: ("空", "G"),
        Kind.SLIVER: ("缝", "S"),
        Kind.OUTLINE_UNCOVERED: ("露", "U"),
        Kind.INLET: ("缺", "I"),
    },
    "beyond": {Kind.OUTSIDE_OUTLINE: ("出", "X"), Kind.NOT_NESTED: ("越", "N")},
    "drawing": {
        Kind.UNMATCHED_EDGE: ("错", "T"),
        Kind.INVALID_GEOMETRY: ("坏", "V"),
        Kind.EMPTY_GEOMETRY: ("无", "E"),
    },
    "shape": {Kind.DETACHED_PART: ("离", "D"), Kind.CORNER_CONTACT: ("角", "C"), Kind.RING_SHAPED: ("环", "R")},
    "register": {
        Kind.WRONG_PARENT: ("误", "P"),
        Kind.MISSING_PARENT: ("孤", "M"),
        Kind.DUPLICATE_CODE: ("重", "2"),
        Kind.BAD_CODE: ("码", "#"),
        Kind.WRONG_COUNT: ("数", "±"),
        Kind.AREA_MISMATCH: ("积", "A"),
    },
}


@dataclass(frozen=True)
class Sign:
    """Appearance of one kind of finding.

    Attributes
    ----------
    family
        Key of :data:`FAMILIES`.
    colour, shape
        Those of the family.
    name
        Chinese and English.
    mark
        The character in the sign, Chinese and English.
    """

    family: str
    colour: str
    shape: str
    name: tuple[str, str]
    mark: tuple[str, str]


def sign(kind: Kind | str) -> Sign:
    """Appearance of a kind.

    >>> sign("gap").mark, sign("gap").shape
    (('空', 'G'), 'square')
    """
    kind = Kind(kind)
    family, mark = next((family, marks[kind]) for family, marks in _FAMILY_OF.items() if kind in marks)
    _, _, colour, shape = FAMILIES[family]
    name = kind.value.replace("_", " ")
    return Sign(family, colour, shape, (EXPLANATIONS[kind][0], name[0].upper() + name[1:]), mark)


#: Outline of each shape as an SVG path, in a box from -10 to 10.
SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "circle": "M-9 0a9 9 0 1 0 18 0a9 9 0 1 0 -18 0z",
        "square": "M-8.5 -8.5h17v17h-17z",
        "diamond": "M0 -11.5l11.5 11.5l-11.5 11.5l-11.5 -11.5z",
        "triangle": "M0 -11.5l12 20.5h-24z",
        "hexagon": "M-5.4 -9.4h10.8l5.4 9.4l-5.4 9.4h-10.8l-5.4 -9.4z",
        "tag": "M-10 -7.5h14l7 7.5l-7 7.5h-14z",
    }
)
