"""``wangge user``: accounts, their tokens, and one-time links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out

app = typer.Typer(help="账户：角色、令牌、一次性登录链接。Accounts, tokens and one-time links.", no_args_is_help=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="账户名。Name of the account.")]
RoleOption = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="R",
        help="角色：administrator planner leader checker supervisor community officer clerk resident。Role.",
    ),
]
Scope = Annotated[
    str | None, typer.Option("--scope", metavar="CODE", help="限于社区或网格，默认全街道。Community or grid; else all.")
]
PersonOption = Annotated[
    str | None, typer.Option("--person", metavar="CODE", help="名册中的工号或姓名。Code or name in the roster.")
]
Address = Annotated[
    str | None, typer.Option("--address", metavar="URL", help="服务地址，写在链接前。Address of the service.")
]


@app.command("add")
def add(
    name: Name,
    role: RoleOption,
    scope: Scope = None,
    person: PersonOption = None,
    address: Address = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """新建账户，给出一次性登录链接。

    Add an account, and print its one-time login link.
    """
    from api.access import Grant, Role
    from api.database.accounts import add_account, add_link
    from api.database.events import audit
    from api.database.people import person_of

    if role not in list(Role):
        raise typer.BadParameter(f"'{role}': a role is one of {', '.join(Role)}")
    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        owner = person_of(opened, street, person, at=now) if person else None
        grants = [Grant(Role(role), scope or "")]
        account = add_account(opened, street, name, grants, at=now, by="command line", person=owner)
        link = add_link(opened, account, at=now)
        audit(opened, street, "command line", "add account", name, at=now, role=role, scope=scope)
    path = f"{(address or '').rstrip('/')}/login/{link.text}"
    if json:
        emit_json({"name": name.strip(), "role": role, "scope": scope or "", "link": path})
    else:
        out().print(
            f"账户 account: {name.strip()}\n登录链接 link: {path}", markup=False, highlight=False, soft_wrap=True
        )


@app.command("token")
def token(name: Name, database: options.Database = None, json: options.Json = False) -> None:
    """给程序用的令牌，只显示这一次。

    Create a token for a program. It is shown only once.
    """
    from api.database.accounts import account_id, add_token
    from api.database.events import audit

    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        made = add_token(opened, "program", account=account_id(opened, street, name), at=now)
        audit(opened, street, "command line", "add token", name, at=now)
    if json:
        emit_json({"name": name, "token": made.text})
    else:
        out().print(f"令牌 token: {made.text}", markup=False, highlight=False, soft_wrap=True)


@app.command("admin-link")
def admin_link(
    name: Annotated[str, typer.Argument(metavar="NAME", help="管理员账户，默认 admin。Account.")] = "admin",
    address: Address = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """管理员的一次性登录链接，24 小时内有效；账户不存在则新建。

    A one-time link for an administrator, valid for 24 hours. The account is created if necessary.
    """
    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        from api.database.accounts import administrator_link

        link = administrator_link(opened, street, name, at=now)
    path = f"{(address or '').rstrip('/')}/login/{link.text}"
    if json:
        emit_json({"name": name, "link": path})
    else:
        out().print(f"登录链接 link: {path}", markup=False, highlight=False, soft_wrap=True)


@app.command("disable")
def disable_(name: Name, database: options.Database = None) -> None:
    """停用账户；其会话和令牌随即失效。

    Disable an account. Its logins and tokens end.
    """
    from api.database.accounts import account_id, disable
    from api.database.events import audit

    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        disable(opened, account_id(opened, street, name), at=now)
        audit(opened, street, "command line", "disable account", name, at=now)


@app.command("list")
def list_(database: options.Database = None, json: options.Json = False) -> None:
    """列出账户和角色。

    List the accounts with their roles.
    """
    from api.database.accounts import list_accounts

    with options.opened_store(database) as (opened, street):
        rows = list_accounts(opened, street)
    if json:
        emit_json(
            [
                {
                    "name": a.name,
                    "grants": [{"role": g.role, "scope": g.scope} for g in a.grants],
                    "disabled": a.disabled_at is not None,
                }
                for a in rows
            ]
        )
        return
    for account in rows:
        roles = ", ".join(f"{g.role}{f' ({g.scope})' if g.scope else ''}" for g in account.grants)
        out().print(
            f"{account.name}\t{roles}{'  停用 disabled' if account.disabled_at else ''}", markup=False, highlight=False
        )
