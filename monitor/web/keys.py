"""The keys of the site: one table from actions to physical keys (`KeyboardEvent.code`), so that they work under any layout.

A combination is `KeyJ`, `Shift+KeyC`, `Control+KeyK` (⌘ on a Mac), or two in a row: `KeyG KeyQ`. The script finds them
on the elements that act, as `key("next")` writes them; single ones act neither in fields nor where the user turned
them off.
"""

from markupsafe import Markup

KEYS = {
    "next": "KeyJ",
    "previous": "KeyK",
    "open": "KeyO",
    "claim": "KeyC",
    "take_over": "Shift+KeyC",
    "relevant": "Digit1",
    "not_relevant": "Digit2",
    "duplicate": "Digit3",
    "needs_second_look": "Digit4",
    "snooze": "KeyH",
    "escalate": "KeyE",
    "note": "KeyN",
    "undo": "KeyU",
    "select": "KeyX",
    "select_range": "Shift+KeyX",
    "versions": "KeyD",
    "context": "KeyV",
    "copy": "KeyY",
    "show_new": "Period",
    "find": "Slash",
    "hand_over": "Shift+KeyH",
    "queue": "KeyG KeyQ",
    "mine": "KeyG KeyM",
    "second_look": "KeyG KeyS",
    "nobodys": "KeyG KeyN",
    "recent": "KeyG KeyR",
    "search": "KeyG KeyF",
    "board": "KeyG KeyB",
    "channels": "KeyG KeyC",
    "precision": "KeyG KeyP",
    "digests": "KeyG KeyD",
    "data": "KeyG KeyT",
    "account": "KeyG KeyA",
    "help": "Shift+Slash",
    "palette": "Control+KeyK",
}
_SIGNS = {"Period": ".", "Slash": "/", "Shift+Slash": "?", "Control": "Ctrl"}


def label(action: str) -> str:
    """The keys of an action as a person reads them: `j`, `Shift+c`, `g q`, `?`."""
    return " ".join(_SIGNS.get(one) or "+".join(map(_sign, one.split("+"))) for one in KEYS[action].split())


def _sign(code: str) -> str:
    bare = code.removeprefix("Key").removeprefix("Digit")
    return _SIGNS.get(code) or (bare.lower() if code.startswith("Key") else bare)


def key(action: str) -> Markup:
    """The attributes of the element that does an action; the script clicks it, or puts the cursor into a field."""
    return Markup('data-action="{}" data-key="{}" aria-keyshortcuts="{}"').format(
        action, KEYS[action], _aria(KEYS[action])
    )


def _aria(combination: str) -> str:
    """As the attribute has it (https://www.w3.org/TR/wai-aria-1.2/#aria-keyshortcuts), where a space parts alternatives."""
    return "" if " " in combination else "+".join(map(_sign, combination.split("+")))
