"""Linear layers that stay fast in bfloat16 on processors without bfloat16 instructions."""

import functools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.tracing import is_traced


@functools.cache
def cpu_emulates_bfloat16() -> bool:
    """Whether this processor has no bfloat16 products: then torch emulates them, several times slower than float32."""
    probes = [getattr(torch.cpu, f'_is_{name}_supported', None) for name in ('avx512_bf16', 'amx_tile')]
    return all(probe is not None and not probe() for probe in probes)


def product_dtypes(x: Tensor) -> tuple[torch.dtype, torch.dtype]:
    """What a linear layer of `x` returns, by `x` or by autocast, and what its product is best made in."""
    kind = x.device.type
    returned = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
    emulated = kind == 'cpu' and returned == torch.bfloat16 and cpu_emulates_bfloat16()
    return returned, torch.float32 if emulated else returned


def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.linear`; where bfloat16 would be emulated, the product is made in float32 and rounded to bfloat16."""
    if is_traced(x):
        return F.linear(x, weight, bias)
    returned, multiplied = product_dtypes(x)
    if returned == multiplied:
        return F.linear(x, weight, bias)
    with torch.autocast('cpu', enabled=False):
        return F.linear(x.float(), weight.float(), None if bias is None else bias.float()).to(returned)


class Linear(nn.Linear):
    """`nn.Linear` by way of `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)
