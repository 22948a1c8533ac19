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
const section = document.getElementById("verdict"), shown = document.getElementById("verdicts");
const stays = new Map(); // what was last told of a stay in a grid, by code

/** One grid: state, name, visits, why, and what the present stay still needs. */
function grid(row) {
  const stay = stays.get(row.code), visits = row.required === null ? "" : ` ${row.visits}/${row.required}`;
  return make("li", { "data-verdict": row.verdict, "data-code": row.code },
    make("span", { class: `verdict ${row.verdict}` }, both(...VERDICTS[row.verdict])), " ", nameOf(row), visits,
    make("span", { class: "quiet why" }, both(row.reason_zh, row.reason_en)), stay ? make("span", { class: "stay", role: "status" }, both(...stay)) : "");
}

/** Name of a grid as in the list of places of the form, which has it in both languages, with the code; else as it is stored. */
function nameOf({ code, name }) {
  const option = document.querySelector(`#new-report [name=second] option[value="${CSS.escape(code)}"]`), english = option?.dataset.en?.replace(code, "").trim();
  return english ? both(name, english) : make("span", { lang: "zh-CN" }, name);
}

async function loadVerdicts() {
  try {
    const rows = await ask(`/api/me/grids?day=${section.dataset.day}`);
    // The grid where somebody is now comes first.
    rows.sort((a, b) => Number(stays.has(b.code)) - Number(stays.has(a.code)));
    shown.replaceChildren(...rows.slice(0, MOST_VERDICTS).map(grid));
    if (rows.length > MOST_VERDICTS) shown.append(make("li", {}, make("a", { href: "/coverage" }, both(`共${rows.length}个网格`, `all ${rows.length} grids`))));
    if (rows.length === 0) shown.append(make("li", { class: "quiet" }, both("没有网格。", "No grids.")));
  } catch (error) {
    shown.replaceChildren(make("li", { class: "quiet" }, both(error.zh ?? error.message, error.en ?? error.message)));
  }
}

/** Follow the verdicts and stays of the day; after a lost connection the browser asks for what was missed. */
function followVerdicts() {
  const source = new EventSource("/api/events");
  let wait = null;
  // One request for the events of a moment.
  const soon = () => { wait ??= setTimeout(() => { wait = null; loadVerdicts(); }, 300); };
  const told = (act) => (event) => { const news = JSON.parse(event.data); if (news.day === section.dataset.day) { act(news); soon(); } };
  source.addEventListener("open", loadVerdicts);
  source.addEventListener("verdict", told(() => {}));
  source.addEventListener("visit", told(({ code, counts, needs_s: needs }) => {
    if (counts) stays.set(code, ["本次巡查已计入。", "This visit counts."]);
    else if (needs > 0) stays.set(code, [`本次巡查尚未计入，还差${needs}秒。`, `Not yet: ${needs} s more.`]);
    else stays.delete(code);
  }));
}

if (section) {
  loadVerdicts();
  followVerdicts();
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
