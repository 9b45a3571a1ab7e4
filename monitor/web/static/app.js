/* Keys, the list of keys, the palette, and the voice of the page. Every action is a link, a button or a field that works
   without this file; an element says by data-key which key does it, and by data-action what it is called.

   data-key is a KeyboardEvent.code, so that j is j under a Russian layout; `Shift+KeyC`, `Control+KeyK` (⌘ on a Mac), or
   two in a row: `KeyG KeyQ`. Single keys act neither in fields, nor with other modifiers, nor while letters are composed,
   nor where <html data-keys="off">. Other scripts import `announce`, `note` and `act` from here. */

const root = document.documentElement;
const overlay = document.getElementById("overlay");
const PATIENCE = 1500; // ms between the two keys of a pair

root.classList.add("scripted");

/* --- the voice: what changed, for those who do not see it ---------------------------------------------------- */

export function announce(words) {
  const live = document.getElementById("live");
  live.textContent = "";
  // A text that is set twice alike would not be read twice.
  requestAnimationFrame(() => { live.textContent = words; });
}

/* A line above the content on what was done; it is read out by its role. */
export function note(words) {
  const line = document.getElementById("notice");
  line.textContent = words;
  line.hidden = !words;
}

/* --- actions: whatever on the page can be done ------------------------------------------------------------- */

function isShown(element) {
  return element.getClientRects().length > 0 && !element.disabled && !element.closest("[inert]");
}

/* Of several elements of one action the one within the row that is current goes first, then the first on the page. */
function found(selector) {
  const all = [...document.querySelectorAll(selector)].filter(isShown);
  return all.find((element) => element.closest('[aria-current="true"]')) ?? all[0];
}

function nameOf(element) {
  if (element.dataset.label) return element.dataset.label;
  if (element.getAttribute("aria-label")) return element.getAttribute("aria-label");
  const label = element.labels?.[0];
  const copy = (label ?? element).cloneNode(true);
  copy.querySelectorAll("kbd, .count").forEach((part) => part.remove());
  return copy.textContent.replace(/\s+/g, " ").trim();
}

const SIGNS = { Period: ".", Slash: "/", Control: "Ctrl", "Shift+Slash": "?" };

export function keysOf(element) {
  const sign = (code) => SIGNS[code] ?? (code.startsWith("Key") ? code.slice(3).toLowerCase() : code.replace("Digit", ""));
  const step = (one) => SIGNS[one] ?? one.split("+").map(sign).join("+");
  return (element.dataset.key ?? "").split(" ").filter(Boolean).map(step).join(" ");
}

/* All actions of the page, each once. */
function actions() {
  const byName = new Map();
  for (const element of document.querySelectorAll("[data-action]")) {
    const name = element.dataset.action;
    if (!byName.has(name) && isShown(element)) byName.set(name, found(`[data-action="${CSS.escape(name)}"]`));
  }
  return [...byName.values()].map((element) => ({ element, name: nameOf(element), keys: keysOf(element) }));
}

/* Do what an element does: a field gets the cursor, all else is clicked. */
export function act(element) {
  if (element.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

/* --- keys --------------------------------------------------------------------------------------------------- */

let first = null; // the first key of a pair, and when it was pressed

function inField(target) {
  return target.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit], [type=button])");
}

function combination(event) {
  const held = [];
  if (event.ctrlKey || event.metaKey) held.push("Control");
  if (event.shiftKey) held.push("Shift");
  return [...held, event.code].join("+");
}

function meant(event) {
  const pressed = combination(event);
  const pair = first && event.timeStamp - first.at < PATIENCE ? `${first.code} ${pressed}` : null;
  first = null;
  const whole = found(`[data-key="${CSS.escape(pair ?? pressed)}"]`) ?? (pair && found(`[data-key="${CSS.escape(pressed)}"]`));
  // Where the question mark lies differs between layouts.
  return whole ?? (event.key === "?" ? found('[data-action="help"]') : undefined);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.altKey || event.repeat && !isStep(event)) return;
  if (!overlay.hidden) return;
  const modified = event.ctrlKey || event.metaKey;
  if (!modified && (root.dataset.keys === "off" || inField(event.target))) return;
  const element = meant(event);
  if (element) {
    event.preventDefault();
    act(element);
  } else if (!modified && document.querySelector(`[data-key^="${CSS.escape(event.code)} "]`)) {
    first = { code: event.code, at: event.timeStamp };
  }
});

/* Escape gives the keys back to the page; what was typed stays. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && overlay.hidden && !event.defaultPrevented && !event.isComposing && inField(event.target)) event.target.blur();
});

/* Only going up and down may repeat while a key is held. */
function isStep(event) {
  const element = found(`[data-key="${CSS.escape(event.code)}"]`);
  return ["next", "previous"].includes(element?.dataset.action);
}

/* --- what lies over the page --------------------------------------------------------------------------------- */

let before = null; // what had the focus

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function behind(isInert) {
  for (const part of document.body.children) if (part !== overlay && part.id !== "live") part.inert = isInert;
}

function open(title, ...content) {
  before ??= document.activeElement;
  const close = element("button", { type: "button", class: "plain" }, overlay.dataset.close, " ", element("kbd", {}, "Esc"));
  close.addEventListener("click", shut);
  const head = element("div", { class: "head" }, element("h2", { id: "overlay-title" }, title), close);
  const box = element("div", { role: "dialog", "aria-modal": "true", "aria-labelledby": "overlay-title" }, head, ...content);
  overlay.replaceChildren(box);
  overlay.hidden = false;
  behind(true);
  (box.querySelector("input") ?? close).focus();
}

function shut() {
  overlay.hidden = true;
  overlay.replaceChildren();
  behind(false);
  before?.focus();
  before = null;
}

overlay.addEventListener("click", (event) => { if (event.target === overlay) shut(); });
overlay.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) {
    event.preventDefault();
    shut();
  }
});

function row({ name, keys }, attributes = {}) {
  return element("li", attributes, element("span", {}, name), ...(keys ? [element("kbd", {}, keys)] : []));
}

function help() {
  const rows = actions().filter((one) => one.keys).map((one) => row(one));
  const off = root.dataset.keys === "off" ? [element("p", { class: "muted" }, overlay.dataset.keysOff)] : [];
  open(overlay.dataset.keysTitle, ...off, element("ul", {}, ...rows));
}

/* Every action of the page by name: type, choose with the arrows, Enter. */
function palette() {
  const all = actions();
  const input = element("input", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
    "aria-label": overlay.dataset.paletteTitle, autocomplete: "off", spellcheck: "false",
  });
  const list = element("ul", { id: "palette-list", role: "listbox", "aria-label": overlay.dataset.paletteTitle });
  const none = element("p", { class: "muted", role: "status" });
  let shown = [];
  let at = 0;

  function choose(number) {
    at = Math.max(0, Math.min(number, shown.length - 1));
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (shown.length) input.setAttribute("aria-activedescendant", `palette-${at}`);
    else input.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }
  function draw() {
    const wanted = input.value.trim().toLowerCase();
    shown = all.filter((one) => one.name.toLowerCase().includes(wanted));
    list.replaceChildren(...shown.map((one, i) => row(one, { role: "option", id: `palette-${i}`, "data-number": i })));
    none.textContent = shown.length ? "" : overlay.dataset.paletteNone;
    choose(0);
  }
  function take(one) {
    shut();
    if (one) act(one.element);
  }
  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step || event.key === "Enter") event.preventDefault();
    if (step) choose(at + step);
    if (event.key === "Enter") take(shown[at]);
  });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item) take(shown[Number(item.dataset.number)]);
  });
  open(overlay.dataset.paletteTitle, input, list, none);
  draw();
}

document.getElementById("show-keys")?.addEventListener("click", help);
document.getElementById("show-palette")?.addEventListener("click", palette);
