"""The pages for working with cases: ``/me``, ``/desk`` and ``/board``. They use the routes of ``/api/cases``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from geo.duty.cases.transitions import TRANSITIONS
from geo.duty.events import Action, State
from geo.duty.intake.services import SERVICES
from geo.duty.report import Channel
from geo.duty.wording import ACTIONS, CHANNELS, CHOICES, CLOCKS, OUTCOMES, ROLES, STATES
from geo.texts import Text
from maps.pages.frame import plain_json, render_page
from maps.pages.navigation import Entry

#: Most frequently reported matters, shown as buttons; all others of the standard are in a list.
FREQUENT = (
    *("06010", "06042", "06036", "06030", "06013", "06017"),
    *("09012", "09006", "09005", "09009", "09010", "07001"),
)

_REVIEW = ("review_date", "date", Text("复核日期", "Review on"))
_AWAITS = ("awaits", "choice", Text("等待什么", "What is awaited"))

#: Fields of a step besides its reason: name in the payload, type of the field, and label.
FIELDS: Mapping[Action, tuple[tuple[str, str, Text], ...]] = {
    Action.FILE: (("kind", "kind", Text("事项", "Matter")),),
    Action.MERGE: (("main_case", "text", Text("主件编号", "Number of the main case")),),
    Action.ASSIGN: (("unit", "unit", Text("承办单位", "Unit that handles it")),),
    Action.DECIDE_ASSIGN: (("unit", "unit", Text("承办单位", "Unit that handles it")),),
    Action.REASSIGN: (("unit", "unit", Text("改派单位", "Other unit")),),
    Action.GIVE_BACK: (("unit", "unit", Text("转办给", "Passed on to")),),
    Action.SHELVE: (_REVIEW, _AWAITS),
    Action.DECIDE_SHELVE: (_REVIEW, _AWAITS),
    Action.ASK_EXTEND: (("asked", "number", Text("申请工作日数", "Working days asked for")),),
    Action.EXTEND: (("granted", "number", Text("批准工作日数", "Working days granted")),),
    Action.HAND_OVER: (("to", "text", Text("移交给", "Handed over to")),),
    Action.CHECKED: (("result", "choice", Text("核实结果", "What was found")),),
    Action.RETURN_UP: (("code", "choice", Text("退回原因", "Why")),),
    Action.VISIT_SOLVED: (("result", "choice", Text("回访结果", "What the reporter said")),),
    Action.VISIT_UNSOLVED: (("result", "choice", Text("回访结果", "What the reporter said")),),
    Action.EXPLAIN_FILE: (
        ("detail", "choice", Text("解释类别", "Kind of explanation")),
        ("opinion_by", "choice", Text("依据谁的意见", "On whose opinion")),
        ("told", "choice", Text("已告知", "Who was told")),
        ("not_told", "choice", Text("未告知的原因", "Why nobody was told")),
    ),
}

#: Optional choices: if no reporter wants a reply, no one has to be informed.
_LEFT_OPEN = frozenset({"told", "not_told"})

#: Steps whose reason is a choice, so that no text is required.
_CHOSEN = frozenset({Action.CHECKED, Action.VISIT_SOLVED, Action.VISIT_UNSOLVED})

#: Steps made by other routes.
_ELSEWHERE = frozenset({Action.REPORT, Action.ADD_REPORT, Action.ERASE_CONTACT})

#: Columns of the board, and the lists of the desk: name, states and title.
STAGES = (
    ("intake", (State.REPORTED, State.CHECKING), Text("待受理", "To accept")),
    ("dispatch", (State.FILED,), Text("待派遣", "To dispatch")),
    ("work", (State.ASSIGNED, State.HANDLING), Text("在办", "Being handled")),
    ("joint", (State.JOINT, State.SHELVED), Text("会办、挂账", "Joint or shelved")),
    ("verify", (State.HANDLED,), Text("待核查", "To verify")),
    ("visit", (State.VERIFIED,), Text("待回访", "Return visit due")),
)


def render_my_grid(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of an officer: cases with their deadlines, the verdict of the day, and a form for reports.

    Parameters
    ----------
    shown
        `now` (timezone-aware), `zone`, `places` (pairs of code and name that the reader may select), `units` (suggested names of
        departments), and `may`: the rights of the reader, ``report``, ``verdicts`` and ``reporters``.
    """
    return _page("my_grid.html", ("我的网格", "My grid"), "/me", shown, navigation)


def render_desk(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of the centre: intake, duplicates, filing, dispatch, clocks. `shown` as for :func:`render_my_grid`."""
    return _page("desk.html", ("受理台", "Desk"), "/desk", shown, navigation)


def render_board(shown: Mapping[str, Any], *, navigation: Sequence[Entry] = ()) -> str:
    """HTML of the page of a community: its open cases by stage. `shown` as for :func:`render_my_grid`."""
    return _page("board.html", ("社区办件", "Cases of a community"), "/board", shown, navigation)


def _page(
    template: str, title: tuple[str, str], here: str, shown: Mapping[str, Any], navigation: Sequence[Entry]
) -> str:
    now: dt.datetime = shown["now"]
    facts = {
        **_wording(),
        "units": list(shown.get("units", ())),
        "now": now.isoformat(),
        "zone": shown["zone"],
        "may": shown["may"],
    }
    names = dict(_kinds())
    return render_page(
        template,
        title=title,
        navigation=navigation,
        here=here,
        facts=plain_json(facts),
        places=list(shown["places"]),
        may=shown["may"],
        day=shown["day"].isoformat(),
        stages=[
            {"name": name, "states": " ".join(states), "zh": text.zh, "en": text.en} for name, states, text in STAGES
        ],
        services=[(service.value, text.zh, text.en) for service, text in SERVICES.items()],
        channels=[(one.value, CHANNELS[one].zh, CHANNELS[one].en) for one in Channel],
        frequent=[(code, names[code]) for code in FREQUENT],
        kinds=_kinds(),
    )


def _field(action: Action, name: str, kind: str, label: Text) -> dict[str, Any]:
    """A field as the pages know it; a choice has its values with their texts."""
    values = CHOICES.get(action, {}).get(name, {})
    return {
        "name": name,
        "kind": kind,
        "zh": label.zh,
        "en": label.en,
        "needed": name in TRANSITIONS[action].values or (kind == "choice" and name not in _LEFT_OPEN),
        "options": [{"value": value, "zh": text.zh, "en": text.en} for value, text in values.items()],
    }


def _kinds() -> list[tuple[str, str]]:
    """Code and name of the matters that can be reported; the catalogue is imported with the first page, because it needs
    pandas.
    """
    from geo.incidents.catalogue import national

    return [(one.code, one.name) for one in national().by_code.values() if one.kind == "event" and one.listed]


def _wording() -> dict[str, Any]:
    """Labels of states, steps and clocks, and the required values of each step."""
    from geo.incidents.catalogue import STANDARD_REF

    def texts(words: Mapping[Any, Text]) -> dict[str, dict[str, str]]:
        return {key.value: {"zh": text.zh, "en": text.en} for key, text in words.items()}

    steps = {
        action.value: {
            "zh": ACTIONS[action].zh,
            "en": ACTIONS[action].en,
            "reasoned": TRANSITIONS[action].reasoned and action not in _CHOSEN,
            "fields": [_field(action, *field) for field in FIELDS.get(action, ())],
            "elsewhere": action in _ELSEWHERE,
        }
        for action in Action
    }
    words: dict[str, Mapping[Any, Text]] = {
        "states": STATES,
        "clocks": CLOCKS,
        "outcomes": OUTCOMES,
        "roles": ROLES,
        "channels": CHANNELS,
    }
    return {name: texts(one) for name, one in words.items()} | {
        "steps": steps,
        "standard_ref": STANDARD_REF,
        "kinds": _kinds(),
    }
