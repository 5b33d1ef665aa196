"""Limits of calls in a window of time, kept whatever holds a call up on its way.

A vendor counts a call at some moment between its leaving and its answer, and we cannot know at which: a busy machine or
network may hold it back long after it was let go. So it counts here from when it is let go until a window after its
answer, and no window of the vendor's holds more than it allows, wherever that window begins.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So many calls in any window of so many milliseconds."""

    limit: int
    window_ms: int


class Limiter:
    """Lets calls go as rates allow; all threads share it."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = list(rates)
        self._changed = threading.Condition()
        self._under_way = 0
        self._answered: deque[float] = deque()

    def allow(self, rates: Sequence[Rate]) -> None:
        """Take other rates from now on; the calls before count on."""
        with self._changed:
            self._rates = list(rates)
            self._changed.notify_all()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a call may leave; inside, it is made and answered."""
        with self._changed:
            while wait := self.seconds_to_wait():  # the lock lets its holder in again
                self._changed.wait(wait)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._answered.append(time.monotonic())
                self._changed.notify_all()

    def seconds_to_wait(self) -> float:
        """Return how long a call would have to wait at least; 0 where it may leave now."""
        with self._changed:
            now = time.monotonic()
            longest = max((rate.window_ms for rate in self._rates), default=0) / 1000
            while self._answered and self._answered[0] <= now - longest:
                self._answered.popleft()
            waits = [0.0]
            for rate in self._rates:
                window = rate.window_ms / 1000
                counting = [moment for moment in self._answered if moment > now - window]
                over = self._under_way + len(counting) - rate.limit
                if over >= 0:  # until an answer comes where no other can free a place
                    waits.append(counting[over] + window - now if over < len(counting) else threading.TIMEOUT_MAX)
            return max(waits)
