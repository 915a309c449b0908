"""Mean attention distance (Dosovitskiy et al., 2021, arXiv 2010.11929, appendix D.7): how far away a head looks.

The distance from a query to each key, in pixels of the input, weighted by attention, and the mean over all queries.
Keys are those that a query can see: of its window, and of its side of a cyclic shift. Class tokens have no place, and
padding is not of the image: neither is a query or a key here, and the weights of the others are scaled to sum to 1.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from swin_dense.backbones.swin import PATCH_SIZE, SwinTransformer
from swin_dense.backbones.vit import TransformerBlock, VisionTransformer
from swin_dense.layers.swin_block import SwinBlock
from swin_dense.layers.windows import Extent, WindowLayout, window_layout

_QUERIES = 1024  # worked on together


@dataclass
class BlockDistances:
    """Sums over queries, for each head of a block.

    Attributes:
        level: number of the level that the block's stage gives; None where that is not returned.
        stride: pixels between two tokens.
    """

    level: int | None
    stride: int
    sums: list[float] = field(default_factory=list)
    queries: int = 0

    @property
    def heads(self) -> list[float]:
        """Pixels, of each head."""
        return [total / self.queries for total in self.sums]

    @property
    def mean(self) -> float:
        return sum(self.heads) / len(self.heads)

    def add(self, sums: Tensor, queries: int) -> None:
        found = sums.tolist()
        self.sums = [a + b for a, b in zip(self.sums, found, strict=True)] if self.sums else found
        self.queries += queries


def attention_distances(backbone: nn.Module, images: Sequence[Tensor]) -> list[BlockDistances]:
    """Of all blocks, in their order; none for backbones without attention, or with attention of other packages.

    Args:
        backbone: in evaluation mode.
        images: (1, C, H, W) each, normalised.
    """
    blocks = _blocks(backbone)
    if not blocks:
        return []
    with _watched(blocks):
        for image in images:
            # with gradients on, no block works in tiles: attention gets all windows at once
            with torch.enable_grad():
                backbone(image)
    return [distances for _, distances in blocks]


def distance_sums(
    q_NhLD: Tensor, k_NhLD: Tensor, bias: Tensor | None, places_L2: Tensor, real_NL: Tensor | None
) -> Tensor:
    """(heads,) sums over queries of the mean distance to their keys, in the units of `places_L2`.

    Args:
        bias: added to the logits, what broadcasts to (N, heads, L, L), or None.
        places_L2: (y, x) of each token.
        real_NL: which tokens count, or None: all.
    """
    scale = q_NhLD.shape[-1] ** -0.5
    sums = []
    for head in range(q_NhLD.shape[1]):
        total = torch.zeros((), dtype=torch.float64)
        keys_NDL = k_NhLD[:, head].transpose(1, 2)
        for start in range(0, q_NhLD.shape[2], _QUERIES):
            part = slice(start, start + _QUERIES)
            logits = q_NhLD[:, head, part] * scale @ keys_NDL
            if bias is not None:
                logits = logits + bias[..., head, part, :]
            if real_NL is not None:
                logits = logits.masked_fill(~real_NL[:, None, :], float('-inf'))
            found_NL = (logits.float().softmax(-1) * _distances(places_L2[part], places_L2)).sum(-1)
            if real_NL is not None:
                found_NL = found_NL.masked_fill(~real_NL[:, part], 0.0)
            total += found_NL.double().sum().cpu()
        sums.append(total)
    return torch.stack(sums)


def _distances(places_Q2: Tensor, places_L2: Tensor) -> Tensor:
    """(Q, L)."""
    return torch.cdist(places_Q2, places_L2, compute_mode='donot_use_mm_for_euclid_dist')


def _blocks(backbone: nn.Module) -> list[tuple[Any, BlockDistances]]:
    if isinstance(backbone, SwinTransformer):
        levels = {stage: level for level, stage in enumerate(backbone.out_indices)}
        stages: Any = backbone.layers
        return [
            (block, BlockDistances(levels.get(number), PATCH_SIZE * 2**number))
            for number, stage in enumerate(stages)
            for block in stage.blocks
        ]
    if isinstance(backbone, VisionTransformer):
        stride = backbone.out_strides[0]
        return [  # a stage is what comes between two levels
            (block, BlockDistances(sum(last < number for last in backbone.out_indices), stride))
            for number, block in enumerate(backbone.blocks)
        ]
    return []


@contextmanager
def _watched(blocks: Sequence[tuple[Any, BlockDistances]]) -> Iterator[None]:
    """Look at queries and keys where the blocks compute attention."""
    hooks = []
    try:
        for block, distances in blocks:
            look: Callable[..., None] = _look_at_swin if isinstance(block, SwinBlock) else _look_at_vit
            hooks.append(_watch(block, distances, look))
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for block, _ in blocks:
            block.attn.__dict__.pop('attend', None)


def _watch(block: Any, distances: BlockDistances, look: Callable[..., None]) -> Any:
    inputs: list[Any] = []
    plain = block.attn.attend

    def attend(x_NLC: Tensor, *rest: Any) -> Tensor:
        with torch.no_grad():
            look(block, inputs, x_NLC, rest, distances)
        return plain(x_NLC, *rest)

    block.attn.attend = attend  # in front of the method of the class
    return block.register_forward_pre_hook(lambda _, args: inputs.__setitem__(slice(None), args))


def _look_at_swin(block: SwinBlock, inputs: Any, x_NLC: Tensor, rest: Any, distances: BlockDistances) -> None:
    groups, bias_hLL = rest
    real_NL = _real(block.layout(inputs[0]), x_NLC)
    q, k = _queries_and_keys(block.attn, x_NLC)
    places = _places(block.window_size, distances.stride, x_NLC)
    for group in groups:
        part = slice(group.start, group.stop)
        bias = bias_hLL if group.mask is None else bias_hLL + group.mask
        real = None if real_NL is None else real_NL[part]
        queries = (group.stop - group.start) * x_NLC.shape[1] if real is None else int(real.sum())
        distances.add(distance_sums(q[part], k[part], bias, places, real), queries)


def _look_at_vit(block: TransformerBlock, inputs: Any, x_NLC: Tensor, rest: Any, distances: BlockDistances) -> None:
    _, size = inputs
    q, k = _queries_and_keys(block.attn, x_NLC)
    real_NL = None
    if block.window_size is not None:
        layout = window_layout(len(inputs[0]), size, block.window_size, (0, 0), x_NLC.device)
        real_NL = _real(layout, x_NLC)
    (grid,) = rest  # of the map, or of a window
    bias = block.attn.position_bias(q, grid) if block.attn.has_relative_positions else None
    others = x_NLC.shape[1] - grid[0] * grid[1]  # the class token
    queries = len(q) * grid[0] * grid[1] if real_NL is None else int(real_NL.sum())
    places = _places(grid, distances.stride, x_NLC)
    distances.add(distance_sums(q[:, :, others:], k[:, :, others:], bias, places, real_NL), queries)


def _queries_and_keys(attention: Any, x_NLC: Tensor) -> tuple[Tensor, Tensor]:
    """(N, heads, L, D) each."""
    q, k, _ = attention.qkv(x_NLC).unflatten(-1, (3, attention.num_heads, -1)).permute(2, 0, 3, 1, 4)
    return q, k


def _real(layout: WindowLayout, x_NLC: Tensor) -> Tensor | None:
    """(N, L), False at padding; None where there is none."""
    if layout.padding is None:
        return None
    real = torch.ones(x_NLC.shape[0] * x_NLC.shape[1], dtype=torch.bool, device=x_NLC.device)
    return real.index_fill_(0, layout.padding, False).view(x_NLC.shape[:2])


def _places(size: Extent, stride: int, like: Tensor) -> Tensor:
    """(L, 2) pixels, y and x."""
    rows, columns = (torch.arange(side, device=like.device, dtype=torch.float32) * stride for side in size)
    return torch.cartesian_prod(rows, columns)
