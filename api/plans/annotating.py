"""Entries that change no cell (comments, replies, review), and lists of comments and of the log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from api.database import session
from api.database.drafts.log import DRAFT, REVIEW, Entry, OvertakenError, add_entry, entries_after, entry_of_key
from api.errors import NotStoredError
from api.ingest.writer import BusyError
from api.plans.arc_numbers import Swap
from api.plans.conflicts import summary_of
from api.plans.editing import TRIES, Request, require_state
from api.plans.open_draft import OpenDraft
from api.plans.wire import encoded
from geo.redraw import Comment

Plain = dict[str, Any]

#: Kinds of entries about comments.
ABOUT_COMMENTS = ("comment", "reply", "resolve")


def annotate(
    opened: OpenDraft, engine: Engine, request: Request, kind: str, data: Plain, *, of: int | None = None
) -> Plain:
    """Add a comment or a reply, or mark a comment as resolved; also allowed while the draft is in review.

    Raises
    ------
    NotStoredError
        If there is no comment `of`.
    """
    if of is not None and of not in {comment["comment"] for comment in comments(opened, engine)}:
        raise NotStoredError(f"draft {opened.number} has no comment {of}")
    return add(opened, engine, request, kind, data, of=of)


def change_state(opened: OpenDraft, engine: Engine, request: Request, kind: str, note: str | None) -> Plain:
    """Send a draft to review (``review``) or back (``reopen``).

    Raises
    ------
    ConflictError
        If the draft is not in the state required.
    """
    source, target = (DRAFT, REVIEW) if kind == "review" else (REVIEW, DRAFT)
    with session(engine) as store:
        if entry_of_key(store, opened.number, request.id) is None:
            require_state(opened, source)
    return add(opened, engine, request, kind, {"note": note, "state": target}, state=target)


def add(
    opened: OpenDraft,
    engine: Engine,
    request: Request,
    kind: str,
    data: Plain,
    *,
    of: int | None = None,
    state: str | None = None,
) -> Plain:
    """Append an entry that changes no cell; `state`, if given, becomes the state of the draft."""
    for _ in range(TRIES):
        try:
            with session(engine, write=True) as store:
                if known := entry_of_key(store, opened.number, request.id):
                    return _answer(opened, known)
                entry = _entry(opened, request, kind, data, of)
                add_entry(store, opened.number, entry, **({"state": state} if state else {}))
        except OvertakenError:
            opened.catch_up(engine)
            continue
        opened.state = state or opened.state
        opened.note(entry, Swap())
        return _answer(opened, entry)
    raise BusyError("others change the draft all the time; try again in a few seconds")


def _entry(opened: OpenDraft, request: Request, kind: str, data: Plain, of: int | None) -> Entry:
    return Entry(
        opened.revision + 1,
        request.id,
        request.client,
        kind,
        request.author,
        request.caller.account,
        request.at,
        of=of,
        data=encoded(data),
    )


def _answer(opened: OpenDraft, entry: Entry) -> Plain:
    return {"id": entry.key, "revision": entry.revision, "state": opened.state}


def comments(opened: OpenDraft, engine: Engine) -> list[Plain]:
    """Comments of a draft with their replies, oldest first; includes edits that are comments."""
    with session(engine) as store:
        entries = [e for e in entries_after(store, opened.number, 0) if e.kind in ABOUT_COMMENTS]
    found = {e.revision: _comment(e.revision, json.loads(e.data), e.author, e.at) for e in entries if e.of is None}
    for change in opened.draft.changes:
        for edit in change.edits:
            if isinstance(edit, Comment):
                logged = opened.entry(change.revision)
                values = {"at": list(edit.at), "text": edit.text}
                found[change.revision] = _comment(change.revision, values, logged.author, logged.at)
    for entry in entries:
        about = found.get(entry.of or 0)
        data = json.loads(entry.data)
        if about is not None and entry.kind == "reply":
            reply = {"revision": entry.revision, "text": data["text"], "author": entry.author, "time": entry.at}
            about["replies"].append(reply)
        elif about is not None and entry.kind == "resolve":
            about["resolved"] = data["resolved"]
    return [found[revision] for revision in sorted(found)]


def _comment(revision: int, data: Plain, author: str, at: datetime) -> Plain:
    return {
        "comment": revision,
        "at": data["at"],
        "text": data["text"],
        "author": author,
        "time": at,
        "resolved": False,
        "replies": [],
    }


def history(opened: OpenDraft, *, before: int | None, limit: int) -> list[Plain]:
    """Entries of the log, newest first; `before` is the revision of the last entry already listed."""
    entries = opened.log if before is None else opened.log[: max(before - 1, 0)]
    there = {change.revision for change in opened.draft.changes}
    return [
        {**summary_of(entry), "id": entry.key, "kind": entry.kind, "of": entry.of, "in_force": entry.revision in there}
        for entry in reversed(entries[-limit:])
    ]


def event_of(entry: Entry, words: Plain) -> Plain:
    """Event about an entry, sent to open pages."""
    head = {"revision": entry.revision, "id": entry.key, "client": entry.client, "author": entry.author, "at": entry.at}
    if entry.patch is not None:
        cells = json.loads(entry.cells)
        return {**head, "words": words, "of": entry.of, "cells": cells, "patch": json.loads(entry.patch)}
    data = json.loads(entry.data)
    if entry.kind in ABOUT_COMMENTS:
        return {**head, "comment": {"comment": entry.of or entry.revision, **data}}
    return {**head, **data}


def entries_for_pages(store: Session, number: int, revision: int, limit: int) -> list[tuple[str, Plain]]:
    """Entries after a revision as events: kind and data."""
    entries = entries_after(store, number, revision, limit=limit)
    return [(entry.kind, event_of(entry, json.loads(entry.answer or "{}").get("words", {}))) for entry in entries]
