"""The stand-in's MTProto server, as an unmodified Telethon finds it: connecting, logging in, and its faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha1
from typing import Any

import pytest
import rsa
import telethon.crypto.rsa
from telethon import errors, functions, types
from telethon.crypto import AES
from telethon.network import ConnectionTcpAbridged, ConnectionTcpFull, ConnectionTcpIntermediate
from telethon.password import check_prime_and_good
from telethon.sessions import StringSession
from telethon.tl import TLRequest

from monitor.standin import telegram_keys as keys
from monitor.standin.telegram import Answer, Cut, Delay, Refusal, TelegramServer, serving_telegram
from monitor.standin.telegram_draw import made_up
from tests.unit.standin_telegram import channel, connected, fresh, history, raw, said, staged, talking

LONG = channel(*(said(n) for n in range(1, 251)))


@pytest.fixture(scope="module")
def key() -> rsa.PrivateKey:
    return keys.made_key()


@asynccontextmanager
async def stranger(server: TelegramServer, **options: Any) -> AsyncIterator[Any]:
    """A served server, and a client that knows its address and key, and no more."""
    async with serving_telegram(server) as address:
        telethon.crypto.rsa.add_key(server.public_key(), old=False)
        session = StringSession()
        session.set_dc(1, address.host, address.port)
        client = fresh(session, **options)
        await client.connect()
        try:
            yield client
        finally:
            await client.disconnect()


def names(server: TelegramServer) -> list[str]:
    return [call.name for call in server.calls]


@pytest.mark.parametrize("kind", [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate])
async def test_a_session_of_the_servers_is_logged_in_without_an_exchange(kind: Any) -> None:
    server = staged(LONG)
    async with serving_telegram(server), connected(server, connection=kind) as client:
        me = await client.get_me()
        assert (me.id, me.is_self, me.phone) == (7_000_000_000, True, "9996600000")
        assert await client.is_user_authorized()
        assert len(await client.get_messages("demo_one", limit=250)) == 250


async def test_each_account_is_another_user_with_hashes_of_its_own() -> None:
    server = staged(LONG, accounts=2)
    async with serving_telegram(server), connected(server) as one, connected(server, 1) as two:
        assert (await one.get_me()).id != (await two.get_me()).id
        mine, theirs = [await c.get_input_entity("demo_one") for c in (one, two)]
        assert mine.channel_id == theirs.channel_id
        assert mine.access_hash != theirs.access_hash
        with pytest.raises(errors.ChannelInvalidError):
            await two(history(mine))
        assert [c.account for c in server.called("GetHistory")] == [1]


async def test_answers_may_be_compressed_and_salts_held_to() -> None:
    server = staged(LONG)
    server.gzip = server.salts = True
    async with talking(server) as (client, peer):
        assert [m.id async for m in client.iter_messages(peer, wait_time=0)] == list(range(250, 0, -1))


async def test_long_packets_in_an_abridged_stream() -> None:
    server = staged(LONG)
    async with (
        serving_telegram(server),
        connected(server, connection=ConnectionTcpAbridged) as client,
    ):
        many = [made_up(n, bits=31) for n in range(99)]
        found = await client.get_messages("demo_one", ids=[*many, 7])
        assert [m for m in found if m] == [found[-1]]


async def test_many_requests_at_once_come_in_one_container() -> None:
    async with talking(staged(LONG)) as (client, peer):
        found = await asyncio.gather(*(client.get_messages(peer, ids=n) for n in range(1, 41)))
        assert [m.id for m in found] == list(range(1, 41))
        both = await client([history(peer, limit=1), history(peer, limit=2)], ordered=True)
        assert [len(r.messages) for r in both] == [1, 2]


async def test_long_requests_come_compressed_and_wrapped() -> None:
    async with talking(staged(LONG)) as (client, peer):
        many = functions.channels.GetMessagesRequest(peer, [types.InputMessageID(5)] * 100)
        wrapped = functions.InvokeWithTakeoutRequest(1, functions.InvokeWithoutUpdatesRequest(many))
        assert [m.id for m in (await client(wrapped)).messages] == [5] * 100


async def test_a_takeout_is_granted() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        async with client.takeout(channels=True) as takeout:
            assert len([m async for m in takeout.iter_messages(peer, wait_time=0)]) == 250
        assert names(server)[-1] == "FinishTakeoutSession"


async def test_what_belongs_to_the_protocol_is_answered_and_not_recorded() -> None:
    server = staged(LONG)
    async with talking(server) as (client, _):
        before = names(server)
        pong = client._sender.send(functions.PingDelayDisconnectRequest(77, 60))
        assert (await pong).ping_id == 77
        assert (await raw(client, functions.DestroySessionRequest(5))).session_id == 5
        key = server.find(client.session.auth_key.key_id, 1)
        assert key is not None
        (session,) = key.sessions
        gone = await raw(client, functions.DestroySessionRequest(session))
        assert (type(gone), gone.session_id) == (types.DestroySessionOk, session)
        salts = await raw(client, functions.GetFutureSaltsRequest(1))
        assert len(salts.salts) == 1
        assert names(server) == before
        dropped = await raw(client, functions.RpcDropAnswerRequest(5))
        assert isinstance(dropped, types.RpcAnswerUnknown)
        assert isinstance(await raw(client, functions.DestroyAuthKeyRequest()), types.DestroyAuthKeyOk)
        assert server.find(key.auth.key_id, 1) is None


class Bytes(TLRequest):  # type: ignore[misc]
    """A request of whatever bytes."""

    CONSTRUCTOR_ID = 1

    def __init__(self, written: bytes) -> None:
        self.written = written

    def _bytes(self) -> bytes:
        return self.written


async def test_a_method_of_another_layer_is_refused() -> None:
    async with talking(staged(LONG)) as (client, _):
        with pytest.raises(errors.RPCError):
            await raw(client, Bytes(b"\1\2\3\4"))


async def test_a_broken_request_ends_its_connection() -> None:
    server = staged(LONG)
    async with serving_telegram(server), connected(server, auto_reconnect=False) as client:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await raw(client, Bytes(bytes(history(types.InputPeerEmpty()))[:20]))


async def test_a_server_may_close_before_its_clients() -> None:
    server = staged(LONG)
    async with AsyncExitStack() as later:
        async with serving_telegram(server):
            client = await later.enter_async_context(connected(server, auto_reconnect=False))
            assert await client.is_user_authorized()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.disconnected


async def test_what_the_service_says_of_itself() -> None:
    async with talking(staged(LONG)) as (client, _):
        config = await client(functions.help.GetConfigRequest())
        assert [(o.id, o.ip_address) for o in config.dc_options] == [(1, "127.0.0.1"), (2, "127.0.0.1")]
        assert (await client(functions.help.GetNearestDcRequest())).nearest_dc == 1
        full = await client(functions.users.GetFullUserRequest(types.InputUserSelf()))
        assert full.users[0].is_self
        with pytest.raises(errors.UserIdInvalidError):
            await client(functions.users.GetFullUserRequest(types.InputUser(5, 5)))
        assert await client(functions.account.UpdateStatusRequest(offline=True)) is True
        assert (await client(functions.updates.GetStateRequest())).pts == 1


async def test_a_client_that_takes_updates_is_content() -> None:
    server = staged(LONG)
    async with serving_telegram(server), connected(server, receive_updates=True, catch_up=True) as client:
        await client.catch_up()
        assert "GetState" in names(server)


@pytest.mark.parametrize(
    "request_of",
    [
        functions.channels.JoinChannelRequest,
        lambda peer: functions.messages.SendMessageRequest(peer, "hello"),
        lambda peer: functions.channels.ReadHistoryRequest(peer, 5),
        lambda peer: functions.channels.GetParticipantsRequest(
            peer, types.ChannelParticipantsRecent(), 0, 10, 0
        ),
    ],
)
async def test_what_is_never_to_be_called_is_refused_and_recorded(request_of: Any) -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        request = request_of(peer)
        with pytest.raises(errors.MethodInvalidError):
            await client(request)
        call = server.calls[-1]
        assert (call.name, call.channel) == (type(request).__name__.removesuffix("Request"), LONG.id)


async def test_calls_are_recorded_with_what_they_ask() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        await client(history(peer, offset_id=50, limit=3))
        await client.get_messages(peer, ids=[3, 4])
        resolved, asked, looked = server.calls[-3:]
        assert (resolved.name, resolved.handle, resolved.channel) == ("ResolveUsername", "demo_one", None)
        assert (asked.name, asked.account, asked.channel, asked.dc) == ("GetHistory", 0, LONG.id, 1)
        assert (asked.arguments["offset_id"], asked.arguments["limit"]) == (50, 3)
        assert looked.arguments == {"id": [3, 4]}
        assert resolved.at <= asked.at <= looked.at


async def test_a_key_exchange_and_a_login(key: rsa.PrivateKey) -> None:
    server = staged(LONG, accounts=2)
    server._key = key
    async with stranger(server) as client:
        assert not await client.is_user_authorized()
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await client(history(types.InputPeerChannel(LONG.id, 1)))
        await client.send_code_request("+99966 00001")
        with pytest.raises(errors.PhoneCodeInvalidError):
            await client.sign_in(code="99999")
        me = await client.sign_in(code=server.code)
        assert me.id == 7_000_000_001
        saved = client.session.save()
        again = fresh(StringSession(saved))
        await again.connect()
        assert (await again.get_me()).id == me.id
        await again.disconnect()
        assert await client.log_out()
        assert names(server).count("LogOut") == 1


async def test_a_login_with_a_two_step_password(key: rsa.PrivateKey) -> None:
    server = staged(LONG)
    server._key, server.passwords[0] = key, "правильный"
    async with stranger(server) as client:
        await client.send_code_request(server.phones[0])
        with pytest.raises(errors.SessionPasswordNeededError):
            await client.sign_in(code=server.code)
        assert not await client.is_user_authorized()
        with pytest.raises(errors.PasswordHashInvalidError):
            await client.sign_in(password="wrong")
        assert (await client.sign_in(password="правильный")).is_self
        with pytest.raises(errors.SrpIdInvalidError):
            await client(functions.auth.CheckPasswordRequest(types.InputCheckPasswordSRP(1, b"", b"")))


async def test_logins_that_cannot_be(key: rsa.PrivateKey) -> None:
    server = staged(LONG)
    server._key, server.refused_api_ids = key, {1}
    async with stranger(server) as client:
        with pytest.raises(errors.ApiIdInvalidError):
            await client.send_code_request(server.phones[0])
        server.refused_api_ids = set()
        for phone, error in (("+12", "PhoneNumberInvalid"), ("+4400000000", "PhoneNumberUnoccupied")):
            with pytest.raises(getattr(errors, f"{error}Error")):
                await client.send_code_request(phone)
        with pytest.raises(errors.PhoneCodeExpiredError):
            await client.sign_in(server.phones[0], server.code, phone_code_hash="other")
        sent = await client.send_code_request(server.phones[0])
        with pytest.raises(errors.PhoneCodeEmptyError):
            await client(functions.auth.SignInRequest(server.phones[0], sent.phone_code_hash, ""))
        with pytest.raises(errors.AuthKeyUnregisteredError):
            await client(functions.account.GetPasswordRequest())


async def test_an_account_without_a_password_says_so() -> None:
    async with talking(staged(LONG)) as (client, _):
        assert not (await client(functions.account.GetPasswordRequest())).has_password


async def test_a_key_that_nobody_knows_is_refused() -> None:
    server, other = staged(LONG), staged(LONG)
    async with serving_telegram(other):
        foreign = StringSession(other.session())
    async with serving_telegram(server) as address:
        foreign.set_dc(1, address.host, address.port)
        client = fresh(foreign)
        with pytest.raises(errors.AuthKeyNotFound):
            await client.connect()
        await client.disconnect()


async def test_the_prime_is_one_that_clients_trust() -> None:
    check_prime_and_good(keys.PRIME.to_bytes(256, "big"), keys.GENERATOR)


def test_a_shared_secret_that_begins_with_zeros_is_made_anew(key: rsa.PrivateKey) -> None:
    """Telethon would keep such a key cut short."""
    made: list[Any] = []
    exchange = keys.Handshake(lambda: key, made.append, nonce=1, new_nonce=2, server_nonce=3, secret=1)
    for g_b, outcome in ((b"\x03", types.DhGenRetry), (b"\x03" * 256, types.DhGenOk)):
        inner = bytes(types.ClientDHInnerData(1, 3, 0, g_b))
        encrypted = AES.encrypt_ige(sha1(inner).digest() + inner, *exchange._aes())
        assert isinstance(exchange.answer(functions.SetClientDHParamsRequest(1, 3, encrypted)), outcome)
    assert [len(auth.key) for auth in made] == [256]


ERRORS = [
    ("FLOOD_WAIT_30", 420, errors.FloodWaitError),
    ("CHANNEL_PRIVATE", 400, errors.ChannelPrivateError),
    ("USERNAME_NOT_OCCUPIED", 400, errors.UsernameNotOccupiedError),
    ("AUTH_KEY_UNREGISTERED", 401, errors.AuthKeyUnregisteredError),
    ("AUTH_KEY_DUPLICATED", 406, errors.AuthKeyDuplicatedError),
    ("USER_DEACTIVATED_BAN", 401, errors.UserDeactivatedBanError),
    ("SESSION_REVOKED", 401, errors.SessionRevokedError),
    ("CHAT_ADMIN_REQUIRED", 403, errors.ChatAdminRequiredError),
    ("FILE_MIGRATE_2", 303, errors.FileMigrateError),
    ("FILE_REFERENCE_EXPIRED", 400, errors.FileReferenceExpiredError),
    ("INTERNAL", 500, errors.ServerError),
    ("RPC_CALL_FAIL", 500, errors.RpcCallFailError),
    ("Timedout", 503, errors.TimedOutError),
]


@pytest.mark.parametrize(("message", "code", "error"), ERRORS)
async def test_a_told_error_comes_as_what_it_is(message: str, code: int, error: type[Exception]) -> None:
    server = staged(LONG)
    assert Refusal(message).code == code
    async with talking(server) as (client, peer):
        server.fail("GetHistory", message)
        with pytest.raises(error):
            await raw(client, history(peer))
        assert len((await raw(client, history(peer))).messages) == 100
        assert server.untold == 0


def test_an_errors_code_can_be_given() -> None:
    assert Refusal("CHANNEL_PRIVATE", 406).code == 406


async def outcomes(client: Any, *requests: Any) -> list[str]:
    found = []
    for request in requests:
        try:
            await raw(client, request)
        except errors.RPCError as error:
            found.append(type(error).__name__)
        else:
            found.append("")
    return found


async def test_faults_are_taken_in_order_by_the_calls_they_are_for() -> None:
    other = channel(said(1), id=1_700_000_002, handle="demo_two")
    server = staged(LONG, other, accounts=2)
    async with talking(server) as (client, one), connected(server, 1) as second:
        two = await client.get_input_entity("demo_two")
        server.fail("GetHistory", Answer(), "CHANNEL_PRIVATE", "FLOOD_WAIT_5", channel=one.channel_id)
        server.fail("GetHistory", "CHANNEL_INVALID", channel=two.channel_id, times=2)
        server.fail("GetMessages", "MESSAGE_IDS_EMPTY", account=1)
        server.fail("ResolveUsername", "USERNAME_INVALID", channel="Demo_Two")
        asked = [history(one), history(two), history(one), history(one), history(two), history(two)]
        first, then = asked[:3], asked[3:]
        assert await outcomes(client, *first) == ["", "ChannelInvalidError", "ChannelPrivateError"]
        assert await outcomes(client, *then) == ["FloodWaitError", "ChannelInvalidError", ""]
        looked = functions.channels.GetMessagesRequest(one, [types.InputMessageID(1)])
        assert await outcomes(client, looked) == [""]
        assert await outcomes(second, looked) == ["MessageIdsEmptyError"]
        resolve = [functions.contacts.ResolveUsernameRequest(n) for n in ("demo_one", "demo_two")]
        assert await outcomes(client, *resolve) == ["", "UsernameInvalidError"]
        server.fail("*", "INTERNAL")
        assert await outcomes(client, *resolve) == ["ServerError", ""]


async def test_chaos_is_asked_where_nothing_was_told() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        server.fail("GetHistory", Answer())
        server.chaos = lambda call: Refusal("INTERNAL") if call.name == "GetHistory" else None
        assert await outcomes(client, history(peer), history(peer)) == ["", "ServerError"]
        await client.get_messages(peer, ids=1)


@pytest.mark.parametrize("after", [False, True])
async def test_a_cut_in_the_middle_loses_and_doubles_nothing(after: bool) -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        server.fail("GetHistory", Answer(), Cut(after=after), Cut(after=after))
        assert [m.id async for m in client.iter_messages(peer, wait_time=0)] == list(range(250, 0, -1))
        assert len(server.called("GetHistory")) == 3 + 2


async def test_a_late_answer_holds_up_no_other() -> None:
    server = staged(LONG)
    async with talking(server) as (client, peer):
        server.fail("GetHistory", Delay(0.05))
        late = asyncio.ensure_future(raw(client, history(peer)))
        assert (await client.get_messages(peer, ids=1)).id == 1
        assert not late.done()
        assert len((await late).messages) == 100


async def test_an_answer_that_is_never_given_ends_with_the_server() -> None:
    server = staged(LONG)
    async with serving_telegram(server), connected(server, auto_reconnect=False) as client:
        peer = await client.get_input_entity("demo_one")
        server.fail("GetHistory", Delay(3600))
        late = asyncio.ensure_future(raw(client, history(peer)))
        await client.get_messages(peer, ids=1)
        server.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await late


async def test_connections_are_cut_by_account() -> None:
    server = staged(LONG, accounts=2)
    async with (
        serving_telegram(server),
        connected(server, auto_reconnect=False) as one,
        connected(server, 1, auto_reconnect=False) as two,
    ):
        server.cut(1)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await two.disconnected
        assert (await one.get_me()).id == 7_000_000_000


async def test_a_server_that_is_down_and_comes_back() -> None:
    server = staged(LONG)
    async with serving_telegram(server) as address, connected(server, connection_retries=None) as client:
        peer = await client.get_input_entity("demo_one")
        assert not server.down
        server.down = True
        assert server.down
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(address.host, address.port)
        asked = asyncio.ensure_future(client.get_messages(peer, limit=250))
        await asyncio.sleep(0)
        server.down = server.down = False
        assert len(await asked) == 250


async def test_a_client_gives_up_on_a_server_that_is_down() -> None:
    server = staged(LONG)
    async with serving_telegram(server):
        client = fresh(StringSession(server.session()), connection_retries=1)
        server.down = True
        with pytest.raises(ConnectionError):
            await client.connect()
        await client.disconnect()


async def test_a_killed_session_is_refused_until_it_is_revived() -> None:
    server = staged(LONG, accounts=2)
    async with talking(server) as (client, peer), connected(server, 1) as other:
        server.kill_session(0)
        assert await outcomes(client, history(peer)) == ["AuthKeyUnregisteredError"]
        assert await client.get_me() is None
        assert (await other.get_me()).id == 7_000_000_001
        async with connected(server, 0) as new:
            assert await new.is_user_authorized()
        server.revive_session(0)
        assert await outcomes(client, history(peer)) == [""]


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\xef",
        b"\xef\x01abcd",
        b"\xef\x06" + bytes(24),
        b"\xef\x0c" + bytes(20) + bytes(functions.PingRequest(5)) + bytes(16),
        b"\xee" * 4 + b"\xff" * 4,
        b"\x10\0\0\0" + bytes(12),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_mtproto_ends_its_connection_and_no_other(noise: bytes) -> None:
    server = staged(LONG)
    async with serving_telegram(server) as address, connected(server) as client:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(noise)
        writer.write_eof()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(100)
        writer.close()
        assert await client.is_user_authorized()


async def test_a_packet_that_was_tampered_with_ends_the_connection() -> None:
    server = staged(LONG)
    async with serving_telegram(server) as address, connected(server) as client:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        key_id = client.session.auth_key.key_id.to_bytes(8, "little")
        writer.write(b"\xee" * 4 + (72).to_bytes(4, "little") + key_id + bytes(64))
        assert await reader.read() == b""
        writer.close()


MEDIA = channel(
    said(1, media={"kind": "photo", "size": 5000}),
    said(2, media={"kind": "document", "name": "a.pdf", "size": 1_300_001}),
    said(3, media={"kind": "document", "name": "b.pdf", "size": 200_000, "dc": 2}),
    said(4, media={"kind": "video", "size": 3_900_000_000}),
)


async def test_media_download_with_the_bytes_that_belong_to_them() -> None:
    server = staged(MEDIA)
    async with talking(server) as (client, peer):
        photo, document = await client.get_messages(peer, ids=[1, 2])
        got = [await client.download_media(m, file=bytes) for m in (photo, document)]
        assert [len(b) for b in got] == [5000, 1_300_001]
        assert got[1] == await client.download_media(document, file=bytes)
        assert len(set(got[1])) == 256
        location = types.InputDocumentFileLocation(
            document.document.id, document.document.access_hash, document.document.file_reference, ""
        )
        part = await client(functions.upload.GetFileRequest(location, offset=4096, limit=8192))
        assert part.bytes == got[1][4096 : 4096 + 8192]


async def test_a_medium_of_the_second_data_centre_downloads(key: rsa.PrivateKey) -> None:
    server = staged(MEDIA)
    server._key = key
    telethon.crypto.rsa.add_key(server.public_key(), old=False)
    async with talking(server) as (client, peer):
        message = await client.get_messages(peer, ids=3)
        assert len(await client.download_media(message, file=bytes)) == 200_000
        # Telethon asks the main one first, and is told where to go.
        assert [c.dc for c in server.called("GetFile")][:2] == [1, 2]
        assert [c.account for c in server.called("ImportAuthorization")] == [None]
        location = types.InputDocumentFileLocation(message.document.id, message.document.access_hash, b"", "")
        with pytest.raises(errors.FileMigrateError):
            await raw(client, functions.upload.GetFileRequest(location, 0, 4096))
        with pytest.raises(errors.DcIdInvalidError):
            await client(functions.auth.ExportAuthorizationRequest(1))
        with pytest.raises(errors.AuthBytesInvalidError):
            await client(functions.auth.ImportAuthorizationRequest(1, b"?"))


async def test_a_huge_file_is_never_made_up_whole() -> None:
    async with talking(staged(MEDIA)) as (client, peer):
        video = (await client.get_messages(peer, ids=4)).document
        location = types.InputDocumentFileLocation(video.id, video.access_hash, video.file_reference, "")
        got = await client(functions.upload.GetFileRequest(location, 3_899_998_208, 4096))
        assert len(got.bytes) == 1792
        assert (await client(functions.upload.GetFileRequest(location, 3_900_000_256, 4096))).bytes == b""


async def test_files_that_cannot_be_had() -> None:
    server = staged(MEDIA)
    async with talking(server) as (client, peer):
        document = (await client.get_messages(peer, ids=2)).document
        unknown = types.InputDocumentFileLocation(document.id, 5, b"", "")
        with pytest.raises(errors.LocationInvalidError):
            await client(functions.upload.GetFileRequest(unknown, 0, 4096))
        known = types.InputDocumentFileLocation(document.id, document.access_hash, b"", "")
        with pytest.raises(errors.LimitInvalidError):
            await client(functions.upload.GetFileRequest(known, 0, 0))
        server.fail("GetFile", "FILE_REFERENCE_EXPIRED")
        message = await client.get_messages(peer, ids=2)
        assert len(await client.download_media(message, file=bytes)) == 1_300_001


async def test_what_is_drawn_beforehand_is_what_is_shown() -> None:
    server = staged(LONG)
    server.warm()
    async with talking(server) as (client, peer):
        assert len(await client.get_messages(peer, limit=250)) == 250


async def test_a_mistake_of_our_own_is_raised_when_the_server_closes() -> None:
    server = staged(LONG)
    server.chaos = lambda call: Refusal(str(1 // 0)) if call.name == "GetHistory" else None

    async def ask() -> None:
        async with talking(server) as (client, peer):
            await client(history(peer))

    with pytest.raises(ZeroDivisionError):
        await ask()


async def test_sessions_live_as_long_as_the_address() -> None:
    server = staged(LONG)
    with pytest.raises(RuntimeError, match="serve"):
        server.session()
    async with serving_telegram(server) as address:
        assert StringSession(server.session()).port == address.port
        assert server.session() != server.session()
