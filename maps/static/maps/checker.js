"use strict";
/* Replay of a day: a slider for the time, a dot for each device, a tail of the last ten minutes. Needs Leaflet and kit.js; does not change the page's own view. */
globalThis.wanggeReplay = (map) => {
  const data = wangge.read("replay-data");
  const TAIL_S = 600, HOUR = 3600, STEP_S = 30;
  const renderer = L.canvas({ padding: 0.2 });
  const chinese = () => document.documentElement.lang.startsWith("zh");
  const texts = { play: ["播放", "Play"], stop: ["暂停", "Pause"], heard: ["在线设备", "devices heard"], aside: ["线为此前十分钟的轨迹，空心点为未采用的定位点", "Lines: the last ten minutes. Hollow: positions set aside"] };
  const say = (key) => texts[key][chinese() ? 0 : 1];

  const devices = data.paths.map((steps, k) => {
    const t = [], at = [], aside = [];
    let time = 0, x = 0, y = 0;
    for (let i = 0; i < steps.length; i += 4) {
      time += steps[i]; x += steps[i + 1]; y += steps[i + 2];
      t.push(time); at.push([y / data.steps, x / data.steps]); aside.push(steps[i + 3] === 1);
    }
    const dot = L.circleMarker(at[0], { renderer, radius: 5, weight: 2, color: "#ffffff", fillColor: "#143247", fillOpacity: 1, interactive: false });
    const halo = L.polyline([], { renderer, weight: 6, color: "#ffffff", opacity: 0.9, interactive: false });
    const tail = L.polyline([], { renderer, weight: 2.8, color: "#143247", opacity: 1, interactive: false });
    if (data.names[k]) dot.bindTooltip(data.names[k]);
    return { t, at, aside, dot, halo, tail };
  });

  // The hours with any fixes; a working day if there are none.
  const starts = devices.map(({ t }) => t[0]), ends = devices.map(({ t }) => t[t.length - 1]);
  const OPENS = starts.length ? Math.floor(starts.reduce((a, b) => Math.min(a, b)) / HOUR) * HOUR : 6 * HOUR;
  const CLOSES = ends.length ? Math.ceil((ends.reduce((a, b) => Math.max(a, b)) + 1) / HOUR) * HOUR : 22 * HOUR;

  /** Position in `t` of the last value that is not after `now`; -1 if there is none. */
  function before(t, now) {
    let low = 0, high = t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (t[middle] <= now) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  function draw(now) {
    let heard = 0;
    for (const { t, at, aside, dot, halo, tail } of devices) {
      const k = before(t, now);
      const shown = k >= 0 && k < t.length - 1 && t[k + 1] - t[k] <= data.gap;
      if (!shown) { dot.remove(); tail.remove(); halo.remove(); continue; }
      heard += 1;
      const u = (now - t[k]) / Math.max(1, t[k + 1] - t[k]);
      const here = [at[k][0] + u * (at[k + 1][0] - at[k][0]), at[k][1] + u * (at[k + 1][1] - at[k][1])];
      let first = k;
      while (first > 0 && t[first - 1] >= now - TAIL_S && t[first] - t[first - 1] <= data.gap) first -= 1;
      const way = [...at.slice(first, k + 1), here];
      halo.setLatLngs(way).addTo(map);
      tail.setLatLngs(way).addTo(map).bringToFront();
      dot.setLatLng(here).setStyle({ fillColor: aside[k] ? "#ffffff" : "#143247", color: aside[k] ? "#143247" : "#ffffff" }).addTo(map);
      dot.bringToFront();
    }
    const clock = `${String(Math.floor(now / HOUR)).padStart(2, "0")}:${String(Math.floor((now % HOUR) / 60)).padStart(2, "0")}`;
    face.textContent = `${clock}　${say("heard")} ${heard}`;
    slider.setAttribute("aria-valuetext", clock);
  }

  /** Second of the day in the address, as hours and minutes, or null. */
  function sent() {
    const [, hour, minute] = /^(\d\d):(\d\d)$/.exec(new URLSearchParams(location.hash.slice(1)).get("time") ?? "") ?? [];
    return hour === undefined ? null : Number(hour) * HOUR + Number(minute) * 60;
  }
  /** Write the time that is shown to the address, so that it can be sent. */
  function keep() {
    const address = new URLSearchParams(location.hash.slice(1));
    address.set("time", slider.getAttribute("aria-valuetext"));
    history.replaceState(null, "", `#${address}`.replace("%3A", ":"));
  }

  const box = document.createElement("div");
  box.className = "leaflet-bar replay";
  box.style.cssText = "background:#fff;padding:8px 12px;display:flex;flex-wrap:wrap;gap:4px 10px;align-items:center;font-size:.9rem;border-radius:6px;max-width:92vw";
  const button = document.createElement("button"), slider = document.createElement("input"), face = document.createElement("output"), note = document.createElement("small");
  button.type = "button";
  button.style.cssText = "border:1px solid #6d8a9d;border-radius:4px;padding:2px 10px;min-width:4em;text-align:center";
  Object.assign(slider, { type: "range", min: OPENS, max: CLOSES, step: STEP_S, value: Math.min(Math.max(sent() ?? 9.5 * HOUR, OPENS), CLOSES) });
  slider.style.width = "min(24rem, 40vw)";
  face.style.cssText = "font-variant-numeric:tabular-nums;white-space:nowrap";
  box.append(button, slider, face, note);
  L.DomEvent.disableClickPropagation(box);
  L.DomEvent.disableScrollPropagation(box);
  const control = L.control({ position: "bottomleft" });
  control.onAdd = () => box;
  control.addTo(map);

  let timer = null;
  function label() {
    slider.setAttribute("aria-label", chinese() ? "时间" : "Time");
    button.textContent = say(timer ? "stop" : "play");
    note.textContent = say("aside");
  }
  function toggle() {
    if (timer) { clearInterval(timer); timer = null; } else {
      timer = setInterval(() => {
        slider.value = Number(slider.value) + STEP_S >= CLOSES ? OPENS : Number(slider.value) + STEP_S;
        draw(Number(slider.value));
      }, 60);
    }
    label();
  }
  button.addEventListener("click", toggle);
  slider.addEventListener("input", () => draw(Number(slider.value)));
  slider.addEventListener("change", keep);
  new MutationObserver(() => { label(); draw(Number(slider.value)); }).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
  /** Move the replay to a second of the day, and stop there. */
  function show(second) {
    if (timer) toggle();
    slider.value = String(Math.min(Math.max(second, OPENS), CLOSES));
    draw(Number(slider.value));
    keep();
  }
  if (globalThis.wangge) globalThis.wangge.replay = { show, get second() { return Number(slider.value); } };
  label();
  draw(Number(slider.value));
  // The slider must not cover the fitted view.
  const page = globalThis.wangge?.page;
  if (page) { page.below = box.offsetHeight; page.fit(false); }
};
