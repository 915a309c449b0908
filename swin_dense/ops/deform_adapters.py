"""Deformable convolution and attention with the names and signatures of `mmcv._ext`, see `adapters`.

As mmcv's kernels do, the backward functions compute again what the forward functions did not keep.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from swin_dense.ops import deform


def _set_gradients(
    results: Sequence[Tensor], function: Callable[..., Tensor], inputs: Sequence[Tensor], grad_output: Tensor
) -> None:
    """Writes the gradients of a function by its inputs into tensors that mmcv has allocated."""
    with torch.enable_grad():
        leaves = [tensor.detach().requires_grad_() for tensor in inputs]
        gradients = torch.autograd.grad(function(*leaves), leaves, grad_output)
    for result, gradient in zip(results, gradients, strict=True):
        result.copy_(gradient)


def _deform_conv(input: Tensor, offset: Tensor, weight: Tensor, kernel: dict[str, Any]) -> Tensor:
    return deform.deform_conv2d(
        input,
        offset,
        None,
        weight,
        None,
        stride=(kernel['dH'], kernel['dW']),
        padding=(kernel['padH'], kernel['padW']),
        dilation=(kernel['dilationH'], kernel['dilationW']),
        groups=kernel['group'],
        deform_groups=kernel['deformable_group'],
    )


def deform_conv_forward(
    input: Tensor, weight: Tensor, offset: Tensor, output: Tensor, columns: Tensor, ones: Tensor, **kernel: Any
) -> None:
    output.copy_(_deform_conv(input, offset, weight, kernel))


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    **kernel: Any,
) -> None:
    def function(input: Tensor, offset: Tensor) -> Tensor:
        return _deform_conv(input, offset, weight, kernel)

    _set_gradients([grad_input, grad_offset], function, [input, offset], grad_output)


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    scale: float,
    **kernel: Any,
) -> None:
    def function(weight: Tensor) -> Tensor:
        return scale * _deform_conv(input, offset, weight, kernel)

    # The weight itself is not handed over, nor needed: the convolution is linear in it.
    _set_gradients([grad_weight], function, [torch.zeros_like(grad_weight)], grad_output)


def _modulated_deform_conv(
    input: Tensor, weight: Tensor, bias: Tensor, offset: Tensor, mask: Tensor, kernel: dict[str, Any]
) -> Tensor:
    return deform.deform_conv2d(
        input,
        offset,
        mask,
        weight,
        bias if kernel['with_bias'] else None,
        stride=(kernel['stride_h'], kernel['stride_w']),
        padding=(kernel['pad_h'], kernel['pad_w']),
        dilation=(kernel['dilation_h'], kernel['dilation_w']),
        groups=kernel['group'],
        deform_groups=kernel['deformable_group'],
    )


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    **kernel: Any,
) -> None:
    output.copy_(_modulated_deform_conv(input, weight, bias, offset, mask, kernel))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    **kernel: Any,
) -> None:
    def function(input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor = bias) -> Tensor:
        return _modulated_deform_conv(input, weight, bias, offset, mask, kernel)

    results, inputs = [grad_input, grad_weight, grad_offset, grad_mask], [input, weight, offset, mask]
    if kernel['with_bias']:
        results, inputs = [*results, grad_bias], [*inputs, bias]
    _set_gradients(results, function, inputs, grad_output)


def ms_deform_attn_forward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    im2col_step: int,
) -> Tensor:
    return deform.ms_deform_attn(
        value, value_spatial_shapes, value_level_start_index, sampling_locations, attention_weights
    )


def ms_deform_attn_backward(
    value: Tensor,
    value_spatial_shapes: Tensor,
    value_level_start_index: Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
    grad_output: Tensor,
    grad_value: Tensor,
    grad_sampling_loc: Tensor,
    grad_attn_weight: Tensor,
    im2col_step: int,
) -> None:
    def function(value: Tensor, locations: Tensor, attention: Tensor) -> Tensor:
        return deform.ms_deform_attn(value, value_spatial_shapes, value_level_start_index, locations, attention)

    _set_gradients(
        [grad_value, grad_sampling_loc, grad_attn_weight],
        function,
        [value, sampling_locations, attention_weights],
        grad_output,
    )
