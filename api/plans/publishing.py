"""Publication of a draft as a version that is valid from a day on."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.access import Right
from api.access.rights import scopes
from api.database import add_version, get_version, publish, read_version, session
from api.database.drafts.log import (
    DRAFT,
    PUBLISHED,
    REVIEW,
    Entry,
    OvertakenError,
    add_entry,
    add_lineage,
    entry_of_key,
)
from api.database.events import audit
from api.errors import ConflictError, DeniedError, OutdatedError
from api.plans.arc_numbers import Swap
from api.plans.editing import Request, require_state
from api.plans.examining import findings_of
from api.plans.open_draft import OpenDraft
from api.plans.viewing import require_draft
from api.plans.wire import encoded
from geo.layers import Division
from geo.redraw import compare
from geo.wording import counted

Plain = dict[str, Any]


def publish_draft(
    opened: OpenDraft, engine: Engine, request: Request, valid_from: date, note: str | None, seen: int | None
) -> Plain:
    """Publish a draft: stores the version, the lineage of its cells and the entry in one transaction.

    Raises
    ------
    ConflictError
        If the draft has changed since revision `seen`, has findings that are errors, is already published, or another version was
        published since its base version; the answer lists the changes.
    DeniedError
        If the caller's right is limited to a part of the street.
    """
    if scopes(request.caller, Right.PUBLISH) is not None:
        raise DeniedError(f"'{request.caller.name}' may not publish: the right is limited to a part of the street")
    with session(engine) as store:
        if known := entry_of_key(store, opened.number, request.id):
            data = json.loads(known.data)
            return {"version": data["version"], "valid_from": data["valid_from"]}
    require_state(opened, DRAFT, REVIEW)
    require_draft(opened, seen)
    division = opened.division()
    report = findings_of(division, opened.revision)
    if not report["ok"]:
        errors = [one for one in report["findings"] if one["severity"] == "error"]
        raise ConflictError(
            f"the check finds {counted(len(errors), 'error')}; repair the division first",
            kind="findings",
            findings=errors[:100],
        )
    try:
        with session(engine, write=True) as store:
            entry, version = _store(store, opened, request, division, valid_from, note)
    except OutdatedError as error:
        raise _outdated(opened, engine, error) from error
    except OvertakenError as error:
        raise ConflictError("the draft has newer entries; review them and try again", kind="stale") from error
    opened.state = PUBLISHED
    opened.note(entry, Swap())
    return {"version": version, "valid_from": valid_from}


def _store(
    store: Session, opened: OpenDraft, request: Request, division: Division, valid_from: date, note: str | None
) -> tuple[Entry, int]:
    at, actor = request.at, request.caller.actor
    version = add_version(store, division, valid_from=valid_from, created_at=at, note=note or opened.name, actor=actor)
    publish(store, version.id, published_at=at, actor=actor, reason=note, based_on=opened.base.version.id)
    add_lineage(store, version.id, [step for change in opened.draft.changes for step in change.lineage])
    data = {"state": PUBLISHED, "note": note, "version": version.id, "valid_from": valid_from}
    entry = Entry(
        opened.revision + 1,
        request.id,
        request.client,
        "publish",
        request.author,
        request.caller.account,
        at,
        data=encoded(data),
    )
    add_entry(store, opened.number, entry, state=PUBLISHED, published_as=version.id, valid_from=valid_from)
    audit(store, opened.street, actor, "publish draft", str(opened.number), at=at, version=version.id)
    return entry, version.id


def _outdated(opened: OpenDraft, engine: Engine, error: OutdatedError) -> ConflictError:
    """The conflict with versions published since the base of a draft, with the cells that both changed."""
    mine = {code for change in opened.draft.changes for code in change.cells}
    versions, shared = [], set()
    with session(engine) as store:
        for number in error.ids:
            info = get_version(store, int(number))
            found = compare(opened.base.division, read_version(store, info.id))
            changed = found.cells.loc[found.cells["status"] != "same", "code"].astype(str)
            shared |= mine & set(changed)
            versions.append(
                {
                    "id": info.id,
                    "published_at": info.published_at,
                    "valid_from": info.valid_from,
                    "note": info.note,
                    "words": [list(pair) for pair in found.words()],
                }
            )
    return ConflictError(str(error), kind="outdated", versions=versions, cells=sorted(shared), can_follow=not shared)
