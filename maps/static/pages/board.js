/* The page of a community: its open cases by stage, sorted by due time. */

import { ask, both, fillCases, keepFresh, make, openCase, tell, tellGaps } from "./cases.js";

const choose = document.getElementById("choose"), total = document.getElementById("total"), detail = document.getElementById("detail");
const columns = [...document.querySelectorAll("section[data-stage]")];
const MOST = 200;
let newest = 0;

async function load() {
  const turn = ++newest, given = new FormData(choose);
  const query = new URLSearchParams({ limit: MOST, cell: given.get("cell") ?? "", service: given.get("service") ?? "" });
  try {
    const found = await Promise.all(columns.map((column) => ask(`/api/cases?${query}${column.dataset.states.split(" ").map((state) => `&state=${state}`).join("")}`)));
    // A later choice has been made meanwhile.
    if (turn !== newest) return;
    columns.forEach((column, k) => {
      column.querySelector("[data-count]").textContent = found[k].total > MOST ? `${MOST} / ${found[k].total}` : String(found[k].total);
      fillCases(column.querySelector("ul"), found[k].cases, (number) => openCase(detail, number, load));
    });
    const sum = found.reduce((all, one) => all + one.total, 0);
    tell(total, "quiet", both(`在办共${sum}件`, `${sum} open cases`));
  } catch (error) {
    tell(total, "fault", make("span", {}, both(error.zh ?? error.message, error.en ?? error.message)));
  }
}

const tellOfCell = () => tellGaps(new FormData(choose).get("cell") ?? "");

choose.addEventListener("change", load);
choose.addEventListener("change", tellOfCell);
choose.addEventListener("submit", (event) => event.preventDefault());
keepFresh(load);
tellOfCell();
