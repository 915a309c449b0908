"""Norms of maps, channels-last, by name: what ShiftViT's paper compares."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from swin_dense.layers.tracing import is_traced


class GroupNorm1(nn.GroupNorm):
    """GroupNorm with one group: each sample by the mean and variance of its (H, W, C), then an affine map a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__(1, channels)

    def forward(self, x_BHWC: Tensor) -> Tensor:
        if x_BHWC.device.type != 'cpu' or is_traced(x_BHWC):
            return self.by_moments(x_BHWC)
        x = x_BHWC.permute(0, 3, 1, 2)
        if torch.is_grad_enabled():
            return _GroupNorm1.apply(x, self.weight, self.bias, self.eps).permute(0, 2, 3, 1)
        return super().forward(x).permute(0, 2, 3, 1)

    def by_moments(self, x_BHWC: Tensor) -> Tensor:
        """The same in plain operations over channels-last memory: what compilers fuse, and what GPUs do without the
        copies to channels-first and back that torch's kernel makes there. On CPUs torch's kernel is faster.
        """
        dtype = torch.promote_types(x_BHWC.dtype, torch.float32)
        variance, mean = torch.var_mean(x_BHWC.to(dtype), dim=(1, 2, 3), correction=0, keepdim=True)
        scale = self.weight * (variance + self.eps).rsqrt()
        normed = torch.addcmul(self.bias - mean * scale, x_BHWC.to(dtype), scale)
        # autocast has norms in float32 on GPUs, and not on CPUs
        return normed if torch.is_autocast_enabled('cuda') else normed.to(x_BHWC.dtype)


class _GroupNorm1(torch.autograd.Function):
    """Torch's kernels, asked for all three gradients: the channels-last one on CPUs crashes when it is asked for that
    of the weight and not of the input, as happens after frozen layers.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)  # the kernels take memory as it is
        batch, channels, height, width = x.shape
        ctx.sizes = (batch, channels, height * width, 1)
        normed, mean, deviation = torch.native_group_norm(x, weight, bias, batch, channels, height * width, 1, eps)
        ctx.save_for_backward(x, weight, mean, deviation)
        return normed

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, deviation = ctx.saved_tensors
        grad = grad.to(x.dtype).contiguous(memory_format=torch.channels_last)
        every = [True, True, True]
        return *torch.ops.aten.native_group_norm_backward(grad, x, mean, deviation, weight, *ctx.sizes, every), None


class ChannelsLast(nn.Module):
    """A norm of (B, C, H, W) maps, for (B, H, W, C) ones. Around it and not derived: conversion to SyncBN knows it."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x_BHWC: Tensor) -> Tensor:
        return self.norm(x_BHWC.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    'group': GroupNorm1,
    'batch': lambda channels: ChannelsLast(nn.BatchNorm2d(channels)),
}
