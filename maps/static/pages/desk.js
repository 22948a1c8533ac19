/* The page of the centre: intake of reports, duplicates, filing and dispatch. */

import { ask, both, facts, fillCases, keepFresh, make, newId, openCase, sendPhotos, tell, tellFault, tellGaps, tellPhotos } from "./cases.js";

const list = document.getElementById("cases"), detail = document.getElementById("detail"), total = document.getElementById("total");
const stages = [...document.querySelectorAll("button[data-stage]")];
const open = (number) => {
  history.replaceState(null, "", `/desk?case=${encodeURIComponent(number)}`);
  return openCase(detail, number, load);
};

const asked = (button, limit) => ask(`/api/cases?limit=${limit}${button.dataset.states.split(" ").map((state) => `&state=${state}`).join("")}`);

async function load() {
  try {
    const chosen = stages.find((button) => button.getAttribute("aria-pressed") === "true");
    const found = await Promise.all(stages.map((button) => asked(button, button === chosen ? 200 : 1)));
    stages.forEach((button, k) => { button.querySelector("b").textContent = String(found[k].total); });
    const shown = found[stages.indexOf(chosen)];
    total.textContent = shown.total > shown.cases.length ? `${shown.cases.length} / ${shown.total}` : String(shown.total);
    fillCases(list, shown.cases, open);
  } catch (error) {
    list.replaceChildren(make("li", { class: "fault" }, both(error.zh ?? error.message, error.en ?? error.message)));
  }
}

for (const button of stages) {
  button.addEventListener("click", () => {
    for (const other of stages) other.setAttribute("aria-pressed", String(other === button));
    load();
  });
}

const form = document.getElementById("new-report"), sent = document.getElementById("sent");
let id = newId();
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, contact, wants_reply: wants, photos: _, ...given } = Object.fromEntries(new FormData(form));
  const send = form.querySelector("button");
  send.disabled = true;
  try {
    const stored = await ask("/api/reports", {
      ...given, client_id: id, standard_ref: given.kind ? facts.standard_ref : "", reporter: { name, contact, wants_reply: wants === "on" },
    });
    const left = await sendPhotos(stored.report, [...form.elements.photos.files]);
    id = newId();
    form.reset();
    tell(sent, "good", both(`已登记，编号${stored.case.number}`, `stored as ${stored.case.number}`));
    tellPhotos(sent, stored.report, left, () => open(stored.case.number));
    await Promise.all([load(), open(stored.case.number)]);
  } catch (error) {
    tellFault(sent, error);
  } finally {
    send.disabled = false;
  }
});

const wanted = new URLSearchParams(location.search).get("case");
if (wanted) open(wanted);
keepFresh(load);
tellGaps();
