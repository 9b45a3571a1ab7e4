"""Links to Telegram's own pages: only https, and only for a handle that can be one.

The form is that of https://core.telegram.org/api/links#message-links; a handle is checked, since it came from outside.
"""

from monitor.errors import UsageError
from monitor.model import handle_of


def channel_link(handle: str | None) -> str | None:
    """A channel's page; None without a valid handle."""
    return f"https://t.me/{handle}" if handle is not None and _is_handle(handle) else None


def post_link(handle: str | None, message_id: int) -> str | None:
    """A post's page; None without a valid handle, or for what is no message id."""
    channel = channel_link(handle)
    return f"{channel}/{message_id}" if channel is not None and message_id > 0 else None


def _is_handle(text: str) -> bool:
    try:
        return handle_of(text) == text
    except UsageError:
        return False
