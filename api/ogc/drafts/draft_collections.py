"""The collections of a draft, one for each level, named ``draft-<number>-<level>``."""

from __future__ import annotations

import re
from dataclasses import replace

from api.access import Right
from api.ogc.catalogue import LAYER_PROPERTIES, Collection
from geo.layers import Level

#: Attributes of a cell that can be changed here; borders are edited in the editor.
EDITABLE = ("name", "leader")
DRAFT_PROPERTIES = tuple(replace(entry, editable=entry.name in EDITABLE) for entry in LAYER_PROPERTIES)
#: Maximum number of drafts listed, last changed first; others are available by their address.
MOST_LISTED = 50

_TITLES = {
    Level.STREET: ("街道", "street"),
    Level.COMMUNITY: ("社区、园区", "communities"),
    Level.SECOND: ("二级网格", "second-level grids"),
    Level.THIRD: ("三级网格", "third-level grids"),
}
_IDENTIFIER = re.compile(rf"draft-([1-9][0-9]{{0,9}})-({'|'.join(level.layer for level in Level)})")
_GREATEST = 2**31 - 1


def draft_collection(number: int, level: Level, name: str = "") -> Collection:
    """The collection of one level of a draft; `name` is that of the draft."""
    zh, en = _TITLES[level]
    called = f"“{name}”" if name else ""
    return Collection(
        f"draft-{number}-{level.layer}",
        f"草案 {number}{called}：{zh}",
        f"Draft {number}{f' ({name})' if name else ''}: {en}",
        "未发布的划分方案；可修改名称和格长，每次修改都是草案的一个编辑步骤",
        "a division that is not published; names and leaders may be changed, and each change is an edit of the draft",
        DRAFT_PROPERTIES,
        right=Right.PLAN,
        time="none",
        level=level,
        draft=number,
        editing=(Right.PLAN, Right.PLAN),
    )


def draft_collection_of(identifier: str) -> Collection | None:
    """The collection of an identifier, whether or not the draft exists; None if the identifier has another form.

    >>> found = draft_collection_of("draft-12-second")
    >>> found.draft, found.level.layer, draft_collection_of("draft-0-second")
    (12, 'second', None)
    """
    found = _IDENTIFIER.fullmatch(identifier)
    if found is None or int(found[1]) > _GREATEST:
        return None
    return draft_collection(int(found[1]), Level[found[2].upper()])
