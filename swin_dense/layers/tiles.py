"""Blocks worked on in tiles that stay in cache: inference on a CPU.

On a CPU the products of a block take less time than moving its intermediate maps through memory: the hidden map of an
MLP is four times the input, q, k and v three times. A tile goes through all operations while it is in cache. The
results are those of the plain formulation; autograd, compilers and GPUs use that one.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from swin_dense.layers.attention import WindowAttention
from swin_dense.layers.mlp import MLP
from swin_dense.layers.tracing import is_traced
from swin_dense.layers.windows import WindowGroup, WindowLayout

# At 4 C hidden channels of 4 bytes and C = 96, 1024 rows are 1.5 MB a thread: about a core's L2 cache.
ROWS_PER_THREAD = 1024


def works_in_tiles(x: Tensor) -> bool:
    """Whether `x` is on a CPU and nothing records or traces what happens to it."""
    return x.device.type == 'cpu' and not torch.is_grad_enabled() and not is_traced(x)


def _tiles(start: int, stop: int, size: int) -> Iterator[slice]:
    """Equal runs of at most about `size`."""
    count = max(1, -(-(stop - start) // size))
    edges = [start + (stop - start) * i // count for i in range(count + 1)]
    return (slice(*pair) for pair in pairwise(edges))


def window_attention_residual(
    x_BSC: Tensor, norm: nn.Module, attention: WindowAttention, layout: WindowLayout
) -> Tensor:
    """`x + proj(merge(attend(partition(norm(x)))))`, tile by tile."""
    rows = x_BSC.flatten(0, -2)
    tile_rows = ROWS_PER_THREAD * torch.get_num_threads()
    tokens = layout.tokens
    bias = attention.position_bias(layout.window_size)
    attended: list[Tensor] = []
    for group in layout.groups:
        for windows in _tiles(group.start, group.stop, max(1, tile_rows // tokens)):
            part = slice(windows.start * tokens, windows.stop * tokens)
            tile, padding = layout.partition_part(rows, part)
            tile = norm(tile)
            if padding is not None:
                tile.index_fill_(0, padding, 0)
            count = windows.stop - windows.start
            one_group = (WindowGroup(0, count, group.mask),)
            attended.append(attention.attend(tile.unflatten(0, (count, tokens)), one_group, bias).flatten(0, 1))
    values = torch.cat(attended)
    result = torch.empty_like(rows)
    for part in _tiles(0, len(rows), tile_rows):
        branch = attention.proj(values.index_select(0, layout.scatter[part]))
        torch.add(rows[part], branch, out=result[part])
    return result.view_as(x_BSC)


def mlp_residual_(x: Tensor, norm: nn.Module, mlp: MLP) -> Tensor:
    """`x + mlp(norm(x))`, written into `x`, tile by tile; `norm` is one of each row by itself."""
    return _add_mlp_(x, lambda rows, part: norm(rows[part]), mlp)


def mlp_of_normed_residual_(x_BHWC: Tensor, normed_BHWC: Tensor, mlp: MLP) -> Tensor:
    """`x + mlp(normed)`, written into `x`, tile by tile: for norms of whole maps."""
    normed_rows = normed_BHWC.reshape(-1, normed_BHWC.shape[-1])
    return _add_mlp_(x_BHWC, lambda _, part: normed_rows[part], mlp)


def _add_mlp_(x: Tensor, normed: Callable[[Tensor, slice], Tensor], mlp: MLP) -> Tensor:
    rows = x.view(-1, x.shape[-1])
    for part in _tiles(0, len(rows), ROWS_PER_THREAD * torch.get_num_threads()):
        rows[part] += mlp.fc2(mlp.overwrite(mlp.fc1(normed(rows, part))))
    return x
