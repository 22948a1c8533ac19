"""Two planners who publish at the same time, each through a different server; on both databases."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from api.app import create_app
from api.database import list_versions, session
from api.plans import publishing
from api.settings import Settings
from tests.integration.api.planning import NOW, look, send, token
from tests.integration.api.serving import serving


@pytest.fixture
def planners(published, store_url, tmp_path, division):
    """Two planners, each with a server and a draft on the published version."""
    settings = Settings(database=store_url, pages=tmp_path, follow=False)
    apps = [create_app(settings, clock=lambda: NOW) for _ in range(2)]
    with serving(apps[0]) as one, serving(apps[1]) as other:
        made = []
        for name, client in (("wang", one), ("li", other)):
            headers = {"Authorization": f"Bearer {token(published, name)}"}
            draft = client.post("/api/drafts", json={"id": name, "name": name}, headers=headers).json()
            made.append(SimpleNamespace(client=client, wang=headers, draft=draft, engine=published, division=division))
        yield made


@pytest.fixture
def together(monkeypatch):
    """Let both requests pass all checks of a publication before either begins its transaction."""
    checked, barrier = publishing.findings_of, threading.Barrier(2)

    def wait_then_go_on(division, revision):
        report = checked(division, revision)
        barrier.wait(30)
        return report

    monkeypatch.setattr(publishing, "findings_of", wait_then_go_on)


def rename(planner, position: int, name: str) -> dict:
    return {"edit": "Rename", "code": planner.division.third.iloc[position].code, "name": name}


def publish_both(planners):
    """Answers to two concurrent requests."""
    answers = [None, None]

    def publish(k: int) -> None:
        answers[k] = send(planners[k], "/publish", id=f"p{k}", valid_from="2026-04-01", note=f"by {k}")

    threads = [threading.Thread(target=publish, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_one_of_two_drafts_is_published_and_the_other_is_told_what_changed(planners, together):
    for k, planner in enumerate(planners):
        edits = [rename(planner, 1, f"甲{k}"), rename(planner, 10 + k, f"乙{k}")]
        assert send(planner, "/edits", id=f"e{k}", edits=edits).status_code == 200
    answers = publish_both(planners)
    assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    won = next(k for k in range(2) if answers[k].status_code == 200)
    winner, loser = planners[won], planners[1 - won]
    problem = answers[1 - won].json()
    assert problem["kind"] == "outdated"
    assert [version["id"] for version in problem["versions"]] == [answers[won].json()["version"]]
    assert problem["versions"][0]["note"] == f"by {won}"
    assert problem["cells"] == [winner.division.third.iloc[1].code]
    assert problem["can_follow"] is False
    assert look(winner, "").json()["state"] == "published"
    assert look(loser, "").json()["state"] == "draft"
    # The refused publication has left nothing behind.
    with session(winner.engine) as opened:
        assert [v.note for v in list_versions(opened)] == ["测试", f"by {won}"]
    assert send(loser, "/edits", id="later", edits=[rename(loser, 20, "丙")]).status_code == 200


def test_a_draft_that_two_publish_becomes_one_version(planners, together):
    one, other = planners
    assert send(one, "/edits", id="e", edits=[rename(one, 1, "甲")]).status_code == 200
    same = SimpleNamespace(**{**vars(other), "draft": one.draft})
    answers = publish_both([one, same])
    assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["kind"] in ("outdated", "stale")
    with session(one.engine) as opened:
        assert len(list_versions(opened)) == 2
    assert look(one, "").json()["state"] == look(same, "").json()["state"] == "published"
