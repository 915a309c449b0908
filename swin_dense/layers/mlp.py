"""The two-layer perceptron of a transformer block."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from swin_dense.layers.linear import Linear, product_dtypes
from swin_dense.layers.tracing import is_traced

# Rows that go through the two layers together, a thread: their hidden rows stay in cache between the operations.
ROWS_PER_THREAD = 2048


# each as a function, and in place
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    'gelu': (F.gelu, torch.ops.aten.gelu_),
    'relu': (F.relu, F.relu_),
}


class MLP(nn.Module):
    """Linear, GELU (exact) or ReLU, linear; parameters are named as in the official code.

    Args:
        channels: of the input and the output.
        hidden_channels: between the two layers.
        activation: 'gelu' or 'relu'.
    """

    def __init__(self, *, channels: int, hidden_channels: int, activation: str = 'gelu') -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f'An activation is one of {", ".join(ACTIVATIONS)}; got {activation!r}.')
        self.activation = activation
        self.fc1 = Linear(channels, hidden_channels)
        self.fc2 = Linear(hidden_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) -> (..., C)."""
        on_cpu = x.device.type == 'cpu' and not is_traced(x)
        in_tiles = on_cpu and torch.is_grad_enabled() and self.activation == 'gelu'
        # products of halves are fast enough for memory not to matter, and their sums over tiles would be rounded
        if in_tiles and product_dtypes(x)[1].itemsize >= 4:
            return _TiledMLP.apply(x, self.fc1.weight, self.fc1.bias, self.fc2.weight, self.fc2.bias)
        return self.fc2(ACTIVATIONS[self.activation][0](self.fc1(x)))

    def overwrite(self, hidden: Tensor) -> Tensor:
        """The activation, in place."""
        return ACTIVATIONS[self.activation][1](hidden)


class _TiledMLP(torch.autograd.Function):
    """Training on a CPU: tiles of rows that stay in cache, and one hidden map kept rather than two.

    The hidden map before GELU is kept, that after GELU made again in the backward pass: its bytes cost more than its
    arithmetic.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor) -> Tensor:
        ctx.stored, ctx.multiplied = product_dtypes(x)
        ctx.save_for_backward(x, weight1, weight2, hidden := _empty_rows(x, len(weight1), ctx.stored))
        output = _empty_rows(x, len(weight2), ctx.stored)
        rows = x.flatten(0, -2)
        w1, b1, w2, b2 = (parameter.to(ctx.multiplied) for parameter in (weight1, bias1, weight2, bias2))
        with torch.autocast('cpu', enabled=False):
            for part in _tiles(len(rows)):
                hidden_tile = _linear_into(hidden[part], rows[part].to(ctx.multiplied), w1, b1)
                _linear_into(output[part], F.gelu(hidden_tile), w2, b2)
        return output.view(*x.shape[:-1], -1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        x, weight1, weight2, hidden = ctx.saved_tensors
        rows, grad_rows = x.flatten(0, -2), grad_output.flatten(0, -2)
        w1, w2 = weight1.to(ctx.multiplied), weight2.to(ctx.multiplied)
        grad_x = torch.empty_like(rows)
        grad_w1, grad_w2 = torch.zeros_like(w1), torch.zeros_like(w2)
        grad_b1, grad_b2 = w1.new_zeros(len(w1)), w2.new_zeros(len(w2))
        for part in _tiles(len(rows)):
            grad_tile, hidden_tile = grad_rows[part].to(ctx.multiplied), hidden[part].to(ctx.multiplied)
            activated = F.gelu(hidden_tile)
            grad_w2.addmm_(grad_tile.t(), activated)
            grad_b2 += grad_tile.sum(0)
            grad_hidden = torch.ops.aten.gelu_backward(torch.mm(grad_tile, w2, out=activated), hidden_tile)
            grad_w1.addmm_(grad_hidden.t(), rows[part].to(ctx.multiplied))
            grad_b1 += grad_hidden.sum(0)
            _linear_into(grad_x[part], grad_hidden, w1.t(), None)
        dtype = weight1.dtype
        return grad_x.view_as(x), grad_w1.to(dtype), grad_b1.to(dtype), grad_w2.to(dtype), grad_b2.to(dtype)


def _linear_into(stored: Tensor, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Writes `F.linear` to `stored`, rounded to its dtype, and returns it as it was before rounding."""
    if stored.dtype != rows.dtype:
        product = F.linear(rows, weight, bias)
        stored.copy_(product)
        return product
    return torch.mm(rows, weight.t(), out=stored) if bias is None else torch.addmm(bias, rows, weight.t(), out=stored)


def _empty_rows(x: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    return x.new_empty(x.shape[:-1].numel(), channels, dtype=dtype)


def _tiles(count: int) -> list[slice]:
    step = ROWS_PER_THREAD * torch.get_num_threads()
    return [slice(start, start + step) for start in range(0, count, step)]
