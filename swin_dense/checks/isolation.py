"""A block after which the process is as before: names that mmengine keeps, random states, switches of libraries."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import torch
from mmengine.utils import ManagerMixin
from torch import multiprocessing

from swin_dense.engine.random_states import kept_states


@contextmanager
def isolated() -> Iterator[None]:
    """Take back what building and running a runner changes: loggers, hubs, scopes, random states, threads, switches."""
    with kept_states(), _kept_instances(), _kept_switches():
        yield


@contextmanager
def silent() -> Iterator[None]:
    """Keep what other packages print and warn of off the console."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


@contextmanager
def _kept_instances() -> Iterator[None]:
    """Remove the named instances (loggers, message hubs, visualizers, default scopes) that the block makes."""
    before = {cls: set(cls._instance_dict) for cls in _managed(ManagerMixin)}
    try:
        yield
    finally:
        for cls in _managed(ManagerMixin):
            for name in set(cls._instance_dict) - before.get(cls, set()):
                made = cls._instance_dict.pop(name)
                if isinstance(made, logging.Logger):
                    for handler in made.handlers:
                        if isinstance(handler, logging.FileHandler):
                            handler.close()


def _managed(cls: Any) -> Iterator[Any]:
    yield cls
    for child in cls.__subclasses__():
        yield from _managed(child)


@contextmanager
def _kept_switches() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    flags = {name: getattr(cudnn, name) for name in ('benchmark', 'deterministic')}
    deterministic, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    threads, cv2_threads = torch.get_num_threads(), cv2.getNumThreads()
    start_method, environment = multiprocessing.get_start_method(allow_none=True), dict(os.environ)
    try:
        yield
    finally:
        for name, value in flags.items():
            setattr(cudnn, name, value)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.set_num_threads(threads)
        cv2.setNumThreads(cv2_threads)
        multiprocessing.set_start_method(start_method, force=True)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
