"""Models that do not read each other, side by side: most of an increment is many small statements, each on one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from pipelines.models import Model
from pipelines.transform.bench import Bench

Done = TypeVar("Done")


def in_order(
    bench: Bench,
    models: Sequence[Model],
    work: Callable[[Bench, Model], Done],
    lanes: int,
    progress: Callable[[str], None],
) -> Iterator[Done]:
    """Yield what `work` says of each model, in their order; it is called for a model after all that the model reads.

    Args:
        lanes: how many are worked on at once, each with a bench of its own; staging comes first, one by one.

    Raises:
        what `work` raises, once all that was begun has ended; nothing further is begun.
    """
    if lanes == 1:
        for model in models:
            progress(model.name)
            yield work(bench, model)
        return
    done: dict[str, Done] = {}
    waiting = {model.name: model for model in models}
    for model in models:
        if model.layer == "staging":
            progress(model.name)
            done[model.name] = work(bench, waiting.pop(model.name))
    names = {model.name for model in models}
    free = [bench.lane(number) for number in range(1, lanes + 1)]
    running: dict[Future[Done], tuple[str, Bench]] = {}
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        while waiting or running:
            ready = [model for model in waiting.values() if all(name in done for name in model.reads if name in names)]
            for model in ready[: len(free)]:
                progress(model.name)
                lane = free.pop()
                running[pool.submit(work, lane, waiting.pop(model.name))] = (model.name, lane)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name, lane = running.pop(future)
                done[name] = future.result()
                free.append(lane)
    for lane in free:
        lane.db.close()
    yield from (done[model.name] for model in models)
