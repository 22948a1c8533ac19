"""Analyses of a draft: comparison, crosswalk, findings, proposals, history, a recomputed month, files."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Request, Response, UploadFile

from api.access import Right
from api.database import current_version
from api.database import session as database_session
from api.plans.bodies import (
    Compared,
    EntryOut,
    FindingsOut,
    Imported,
    LineageStep,
    MonthOut,
    Proposal,
    ProposalIn,
    SplitIn,
)
from api.routes.dependencies import CallerOf, EngineOf, Now, SettingsOf
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber, keeper_of, plain, using

router = APIRouter(prefix="/api/drafts/{number}", route_class=Guarded, tags=["editor"])

With = Annotated[
    int | None, Query(alias="with", ge=1, le=2**31 - 1, description="a version; by default the one it is based on")
]
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/geopackage+sqlite3": {}}}}
#: Comparisons, checks and months take seconds of one core each, so at most two run at a time.
_WORKING = threading.BoundedSemaphore(2)


def _model(kind: Any) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": kind, "description": "the answer"}}


def _divisions(request: Request, number: int, version: int | None) -> tuple[Any, Any]:
    """The divisions of a version and of the draft."""
    keeper = keeper_of(request)
    with using(request, number) as opened:
        new, base = opened.division(), opened.base
    return (base if version is None else keeper.base(version)).division, new


@router.get("/compare", response_class=Response, responses=_model(Compared))
@needs(Right.PLAN)
def compare(request: Request, number: DraftNumber, version: With = None) -> Response:
    """Differences of a version and the draft, in words and by cell."""
    from api.plans.examining import comparison

    with _WORKING:
        return plain(comparison(*_divisions(request, number, version)))


@router.get("/crosswalk", response_class=Response, responses=_model(list[dict[str, Any]]))
@needs(Right.PLAN)
def crosswalk(
    request: Request,
    number: DraftNumber,
    level: Literal["community", "second", "third"] = "second",
    version: With = None,
) -> Response:
    """Overlaps of old and new cells, with their residents."""
    from api.json_values import plain_rows
    from geo.layers import Level
    from geo.redraw import crosswalk as between

    with _WORKING:
        return plain(plain_rows(between(*_divisions(request, number, version), Level[level.upper()])))


@router.get("/findings", response_class=Response, responses=_model(FindingsOut))
@needs(Right.PLAN)
def findings(request: Request, number: DraftNumber) -> Response:
    """Findings of the check of the draft."""
    from api.plans.examining import findings_of

    with using(request, number) as opened:
        division, revision = opened.division(), opened.revision
    with _WORKING:
        return plain(findings_of(division, revision))


@router.post("/proposals", response_class=Response, responses=_model(Proposal))
@needs(Right.PLAN)
def proposals(request: Request, number: DraftNumber, body: ProposalIn) -> Response:
    """Transfers that balance the workload of the second-level grids of a community; only a proposal."""
    from api.plans.examining import proposal

    with _WORKING, using(request, number) as opened:
        return plain(proposal(opened, body.code, body.tolerance, body.seed))


@router.post("/proposals/split", response_class=Response, responses=_model(Proposal))
@needs(Right.PLAN)
def split(request: Request, number: DraftNumber, body: SplitIn) -> Response:
    """A split of a third-level cell between two groups of its buildings; only a proposal."""
    from api.plans.examining import split_proposal

    with _WORKING, using(request, number) as opened:
        return plain(split_proposal(opened, body.code, body.parts))


@router.get("/history", response_class=Response, responses=_model(list[EntryOut]))
@needs(Right.PLAN)
def history(
    request: Request,
    number: DraftNumber,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Entries of the log, newest first."""
    from api.plans.annotating import history as entries

    with using(request, number) as opened:
        return plain(entries(opened, before=before, limit=limit))


@router.get("/lineage", response_class=Response, responses=_model(list[LineageStep]))
@needs(Right.PLAN)
def lineage(request: Request, number: DraftNumber) -> Response:
    """Lineage of the draft's cells."""
    from api.json_values import plain_rows

    with using(request, number) as opened:
        return plain(plain_rows(opened.draft.lineage()))


@router.get("/month", response_class=Response, responses=_model(MonthOut))
@needs(Right.PLAN)
def month(
    request: Request,
    number: DraftNumber,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    month: Annotated[str, Query(pattern=r"^(199\d|20\d\d)-(0[1-9]|1[0-2])$", examples=["2026-02"])],
    verdicts: Annotated[bool, Query(description="judge every day again, which takes long on many fixes")] = True,
) -> Response:
    """A past month recomputed on the draft, compared with the version in force on its first day: counts, rates and verdicts."""
    from api.plans.replays.months import first_day, month_retold

    day = first_day(month)
    with database_session(engine) as store:
        held = current_version(store, day=day, street_code=settings.street or None)
    old, new = _divisions(request, number, held.id)
    with _WORKING:
        grids = month_retold(engine, caller.street, day, old, new, judged=verdicts)
    return plain({"month": month, "version": held.id, "grids": grids})


@router.get("/export", response_class=Response, responses=_FILE)
@needs(Right.PLAN)
def export(request: Request, number: DraftNumber, now: Now) -> Response:
    """The draft as a GeoPackage with four layers and styles for QGIS."""
    from api.plans.exchange import as_geopackage

    with using(request, number) as opened:
        division, revision = opened.division(), opened.revision
    name = f"draft-{number}-{revision}.gpkg"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    with _WORKING:
        content = as_geopackage(division, now)
    return Response(content, media_type="application/geopackage+sqlite3", headers=headers)


@router.post("/import", response_class=Response, responses=_model(Imported))
@needs(Right.PLAN)
def import_file(
    request: Request,
    number: DraftNumber,
    file: Annotated[UploadFile, File(description="the edited file, such as a GeoPackage; a Shapefile as .zip")],
) -> Response:
    """Changes that an edited GIS file would make; nothing is changed until its edits are sent."""
    from api.plans.exchange import imported

    content = file.file.read()
    with using(request, number) as opened:
        base, division = opened.base, opened.division()
    with _WORKING:
        return plain(imported(base, division, content, file.filename or ""))
