"""The operators with the names and signatures of `mmcv._ext`, whose callers allocate the results.

Parameter names are mmcv's, which passes most of them by keyword.
"""

from torch import Tensor

from swin_dense.ops import boxes as box_ops
from swin_dense.ops import focal_loss, roi_align, roi_max, rows
from swin_dense.ops.deform_adapters import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
    ms_deform_attn_backward,
    ms_deform_attn_forward,
)

__all__ = [
    'bbox_overlaps',
    'deform_conv_backward_input',
    'deform_conv_backward_parameters',
    'deform_conv_forward',
    'get_compiler_version',
    'get_compiling_cuda_version',
    'modulated_deform_conv_backward',
    'modulated_deform_conv_forward',
    'ms_deform_attn_backward',
    'ms_deform_attn_forward',
    'nms',
    'nms_match',
    'roi_align_backward',
    'roi_align_forward',
    'roi_pool_backward',
    'roi_pool_forward',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softmax_focal_loss_backward',
    'softmax_focal_loss_forward',
    'softnms',
]

MAX, AVERAGE = range(2)  # mmcv's numbers for the pooling modes of RoIAlign


def get_compiler_version() -> str:
    return 'none (swin_dense.ops)'


def get_compiling_cuda_version() -> str:
    return 'none (swin_dense.ops)'


def bbox_overlaps(bboxes1: Tensor, bboxes2: Tensor, ious: Tensor, mode: int, aligned: bool, offset: int) -> None:
    ious.copy_(box_ops.bbox_overlaps(bboxes1, bboxes2, mode == 1, aligned, offset))


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    return box_ops.nms(boxes, scores, iou_threshold, offset)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    picked, indices = box_ops.soft_nms(boxes, scores, iou_threshold, sigma, min_score, method, offset)
    dets[: len(indices)] = picked
    return indices


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    return box_ops.nms_match(dets[:, :4], dets[:, 4], iou_threshold)


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    sampling = roi_align.Sampling((aligned_height, aligned_width), spatial_scale, sampling_ratio, aligned)
    if pool_mode == AVERAGE:
        output.copy_(roi_align.roi_align(input, rois, sampling))
        return
    for given, result in zip((output, argmax_y, argmax_x), roi_max.roi_align_max(input, rois, sampling), strict=True):
        given.copy_(result)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    sampling = roi_align.Sampling((aligned_height, aligned_width), spatial_scale, sampling_ratio, aligned)
    if pool_mode == AVERAGE:
        rows.copy_map(grad_input, roi_align.roi_align_backward(grad_output, rois, grad_input.shape, sampling))
    else:
        grad_input.copy_(roi_max.roi_align_max_backward(grad_output, rois, argmax_y, argmax_x, grad_input.shape))


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    maxima, where = roi_max.roi_pool(input, rois, (pooled_height, pooled_width), spatial_scale)
    output.copy_(maxima)
    argmax.copy_(where)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    grad_input.copy_(roi_max.roi_pool_backward(grad_output, rois, argmax, grad_input.shape))


def _given(weight: Tensor) -> Tensor | None:
    """mmcv passes an empty tensor for no weights."""
    return weight if weight.numel() > 0 else None


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    output.copy_(focal_loss.sigmoid_focal_loss(input, target, _given(weight), gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    grad_input.copy_(focal_loss.sigmoid_focal_loss_backward(input, target, _given(weight), gamma, alpha))


def softmax_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    output.copy_(focal_loss.softmax_focal_loss(input, target, _given(weight), gamma, alpha))


def softmax_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, buff: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    grad_input.copy_(focal_loss.softmax_focal_loss_backward(input, target, _given(weight), gamma, alpha))
