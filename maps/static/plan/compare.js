/* Comparison of the draft with its base: a list of differences, and a divider that swipes between both on the map. */

import { button, el } from "./dom.js";
import { LEVEL, Model } from "./model.js";
import { paintDivision, paintLabels } from "./painting.js";
import { Fills } from "./fills.js";
import { count, said, say } from "./words.js";

export class Compare {
  constructor(app, box) {
    Object.assign(this, { app, box, model: null, share: 0.5, shown: false });
  }

  async open(on) {
    this.shown = on;
    this.box.hidden = !on;
    if (!on) return;
    const snapshot = await this.app.server.get("/snapshot?revision=0");
    this.model = new Model(snapshot);
    this.fills = new Fills(this.model);
    this.canvas = el("canvas");
    const divider = el("div", { class: "divider", role: "slider", tabindex: "0", "aria-label": say("swipe"), "aria-valuemin": "0", "aria-valuemax": "100" });
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => { if (event.buttons) this.slide((event.clientX - this.box.getBoundingClientRect().left) / this.box.clientWidth); });
    divider.addEventListener("keydown", (event) => { const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key]; if (step) { event.preventDefault(); this.slide(this.share + step); } });
    this.labels = [el("b", {}, say("base")), el("b", {}, this.app.name)];
    this.divider = divider;
    this.box.replaceChildren(this.canvas, divider, ...this.labels);
    this.slide(this.share);
    this.follow();
  }

  slide(share) {
    this.share = Math.min(0.98, Math.max(0.02, share));
    const x = `${(100 * this.share).toFixed(2)}%`;
    this.divider.style.left = x;
    this.divider.setAttribute("aria-valuenow", String(Math.round(100 * this.share)));
    this.canvas.style.clipPath = `inset(0 ${(100 - 100 * this.share).toFixed(2)}% 0 0)`;
    Object.assign(this.labels[0].style, { right: `calc(${100 - 100 * this.share}% + 14px)` });
    Object.assign(this.labels[1].style, { left: `calc(${x} + 14px)` });
  }

  /** Draw the base for the current view. */
  follow() {
    if (!this.shown || !this.model || !this.canvas) return;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const { app, canvas, model } = this, { view, ratio } = app.surface;
      canvas.width = view.width * ratio;
      canvas.height = view.height * ratio;
      Object.assign(canvas.style, { width: `${view.width}px`, height: `${view.height}px` });
      const context = canvas.getContext("2d", { alpha: false });
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.fills.mode = app.fills.mode;
      const scene = { model, levels: app.levels, backdrop: app.shownBackdrop(), fill: (code) => this.fills.colour(code), label: (code, level) => this.label(code, level) };
      for (const painter of [paintDivision, paintLabels]) for (const step of painter(context, view, 0, scene)) void step;
    });
  }

  label(code, level) {
    const name = this.model.name(code), community = this.model.name(this.model.community(code));
    return level !== LEVEL.community && name.startsWith(community) ? name.slice(community.length) : name;
  }

  async panel(root) {
    const { app } = this, { words, cells, leaders, residents } = await app.server.get("/compare");
    root.replaceChildren(el("p", { class: "quiet" }, say("swipe")), el("h3", {}, say("compare_words")),
      words.length ? el("ol", { class: "list" }, ...words.slice(0, 300).map((line) => el("li", {}, said(line)))) : el("p", { class: "sentence" }, say("same")),
      leaders.length ? el("h3", {}, `${say("leader_table")}：${count(residents)}`) : "",
      leaders.length ? el("table", { class: "figures" }, el("thead", {}, el("tr", {}, ...["from", "to", "residents"].map((key) => el("th", { scope: "col" }, say(key))))),
        el("tbody", {}, ...leaders.slice(0, 200).map((row) => el("tr", {}, el("th", { scope: "row" }, `${app.model.name(row.from_code)} ${row.from_leader ?? ""}`), el("td", {}, `${app.model.name(row.to_code)} ${row.to_leader ?? ""}`), el("td", {}, count(row.population)))))) : "",
      cells.length ? button(say("whole"), () => app.goTo(cells.map(({ code }) => code).filter((code) => app.model.row(code)))) : "");
  }
}
