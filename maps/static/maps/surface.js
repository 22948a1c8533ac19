"use strict";
/* A density computed in the page for the selected incidents, by the method of geo.incidents.surface.kernel_density on a lattice of squares:
   a Gaussian kernel of fixed metres, with weights that preserve the number of incidents and avoid a decrease at the border. */
wangge.Surface = (() => {
  const { cumulate, el, unpack } = wangge;
  const REACH = 4; // standard deviations; beyond lies 0.006 % of a kernel along one axis
  const EVEN = 1e-3, MOST_ROUNDS = 100; // as geo.incidents.surface.kernel_density
  const FINE = 6; // pixels of the picture to a square

  class Surface {
    /** data: lattice, bandwidth_m, ramp and fade of the payload; outline: the street's parts of rings. */
    constructor(lattice, bandwidth, ramp, fade, outline) {
      Object.assign(this, lattice, { ramp: ramp.map((colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))), fade, outline });
      this.size = this.columns * this.rows;
      this.km2 = (this.side_m / 1000) ** 2;
      const sigma = bandwidth / this.side_m, reach = Math.ceil(REACH * sigma);
      const bell = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
      const sum = bell.reduce((a, b) => a + b);
      this.kernel = Float64Array.from(bell, (value) => value / sum);
      this.within = new Uint8Array(this.size);
      cumulate(unpack(lattice.inside)).forEach((end, i, ends) => { if (i % 2) this.within.fill(1, ends[i - 1], end); });
      this.canvas = el("canvas", { width: this.columns * FINE, height: this.rows * FINE });
    }

    /** Squares with incidents count as inside even if their centre is outside. */
    allow(squares) {
      for (const square of squares) if (square >= 0) this.within[square] = 1;
    }

    /** Sum of kernels: along the rows, then along the columns. */
    spread(values) {
      return this.pass(this.pass(values, this.rows, this.columns, this.columns, 1), this.columns, this.rows, 1, this.columns);
    }

    /** One axis: `lines` lines that begin `apart` numbers from each other, of `length` numbers that lie `step` apart. */
    pass(values, lines, length, apart, step) {
      const { kernel } = this, reach = (kernel.length - 1) / 2, result = new Float64Array(this.size);
      for (let line = 0; line < lines; line++) {
        for (let i = 0; i < length; i++) {
          const value = values[line * apart + i * step];
          if (!value) continue;
          const low = Math.max(0, i - reach), high = Math.min(length - 1, i + reach);
          for (let j = low; j <= high; j++) result[line * apart + j * step] += value * kernel[j - i + reach];
        }
      }
      return result;
    }

    /** Weights that make the kernel between squares sum to one in rows and columns; 0 outside. */
    get weights() {
      if (this.balanced) return this.balanced;
      const weights = Float64Array.from(this.within);
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const sums = this.spread(weights);
        let worst = 0;
        for (let i = 0; i < this.size; i++) if (this.within[i]) worst = Math.max(worst, Math.abs(weights[i] * sums[i] - 1));
        if (worst < EVEN) break;
        for (let i = 0; i < this.size; i++) if (this.within[i]) weights[i] /= Math.sqrt(weights[i] * sums[i]);
      }
      this.mass = this.spread(weights);
      return (this.balanced = weights);
    }

    /** Incidents per km² in each square, from their number in each. */
    density(counts) {
      const { weights } = this;
      const spread = this.spread(Float64Array.from(counts, (n, i) => (n ? n / this.mass[i] : 0)));
      return spread.map((value, i) => (value * weights[i]) / this.km2);
    }

    /** Colour the canvas; `top` has the last colour of the ramp. */
    paint(values, top) {
      const small = el("canvas", { width: this.columns, height: this.rows }), pen = small.getContext("2d");
      const image = pen.createImageData(this.columns, this.rows);
      this.beyond(values).forEach((value, i) => image.data.set(this.colour(Math.min(1, value / top)), 4 * i));
      pen.putImageData(image, 0, 0);
      const large = this.canvas.getContext("2d");
      large.globalCompositeOperation = "copy";
      large.imageSmoothingQuality = "high";
      large.drawImage(small, 0, 0, this.canvas.width, this.canvas.height);
      large.globalCompositeOperation = "destination-in";
      large.fill(this.cut ??= this.outlinePath(), "evenodd");
    }

    colour(share) {
      const at = share * (this.ramp.length - 1), i = Math.min(this.ramp.length - 2, Math.floor(at)), part = at - i;
      const [clear, full, most] = this.fade;
      const opacity = Math.min(1, Math.max(0, (share - clear) / (full - clear))) * most;
      return [...this.ramp[i].map((from, k) => from + (this.ramp[i + 1][k] - from) * part), 255 * opacity];
    }

    /** Extend the values at the border outward, so that smoothing does not reduce them; the outside is clipped afterwards. */
    beyond(values) {
      let known = Uint8Array.from(this.within), result = Float64Array.from(values);
      for (let round = 0; round < 2; round++) {
        const next = Uint8Array.from(known), filled = Float64Array.from(result);
        for (let i = 0; i < this.size; i++) {
          if (known[i]) continue;
          const near = [i - 1, i + 1, i - this.columns, i + this.columns].filter((j) => known[j]);
          if (!near.length) continue;
          filled[i] = near.reduce((sum, j) => sum + result[j], 0) / near.length;
          next[i] = 1;
        }
        [known, result] = [next, filled];
      }
      return result;
    }

    outlinePath() {
      const project = (latlng) => L.CRS.EPSG3857.project(L.latLng(latlng)), path = new Path2D();
      const [low, high] = this.bounds.map(project);
      const place = (latlng) => {
        const { x, y } = project(latlng);
        return [((x - low.x) / (high.x - low.x)) * this.canvas.width, ((high.y - y) / (high.y - low.y)) * this.canvas.height];
      };
      for (const ring of this.outline.flat()) {
        ring.forEach((latlng, i) => (i ? path.lineTo(...place(latlng)) : path.moveTo(...place(latlng))));
        path.closePath();
      }
      return path;
    }
  }

  return Surface;
})();
