"""What the docs say is so: every command runs, every setting is listed, every image step works."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import alarms, notify, settings
from monitor.changes import Content
from monitor.extraction import topics
from monitor.extraction.scores import labelled_posts
from monitor.settings import shifts
from tests.acceptance.helpers import ROOT
from tests.acceptance.test_accounts import NUMBER, Reader, Telegram, served, telegram
from tests.acceptance.test_commands import CHANNELS, Home, pages
from tests.integration.test_collect_import import export, message
from tests.rulesets import rules_of, shipped_rules, shipped_texts

__all__ = ["pages", "served", "telegram"]

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[str]:
    lines = [
        line.strip()
        for page in PAGES
        for block in _SHELL.findall(page.read_text())
        for line in block.splitlines()
    ]
    return [line for line in lines if line.startswith(program + " ")]


@pytest.fixture
def home(tmp_path: Path, url: str, pages: str) -> Home:
    return Home(tmp_path, url, pages)


@pytest.fixture
def reader(tmp_path: Path, url: str, pages: str, telegram: Telegram) -> Reader:
    """A home from which one can log in; its channels are read through their pages."""
    home = Reader(tmp_path, url, pages, telegram=telegram)
    home.list(CHANNELS)
    return home


def test_every_command_of_the_docs_runs_in_its_order(reader: Reader, telegram: Telegram) -> None:
    home = reader
    (home.path / "ChatExport").mkdir()
    export(home.path / "ChatExport" / "result.json", [message(1, "В Судже 11 танков")])
    shutil.copy(ROOT / "tests" / "fixtures" / "labelled.jsonl", home.path / "posts.jsonl")
    (written,) = blocks("sql", "queries.md")
    (home.path / "media-kinds.sql").write_text(written, encoding="utf-8")
    lines = commands("monitor")
    assert len(lines) > 15
    for line in lines:
        arguments = shlex.split(line)[1:]
        if arguments[0] == "login":
            home.type(NUMBER, telegram.server.code, arguments=tuple(arguments[1:]))
        elif arguments[0] not in {"up", "web"}:
            home.run(*arguments)
    assert {line.split()[1] for line in lines} >= {
        "login",
        "coverage",
        "purge",
        "rules",
        "explain",
        "evaluate",
        "queries",
    }


def test_every_make_target_of_the_docs_is_there() -> None:
    named = {target for page in PAGES for target in re.findall(r"`make ([a-z]+)`", page.read_text())}
    named |= {line.split()[1] for line in commands("make")}
    assert {"demo", "test", "run", "check", "fix", "help"} <= named
    for target in named:
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)


def test_the_example_file_has_every_setting_and_loads() -> None:
    written = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == settings.example(), "write it anew: python -m tests.acceptance.test_docs"


def table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, default, meaning in settings.described():
        rows.append(
            f"| `{settings.PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {meaning} |"
        )
    return "\n".join(rows)


def test_the_readme_has_every_setting() -> None:
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8"), (
        "write it anew: python -m tests.acceptance.test_docs"
    )


def test_links_between_the_docs_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_example_of_the_canonical_form_is_true() -> None:
    content = Content("В Судже спокойно", (), None)
    page = (ROOT / "docs" / "canonical-form.md").read_text(encoding="utf-8")
    assert content.encoded().decode() in page
    assert content.digest().hex() in page


def blocks(language: str, name: str = "rules.md") -> list[str]:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_topics_of_the_page_on_rules_find_what_it_says() -> None:
    (written,) = blocks("toml")
    texts = shipped_texts()
    rules = rules_of(written, figures=texts.figures.text, places=texts.places.text)

    def found(text: str) -> list[str]:
        return [flag.topic for flag in rules.read(text).flags if flag.raised]

    assert found("В Рыльском районе тихо, #рыльскаяправда") == ["rylsk"]
    assert found("Рыльский монастырь, музей Рыльска") == []
    assert found("В Рыльском районе открыт музей") == ["rylsk"]
    assert found("Взорваны мосты через Сейм") == ["bridges"]
    assert found("В плен сдались 12 солдат ВСУ") == ["prisoners"]


def test_the_labelled_post_of_the_page_on_rules_is_one() -> None:
    (post,) = labelled_posts(blocks("json"))
    reading = shipped_rules().read(post.text)
    assert [figure.kind for figure in reading.figures] == [figure.kind for figure in post.figures]
    assert {name for name, there in post.topics.items() if there} <= {flag.topic for flag in reading.flags}


def test_the_page_on_rules_has_every_kind_and_every_key() -> None:
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    table = page[page.index("### Kinds") : page.index("### Sides")]
    told = {
        name: row[-1].strip() == "yes"
        for row in (line.strip("|").split("|") for line in table.splitlines() if line.count("|") == 4)
        for name in re.findall(r"\w+", row[0])
    }
    assert {name: kind.troop for name, kind in shipped_rules().lexicon.kinds.items()}.items() <= told.items()
    assert set(re.findall(r"^- \*\*(\w+)\*\*", page, re.MULTILINE)) >= topics.KEYS


def test_the_page_on_alerts_has_every_kind_and_key() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert all(f"`{kind}`" in rows for kind in alarms.KINDS)
    assert all(
        f"`{key}`" in page
        for keys in shifts.KEYS.values()
        for key in keys - {"failing", "flood", "disk_free_gb"}
    )
    assert all(f"`limits.{key}`" in page for key in ("failing", "flood", "disk_free_gb"))


def test_the_check_of_a_signature_on_the_page_on_alerts_is_right() -> None:
    (written,) = blocks("python", "alerts.md")
    known: dict[str, Any] = {}
    exec(compile(written, "alerts.md", "exec"), known)
    now = str(int(time.time()))
    signed = notify.signature("a-long-enough-secret", now, b"{}")
    assert known["is_ours"]("a-long-enough-secret", now, b"{}", signed)
    assert not known["is_ours"]("another-secret", now, b"{}", signed)
    assert not known["is_ours"]("a-long-enough-secret", now, b"[]", signed)
    old = str(int(time.time()) - 600)
    assert not known["is_ours"](
        "a-long-enough-secret", old, b"{}", notify.signature("a-long-enough-secret", old, b"{}")
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_routes_of_the_page_on_alerts_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import apprise

    (written,) = blocks("json", "alerts.md")
    monkeypatch.setenv("MONITOR_ALERT_ROUTES", written)
    monkeypatch.setenv("MONITOR_WEBHOOK_SECRET", "a-long-enough-secret")
    found = settings.load(tmp_path / "none").routes()
    assert found.webhooks == ("desk",)
    for name, url in found.addresses.items():
        assert name == "desk" or apprise.Apprise().add(url), name


def test_the_lock_files_pin_with_hashes_and_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        written = (ROOT / name).read_text()
        assert "://" not in written
        pins = [line for line in written.splitlines() if line and not line.startswith(" ")]
        assert all("==" in pin and pin.endswith("\\") for pin in pins)


def test_the_compose_file_is_valid_and_waits_in_order() -> None:
    tool = Path(sys.executable).parent / "check-jsonschema"
    file = ROOT / "docker-compose.yml"
    subprocess.run(
        [tool, "--builtin-schema", "vendor.compose-spec", str(file)], check=True, capture_output=True
    )
    services = yaml.safe_load(file.read_text())["services"]
    assert "pg_isready" in services["database"]["healthcheck"]["test"]
    assert services["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert services["worker"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    # The database is reached from within alone, and the site from this machine.
    assert "ports" not in services["database"]
    assert services["worker"]["ports"] == ["127.0.0.1:8046:8046"]


@pytest.mark.slow
def test_the_steps_of_the_image_make_a_command_that_works(home: Home, tmp_path: Path) -> None:
    """No engine is needed: the COPY and RUN lines of the build stage are done in a clean directory."""
    app = tmp_path / "app"
    app.mkdir()
    stage = (ROOT / "Dockerfile").read_text().split("FROM ")[1]
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    for line in stage.splitlines():
        words = line.split()
        if line.startswith("COPY"):
            for source in words[1:-1]:
                target = app / (source if words[-1] == "./" else words[-1])
                target.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-r", str(ROOT / source), str(target)], check=True)
        elif line.startswith("RUN"):
            step = (
                line.removeprefix("RUN ")
                .replace("/app", str(app))
                .replace("python -m venv", f"{sys.executable} -m venv")
            )
            subprocess.run(step, shell=True, check=True, cwd=app, env=env, capture_output=True)
    shipped = app / "monitor"
    shipped.rename(app / "not-importable")
    command = str(app / ".venv" / "bin" / "monitor")
    for arguments in (["db", "upgrade"], ["init"], ["collect"], ["queries", "run", "gaps"]):
        done = subprocess.run(
            [command, *arguments], cwd=home.path, env=home.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def rewrite() -> None:
    """Put the settings into README.md and .env.example."""
    (ROOT / ".env.example").write_text(settings.example(), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    fresh = re.sub(
        r"<!-- settings -->\n(\n\|.*?\n\n|)",
        lambda _: f"<!-- settings -->\n\n{table()}\n\n",
        readme,
        flags=re.DOTALL,
    )
    (ROOT / "README.md").write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
