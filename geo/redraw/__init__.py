"""Redraw: edits of a division that are exact or refused, with undo, and the comparison of two divisions.

Terms
-----
draft (草案)
    An unpublished division: an immutable base and the edits applied to it; :class:`Draft`.
edit (修改)
    One change as described by the planner, a frozen value such as :class:`MoveVertex` or :class:`Split`. It is compiled to
    replacements of arcs and changes of rows, which are stored and can be inverted.
transaction
    Edits that are accepted together or not at all; one step of undo.
refusal
    :class:`RefusedEdit` with kind, place, cells and reason; draft and revision are unchanged.
lineage
    The descent of cells from earlier ones.

crosswalk (对照)
    Common parts of old and new cells, with their residents; :func:`crosswalk`.

Public: :class:`Draft`, :class:`Change`, :class:`RefusedEdit`, and the edits; :func:`consequences`,
:func:`consequences_of`; :func:`compare`, :func:`crosswalk`; :func:`merge_drafts`; :func:`read_edited`;
:func:`snap_to_roads`, :func:`split_by_buildings`.

Known limits
------------ A vertex inserted into an edge bends it by less than 1 mm, because hardly any lattice point lies exactly on it. On
the outline only existing vertices can be ends of a split.
"""

from geo.errors import RefusedEdit
from geo.redraw.changes import Change
from geo.redraw.comparison import Comparison, compare, crosswalk
from geo.redraw.draft import Draft
from geo.redraw.drawing import snap_to_roads, split_by_buildings
from geo.redraw.edits import (
    Comment,
    Edit,
    InsertVertex,
    Lock,
    LockOutline,
    Merge,
    MoveVertex,
    Recode,
    Redivide,
    RemoveVertex,
    Rename,
    Reshape,
    SetLeader,
    SlideNode,
    Split,
    Transfer,
    Unlock,
    UnlockOutline,
    edit_from_dict,
)
from geo.redraw.importing import read_edited
from geo.redraw.merging import merge_drafts
from geo.redraw.preview import Consequences, consequences, consequences_of

__all__ = [
    "Change",
    "Comment",
    "Comparison",
    "Consequences",
    "Draft",
    "Edit",
    "InsertVertex",
    "Lock",
    "LockOutline",
    "Merge",
    "MoveVertex",
    "Recode",
    "Redivide",
    "RefusedEdit",
    "RemoveVertex",
    "Rename",
    "Reshape",
    "SetLeader",
    "SlideNode",
    "Split",
    "Transfer",
    "Unlock",
    "UnlockOutline",
    "compare",
    "consequences",
    "consequences_of",
    "crosswalk",
    "edit_from_dict",
    "merge_drafts",
    "read_edited",
    "snap_to_roads",
    "split_by_buildings",
]
