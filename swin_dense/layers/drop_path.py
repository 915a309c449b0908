"""Stochastic depth (Huang et al., 2016): a residual branch is left out for a whole sample at a time."""

import torch
from torch import Tensor, nn


def rising_rates(last: float, count: int) -> list[float]:
    """Rates for `count` blocks, rising linearly from 0 to `last`."""
    return [last * block / max(1, count - 1) for block in range(count)]


class ResidualDropPath(nn.Module):
    """`x + branch`; the branch is dropped with probability `rate` a sample, and scaled by 1 / (1 - rate) where kept."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f'A drop path rate is in [0, 1); got {rate}.')
        self.rate = rate

    def forward(self, x: Tensor, branch: Tensor) -> Tensor:
        """Both (B, ...), of one shape."""
        if self.rate == 0 or not self.training:
            return x + branch
        keep = 1 - self.rate
        scale = x.new_empty(x.shape[:1] + (1,) * (x.ndim - 1)).bernoulli_(keep).div_(keep)
        return torch.addcmul(x, branch, scale)

    def extra_repr(self) -> str:
        return f'rate={self.rate:.4g}'
