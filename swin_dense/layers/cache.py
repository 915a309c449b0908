"""Tables that depend on sizes alone are built once a size and device, and shared by all modules."""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

Arguments = ParamSpec('Arguments')
Table = TypeVar('Table')


def cached_table(max_entries: int) -> Callable[[Callable[Arguments, Table]], Callable[Arguments, Table]]:
    """Remembers the last `max_entries` results of a function of hashable arguments that builds tensors.

    Tracers (compile, export, fake tensors) get a fresh table: theirs must not outlive the trace. Tables are made
    outside inference mode, because an inference tensor could not serve a later training step.
    """

    def decorate(build: Callable[Arguments, Table]) -> Callable[Arguments, Table]:
        entries: OrderedDict[tuple, Table] = OrderedDict()

        @functools.wraps(build)
        def lookup(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Table:
            if torch.compiler.is_compiling() or is_in_torch_dispatch_mode():
                return build(*args, **kwargs)
            key = (args, tuple(sorted(kwargs.items())))
            if key in entries:
                entries.move_to_end(key)
                return entries[key]
            with torch.inference_mode(False), torch.no_grad():
                entries[key] = build(*args, **kwargs)
            if len(entries) > max_entries:
                entries.popitem(last=False)
            return entries[key]

        return lookup

    return decorate
