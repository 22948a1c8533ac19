"""Files of an installation that cannot be executed in a test: everything they refer to exists in the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from api.cli import application
from api.commands.kit import DEPLOYMENT
from api.settings import table

ROOT = Path(__file__).parents[2]
SETTINGS = {name for name, _, _ in table()}
APP = application()
COMMANDS = {command.name for command in APP.registered_commands} | {group.name for group in APP.registered_groups}


def deployed(name):
    return (files("api.deployment") / name).read_text(encoding="utf-8")


def test_the_settings_and_commands_that_are_named_exist():
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("Dockerfile", "compose.yaml")]
    texts += [deployed(name) for name in DEPLOYMENT]
    for text in texts:
        assert set(re.findall(r"WANGGE_[A-Z_]+(?![A-Z_]*=value)", text)) - {"WANGGE_NAME"} <= SETTINGS
    assert re.search(r"^ExecStart=/opt/wangge/bin/wangge serve$", deployed("wangge.service"), re.MULTILINE)
    assert {"serve", "db", "kit"} <= COMMANDS


def test_compose_starts_the_server_after_the_schema_and_shows_it_to_this_machine_only():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["server"]["depends_on"]["schema"]["condition"] == "service_completed_successfully"
    assert services["schema"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["server"]["environment"]["WANGGE_DATABASE"] == services["schema"]["environment"]["WANGGE_DATABASE"]
    assert services["server"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in services["database"]
    assert services["schema"]["command"][:2] == ["db", "upgrade"]


def test_the_image_is_made_from_the_kit_and_does_not_run_as_root():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split()[0] for line in lines if line and not line.startswith(("#", " "))]
    assert words[0] == "FROM"
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "COPY kit /kit" in lines
    assert any("sh /kit/install.sh /opt/wangge" in line for line in lines)


def test_the_installer_is_a_shell_script():
    path = ROOT / "api" / "deployment" / "install.sh"
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_the_proxy_passes_events_on_at_once_and_names_what_the_server_reads():
    text = deployed("nginx.conf")
    assert text.count("{") == text.count("}") == 4
    events = text[text.index("location /api/events") :]
    assert "proxy_buffering    off;" in events
    assert text.count("X-Forwarded-For") == text.count("X-Forwarded-Proto") == text.count("proxy_pass ") == 2
    assert "client_max_body_size 16m;" in text


def test_the_unit_is_what_systemd_takes():
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze: install systemd")
    done = subprocess.run(
        [program, "verify", str(ROOT / "api" / "deployment" / "wangge.service")], capture_output=True, text=True
    )
    assert "Unknown" not in done.stderr
