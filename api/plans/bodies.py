"""Bodies of the editor's requests and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from api.database.drafts.log import DraftInfo

Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Client = Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z_-]*$")]
Coordinate = Annotated[float, Field(ge=-1e8, le=1e8, allow_inf_nan=False)]
Place = tuple[Coordinate, Coordinate]
Code = Annotated[str, Field(min_length=1, max_length=50)]
Text = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
State = Literal["draft", "review", "published"]
Words = dict[str, str]


class Sent(BaseModel):
    """Members of every request that adds an entry; a repeated `id` returns the first answer."""

    id: Key = Field(default_factory=lambda: uuid4().hex, examples=["7b0c4c52-2f5e-4c55-9f0e-0a4f6f1f2d11"])
    client: Client = Field(default="", examples=["tab-1"], description="the browser tab; its own edits never conflict")


class NewDraft(BaseModel):
    """Request to create a draft."""

    id: Key = Field(default_factory=lambda: uuid4().hex, examples=["d1"])
    name: str = Field(min_length=1, max_length=200, pattern=r"\S", examples=["东井村调整"])
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="version of the division; by default the one that holds now"
    )
    note: str | None = Field(default=None, max_length=2000)
    edits_of: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="draft whose edits are made on this one, as far as they can be"
    )


class RefusedEdits(BaseModel):
    """A transaction of another draft that was refused on this one."""

    revision: int
    kind: str
    zh: str
    en: str
    cells: list[str]
    edits: list[dict[str, Any]]


class DraftOut(BaseModel):
    """A draft."""

    id: int
    name: str
    note: str | None
    state: State
    version: int
    revision: int
    street: str
    counts: list[int] = Field(description="communities, second-level and third-level grids of the version")
    created_at: datetime
    created_by: str
    changed_at: datetime
    published_as: int | None
    valid_from: date | None
    refused: list[RefusedEdits] = Field(default=[])

    @classmethod
    def of(cls, info: DraftInfo, street: str, counts: tuple[int, int, int]) -> DraftOut:
        """Convert a stored draft."""
        values = {name: getattr(info, name) for name in cls.model_fields if hasattr(info, name)}
        return cls(**{**values, "version": info.version_id, "street": street, "counts": list(counts)})


class EditsIn(Sent):
    """Edits that are accepted together or not at all."""

    base: Number | None = Field(default=None, description="revision that they were made on; by default the newest")
    edits: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=5000,
        description="edits of geo.redraw as Edit.to_dict gives them",
        examples=[[{"edit": "Rename", "code": "320113003001001001", "name": "长营社区第1网格-01"}]],
    )
    accept: dict[str, Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]] = Field(
        default={}, description="warnings that are accepted, with the reason", examples=[{"cut_building": "将拆除"}]
    )


class UndoIn(Sent):
    """Undo the caller's last edit, or that of a revision."""

    of: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class PatchOut(BaseModel):
    """Arcs and cells changed by an entry."""

    from_: int = Field(alias="from")
    revision: int
    remove: list[int]
    add: list[list[Any]] = Field(description="number, code on the left, code on the right, first vertex, steps")
    cells: dict[str, Any]
    gone: list[str]
    outline_locked: bool
    locked: list[str]


class Warned(BaseModel):
    """A warning of an edit that requires a reason."""

    kind: str
    zh: str
    en: str
    cells: list[str]


class ConsequencesOut(BaseModel):
    """Effects of an edit on the touched cells and grids."""

    zh: str
    en: str
    cells: list[dict[str, Any]]
    grids: list[dict[str, Any]]
    moved: list[dict[str, Any]]
    residents: int
    households: int
    leaders: list[str]
    cut_buildings: int


class Edited(BaseModel):
    """An accepted edit, undo or redo."""

    id: str
    revision: int
    rebased: bool
    words: Words
    patch: PatchOut
    warnings: list[Warned]
    consequences: ConsequencesOut | None
    basis: str = ""
    lineage: list[list[str]] = Field(default=[])
    of: int | None = None


class Previewed(BaseModel):
    """Effects of edits that were not made."""

    id: str
    revision: int
    consequences: ConsequencesOut
    warnings: list[Warned]


class CommentIn(Sent):
    """A remark at a place, in metres of the draft's CRS."""

    at: Place = Field(examples=[(388000.0, 3554000.0)])
    text: Text


class ReplyIn(Sent):
    """A reply to a comment."""

    text: Text


class ResolveIn(Sent):
    """Mark a comment as resolved or unresolved."""

    resolved: bool = True


class ReplyOut(BaseModel):
    """A reply to a comment."""

    revision: int
    text: str
    author: str
    time: datetime


class CommentOut(BaseModel):
    """A comment with its replies; `comment` is the revision of its entry."""

    comment: int
    at: list[float]
    text: str
    author: str
    time: datetime
    resolved: bool
    replies: list[ReplyOut]


class Added(BaseModel):
    """An entry that changes no cell."""

    id: str
    revision: int
    state: State


class PresenceIn(BaseModel):
    """A client that has opened the draft."""

    client: Key = Field(examples=["tab-1"])
    holds: list[Code] = Field(default=[], max_length=100)
    at: Place | None = None
    tool: str = Field(default="", max_length=50)


class Here(BaseModel):
    """A user who has opened the draft, with the cells being edited."""

    here: list[dict[str, Any]]


class NoteIn(Sent):
    """A change of state with a note."""

    note: str | None = Field(default=None, max_length=2000)


class PublishIn(Sent):
    """Publish the draft, valid from a day on."""

    valid_from: date = Field(examples=["2027-01-01"])
    note: str | None = Field(default=None, max_length=2000)
    revision: Number | None = Field(default=None, description="what the publisher has seen; by default the newest")


class PublishedOut(BaseModel):
    """A published draft."""

    version: int
    valid_from: date
    draft: DraftOut


class MergeIn(Sent):
    """Apply the edits of another draft on the same version."""

    draft: Annotated[int, Field(ge=1, le=2**31 - 1)]


class ProposalIn(BaseModel):
    """Request a proposal that balances the workload of the second-level grids of a community."""

    code: Code = Field(examples=["320113003001"])
    tolerance: float = Field(default=0.05, gt=0, lt=1, description="largest deviation from the mean that is aimed at")
    seed: int = Field(default=0, ge=0, le=2**31 - 1)


class SplitIn(BaseModel):
    """Request a split of a third-level cell between groups of its buildings."""

    code: Code = Field(examples=["320113003001001001"])
    parts: int = Field(default=2, ge=2, le=50, description="parts meant in the end; the split cuts off one of them")


class Proposal(BaseModel):
    """Proposed edits with their effects."""

    revision: int
    edits: list[dict[str, Any]]
    consequences: ConsequencesOut


class EntryOut(BaseModel):
    """One entry of the log."""

    revision: int
    id: str
    kind: str
    author: str
    at: datetime
    words: Words
    cells: list[str]
    in_force: bool
    of: int | None


class LineageStep(BaseModel):
    """Descent of a cell; `revision` is that of the edit."""

    kind: str
    from_code: str
    to_code: str
    revision: int | None = None


class FindingOut(BaseModel):
    """A finding of the check or of an import."""

    kind: str
    cells: list[str]
    place: dict[str, Any] | None
    explanation: str
    severity: str
    level: str | None = None
    area_m2: float | None = None
    width_m: float | None = None


class FindingsOut(BaseModel):
    """Findings of the check of a draft."""

    ok: bool
    revision: int
    findings: list[FindingOut]


class Compared(BaseModel):
    """Differences of two divisions; unchanged cells are omitted."""

    words: list[Words]
    cells: list[dict[str, Any]]
    leaders: list[dict[str, Any]]
    residents: float


class Imported(BaseModel):
    """Changes that an edited GIS file would make."""

    edits: list[dict[str, Any]]
    findings: list[FindingOut]
    compare: Compared
    consequences: ConsequencesOut | None


class Replayed(BaseModel):
    """Incidents and verdicts changed by an edit or a preview."""

    id: str
    revision: int | None
    incidents: dict[str, Any]
    verdicts: dict[str, Any]


class MonthOut(BaseModel):
    """A month recomputed on other grids, with the original values."""

    month: str
    version: int
    grids: list[dict[str, Any]]
