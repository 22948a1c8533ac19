/* Colours of the drawing in both modes: in dark mode the lightness is inverted, the hue is kept. */

const known = new Map();

export const isDark = () => document.documentElement.dataset.theme === "dark";

/** A colour (#rgb hex of six digits, or rgba) as shown in the mode of the page. */
export function shown(colour) {
  if (!isDark()) return colour;
  if (!known.has(colour)) known.set(colour, turned(colour));
  return known.get(colour);
}

function turned(colour) {
  const [r, g, b, alpha = 1] = colour.startsWith("#") ? [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)) : colour.match(/[\d.]+/g).map(Number);
  const most = Math.max(r, g, b), least = Math.min(r, g, b), spread = most - least, lightness = (most + least) / 510;
  const hue = !spread ? 0 : most === r ? 60 * ((g - b) / spread) : most === g ? 60 * ((b - r) / spread + 2) : 60 * ((r - g) / spread + 4);
  const saturation = spread ? spread / 255 / (1 - Math.abs(2 * lightness - 1)) : 0;
  return `hsl(${hue.toFixed(0)} ${(Math.min(0.7, saturation) * 100).toFixed(0)}% ${(94 - 80 * lightness).toFixed(0)}% / ${alpha})`;
}

/** Call when the mode changes. */
export function whenModeChanges(act) {
  new MutationObserver(act).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}
