/* Signs of the tools: paths in a box of 24 by 24. */

import { svg } from "./dom.js";

const PATHS = {
  select: "M6 3l12 9-5.5.8L9.5 19z", drag: "M4 17L11 8l9 5M11 5.2a2.8 2.8 0 1 0 .01 0M2.5 17a1.5 1.5 0 1 0 3 0 1.5 1.5 0 1 0-3 0",
  draw: "M3 19c4-1 3-7 7-8s4 4 8 1M15 5l4 4-7 7-4.5 1L9 12.5z", split: "M4 5h16v14H4zM13 2l-3 20", merge: "M4 6h6v12H4zM14 6h6v12h-6zM8 12h8M13.5 9.5L16 12l-2.5 2.5",
  transfer: "M3 7h8v10H3zM11 12h9M16.5 8.5L20 12l-3.5 3.5", lasso: "M12 5c5 0 8 2 8 5s-3 5-8 5-8-2-8-5 3-5 8-5M7 14c-1 2 0 4 2 4s2 2 1 3",
  brush: "M19 4L10 13M10 13c-3 0-3 3-6 6 4 1 8 0 8-4z", redivide: "M4 4h16v16H4zM4 10h7M11 4v16M11 14h9", lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3", whole: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  comment: "M4 5h16v11H11l-4 4v-4H4z",
};

export const icon = (name) => svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
