"""``wangge user`` and ``wangge device``, and the settings."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from api.database import session
from api.database.accounts import caller_of_token
from api.database.people import list_devices
from api.settings import DATABASE_URL, Settings, table
from geo.errors import FileError, InputError
from tests.conftest import ROOT


def test_a_device_gets_its_token_once(wangge, store_url, engine):
    code, out, _ = wangge("device", "add", "A", "--holder", "张三", "--json", "--database", store_url)
    made = json.loads(out)
    assert (code, set(made), made["device"]) == (0, {"device", "token"}, "A")
    with session(engine) as opened:
        from datetime import UTC, datetime

        from api.access.secrets import digest

        caller = caller_of_token(opened, digest(made["token"]), at=datetime.now(UTC))
        assert (caller.kind, caller.name) == ("device", "A")
        assert [(d.name, d.holder) for d in list_devices(opened, 1)] == [("A", "张三")]
    code, _, err = wangge("device", "add", "A", "--database", store_url)
    assert code == 2
    assert "already" in err
    code, out, _ = wangge("device", "token", "A", "--json", "--database", store_url)
    assert json.loads(out)["token"] != made["token"]
    with session(engine) as opened:
        assert caller_of_token(opened, digest(made["token"]), at=datetime.now(UTC)) is None
    assert wangge("device", "hand-over", "A", "--database", store_url)[0] == 0
    _, out, _ = wangge("device", "list", "--json", "--database", store_url)
    assert json.loads(out)[0]["holder"] is None


def test_an_account_gets_a_link_and_tokens(wangge, store_url, engine):
    words = ("--scope", "320113003001", "--json", "--database", store_url)
    code, out, _ = wangge("user", "add", "李四", "--role", "community", *words)
    assert (code, json.loads(out)["link"].startswith("/login/wg_link_")) == (0, True)
    code, out, _ = wangge("user", "token", "李四", "--json", "--database", store_url)
    assert json.loads(out)["token"].startswith("wg_api_")
    code, _, err = wangge("user", "add", "x", "--role", "king", "--database", store_url)
    assert (code, "king" in err) == (2, True)
    assert wangge("user", "token", "nobody", "--database", store_url)[0] == 2
    code, out, _ = wangge("user", "admin-link", "--json", "--address", "http://h:1/", "--database", store_url)
    assert json.loads(out)["link"].startswith("http://h:1/login/wg_link_")
    assert wangge("user", "admin-link", "李四", "--database", store_url)[0] == 2
    assert wangge("user", "disable", "李四", "--database", store_url)[0] == 0
    _, out, _ = wangge("user", "list", "--json", "--database", store_url)
    assert [(a["name"], a["disabled"]) for a in json.loads(out)] == [("admin", False), ("李四", True)]


def test_the_settings_in_the_docs_are_those_of_the_code():
    """Each row of the table: variable, default, meaning."""
    docs = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    rows = [line for line in docs.splitlines() if line.startswith("| `WANGGE_")]
    assert rows == [
        f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |" for name, default, meaning in table()
    ]


def test_settings_come_from_environment_file_and_default(tmp_path):
    file = tmp_path / "wangge.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\npublic_pages = true\n', encoding="utf-8")
    found = Settings.from_environment({"WANGGE_SETTINGS": str(file), "WANGGE_PORT": "9001"})
    assert (found.port, found.host, found.public_pages, found.workers) == (9001, "0.0.0.0", True, 1)
    assert Settings.from_environment({DATABASE_URL: "postgresql://x"}).database == "postgresql://x"
    both = {DATABASE_URL: "a", "WANGGE_DATABASE": "b"}
    assert Settings.from_environment(both).database == "b"
    file.write_text("prot = 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown setting prot"):
        Settings.from_environment({"WANGGE_SETTINGS": str(file)})
    file.write_text("port = ", encoding="utf-8")
    with pytest.raises(FileError, match="TOML"):
        Settings.from_environment({"WANGGE_SETTINGS": str(file)})
    with pytest.raises(FileError, match="no such file"):
        Settings.from_environment({"WANGGE_SETTINGS": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANGGE_WORKERS", "0"),
        ("WANGGE_BODY_MB", "x"),
        ("WANGGE_SESSION_HOURS", "nan"),
        ("WANGGE_PUBLIC_PAGES", "maybe"),
        ("WANGGE_ZONE", "Asia/Nowhere"),
        ("WANGGE_LOG", "loud"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name, value):
    with pytest.raises(InputError, match=name):
        Settings.from_environment({name: value})


def test_settings_cannot_be_changed():
    settings = Settings()
    for entry in fields(Settings):
        with pytest.raises(AttributeError):
            setattr(settings, entry.name, None)
