"""Whether operations are run or only looked at."""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode


def is_traced(x: Tensor) -> bool:
    """Whether a compiler, an exporter, a counter or the meta device looks at the operations on `x`.

    Formulations that work in tiles, in place or by tables of sizes are for eager execution alone: traced code is in
    plain operations that fuse, export with any size, and that counters know.
    """
    return torch.compiler.is_compiling() or x.is_meta or is_in_torch_dispatch_mode() or torch.jit.is_tracing()


def known_true(condition: Any) -> bool:
    """Whether a condition on sizes holds for all sizes that are traced, without making the trace depend on it."""
    if not torch.compiler.is_compiling():
        return bool(condition)
    # here, because it takes a while to import and this alone needs it
    from torch.fx.experimental.symbolic_shapes import statically_known_true

    return statically_known_true(condition)
