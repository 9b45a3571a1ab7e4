"""The stand-in as a real MTProto server on loopback, with the faults that it is told to have.

An unmodified client connects to it: with a session from `TelegramServer.session`, or with the address of
`serving_telegram` and the key of `TelegramServer.public_key`, by a key exchange and a login.
"""

import asyncio
import secrets
import socket
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import rsa
from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.sessions import StringSession
from telethon.tl import TLRequest, functions, types
from telethon.tl.core import GzipPacked, MessageContainer

from monitor.standin import telegram_keys as keys
from monitor.standin import telegram_methods as methods
from monitor.standin import telegram_wire as wire
from monitor.standin.stage import Played, Stage
from monitor.standin.telegram_draw import MAIN_DC, File, Painter
from monitor.standin.telegram_faults import (
    Answer,
    Call,
    Cut,
    Delay,
    Fault,
    Refusal,
    RefusedError,
    Told,
    TooLong,
    arguments,
    channel_of,
)

__all__ = [
    "Address",
    "Answer",
    "Call",
    "Cut",
    "Delay",
    "Fault",
    "Refusal",
    "TelegramServer",
    "TooLong",
    "serving_telegram",
]

HOST = "127.0.0.1"
SECOND_DC = 2
_RPC_RESULT = 0xF35C6D01
_GZIP_FROM = 4096
_WRAPPERS = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.InvokeWithoutUpdatesRequest,
    functions.InvokeWithTakeoutRequest,
    functions.InvokeAfterMsgRequest,
    functions.InvokeAfterMsgsRequest,
    functions.InvokeWithMessagesRangeRequest,
)
_MALFORMED = (struct.error, zlib.error, BufferError, OSError, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the main data centre listens, and the second one's port."""

    host: str
    port: int
    second_port: int


class TelegramServer:
    """A stage as Telegram's servers show it to accounts that follow none of its channels.

    `key` is an RSA key of 2048 bits for the key exchange; without it one is made when it is first needed.
    All of it is to be used from the event loop that serves it. To change what it does, set:

    - `private`: channel ids that answer CHANNEL_PRIVATE, and whose handles are free
    - `hidden_in_history`: (channel id, message id) left out of histories and differences, not of lookups by id
    - `too_long`: a difference over more than so many pts is refused as too long; `difference_timeout`: what
      it says about when to ask again, in seconds
    - `down`: nothing listens, and what was open is cut
    - `chaos`: asked at every call for which no fault was told
    - `code`, `phones`, `passwords` (by account), `refused_api_ids`: what a login must give
    - `gzip`: long answers come compressed; `salts`: messages with another salt than the key's are sent back
    """

    def __init__(self, stage: Stage, *, accounts: int = 1, key: rsa.PrivateKey | None = None) -> None:
        self.stage = stage
        self.accounts = accounts
        self.calls: list[Call] = []
        self.private: set[int] = set()
        self.hidden_in_history: set[tuple[int, int]] = set()
        self.too_long = 10_000
        self.difference_timeout = 1
        self.chaos: Callable[[Call], Fault | None] | None = None
        self.code = "12345"
        self.phones = [f"+99966{n:05}" for n in range(accounts)]
        self.passwords: dict[int, str] = {}
        self.refused_api_ids: set[int] = set()
        self.gzip = False
        self.salts = False
        self.codes: dict[str, str] = {}
        self.proofs: dict[int, keys.PasswordProof] = {}
        self.exported: dict[bytes, int] = {}
        self.files: dict[int, File] = {}
        self.ports: dict[int, int] = {}
        self._told: list[Told] = []
        self._key = key
        self._keys: dict[int, wire.Key] = {}
        self._killed: list[tuple[wire.Key, int]] = []
        self._painters: dict[int, Painter] = {}
        self._listeners: dict[int, socket.socket] = {}
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    def session(self, account: int = 0) -> str:
        """A session of Telethon's StringSession, new at each call, logged in and for the main data centre."""
        if not self.ports:
            raise RuntimeError("a session holds the address: serve first")
        key = wire.Key.fresh(MAIN_DC, account)
        self.keep(key)
        session = StringSession()
        session.set_dc(MAIN_DC, HOST, self.ports[MAIN_DC])
        session.auth_key = key.auth
        return str(session.save())

    def private_key(self) -> rsa.PrivateKey:
        """The key for key exchanges."""
        self._key = self._key or keys.made_key()
        return self._key

    def public_key(self) -> str:
        """Its public half in PEM (PKCS#1)."""
        return keys.public_pem(self.private_key())

    def fail(
        self,
        name: str,
        *faults: Fault | str,
        channel: int | str | None = None,
        account: int | None = None,
        times: int = 1,
    ) -> None:
        """Do this at the next calls of a method (`*` for any): of one channel (id or handle), or one account.

        A string is the message of an RPC error. The faults are told as often as `times` says.
        """
        scope = channel.lower() if isinstance(channel, str) else channel
        for fault in faults * times:
            meant = Refusal(fault) if isinstance(fault, str) else fault
            self._told.append(Told(name, meant, scope, account))

    @property
    def untold(self) -> int:
        """How many faults wait for their call."""
        return len(self._told)

    def called(self, name: str) -> list[Call]:
        """The calls of one method so far."""
        return [call for call in self.calls if call.name == name]

    def kill_session(self, account: int = 0) -> None:
        """Log an account out everywhere, as its owner can; new sessions and logins work."""
        for key in self._keys.values():
            if key.account == account:
                self._killed.append((key, account))
                key.account = None

    def revive_session(self, account: int = 0) -> None:
        """Undo `kill_session`."""
        for key, was in self._killed:
            if was == account:
                key.account = was
        self._killed = [killed for killed in self._killed if killed[1] != account]

    def cut(self, account: int | None = None) -> None:
        """Break the connections, those of one account or all; what was asked stays unanswered."""
        for connection in list(self._connections):
            if account is None or (connection.key is not None and connection.key.account == account):
                connection.abort()

    @property
    def down(self) -> bool:
        """Whether nobody can connect."""
        return bool(self.ports) and not self._listeners

    @down.setter
    def down(self, down: bool) -> None:
        if down:
            self._deafen()
            self.cut()
        elif not self._listeners:
            for dc, port in self.ports.items():
                self._listen(dc, port)

    def played(self, channel_id: int) -> Played | None:
        """What is played of a channel."""
        return next((p for p in self.stage.channels.values() if p.scenario.id == channel_id), None)

    def painter(self, played: Played) -> Painter:
        """Who draws a channel's messages."""
        painter = self._painters.get(played.scenario.id)
        if painter is None or painter.played is not played or painter.stale:
            ids = {p.scenario.handle.lower(): p.scenario.id for p in self.stage.channels.values()}
            painter = self._painters[played.scenario.id] = Painter(played, ids, self.files)
        return painter

    def warm(self) -> None:
        """Draw all that is shown now, so that a measurement finds it drawn."""
        for played in self.stage.channels.values():
            offset = self.stage.clock() - played.start
            painter = self.painter(played)
            for message_id in played.timeline.live(played.timeline.pts(offset)):
                painter.drawn(message_id, offset)

    def keep(self, key: wire.Key) -> None:
        """Know a key from now on."""
        self._keys[key.auth.key_id] = key

    def forget(self, key: wire.Key) -> None:
        """Know a key no more."""
        self._keys.pop(key.auth.key_id, None)

    def find(self, key_id: int, dc: int) -> wire.Key | None:
        """The key of this number, if this data centre knows it."""
        key = self._keys.get(key_id)
        return key if key is not None and key.dc == dc else None

    def fault(self, call: Call) -> Fault | None:
        """What to do at a call instead of answering; a told fault is taken off the list."""
        for told in self._told:
            if told.fits(call):
                self._told.remove(told)
                return told.fault
        return self.chaos(call) if self.chaos is not None else None

    def open(self) -> Address:
        """Listen on free ports."""
        for dc in (MAIN_DC, SECOND_DC):
            self._listen(dc, 0)
            self.ports[dc] = self._listeners[dc].getsockname()[1]
        return Address(HOST, self.ports[MAIN_DC], self.ports[SECOND_DC])

    async def close(self) -> None:
        """Stop listening, break what is open, and wait until nothing runs; raises our own mistakes."""
        self._deafen()
        self.ports = {}
        self.cut()
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)
        if self._failures:
            raise self._failures[0]

    def run(self, task: asyncio.Task[None]) -> None:
        """Let a task be waited for when the server closes, which raises what it failed with."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            # Without this a client would come back for ever, and the test that met the mistake would hang.
            self._failures.append(failure)
            self.down = True

    def _listen(self, dc: int, port: int) -> None:
        listener = socket.create_server((HOST, port))
        listener.settimeout(0)
        self._listeners[dc] = listener
        asyncio.get_running_loop().add_reader(listener, self._accept, dc, listener)

    def _deafen(self) -> None:
        for listener in self._listeners.values():
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        self._listeners = {}

    def _accept(self, dc: int, listener: socket.socket) -> None:
        with suppress(BlockingIOError, ConnectionError):
            taken, _ = listener.accept()
            taken.settimeout(0)
            self.run(asyncio.create_task(self._serve(dc, taken)))

    async def _serve(self, dc: int, taken: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=taken, limit=1 << 20)
        connection = _Connection(self, dc, reader, writer)
        self._connections.add(connection)
        if not self._listeners:
            # It was taken just before the server went down.
            connection.abort()
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


@asynccontextmanager
async def serving_telegram(server: TelegramServer) -> AsyncIterator[Address]:
    """Serve on free ports of loopback; gives the address."""
    try:
        yield server.open()
    finally:
        await server.close()


@dataclass(slots=True, eq=False)
class _Connection:
    """One TCP connection: its frames, and the key and session that its messages are of."""

    server: TelegramServer
    dc: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    codec: wire.Codec = field(default_factory=wire.Full)
    key: wire.Key | None = None
    session: int = 0
    numbers: wire.Numbers = field(default_factory=wire.Numbers)
    answered: int = 0
    handshake: keys.Handshake = field(init=False)
    late: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.handshake = keys.Handshake(self.server.private_key, self._made)

    async def run(self) -> None:
        """Answer until either side ends it; what cannot be read ends it too."""
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, wire.MalformedError):
                self.codec = await wire.codec(self.reader)
                while not self.writer.is_closing():
                    self._take(await self.codec.read(self.reader))
                    await self.writer.drain()
        finally:
            self.abort()
            with suppress(OSError):
                await self.writer.wait_closed()

    def abort(self) -> None:
        """Break the connection, with all that is still to be answered on it."""
        self.writer.transport.abort()
        for task in self.late:
            task.cancel()

    def _send(self, packet: bytes) -> None:
        if not self.writer.is_closing():
            self.writer.write(self.codec.frame(packet))

    def _take(self, packet: bytes) -> None:
        key_id = int.from_bytes(packet[:8], "little")
        if key_id == 0:
            self._plain(packet)
            return
        self.key = self.server.find(key_id, self.dc)
        if self.key is None:
            self._send(wire.UNKNOWN_KEY)
            return
        message = self.key.opened(packet)
        self._greet(message)
        if self.server.salts and message.salt != self.key.salt:
            self.say(types.BadServerSalt(message.id, message.sequence, 48, self.key.salt))
        else:
            self._body(message.id, message.body)

    def _plain(self, packet: bytes) -> None:
        try:
            answer = bytes(self.handshake.answer(_parsed(packet[20:])))
        except (TypeNotFoundError, AttributeError, ArithmeticError) as broken:
            raise wire.MalformedError("no key exchange") from broken
        self._send(struct.pack("<qqi", 0, self.numbers.next(), len(answer)) + answer)

    def _made(self, auth: Any) -> None:
        self.server.keep(wire.Key(auth, self.dc))

    def _greet(self, message: wire.Message) -> None:
        self.session = message.session
        if self.key is not None and message.session not in self.key.sessions:
            self.key.sessions.add(message.session)
            self.say(types.NewSessionCreated(message.id, secrets.randbits(63), self.key.salt))

    def _body(self, message_id: int, body: bytes) -> None:
        try:
            item = _parsed(body)
        except TypeNotFoundError:
            self._result(message_id, Refusal("INPUT_METHOD_INVALID"))
        else:
            self._item(message_id, item)

    def _item(self, message_id: int, item: Any) -> None:
        if isinstance(item, MessageContainer):
            for inner in item.messages:
                self._item(inner.msg_id, inner.obj)
        elif isinstance(item, GzipPacked):
            self._body(message_id, item.data)
        elif isinstance(item, TLRequest | types.MsgsStateReq):
            service = _service(self, message_id, item)
            if service is None:
                self._call(message_id, item)
            else:
                self.say(service)

    def say(self, item: Any) -> None:
        """Send a message of the server's own accord."""
        self._write(bytes(item))

    def _write(self, body: bytes) -> None:
        if self.key is not None:
            sequence = self.answered * 2 + 1
            self.answered += 1
            message = wire.Message(self.key.salt, self.session, self.numbers.next(), sequence, body)
            self._send(self.key.sealed(message))

    def _result(self, message_id: int, outcome: bytes | Refusal) -> None:
        if isinstance(outcome, Refusal):
            body = bytes(types.RpcError(outcome.code, outcome.message))
        elif self.server.gzip and len(outcome) >= _GZIP_FROM:
            body = bytes(GzipPacked(outcome))
        else:
            body = outcome
        self._write(struct.pack("<Iq", _RPC_RESULT, message_id) + body)

    def _call(self, message_id: int, request: Any) -> None:
        while isinstance(request, _WRAPPERS):
            request = request.query
        call = self._record(request)
        fault = self.server.fault(call)
        if isinstance(fault, Delay):
            task = asyncio.create_task(self._later(fault.seconds, message_id, request))
            self.server.run(task)
            self.late.add(task)
            task.add_done_callback(self.late.discard)
        elif isinstance(fault, Refusal):
            self._result(message_id, fault)
        elif fault == Cut():
            self.abort()
        else:
            self._answer(message_id, request, fault)

    async def _later(self, seconds: float, message_id: int, request: Any) -> None:
        await asyncio.sleep(seconds)
        self._answer(message_id, request, None)

    def _answer(self, message_id: int, request: Any, fault: Fault | None) -> None:
        if self.key is None:
            return
        asked = methods.Asked(self.server, self.key, too_long=isinstance(fault, TooLong))
        try:
            outcome: bytes | Refusal = methods.answer(asked, request)
        except RefusedError as refused:
            outcome = refused.refusal
        if isinstance(fault, Cut):
            self.abort()
        else:
            self._result(message_id, outcome)

    def _record(self, request: Any) -> Call:
        handle = getattr(request, "username", None)
        call = Call(
            name=type(request).__name__.removesuffix("Request"),
            account=self.key.account if self.key is not None else None,
            channel=channel_of(request),
            handle=handle.lower() if isinstance(handle, str) else None,
            at=time.monotonic(),
            dc=self.dc,
            arguments=arguments(request),
        )
        self.server.calls.append(call)
        return call


def _parsed(body: bytes) -> Any:
    """The TL object in these bytes; raises TypeNotFoundError where it is none of this layer."""
    try:
        with BinaryReader(body) as reader:
            return reader.tgread_object()
    except _MALFORMED as broken:
        raise wire.MalformedError("a broken object") from broken


def _service(connection: _Connection, message_id: int, item: Any) -> Any:
    """The answer to what is no method but the protocol's own; None for a method."""
    answer = _SERVICES.get(type(item))
    return answer(connection, message_id, item) if answer is not None else None


def _pong(_: _Connection, message_id: int, item: Any) -> Any:
    return types.Pong(message_id, item.ping_id)


def _salts(connection: _Connection, message_id: int, _: Any) -> Any:
    now = int(time.time())
    salt = connection.key.salt if connection.key is not None else 0
    return types.FutureSalts(message_id, now, [types.FutureSalt(now, now + 3600, salt)])


def _session_gone(connection: _Connection, _: int, item: Any) -> Any:
    if connection.key is not None and item.session_id in connection.key.sessions:
        connection.key.sessions.discard(item.session_id)
        return types.DestroySessionOk(item.session_id)
    return types.DestroySessionNone(item.session_id)


def _key_gone(connection: _Connection, _: int, __: Any) -> Any:
    if connection.key is not None:
        connection.server.forget(connection.key)
    return types.DestroyAuthKeyOk()


def _state(_: _Connection, message_id: int, item: Any) -> Any:
    return types.MsgsStateInfo(message_id, "\x04" * len(item.msg_ids))


_SERVICES: dict[type, Callable[[_Connection, int, Any], Any]] = {
    functions.PingRequest: _pong,
    functions.PingDelayDisconnectRequest: _pong,
    functions.GetFutureSaltsRequest: _salts,
    functions.DestroySessionRequest: _session_gone,
    functions.DestroyAuthKeyRequest: _key_gone,
    types.MsgsStateReq: _state,
}
