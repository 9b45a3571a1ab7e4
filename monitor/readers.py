"""Reads texts by the rules: a few in a thread of this process, many in processes of their own, one a core.

The rules are compiled once in each of these, and nothing but texts, sides and rows goes between them. While
they get ready, reading goes on in the thread.
"""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from multiprocessing import get_context, parent_process
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from monitor.errors import MonitorError
from monitor.extraction import Rules, RuleTexts, compile_rules
from monitor.model import Reading
from monitor.store.rows import Packed

T = TypeVar("T")
B = TypeVar("B")
# What is made of the readings of a batch and its sides, in the process where they are; a module's own function.
Form = Callable[[Iterable[Reading], Sequence[str]], T]
# Up to so many texts are read before another process would be ready.
FEW = 1000


class Reader(Protocol):
    """What reads a text: the rules."""

    def read(self, text: str) -> Reading:
        """What the text says."""
        ...


class Batch(NamedTuple):
    """Texts, and the side of the watch that each comes from."""

    texts: Packed
    sides: Sequence[str]


def cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def read(rules: Reader, form: Form[T], batch: Batch) -> T:
    """What a batch of texts says, in a form."""
    return form(map(rules.read, batch.texts.texts()), batch.sides)


class Readers(Generic[T]):
    """Reads batches of texts, several at a time."""

    def __init__(self, rules: Reader, texts: RuleTexts, form: Form[T], *, processes: int) -> None:
        self._rules = rules
        self._form = form
        self._texts = texts
        self._processes = processes
        self._taken = 0
        self._alone = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._ready: asyncio.Future[None] | None = None

    @property
    def at_once(self) -> int:
        """How many batches are to be under way for no process to wait for the next."""
        return 2 * self._processes + 1

    async def read(self, batch: Batch) -> T:
        """What the texts say. Raises MonitorError where a process was ended by somebody else."""
        self._taken += len(batch.sides)
        if self._pool is None and self._taken > FEW:
            self._start()
        if not self._is_ready():
            async with self._alone:
                if not self._is_ready():
                    return await asyncio.to_thread(read, self._rules, self._form, batch)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, _read_there, self._form, batch
            )
        except BrokenProcessPool as error:
            raise MonitorError(
                "a process that reads posts was ended",
                "somebody killed it, or the memory ran out",
                "what was read is stored; run it again",
            ) from error

    async def through(
        self,
        take: Callable[[], Awaitable[B | None]],
        one: Callable[[B], Awaitable[None]],
        stop: Callable[[], bool],
    ) -> None:
        """Do `one` with all that `take` gives, several at a time, until it gives None; the first error ends it all.

        Once `stop` says so, nothing further is taken, and what is under way is done.
        """
        under_way: set[asyncio.Future[None]] = set()
        done: set[asyncio.Future[None]] = set()
        try:
            while True:
                while len(under_way) < self.at_once and not stop():
                    taken = await take()
                    if taken is None:
                        break
                    under_way.add(asyncio.ensure_future(one(taken)))
                if not under_way:
                    return
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, *done, return_exceptions=True)

    def _start(self) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._pool = ProcessPoolExecutor(
            self._processes, mp_context=context, initializer=_begin, initargs=(self._texts,)
        )
        # Each call that finds none idle begins a process; once the first is done, there is one that is ready.
        loop = asyncio.get_running_loop()
        begun = [loop.run_in_executor(self._pool, _nothing) for _ in range(self._processes)]
        for one in begun:
            one.add_done_callback(_seen)
        self._ready = begun[0]

    def _is_ready(self) -> bool:
        return self._ready is not None and self._ready.done()

    async def close(self) -> None:
        """End the processes, once they have done what they are at."""
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)


@asynccontextmanager
async def opened(
    rules: Reader, texts: RuleTexts, form: Form[T], *, processes: int | None = None
) -> AsyncIterator[Readers[T]]:
    """Readers for the length of the block; the texts are those that the rules were compiled from."""
    readers = Readers(rules, texts, form, processes=processes or cores())
    try:
        yield readers
    finally:
        await readers.close()


def _seen(ready: "asyncio.Future[None]") -> None:
    """Where no process gets ready, the first batch that is sent there says so."""
    if not ready.cancelled():
        ready.exception()


_here: list[Rules] = []


def _begin(texts: RuleTexts) -> None:
    """Make a process ready: it leaves Ctrl-C to its parent, and goes when that one goes, even killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here.append(compile_rules(texts))
    look_seldom()


def look_seldom() -> None:
    """Let the garbage collector look seldom: the rules stay for good, and what a reading leaves goes without it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _nothing() -> None:
    """No work."""


def _read_there(form: Form[Any], batch: Batch) -> Any:
    return read(_here[0], form, batch)
