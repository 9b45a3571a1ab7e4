"""axe-core, fetched with npm into a directory of the run: it is no part of the repository, and needs no place in it."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import Page

VERSION = "axe-core@4.14.1"
PATIENCE = 60
GRAVE = ("serious", "critical")


async def fetched(place: Path) -> Path | None:
    """The script; None where npm is not there or reaches nothing."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    process = await asyncio.create_subprocess_exec(
        npm, "install", "--prefix", str(place), "--ignore-scripts", "--no-audit", "--no-fund", VERSION,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
    script = place / "node_modules" / "axe-core" / "axe.min.js"
    return script if script.exists() else None


async def grave(page: Page, source: str) -> list[str]:
    """What axe finds on a page that is serious or critical: the rule, and the first place."""
    await page.evaluate(source)
    result: dict[str, Any] = await page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:140]}"
        for one in result["violations"]
        if one["impact"] in GRAVE
    ]
