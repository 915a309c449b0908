"""Whether code from outside sees the tensors that go into and come out of a module."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn
from torch.nn.modules.module import _has_any_global_hook

_FORWARDS: dict[type[nn.Module], Callable[..., Any]] = {}


def record_forwards(types: Iterable[type[nn.Module]]) -> None:
    """Keep in mind the `forward` that each type has now: one that is there later is another's."""
    _FORWARDS.update((kind, kind.forward) for kind in types)


def is_watched(module: nn.Module) -> bool:
    """Whether `module` has hooks, or its call is another's: a forward set on the object or its type, a compiled one.

    What such code keeps, or runs again (activation checkpointing from outside sets a forward), must not be written to.
    """
    kind = type(module)
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or 'forward' in module.__dict__
        or kind.forward is not _FORWARDS.get(kind, kind.forward)
        or module._compiled_call_impl is not None
        or _has_any_global_hook()
    )
