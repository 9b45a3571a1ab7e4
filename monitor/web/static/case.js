/* A claimed case stays its analyst's while its page is open and looked at. */

import { note } from "./app.js";

const BEAT = 60_000; // ms; a claim lasts many times as long
const page = document.getElementById("case");

async function beat() {
  if (document.hidden) return;
  const answer = await fetch(`/case/${page.dataset.case}/renew`, { method: "POST" });
  if (answer.status === 409) {
    note(page.dataset.lost);
    clearInterval(timer);
  }
}

const timer = page?.dataset.mine === "yes" ? setInterval(() => beat().catch(() => {}), BEAT) : undefined;

/* A number is decided with one key: the form is sent once, however long the key is held. */
document.getElementById("decide")?.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
