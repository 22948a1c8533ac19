/* Pages of the duty room: typed cells are saved when changed, buttons send requests and show the answers. */

const english = () => document.documentElement.lang === "en";
const say = (zh, en) => (english() ? en : zh);

async function send(address, body, method = "POST") {
  const reply = await fetch(address, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (reply.ok) return reply.status === 204 ? null : reply.json();
  const problem = await reply.json().catch(() => ({}));
  throw new Error(say(problem.zh, problem.en) ?? problem.title ?? String(reply.status));
}

for (const area of document.querySelectorAll("[data-ledger] textarea[data-key]")) {
  area.addEventListener("change", async () => {
    const ledger = area.closest("[data-ledger]").dataset.ledger;
    area.classList.remove("saved", "failed");
    try {
      await send("/api/duty/typed", { ledger, key: area.dataset.key, column: area.dataset.column, text: area.value });
      area.classList.add("saved");
      area.title = "";
    } catch (error) {
      area.classList.add("failed");
      area.title = error.message;
    }
  });
}

for (const button of document.querySelectorAll("[data-sign]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await send(button.dataset.sign, {});
      location.reload();
    } catch (error) {
      button.disabled = false;
      button.title = error.message;
      button.after(Object.assign(document.createElement("output"), { className: "fault", textContent: error.message }));
    }
  });
}

for (const form of document.querySelectorAll("form[data-decide]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = form.querySelector("output");
    try {
      await send(form.dataset.decide, bodyOf(form));
      answer.className = "good";
      answer.textContent = say("已记录", "recorded");
    } catch (error) {
      answer.className = "fault";
      answer.textContent = error.message;
    }
  });
}

/* Forms that send their fields as JSON: `data-post` is the address. Fields with `data-list` are lists, fields with `data-names` texts
   with several names, which are sent as a list; a shift is given as a day with
   begin and end, in the zone of the street. Afterwards the page is reloaded with a description of the result. */
const DONE = "wangge-done";

function bodyOf(form) {
  const given = new FormData(form), body = {};
  for (const field of form.querySelectorAll("[data-list]")) body[field.name] = [];
  for (const [name, value] of given) {
    const field = form.elements[name], list = (field.length && field[0]?.dataset?.list !== undefined) || field.dataset?.list !== undefined;
    if (field.dataset?.names !== undefined) {
      body[name] = value.split(/[、，,；;\n]+/).map((part) => part.trim()).filter(Boolean);
      continue;
    }
    const one = (field.dataset?.kind ?? field[0]?.dataset?.kind) === "number" ? Number(value) : value;
    if (!list) body[name] = one;
    else if (one !== "") body[name].push(one);
  }
  if (form.dataset.offset) {
    const { day, begin, finish, ...rest } = body;
    const next = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
    return { ...rest, start: `${day}T${begin}:00${form.dataset.offset}`, end: `${finish <= begin ? next : day}T${finish}:00${form.dataset.offset}` };
  }
  return form.dataset.item === undefined ? body : { items: [Object.fromEntries(Object.entries(body).filter(([name]) => name !== "self_found"))], self_found: body.self_found === "true" };
}

/** Description of the result of a request, for the reader. */
function doneText(found) {
  if (found?.cases) {
    const cases = Object.entries(found.cases);
    return cases.length ? say(`已登记，移交在办件${cases.length}件：`, `stored; ${cases.length} open cases handed over: `) + cases.map(([number, to]) => `${number}→${to}`).join("，")
      : say("已登记，没有在办件需要移交。", "stored; no open case had to be handed over");
  }
  if (found?.refused) {
    const rows = found.refused.map((row) => say(`第${row.row}行：${row.reason_zh}`, `row ${row.row}: ${row.reason}`)).join("；");
    const told = found.notices.map((one) => say(one.zh, one.en)).join("；");
    return say(`已导入${found.added}班`, `${found.added} ${found.added === 1 ? "shift" : "shifts"} imported`) + (rows ? say(`，未收${found.refused.length}行。`, `, ${found.refused.length} ${found.refused.length === 1 ? "row" : "rows"} refused. `) + rows : "") + (told ? say("。请核对：", ". Please check: ") + told : "");
  }
  if (found?.notices?.length) return say("已保存，请核对：", "stored; please check: ") + found.notices.map((one) => say(one.zh, one.en)).join("；");
  if (found?.left) return say("已保存，下列照片未收：", "stored; photos not taken: ") + found.left.join("；");
  return say("已保存", "stored");
}

function finish(text) {
  try { sessionStorage.setItem(DONE, text); } catch { /* a browser may forbid it */ }
  location.reload();
}

async function run(place, work) {
  let output = place.querySelector?.("output") ?? place.nextElementSibling;
  if (output?.tagName !== "OUTPUT") {
    output = document.createElement("output");
    place.after(output);
  }
  const buttons = place.tagName === "BUTTON" ? [place] : [...place.querySelectorAll("button")];
  buttons.forEach((button) => { button.disabled = true; });
  try {
    finish(doneText(await work()));
  } catch (error) {
    output.className = "fault";
    output.textContent = error.message;
    buttons.forEach((button) => { button.disabled = false; });
  }
}

/** Photos of a form go with the last step of the rectification item that the answer tells; what was stored stays if one is refused. */
async function sendPhotos(form, found) {
  const files = form.querySelector("[data-photos]")?.files ?? [], item = found?.items?.[0] ?? found;
  for (const file of files) {
    const body = new FormData();
    body.append("file", file);
    const reply = await fetch(`/api/rectifications/${encodeURIComponent(item.number)}/steps/${item.steps.at(-1).seq}/photos`, { method: "POST", body });
    if (reply.ok) continue;
    const problem = await reply.json().catch(() => ({}));
    found.left = [...(found.left ?? []), `${file.name}: ${say(problem.zh, problem.en) ?? problem.detail ?? reply.status}`];
  }
}

for (const form of document.querySelectorAll("form[data-post]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form, async () => {
      const found = await send(event.submitter?.dataset.post ?? form.dataset.post, { ...bodyOf(form), ...(event.submitter?.name ? { [event.submitter.name]: event.submitter.value } : {}) });
      await sendPhotos(form, found);
      return found;
    });
  });
}

for (const button of document.querySelectorAll("button[data-all]")) {
  button.addEventListener("click", () => {
    const boxes = [...button.form.querySelectorAll("input[type=checkbox]")], every = boxes.every((box) => box.checked);
    boxes.forEach((box) => { box.checked = !every; });
  });
}

for (const button of document.querySelectorAll("button[data-delete]")) {
  button.addEventListener("click", () => run(button, () => send(button.dataset.delete, undefined, "DELETE")));
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(form, async () => {
      const reply = await fetch(form.dataset.upload, { method: "POST", body: new FormData(form) });
      const found = await reply.json().catch(() => ({}));
      if (!reply.ok) throw new Error(found.detail ?? String(reply.status));
      return found;
    });
  });
}

const done = document.getElementById("done");
if (done) {
  try {
    done.textContent = sessionStorage.getItem(DONE) ?? "";
    sessionStorage.removeItem(DONE);
  } catch { /* a browser may forbid it */ }
}
