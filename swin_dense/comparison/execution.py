"""Making the runs of a comparison: some at once, each in processes of its own, whatever happens to the others.

A run is one folder. While it is made, a lock there is held, by its processes too: a second command, or the same one
after it was killed, waits for them instead of writing between. On Linux the processes are asked to stop when this one
dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swin_dense.comparison.plan import PlannedRun
from swin_dense.comparison.run_commands import RunOptions, Step, environment, steps
from swin_dense.comparison.run_folders import (
    FAILURE,
    LOG,
    FolderLock,
    look,
    refuse_changed,
    write_failure,
    write_identity,
)
from swin_dense.engine.interrupts import EXIT_CODE, caught_signals

POLL_SECONDS = 0.2
GRACE_SECONDS = 120.0  # to finish an iteration and save
_PR_SET_PDEATHSIG = 1
FINISHED, FINISHED_BEFORE, FAILED = 'finished', 'finished before', 'failed: '

# told of every change: the run, what became of it
Told = Callable[[PlannedRun, str], None]


class StoppedOnRequestError(RuntimeError):
    """Ctrl-C or SIGTERM came, and the runs have ended."""


@dataclass
class _Running:
    run: PlannedRun
    lock: FolderLock
    gpus: Sequence[str]
    left: list[Step]
    log_start: int
    step: Step | None = None
    process: subprocess.Popen | None = None
    asked_to_stop: float | None = None


@dataclass
class Execution:
    """Makes runs.

    Args:
        options: how a run is made.
        jobs: runs at once.
        gpus: as CUDA_VISIBLE_DEVICES names them; none for CPU and for slurm.
        told: is called at every change of a run, with FINISHED, FINISHED_BEFORE, a word that begins with FAILED, or
            another one for people.
        idle: is called between looks at the processes, with the runs that are being made.
    """

    options: RunOptions
    jobs: int = 1
    gpus: Sequence[str] = ()
    told: Told = lambda run, what: None
    idle: Callable[[Sequence[PlannedRun]], None] = lambda runs: None
    _running: list[_Running] = field(default_factory=list)

    def make(self, runs: Sequence[PlannedRun]) -> None:
        """Make all runs that are not finished.

        Raises:
            ValueError: a folder holds a run of a config that was changed since.
            StoppedOnRequestError: after Ctrl-C or SIGTERM, when all processes have ended.
        """
        for run in runs:
            refuse_changed(run)
        queue, blocked = list(runs), set[Path]()
        with caught_signals(answer='stopping all runs; each finishes its iteration and saves') as signals:
            try:
                while queue or self._running:
                    self._look_at_processes()
                    if signals.received:
                        queue.clear()
                        self._ask_to_stop()
                    self._start_some(queue, blocked)
                    self.idle([each.run for each in self._running])
                    time.sleep(POLL_SECONDS)
            except BaseException:
                self._kill()
                raise
            if signals.received:
                raise StoppedOnRequestError('stopped; the same command goes on.')

    def _start_some(self, queue: list[PlannedRun], blocked: set[Path]) -> None:
        for run in list(queue):
            if len(self._running) >= self.jobs:
                return
            lock = FolderLock.take(run.folder)
            if lock is None:
                if run.folder not in blocked:
                    blocked.add(run.folder)
                    self.told(run, 'waiting for another process that runs in its folder')
                continue
            queue.remove(run)
            if look(run.folder).state == 'finished':
                refuse_changed(run)
                lock.release()
                self.told(run, FINISHED_BEFORE)
                continue
            self._start(run, lock)

    def _start(self, run: PlannedRun, lock: FolderLock) -> None:
        found = look(run.folder)
        (run.folder / FAILURE).unlink(missing_ok=True)
        write_identity(run, jobs=self.jobs)
        log = run.folder / LOG
        size = log.stat().st_size if log.is_file() else 0
        started = _Running(run, lock, self._free_gpus(run.processes), steps(run, self.options), size)
        self._running.append(started)
        self.told(run, f'goes on at iteration {found.iteration}' if found.iteration else 'started')
        self._next_step(started)

    def _next_step(self, each: _Running) -> None:
        each.step = each.left.pop(0)
        threads = max(1, _num_cores() // (self.jobs * each.run.processes))
        kept = [] if each.lock.descriptor is None else [each.lock.descriptor]
        with open(each.run.folder / LOG, 'ab') as log:
            each.process = subprocess.Popen(
                list(each.step.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(each.run, self.options, gpus=each.gpus, threads=threads),
                start_new_session=True,  # Ctrl-C of the terminal comes here alone, and is passed on once
                pass_fds=kept,
                preexec_fn=_die_with(os.getpid()) if sys.platform == 'linux' else None,
            )

    def _free_gpus(self, count: int) -> list[str]:
        """GPUs of a new run: those that fewest runs use."""
        used = [gpu for each in self._running for gpu in each.gpus]
        return sorted(self.gpus, key=used.count)[:count]

    def _look_at_processes(self) -> None:
        for each in list(self._running):
            assert each.process is not None
            code = each.process.poll()
            if code is None:
                self._kill_if_late(each)
            elif code == 0 and each.left and each.asked_to_stop is None:
                self._next_step(each)
            else:
                self._end(each, code)

    def _end(self, each: _Running, code: int) -> None:
        assert each.step is not None
        self._running.remove(each)
        if look(each.run.folder).state == 'finished':
            self.told(each.run, FINISHED)
        elif each.asked_to_stop is not None or code in (EXIT_CODE, -signal.SIGTERM, -signal.SIGINT):
            self.told(each.run, 'interrupted')
        else:
            command = list(each.step.command)
            reason = write_failure(
                each.run.folder, step=each.step.name, command=command, exit_code=code, since=each.log_start
            )
            self.told(each.run, f'{FAILED}{each.step.name} ended with code {code}: {reason.splitlines()[-1]}')
        each.lock.release()

    def _ask_to_stop(self) -> None:
        for each in self._running:
            if each.asked_to_stop is None and each.process is not None:
                each.asked_to_stop = time.monotonic()
                each.process.terminate()  # it alone: it saves, and ends its own processes

    def _kill_if_late(self, each: _Running) -> None:
        if each.asked_to_stop is not None and time.monotonic() - each.asked_to_stop > GRACE_SECONDS:
            _kill_group(each.process)

    def _kill(self) -> None:
        for each in self._running:
            _kill_group(each.process)
            each.lock.release()


def _num_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def _kill_group(process: subprocess.Popen | None) -> None:
    if process is not None and process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)  # the session that it leads
        process.wait()


def _die_with(parent: int) -> Callable[[], None]:
    """What a new process does first on Linux: ask for SIGTERM when `parent` dies."""
    library = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it died before the question
            os._exit(EXIT_CODE)

    return ask
