"""Logging an account of ours in, once: phone, code, and the two-step password where there is one."""

import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from telethon import errors
from telethon.crypto import rsa
from telethon.sessions import StringSession

from monitor.errors import FloodWait, MonitorError, Unreachable, UsageError
from monitor.sources.telegram_account import client_of
from monitor.sources.telegram_options import TelegramOptions

MOST_TRIES = 3
Ask = Callable[[str], str]
_MIGRATE = (errors.PhoneMigrateError, errors.NetworkMigrateError)


async def login(
    options: TelegramOptions,
    *,
    phone: str,
    ask: Ask,
    ask_secretly: Ask,
    server: tuple[int, str, int] | None = None,
) -> str:
    """Log in and give the session, which is as good as a password.

    `ask` and `ask_secretly` put a question to a person. `server` is data centre, host and port of another
    server than Telegram's own. Raises UsageError for what Telegram does not accept, Unreachable where it cannot
    be reached, FloodWait where it asks to wait.
    """
    client = client_of("", options)
    if server is not None:
        client.session.set_dc(*server)
    try:
        await client.connect()
        await _signed_in(client, phone, ask=ask, ask_secretly=ask_secretly)
        return str(client.session.save())
    except (OSError, TimeoutError) as error:
        raise Unreachable(
            "Telegram cannot be reached", str(error) or type(error).__name__, "see the network, and try again"
        ) from error
    except errors.RPCError as error:
        raise _worded(error) from error
    finally:
        await client.disconnect()


def is_session(text: str) -> bool:
    """Whether a text is a session as `login` gives it, of an account that was logged in."""
    try:
        return StringSession(text).auth_key is not None
    except (ValueError, struct.error):
        return False


def trust(key: Path) -> None:
    """Trust a server by its public RSA key (PEM, PKCS#1). Raises UsageError where the file holds none."""
    try:
        rsa.add_key(key.read_text(encoding="ascii"), old=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{key} holds no public key", str(error), "mend MONITOR_TELEGRAM_SERVER_KEY"
        ) from error


async def _signed_in(client: Any, phone: str, *, ask: Ask, ask_secretly: Ask) -> None:
    sent = await _code_sent(client, phone)

    async def with_code() -> None:
        code = ask("code that Telegram sent").strip()
        await client.sign_in(phone, code, phone_code_hash=sent.phone_code_hash)

    async def with_password() -> None:
        await client.sign_in(password=ask_secretly("two-step password"))

    try:
        await _a_few_times(with_code, errors.PhoneCodeInvalidError)
    except errors.SessionPasswordNeededError:
        await _a_few_times(with_password, errors.PasswordHashInvalidError)


async def _code_sent(client: Any, phone: str) -> Any:
    """Let Telegram send a code. An account lies at one data centre; Telethon has moved there once it is told."""
    try:
        return await client.send_code_request(phone)
    except _MIGRATE:
        return await client.send_code_request(phone)


async def _a_few_times(attempt: Callable[[], Awaitable[None]], slip: type[Exception]) -> None:
    """Let a person who mistyped try again."""
    for left in reversed(range(MOST_TRIES)):
        try:
            await attempt()
        except slip:
            if left == 0:
                raise
        else:
            return


def _worded(error: Any) -> MonitorError:
    """What Telegram's refusal means."""
    if isinstance(error, errors.FloodWaitError):
        return FloodWait("Telegram asks to wait", str(error), f"try again in {error.seconds} s")
    known = {
        errors.ApiIdInvalidError: (
            "the application's id or hash is wrong",
            "see my.telegram.org, and mend .env",
        ),
        errors.PhoneNumberInvalidError: ("no such phone number", "write it with its country code: +7…"),
        errors.PhoneNumberUnoccupiedError: (
            "this number has no account",
            "use a well-established account: new ones are banned within minutes",
        ),
        errors.PhoneNumberBannedError: ("this number is banned", "write to recover@telegram.org"),
        errors.PhoneCodeInvalidError: ("the code is wrong", "start again: monitor login"),
        errors.PhoneCodeExpiredError: ("the code is too old", "start again: monitor login"),
        errors.PasswordHashInvalidError: ("the two-step password is wrong", "start again: monitor login"),
    }
    what, mend = next(
        (words for kind, words in known.items() if isinstance(error, kind)),
        ("Telegram refused the login", "see what it says, and try again"),
    )
    return UsageError(what, str(error), mend)
