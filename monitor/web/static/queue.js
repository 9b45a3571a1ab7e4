/* The cursor of the queue: j and k move it, x ticks its row, o opens it. It is kept for this tab, so that coming back
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

const kept = rows.findIndex((row) => row.id === sessionStorage.getItem(KEPT));
if (rows.length) {
  rows[Math.max(kept, 0)].setAttribute("aria-current", "true");
}

/* --- what is new: only told, never put under the cursor ------------------------------------------------------- */

const fresh = document.getElementById("fresh");
let count = 0;

function tell() {
  if (!fresh) return;
  const link = fresh.firstElementChild;
  link.textContent = link.dataset.words.replace("{n}", count);
  fresh.hidden = count === 0;
  if (count === 1) announce(link.textContent);
}

const stream = new EventSource("/events");
stream.addEventListener("case", (event) => {
  const { case_id: id, state } = JSON.parse(event.data);
  if (state === "open" && !document.getElementById(`case-${id}`)) {
    count += 1;
    tell();
  }
});
