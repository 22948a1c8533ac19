"""Settings of an installation: one table of names, types, defaults and meanings.

Each setting is an environment variable ``WANGGE_...``, or a key of the TOML file given by ``WANGGE_SETTINGS`` (the part
of the name after ``WANGGE_``, in lower case). The environment takes precedence over the file, the file over the default.
``docs/service.md`` contains the same table; a test compares both.
"""

from __future__ import annotations

import os
import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from geo.errors import FileError, InputError

PREFIX = "WANGGE_"
SETTINGS = "WANGGE_SETTINGS"
DATABASE = "WANGGE_DATABASE"
#: Alias of ``WANGGE_DATABASE``.
DATABASE_URL = "WANGGE_DATABASE_URL"

# ruff: noqa: RUF009 - each field is created by _setting, which returns an immutable default with its meaning.
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def _setting(default: Any, meaning: str, *, least: float | None = None, most: float | None = None) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least, "most": most})


@dataclass(frozen=True)
class Settings:
    """Settings of an installation; :func:`table` lists them with their meanings."""

    database: str = _setting("out/wangge.sqlite", "path of a SQLite file, or a database URL (`postgresql://...`)")
    read_database: str = _setting("", "URL of a replica for reading; empty: `database`")
    pages: Path = _setting(Path("out"), "folder with `coverage.html` and `heat.html`")
    layers: str = _setting(
        "", "GeoPackage with the layers `roads`, `buildings` and `water` of the street, for the editor"
    )
    base_map: str = _setting(
        "",
        "address of tiles that the editor can show, such as `https://host/{z}/{x}/{y}.png`; empty: no requests to other hosts",
    )
    base_map_credit: str = _setting("", "source of these tiles, shown with them")
    host: str = _setting("127.0.0.1", "address to listen on; the default is reached from this machine only")
    port: int = _setting(8000, "port to listen on; 0 for any free one", least=0, most=65535)
    workers: int = _setting(1, "processes that answer requests", least=1, most=64)
    zone: str = _setting("Asia/Shanghai", "time zone of the local day")
    street: str = _setting("", "code of the street served; required if the database has several")
    public_pages: bool = _setting(False, "`/coverage` and `/heat` are shown without login")
    plain_http: bool = _setting(False, "cookies are also sent over plain HTTP; only for networks without TLS")
    proxies: str = _setting(
        "", "addresses of reverse proxies whose `X-Forwarded-` headers are trusted, separated by commas"
    )
    body_mb: int = _setting(16, "largest body of a request in MB, also after decompression", least=1, most=1024)
    concurrency: int = _setting(
        512, "maximum number of concurrent requests; further ones get 503", least=1, most=100_000
    )
    stop_s: int = _setting(10, "seconds granted to running requests when the server stops", least=1, most=600)
    future_after_s: int = _setting(60, "a fix further ahead of the server's clock is marked `future`", least=0)
    session_hours: float = _setting(12.0, "a login ends after this time without a request", least=0.01, most=8784)
    session_days: float = _setting(30.0, "a login ends after this time in any case", least=0.01, most=366)
    login_tries: int = _setting(
        5, "failed logins of one name or address within `login_window_s` before a wait", least=1
    )
    login_window_s: int = _setting(300, "time in which failed logins are counted", least=1)
    holidays: str = _setting("", "file of public holidays and days worked for them; empty: the built-in calendar")
    time_limits: str = _setting("", "file of time limits of matters; empty: the example of one city")
    services: str = _setting(
        "", "CSV with columns code, service: the five services of matters; empty: the built-in table"
    )
    telephones: str = _setting(
        "hotline=12345",
        "numbers printed on letters, cards and boards, separated by commas: "
        "`hotline`, `supervision_phone`, `police_phone`, `property_phone`",
    )
    contact_key: str = _setting(
        "", "file with the key that encrypts reporters' contacts; empty: `wangge.key` next to the SQLite file"
    )
    oidc_issuer: str = _setting("", "address of an OpenID Connect provider; empty: none (needs the part `oidc`)")
    oidc_client: str = _setting("wangge", "name of this service at the provider")
    oidc_secret: str = _setting("", "secret of this service at the provider, if it has one")
    oidc_claim: str = _setting("preferred_username", "claim of the provider's token that contains the account name")
    follow: bool = _setting(True, "verdicts are updated when fixes arrive")
    jobs: bool = _setting(True, "background jobs requested over HTTP are executed")
    log: str = _setting("info", "minimum level logged: debug, info, warning, error")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables and the settings file; others keep their defaults.

        Raises
        ------
        FileError
            If the settings file is missing or is not TOML.
        InputError
            If a value is invalid, or the file has an unknown key.
        """
        given = _file(environment[SETTINGS]) if environment.get(SETTINGS) else {}
        named = {DATABASE: environment[DATABASE_URL]} if environment.get(DATABASE_URL) else {}
        named |= {key: value for key, value in environment.items() if value or key != DATABASE}
        values = {}
        for entry in fields(cls):
            name = variable(entry)
            if name in named:
                values[entry.name] = _value(entry, named[name], name)
            elif entry.name in given:
                values[entry.name] = _value(entry, given[entry.name], entry.name)
        return cls(**values)


def variable(entry: Field[Any]) -> str:
    """Name of a setting's environment variable.

    >>> [variable(entry) for entry in fields(Settings)][:2]
    ['WANGGE_DATABASE', 'WANGGE_READ_DATABASE']
    """
    return PREFIX + entry.name.upper()


def environment_of(settings: Settings) -> dict[str, str]:
    """Environment from which another process reads the same settings."""
    return {**os.environ, **{variable(entry): str(getattr(settings, entry.name)) for entry in fields(settings)}}


def table() -> list[tuple[str, str, str]]:
    """All settings: variable, default, meaning."""
    return [(variable(entry), str(entry.default), entry.metadata["meaning"]) for entry in fields(Settings)]


def _file(path: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"{SETTINGS}={path}: no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{SETTINGS}={path}: cannot be read as TOML ({error})") from error
    known = [entry.name for entry in fields(Settings)]
    if unknown := [key for key in values if key not in known]:
        raise InputError(f"{path}: unknown setting {', '.join(unknown)}; known are {', '.join(known)}")
    return values


def _value(entry: Field[Any], given: Any, name: str) -> Any:
    """Convert a value to the type of its setting."""
    if isinstance(entry.default, bool):
        text = str(given).strip().lower()
        if text not in _TRUE + _FALSE:
            raise InputError(f"{name}={given}: write true or false")
        return text in _TRUE
    if isinstance(entry.default, int | float):
        return _number(entry, given, name)
    if isinstance(entry.default, Path):
        return Path(given)
    if entry.name == "zone":
        try:
            zoneinfo.ZoneInfo(str(given))
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise InputError(f"{name}={given}: is not a time zone; write it like Asia/Shanghai") from error
    if entry.name == "log" and str(given).lower() not in ("debug", "info", "warning", "error"):
        raise InputError(f"{name}={given}: is one of debug, info, warning, error")
    return str(given)


def _number(entry: Field[Any], given: Any, name: str) -> int | float:
    least, most = entry.metadata["least"], entry.metadata["most"]
    kind: type[int] | type[float] = int if isinstance(entry.default, int) else float
    number: int | float | None
    try:
        number = kind(str(given))
    except ValueError:
        number = None
    if (
        number is None
        or number != number
        or not (least is None or number >= least)
        or not (most is None or number <= most)
    ):
        span = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise InputError(f"{name}={given}: a {'whole ' if kind is int else ''}number {span} is expected")
    return number
