"""What the MTProto stand-in answers to each method it knows; every other one is refused, and recorded like all.

The channel methods need an account; access hashes are of an account and a channel, and no other opens it.
"""

import re
import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from telethon.tl import functions, types

from monitor.standin import telegram_keys as keys
from monitor.standin.scenario import Scenario
from monitor.standin.stage import Played
from monitor.standin.telegram_draw import MAIN_DC, Drawn, Painter, Source, content, made_up, person_id
from monitor.standin.telegram_faults import RefusedError
from monitor.standin.telegram_timeline import Change, Kind, Timeline
from monitor.standin.telegram_wire import Key

if TYPE_CHECKING:
    from monitor.standin.telegram import TelegramServer

PAGE = 100
_TOP = 10
_HANDLE = re.compile(r"[A-Za-z]\w{3,31}", re.ASCII)
_PEOPLE = ("person", "bot")
_TRUE, _FALSE, _VECTOR = b"\xb5\x75\x72\x99", b"\x37\x97\x79\xbc", b"\x15\xc4\xb5\x1c"


@dataclass(frozen=True, slots=True)
class Asked:
    """On whose behalf a method is called, and whether a difference is to be too long."""

    server: "TelegramServer"
    key: Key
    too_long: bool = False

    @property
    def account(self) -> int:
        """The account that is logged in; methods that need one are refused without."""
        if self.key.account is None:
            raise RefusedError("AUTH_KEY_UNREGISTERED")
        return self.key.account

    def hash_of(self, number: int) -> int:
        """The access hash of a channel or person for this account."""
        return made_up("access", self.account, number)


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel as it is at the moment of a call."""

    asked: Asked
    played: Played
    offset: timedelta
    pts: int

    @property
    def scenario(self) -> Scenario:
        """The scenario that is played."""
        return self.played.scenario

    @property
    def timeline(self) -> Timeline:
        """What it went through."""
        return self.played.timeline

    @property
    def painter(self) -> Painter:
        """Who draws it."""
        return self.asked.server.painter(self.played)

    def hides(self, message_id: int) -> bool:
        """Whether histories leave a message out."""
        return (self.scenario.id, message_id) in self.asked.server.hidden_in_history

    def history(self) -> Sequence[int]:
        """The ids that a history shows, ascending."""
        live = self.timeline.live(self.pts)
        if any(channel == self.scenario.id for channel, _ in self.asked.server.hidden_in_history):
            return [number for number in live if not self.hides(number)]
        return live

    def draw(self, numbers: Iterable[int]) -> list[Drawn]:
        """These messages, which must be there."""
        painter = self.painter
        return [painter.drawn(number, self.offset) for number in numbers]


def answer(asked: Asked, request: Any) -> bytes:
    """The answer to a method as TL; raises RefusedError."""
    method = _METHODS.get(type(request))
    if method is None:
        raise RefusedError("METHOD_INVALID")
    if type(request) not in _WITHOUT_ACCOUNT:
        _ = asked.account
    return _tl(method(asked, request))


def _tl(item: Any) -> bytes:
    if isinstance(item, bool):
        return _TRUE if item else _FALSE
    if isinstance(item, list):
        return _VECTOR + len(item).to_bytes(4, "little") + b"".join(map(bytes, item))
    return bytes(item)


# Accounts


def _self(asked: Asked) -> Any:
    return types.User(
        id=_user_id(asked.account),
        is_self=True,
        access_hash=asked.hash_of(_user_id(asked.account)),
        first_name=f"Account {asked.account}",
        phone=asked.server.phones[asked.account].lstrip("+"),
    )


def _user_id(account: int) -> int:
    return 7_000_000_000 + account


def _send_code(asked: Asked, request: Any) -> Any:
    server = asked.server
    if not request.api_id or request.api_id in server.refused_api_ids:
        raise RefusedError("API_ID_INVALID")
    _account_of(asked, request.phone_number)
    code_hash = secrets.token_hex(9)
    server.codes[code_hash] = _digits(request.phone_number)
    return types.auth.SentCode(types.auth.SentCodeTypeApp(len(server.code)), code_hash)


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def _account_of(asked: Asked, phone: str) -> int:
    known = [_digits(number) for number in asked.server.phones]
    if not 7 <= len(_digits(phone)) <= 15:  # noqa: PLR2004 - E.164
        raise RefusedError("PHONE_NUMBER_INVALID")
    if _digits(phone) not in known:
        raise RefusedError("PHONE_NUMBER_UNOCCUPIED")
    return known.index(_digits(phone))


def _sign_in(asked: Asked, request: Any) -> Any:
    server = asked.server
    account = _account_of(asked, request.phone_number)
    if server.codes.get(request.phone_code_hash) != _digits(request.phone_number):
        raise RefusedError("PHONE_CODE_EXPIRED")
    if not request.phone_code:
        raise RefusedError("PHONE_CODE_EMPTY")
    if request.phone_code != server.code:
        raise RefusedError("PHONE_CODE_INVALID")
    if account in server.passwords:
        asked.key.pending = account
        raise RefusedError("SESSION_PASSWORD_NEEDED")
    return _logged_in(asked, account)


def _logged_in(asked: Asked, account: int) -> Any:
    asked.key.account, asked.key.pending = account, None
    return types.auth.Authorization(_self(asked))


def _pending(asked: Asked) -> int:
    account = asked.key.pending if asked.key.account is None else asked.key.account
    if account is None:
        raise RefusedError("AUTH_KEY_UNREGISTERED")
    return account


def _password(asked: Asked, _: Any) -> Any:
    words = asked.server.passwords.get(_pending(asked))
    if words is None:
        return keys.no_password()
    proof = keys.PasswordProof(words)
    asked.server.proofs[proof.id] = proof
    return proof.question()


def _check_password(asked: Asked, request: Any) -> Any:
    account = _pending(asked)
    proof = asked.server.proofs.pop(getattr(request.password, "srp_id", 0), None)
    if proof is None:
        raise RefusedError("SRP_ID_INVALID")
    if proof.words != asked.server.passwords.get(account) or not proof.holds(request.password):
        raise RefusedError("PASSWORD_HASH_INVALID")
    return _logged_in(asked, account)


def _log_out(asked: Asked, _: Any) -> Any:
    asked.key.account = None
    return types.auth.LoggedOut()


def _export(asked: Asked, request: Any) -> Any:
    if request.dc_id == asked.key.dc or request.dc_id not in asked.server.ports:
        raise RefusedError("DC_ID_INVALID")
    token = secrets.token_bytes(16)
    asked.server.exported[token] = asked.account
    return types.auth.ExportedAuthorization(_user_id(asked.account), token)


def _import(asked: Asked, request: Any) -> Any:
    account = asked.server.exported.pop(request.bytes, None)
    if account is None or request.id != _user_id(account):
        raise RefusedError("AUTH_BYTES_INVALID")
    return _logged_in(asked, account)


def _users(asked: Asked, request: Any) -> Any:
    me = _user_id(asked.account)
    named = [types.InputUserSelf() if getattr(u, "user_id", 0) == me else u for u in request.id]
    return [_self(asked) if isinstance(u, types.InputUserSelf) else types.UserEmpty(0) for u in named]


def _full_user(asked: Asked, request: Any) -> Any:
    if not isinstance(request.id, types.InputUserSelf):
        raise RefusedError("USER_ID_INVALID")
    full = types.UserFull(
        id=_user_id(asked.account),
        settings=types.PeerSettings(),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=0,
    )
    return types.users.UserFull(full, [], [_self(asked)])


# The service


def _config(asked: Asked, _: Any) -> Any:
    now = datetime.now(UTC)
    zero = dict.fromkeys(_CONFIG_NUMBERS, 0)
    options = [types.DcOption(dc, "127.0.0.1", port) for dc, port in asked.server.ports.items()]
    return types.Config(
        date=now,
        expires=now + timedelta(hours=1),
        test_mode=False,
        this_dc=asked.key.dc,
        dc_options=options,
        dc_txt_domain_name="",
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=4096,
        webfile_dc_id=MAIN_DC,
        **zero,
    )


_CONFIG_NUMBERS = (
    "chat_size_max",
    "megagroup_size_max",
    "forwarded_count_max",
    "online_update_period_ms",
    "offline_blur_timeout_ms",
    "offline_idle_timeout_ms",
    "online_cloud_timeout_ms",
    "notify_cloud_delay_ms",
    "notify_default_delay_ms",
    "push_chat_period_ms",
    "push_chat_limit",
    "edit_time_limit",
    "revoke_time_limit",
    "revoke_pm_time_limit",
    "rating_e_decay",
    "stickers_recent_limit",
    "channels_read_media_period",
    "call_receive_timeout_ms",
    "call_ring_timeout_ms",
    "call_connect_timeout_ms",
    "call_packet_timeout_ms",
)


def _nearest(asked: Asked, _: Any) -> Any:
    return types.NearestDc("", asked.key.dc, MAIN_DC)


def _state(_: Asked, __: Any) -> Any:
    return types.updates.State(pts=1, qts=0, date=int(time.time()), seq=0, unread_count=0)


def _no_difference(_: Asked, __: Any) -> Any:
    return types.updates.DifferenceEmpty(date=int(time.time()), seq=0)


def _done(_: Asked, __: Any) -> Any:
    return True


def _takeout(_: Asked, __: Any) -> Any:
    return types.account.Takeout(id=1)


def _unknown_answer(_: Asked, __: Any) -> Any:
    return types.RpcAnswerUnknown()


# Channels


def _resolve(asked: Asked, request: Any) -> Any:
    handle = request.username.removeprefix("@")
    if _HANDLE.fullmatch(handle) is None:
        raise RefusedError("USERNAME_INVALID")
    played = asked.server.stage.channels.get(handle.lower())
    if played is None or _is_private(asked, played):
        raise RefusedError("USERNAME_NOT_OCCUPIED")
    if played.hidden in _PEOPLE:
        person = _person(asked, played.scenario.handle, bot=played.hidden == "bot")
        return types.contacts.ResolvedPeer(types.PeerUser(person.id), [], [person])
    chat = _chat(_shown(asked, played))
    return types.contacts.ResolvedPeer(types.PeerChannel(chat.id), [chat], [])


def _is_private(asked: Asked, played: Played) -> bool:
    return played.hidden == "private" or played.scenario.id in asked.server.private


def _person(asked: Asked, handle: str, *, bot: bool) -> Any:
    number = person_id(handle)
    return types.User(
        id=number,
        bot=bot or None,
        bot_info_version=1 if bot else None,
        access_hash=asked.hash_of(number),
        first_name="Bot" if bot else "Private Person",
        username=handle,
    )


def _shown(asked: Asked, played: Played) -> Shown:
    offset = asked.server.stage.clock() - played.start
    return Shown(asked, played, offset, played.timeline.pts(offset))


def _named(asked: Asked, peer: Any) -> Shown:
    """The channel that a request names; it must be there, open, and named with this account's hash."""
    if not isinstance(peer, types.InputChannel | types.InputPeerChannel):
        raise RefusedError("PEER_ID_INVALID" if hasattr(peer, "user_id") else "CHANNEL_INVALID")
    played = asked.server.played(peer.channel_id)
    if played is None or played.hidden in _PEOPLE or peer.access_hash != asked.hash_of(peer.channel_id):
        raise RefusedError("CHANNEL_INVALID")
    if _is_private(asked, played):
        raise RefusedError("CHANNEL_PRIVATE")
    return _shown(asked, played)


def _chat(shown: Shown) -> Any:
    scenario = shown.scenario
    group, restricted = shown.played.hidden == "group", shown.played.hidden == "restricted"
    why = types.RestrictionReason(
        "all", "terms", "This channel can't be displayed because it violated local laws."
    )
    return types.Channel(
        id=scenario.id,
        title=scenario.title_at(shown.offset),
        photo=types.ChatPhotoEmpty(),
        date=shown.played.start,
        left=True,
        broadcast=not group or None,
        megagroup=group or None,
        verified=scenario.verified or None,
        restricted=restricted or None,
        restriction_reason=[why] if restricted else None,
        access_hash=shown.asked.hash_of(scenario.id),
        username=scenario.handle,
    )


def _beside(shown: Shown, messages: Iterable[Drawn]) -> tuple[list[Any], list[Any]]:
    """The chats and users named beside messages: the channel, where posts came from, and bots; no people."""
    messages = list(messages)
    sources = {m.source for m in messages if m.source is not None and m.source.id != shown.scenario.id}
    bots = sorted({m.bot for m in messages if m.bot is not None})
    chats = [_chat(shown), *(_source(shown.asked, source) for source in sorted(sources))]
    return chats, [_person(shown.asked, bot.lstrip("@"), bot=True) for bot in bots]


def _source(asked: Asked, source: Source) -> Any:
    return types.Channel(
        id=source.id,
        title=source.title,
        photo=types.ChatPhotoEmpty(),
        date=0,
        left=True,
        broadcast=True,
        access_hash=asked.hash_of(source.id),
        username=source.handle,
    )


def _channels(asked: Asked, request: Any) -> Any:
    return types.messages.Chats([_chat(_named(asked, peer)) for peer in request.id])


def _full_channel(asked: Asked, request: Any) -> Any:
    shown = _named(asked, request.channel)
    pins = [m.pins for m in shown.scenario.messages if m.pins is not None and m.at <= shown.offset]
    full = types.ChannelFull(
        id=shown.scenario.id,
        about=shown.scenario.about,
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=types.PhotoEmpty(0),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=shown.pts,
        participants_count=shown.scenario.subscribers,
        pinned_msg_id=pins[-1] if pins else None,
    )
    return types.messages.ChatFull(full, [_chat(shown)], [])


def _messages(shown: Shown, messages: Sequence[Any], count: int) -> Any:
    chats, users = _beside(shown, (m for m in messages if isinstance(m, Drawn)))
    return types.messages.ChannelMessages(
        pts=shown.pts, count=count, messages=messages, topics=[], chats=chats, users=users
    )


def _history(asked: Asked, request: Any) -> Any:
    """A window, newest first: what lies before the offset, moved by `add_offset` towards older messages.

    The bounds on ids only thin the window out; they do not move it.
    """
    shown = _named(asked, request.peer)
    history = shown.history()
    end = _before(shown, history, request) - request.add_offset
    window = history[max(end - max(min(request.limit, PAGE), 0), 0) : max(end, 0)]
    chosen = [
        n for n in reversed(window) if n > request.min_id and (not request.max_id or n < request.max_id)
    ]
    return _messages(shown, shown.draw(chosen), len(history))


def _before(shown: Shown, history: Sequence[int], request: Any) -> int:
    """How many messages lie before the offset; an id goes before a date, and 0 and 1970 are none."""
    if request.offset_id:
        return bisect_left(history, request.offset_id)
    if request.offset_date and request.offset_date.timestamp() > 0:
        until = request.offset_date - shown.played.start
        return bisect_left(history, until, key=shown.timeline.posted)
    return len(history)


def _lookup(asked: Asked, request: Any) -> Any:
    shown = _named(asked, request.channel)
    if not request.id:
        raise RefusedError("MESSAGE_IDS_EMPTY")
    if len(request.id) > PAGE:
        raise RefusedError("MESSAGES_TOO_MUCH")
    found = [_one(shown, getattr(item, "id", 0)) for item in request.id]
    return _messages(shown, found, len(found))


def _one(shown: Shown, message_id: int) -> Any:
    if shown.timeline.shows(message_id, shown.offset):
        return shown.painter.drawn(message_id, shown.offset)
    return types.MessageEmpty(message_id, peer_id=types.PeerChannel(shown.scenario.id))


def _views(asked: Asked, request: Any) -> Any:
    shown = _named(asked, request.peer)
    if len(request.id) > PAGE:
        raise RefusedError("MESSAGES_TOO_MUCH")
    counts = [_counts(shown, number) for number in request.id]
    return types.messages.MessageViews(counts, [_chat(shown)], [])


def _counts(shown: Shown, message_id: int) -> Any:
    if not shown.timeline.shows(message_id, shown.offset):
        return types.MessageViews()
    message = shown.timeline.message(message_id, shown.offset)
    return types.MessageViews(views=message.views, forwards=message.forwards)


# Differences


def _difference(asked: Asked, request: Any) -> Any:
    shown = _named(asked, request.channel)
    if request.pts < 1:
        raise RefusedError("PERSISTENT_TIMESTAMP_EMPTY")
    if request.pts > shown.pts:
        raise RefusedError("PERSISTENT_TIMESTAMP_INVALID")
    if asked.too_long or shown.pts - request.pts > asked.server.too_long:
        return _too_long(shown)
    timeout = asked.server.difference_timeout
    if request.pts == shown.pts:
        return types.updates.ChannelDifferenceEmpty(shown.pts, final=True, timeout=timeout)
    end = min(request.pts + max(min(request.limit, PAGE), 1), shown.pts)
    new, updates = _changes(shown, request.pts, end)
    chats, users = _beside(shown, [*new, *(u.message for u in updates if hasattr(u, "message"))])
    return types.updates.ChannelDifference(
        pts=end,
        new_messages=new,
        other_updates=updates,
        chats=chats,
        users=users,
        final=end == shown.pts or None,
        timeout=timeout,
    )


def _too_long(shown: Shown) -> Any:
    history = shown.history()
    top = shown.draw(reversed(history[-_TOP:]))
    dialog = types.Dialog(
        peer=types.PeerChannel(shown.scenario.id),
        top_message=history[-1] if history else 0,
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=shown.pts,
    )
    chats, users = _beside(shown, top)
    return types.updates.ChannelDifferenceTooLong(
        dialog, top, chats, users, final=True, timeout=shown.asked.server.difference_timeout
    )


def _changes(shown: Shown, start: int, end: int) -> tuple[list[Drawn], list[Any]]:
    """New messages and other updates between two pts.

    Both bear messages as they are now, so that of what is gone only the deletion is told; a message is told
    once, as new or with its last edit. Deletions of one time are told together.
    """
    numbered = [
        (pts, change)
        for pts, change in enumerate(shown.timeline.changes[start - 1 : end - 1], start + 1)
        if not shown.hides(change.message_id)
    ]
    there = [(p, c) for p, c in numbered if shown.timeline.shows(c.message_id, shown.offset)]
    new = sorted({c.message_id for _, c in there if c.kind is Kind.POST})
    edits = {c.message_id: p for p, c in there if c.kind is Kind.EDIT and c.message_id not in new}
    updates = [
        types.UpdateEditChannelMessage(shown.painter.drawn(number, shown.offset), pts, 1)
        for number, pts in edits.items()
    ]
    updates += _deletions(shown, [(p, c) for p, c in numbered if c.kind is Kind.DELETE])
    return shown.draw(new), sorted(updates, key=lambda u: u.pts)


def _deletions(shown: Shown, numbered: Iterable[tuple[int, Change]]) -> list[Any]:
    together = [list(group) for _, group in groupby(numbered, key=lambda item: item[1].at)]
    return [
        types.UpdateDeleteChannelMessages(
            shown.scenario.id, [c.message_id for _, c in group], group[-1][0], len(group)
        )
        for group in together
    ]


# Files


def _file(asked: Asked, request: Any) -> Any:
    location = request.location
    file = asked.server.files.get(getattr(location, "id", 0))
    if file is None or location.access_hash != made_up("media hash", location.id):
        raise RefusedError("LOCATION_INVALID")
    if file.dc != asked.key.dc:
        raise RefusedError(f"FILE_MIGRATE_{file.dc}")
    if request.offset < 0 or not 0 < request.limit <= 1 << 20:
        raise RefusedError("LIMIT_INVALID")
    size = file.thumbs.get(location.thumb_size, file.size)
    body = content(location.id, size, request.offset, request.limit)
    return types.upload.File(types.storage.FileUnknown(), mtime=0, bytes=body)


_METHODS: dict[type, Callable[[Asked, Any], Any]] = {
    functions.auth.SendCodeRequest: _send_code,
    functions.auth.SignInRequest: _sign_in,
    functions.auth.CheckPasswordRequest: _check_password,
    functions.auth.LogOutRequest: _log_out,
    functions.auth.ExportAuthorizationRequest: _export,
    functions.auth.ImportAuthorizationRequest: _import,
    functions.account.GetPasswordRequest: _password,
    functions.account.UpdateStatusRequest: _done,
    functions.account.InitTakeoutSessionRequest: _takeout,
    functions.account.FinishTakeoutSessionRequest: _done,
    functions.users.GetUsersRequest: _users,
    functions.users.GetFullUserRequest: _full_user,
    functions.help.GetConfigRequest: _config,
    functions.help.GetNearestDcRequest: _nearest,
    functions.updates.GetStateRequest: _state,
    functions.updates.GetDifferenceRequest: _no_difference,
    functions.updates.GetChannelDifferenceRequest: _difference,
    functions.contacts.ResolveUsernameRequest: _resolve,
    functions.channels.GetChannelsRequest: _channels,
    functions.channels.GetFullChannelRequest: _full_channel,
    functions.channels.GetMessagesRequest: _lookup,
    functions.messages.GetHistoryRequest: _history,
    functions.messages.GetMessagesViewsRequest: _views,
    functions.upload.GetFileRequest: _file,
    functions.RpcDropAnswerRequest: _unknown_answer,
}
_WITHOUT_ACCOUNT = {
    functions.auth.SendCodeRequest,
    functions.auth.SignInRequest,
    functions.auth.CheckPasswordRequest,
    functions.auth.ImportAuthorizationRequest,
    functions.account.GetPasswordRequest,
    functions.help.GetConfigRequest,
    functions.help.GetNearestDcRequest,
    functions.RpcDropAnswerRequest,
}
