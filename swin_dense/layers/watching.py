"""Whether code from outside sees the tensors that go into and come out of a module."""

from torch import nn
from torch.nn.modules.module import _has_any_global_hook


def is_watched(module: nn.Module) -> bool:
    """Whether `module` has hooks, or its call is another's: a forward set on the object, a compiled one.

    What such code keeps, or runs again (activation checkpointing from outside sets a forward), must not be written to.
    """
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
        or 'forward' in module.__dict__
        or module._compiled_call_impl is not None
        or _has_any_global_hook()
    )
