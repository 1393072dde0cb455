"""Who does the work: this process, its threads, other processes, or a Dask cluster."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from multiprocessing import resource_tracker
from urllib.parse import urlsplit

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from simulator.checks import check_choice, check_int
from simulator.errors import InputError
from simulator.runs.compiling import compile_in_turn
from simulator.streams.threads import available_threads, share_of_threads

__all__ = ["BACKENDS", "Workers"]

BACKENDS = ("loky", "threading", "dask")
MOST_JOBS = 4096
PATIENCE = 10.0  # seconds for a cluster to answer


@dataclass(frozen=True)
class Workers:
    """Workers that do independent calls; which ones never changes a result.

    Parameters
    ----------
    jobs : int
        Processes (loky) or threads at work at a time; a cluster has its own number.
    backend : {"loky", "threading", "dask"}
    scheduler : str, optional
        ``tcp://HOST:PORT`` of the Dask scheduler; its workers need this package, in the
        same versions.

    Raises
    ------
    InputError
        If an argument is out of range, or does not go with another.

    Examples
    --------
    >>> sorted(Workers(2, "threading").map(pow, [(2, 3), (3, 2)]))
    [8, 9]
    """

    jobs: int = 1
    backend: str = "loky"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        check_int("jobs", self.jobs, 1, MOST_JOBS)
        check_choice("backend", self.backend, BACKENDS)
        if (self.backend == "dask") != (self.scheduler is not None):
            raise InputError("scheduler: the address is needed with backend dask, and only there")

    def reach(self) -> None:
        """See that the cluster answers, before anything is begun.

        Raises
        ------
        InputError
            If it does not.
        """
        if self.scheduler is None:
            return
        try:
            address = urlsplit(self.scheduler)
            if address.scheme != "tcp" or not address.hostname or not address.port:
                raise ValueError
        except ValueError:
            raise InputError(
                f"scheduler: {self.scheduler!r} is not of the form tcp://HOST:PORT"
            ) from None
        try:
            socket.create_connection((address.hostname, address.port), PATIENCE).close()
        except OSError:
            raise InputError(f"scheduler: nothing answers at {self.scheduler}") from None

    def map(
        self, function: Callable[..., object], calls: Iterable[tuple[object, ...]]
    ) -> Iterator[object]:
        """Yield ``function(*arguments)`` for all calls, in the order in which they end.

        Linear algebra uses one thread everywhere, as the last bit of a sum depends on their
        number; samplers, whose results do not, share the cores.

        Parameters
        ----------
        function : callable
            Importable by the workers.
        calls : iterable of tuples
            Taken as workers become free, so it may be long.

        Yields
        ------
        object

        Raises
        ------
        InputError
            If the cluster cannot be reached or a worker process is killed.
        """
        self.reach()
        here = self.backend != "dask"
        share = max(1, available_threads() // self.jobs) if here else 1
        with ExitStack() as stack:
            stack.enter_context(threadpool_limits(1))
            stack.enter_context(nullcontext() if here else _cluster(str(self.scheduler)))
            stack.enter_context(joblib.parallel_config(backend=self.backend))
            parallel = joblib.Parallel(
                n_jobs=self.jobs if here else -1,
                return_as="generator_unordered",
                batch_size=1,  # a result that waits for its batch would be lost with it
                max_nbytes=None,  # kernels are compiled for arrays, not for mapped files
            )
            parent = os.getpid() if self.backend == "loky" else None
            work = (joblib.delayed(_call)(share, parent, function, a) for a in calls)
            # who stops early, by Ctrl-C or a fault, knows that some calls are not done
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings(
                "ignore", r"(\d+ tasks? |A worker stopped)", UserWarning, "joblib"
            )
            try:
                with _interrupts_held():
                    results = parallel(work)  # starts the workers
                yield from results
            except TerminatedWorkerError:
                raise InputError(
                    "a worker process was killed, for want of memory perhaps; "
                    "finished parts are kept"
                ) from None


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment; processes started meanwhile never get it.

    A terminal sends it to them too, and they would write tracebacks before they are ended.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would let interrupts through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _call(
    share: int,
    parent: int | None,
    function: Callable[..., object],
    arguments: tuple[object, ...],
) -> object:
    """Do one call in a worker."""
    if parent is not None and parent != os.getpid():
        _outlive_not(parent)
        compile_in_turn()
    # not undone: worker threads that overlap would undo each other's limit
    threadpool_limits(1)
    with share_of_threads(share):
        return function(*arguments)


@cache
def _outlive_not(parent: int) -> None:
    """End this worker process soon after its parent, which a kill gives no time to do so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _cluster(scheduler: str) -> AbstractContextManager[object]:
    """Connect to a Dask scheduler; joblib finds the client by itself."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "backend dask: needs the packages dask and distributed (extra 'cluster')"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other versions are told by the provenance
            client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError):
        raise InputError(f"scheduler: no Dask scheduler answers at {scheduler}") from None
    if not client.ncores():
        client.close()
        raise InputError(f"scheduler: {scheduler} has no workers")
    context: AbstractContextManager[object] = client
    return context
