"""The sources that the channel list asks for, opened: pages, accounts, and files."""

from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monitor.errors import SettingsError
from monitor.fetch import Files
from monitor.model import SourceName, utc_now
from monitor.settings import Settings
from monitor.sources import Source
from monitor.sources.fallback import WithFallback
from monitor.sources.preview import PreviewSource
from monitor.sources.telegram_options import Session, TelegramOptions
from monitor.store import watches
from monitor.store.accounts import AccountMemory
from monitor.store.database import Database

MEGABYTE = 1_000_000
# What sessions of the settings are called, with their number.
GIVEN = "session-"


@dataclass(frozen=True, slots=True)
class Opened:
    """Sources that are open, which of them can prove an absence, and where files come from if they are wanted."""

    every: tuple[Source, ...]
    proving: Source | None = None
    files: Files | None = None


@asynccontextmanager
async def opened(
    found: Settings, database: Database, *, only: Container[str] | None = None, lasting: bool = False
) -> AsyncIterator[Opened]:
    """The sources that listed channels, or `only` some, are read through, closed at the end of the block.

    A `lasting` worker gets all: a channel may be put to another source while it runs, and must not fall between.

    Raises SettingsError where a session is none, or accounts are there and the application's id is not.
    """
    async with database.transaction() as tx:
        chosen = [w for w in await watches.every(tx) if only is None or w.handle in only]
    through_accounts = lasting or any(w.source is SourceName.TELEGRAM for w in chosen)
    async with PreviewSource.opened(found.preview(), now=utc_now) as preview:
        if not through_accounts:
            yield Opened((preview,))
            return
        # Telethon takes half a second to load, which most commands need not wait for.
        from monitor.sources.telegram import TelegramSource  # noqa: PLC0415
        from monitor.sources.telegram_login import trust  # noqa: PLC0415

        held = checked(sessions(found))
        options = found.telegram() if held else _no_account()
        if found.telegram_server_key is not None:
            trust(found.telegram_server_key)
        memory = AccountMemory(database)
        async with TelegramSource.opened(held, options, memory, now=utc_now) as telegram:
            files = Files(telegram, found.media_place(), int(found.media_largest * MEGABYTE))
            both = (WithFallback(telegram, preview), preview)
            yield Opened(both, proving=telegram, files=files if found.media else None)


def _no_account() -> TelegramOptions:
    """Without an account the source only says so, and its channels are read through their pages."""
    return TelegramOptions(api_id=1, api_hash="")


def sessions(found: Settings) -> list[Session]:
    """The sessions of our accounts: files of `monitor login`, then those of the settings."""
    place = found.accounts_place()
    files = sorted(place.glob("*.session")) if place.is_dir() else []
    named = [Session(path.stem, partial(_read, path)) for path in files]
    given = [
        Session(f"{GIVEN}{number}", secret.get_secret_value)
        for number, secret in enumerate(found.telegram_sessions, 1)
    ]
    return named + given


def checked(held: list[Session]) -> list[Session]:
    """The sessions as they are. Raises SettingsError for the first that is none."""
    from monitor.sources.telegram_login import is_session  # noqa: PLC0415

    for session in held:
        if not is_session(session.read()):
            raise SettingsError(
                f"the session of account {session.name} cannot be read",
                "it is no session as `monitor login` writes it, or only a part of one",
                f"log in again: {mend_of(session.name)}",
            )
    return held


def mend_of(name: str) -> str:
    """The command that gives an account a new session."""
    if name.startswith(GIVEN):
        return "monitor login --print, and mend MONITOR_TELEGRAM_SESSIONS"
    return f"monitor login --name {name}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the session file {path} cannot be read",
            str(error),
            "mend its rights, or log in again: monitor login",
        ) from error
