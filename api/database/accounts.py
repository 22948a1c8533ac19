"""Accounts, grants, tokens, one-time links, sessions, and the count of failed logins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from api.access import Caller, Grant, Role
from api.access.secrets import Secret, digest, new_secret
from api.database.models import AccountRow, DeviceRow, GrantRow, LoginAttemptRow, SessionRow, TokenRow
from api.database.people import checked_name
from api.errors import NotStoredError, UnknownCallerError
from geo.errors import ImpossibleError

#: Validity of one-time links.
LINK_LIFE = timedelta(hours=24)
#: Time for which failed logins are stored.
ATTEMPTS_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Account:
    """An account without its password."""

    id: int
    name: str
    grants: tuple[Grant, ...]
    created_at: datetime
    disabled_at: datetime | None


def add_account(
    session: Session,
    street: int,
    name: str,
    grants: list[Grant],
    *,
    at: datetime,
    by: str,
    password: str | None = None,
    person: int | None = None,
) -> int:
    """Store an account with its grants; `password` is a hash, `person` the number of its person in the roster.

    Raises
    ------
    ImpossibleError
        If the street has an account of this name already.
    """
    plain = checked_name(name, "account")
    if session.scalar(select(AccountRow.id).where(AccountRow.street == street, AccountRow.name == plain)):
        raise ImpossibleError(f"there is an account '{plain}' already; choose another name")
    row = AccountRow(street=street, name=plain, password=password, person_id=person, created_at=at)
    session.add(row)
    session.flush()
    for grant in grants:
        session.add(GrantRow(account_id=row.id, role=grant.role, scope=grant.scope, granted_at=at, granted_by=by))
    session.flush()
    return row.id


def account_id(session: Session, street: int, name: str) -> int:
    """Number of an account.

    Raises
    ------
    NotStoredError
        If there is none of this name.
    """
    found = session.scalar(select(AccountRow.id).where(AccountRow.street == street, AccountRow.name == name))
    if found is None:
        raise NotStoredError(f"there is no account '{name}'; 'wangge user list' names them")
    return found


def list_accounts(session: Session, street: int) -> list[Account]:
    """Accounts of a street by name."""
    rows = session.scalars(select(AccountRow).where(AccountRow.street == street).order_by(AccountRow.name))
    return [Account(r.id, r.name, grants_of(session, r.id), r.created_at, r.disabled_at) for r in rows.all()]


def grants_of(session: Session, account: int) -> tuple[Grant, ...]:
    """Current grants of an account."""
    query = select(GrantRow.role, GrantRow.scope).where(GrantRow.account_id == account, GrantRow.revoked_at.is_(None))
    return tuple(Grant(Role(role), scope) for role, scope in session.execute(query.order_by(GrantRow.id)))


def change_grants(session: Session, account: int, grants: list[Grant], *, at: datetime, by: str) -> None:
    """Replace the grants of an account; its sessions end."""
    held = GrantRow.account_id == account, GrantRow.revoked_at.is_(None)
    session.execute(update(GrantRow).where(*held).values(revoked_at=at))
    for grant in grants:
        session.add(GrantRow(account_id=account, role=grant.role, scope=grant.scope, granted_at=at, granted_by=by))
    end_sessions(session, account, at=at)


def disable(session: Session, account: int, *, at: datetime) -> None:
    """Disable an account; its sessions and tokens end."""
    session.execute(update(AccountRow).where(AccountRow.id == account).values(disabled_at=at))
    held = TokenRow.account_id == account, TokenRow.revoked_at.is_(None)
    session.execute(update(TokenRow).where(*held).values(revoked_at=at))
    end_sessions(session, account, at=at)


def set_password(session: Session, account: int, hashed: str, *, at: datetime) -> None:
    """Replace the password of an account; its sessions end."""
    session.execute(update(AccountRow).where(AccountRow.id == account).values(password=hashed))
    end_sessions(session, account, at=at)


def password_of(session: Session, street: int, name: str) -> tuple[int | None, str | None]:
    """Number and password hash of an enabled account; None if there is none."""
    row = session.scalar(
        select(AccountRow).where(AccountRow.street == street, AccountRow.name == name, AccountRow.disabled_at.is_(None))
    )
    return (None, None) if row is None else (row.id, row.password)


def add_token(
    session: Session,
    kind: str,
    *,
    at: datetime,
    account: int | None = None,
    device: int | None = None,
    expires_at: datetime | None = None,
) -> Secret:
    """Create a token of an account or device, and store its hash."""
    secret = new_secret(kind)
    session.add(
        TokenRow(
            sha256=secret.sha256,
            last_four=secret.last_four,
            kind=kind,
            account_id=account,
            device_id=device,
            created_at=at,
            expires_at=expires_at,
        )
    )
    session.flush()
    return secret


def add_link(session: Session, account: int, *, at: datetime) -> Secret:
    """Create a one-time link that logs an account in."""
    return add_token(session, "link", at=at, account=account, expires_at=at + LINK_LIFE)


def administrator_link(session: Session, street: int, name: str, *, at: datetime) -> Secret:
    """One-time link of an administrator; the account is created if necessary.

    Raises
    ------
    ImpossibleError
        If the account exists and is no administrator, or is disabled.
    """
    row = session.scalar(select(AccountRow).where(AccountRow.street == street, AccountRow.name == name))
    if row is None:
        number = add_account(session, street, name, [Grant(Role.ADMINISTRATOR)], at=at, by="command line")
    elif row.disabled_at is not None or Grant(Role.ADMINISTRATOR) not in grants_of(session, row.id):
        raise ImpossibleError(f"'{name}' is disabled or no administrator; name another account")
    else:
        number = row.id
    return add_link(session, number, at=at)


def has_administrator(session: Session, street: int) -> bool:
    """Whether an enabled account is administrator of the complete street."""
    return any(
        account.disabled_at is None and Grant(Role.ADMINISTRATOR) in account.grants
        for account in list_accounts(session, street)
    )


def revoke_device_tokens(session: Session, device: int, *, at: datetime) -> None:
    """Revoke all tokens of a device."""
    held = TokenRow.device_id == device, TokenRow.revoked_at.is_(None)
    session.execute(update(TokenRow).where(*held).values(revoked_at=at))


def use_link(session: Session, text_: str, *, at: datetime) -> int:
    """Use a one-time link and return its account; the link does not work again.

    Raises
    ------
    UnknownCallerError
        If the link is unknown, used, or too old.
    """
    taken = session.execute(
        update(TokenRow)
        .where(TokenRow.sha256 == digest(text_), TokenRow.kind == "link", TokenRow.used_at.is_(None))
        .where(TokenRow.revoked_at.is_(None), TokenRow.expires_at > at)
        .values(used_at=at)
        .returning(TokenRow.account_id)
    ).scalar()
    if taken is None:
        raise UnknownCallerError("this link was used or is too old; ask for a new one ('wangge user admin-link')")
    return taken


def caller_of_token(session: Session, sha256: str, *, at: datetime) -> Caller | None:
    """Caller of a valid token of a device or program."""
    token = session.scalar(
        select(TokenRow)
        .where(TokenRow.sha256 == sha256, TokenRow.kind.in_(("device", "program")), TokenRow.revoked_at.is_(None))
        .where(or_(TokenRow.expires_at.is_(None), TokenRow.expires_at > at))
    )
    if token is None:
        return None
    if token.kind == "device":
        device = session.get(DeviceRow, token.device_id)
        if device is None or device.retired_at is not None:
            return None
        return Caller("device", device.name, device.street, device=device.id)
    return _caller(session, token.account_id, "program")


def start_session(session: Session, account: int, *, at: datetime, days: float) -> Secret:
    """Start a login of a browser; the secret goes into its cookie."""
    secret = new_secret("session")
    session.add(
        SessionRow(
            id=secret.sha256, account_id=account, created_at=at, seen_at=at, expires_at=at + timedelta(days=days)
        )
    )
    session.flush()
    return secret


def login_of_provider(session: Session, street: int, name: str, *, at: datetime, days: float) -> Secret:
    """Start a login of the account whose name was confirmed by a login provider.

    Raises
    ------
    UnknownCallerError
        If there is no such account, or it is disabled.
    """
    row = session.scalar(select(AccountRow).where(AccountRow.street == street, AccountRow.name == name))
    if row is None or row.disabled_at is not None:
        raise UnknownCallerError(
            "the login provider authenticated you, but you have no account here; ask the administrator"
        )
    return start_session(session, row.id, at=at, days=days)


def caller_of_session(session: Session, secret: str, *, at: datetime, idle: timedelta) -> Caller | None:
    """Caller of a valid session; updates its last use, at most once a minute."""
    row = session.get(SessionRow, digest(secret))
    if row is None or row.revoked_at is not None or row.expires_at <= at or row.seen_at + idle <= at:
        return None
    if at - row.seen_at > timedelta(minutes=1):
        row.seen_at = at
    return _caller(session, row.account_id, "session", row.id)


def end_session(session: Session, key: str, *, at: datetime) -> None:
    """End one session."""
    session.execute(
        update(SessionRow).where(SessionRow.id == key, SessionRow.revoked_at.is_(None)).values(revoked_at=at)
    )


def end_sessions(session: Session, account: int, *, at: datetime) -> None:
    """End all sessions of an account."""
    held = SessionRow.account_id == account, SessionRow.revoked_at.is_(None)
    session.execute(update(SessionRow).where(*held).values(revoked_at=at))


def failed_logins(session: Session, name: str, address: str, *, since: datetime) -> tuple[int, datetime | None]:
    """Failed logins of a name or an address since its last success, and the time of the first of them."""
    mine = or_(LoginAttemptRow.name == name, LoginAttemptRow.address == address)
    good = select(func.max(LoginAttemptRow.at)).where(
        LoginAttemptRow.name == name, LoginAttemptRow.address == address, LoginAttemptRow.succeeded
    )
    last_good = session.scalar(good)
    if last_good is not None and last_good > since:
        since = last_good
    query = select(func.count(), func.min(LoginAttemptRow.at)).where(
        mine, LoginAttemptRow.succeeded.is_(False), LoginAttemptRow.at > since
    )
    count, first = session.execute(query).one()
    return int(count), first


def note_login(session: Session, name: str, address: str, *, at: datetime, succeeded: bool) -> None:
    """Record a login attempt; old ones are deleted."""
    session.execute(delete(LoginAttemptRow).where(LoginAttemptRow.at < at - ATTEMPTS_KEPT))
    session.add(LoginAttemptRow(name=name[:100], address=address[:100], at=at, succeeded=succeeded))
    session.flush()


def access_generation(session: Session) -> tuple[int, ...]:
    """Numbers that change whenever a token, account, grant or device is added, revoked or disabled."""
    return tuple(
        session.execute(
            text(
                "SELECT (SELECT count(*) FROM token), (SELECT count(revoked_at) FROM token), "
                "(SELECT count(disabled_at) FROM account), (SELECT count(*) FROM access_grant), "
                "(SELECT count(revoked_at) FROM access_grant), (SELECT count(*) FROM device), "
                "(SELECT count(retired_at) FROM device)"
            )
        ).one()
    )


def _caller(session: Session, account: int | None, kind: str, key: str | None = None) -> Caller | None:
    row = session.get(AccountRow, account)
    if row is None or row.disabled_at is not None:
        return None
    return Caller(
        kind,
        row.name,
        row.street,
        account=row.id,
        person=row.person_id,
        grants=grants_of(session, row.id),
        session=key,
    )
