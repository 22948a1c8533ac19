"""Accounts, devices and audit, for administrators."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from api.access import Grant, Right, Role
from api.access.admission import LOGGED_IN
from api.access.own_data import own_data
from api.database import session
from api.database.accounts import (
    account_id,
    add_account,
    add_link,
    add_token,
    change_grants,
    disable,
    list_accounts,
)
from api.database.events import audit, read_audit
from api.database.people import add_device, device_id, hand_over, list_devices, person_of
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs
from api.schemas import (
    AccountBody,
    AuditEntry,
    DeviceBody,
    DeviceToken,
    GrantBody,
    Link,
    NewAccount,
    NewDevice,
    OwnData,
)
from geo.errors import InputError

router = APIRouter(prefix="/api", route_class=Guarded, tags=["accounts"])


@router.get("/me/data")
@needs(LOGGED_IN)
def my_data(
    caller: CallerOf,
    engine: EngineOf,
    now: Now,
    start: Annotated[AwareDatetime, Query(description="first moment")],
    end: Annotated[AwareDatetime, Query(description="moment after the last, at most 31 days later")],
) -> OwnData:
    """Stored data about the caller: roles, devices held, and of a period fixes, incidents sent, and accesses to them."""
    if not start < end <= start + timedelta(days=31):
        raise InputError("start must be before end, and at most 31 days before")
    if caller.account is None:
        raise DeniedError("a device has no account; ask with the account of its holder")
    with session(engine, write=True) as opened:
        audit(opened, caller.street, caller.actor, "look at own data", caller.name, at=now)
        return OwnData.model_validate(own_data(opened, caller.street, caller.account, start, end))


@router.get("/accounts")
@needs(Right.MANAGE_ACCOUNTS)
def accounts(caller: CallerOf, engine: EngineOf) -> list[AccountBody]:
    """All accounts of the street."""
    with session(engine) as opened:
        return [_account(account) for account in list_accounts(opened, caller.street)]


@router.post("/accounts", status_code=201)
@needs(Right.MANAGE_ACCOUNTS)
def new_account(request: Request, body: NewAccount, caller: CallerOf, engine: EngineOf, now: Now) -> Link:
    """Create an account; the one-time link logs the person in, who then sets a password."""
    with session(engine, write=True) as opened:
        person = person_of(opened, caller.street, body.person, at=now) if body.person.strip() else None
        grants = _grants(body.grants)
        account = add_account(opened, caller.street, body.name, grants, at=now, by=caller.actor, person=person)
        link = add_link(opened, account, at=now)
        roles = [grant.model_dump() for grant in body.grants]
        audit(opened, caller.street, caller.actor, "add account", body.name, at=now, grants=roles)
    request.app.state.tokens.forget()
    return Link(link=f"/login/{link.text}")


@router.put("/accounts/{name}/grants", status_code=204)
@needs(Right.MANAGE_ACCOUNTS)
def new_grants(
    request: Request, name: str, body: list[GrantBody], caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Replace the roles of an account; its logins end."""
    with session(engine, write=True) as opened:
        change_grants(opened, account_id(opened, caller.street, name), _grants(body), at=now, by=caller.actor)
        roles = [grant.model_dump() for grant in body]
        audit(opened, caller.street, caller.actor, "change roles", name, at=now, grants=roles)
    request.app.state.tokens.forget()
    return Response(status_code=204)


@router.delete("/accounts/{name}", status_code=204)
@needs(Right.MANAGE_ACCOUNTS)
def disable_account(request: Request, name: str, caller: CallerOf, engine: EngineOf, now: Now) -> Response:
    """Disable an account; its records are kept."""
    with session(engine, write=True) as opened:
        disable(opened, account_id(opened, caller.street, name), at=now)
        audit(opened, caller.street, caller.actor, "disable account", name, at=now)
    request.app.state.tokens.forget()
    return Response(status_code=204)


@router.get("/devices")
@needs(Right.MANAGE_DEVICES)
def devices(caller: CallerOf, engine: EngineOf) -> list[DeviceBody]:
    """All devices of the street."""
    with session(engine) as opened:
        return [
            DeviceBody(name=d.name, holder=d.holder, created_at=d.created_at, retired_at=d.retired_at)
            for d in list_devices(opened, caller.street)
        ]


@router.post("/devices", status_code=201)
@needs(Right.MANAGE_DEVICES)
def new_device(request: Request, body: NewDevice, caller: CallerOf, engine: EngineOf, now: Now) -> DeviceToken:
    """Create a device with its token."""
    with session(engine, write=True) as opened:
        device = add_device(opened, caller.street, body.name, at=now)
        if body.holder is not None:
            hand_over(opened, device, person_of(opened, caller.street, body.holder, at=now), at=now)
        token = add_token(opened, "device", device=device, at=now)
        audit(opened, caller.street, caller.actor, "add device", body.name, at=now, holder=body.holder)
    request.app.state.tokens.forget()
    return DeviceToken(device=body.name.strip(), token=token.text)


@router.put("/devices/{name}/holder", status_code=204)
@needs(Right.MANAGE_DEVICES)
def new_holder(
    name: str, holder: Annotated[str, Query(max_length=100)], caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Hand over a device from now on; an empty name ends the holding."""
    with session(engine, write=True) as opened:
        device = device_id(opened, caller.street, name)
        person = person_of(opened, caller.street, holder, at=now) if holder.strip() else None
        hand_over(opened, device, person, at=now)
        audit(opened, caller.street, caller.actor, "hand over device", name, at=now, holder=holder)
    return Response(status_code=204)


@router.get("/audit")
@needs(Right.SEE_AUDIT)
def audit_entries(
    caller: CallerOf,
    engine: EngineOf,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[AuditEntry]:
    """The audit, newest entry first."""
    with session(engine) as opened:
        return [AuditEntry(**row) for row in read_audit(opened, caller.street, before=before, limit=limit)]


def _grants(bodies: list[GrantBody]) -> list[Grant]:
    return [Grant(Role(body.role), body.scope) for body in bodies]


def _account(account: object) -> AccountBody:
    values = {key: getattr(account, key) for key in ("id", "name", "created_at", "disabled_at")}
    grants = [{"role": g.role.value, "scope": g.scope} for g in account.grants]  # type: ignore[attr-defined]
    return AccountBody.model_validate(values | {"grants": grants})
