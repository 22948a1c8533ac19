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
      await send(form.dataset.decide, Object.fromEntries(new FormData(form)));
      answer.className = "good";
      answer.textContent = say("已记录", "recorded");
    } catch (error) {
      answer.className = "fault";
      answer.textContent = error.message;
    }
  });
}
