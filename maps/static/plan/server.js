/* Communication with the server: requests, event stream, and the outbox of unacknowledged edits. */

/** An error answer of the server: `status`, and the members of the problem document. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.en ?? problem.detail ?? problem.title ?? String(status));
    Object.assign(this, problem, { status });
  }
}

/** No answer, or one that does not decide on the edit: retry later. */
export class Unreachable extends Error {}

/** A UUID; crypto.randomUUID is missing on pages served without TLS. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

async function ask(address, options) {
  let reply;
  try {
    reply = await fetch(address, { credentials: "same-origin", ...options });
  } catch (error) {
    throw new Unreachable(error.message);
  }
  if (reply.ok) return reply.json();
  if (reply.status >= 500) throw new Unreachable(String(reply.status));
  throw new Refused(reply.status, await reply.json().catch(() => ({})));
}

/** Time for which a tab counts as open after its last activity, milliseconds. */
const ALIVE_MS = 8000;

/** Whether a tab with this outbox is open. */
const isOpen = (outbox) => Date.now() - Number(localStorage.getItem(`${outbox}-alive`) ?? 0) < ALIVE_MS;

/** A JSON request outside of any draft. */
export const send = (address, body) => ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
export const fetched = (address) => ask(address, {});

export class Server {
  constructor(draft) {
    this.draft = draft;
    this.base = `/api/drafts/${draft}`;
    const known = sessionStorage.getItem("wangge-plan-client");
    // A duplicated tab begins with the session of the other one, which is still open.
    this.client = known && !isOpen(`wangge-plan-outbox-${draft}-${known}`) ? known : uuid();
    sessionStorage.setItem("wangge-plan-client", this.client);
  }

  get(path) { return fetched(this.base + path); }
  post(path, body = {}) { return send(this.base + path, { id: uuid(), ...body }); }

  upload(path, file) {
    const body = new FormData();
    body.append("file", file);
    return ask(this.base + path, { method: "POST", body });
  }

  /** Follow the log after a revision; `on` has a function for each kind of event. */
  follow(after, on) {
    this.events?.close();
    const source = new EventSource(`${this.base}/events?after=${after}`);
    for (const [kind, listener] of Object.entries(on)) source.addEventListener(kind, (event) => { if (event.data !== undefined) listener(JSON.parse(event.data || "null")); });
    source.onopen = () => on.opened?.();
    this.events = source;
  }
}

/** Edits in order, kept in the browser until the server has stored them. */
export class Outbox {
  constructor(server, { accepted, refused, changed }) {
    Object.assign(this, { server, accepted, refused, changed });
    this.name = `wangge-plan-outbox-${server.draft}-${server.client}`;
    this.items = JSON.parse(localStorage.getItem(this.name) ?? "[]");
    this.sending = this.paused = this.offline = false;
    this.delay = 500;
    this.adopt();
    this.beat();
    setInterval(() => this.beat(), ALIVE_MS / 4);
    window.addEventListener("online", () => { this.delay = 500; this.flush(); });
    window.addEventListener("pagehide", () => localStorage.removeItem(`${this.name}-alive`));
  }

  beat() { localStorage.setItem(`${this.name}-alive`, String(Date.now())); }

  /** Take over unsent edits of closed tabs. */
  adopt() {
    const prefix = `wangge-plan-outbox-${this.server.draft}-`;
    for (const name of Object.keys(localStorage)) {
      if (!name.startsWith(prefix) || name.endsWith("-alive") || name === this.name) continue;
      if (isOpen(name)) continue;
      this.items = [...JSON.parse(localStorage.getItem(name) ?? "[]"), ...this.items];
      localStorage.removeItem(name);
      localStorage.removeItem(`${name}-alive`);
    }
    this.keep();
  }

  keep() {
    if (this.items.length) localStorage.setItem(this.name, JSON.stringify(this.items));
    else localStorage.removeItem(this.name);
    this.changed();
  }

  /** Append a request: {path, body}. */
  put(path, body) {
    const item = { path, body: { id: uuid(), client: this.server.client, ...body } };
    this.items.push(item);
    this.keep();
    this.flush();
    return item;
  }

  /** Remove the last unsent edit; returns whether there was one. */
  dropLast() {
    if (this.items.length < (this.sending ? 2 : 1)) return null;
    const item = this.items.pop();
    this.keep();
    return item;
  }

  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    this.keep();
  }

  async flush() {
    if (this.sending || this.paused || !this.items.length) return;
    this.sending = true;
    const [item] = this.items;
    this.changed();
    try {
      const answer = await send(this.server.base + item.path, item.body);
      this.offline = false;
      this.delay = 500;
      this.remove(item);
      this.accepted(item, answer);
    } catch (error) {
      if (error instanceof Refused) { this.remove(item); this.refused(item, error); }
      else {
        this.offline = true;
        setTimeout(() => this.flush(), this.delay);
        this.delay = Math.min(15000, this.delay * 2);
      }
    }
    this.sending = false;
    this.changed();
    if (!this.offline) this.flush();
  }
}
