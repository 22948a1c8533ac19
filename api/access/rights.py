"""Rights of each role of an account, and the one function that decides. The roles are :class:`geo.duty.AccountRole`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from geo.duty.events import AccountRole

#: Role of an account.
Role = AccountRole


class Right(StrEnum):
    """Rights required by routes. Public routes (locate, health) need none."""

    SEE_DIVISION = "see_division"
    PLAN = "plan"
    PUBLISH = "publish"
    SEE_VERDICTS = "see_verdicts"
    SEE_TRACKS = "see_tracks"
    SEND_FIXES = "send_fixes"
    SEE_INCIDENTS = "see_incidents"
    SEND_INCIDENTS = "send_incidents"
    CORRECT_INCIDENTS = "correct_incidents"
    SEE_CASES = "see_cases"
    SEND_REPORTS = "send_reports"
    WORK_CASES = "work_cases"
    SEE_REPORTERS = "see_reporters"
    SEE_ROSTER = "see_roster"
    MANAGE_ROSTER = "manage_roster"
    SEND_NOTICES = "send_notices"
    SEE_LEDGERS = "see_ledgers"
    WRITE_LEDGERS = "write_ledgers"
    RUN_JOBS = "run_jobs"
    MANAGE_DEVICES = "manage_devices"
    MANAGE_ACCOUNTS = "manage_accounts"
    SEE_AUDIT = "see_audit"
    SEE_METRICS = "see_metrics"


_COMMON = {Right.SEE_DIVISION, Right.SEE_VERDICTS, Right.SEE_INCIDENTS, Right.SEE_ROSTER}
# Rights of all roles that act on cases (see geo.duty.ACTS_AS).
_CASES = {Right.SEE_CASES, Right.WORK_CASES, Right.SEE_ROSTER, Right.SEE_LEDGERS}

#: Rights of each role. Only checkers and administrators see tracks (PIPL article 28: strict necessity).
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: frozenset(Right),
    Role.PLANNER: frozenset(_COMMON | {Right.PLAN, Right.PUBLISH, Right.RUN_JOBS}),
    Role.LEADER: frozenset(_COMMON | _CASES | {Right.WRITE_LEDGERS, Right.SEND_NOTICES}),
    Role.CHECKER: frozenset(_COMMON | {Right.SEE_TRACKS, Right.SEND_FIXES, Right.RUN_JOBS}),
    Role.SUPERVISOR: frozenset(_COMMON | _CASES | {Right.SEND_REPORTS, Right.WRITE_LEDGERS}),
    Role.COMMUNITY: frozenset(
        _COMMON | _CASES | {Right.SEND_INCIDENTS, Right.MANAGE_ROSTER, Right.SEND_NOTICES, Right.WRITE_LEDGERS}
    ),
    Role.OFFICER: frozenset(_COMMON | _CASES | {Right.SEND_INCIDENTS, Right.SEND_REPORTS, Right.WRITE_LEDGERS}),
    Role.CLERK: frozenset(
        {Right.SEE_DIVISION, Right.SEE_INCIDENTS, Right.SEND_INCIDENTS, Right.CORRECT_INCIDENTS}
        | _CASES
        | {Right.SEND_REPORTS, Right.SEE_REPORTERS, Right.SEND_NOTICES}
    ),
    Role.RESIDENT: frozenset(),
}


@dataclass(frozen=True)
class Grant:
    """A role within a scope: the code of a community or grid, or empty for the whole street."""

    role: Role
    scope: str = ""


@dataclass(frozen=True)
class Caller:
    """Caller of a request.

    Attributes
    ----------
    kind
        ``public``, ``session``, ``program`` or ``device``.
    name
        Name of the account or device, for the audit.
    street
        Number of the street in the database.
    """

    kind: str
    name: str
    street: int
    account: int | None = None
    device: int | None = None
    person: int | None = None
    grants: tuple[Grant, ...] = ()
    session: str | None = None

    @property
    def actor(self) -> str:
        """Kind and name, as recorded in the audit."""
        return f"{self.kind}:{self.name}"


#: A request without login or token.
PUBLIC = Caller("public", "", 0)


def allowed(caller: Caller, right: Right, cells: Sequence[str] | None = None) -> bool:
    """Whether a caller has a right.

    Parameters
    ----------
    cells
        Codes of the cell concerned and of those above it, or the code alone where codes contain the code of their parent. Without
        it the result says whether the caller has the right anywhere, and the rows of the answer must be limited by
        :func:`scopes`.

    >>> officer = Caller("session", "A", 1, grants=(Grant(Role.OFFICER, "320113003001001"),))
    >>> allowed(officer, Right.SEE_VERDICTS, ["320113003001001", "320113003001"])
    True
    >>> allowed(officer, Right.SEE_VERDICTS, ["320113003001002", "320113003001"])
    False
    """
    if caller.device is not None:
        # A device may only send its own fixes; the decoder refuses those of others.
        return right is Right.SEND_FIXES
    return any(
        right in RIGHTS[grant.role] and (cells is None or not grant.scope or _inside(grant.scope, cells))
        for grant in caller.grants
    )


def scopes(caller: Caller, right: Right) -> tuple[str, ...] | None:
    """Codes to which the caller's right is limited; None if unlimited.

    >>> scopes(Caller("session", "A", 1, grants=(Grant(Role.CHECKER),)), Right.SEE_TRACKS) is None
    True
    """
    given = [grant.scope for grant in caller.grants if right in RIGHTS[grant.role]]
    return None if "" in given else tuple(sorted(given))


def _inside(scope: str, cells: Sequence[str]) -> bool:
    return any(code == scope or code.startswith(scope) for code in cells)
