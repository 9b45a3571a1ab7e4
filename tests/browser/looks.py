"""What a page must keep to, looked at in the page itself: no scrolling sideways, names, order, contrast, visible focus."""

from playwright.async_api import Page

# What sticks out over the right edge of the window, outside boxes that scroll by themselves.
OVERFLOW = """
() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .unseen"))
    .map((one) => one.outerHTML.slice(0, 120));
}
"""

STRUCTURE = """
() => {
  const found = [];
  const shown = (one) => one.getClientRects().length > 0;
  const name = (one) => (one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent || one.title || "").trim();
  const say = (what, one) => found.push(`${what}: ${one.outerHTML.slice(0, 120)}`);
  for (const one of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (shown(one) && !one.getAttribute("aria-label") && !one.labels?.length) say("a field without a label", one);
  for (const one of document.querySelectorAll("a[href], button, summary"))
    if (shown(one) && !one.closest("[aria-hidden=true]") && !name(one)) say("no name", one);
  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(shown).map((one) => Number(one.localName[1]));
  if (levels.filter((level) => level === 1).length !== 1) found.push(`headings of the first level: ${levels}`);
  levels.forEach((level, i) => { if (level > (levels[i - 1] ?? 0) + 1) found.push(`a level of headings is left out: ${levels}`); });
  for (const one of ["header", "main", "footer"])
    if (document.querySelectorAll(`body > ${one}`).length !== 1) found.push(`not one ${one}`);
  for (const one of document.querySelectorAll("nav, aside, form[role], section[role]"))
    if (!one.getAttribute("aria-label")) say("a landmark without a name", one);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push(`twice the id ${id}`);
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title.trim()) found.push("no title");
  for (const one of document.querySelectorAll("ul, ol")) for (const child of one.children)
    if (child.localName !== "li") say("no item of a list", child);
  return found;
}
"""

# The ratio of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio, of every text that is shown.
CONTRAST = """
() => {
  const parts = (colour) => { const n = colour.match(/[\\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  function ground(one) {
    for (let at = one; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return parts(matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(0, 0, 0)" : "rgb(255, 255, 255)");
  }
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !one.checkVisibility() || one.closest(".unseen, :disabled, option")) continue;
    const style = getComputedStyle(one);
    const pair = [light(parts(style.color)), light(ground(one))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
    if (ratio < least) found.add(`${ratio.toFixed(2)} ${one.localName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`);
  }
  return [...found];
}
"""

FOCUS = """
() => {
  const one = document.activeElement, style = getComputedStyle(one);
  if (one === document.body) return null;
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [one.outerHTML.slice(0, 100), seen];
}
"""
MOST_STOPS = 12


async def unfocused(page: Page) -> list[str]:
    """What takes the focus with Tab and does not show it, among the first stops of a page."""
    found = []
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(FOCUS)
        if stop is not None and not stop[1]:
            found.append(f"focus is not seen: {stop[0]}")
    return found


async def findings(page: Page) -> list[str]:
    """All that is wrong with a page as it is shown now."""
    found: list[str] = []
    for script in (STRUCTURE, CONTRAST):
        found += await page.evaluate(script)
    return found
