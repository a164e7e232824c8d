"""One query of CloudWatch Logs Insights in a thread of its own; `logs_insights` starts it and asks how it stands.

The thread needs no lock of the embedded AWS, so that other calls are answered meanwhile.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from time import monotonic

from labkit import insights
from labkit.errors import QueryRunError
from labkit.insights import QueryResults

#: How many queries run side by side; the others are scheduled.
_slots = threading.Semaphore(2)

#: How much later than its time limit a query is over that DuckDB does not give back, in seconds.
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found.

    Attributes:
        results: Its rows, and how many events it searched.
        bytes_scanned: The size of the messages of these events.
    """

    results: QueryResults
    bytes_scanned: int


class QueryRun:
    """A query under way or over.

    Args:
        find: Runs the query until it is over, or the event is set.
    """

    def __init__(self, find: Callable[[threading.Event], Found]) -> None:
        self._future: Future[Found] = Future()
        self._began: float | None = None
        self._stop = threading.Event()
        # Only the thread holds what it runs, and lets it go: all events of its time are behind it.
        threading.Thread(target=self._run, args=(find,), daemon=True, name="Logs Insights").start()

    def wait(self, seconds: float) -> None:
        """Wait until the query is over, and at most some seconds."""
        wait([self._future], seconds)

    def stop(self) -> None:
        """Stop the query; nothing happens where it is over."""
        if not self._future.done():
            self._stop.set()

    @property
    def status(self) -> str:
        """How it stands, as GetQueryResults says it."""
        if self._stop.is_set():
            return "Cancelled"
        if not self._future.done():
            if self._began is None:
                return "Scheduled"
            return "Running" if monotonic() < self._began + insights.SECONDS + _GRACE else "Timeout"
        error = self._future.exception()
        if error is None:
            return "Complete"
        return error.status if isinstance(error, QueryRunError) else "Failed"

    @property
    def is_under_way(self) -> bool:
        """Whether it is not over."""
        return self.status in ("Scheduled", "Running")

    @property
    def found(self) -> Found | None:
        """What it found; None unless it is complete. A defect of labkit is raised here."""
        status = self.status
        if status == "Failed" and not isinstance(self._future.exception(), QueryRunError):
            self._future.result()
        return self._future.result() if status == "Complete" else None

    @property
    def nbytes(self) -> int:
        """How much memory its rows take, in bytes."""
        return self._future.result().results.nbytes if self.status == "Complete" else 0

    def _run(self, find: Callable[[threading.Event], Found]) -> None:
        with _slots:
            self._began = monotonic()
            # Python must not end while DuckDB is at work.
            atexit.register(self._abandon)
            try:
                self._future.set_result(find(self._stop))
            except BaseException as error:
                self._future.set_exception(error)
            finally:
                atexit.unregister(self._abandon)

    def _abandon(self) -> None:
        self._stop.set()
        self.wait(1)
