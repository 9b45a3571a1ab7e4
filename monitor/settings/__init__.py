"""Settings: the environment and .env here, and a module for each file of config/; read once and frozen.

A wrong value stops the start with one message that names the file, the line or variable, and the mend.
The environment goes before .env; `MONITOR_X_FILE` names a file that holds the value of a secret.
"""

import json
import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from monitor.errors import SettingsError, UsageError
from monitor.mail import MailOptions
from monitor.model import MAIL_ROUTE, mailbox_of
from monitor.notify import RouteOptions
from monitor.settings.channel_list import add_channel, channels
from monitor.settings.desk import review
from monitor.settings.readers import readers
from monitor.settings.ruleset import rule_texts, rules
from monitor.settings.shifts import on_call
from monitor.settings.toml import parse_toml
from monitor.sources.preview_fetch import PreviewOptions
from monitor.sources.telegram_options import TelegramOptions
from monitor.store.embedded import default_data_dir
from monitor.store.migrate import shipped

__all__ = [
    "PREFIX",
    "Settings",
    "add_channel",
    "channels",
    "described",
    "example",
    "load",
    "on_call",
    "parse_toml",
    "readers",
    "review",
    "rule_texts",
    "rules",
    "unknown_variables",
]
PREFIX = "MONITOR_"
_SERVER = re.compile(r"([1-9])@([^:@\s]+):([0-9]{1,5})")
_LAST_PORT = 65535
# A century; beyond it, months reach back to where there are no years.
_MOST_MONTHS = 1200
_ROUTE = re.compile(r"[a-z0-9_-]{1,32}")
_SHORTEST_SECRET = 16
_FIELD = re.compile(r'field "(\w+)"')


class Settings(BaseSettings):
    """Every setting of the product; each is a variable MONITOR_<NAME> in the environment or in .env."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    database_url: SecretStr | None = Field(
        None,
        description="Your own PostgreSQL server, as postgresql://user:password@host:port/name; unset: the one that comes with the package",
    )
    data_dir: Path | None = Field(
        None,
        description="Where the embedded database lies; unset: ~/.local/share/monitor, for root /var/lib/monitor",
    )
    pg_bin: Path | None = Field(
        None, description="A directory with the PostgreSQL programs to use for the embedded database"
    )
    pg_port: int | None = Field(
        None,
        ge=1024,
        le=_LAST_PORT,
        description="A port of this machine alone at which researchers reach the embedded database; unset: none",
    )
    config_dir: Path | None = Field(
        None,
        description="The directory of channels.toml and rules.toml; unset: ./config if it is there, else the one shipped",
    )
    preview_hosts: tuple[str, ...] = Field(
        ("https://t.me", "https://telegram.me"),
        description="Hosts of the public pages, as a JSON list; another is tried only when the one before cannot be connected to",
    )
    preview_pace: float = Field(
        2.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between two requests to the public pages, for the whole process",
    )
    preview_timeout: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="Seconds to wait for a public page"
    )
    preview_canary: str = Field(
        "telegram",
        description="A handle that always has a public page; if it looks free, our address is refused",
    )
    user_agent: str = Field(
        "telegram-channel-monitor/0.1 (public channels only; gentle)",
        description="How we introduce ourselves to the public pages; put a way to reach you in it",
    )
    telegram_api_id: int | None = Field(
        None, ge=1, description="Your application's id, from my.telegram.org; only for the `telegram` source"
    )
    telegram_api_hash: SecretStr | None = Field(
        None, description="Your application's hash, from my.telegram.org; a secret"
    )
    telegram_sessions: tuple[SecretStr, ...] = Field(
        (),
        description="Sessions as a JSON list, where `monitor login` cannot write files; each is as good as a password",
    )
    telegram_pace: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="Seconds between two requests of one account"
    )
    telegram_raw: bool = Field(
        default=True, description="Keep the record that each version was read from, private people taken out"
    )
    telegram_server: str | None = Field(
        None, description="Log in at another server, as DC@HOST:PORT; for Telegram's test servers"
    )
    telegram_server_key: Path | None = Field(
        None, description="A file with that server's public RSA key (PEM), if Telethon does not know it"
    )
    media: bool = Field(
        default=False,
        description="Set to on to fetch photos and documents; the `telegram` source alone has them",
    )
    media_largest: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="Files of more megabytes than this are not fetched"
    )
    regex_months: int = Field(
        12,
        ge=0,
        le=_MOST_MONTHS,
        description="In so many months, this one among them, regular expressions search quickly; each costs disk and takes time to fill; 0: in none",
    )
    raw_months: int = Field(
        0,
        ge=0,
        le=_MOST_MONTHS,
        description="Drop the raw records of versions after so many months, this one among them; 0: keep them for ever",
    )
    public_url: str | None = Field(
        None,
        description="The address that people type to reach the review site, over https; unset: this machine's own",
    )
    web: bool = Field(
        default=True,
        description="Set to off to serve no review site beside the worker; monitor web serves it alone",
    )
    web_host: str = Field(
        "127.0.0.1",
        description="The address that the review site listens at; one that others reach wants MONITOR_PUBLIC_URL too",
    )
    web_port: int = Field(
        8046, ge=0, le=_LAST_PORT, description="The port of the review site; 0: any that is free"
    )
    smtp_host: str | None = Field(
        None,
        description="The server that takes our mail; unset: digests are kept, and monitor digest show opens them",
    )
    smtp_port: int = Field(587, ge=1, le=_LAST_PORT, description="Its port; 465 with MONITOR_SMTP_TLS=tls")
    smtp_tls: str = Field(
        "starttls",
        description="starttls, tls, or none, which is for a server on this machine alone",
    )
    smtp_user: str | None = Field(
        None, description="The name to log in with at the mail server; unset: no login"
    )
    smtp_password: SecretStr | None = Field(None, description="The password to it; a secret")
    smtp_timeout: float = Field(
        30.0, gt=0, allow_inf_nan=False, description="Seconds to wait for the mail server to answer"
    )
    mail_from: str | None = Field(
        None,
        validate_default=True,
        description='Whom mails are from, for example "Kursk watch <watch@example.org>"; needed with a server',
    )
    mail_reply_to: str | None = Field(
        None, description="Where answers go, wishes to unsubscribe too; unset: to MONITOR_MAIL_FROM"
    )
    alert_routes: dict[str, SecretStr] = Field(
        {},
        description="Routes of alerts besides mail, as a JSON object of names and addresses: https://… is a webhook of ours, all else is Apprise's; secrets",
    )
    webhook_secret: SecretStr | None = Field(
        None, description="The key that our webhooks are signed with; needed with one; a secret"
    )
    heartbeat_url: SecretStr | None = Field(
        None,
        description="An address fetched each minute while all goes well, of a service that raises the alarm when that stops; a secret",
    )
    accept_terms: bool = Field(
        default=False, description="Set to true to answer the question of the first start beforehand"
    )
    log_level: str = Field("info", description="debug, info, warning or error")
    log_json: bool = Field(default=False, description="Write the log as one JSON object a line")

    @field_validator("database_url")
    @classmethod
    def _address(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts is not None and (parts.scheme not in ("postgresql", "postgres") or _bad_port(parts)):
            message = "it has the form postgresql://user:password@host:port/name"
            raise ValueError(message)
        return value

    @field_validator("user_agent")
    @classmethod
    def _sendable(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()):
            message = "HTTP takes plain ASCII letters here"
            raise ValueError(message)
        return value

    @field_validator("telegram_server")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        found = _SERVER.fullmatch(value or "")
        if value is not None and (found is None or not 0 < int(found.group(3)) <= _LAST_PORT):
            message = "it has the form DC@HOST:PORT, for example 2@149.154.167.40:443"
            raise ValueError(message)
        return value

    @field_validator("public_url")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        parts = urlsplit(value.rstrip("/")) if value else None
        if parts is None:
            return None
        bare = not (parts.path or parts.query or parts.fragment or parts.username) and not _bad_port(parts)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        if not (bare and safe and parts.hostname):
            message = "it has the form https://review.example.org; plain http is for this machine alone"
            raise ValueError(message)
        return parts.geturl()

    @field_validator("web_host")
    @classmethod
    def _listening(cls, value: str, info: ValidationInfo) -> str:
        if not _is_loopback(value) and not info.data.get("public_url"):
            message = "others could reach this address, and their passwords would cross the network in clear; set MONITOR_PUBLIC_URL to the https address in front of it"
            raise ValueError(message)
        return value

    @field_validator("smtp_tls")
    @classmethod
    def _guarded(cls, value: str, info: ValidationInfo) -> str:
        if value not in ("starttls", "tls", "none"):
            message = "it is one of starttls, tls, none"
            raise ValueError(message)
        if value == "none" and not _is_loopback(info.data.get("smtp_host") or "localhost"):
            message = "mails and the password would cross the network in clear; set it to starttls or tls"
            raise ValueError(message)
        return value

    @field_validator("mail_from", "mail_reply_to")
    @classmethod
    def _sender(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.field_name == "mail_from" and info.data.get("smtp_host"):
            message = "MONITOR_SMTP_HOST is set, and every mail needs a sender"
            raise ValueError(message)
        if value is not None and not _is_mailbox(value):
            message = 'it has the form watch@example.org or "Kursk watch <watch@example.org>"'
            raise ValueError(message)
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _signing(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < _SHORTEST_SECRET:
            message = f"it has at least {_SHORTEST_SECRET} characters, so that nobody guesses it"
            raise ValueError(message)
        return value

    @field_validator("alert_routes")
    @classmethod
    def _routed(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, url in value.items():
            written = url.get_secret_value()
            if not _ROUTE.fullmatch(name) or name == MAIL_ROUTE:
                message = (
                    f"{name!r} is no name of a route: it has small letters, digits, - and _, and is not mail"
                )
                raise ValueError(message)
            if "://" not in written or (written.startswith("http://") and not _is_own(written)):
                message = (
                    f"the address of {name} begins with https:// or is one of Apprise's, such as ntfys://…"
                )
                raise ValueError(message)
        return value

    @field_validator("heartbeat_url")
    @classmethod
    def _fetchable(cls, value: SecretStr | None) -> SecretStr | None:
        written = value.get_secret_value() if value else None
        if written is not None and not (written.startswith("https://") or _is_own(written)):
            message = "it has the form https://hc.example.org/ping/…"
            raise ValueError(message)
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            message = "it is one of debug, info, warning, error"
            raise ValueError(message)
        return value.lower()

    @field_validator("preview_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(host.startswith(("https://", "http://")) for host in value):
            message = 'it is a list such as ["https://t.me"]'
            raise ValueError(message)
        return tuple(host.rstrip("/") for host in value)

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - pydantic-settings calls it so
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the code gives, then the environment, `*_FILE` of it or of .env, then .env."""
        return init_settings, env_settings, _FileSettings(settings_cls, dotenv_settings), dotenv_settings

    def place(self) -> Path:
        """The data directory in force."""
        return self.data_dir or default_data_dir(
            root=os.geteuid() == 0, home=Path.home(), xdg=os.environ.get("XDG_DATA_HOME")
        )

    def preview(self) -> PreviewOptions:
        """How the public pages are to be fetched."""
        return PreviewOptions(
            hosts=self.preview_hosts,
            pace=self.preview_pace,
            timeout=self.preview_timeout,
            user_agent=self.user_agent,
            canary=self.preview_canary,
        )

    def telegram(self) -> TelegramOptions:
        """How Telegram is to be read. Raises SettingsError without an id and a hash of our own."""
        if self.telegram_api_id is None or self.telegram_api_hash is None:
            raise SettingsError(
                "MONITOR_TELEGRAM_API_ID or MONITOR_TELEGRAM_API_HASH is not set",
                "Telegram wants every application to have an id of its own",
                "get both at my.telegram.org (API development tools), and put them into .env",
            )
        return TelegramOptions(
            api_id=self.telegram_api_id,
            api_hash=self.telegram_api_hash.get_secret_value(),
            pace=self.telegram_pace,
            raw=self.telegram_raw,
        )

    def mail(self) -> MailOptions | None:
        """How mails leave us; None without a mail server."""
        if self.smtp_host is None or self.mail_from is None:
            return None
        return MailOptions(
            host=self.smtp_host,
            port=self.smtp_port,
            tls=self.smtp_tls,
            user=self.smtp_user,
            password=self.smtp_password.get_secret_value() if self.smtp_password else None,
            timeout=self.smtp_timeout,
            sender=mailbox_of(self.mail_from),
            reply_to=mailbox_of(self.mail_reply_to) if self.mail_reply_to else None,
            public_url=self.public_url,
        )

    def routes(self) -> RouteOptions:
        """How alerts leave us besides by mail. Raises SettingsError for a webhook that could not be signed."""
        found = RouteOptions(
            addresses={name: url.get_secret_value() for name, url in self.alert_routes.items()},
            secret=self.webhook_secret.get_secret_value() if self.webhook_secret else "",
        )
        if found.webhooks and not found.secret:
            raise SettingsError(
                "MONITOR_WEBHOOK_SECRET is not set",
                f"the route {found.webhooks[0]} is a webhook, and each is signed",
                "set it to 32 letters by chance, and tell the other side",
            )
        return found

    def route_names(self) -> tuple[str, ...]:
        """By which routes alerts can go: mail where there is a server, and those of MONITOR_ALERT_ROUTES."""
        return (*((MAIL_ROUTE,) if self.smtp_host else ()), *self.alert_routes)

    def heartbeat(self) -> str | None:
        """The address of the dead man's switch."""
        return self.heartbeat_url.get_secret_value() if self.heartbeat_url else None

    def server(self) -> tuple[int, str, int] | None:
        """Data centre, host and port of another server to log in at; None for Telegram's own."""
        found = _SERVER.fullmatch(self.telegram_server or "")
        return (int(found.group(1)), found.group(2), int(found.group(3))) if found else None

    def accounts_place(self) -> Path:
        """Where `monitor login` keeps sessions."""
        return self.place() / "accounts"

    def media_place(self) -> Path:
        """Where files that posts bear are kept."""
        return self.place() / "media"

    def file(self, name: str) -> Path:
        """A file of the configuration directory in force."""
        if self.config_dir:
            return self.config_dir / name
        here = Path("config")
        return (here if (here / name).exists() else shipped("config")) / name


class _FileSettings(PydanticBaseSettingsSource):
    """Values from files named by `MONITOR_X_FILE`, as Docker and systemd hand out secrets."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv.env_vars if isinstance(dotenv, DotEnvSettingsSource) else {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        named = os.environ.get(variable) or self._dotenv.get(variable.lower())
        if not named:
            return None, field_name, False
        try:
            written = Path(named).read_text(encoding="utf-8").strip()
            value = json.loads(written) if written and self.field_is_complex(field) else written
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise SettingsError(
                f"{variable} names a file that cannot be read",
                f"{named}: {why}",
                "mend the path, its rights or what it holds",
            ) from error
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value not in (None, "")}


def _bad_port(parts: SplitResult) -> bool:
    try:
        return parts.port == 0
    except ValueError:
        return True


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_own(written: str) -> bool:
    """Whether an address in clear leads to this machine alone."""
    parts = urlsplit(written)
    return parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_mailbox(written: str) -> bool:
    try:
        return bool(mailbox_of(written))
    except UsageError:
        return False


def load(env_file: Path = Path(".env")) -> Settings:
    """The settings in force. Raises SettingsError for the first wrong one."""
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        first = error.errors()[0]
        variable = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "a setting"
        raise SettingsError(
            f"{variable} is wrong", first["msg"], f"mend {variable} in the environment or in {env_file}"
        ) from error
    except ValueError as error:
        field = _FIELD.search(str(error))
        variable = PREFIX + field.group(1).upper() if field else "a setting"
        raise SettingsError(
            f"{variable} cannot be read", str(error), f"see .env.example for its form, and mend {env_file}"
        ) from error


def described() -> list[tuple[str, str, str]]:
    """Every setting: its name, its default as it would be written, and what it means."""
    return [
        (name, _written(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _written(default: object) -> str:
    match default:
        case None:
            return ""
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case tuple():
            return json.dumps(list(default))
        case dict():
            return json.dumps(default)
        case _:
            return str(default)


def example() -> str:
    """The text of .env.example: every setting, what it means, and its default, commented out."""
    lines = [
        "# Settings of monitor. Remove the `#` before a line to set it; the environment goes before this file."
    ]
    for name, default, meaning in described():
        lines += ["", f"# {meaning}", f"#{PREFIX}{name.upper()}={default}"]
    lines += [
        "",
        f"# Any of them may end in _FILE and name a file that holds the value: {PREFIX}DATABASE_URL_FILE=/run/secrets/url",
    ]
    return "\n".join(lines) + "\n"


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that begin like ours and are none: a slip of the pen, most likely."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
