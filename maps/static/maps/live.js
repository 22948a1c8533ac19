"use strict";
/* A coverage map of a server that follows the verdicts as they change (server-sent events of /api/events). */
wangge.follow = (page, days, states) => {
  const GATHER_MS = 400; // events within this time are drawn together
  const after = document.getElementById("navigation")?.dataset.eventsAfter;
  if (after === undefined) return;
  const rows = new Map(page.levels[2].map((cell) => [cell.code, cell.row]));
  let timer = null;

  /** Position of a text in a list, to which it is added if new. */
  const placeOf = (texts, text) => (texts.includes(text) ? texts.indexOf(text) : texts.push(text) - 1);

  function take(news) {
    const known = days.known[news.day], row = rows.get(news.code);
    // A new day: a page opened without a day shows the latest one.
    if (!known && news.day > days.all.at(-1) && !new URLSearchParams(location.search).has("day")) { location.reload(); return; }
    if (!known || row === undefined || !states.includes(news.state)) return;
    const { second } = known.verdicts;
    second.state[row] = states.indexOf(news.state);
    second.visits[row] = news.visits;
    if (news.required) second.required[row] = news.required;
    for (const language of ["zh", "en"]) second[`reason_${language}`][row] = placeOf(known.reasons[language], news[`reason_${language}`] ?? "");
    const at = new Date(news.at), clock = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}:${String(at.getSeconds()).padStart(2, "0")}`;
    page.live = { zh: `实时更新 ${clock}`, en: `live, updated ${clock}` };
    timer ??= setTimeout(() => { timer = null; tell(); page.recolour(); }, GATHER_MS);
  }

  /** Only this text of the header is changed, to keep the focus. */
  function tell() {
    const line = document.querySelector("#top p"), mark = line.querySelector(".live") ?? line.appendChild(wangge.el("span", { className: "live" }));
    mark.textContent = page.live[page.language];
  }

  const source = new EventSource(`/api/events?last=${after}`);
  source.addEventListener("verdict", (event) => take(JSON.parse(event.data)));
};
