"""The pages of the duty room with computed views: ledgers, the brief, and the meeting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from geo.duty.briefs.composing import Brief
from geo.duty.intake.services import SERVICES
from geo.duty.ledgers.columns import FORMS, Column, LedgerKind, columns_of
from geo.duty.ledgers.wording import day_text
from geo.duty.meetings.agendas import Agenda
from geo.duty.meetings.records import Decision
from maps.pages.frame import render_page
from maps.pages.funnel_drawing import funnel_svg
from maps.pages.navigation import Entry

#: Papers printed from a ledger: kind, name, and whether a place must be selected.
_PAPERS = {
    LedgerKind.I: (("letters", "印信件", "Print letters", False),),
    LedgerKind.J: (("cards", "印联系卡", "Print cards", False),),
    LedgerKind.K: (
        ("boards", "印公示牌", "Print boards", False),
        ("badges", "印工作牌", "Print badges", False),
        ("accounts", "印述职表", "Print yearly accounts", True),
    ),
}

Scopes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class LedgerPage:
    """Content of the page of a ledger besides its rows: place, persons and service, choices, rights of the reader, signature."""

    day: dt.date
    scope: str
    scopes: Scopes
    place: str = ""
    person: str = ""
    service: str = ""
    by_service: bool = False
    may_write: bool = False
    may_sign: bool = False
    signed: str = ""
    corrections: tuple[str, ...] = ()


def render_ledgers(table: pd.DataFrame, shown: LedgerPage, *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of a ledger: its columns with their sources, its rows, and the typed fields.

    Parameters
    ----------
    table
        Result of :func:`geo.duty.ledger`.
    """
    kind = LedgerKind(table.attrs["kind"])
    columns = columns_of(kind)
    return render_page(
        "ledgers.html",
        title=("台账", "Ledgers"),
        navigation=navigation,
        here="/ledgers",
        kinds=[{"letter": one.value, "zh": FORMS[one].title.zh, "en": FORMS[one].title.en} for one in LedgerKind],
        kind=kind.value,
        day=shown.day.isoformat(),
        scope=shown.scope,
        scopes=list(shown.scopes),
        **_named(table, kind),
        place=shown.place,
        person=shown.person,
        columns=[
            {
                "zh": column.title.zh,
                "en": column.title.en,
                "source": column.source,
                "typed": column.typed,
            }
            for column in columns
        ],
        rows=_ledger_rows(table, columns),
        service=shown.service,
        services=service_choices() if shown.by_service else [],
        typed_titles="、".join(column.title.zh for column in columns if column.typed),
        query=urlencode(
            {
                "day": shown.day.isoformat(),
                "scope": shown.scope,
                **({"service": shown.service} if shown.service else {}),
            }
        ),
        papers=[(paper, zh, en) for paper, zh, en, placed in _PAPERS.get(kind, ()) if shown.scope or not placed],
        may_write=shown.may_write,
        may_sign=shown.may_sign,
        signed=shown.signed,
        corrections=list(shown.corrections),
    )


def _ledger_rows(table: pd.DataFrame, columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Rows of a ledger for its page: key and cells."""
    return [
        {
            "key": key,
            "cells": [
                {
                    "name": column.name,
                    "label": column.title.zh,
                    "typed": column.typed,
                    "align": column.align,
                    "value": value,
                    "whole": stays_in_one_line(str(value)),
                }
                for column, value in zip(columns, values, strict=True)
            ],
        }
        for key, values in zip(table.attrs["keys"], table.to_numpy(dtype=object).tolist(), strict=True)
    ]


def stays_in_one_line(text: str) -> bool:
    """Whether a text of a table is not broken: numbers, dates and times, and names and states of up to four characters.

    >>> [stays_in_one_line(text) for text in ("2026-03-02 08:30", "陈静堃", "整改中", "市政养护队", "x" * 20)]
    [True, True, True, False, False]
    """
    return len(text) < 20 if text.isascii() else len(text) <= 4


def service_choices() -> list[tuple[str, str, str]]:
    """Code, Chinese and English name of the five services, for a field of choices."""
    return [(code.value, text.zh, text.en) for code, text in SERVICES.items()]


def _named(table: pd.DataFrame, kind: LedgerKind) -> dict[str, Any]:
    start, end = (dt.date.fromisoformat(table.attrs[name]) for name in ("start", "end"))
    last = end - dt.timedelta(days=1)
    span = day_text(start) if last == start else f"{start.isoformat()} 至 {last.isoformat()}"
    english = start.isoformat() if last == start else f"{start.isoformat()} to {last.isoformat()}"
    return {"name": tuple(FORMS[kind].title), "span": span, "span_en": english}


def render_brief(made: Brief, shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of a brief.

    Parameters
    ----------
    made
        The brief.
    shown
        `span` (``week`` or ``month``), `day`, `service`, `key` of the typed texts, `suggestions`, `may_suggest`, and `replies`:
        those that the reader may write, with `name`, `key`, `text`.
    """
    values = made.values()
    for block in values["blocks"]:
        if block["kind"] == "funnel":
            block["svg"] = funnel_svg(block)
    return render_page(
        "brief_page.html",
        title=("督查简报", "Brief"),
        navigation=navigation,
        here="/brief",
        brief=values,
        query=urlencode({name: shown[name] for name in ("span", "day", "service") if shown[name]}),
        services=service_choices(),
        **shown,
    )


def render_meeting(
    made: Agenda,
    decisions: Sequence[Decision],
    shown: Mapping[str, Any],
    *,
    navigation: Sequence[Entry] = (),
) -> str:
    """HTML of the page of a meeting: its agenda, and decisions not yet carried out.

    Parameters
    ----------
    made, decisions
        The agenda, and the open decisions, with displayed names of owners.
    shown
        `scope`, `scopes`, `days` (pairs of day and name), `may_decide`, `held`: the record of the meeting, or None.
    """
    lines = [
        {
            "about": line.about,
            "why": {"zh": line.why.zh, "en": line.why.en},
            "question": {"zh": line.question.zh, "en": line.question.en},
            "owner": line.owner,
            "cases": line.cases,
        }
        for line in made.lines
    ]
    return render_page(
        "meeting.html",
        title=("网格例会", "Meeting"),
        navigation=navigation,
        here="/meeting",
        day=made.day.isoformat(),
        day_zh=day_text(made.day),
        lines=lines,
        note={"zh": made.note.zh, "en": made.note.en},
        decisions=[
            {
                "id": one.decision_id,
                "meeting": one.meeting_id,
                "text": one.text,
                "case_id": one.case_id,
                "owner": one.owner,
                "due": one.due.isoformat(),
                "late": one.due < made.day,
                # A decision on a case is carried out by the steps of the case.
                "closable": not one.case_id,
            }
            for one in decisions
        ],
        **shown,
    )
