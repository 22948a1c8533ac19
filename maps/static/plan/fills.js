/* Colours of the cells: by balance of the second-level grid, residents, units or community, with the legend. */

import { LEVEL } from "./model.js";
import { shown } from "./looks.js";

/** Tolerated relative deviation of a workload from its community's mean. */
export const TOLERANCE = 0.05;

const BALANCE = [
  { to: 0.85, colour: "#8db4d6" }, { to: 0.95, colour: "#c3d8e9" }, { to: 1.05, colour: "#f5f4ef" },
  { to: 1.15, colour: "#f6d6b4" }, { to: Infinity, colour: "#e8a46f" },
];
const AMOUNT = ["#f4f6ef", "#d9e8cf", "#b5d5a9", "#86bb80", "#559a5d"];
const COMMUNITY = ["#e6edf5", "#f5ecdf", "#e4f0e4", "#f3e6ec", "#ebe8f4", "#f4f1dc", "#e0efef", "#f0e7e0", "#e8f0da", "#e9e4ea", "#dfe9f2", "#f2e9e6", "#e7eee9"];

export const FILLS = ["balance", "population", "units", "community"];

export class Fills {
  constructor(model) {
    this.model = model;
    this.mode = "balance";
    this.forget();
  }

  /** After a change of rows. */
  forget() {
    this.means = new Map();
    this.steps = null;
    this.order = null;
  }

  /** Workload of a second-level grid over the mean of its community; null where it is unknown. */
  balance(second) {
    const community = this.model.parent(second);
    if (!this.means.has(community)) {
      const loads = this.model.below(community).map((code) => this.model.row(code).workload ?? 0);
      this.means.set(community, loads.reduce((a, b) => a + b, 0) / Math.max(1, loads.length));
    }
    const mean = this.means.get(community), load = this.model.row(second)?.workload;
    return mean && load !== null && load !== undefined ? load / mean : null;
  }

  /** Colour of a cell in the mode of the page. */
  colour(code) { return shown(this.plain(code)); }

  plain(code) {
    if (this.mode === "balance") {
      const value = this.balance(this.model.parent(code));
      return value === null ? "#ffffff" : BALANCE.find(({ to }) => value < to).colour;
    }
    if (this.mode === "community") {
      this.order ??= new Map(this.model.codesOf(LEVEL.community).map((community, k) => [community, k]));
      return COMMUNITY[this.order.get(this.model.community(code)) % COMMUNITY.length];
    }
    const value = this.model.row(code)?.[this.mode] ?? 0;
    return AMOUNT[this.limits().findIndex((limit) => value <= limit)] ?? AMOUNT.at(-1);
  }

  /** Upper limits of the steps of an amount: fifths of the cells. */
  limits() {
    if (this.steps) return this.steps;
    const values = this.model.codesOf(LEVEL.third).map((code) => this.model.row(code)[this.mode] ?? 0).sort((a, b) => a - b);
    this.steps = [0.2, 0.4, 0.6, 0.8, 1].map((share) => values[Math.min(values.length - 1, Math.floor(share * values.length))]);
    return this.steps;
  }

  /** Entries of the legend: [colour, text]. */
  legend(say) { return this.entries(say).map(([colour, text]) => [shown(colour), text]); }

  entries() {
    if (this.mode === "balance") {
      return [["#8db4d6", "< 0.85"], ["#c3d8e9", "0.85–0.95"], ["#f5f4ef", "0.95–1.05"], ["#f6d6b4", "1.05–1.15"], ["#e8a46f", "> 1.15"]];
    }
    if (this.mode === "community") return [];
    const limits = this.limits();
    return AMOUNT.map((colour, k) => [colour, k ? `${limits[k - 1] + 1}–${limits[k]}` : `0–${limits[0]}`]).filter(([, text], k) => !k || limits[k] > limits[k - 1] || !text);
  }
}
