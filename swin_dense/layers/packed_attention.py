"""Attention of windows whose q, k and v lie side by side, with an additive bias that is learnt.

PyTorch's fused CPU kernel gives no gradient for its additive mask: with one, attention falls back to separate products
and keeps an L x L map for every window and head. Here the fused kernel makes the output and no map is kept; the
backward pass makes the maps again, a few windows at a time, while they are in cache. In bfloat16 on a processor with
instructions for it, two plain products are faster than all that, keep their maps, and round them.

Legend in suffixes: N windows, L tokens per window, h heads, D channels per head.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.linear import cpu_emulates_bfloat16
from swin_dense.layers.windows import WindowGroup

# Numbers in the attention maps that are worked on together, a thread: 64 maps of 49 x 49 floats are 600 kB.
MAP_VALUES_PER_THREAD = 64 * 49**2


def packed_attention(qkv_NL3hD: Tensor, bias_hLL: Tensor, groups: tuple[WindowGroup, ...]) -> Tensor:
    """softmax(q k^T / sqrt(D) + bias + mask) v, where `groups` cut the windows into runs of one mask.

    Returns:
        (N, L, h * D), in the dtype of `qkv_NL3hD`.
    """
    on_cpu = qkv_NL3hD.device.type == 'cpu'
    if on_cpu and torch.is_grad_enabled() and not _multiplies_bfloat16(qkv_NL3hD):
        return _PackedAttention.apply(qkv_NL3hD, bias_hLL, groups)
    return _forward(qkv_NL3hD, bias_hLL, groups)


def _multiplies_bfloat16(x: Tensor) -> bool:
    """Whether `x` is in bfloat16 and on a CPU with instructions for it: two products beat the fused kernel there."""
    return x.device.type == 'cpu' and x.dtype == torch.bfloat16 and not cpu_emulates_bfloat16()


def _attend(qkv_NL3hD: Tensor, bias_hLL: Tensor) -> Tensor:
    q, k, v = qkv_NL3hD.permute(2, 0, 3, 1, 4)
    if _multiplies_bfloat16(qkv_NL3hD):
        logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        return ((logits + bias_hLL).softmax(-1) @ v).transpose(1, 2).flatten(2)
    attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias_hLL[None])
    return attended.transpose(1, 2).flatten(2)


def _group_bias(bias_hLL: Tensor, group: WindowGroup, dtype: torch.dtype) -> Tensor:
    bias_hLL = bias_hLL.to(dtype)
    return bias_hLL if group.mask is None else bias_hLL + group.mask.to(dtype)


def _forward(qkv_NL3hD: Tensor, bias_hLL: Tensor, groups: tuple[WindowGroup, ...]) -> Tensor:
    sizes = [group.stop - group.start for group in groups]
    attended = [
        _attend(part, _group_bias(bias_hLL, group, part.dtype))
        for part, group in zip(qkv_NL3hD.split(sizes), groups, strict=True)
    ]
    return attended[0] if len(attended) == 1 else torch.cat(attended)


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv_NL3hD: Tensor, bias_hLL: Tensor, groups: tuple[WindowGroup, ...]) -> Tensor:
        # detached: the fused kernel refuses a mask that wants a gradient
        output = _forward(qkv_NL3hD, bias_hLL.detach(), groups)
        ctx.save_for_backward(qkv_NL3hD, bias_hLL, output)
        ctx.groups = groups
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, Tensor, None]:
        qkv, bias_hLL, output = ctx.saved_tensors
        grad_qkv = torch.empty_like(qkv)
        dtype = torch.promote_types(qkv.dtype, torch.float32)
        grad_bias = torch.zeros_like(bias_hLL, dtype=dtype)
        map_values = qkv.shape[3] * qkv.shape[1] ** 2
        with torch.autocast('cpu', enabled=False):
            for group in ctx.groups:
                bias = _group_bias(bias_hLL, group, dtype)
                for part in _tiles(group, map_values):
                    grads, grad_logits = _gradients(qkv[part], output[part], grad_output[part], bias)
                    for slot, grad in enumerate(grads):
                        grad_qkv[part, :, slot] = grad.transpose(1, 2)
                    grad_bias += grad_logits.sum(0)
        return grad_qkv, grad_bias.to(bias_hLL.dtype), None


def _tiles(group: WindowGroup, map_values: int) -> Iterator[slice]:
    """Runs of windows, each of which has `map_values` numbers in its attention maps."""
    step = max(1, MAP_VALUES_PER_THREAD * torch.get_num_threads() // map_values)
    return (slice(start, min(start + step, group.stop)) for start in range(group.start, group.stop, step))


def _gradients(
    qkv_NL3hD: Tensor, output: Tensor, grad_output: Tensor, bias_hLL: Tensor
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Gradients of q, k, v (N, h, L, D) and of the logits (N, h, L, L), for a few windows, in the bias's dtype."""
    heads, dtype = qkv_NL3hD.shape[3], bias_hLL.dtype
    q, k, v = qkv_NL3hD.permute(2, 0, 3, 1, 4).to(dtype).contiguous()
    output, grad_output = (
        x.unflatten(-1, (heads, -1)).transpose(1, 2).to(dtype).contiguous() for x in (output, grad_output)
    )
    scale = q.shape[-1] ** -0.5
    q *= scale
    weights = (q @ k.transpose(-2, -1)).add_(bias_hLL).softmax(-1)
    grad_v = weights.transpose(-2, -1) @ grad_output
    # softmax: dlogits = weights * (dweights - <dweights, weights>), and that inner product is <doutput, output>
    inner = (grad_output * output).sum(-1, keepdim=True)
    grad_logits = (grad_output @ v.transpose(-2, -1)).sub_(inner).mul_(weights)
    # q holds the scale already, and the gradient of q wants it too
    return ((grad_logits @ k).mul_(scale), grad_logits.transpose(-2, -1) @ q, grad_v), grad_logits
