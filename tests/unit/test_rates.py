"""No window holds more calls than a rate allows, whatever holds them up on their way."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.rates import Limiter, Rate


def fullest(times: list[float], window: float) -> int:
    """Return the most of these moments that any window of this length holds."""
    return max(sum(at <= other < at + window for other in times) for at in times)


@pytest.mark.parametrize("seed", range(3))
def test_calls_that_are_held_up_arrive_no_closer_than_they_may(seed: int) -> None:
    dice = random.Random(seed)
    limiter = Limiter([Rate(5, 60), Rate(12, 200)])
    arrived: list[float] = []

    def call(held_up: float, answered_after: float) -> None:
        with limiter.turn():
            time.sleep(held_up)
            arrived.append(time.monotonic())
            time.sleep(answered_after)

    with ThreadPoolExecutor(16) as pool:
        for _ in range(60):
            pool.submit(call, dice.choice((0, 0, dice.random() / 10)), dice.choice((0, dice.random() / 50)))
    assert len(arrived) == 60
    assert fullest(arrived, 0.06) <= 5
    assert fullest(arrived, 0.2) <= 12


def test_a_call_waits_for_an_answer_where_nothing_else_can_free_a_place() -> None:
    limiter, answer = Limiter([Rate(1, 50)]), threading.Event()
    left: list[str] = []

    def first() -> None:
        with limiter.turn():
            left.append("first")
            answer.wait(10)
            left.append("answered")

    def second() -> None:
        with limiter.turn():
            left.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    while not left:
        time.sleep(0.001)
    threads[1].start()
    assert limiter.seconds_to_wait() == threading.TIMEOUT_MAX
    answer.set()
    for thread in threads:
        thread.join(10)
    assert left == ["first", "answered", "second"]


def test_a_call_that_fails_counts_as_one_that_was_answered() -> None:
    limiter = Limiter([Rate(1, 60_000)])
    with pytest.raises(ValueError, match="no answer"), limiter.turn():
        raise ValueError("no answer")
    assert 59 < limiter.seconds_to_wait() <= 60


def test_other_rates_hold_from_now_on_and_calls_before_count_on() -> None:
    limiter = Limiter([Rate(100, 60_000)])
    for _ in range(2):
        with limiter.turn():
            pass
    limiter.allow([Rate(3, 60_000)])
    assert limiter.seconds_to_wait() == 0
    limiter.allow([Rate(2, 60_000)])
    assert limiter.seconds_to_wait() > 59
    limiter.allow([])
    assert limiter.seconds_to_wait() == 0
