"""Processes parts of files in this process or on a Dask cluster (``pip install wangge[cluster]``).

On a cluster the index is sent once to each worker, as a plugin, and again to a worker that replaces one that died. Tasks
are parts; if a worker dies, the parts that it was processing are repeated by others. Results arrive in any order. The files
must be readable under the same path by all workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from geo.errors import FileError, ImpossibleError
from geo.locate.index import GridIndex

T = TypeVar("T")

#: Parts submitted per worker: enough to keep all workers busy, few enough for the results to fit in memory.
_AHEAD = 2


class Runner(Protocol):
    """Interface of an executor of parts."""

    def map(self, work: Callable[[Any, GridIndex], T], items: Iterable[Any]) -> Iterator[tuple[Any, T]]:
        """Yield (item, work(item, index)) in any order."""


class Here:
    """Executes parts in this process, one after the other; the kernels use all processors."""

    def __init__(self, index: GridIndex) -> None:
        self._index = index

    def map(self, work: Callable[[Any, GridIndex], T], items: Iterable[Any]) -> Iterator[tuple[Any, T]]:
        """Yield (item, work(item, index)) in order."""
        for item in items:
            yield item, work(item, self._index)


@contextmanager
def on_cluster(address: str, index: GridIndex, *, workers: int | None = None) -> Iterator[Runner]:
    """Connect to a scheduler, or, with ``local``, start one worker process per processor on this machine.

    Raises
    ------
    FileError
        If Dask is not installed, or the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError as error:
        raise FileError("a cluster needs Dask: pip install wangge[cluster]") from error
    if address == "local":
        with (
            _made(
                distributed.LocalCluster, n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0"
            ) as cluster,
            _made(distributed.Client, cluster) as client,
        ):
            yield OnDask(client, index)
        return
    try:
        client = _made(distributed.Client, address, timeout=10)
    except (OSError, ValueError, TimeoutError) as error:
        raise FileError(
            f"no Dask scheduler answers at {address}; give its address (tcp://HOST:8786), or local"
        ) from error
    with client:
        yield OnDask(client, index)


class OnDask:
    """Executes parts on a Dask cluster."""

    def __init__(self, client: Any, index: GridIndex) -> None:
        from distributed import WorkerPlugin

        class Plugin(WorkerPlugin):
            name = f"wangge-index-{index.digest}"

            def __init__(self, index: GridIndex) -> None:
                self._index = index

            def setup(self, worker: Any) -> None:
                worker.wangge_index = self._index

        self._client = client
        client.register_plugin(Plugin(index))

    def map(self, work: Callable[[Any, GridIndex], T], items: Iterable[Any]) -> Iterator[tuple[Any, T]]:
        """Yield (item, work(item, index)) in order of completion.

        Raises
        ------
        ImpossibleError
            If one part repeatedly killed its worker, or no workers are left.
        """
        from distributed import KilledWorker, as_completed

        waiting = iter(items)
        running = _made(as_completed)
        item_of: dict[str, Any] = {}

        def submit(count: int) -> None:
            for item in _first(waiting, count):
                future = self._client.submit(_with_index, work, item, pure=False)
                item_of[future.key] = item
                running.add(future)

        submit(_AHEAD * max(len(self._client.scheduler_info(n_workers=-1)["workers"]), 1))
        for future in running:
            item = item_of.pop(future.key)
            try:
                result = future.result()
            except KilledWorker as error:
                raise ImpossibleError(f"part {item} repeatedly killed its worker; check its memory limit") from error
            yield item, result
            future.release()
            submit(1)


def _made(maker: Any, *arguments: Any, **options: Any) -> Any:
    """Create an object of a library without type annotations."""
    return maker(*arguments, **options)


def _first(items: Iterator[Any], count: int) -> Iterator[Any]:
    for _ in range(count):
        try:
            yield next(items)
        except StopIteration:
            return


def _with_index(work: Callable[[Any, GridIndex], T], item: Any) -> T:
    """Run on a worker, with the index stored there by the plugin."""
    from distributed import get_worker

    index: GridIndex = get_worker().wangge_index  # type: ignore[attr-defined]
    return work(item, index)
