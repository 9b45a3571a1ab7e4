/* The cursor of the queue: j and k move it, x ticks its row, Shift+x all rows from the last one ticked, o opens it. It is kept for this tab, so that coming back
   finds it where it was. New cases are told of, and shown only when they are asked for. */

import { announce } from "./app.js";

const rows = [...document.querySelectorAll("#cases > li")];
const KEPT = `cursor ${location.pathname}`;

function at() {
  return rows.findIndex((row) => row.getAttribute("aria-current") === "true");
}

function move(to) {
  const row = rows[Math.max(0, Math.min(to, rows.length - 1))];
  if (!row) return;
  rows.forEach((other) => other.removeAttribute("aria-current"));
  row.setAttribute("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
  sessionStorage.setItem(KEPT, row.id);
  const link = row.querySelector('[data-action="open"]');
  announce(link.textContent);
  if (!row.contains(document.activeElement)) link.focus({ preventScroll: true });
}

document.querySelector('[data-action="next"]')?.addEventListener("click", () => move(at() + 1));
document.querySelector('[data-action="previous"]')?.addEventListener("click", () => move(at() - 1));

/* Rows are ticked from the one that was ticked last to where the cursor is; without any before, its own alone. */
let lastTicked = -1;
document.getElementById("cases")?.addEventListener("change", (event) => {
  const row = rows.findIndex((one) => one.contains(event.target));
  if (event.target.checked) lastTicked = row;
});
document.querySelector('[data-action="select_range"]')?.addEventListener("click", () => {
  const [from, to] = [lastTicked < 0 ? at() : lastTicked, at()].sort((a, b) => a - b);
  const ticks = rows.slice(from, to + 1).map((row) => row.querySelector('input[name="cases"]'));
  ticks.forEach((tick) => { tick.checked = true; });
  lastTicked = at();
});

const kept = rows.findIndex((row) => row.id === sessionStorage.getItem(KEPT));
if (rows.length) {
  rows[Math.max(kept, 0)].setAttribute("aria-current", "true");
}

/* --- what is new: only told, never put under the cursor ------------------------------------------------------- */

const fresh = document.getElementById("fresh");
const shown = Number(fresh.dataset.newest);
let latest = shown;

/* Cases are numbered as they come, so the newest number says how many there are. */
function heard(number) {
  if (!(number > latest)) return;
  const first = latest === shown;
  latest = number;
  const link = fresh.firstElementChild;
  link.textContent = link.dataset.words.replace("{n}", latest - shown);
  fresh.hidden = false;
  if (first) announce(link.textContent);
}

async function look() {
  const answer = await fetch("/newest");
  if (answer.ok) heard((await answer.json()).case_id);
}

const EVERY = 30_000; // ms, where the stream does not come through
const stream = new EventSource("/events");
stream.addEventListener("case", (event) => heard(JSON.parse(event.data).case_id));
stream.addEventListener("look", () => look().catch(() => {}));
setInterval(() => { if (stream.readyState === EventSource.CLOSED) look().catch(() => {}); }, EVERY);
