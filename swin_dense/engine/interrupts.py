"""Ctrl-C and SIGTERM: finish the iteration, save, leave; a second one stops at once."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook

from swin_dense.registry import HOOKS

EXIT_CODE = 130  # what shells report for a program that Ctrl-C ended
CHECK_INTERVAL = 10  # iterations between two questions to the other ranks; each is a collective call
ECHO_SECONDS = 1.0  # torchrun and terminals repeat a signal within milliseconds; a person takes longer


class Interrupted(Exception):  # noqa: N818 - not an error: a state of the run that the tools report
    """Training was asked to stop. `checkpoint` is the file that holds all of it, once there is one."""

    def __init__(self, checkpoint: str | None = None) -> None:
        super().__init__(f'stopped on request; everything is in {checkpoint}')
        self.checkpoint = checkpoint


class Signals:
    """What was received since the work began; the first one is answered with `answer`."""

    def __init__(self, answer: str = 'stopping after this iteration and saving') -> None:
        self._answer = answer
        self.received = False
        self._first_at = 0.0
        self._process = os.getpid()

    def receive(self, number: int, frame: Any) -> None:
        if os.getpid() != self._process:  # a forked data worker
            return
        if not self.received:
            self.received, self._first_at = True, time.monotonic()
            print(f'\n{self._answer} (again to stop at once)', file=sys.stderr, flush=True)
        elif time.monotonic() - self._first_at > ECHO_SECONDS:
            raise KeyboardInterrupt

    def agreed(self) -> bool:
        """Whether any rank received one: every rank has to save in the same iteration."""
        if get_world_size() == 1:
            return self.received
        device = 'cuda' if torch.distributed.get_backend() == 'nccl' else 'cpu'
        flag = torch.tensor(float(self.received), device=device)
        all_reduce(flag, 'max')
        return bool(flag.item())


@contextmanager
def caught_signals(**answer: str) -> Iterator[Signals]:
    """Note SIGINT and SIGTERM for the block instead of ending the process. Outside the main thread: do nothing."""
    signals = Signals(**answer)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    previous = {number: signal.signal(number, signals.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@HOOKS.register_module()
class InterruptHook(Hook):
    """Saves and leaves after the iteration in which a signal came. After all other hooks: it saves what they did."""

    priority = 'LOWEST'

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        iteration = runner.iter + 1  # the loop counts after the hooks
        if get_world_size() > 1 and iteration % CHECK_INTERVAL != 0:
            return
        if runner.signals.agreed():
            runner.save_and_leave(epoch=runner.epoch, iteration=iteration)

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        # one rank may have fewer validation batches: only a run of one process stops in the middle
        if get_world_size() == 1 and runner.signals.received:
            raise Interrupted
