/* A claimed case stays its analyst's while its page is open and looked at; and a decision puts the next case in the place
   of this one without a new page, which the browser would take a tenth of a second to begin. What the server answers is
   the same page as without this file. */

import { announce, note } from "./app.js";

const BEAT = 60_000; // ms; a claim lasts many times as long
let timer;

/* --- the claim -------------------------------------------------------------------------------------------------- */

async function beat() {
  const page = document.getElementById("case");
  if (document.hidden || !page) return;
  const answer = await fetch(`/case/${page.dataset.case}/renew`, { method: "POST" });
  if (answer.status === 409) {
    note(page.dataset.lost);
    clearInterval(timer);
  }
}

function keepAlive() {
  clearInterval(timer);
  if (document.getElementById("case")?.dataset.mine === "yes") timer = setInterval(() => beat().catch(() => {}), BEAT);
}

/* --- the next case ---------------------------------------------------------------------------------------------- */

/* A case's page, or a word on why not, takes the place of this one; any other is loaded as usual. */
async function show(answer) {
  const isCase = new URL(answer.url).pathname.startsWith("/case/");
  if (!isCase) {
    location.assign(answer.url);
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["#main", ".nav", ".bar"]) {
    const [now, next] = [document.querySelector(part), fresh.querySelector(part)];
    if (now && next) now.replaceWith(next);
    else if (now && part === ".bar") now.remove();
    else if (next) document.querySelector(".foot").before(next);
  }
  document.title = fresh.title;
  // What was refused has no address of its own to come back to.
  if (answer.redirected) history.pushState(null, "", answer.url);
  scrollTo(0, 0);
  document.getElementById("main").focus({ preventScroll: true });
  announce(document.getElementById("notice").textContent || document.title);
  begin();
}

async function send(event) {
  const form = event.target;
  if (form.dataset.plainly) return;
  event.preventDefault();
  // A case is decided once, however long the key is held.
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const body = new URLSearchParams(new FormData(form, event.submitter));
  try {
    await show(await fetch(form.action, { method: "POST", body }));
  } catch {
    // Where the server cannot be asked, the browser says so better; what was written is refused a second time.
    form.dataset.plainly = "yes";
    form.requestSubmit(event.submitter);
  }
}

function begin() {
  keepAlive();
  document.getElementById("decide")?.addEventListener("submit", send);
}

addEventListener("popstate", () => location.reload());
begin();
