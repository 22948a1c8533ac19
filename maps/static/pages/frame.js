"use strict";
/* Common functions of the server's pages: language and dark mode, both kept in the browser and read from the address (?lang=en&theme=dark).
   Runs before the body is drawn, so that nothing flashes. Pages may listen to the event "wangge:language" on the document. */
(() => {
  const root = document.documentElement, given = new URLSearchParams(location.search);
  const kept = (key) => { try { return localStorage.getItem(`wangge-${key}`); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(`wangge-${key}`, value); } catch { /* a browser may forbid it */ } };

  function dark(on) {
    root.dataset.theme = on ? "dark" : "light";
  }

  function speak(language) {
    root.lang = language === "en" ? "en" : "zh-CN";
    const short = language === "en" ? "en" : "zh";
    for (const node of document.querySelectorAll("[data-text]")) {
      const text = node.dataset[short];
      if (node.dataset.text === "textContent") node.textContent = text; else node.setAttribute(node.dataset.text, text);
    }
    document.dispatchEvent(new CustomEvent("wangge:language"));
  }

  const theme = given.get("theme") ?? kept("theme");
  dark(theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const language = given.get("lang") ?? kept("language") ?? "zh";
  root.lang = language === "en" ? "en" : "zh-CN";

  addEventListener("DOMContentLoaded", () => {
    speak(language);
    document.addEventListener("click", (event) => {
      const act = event.target.closest?.("[data-act]")?.dataset.act;
      if (act === "language") { const other = root.lang === "en" ? "zh" : "en"; keep("language", other); speak(other); }
      if (act === "theme") { const on = root.dataset.theme !== "dark"; keep("theme", on ? "dark" : "light"); dark(on); }
    });
  });
})();
