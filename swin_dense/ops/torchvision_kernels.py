"""torchvision's compiled kernels, where they can be had."""

import functools
from types import ModuleType


@functools.cache
def load() -> ModuleType | None:
    """`torchvision.ops`, or None.

    torchvision is a binary tied to one build of torch: a wrong pair fails in many ways while it is imported
    (RuntimeError for an unregistered operator, OSError for a missing library), and all mean that it is not there.
    """
    try:
        from torchvision import ops
    except Exception:
        return None
    return ops
