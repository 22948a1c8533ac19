/* The page of an officer: cases of the own grids, the verdict of the day, and a report in three taps. */

import { ask, both, facts, fillCases, keepFresh, make, matterName, newId, openCase, sendPhotos, tell, tellFault, tellPhotos } from "./cases.js";

const list = document.getElementById("cases"), detail = document.getElementById("detail"), total = document.getElementById("total");
const open = (number) => openCase(detail, number, load);

async function load() {
  try {
    const found = await ask("/api/cases?open_only=true&limit=100");
    total.textContent = found.total > found.cases.length ? `${found.cases.length} / ${found.total}` : String(found.total);
    fillCases(list, found.cases, open);
  } catch (error) {
    list.replaceChildren(make("li", { class: "fault" }, both(error.zh ?? error.message, error.en ?? error.message)));
  }
}

const VERDICTS = { met: ["达标", "met"], short: ["次数不足", "short"], not_visited: ["未巡查", "not visited"], unknown: ["无法确认", "unknown"] };
const MOST_VERDICTS = 8;

/** Name of a grid as in the list of places of the form; its code if the page has no form. */
function nameOf(code) {
  const option = document.querySelector(`#new-report [name=second] option[value="${CSS.escape(code)}"]`);
  return option ? both(option.dataset.zh ?? option.textContent, option.dataset.en ?? option.textContent) : code;
}

async function loadVerdicts() {
  const section = document.getElementById("verdict"), shown = document.getElementById("verdicts");
  if (!section) return;
  try {
    const rows = await ask(`/api/verdicts?day=${section.dataset.day}`);
    const first = rows.filter((row) => row.verdict !== "met"), ordered = [...first, ...rows.filter((row) => row.verdict === "met")];
    shown.replaceChildren(...ordered.slice(0, MOST_VERDICTS).map((row) => make("li", { "data-verdict": row.verdict },
      make("span", { class: `verdict ${row.verdict}` }, both(...VERDICTS[row.verdict])), " ", nameOf(row.code), ` ${row.visits}/${row.required}`,
      make("span", { class: "quiet why" }, both(row.reason_zh, row.reason_en)))));
    if (rows.length > MOST_VERDICTS) shown.append(make("li", {}, make("a", { href: "/coverage" }, both(`共${rows.length}个网格`, `all ${rows.length} grids`))));
    if (rows.length === 0) shown.append(make("li", { class: "quiet" }, both("没有网格。", "No grids.")));
  } catch (error) {
    shown.replaceChildren(make("li", { class: "quiet" }, both(error.zh ?? error.message, error.en ?? error.message)));
  }
}

const form = document.getElementById("new-report"), sent = document.getElementById("sent");
let place = null, id = newId();

function findPosition() {
  const told = document.getElementById("position");
  place = null;
  tell(told, "quiet", both("未使用定位，将按所选网格上报。", "Without a position; the chosen grid is reported."));
  if (!window.isSecureContext || !navigator.geolocation) return;
  navigator.geolocation.getCurrentPosition(
    (found) => {
      place = { lon: found.coords.longitude, lat: found.coords.latitude };
      tell(told, "quiet", both(`已定位，误差约${Math.round(found.coords.accuracy)}米。`, `Position found, within about ${Math.round(found.coords.accuracy)} m.`));
    },
    () => {},
    { enableHighAccuracy: true, timeout: 8000, maximumAge: 30_000 },
  );
}

if (form) {
  const begin = document.getElementById("begin"), send = document.getElementById("send");
  begin.addEventListener("click", () => {
    form.hidden = !form.hidden;
    begin.setAttribute("aria-expanded", String(!form.hidden));
    if (!form.hidden) findPosition();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { photos: _, ...given } = Object.fromEntries(new FormData(form)), photos = [...form.elements.photos.files];
    const kind = given.kind || given.frequent || "", text = given.text.trim() || matterName(kind);
    if (text.length < 2) return tell(sent, "fault", both("请选择一个事项，或填写问题说明。", "Choose a matter, or describe the problem."));
    send.disabled = true;
    // The server refuses positions outside the officer's grids; then the selected grid is used.
    const body = { client_id: id, channel: "patrol", text, kind, standard_ref: kind ? facts.standard_ref : "", address: given.address, second: given.second };
    try {
      const stored = await ask("/api/reports", { ...body, ...place }).catch((error) => {
        if (error.status !== 403 || place === null) throw error;
        return ask("/api/reports", body);
      });
      const left = await sendPhotos(stored.report, photos);
      id = newId();
      form.reset();
      form.hidden = true;
      begin.setAttribute("aria-expanded", "false");
      const seen = stored.duplicates.length;
      tell(sent, "good", both(`已上报，编号${stored.case.number}${seen ? `；附近已有${seen}件类似` : ""}`, `reported as ${stored.case.number}${seen ? `; ${seen} like it nearby` : ""}`));
      tellPhotos(sent, stored.report, left);
      await load();
    } catch (error) {
      tellFault(sent, error);
    } finally {
      send.disabled = false;
    }
  });
}

keepFresh(load);
loadVerdicts();
