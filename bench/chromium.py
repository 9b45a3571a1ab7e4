"""A real Chromium where one is installed, started so that it asks nobody outside for anything; and a Russian keyboard."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, CDPSession, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
LACKING = "no Chromium in PATH; CONTRIBUTING.md says how to install it"
QUIET = (
    # Run by root, it has no sandbox to go into; it sees nothing but our own pages.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_LATIN = "qwertyuiopasdfghjklzxcvbnm"
_RUSSIAN = "йцукенгшщзфывапролдячсмить"
# What a key gives under the Russian layout, and with Shift where that is no capital letter.
RUSSIAN = {f"Key{code.upper()}": letter for code, letter in zip(_LATIN, _RUSSIAN, strict=True)} | {
    "Period": "ю",
    "Slash": ".",
    "Space": " ",
    **{f"Digit{n}": str(n) for n in range(10)},
}
_SHIFTED = {"Slash": ",", "Digit7": "?"}
_CONTROL, _SHIFT = 2, 8


def found() -> str | None:
    """Where Chromium is; None where it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def running() -> AsyncIterator[Browser]:
    """A headless Chromium for the length of the block. Raises FileNotFoundError where none is installed."""
    path = found()
    if path is None:
        raise FileNotFoundError(LACKING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser
        finally:
            await browser.close()


class RussianKeys:
    """Keys as a Russian layout sends them: the place of the key is the usual one, the letter is Cyrillic.

    Playwright's own keyboard knows the American layout alone.
    """

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    @classmethod
    async def of(cls, page: Page) -> "RussianKeys":
        """The keyboard of a page."""
        return cls(await page.context.new_cdp_session(page))

    async def press(self, code: str, *, shift: bool = False, control: bool = False) -> None:
        """Press and let go of one key, by its place."""
        letter = RUSSIAN[code]
        if shift:
            letter = _SHIFTED.get(code, letter.upper())
        event = {
            "code": code,
            "key": letter,
            "modifiers": _SHIFT * shift + _CONTROL * control,
            "windowsVirtualKeyCode": ord(code[-1]) if code[-1].isalnum() else 0,
        }
        down = {"type": "rawKeyDown"} if control else {"type": "keyDown", "text": letter}
        await self._session.send("Input.dispatchKeyEvent", event | down)
        await self._session.send("Input.dispatchKeyEvent", event | {"type": "keyUp"})

    async def write(self, words: str) -> None:
        """Type words into whatever has the cursor."""
        places = {letter: code for code, letter in RUSSIAN.items()}
        for letter in words:
            await self.press(places[letter])
