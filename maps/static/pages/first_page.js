/* The first page: the large screen (/?screen=1) with automatic slides, and the search box that requests GET /locate. Answers are set as text, never as markup. */

const TEXTS = {
  community: { zh: "社区", en: "Community" },
  second: { zh: "二级网格", en: "Second-level grid" },
  third: { zh: "三级网格", en: "Third-level grid" },
  leader: { zh: "格长编号", en: "Leader (staff no.)" },
  outside: { zh: "该点不在街道范围内。", en: "This point is outside the street." },
  number: { zh: "请填写以度为单位的数字，例如 118.81 和 32.105。", en: "Write numbers in degrees, such as 118.81 and 32.105." },
  fault: { zh: "查询失败：", en: "The question failed: " },
};

const root = document.documentElement;
const answer = document.getElementById("answer");
const form = document.getElementById("locate");
const say = (key) => TEXTS[key][root.lang === "en" ? "en" : "zh"];

function make(tag, text, className) {
  const node = document.createElement(tag);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

function show(found) {
  if (!found.inside) {
    answer.replaceChildren(make("p", say("outside")));
    return;
  }
  const list = document.createElement("dl");
  for (const level of ["community", "second", "third"]) {
    const cell = found[level];
    if (!cell) continue;
    const value = make("dd", cell.name ?? cell.code);
    if (cell.name) value.append(make("span", cell.code, "code"));
    list.append(make("dt", say(level)), value);
  }
  if (found.second?.leader) list.append(make("dt", say("leader")), make("dd", found.second.leader));
  answer.replaceChildren(list);
}

let last = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = new FormData(form), lon = Number(asked.get("lon")), lat = Number(asked.get("lat"));
  if (!String(asked.get("lon")).trim() || !String(asked.get("lat")).trim() || !Number.isFinite(lon) || !Number.isFinite(lat)) {
    answer.replaceChildren(make("p", say("number"), "fault"));
    return;
  }
  last = null;
  try {
    const reply = await fetch(`/locate?${new URLSearchParams({ lon, lat, datum: asked.get("datum") })}`);
    const body = await reply.json();
    if (!reply.ok) throw new Error((document.documentElement.lang === "en" ? body.en : body.zh) ?? body.title ?? String(reply.status));
    last = body;
    show(body);
  } catch (error) {
    answer.replaceChildren(make("p", say("fault") + error.message, "fault"));
  }
});

document.addEventListener("wangge:language", () => { if (last) show(last); });

/* ---- large screen ---- */

const TURN_MS = 12000;
const slides = [...document.querySelectorAll(".slide")];
let shown = 0, turning = null;

function showSlide(n) {
  shown = (n + slides.length) % slides.length;
  slides.forEach((slide, i) => slide.toggleAttribute("data-shown", i === shown));
}

function turn() {
  // After each round the page is reloaded, so that a wall display is up to date.
  if (shown === slides.length - 1) location.reload(); else showSlide(shown + 1);
}

function largeScreen(on) {
  root.toggleAttribute("data-screen", on);
  clearInterval(turning);
  turning = null;
  const address = new URL(location);
  if (on) address.searchParams.set("screen", "1"); else address.searchParams.delete("screen");
  history.replaceState(null, "", address);
  if (!on) return;
  root.dataset.theme = "dark";
  showSlide(0);
  turning = setInterval(turn, TURN_MS);
}

document.getElementById("screen")?.addEventListener("click", () => {
  const on = !root.hasAttribute("data-screen");
  largeScreen(on);
  if (on) root.requestFullscreen?.().catch(() => {}); else if (document.fullscreenElement) document.exitFullscreen();
});
addEventListener("keydown", (event) => {
  if (!root.hasAttribute("data-screen")) return;
  if (event.key === "Escape") largeScreen(false);
  if (event.key === "ArrowRight") showSlide(shown + 1);
  if (event.key === "ArrowLeft") showSlide(shown - 1);
  // The space key pauses and resumes the slides.
  if (event.key === " ") { event.preventDefault(); if (turning) { clearInterval(turning); turning = null; } else turning = setInterval(turn, TURN_MS); }
});
if (slides.length && new URLSearchParams(location.search).get("screen") === "1") largeScreen(true);
