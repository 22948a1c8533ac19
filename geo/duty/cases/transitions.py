"""Table of the steps of a case: source states, target, roles, required values, and clocks started and stopped.

Payload
-------
``clocks``
    ``{clock: {"due": time, "limit": text, "provisional": bool}}`` for the clocks that the step starts or moves. Deadlines are
    computed when the event is created (:func:`geo.duty.cases.preparation.prepared`), stored in it, and not recomputed.
``owner`` or ``to``
    Next actor, if not implied by the step.
``report``
    ``report`` or ``reports``, ``channel``, ``standard_ref``, ``kind``, ``service``, ``summary``, ``third``, ``second``,
    ``community``, ``division_version``, ``photos``, ``wants_reply``, ``urgency``, ``recurrence_of``.
``file``
    ``kind``, ``standard_ref``, ``service``, ``rule``, ``limit``.
``assign``, ``decide_assign``, ``reassign``
    ``unit``, ``helpers``; a decision names ``decision``.
``ask_extend``, ``extend``
    ``asked`` and ``granted`` (working days), ``clocks``.
``shelve``, ``decide_shelve``
    ``plan``, ``review_date``, ``awaits`` (funds, ownership, approval, season, other).
``done``, ``self_solve``
    ``what_done``, ``photos``.
``explain_file``
    ``explanation``, ``opinion`` or ``opinion_by`` (department, joint), ``detail`` (policy_answered, into_project_list,
    outside_powers, other), ``told`` (who), ``not_told`` (why nobody).
``merge``
    ``main_case``; ``take_in`` and ``release`` on the main case ``case`` and ``reports``.
``answer``, ``erase_contact``
    ``reports``.
``supervise``
    ``rectification``.

Required texts may be given in ``reason`` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from geo.duty.events import ENDED, OPEN, Action, Clock, Role, State

#: The state is unchanged, or becomes that before shelving or merging.
Stay = Literal["same", "former"]


@dataclass(frozen=True)
class Transition:
    """One action.

    Attributes
    ----------
    sources
        States in which it is possible; None stands for a case without events.
    target
        Resulting state.
    roles
        Roles that may do it, unless :data:`ROLES_FROM` says otherwise for a state.
    reasoned
        Whether a reason of at least two characters is needed, in `reason` or in one of `texts`.
    texts
        Payload names that may contain the reason.
    values
        Required payload names.
    stops, starts
        Clocks; `stops` may be all of them.
    """

    action: Action
    sources: frozenset[State | None]
    target: State | Stay
    roles: frozenset[Role]
    reasoned: bool = True
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    stops: frozenset[Clock] = frozenset()
    starts: tuple[Clock, ...] = ()


_ALL = frozenset(Clock)
_WORK = frozenset({Clock.HANDLE, Clock.REDO})
_S, _R, _A, _C = State, Role, Action, Clock


def _row(
    action: Action, sources: str, target: State | Stay, roles: str, *, texts: str = "", values: str = "", **rest: object
) -> Transition:
    states: frozenset[State | None] = {
        "-": frozenset({None}),
        "open": OPEN,
        "any": frozenset(State),
        "ended": ENDED,
    }.get(sources) or frozenset(State(name) for name in sources.split())
    who = frozenset(Role) if roles == "any" else frozenset(Role(name) for name in roles.split())
    return Transition(action, states, target, who, texts=tuple(texts.split()), values=tuple(values.split()), **rest)  # type: ignore[arg-type]


#: All steps by action.
TRANSITIONS: Mapping[Action, Transition] = {
    row.action: row
    for row in (
        _row(_A.REPORT, "-", _S.REPORTED, "officer clerk supervisor", reasoned=False, starts=(_C.ACCEPT,)),
        _row(
            _A.SELF_SOLVE, "reported", _S.HANDLED, "officer", texts="what_done", stops={_C.ACCEPT}, starts=(_C.VERIFY,)
        ),
        _row(_A.ASK_CHECK, "reported", _S.CHECKING, "clerk", texts="question", starts=(_C.CHECK,)),
        _row(_A.CHECKED, "checking", _S.REPORTED, "officer", texts="result", stops={_C.CHECK}),
        _row(
            _A.FILE,
            "reported",
            _S.FILED,
            "clerk level1",
            texts="kind rule",
            reasoned=False,
            stops={_C.ACCEPT},
            starts=(_C.DISPATCH,),
        ),
        _row(_A.REJECT, "reported", _S.REJECTED, "clerk", texts="text", stops=_ALL),
        _row(_A.WITHDRAW, "reported", _S.VOID, "clerk", texts="text", stops=_ALL),
        _row(_A.VOID, "filed assigned", _S.VOID, "level1", texts="text", stops=_ALL),
        _row(
            _A.MERGE,
            "reported filed assigned handling",
            _S.MERGED,
            "clerk level1",
            reasoned=False,
            values="main_case",
            stops=_ALL,
        ),
        _row(_A.UNMERGE, "merged", "former", "level1", texts="text"),
        _row(
            _A.ASSIGN,
            "filed joint shelved",
            _S.ASSIGNED,
            "level1 clerk",
            reasoned=False,
            stops={_C.DISPATCH, _C.REVIEW},
            starts=(_C.SIGN, _C.HANDLE),
        ),
        _row(_A.SIGN, "assigned", _S.HANDLING, "unit", reasoned=False, stops={_C.SIGN}),
        _row(_A.RETURN_UP, "assigned", _S.FILED, "unit", texts="text code", stops={_C.SIGN}, starts=(_C.DISPATCH,)),
        _row(_A.REASSIGN, "handling", _S.ASSIGNED, "level1", texts="text", starts=(_C.SIGN,)),
        _row(_A.GIVE_BACK, "handling", _S.ASSIGNED, "unit", texts="text", starts=(_C.SIGN,)),
        _row(
            _A.CALL_JOINT,
            "filed assigned handling",
            _S.JOINT,
            "officer level1 clerk",
            texts="question",
            stops={_C.DISPATCH, _C.SIGN},
        ),
        _row(_A.DECIDE_ASSIGN, "joint", _S.ASSIGNED, "chair", texts="decision", starts=(_C.SIGN, _C.HANDLE)),
        _row(
            _A.DECIDE_SHELVE,
            "joint",
            _S.SHELVED,
            "leader",
            texts="decision plan",
            values="review_date",
            starts=(_C.REVIEW,),
        ),
        _row(_A.ASK_EXTEND, "handling", "same", "unit", texts="text", values="asked"),
        _row(_A.EXTEND, "handling", "same", "level1 leader", texts="text opinion", values="granted"),
        _row(
            _A.SHELVE, "handling joint", _S.SHELVED, "leader", texts="plan", values="review_date", starts=(_C.REVIEW,)
        ),
        _row(_A.RESUME, "shelved", _S.HANDLING, "any", texts="text", stops={_C.REVIEW}),
        _row(_A.DONE, "handling", _S.HANDLED, "unit", texts="what_done", stops=_WORK, starts=(_C.VERIFY,)),
        _row(
            _A.VERIFY_OK, "handled", _S.VERIFIED, "officer system", texts="how", stops={_C.VERIFY}, starts=(_C.REPLY,)
        ),
        _row(_A.VERIFY_BAD, "handled", _S.HANDLING, "officer", texts="text", stops={_C.VERIFY}, starts=(_C.REDO,)),
        _row(_A.VISIT_SOLVED, "verified", _S.CLOSED, "clerk", texts="visit result", stops=_ALL),
        _row(
            _A.VISIT_UNSOLVED,
            "verified",
            _S.HANDLING,
            "clerk",
            texts="visit result",
            stops={_C.REPLY},
            starts=(_C.REDO,),
        ),
        _row(_A.EXPLAIN_FILE, "handling joint verified", _S.CLOSED, "level1 chair", texts="explanation", stops=_ALL),
        _row(_A.REOPEN, "closed", _S.HANDLING, "clerk supervisor", texts="text", starts=(_C.REDO,)),
        _row(_A.RECONSIDER, "rejected void", _S.REPORTED, "clerk level1 supervisor", texts="text", starts=(_C.ACCEPT,)),
        _row(_A.SUPERVISE, "open", "same", "supervisor", texts="note"),
        _row(_A.UNDO, "any", "same", "any", reasoned=False),
        _row(_A.ADD_REPORT, "open", "same", "officer clerk level1 supervisor system", reasoned=False),
        _row(_A.TAKE_IN, "open", "same", "system", reasoned=False, values="case"),
        _row(_A.RELEASE, "any", "same", "system", reasoned=False, values="case"),
        _row(_A.ANSWER, "any", "same", "officer clerk level1", texts="text"),
        _row(_A.HAND_OVER, "open", "same", "clerk level1 leader system", texts="text", values="to"),
        _row(_A.RECKON, "open", "same", "system", texts="text", values="clocks"),
        _row(_A.EXEMPT, "any", "same", "leader supervisor", texts="text"),
        _row(_A.ERASE_CONTACT, "any", "same", "clerk system", texts="text"),
    )
}

#: Actions possible in each state.
FROM_STATE: Mapping[State | None, tuple[Action, ...]] = {
    state: tuple(action for action, row in TRANSITIONS.items() if state in row.sources) for state in (None, *State)
}

#: Roles for actions whose roles depend on the state.
ROLES_FROM: Mapping[tuple[Action, State], frozenset[Role]] = {
    (_A.MERGE, _S.REPORTED): frozenset({_R.CLERK}),
    (_A.MERGE, _S.FILED): frozenset({_R.CLERK}),
    (_A.MERGE, _S.ASSIGNED): frozenset({_R.LEVEL1}),
    (_A.MERGE, _S.HANDLING): frozenset({_R.LEVEL1}),
    (_A.EXPLAIN_FILE, _S.HANDLING): frozenset({_R.LEVEL1}),
    (_A.EXPLAIN_FILE, _S.VERIFIED): frozenset({_R.LEVEL1}),
    (_A.RECONSIDER, _S.VOID): frozenset({_R.LEVEL1, _R.SUPERVISOR}),
}


def roles_of(action: Action, state: State | None) -> frozenset[Role]:
    """Roles that may do an action in a state."""
    found = ROLES_FROM.get((action, state)) if state is not None else None
    return TRANSITIONS[action].roles if found is None else found
