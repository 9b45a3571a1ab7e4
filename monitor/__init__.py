"""A monitor of public Telegram channels: what they said, every version of it, and what a human should see.

The way of a post::

    sources  →  collect | recheck  →  looks  →  store  →  flag  →  store  →  { the commands that show it | research SQL }

Steps are verbs, one module each, and never call one another: they meet in the database. The schedule
(`worker`) says when, the database says what is due, and the command line calls the same functions.
"""

__version__ = "0.1.0"
