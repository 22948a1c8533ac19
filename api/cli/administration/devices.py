"""``wangge device``: devices that send fixes, and their tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out

app = typer.Typer(help="设备：登记、令牌、持有人。Devices, their tokens and holders.", no_args_is_help=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="设备名，定位点中的 device。Name, the device of its fixes.")]


@app.command("add")
def add(
    name: Name,
    holder: Annotated[str | None, typer.Option(metavar="PERSON", help="持有人。Person who holds it.")] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """登记设备；令牌只显示这一次。

    Add a device. Its token is shown only once.
    """
    from api.database.accounts import add_token
    from api.database.events import audit
    from api.database.people import add_device, hand_over, person_of

    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        number = add_device(opened, street, name, at=now)
        if holder is not None:
            hand_over(opened, number, person_of(opened, street, holder, at=now), at=now)
        token = add_token(opened, "device", device=number, at=now)
        audit(opened, street, "command line", "add device", name, at=now, holder=holder)
    if json:
        emit_json({"device": name.strip(), "token": token.text})
    else:
        out().print(
            f"设备 device: {name.strip()}\n令牌 token:  {token.text}", markup=False, highlight=False, soft_wrap=True
        )


@app.command("token")
def new_token(name: Name, database: options.Database = None, json: options.Json = False) -> None:
    """给设备换新令牌；旧令牌作废。

    Create a new token for a device. The old ones are revoked.
    """
    from api.database.accounts import add_token, revoke_device_tokens
    from api.database.events import audit
    from api.database.people import device_id

    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        number = device_id(opened, street, name)
        revoke_device_tokens(opened, number, at=now)
        token = add_token(opened, "device", device=number, at=now)
        audit(opened, street, "command line", "new device token", name, at=now)
    if json:
        emit_json({"device": name, "token": token.text})
    else:
        out().print(f"令牌 token: {token.text}", markup=False, highlight=False, soft_wrap=True)


@app.command("hand-over")
def hand_over_(
    name: Name,
    holder: Annotated[
        str | None, typer.Option(metavar="PERSON", help="新持有人；不给则收回。New holder; none: taken back.")
    ] = None,
    database: options.Database = None,
) -> None:
    """把设备交给另一人，从现在起。

    Hand a device over from now on.
    """
    from api.database.events import audit
    from api.database.people import device_id, hand_over, person_of

    now = datetime.now(UTC)
    with options.opened_store(database) as (opened, street):
        person = None if holder is None else person_of(opened, street, holder, at=now)
        hand_over(opened, device_id(opened, street, name), person, at=now)
        audit(opened, street, "command line", "hand over device", name, at=now, holder=holder)


@app.command("list")
def list_(database: options.Database = None, json: options.Json = False) -> None:
    """列出设备和现在的持有人。

    List the devices with their present holders.
    """
    from api.database.people import list_devices

    with options.opened_store(database) as (opened, street):
        rows = list_devices(opened, street)
    if json:
        emit_json([{"device": d.name, "holder": d.holder, "created_at": d.created_at} for d in rows])
        return
    for device in rows:
        out().print(f"{device.name}\t{device.holder or ''}", markup=False, highlight=False)
