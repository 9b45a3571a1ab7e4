"""Settings, the channel list and the rules: what is read, and what a mistake in them says."""

import os
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from dotenv import dotenv_values

from monitor import settings
from monitor.errors import SettingsError, UsageError
from monitor.mail import MailOptions
from monitor.model import (
    Language,
    Limits,
    Listed,
    Mailbox,
    Narrowed,
    OnCall,
    Pace,
    Person,
    Quiet,
    Reader,
    Severity,
    Shift,
    SourceName,
    Thresholds,
)
from monitor.notify import RouteOptions
from monitor.settings import Settings
from monitor.sources.preview_fetch import PreviewOptions
from monitor.sources.telegram_options import TelegramOptions

VARIABLES = [f"MONITOR_{name.upper()}" for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty directory, and an environment without variables of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MONITOR_")]:
        monkeypatch.delenv(name)


def env_file(text: str) -> Path:
    path = Path(".env")
    path.write_text(text, encoding="utf-8")
    return path


def written(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    found = settings.load()
    assert found.database_url is None
    assert found.preview() == PreviewOptions(
        hosts=("https://t.me", "https://telegram.me"),
        pace=2.0,
        timeout=20.0,
        user_agent="telegram-channel-monitor/0.1 (public channels only; gentle)",
        canary="telegram",
    )
    assert (found.log_level, found.log_json, found.accept_terms) == ("info", False, False)
    assert (found.media, found.media_largest, found.telegram_sessions, found.server()) == (
        False,
        20,
        (),
        None,
    )


def test_without_a_server_there_is_no_mail() -> None:
    assert settings.load().mail() is None


def test_the_example_names_every_setting_and_loads_as_the_defaults() -> None:
    example = settings.example()
    assert settings.load(env_file(example)) == settings.load(Path("none"))
    uncommented = env_file(re.sub(r"^#(MONITOR_)", r"\1", example, flags=re.MULTILINE))
    assert list(dotenv_values(uncommented)) == VARIABLES
    assert settings.load(uncommented) == settings.load(Path("none"))


def test_every_setting_of_the_file_is_taken() -> None:
    path = env_file(
        "MONITOR_DATABASE_URL=postgresql://u:secret@h/db\nMONITOR_DATA_DIR=/d\nMONITOR_PG_BIN=/pg\nMONITOR_PG_PORT=5433\nMONITOR_CONFIG_DIR=/c\n"
        'MONITOR_PREVIEW_HOSTS=["http://127.0.0.1:1/"]\nMONITOR_PREVIEW_PACE=0.5\nMONITOR_PREVIEW_TIMEOUT=3\n'
        "MONITOR_PREVIEW_CANARY=durov\nMONITOR_USER_AGENT=me\nMONITOR_ACCEPT_TERMS=true\nMONITOR_LOG_LEVEL=DEBUG\nMONITOR_LOG_JSON=1\n"
        "MONITOR_TELEGRAM_API_ID=17\nMONITOR_TELEGRAM_API_HASH=hash-secret\n"
        'MONITOR_TELEGRAM_SESSIONS=["one-secret", "two-secret"]\nMONITOR_TELEGRAM_PACE=3\nMONITOR_TELEGRAM_RAW=off\n'
        "MONITOR_TELEGRAM_SERVER=2@149.154.167.40:443\nMONITOR_TELEGRAM_SERVER_KEY=/key.pem\n"
        "MONITOR_MEDIA=on\nMONITOR_MEDIA_LARGEST=1.5\nMONITOR_REGEX_MONTHS=0\nMONITOR_RAW_MONTHS=6\n"
        "MONITOR_PUBLIC_URL=https://m.example/\nMONITOR_WEB_HOST=0.0.0.0\nMONITOR_WEB_PORT=80\n"
        "MONITOR_WEB=off\n"
        "MONITOR_SMTP_HOST=mail.example\nMONITOR_SMTP_PORT=465\nMONITOR_SMTP_TLS=tls\nMONITOR_SMTP_USER=watch\n"
        "MONITOR_SMTP_PASSWORD=mail-secret\nMONITOR_SMTP_TIMEOUT=7\n"
        "MONITOR_MAIL_FROM=Kursk watch <Watch@m.example>\nMONITOR_MAIL_REPLY_TO=desk@m.example\n"
        'MONITOR_ALERT_ROUTES={"hook": "https://h.example/secret", "ntfy": "ntfys://secret/topic"}\n'
        "MONITOR_WEBHOOK_SECRET=a-long-enough-secret\nMONITOR_HEARTBEAT_URL=https://hc.example/secret\n"
    )
    assert set(dotenv_values(path)) == set(VARIABLES)
    found = settings.load(path)
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == "postgresql://u:secret@h/db"
    assert (found.data_dir, found.pg_bin, found.config_dir) == (Path("/d"), Path("/pg"), Path("/c"))
    assert found.pg_port == 5433
    assert found.preview() == PreviewOptions(
        hosts=("http://127.0.0.1:1",), pace=0.5, timeout=3.0, user_agent="me", canary="durov"
    )
    assert (found.accept_terms, found.log_level, found.log_json) == (True, "debug", True)
    assert found.mail() == MailOptions(
        host="mail.example",
        port=465,
        tls="tls",
        user="watch",
        password="mail-secret",
        timeout=7,
        sender=Mailbox("Kursk watch", "watch@m.example"),
        reply_to=Mailbox("", "desk@m.example"),
        public_url="https://m.example",
    )
    assert found.telegram() == TelegramOptions(api_id=17, api_hash="hash-secret", pace=3, raw=False)
    assert [s.get_secret_value() for s in found.telegram_sessions] == ["one-secret", "two-secret"]
    assert (found.server(), found.telegram_server_key) == ((2, "149.154.167.40", 443), Path("/key.pem"))
    assert (found.media, found.media_largest) == (True, 1.5)
    assert (found.regex_months, found.raw_months) == (0, 6)
    assert (found.public_url, found.web_host, found.web_port) == ("https://m.example", "0.0.0.0", 80)
    assert not found.web
    assert found.routes() == RouteOptions(
        {"hook": "https://h.example/secret", "ntfy": "ntfys://secret/topic"}, "a-long-enough-secret"
    )
    assert found.route_names() == ("mail", "hook", "ntfy")
    assert found.heartbeat() == "https://hc.example/secret"
    assert "secret" not in repr(found.routes())
    assert "secret" not in (repr(found) + str(found)).replace("webhook_secret=", "")


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    path = env_file("MONITOR_USER_AGENT=file\nMONITOR_PREVIEW_PACE=9\n")
    monkeypatch.setenv("MONITOR_USER_AGENT", "environment")
    monkeypatch.setenv("MONITOR_PREVIEW_PACE", "")
    found = settings.load(path)
    assert (found.user_agent, found.preview_pace) == ("environment", 9.0)


def test_a_file_may_hold_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    url, hosts = written("url", " postgresql://h/db\n"), written("hosts", '["https://a.example"]')
    path = env_file("MONITOR_DATABASE_URL=postgresql://other/db\n")
    monkeypatch.setenv("MONITOR_DATABASE_URL_FILE", str(url))
    monkeypatch.setenv("MONITOR_PREVIEW_HOSTS_FILE", str(hosts))
    found = settings.load(path)
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == "postgresql://h/db"
    assert found.preview_hosts == ("https://a.example",)
    monkeypatch.setenv("MONITOR_DATABASE_URL", "postgresql://first/db")
    again = settings.load(path).database_url
    assert again is not None
    assert again.get_secret_value() == "postgresql://first/db"


def test_the_env_file_may_name_such_a_file_too() -> None:
    url = written("url", "postgresql://h/db")
    found = settings.load(env_file(f"MONITOR_DATABASE_URL_FILE={url}\n")).database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://h/db"


def test_an_empty_file_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_DATA_DIR_FILE", str(written("empty", "\n")))
    monkeypatch.setenv("MONITOR_PREVIEW_HOSTS_FILE", "empty")
    found = settings.load()
    assert (found.data_dir, found.preview_hosts[0]) == (None, "https://t.me")


@pytest.mark.parametrize(
    ("variable", "body"),
    [
        ("MONITOR_DATABASE_URL_FILE", None),
        ("MONITOR_DATABASE_URL_FILE", b"\xff\xfe"),
        ("MONITOR_PREVIEW_HOSTS_FILE", b"https://t.me"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    variable: str, body: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if body is not None:
        Path("secret").write_bytes(body)
    monkeypatch.setenv(variable, "secret")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert caught.value.what == f"{variable} names a file that cannot be read"
    assert caught.value.why.startswith("secret: ")
    assert "mend" in caught.value.mend


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("MONITOR_PREVIEW_PACE", "soon", "valid number"),
        ("MONITOR_PREVIEW_PACE", "-1", "greater than or equal to 0"),
        ("MONITOR_PREVIEW_PACE", "inf", "finite number"),
        ("MONITOR_PREVIEW_TIMEOUT", "0", "greater than 0"),
        ("MONITOR_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("MONITOR_LOG_JSON", "perhaps", "valid boolean"),
        ("MONITOR_PREVIEW_HOSTS", '["t.me"]', 'a list such as ["https://t.me"]'),
        ("MONITOR_PREVIEW_HOSTS", "[]", 'a list such as ["https://t.me"]'),
        ("MONITOR_PREVIEW_HOSTS", "https://t.me", "preview_hosts"),
        ("MONITOR_TELEGRAM_API_ID", "abc", "valid integer"),
        ("MONITOR_TELEGRAM_API_ID", "0", "greater than or equal to 1"),
        ("MONITOR_TELEGRAM_PACE", "-1", "greater than or equal to 0"),
        ("MONITOR_TELEGRAM_SERVER", "149.154.167.40:443", "form DC@HOST:PORT"),
        ("MONITOR_TELEGRAM_SERVER", "2@149.154.167.40", "form DC@HOST:PORT"),
        ("MONITOR_TELEGRAM_SERVER", "2@149.154.167.40:99999", "form DC@HOST:PORT"),
        ("MONITOR_TELEGRAM_SERVER", "2@149.154.167.40:0", "form DC@HOST:PORT"),
        ("MONITOR_TELEGRAM_SERVER", "0@host:443", "form DC@HOST:PORT"),
        ("MONITOR_TELEGRAM_SESSIONS", "one-session", "telegram_sessions"),
        ("MONITOR_TELEGRAM_SESSIONS", "[1]", "valid string"),
        ("MONITOR_WEB_PORT", "-1", "greater than or equal to 0"),
        ("MONITOR_WEB_PORT", "99999", "less than or equal to 65535"),
        ("MONITOR_SMTP_TLS", "ssl", "starttls, tls, none"),
        ("MONITOR_SMTP_PORT", "0", "greater than"),
        ("MONITOR_MAIL_FROM", "watch", "the form watch@example.org"),
        ("MONITOR_MAIL_FROM", "a@b.example\nBcc: c@d.example", "the form watch@example.org"),
        ("MONITOR_MAIL_REPLY_TO", "Олег <олег@m.example>", "the form watch@example.org"),
        ("MONITOR_WEB_HOST", "0.0.0.0", "set MONITOR_PUBLIC_URL to the https address"),
        ("MONITOR_WEB_HOST", "::", "set MONITOR_PUBLIC_URL"),
        ("MONITOR_WEB_HOST", "review.example", "set MONITOR_PUBLIC_URL"),
        ("MONITOR_PUBLIC_URL", "http://m.example", "the form https://review.example.org"),
        ("MONITOR_PUBLIC_URL", "m.example", "the form https://review.example.org"),
        ("MONITOR_PUBLIC_URL", "https://", "the form https://review.example.org"),
        ("MONITOR_PUBLIC_URL", "https://m.example/path", "the form https://review.example.org"),
        ("MONITOR_PUBLIC_URL", "https://u:p@m.example", "the form https://review.example.org"),
        ("MONITOR_PUBLIC_URL", "https://m.example:0", "the form https://review.example.org"),
        ("MONITOR_ALERT_ROUTES", "https://h.example", "alert_routes"),
        ("MONITOR_ALERT_ROUTES", '{"hook": 1}', "valid string"),
        ("MONITOR_ALERT_ROUTES", '{"mail": "https://h.example"}', "no name of a route"),
        ("MONITOR_ALERT_ROUTES", '{"My hook": "https://h.example"}', "no name of a route"),
        ("MONITOR_ALERT_ROUTES", '{"hook": "http://h.example"}', "begins with https://"),
        ("MONITOR_ALERT_ROUTES", '{"hook": "h.example"}', "begins with https://"),
        ("MONITOR_WEBHOOK_SECRET", "short", "at least 16 characters"),
        ("MONITOR_HEARTBEAT_URL", "http://hc.example/ping", "the form https://hc.example.org/ping"),
        ("MONITOR_MEDIA", "much", "valid boolean"),
        ("MONITOR_MEDIA_LARGEST", "0", "greater than 0"),
        ("MONITOR_MEDIA_LARGEST", "inf", "finite number"),
        ("MONITOR_REGEX_MONTHS", "100000", "less than or equal to 1200"),
        ("MONITOR_RAW_MONTHS", "100000", "less than or equal to 1200"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_mend(
    variable: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert caught.value.what.startswith(f"{variable} ")
    assert why in caught.value.why
    assert ".env" in caught.value.mend
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "secret",
    [
        "MONITOR_DATABASE_URL=postgresql://u:hunter2@h/db\nMONITOR_PREVIEW_PACE=soon",
        "MONITOR_DATABASE_URL=hunter2",
        "MONITOR_TELEGRAM_API_HASH=hunter2\nMONITOR_TELEGRAM_PACE=soon",
        "MONITOR_TELEGRAM_SESSIONS=hunter2",
        'MONITOR_TELEGRAM_SESSIONS=["hunter2", 5]',
        'MONITOR_TELEGRAM_SESSIONS={"hunter2": 5}',
        "MONITOR_ALERT_ROUTES=hunter2",
        'MONITOR_ALERT_ROUTES={"hook": "http://m.example/hunter2"}',
        'MONITOR_ALERT_ROUTES={"hook": ["hunter2"]}',
        "MONITOR_WEBHOOK_SECRET=hunter2",
        "MONITOR_HEARTBEAT_URL=ftp://m.example/hunter2",
    ],
)
def test_a_wrong_value_does_not_show_a_secret(secret: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(env_file(secret + "\n"))
    assert "hunter2" not in " ".join(caught.value.lines())


def test_sessions_may_stand_in_a_file_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_TELEGRAM_SESSIONS_FILE", str(written("sessions", '["one", "two"]\n')))
    monkeypatch.setenv("MONITOR_TELEGRAM_API_HASH_FILE", str(written("hash", "abc\n")))
    found = settings.load()
    assert [s.get_secret_value() for s in found.telegram_sessions] == ["one", "two"]
    assert found.telegram_api_hash is not None
    assert found.telegram_api_hash.get_secret_value() == "abc"


def test_a_file_of_sessions_that_is_no_list_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_TELEGRAM_SESSIONS_FILE", str(written("sessions", "hunter2\n")))
    with pytest.raises(SettingsError, match="MONITOR_TELEGRAM_SESSIONS_FILE") as caught:
        settings.load()
    assert "hunter2" not in " ".join(caught.value.lines())


@pytest.mark.parametrize("given", ["", "MONITOR_TELEGRAM_API_ID=5\n", "MONITOR_TELEGRAM_API_HASH=abc\n"])
def test_telegram_wants_an_id_and_a_hash(given: str) -> None:
    with pytest.raises(SettingsError, match="MONITOR_TELEGRAM_API_ID or MONITOR_TELEGRAM_API_HASH") as caught:
        settings.load(env_file(given)).telegram()
    assert "my.telegram.org" in caught.value.mend
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("word", "on"), [("on", True), ("true", True), ("off", False), ("", False)])
def test_media_are_fetched_where_they_are_wanted(word: str, on: bool) -> None:
    assert settings.load(env_file(f"MONITOR_MEDIA={word}\n")).media is on


def test_sessions_and_files_lie_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_DATA_DIR", "/d")
    found = settings.load()
    assert (found.accounts_place(), found.media_place()) == (Path("/d/accounts"), Path("/d/media"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_the_site_listens_on_this_machine_without_more_words(host: str) -> None:
    assert settings.load(env_file(f"MONITOR_WEB_HOST={host}\n")).web_host == host


@pytest.mark.parametrize("url", ["https://m.example", "http://127.0.0.1:8046", "http://[::1]:8046"])
def test_the_site_listens_for_others_where_its_address_is_safe(url: str) -> None:
    found = settings.load(env_file(f"MONITOR_WEB_HOST=0.0.0.0\nMONITOR_PUBLIC_URL={url}\n"))
    assert (found.web_host, found.public_url) == ("0.0.0.0", url)


def test_slips_of_the_pen_are_found() -> None:
    environment = dict.fromkeys(
        [
            "MONITOR_LOG_LEVL",
            "MONITOR_LOG_LEVEL",
            "MONITOR_DATABASE_URL_FILE",
            "MONITOR_",
            "HOME",
            "PREVIEW_PACE",
        ],
        "x",
    )
    assert settings.unknown_variables(environment) == ["MONITOR_", "MONITOR_LOG_LEVL"]


def test_the_data_directory_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert settings.load().place() == Path("/xdg/monitor")
    monkeypatch.setenv("MONITOR_DATA_DIR", "/here")
    assert settings.load().place() == Path("/here")


def test_the_configuration_directory_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = settings.load().file("rules.toml")
    assert shipped.is_absolute()
    assert shipped.exists()
    Path("config").mkdir()
    written("config/rules.toml", "")
    assert settings.load().file("rules.toml") == Path("config/rules.toml")
    assert settings.load().file("channels.toml") == shipped.with_name("channels.toml")
    monkeypatch.setenv("MONITOR_CONFIG_DIR", "/elsewhere")
    assert settings.load().file("rules.toml") == Path("/elsewhere/rules.toml")


def test_the_shipped_files_load() -> None:
    found = settings.load()
    assert settings.channels(found.file("channels.toml"))
    rules, texts = settings.rules(found.file("rules.toml"))
    assert "kursk" in {flag.topic for flag in rules.read("Курск").flags}
    assert texts.rules.text == found.file("rules.toml").read_text(encoding="utf-8")


def test_figures_and_places_lie_beside_the_rules_or_are_those_shipped() -> None:
    rules = written("mine/rules.toml", "[topic.a]\nforms = ['x']\n")
    own = written("mine/places.toml", "# of my own\n")
    texts = settings.rule_texts(rules)
    assert (texts.rules.name, texts.places.name) == (str(rules), str(own))
    assert texts.figures.text == settings.load().file("figures.toml").read_text(encoding="utf-8")


def test_a_ruleset_is_known_by_what_all_its_files_say_and_not_by_their_names() -> None:
    body = "[topic.a]\nforms = ['x']\n"
    one, same = (settings.rule_texts(written(f"{name}/rules.toml", body)) for name in ("one", "same"))
    assert one.sha256 == same.sha256
    written("same/places.toml", "# of my own\n")
    assert settings.rule_texts(Path(same.rules.name)).sha256 != one.sha256


CHANNELS = """\
# Whom we follow
[[channel]]
handle = "https://t.me/s/Rybar"
label = "Rybar"      # a label
person = "Somebody"
person_since = 2024-05-14
side = "russia"
source = "preview"
pace = "30s-1d"
since = 2024-08-01

[[channel]]
handle = "@dva_majors"
"""


def test_a_channel_list() -> None:
    assert settings.channels(written("channels.toml", CHANNELS)) == (
        Listed(
            handle="Rybar",
            label="Rybar",
            source=SourceName.PREVIEW,
            person="Somebody",
            person_since=date(2024, 5, 14),
            side="russia",
            pace=Pace(timedelta(seconds=30), timedelta(days=1)),
            since=datetime(2024, 8, 1, tzinfo=UTC),
        ),
        Listed(handle="dva_majors", label="dva_majors"),
    )


def test_the_usual_pace_is_the_sources_own() -> None:
    body = """
    [[channel]]
    handle = "one_a"
    source = "telegram"
    [[channel]]
    handle = "one_b"
    [[channel]]
    handle = "one_c"
    source = "telegram"
    pace = "5m-1h"
    """
    found = settings.channels(written("channels.toml", body))
    assert [(entry.source, entry.pace.quickest, entry.pace.slowest) for entry in found] == [
        (SourceName.TELEGRAM, timedelta(seconds=1), timedelta(minutes=30)),
        (SourceName.PREVIEW, timedelta(minutes=1), timedelta(minutes=30)),
        (SourceName.TELEGRAM, timedelta(minutes=5), timedelta(hours=1)),
    ]


def test_a_channel_list_may_be_empty() -> None:
    assert settings.channels(written("channels.toml", "# none yet\n")) == ()


def test_lines_may_end_as_on_windows() -> None:
    Path("channels.toml").write_bytes(CHANNELS.replace("\n", "\r\n").encode())
    assert len(settings.channels(Path("channels.toml"))) == 2


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ('[[channel]]\nhandle = "x\n', 2, "this is not TOML"),
        ('[[channel]]\nhandle = """x\n', 2, "this is not TOML"),
        ("[[channel]]\nhandle = ", 2, "this is not TOML"),
        ('[[channel]]\nhandle = "one_a"\nhandle = "one_b"\n', 3, "this is not TOML"),
        ('[[channel]]\nhandle = "one_a"\nhandel = "x"\n', 1, "unknown key `handel`"),
        ('\n[[channels]]\nhandle = "one_a"\n', 2, "`channels` is unknown"),
        ('# x\nchannel = ["one_a"]\n', 2, "`channel` is unknown or has another form"),
        ('[channel]\nhandle = "one_a"\n', 1, "`channel` is unknown or has another form"),
        ("[[channel]]\nlabel = 'x'\n", 1, "no channel handle: "),
        ('[[channel]]\nhandle = "one_a"\n\n[[channel]]\nhandle = "1two"\n', 4, "no channel handle: 1two"),
        ("[[channel]]\nhandle = 12345\n", 1, "no channel handle: 12345"),
        ('[[channel]]\nhandle = "one_a"\n[[channel]]\nhandle = "ONE_A"\n', 3, "@ONE_A is listed twice"),
        ('[[channel]]\nhandle = "one_a"\nlabel = 5\n', 1, "`label` is 5"),
        ('[[channel]]\nhandle = "one_a"\nperson = true\n', 1, "`person` is True"),
        ('[[channel]]\nhandle = "one_a"\nside = "east"\n', 1, "`side` is 'east'"),
        ('[[channel]]\nhandle = "one_a"\nside = []\n', 1, "`side` is []"),
        ('[[channel]]\nhandle = "one_a"\nsource = "desktop"\n', 1, "`source` is 'desktop'"),
        ('[[channel]]\nhandle = "one_a"\npace = "1m"\n', 1, "`pace` is '1m'"),
        ('[[channel]]\nhandle = "one_a"\npace = "30m-1m"\n', 1, "`pace` is '30m-1m'"),
        ('[[channel]]\nhandle = "one_a"\npace = "0s-1m"\n', 1, "`pace` is '0s-1m'"),
        ('[[channel]]\nhandle = "one_a"\npace = "x1m-30m"\n', 1, "`pace` is 'x1m-30m'"),
        ('[[channel]]\nhandle = "one_a"\npace = "1m-999999999999d"\n', 1, "`pace` is '1m-999999999999d'"),
        ('[[channel]]\nhandle = "one_a"\npace = 60\n', 1, "`pace` is 60"),
        ('[[channel]]\nhandle = "one_a"\nsince = "2024-08-01"\n', 1, "`since` is '2024-08-01'"),
        ('[[channel]]\nhandle = "one_a"\nsince = 2024-08-01T00:00:00Z\n', 1, "`since` is datetime"),
        ('[[channel]]\nhandle = "one_a"\nperson_since = 2024\n', 1, "`person_since` is 2024"),
    ],
)
def test_a_mistake_in_the_channel_list_names_file_line_and_mend(body: str, line: int, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.channels(written("channels.toml", body))
    assert caught.value.what.startswith(f"channels.toml, line {line}: {said}")
    assert caught.value.why
    assert caught.value.mend


def test_a_list_in_one_line_names_the_file() -> None:
    with pytest.raises(SettingsError, match=r"^channels\.toml: no channel handle"):
        settings.channels(written("channels.toml", "channel = [{ handle = '' }]\n"))


def test_bytes_that_are_no_text_name_their_line() -> None:
    Path("channels.toml").write_bytes(b"# one\n# \xff two\n")
    with pytest.raises(SettingsError, match=r"^channels\.toml, line 2: this is not TOML"):
        settings.channels(Path("channels.toml"))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.channels(Path("nowhere.toml"))
    assert caught.value.lines() == [
        "nowhere.toml cannot be read",
        "No such file or directory",
        "run monitor where config/ is, or set MONITOR_CONFIG_DIR",
    ]


def test_adding_a_channel_keeps_the_rest_as_it_stands() -> None:
    path = written("channels.toml", CHANNELS)
    before = settings.channels(path)
    settings.add_channel(path, "new_one", label="New “one”")
    settings.add_channel(path, "new_two", label=None)
    body = path.read_text(encoding="utf-8")
    assert body.startswith(CHANNELS)
    assert settings.channels(path) == (
        *before,
        Listed(handle="new_one", label="New “one”"),
        Listed(handle="new_two", label="new_two"),
    )
    assert sorted(p.name for p in Path().iterdir()) == ["channels.toml"]


@pytest.mark.parametrize("body", ["", "# none yet", 'channel = [{ handle = "one_a" }]\n', "channel = []\n"])
def test_adding_a_channel_to_other_forms_of_the_list(body: str) -> None:
    path = written("channels.toml", body)
    before = settings.channels(path)
    settings.add_channel(path, "new_one", label=None)
    assert settings.channels(path) == (*before, Listed(handle="new_one", label="new_one"))


def test_a_listed_channel_is_not_added_again() -> None:
    path = written("channels.toml", CHANNELS)
    with pytest.raises(UsageError, match="@RYBAR is listed already"):
        settings.add_channel(path, "RYBAR", label=None)
    assert path.read_text(encoding="utf-8") == CHANNELS


def test_a_list_that_cannot_be_written_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    path = written("channels.toml", CHANNELS)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(SettingsError, match=r"channels\.toml cannot be written"):
        settings.add_channel(path, "new_one", label=None)
    assert path.read_text(encoding="utf-8") == CHANNELS
    assert sorted(p.name for p in Path().iterdir()) == ["channels.toml"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("[topic.a]\nforms = [\n", "line 2, column "),
        ("[topic.a]\nforms = ['x'] y\n", "line 2, column 15"),
        ("[topic.a\nforms = ['x']\n", "line 1, column 9"),
    ],
)
def test_a_mistake_in_the_rules_names_file_line_column_and_mend(body: str, where: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.rules(written("rules.toml", body))
    assert caught.value.what.startswith(f"rules.toml, {where}")
    assert caught.value.what.endswith(": this is not TOML")
    assert caught.value.why
    assert caught.value.mend


def test_rules_that_are_no_text_name_their_line() -> None:
    Path("rules.toml").write_bytes(b"# one\n# \xff two\n")
    with pytest.raises(SettingsError, match=r"^rules\.toml, line 2: this is not TOML"):
        settings.rules(Path("rules.toml"))


def test_mail_without_a_sender_or_in_clear_across_the_network_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MONITOR_SMTP_HOST", "mail.example")
    with pytest.raises(SettingsError, match="MONITOR_MAIL_FROM is wrong"):
        settings.load()
    monkeypatch.setenv("MONITOR_MAIL_FROM", "watch@m.example")
    monkeypatch.setenv("MONITOR_SMTP_TLS", "none")
    with pytest.raises(SettingsError, match="MONITOR_SMTP_TLS is wrong"):
        settings.load()
    monkeypatch.setenv("MONITOR_SMTP_HOST", "127.0.0.1")
    assert settings.load().mail() is not None


def test_readers_are_read_and_the_shipped_list_has_none() -> None:
    path = written(
        "config/digest.toml",
        '[[reader]]\naddress = "Olya@m.example"\nname = "Оля"\nzone = "Europe/Moscow"\nhour = 20\nlanguage = "ru"\n'
        'topics = ["sudzha", "kursk", "kursk"]\nchannels = ["@Rybar"]\n\n[[reader]]\naddress = "ann@m.example"\n',
    )
    assert settings.readers(path) == (
        Reader(
            address="olya@m.example",
            name="Оля",
            zone="Europe/Moscow",
            hour=20,
            language=Language.RUSSIAN,
            narrowed=Narrowed(("kursk", "sudzha"), ("rybar",)),
        ),
        Reader(address="ann@m.example"),
    )
    assert settings.readers(Path(__file__).parents[2] / "config" / "digest.toml") == ()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[[reader]]\naddress = "olya"\n', 1, "no mail address"),
        ('[[reader]]\naddress = "o@m.example\\nBcc: x@m.example"\n', 1, "no mail address"),
        ('[[reader]]\naddress = "o@m.example"\nzone = "Mars/Olympus"\n', 1, "no time zone"),
        ('[[reader]]\naddress = "o@m.example"\nhour = 24\n', 1, "`hour` is 24"),
        ('[[reader]]\naddress = "o@m.example"\nhour = true\n', 1, "`hour` is True"),
        ('[[reader]]\naddress = "o@m.example"\nlanguage = "de"\n', 1, "`language` is 'de'"),
        ('[[reader]]\naddress = "o@m.example"\nname = "a\\nb"\n', 1, "`name` is"),
        ('[[reader]]\naddress = "o@m.example"\ntopics = "kursk"\n', 1, "`topics` is"),
        ('[[reader]]\naddress = "o@m.example"\nchannels = ["a b"]\n', 1, "no channel handle"),
        ('[[reader]]\naddress = "o@m.example"\nnoon = 1\n', 1, "unknown key `noon`"),
        ('[[reader]]\naddress = "o@m.example"\n[[reader]]\naddress = "O@m.example"\n', 3, "listed twice"),
        ("readers = 1\n", 1, "`readers` is unknown"),
    ],
)
def test_a_wrong_reader_is_named_with_its_line(text: str, line: int, told: str) -> None:
    path = written("config/digest.toml", text)
    with pytest.raises(SettingsError) as caught:
        settings.readers(path)
    assert f"{path}, line {line}: " in caught.value.what
    assert told in caught.value.what


# --- who is on call -----------------------------------------------------------------------------------------


def on_call(text: str) -> OnCall:
    return settings.on_call(written("config/oncall.toml", text), ("mail", "ntfy"), ("kursk", "sudzha"))


def test_nobody_is_on_call_in_the_file_that_is_shipped() -> None:
    found = settings.on_call(settings.load().file("oncall.toml"), ())
    assert (found.people, found.shifts, found.quiet, found.routes) == ((), (), None, {})
    assert found.thresholds == Thresholds(topics=frozenset({"sudzha"}), figure=1000, official=True)
    assert found.limits == Limits()


def test_the_example_in_the_shipped_file_is_right() -> None:
    text = settings.load().file("oncall.toml").read_text(encoding="utf-8")
    example = re.sub(r"^# ?((\[|[a-z]+ = ).*)$", r"\1", text, flags=re.MULTILINE)
    example = re.sub(r"^([a-z]+ = (\[.*?\]|\"[^\"]*\"|[0-9]+)) +\S.*$", r"\1", example, flags=re.MULTILINE)
    found = settings.on_call(written("config/oncall.toml", example), ("mail", "telegram"))
    assert found.people == (
        Person(
            name="Olya",
            address="olya@example.org",
            zone="Europe/Moscow",
            language=Language.RUSSIAN,
            routes=("mail", "telegram"),
        ),
    )
    assert found.shifts == (
        Shift(
            person="Olya",
            since=time(20),
            until=time(8),
            days=frozenset(range(5)),
            zone="Europe/Moscow",
            order=1,
        ),
    )
    assert found.quiet == Quiet(time(23), time(7), Severity.CRITICAL)
    assert found.routes[Severity.INFO] == ()
    assert found.routes[Severity.CRITICAL] == ("mail", "telegram")


def test_an_empty_file_lists_nobody_and_raises_nothing_of_cases() -> None:
    assert on_call("") == OnCall()


def test_a_shift_takes_the_zone_of_its_person() -> None:
    found = on_call(
        '[[person]]\nname = "Ann"\naddress = "a@m.example"\nzone = "Europe/Kyiv"\n[[shift]]\nperson = "Ann"\n'
    )
    assert found.shifts == (Shift(person="Ann", since=time(), until=time(), zone="Europe/Kyiv"),)


def test_a_person_without_mail_needs_no_address() -> None:
    assert on_call('[[person]]\nname = "Ann"\nroutes = ["ntfy"]\n').people == (
        Person(name="Ann", routes=("ntfy",)),
    )


ANN = '[[person]]\nname = "Ann"\naddress = "a@m.example"\n'


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('[[person]]\naddress = "a@m.example"\n', 1, "has no name"),
        ('[[person]]\nname = "Ann"\n', 1, "no mail address"),
        ('[[person]]\nname = "Ann"\nroutes = ["slack"]\n', 1, "no route is called 'slack'"),
        ('[[person]]\nname = "Ann"\nroutes = []\n', 1, "`routes` is empty"),
        (f"{ANN}{ANN}", 4, "listed twice"),
        (f'{ANN}phone = "1"\n', 1, "unknown key `phone`"),
        (f'{ANN}zone = "Mars/Olympus"\n', 1, "no time zone"),
        ('person = "Ann"\n', 1, "`person` is unknown or has another form"),
        (f'{ANN}[[shift]]\nperson = "Ben"\n', 4, "`person` is 'Ben'"),
        (f'{ANN}[[shift]]\nperson = "Ann"\nfrom = "8:00"\n', 4, "`from` is '8:00'"),
        (f'{ANN}[[shift]]\nperson = "Ann"\nuntil = "24:00"\n', 4, "`until` is '24:00'"),
        (f'{ANN}[[shift]]\nperson = "Ann"\nuntil = 8\n', 4, "`until` is 8"),
        (f'{ANN}[[shift]]\nperson = "Ann"\ndays = ["monday"]\n', 4, "`days` is ['monday']"),
        (f'{ANN}[[shift]]\nperson = "Ann"\ndays = []\n', 4, "`days` is []"),
        (f'{ANN}[[shift]]\nperson = "Ann"\norder = 0\n', 4, "`order` is 0"),
        (f'{ANN}[[shift]]\nperson = "Ann"\nday = "mon"\n', 4, "unknown key `day`"),
        ('[quiet]\nfrom = "23:00"\n', 1, "`until` is None"),
        ('[quiet]\nfrom = "23:00"\nuntil = "23:00"\n', 3, "have no end"),
        ('[quiet]\nfrom = "23:00"\nuntil = "07:00"\nwakes = "all"\n', 4, "`wakes` is 'all'"),
        ('[routes]\ncritical = ["slack"]\n', 2, "no route is called 'slack'"),
        ('[routes]\nfatal = ["mail"]\n', 2, "unknown key `fatal`"),
        (f'{ANN}[routes]\ncritical = ["ntfy"]\n', 4, "Ann has none of the routes of critical"),
        ('[thresholds]\ntopics = ["sudja"]\n', 2, "no topic is called 'sudja'"),
        ('[thresholds]\ntopics = "kursk"\n', 2, "`topics` is 'kursk'"),
        ("[thresholds]\nfigure = -1\n", 2, "`figure` is -1"),
        ("[thresholds]\nfigure = true\n", 2, "`figure` is True"),
        ("[thresholds]\nofficial = 1\n", 2, "`official` is 1"),
        ("[limits]\nan_hour = 0\n", 2, "`an_hour` is 0"),
        ("[limits]\nan_hour = 1.5\n", 2, "`an_hour` is 1.5"),
        ("[limits]\nan_hour = nan\n", 2, "`an_hour` is nan"),
        ("[limits]\nunclaimed = inf\n", 2, "`unclaimed` is inf"),
        ("[limits]\n\ngroup = 100\nlongest = 5\n", 4, "`longest` is less than `group`"),
        ("[limits]\nforever = 1\n", 2, "unknown key `forever`"),
        ("limits = 1\n", 1, "`limits` has another form"),
        ("[people]\n", 1, "`people` is unknown"),
    ],
)
def test_a_mistake_in_who_is_on_call_is_named_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        on_call(text)
    assert f"config/oncall.toml, line {line}: " in caught.value.what
    assert told in caught.value.what
    assert caught.value.mend


def test_mail_without_a_server_is_no_route() -> None:
    with pytest.raises(SettingsError, match="the route mail has no server") as caught:
        settings.on_call(written("config/oncall.toml", ANN), ())
    assert "MONITOR_SMTP_HOST" in caught.value.why


def test_a_webhook_is_signed_or_stops_the_start() -> None:
    found = settings.load(env_file('MONITOR_ALERT_ROUTES={"hook": "https://h.example/hunter2"}\n'))
    with pytest.raises(SettingsError, match="MONITOR_WEBHOOK_SECRET") as caught:
        found.routes()
    assert "hunter2" not in " ".join(caught.value.lines())
    plain = settings.load(env_file('MONITOR_ALERT_ROUTES={"ntfy": "ntfys://topic"}\n'))
    assert plain.routes().webhooks == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x"])
def test_a_webhook_and_a_heartbeat_on_this_machine_may_go_in_clear(url: str) -> None:
    found = settings.load(
        env_file(f'MONITOR_ALERT_ROUTES={{"hook": "{url}"}}\nMONITOR_HEARTBEAT_URL={url}\n')
    )
    assert (found.route_names(), found.heartbeat()) == (("hook",), url)
