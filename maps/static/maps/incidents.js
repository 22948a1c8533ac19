"use strict";
/* Incidents as counts by place, kind and time step, and their sums for a selection of kind and time. */
wangge.IncidentCounts = (() => {
  const { cumulate, unpack } = wangge;
  const DAY_MS = 86400000;

  /** Monday is 0. */
  const weekday = (date) => (date.getUTCDay() + 6) % 7;

  class IncidentCounts {
    constructor(packed, levels) {
      this.kinds = packed.kinds;
      this.services = packed.services;
      this.serviceOf = packed.service_of;
      this.stepDays = packed.step_d;
      this.steps = packed.steps;
      this.days = packed.days;
      this.first = packed.first === null ? null : new Date(`${packed.first}T00:00:00Z`);
      this.parents = [1, 2, 3].map((level) => Int32Array.from(levels[level], (cell) => cell.parent.row));
      this.sizes = levels.map((level) => level.length);
      this.placeCell = Int32Array.from(cumulate(unpack(packed.place_cell)), (n) => n - 1);
      this.placeSquare = Int32Array.from(unpack(packed.place_square), (n) => n - 1);
      this.readKeys(cumulate(unpack(packed.keys)));
      this.count = Float64Array.from(unpack(packed.counts), (n) => n + 1);
      this.windowsMade = new Map();
    }

    readKeys(keys) {
      const wide = this.steps + 1, n = keys.length;
      this.cell = new Int32Array(n);
      this.square = new Int32Array(n);
      this.kind = new Int32Array(n);
      this.step = new Int32Array(n);
      keys.forEach((key, i) => {
        const pair = Math.floor(key / wide), place = Math.floor(pair / this.kinds.length);
        this.step[i] = (key % wide) - 1;
        this.kind[i] = pair % this.kinds.length;
        this.cell[i] = this.placeCell[place];
        this.square[i] = this.placeSquare[place];
      });
    }

    /* -- kinds and services: a choice is the position of a kind, -1 for all, or -2, -3, ... for the first, second, ... service -- */

    /** For each kind, whether it belongs to a choice. */
    kindsOf(choice) {
      return Uint8Array.from(this.kinds, (_, kind) => Number(choice === -1 || kind === choice || this.serviceOf[kind] === -2 - choice));
    }

    nameOf(choice) { return choice < -1 ? this.services[-2 - choice] : this.kinds[choice]; }

    /* -- time -- */

    /** First day of a step. Steps of weeks begin on the Monday on or before the first day. */
    dayOf(step) {
      const lead = this.stepDays > 1 ? weekday(this.first) : 0;
      return new Date(Math.max(this.first.getTime(), this.first.getTime() + (step * this.stepDays - lead) * DAY_MS));
    }

    /** Spans of time that the steps allow and of which there is more than one, coarsest first. */
    get spans() {
      if (!this.first) return [];
      const allowed = this.stepDays === 1 ? ["month", "week", "day"] : this.stepDays === 7 ? ["month", "week"] : ["month"];
      return allowed.filter((span) => this.windows(span).length > 1);
    }

    /** Windows of a span in order of time: first and last day, first and last step. A step belongs to the window of its first day. */
    windows(span) {
      if (this.windowsMade.has(span)) return this.windowsMade.get(span);
      const name = { day: (d) => d.getTime(), week: (d) => d.getTime() - weekday(d) * DAY_MS, month: (d) => d.getUTCFullYear() * 12 + d.getUTCMonth() }[span];
      const windows = [];
      let key = null;
      for (let step = 0; step < this.steps; step++) {
        const begin = this.dayOf(step);
        const end = new Date(Math.min((step + 1 < this.steps ? this.dayOf(step + 1).getTime() : Infinity), this.first.getTime() + this.days * DAY_MS) - DAY_MS);
        if (name(begin) !== key) { key = name(begin); windows.push({ from: begin, first: step }); }
        Object.assign(windows.at(-1), { to: end, last: step });
      }
      // A window is complete if the data cover its first and last day.
      for (const window of windows) window.whole = span === "day" || this.isWhole(span, window);
      this.windowsMade.set(span, windows);
      return windows;
    }

    isWhole(span, { from, to }) {
      if (span === "week") return to.getTime() - from.getTime() === 6 * DAY_MS;
      return from.getUTCDate() === 1 && new Date(to.getTime() + DAY_MS).getUTCDate() === 1;
    }

    /* -- sums -- */

    /**
     * Add up for a choice. kind: see kindsOf; window: or null for all time; inFocus: 1 for third-level rows that the lists
     * are about. Returns counts by level and row, by square, by kind (of the time chosen), by step (of the kind chosen).
     */
    tally(kind, window, inFocus, squares) {
      const third = new Float64Array(this.sizes[3]), bySquare = new Float64Array(squares);
      const byKind = new Float64Array(this.kinds.length), byStep = new Float64Array(this.steps);
      const first = window?.first ?? -1, last = window?.last ?? Infinity, belongs = this.kindsOf(kind);
      for (let i = 0; i < this.cell.length; i++) {
        const cell = this.cell[i], step = this.step[i], n = this.count[i];
        const timely = step >= first && step <= last, wanted = belongs[this.kind[i]];
        if (timely && wanted && this.square[i] >= 0) bySquare[this.square[i]] += n;
        if (cell < 0) continue;
        if (timely && wanted) third[cell] += n;
        if (!inFocus[cell]) continue;
        if (timely) byKind[this.kind[i]] += n;
        if (wanted && step >= 0) byStep[step] += n;
      }
      return { levels: this.sumUp(third), bySquare, byKind, byStep };
    }

    /** Counts of all four levels from those of the third. */
    sumUp(third) {
      const levels = [null, null, null, third];
      for (const level of [2, 1, 0]) {
        levels[level] = new Float64Array(this.sizes[level]);
        levels[level + 1].forEach((n, row) => { levels[level][this.parents[level][row]] += n; });
      }
      return levels;
    }

    /** Counts of one level for every window of a span, one after the other. */
    frames(kind, span, level) {
      const belongs = this.kindsOf(kind), windows = this.windows(span), size = this.sizes[level], windowOf = new Int32Array(this.steps);
      windows.forEach(({ first, last }, i) => windowOf.fill(i, first, last + 1));
      let row = Int32Array.from({ length: this.sizes[3] }, (_, i) => i);
      for (let above = 2; above >= level; above--) row = row.map((i) => this.parents[above][i]);
      const result = new Float32Array(windows.length * size);
      for (let i = 0; i < this.cell.length; i++) {
        if (this.cell[i] >= 0 && this.step[i] >= 0 && belongs[this.kind[i]]) result[windowOf[this.step[i]] * size + row[this.cell[i]]] += this.count[i];
      }
      return result;
    }
  }

  return IncidentCounts;
})();
