"""Conditions of a step: role, state and values. Each refusal states the reason and, if possible, an alternative."""

from __future__ import annotations

import datetime as dt

from geo.duty.case import MOST_RETURNS, Case
from geo.duty.cases.folding import day_of
from geo.duty.cases.transitions import TRANSITIONS, Transition, roles_of
from geo.duty.chain import event_hash
from geo.duty.events import Action, Event, Role
from geo.duty.wording import ACTIONS, ROLES, STATES
from geo.errors import RefusedStep
from geo.texts import Text

#: Time within which the actor of the last step may undo it.
UNDO_WITHIN = dt.timedelta(minutes=10)
#: Time within which a closed case may be reopened; later the same problem is a new case that refers to this one.
REOPEN_WITHIN = dt.timedelta(days=30)
#: Maximum time until the review date of a shelved case.
SHELVE_AT_MOST = dt.timedelta(days=366)
#: Maximum number of extensions: the first granted by level 1 or a leader, the second by a leader.
MOST_EXTENSIONS = 2
#: Minimum length of a reason, characters.
LEAST_REASON = 2

# Steps on which another case or an external person depends; they have their own reverse steps.
_NOT_UNDONE = frozenset(
    {
        Action.REPORT,
        Action.UNDO,
        Action.MERGE,
        Action.UNMERGE,
        Action.TAKE_IN,
        Action.RELEASE,
        Action.ADD_REPORT,
        Action.ANSWER,
        Action.ERASE_CONTACT,
    }
)
_VERIFYING = frozenset({Action.VERIFY_OK, Action.VERIFY_BAD})
_DROPPING = frozenset({Action.REJECT, Action.VOID, Action.WITHDRAW})
_SHELVING = frozenset({Action.SHELVE, Action.DECIDE_SHELVE})


def roles_now(case: Case, action: Action) -> frozenset[Role]:
    """Roles that may currently do an action on a case."""
    if action is Action.CALL_JOINT and case.joint_required:
        # The unit may no longer return the case, so it may request the meeting itself.
        return roles_of(action, case.state) | {Role.UNIT}
    if action is Action.UNDO and case.last is not None:
        return frozenset({case.last.role})
    if action is Action.EXTEND and case.extensions >= MOST_EXTENSIONS - 1:
        return frozenset({Role.LEADER})
    if action is Action.VERIFY_OK and case.assigned_at is not None:
        # Cases solved by a leader in the grid are verified by sampling, all others individually.
        return roles_of(action, case.state) - {Role.SYSTEM}
    return roles_of(action, case.state)


def left_open(case: Case, action: Action) -> bool:
    """Whether the state of the case permits the action."""
    if action is Action.RETURN_UP:
        return case.returns < MOST_RETURNS
    if action is Action.UNDO:
        return case.last is not None and case.last.action not in _NOT_UNDONE
    if action is Action.EXTEND:
        return case.extensions < MOST_EXTENSIONS
    if action is Action.EXEMPT:
        return case.late and not case.exempt
    if action in _DROPPING:
        return not unanswered(case)
    return True


def unanswered(case: Case) -> tuple[str, ...]:
    """Reports of cases that were merged into a case whose reporters were not answered yet."""
    if not case.taken_in:
        return ()
    held = [report for _, reports in case.taken_in for report in reports]
    return tuple(dict.fromkeys(report for report in held if report not in case.answered))


def sent_again(case: Case, event: Event) -> bool:
    """Whether the case already contains this event."""
    if event.client_id is None or event.client_id not in case.client_ids:
        return False
    if case.client_ids[event.client_id] == (event.actor, event.action):
        return True
    raise RefusedStep(
        "client",
        f"客户端编号{event.client_id}已用于另一步骤，请换一个编号",
        f"the client id '{event.client_id}' stands for another step already; choose a new one",
        case=case,
    )


def require_order(case: Case, event: Event, *, check_chain: bool = True) -> None:
    """Refuse an event that does not follow the last one."""
    if event.case_id != case.case_id:
        raise RefusedStep(
            "stale",
            f"该记录属于办件{event.case_id}，不是{case.case_id}",
            f"the event belongs to case {event.case_id}, not {case.case_id}",
            case=case,
        )
    if event.seq != case.seq + 1:
        raise RefusedStep(
            "stale",
            f"办件已有{case.seq}条流转记录，第{event.seq}条不能接续；他人可能已先办理，请按最新状态重试",
            f"the case has {case.seq} events, so number {event.seq} does not follow; look at its new state and try again",
            case=case,
        )
    if case.changed_at is not None and event.at < case.changed_at:
        raise RefusedStep(
            "time",
            f"时间{event.at.isoformat()}早于上一条记录{case.changed_at.isoformat()}",
            f"{event.at.isoformat()} is before the last event at {case.changed_at.isoformat()}",
            case=case,
        )
    if check_chain and event.prev_hash and (case.last is None or event.prev_hash != event_hash(case.last)):
        raise RefusedStep(
            "chain",
            f"第{event.seq}条记录与前一条的校验值不符，记录可能被改动",
            f"event {event.seq} does not carry the hash of the event before it; an event was changed",
            case=case,
        )


def require_state(case: Case, event: Event, row: Transition) -> None:
    """Refuse an action that does not start from the state."""
    if case.state in row.sources:
        return
    here = Text("尚未上报", "not reported yet") if case.state is None else STATES[case.state]
    open_here = [
        ACTIONS[a] for a, other in TRANSITIONS.items() if case.state in other.sources and other.target != "same"
    ]
    raise RefusedStep(
        "state",
        f"“{here.zh}”状态下不能“{ACTIONS[event.action].zh}”；此时可以：{'、'.join(text.zh for text in open_here)}",
        f"'{ACTIONS[event.action].en}' does not start from '{here.en}'; possible here are "
        f"{', '.join(text.en for text in open_here)}",
        case=case,
    )


def require_role(case: Case, event: Event) -> None:
    """Refuse an actor whose role may not do the action."""
    roles = roles_now(case, event.action)
    if event.role in roles:
        return
    who = [ROLES[role] for role in Role if role in roles]
    raise RefusedStep(
        "role",
        f"“{ACTIONS[event.action].zh}”由{'、'.join(text.zh for text in who)}办理，不由{ROLES[event.role].zh}办理",
        f"'{ACTIONS[event.action].en}' is for {', '.join(text.en for text in who)}, not for {ROLES[event.role].en}",
        case=case,
    )


def require_reason(case: Case, event: Event, row: Transition) -> None:
    """Refuse a step without its required values and reason."""
    payload = event.payload
    for name in row.values:
        if payload.get(name) in (None, ""):
            raise RefusedStep(
                "missing",
                f"“{ACTIONS[event.action].zh}”须填写{name}",
                f"'{ACTIONS[event.action].en}' needs '{name}' in its payload",
                case=case,
            )
    if not row.reasoned or len(event.reason.strip()) >= LEAST_REASON:
        return
    if any(len(str(payload.get(name) or "").strip()) >= LEAST_REASON for name in row.texts):
        return
    if event.action is Action.RESUME and event.role is Role.SYSTEM and _review_reached(case, event):
        return
    raise RefusedStep(
        "reason",
        f"“{ACTIONS[event.action].zh}”须说明理由，至少{LEAST_REASON}个字",
        f"'{ACTIONS[event.action].en}' needs a reason of at least {LEAST_REASON} characters",
        case=case,
    )


def _review_reached(case: Case, event: Event) -> bool:
    return case.review_date is not None and event.at.date() >= case.review_date


def require_values(case: Case, event: Event) -> None:
    """Conditions on persons, dates and other cases."""
    action = event.action
    if action in _VERIFYING:
        _require_another_person(case, event)
    elif action is Action.RETURN_UP:
        _require_returnable(case)
    elif action in (Action.ASK_EXTEND, Action.EXTEND):
        _require_extendable(case, event)
    elif action in _SHELVING:
        _require_review_date(case, event)
    elif action in _DROPPING:
        _require_answered(case)
    elif action is Action.EXPLAIN_FILE:
        _require_notice(case, event)
    elif action is Action.REOPEN:
        _require_recent(case, event)
    elif action is Action.MERGE:
        _require_other_case(case, event)
    elif action is Action.UNDO:
        _require_undoable(case, event)
    elif action is Action.EXEMPT and not case.late:
        raise RefusedStep(
            "limit", "办件未超期，无须免责", "the case is not late, so there is nothing to exempt", case=case
        )


def _require_another_person(case: Case, event: Event) -> None:
    if event.actor in case.doers:
        raise RefusedStep(
            "own_work",
            f"{event.actor}办理了该件，不能由本人核查",
            f"{event.actor} did the work and cannot verify it; another officer has to",
            case=case,
        )


def _require_returnable(case: Case) -> None:
    if case.returns >= MOST_RETURNS:
        raise RefusedStep(
            "third_return",
            f"办件已退回{case.returns}次，不得再退，须提请会办；会办决定前由现承办单位负责",
            f"the case was returned {case.returns} times and cannot be returned again: ask for a joint meeting; until it decides "
            "the present unit stays responsible",
            case=case,
            proposal=Action.CALL_JOINT,
        )


def _require_extendable(case: Case, event: Event) -> None:
    if case.due is not None and event.at > case.due:
        raise RefusedStep(
            "limit",
            "已超过时限，不能延期；延期须在到期前申请",
            "the limit has passed; extensions are asked for and granted before it",
            case=case,
        )
    if case.extensions >= MOST_EXTENSIONS:
        raise RefusedStep(
            "limit",
            f"已延期{case.extensions}次，不能再延",
            f"the case was extended {case.extensions} times, which is the most",
            case=case,
        )
    name = "asked" if event.action is Action.ASK_EXTEND else "granted"
    if not _number(event.payload[name]) or (name == "asked" and float(event.payload[name]) <= 0):
        raise RefusedStep("missing", "延期天数须为数字", f"'{name}' has to be a number of working days", case=case)
    if (
        event.action is Action.EXTEND
        and case.extension_request is not None
        and case.extension_request.by == event.actor
    ):
        raise RefusedStep(
            "own_work",
            "申请延期的人不能批准自己的申请",
            f"{event.actor} asked for the extension and cannot grant it",
            case=case,
        )


def _number(value: object) -> bool:
    try:
        return float(str(value)) >= 0
    except ValueError:
        return False


def _require_review_date(case: Case, event: Event) -> None:
    day = day_of(event.payload["review_date"])
    if day is None or not event.at.date() < day <= event.at.date() + SHELVE_AT_MOST:
        raise RefusedStep(
            "limit",
            f"复核日期须在明天至一年之内，不能是{event.payload['review_date']}",
            f"the review date has to lie within a year from tomorrow, not at {event.payload['review_date']}",
            case=case,
        )


def _require_answered(case: Case) -> None:
    if left := unanswered(case):
        raise RefusedStep(
            "unanswered",
            f"并入的上报件{'、'.join(left[:5])}尚未答复，须先答复或解除并入",
            f"reporters of merged reports were not answered yet ({', '.join(left[:5])}); answer or unmerge them first",
            case=case,
            proposal=Action.ANSWER,
        )


def _require_notice(case: Case, event: Event) -> None:
    """Reporters who want a reply must be informed of the explanation, or the event must say why they were not."""
    if case.wants_reply and not (event.payload.get("told") or event.payload.get("not_told")):
        raise RefusedStep(
            "missing",
            "上报人要求答复，解释备案须注明已告知何人（told），或未告知的原因（not_told）",
            "a reporter wants a reply: say who was told of the explanation ('told'), or why nobody was ('not_told')",
            case=case,
        )


def _require_recent(case: Case, event: Event) -> None:
    if case.closed_at is not None and event.at - case.closed_at > REOPEN_WITHIN:
        raise RefusedStep(
            "recurrence",
            f"结案已超过{REOPEN_WITHIN.days}天，请新建办件并注明复发自{case.case_id}",
            f"the case was closed more than {REOPEN_WITHIN.days} days ago; open a new one that names it as 'recurrence_of'",
            case=case,
            proposal=Action.REPORT,
        )


def _require_other_case(case: Case, event: Event) -> None:
    main = str(event.payload["main_case"])
    if main == case.case_id or main in {name for name, _ in case.taken_in}:
        raise RefusedStep(
            "merge",
            f"办件不能并入自身或已并入它的办件（{main}）",
            f"a case cannot be merged into itself or into one that was merged into it ({main})",
            case=case,
        )


def _require_undoable(case: Case, event: Event) -> None:
    last = case.last
    if last is None or last.action in _NOT_UNDONE or case.before is None:
        zh, en = "上一步不能撤销，请办理相应的反向步骤", "the last step cannot be undone; do the reverse step instead"
    elif last.actor != event.actor:
        zh, en = f"上一步由{last.actor}办理，只能由本人撤销", f"the last step was {last.actor}'s, who alone can undo it"
    elif event.at - last.at > UNDO_WITHIN:
        zh, en = "上一步已超过10分钟，不能撤销", "the last step is more than ten minutes old and cannot be undone"
    else:
        return
    raise RefusedStep("undo", zh, en, case=case)
