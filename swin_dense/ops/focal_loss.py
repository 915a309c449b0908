"""Focal loss on sigmoid or softmax probabilities, element by element, and its gradient.

Source: Lin et al., Focal Loss for Dense Object Detection, section 3. As in mmcv's kernels, logarithms are bounded below
by that of the smallest float32. Probabilities near 1 are exact here: log(p) and 1 - p come from the logits.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from swin_dense.ops.precision import computable

SMALLEST = torch.finfo(torch.float32).tiny
LOWEST_LOG = math.log(SMALLEST)


def sigmoid_focal_loss(logits: Tensor, target: Tensor, weight: Tensor | None, gamma: float, alpha: float) -> Tensor:
    """Focal loss of N independent binary classifications into C classes.

    Args:
        logits: (N, C).
        target: (N,) class indices; others than 0..C-1 are background, where no class is right.
        weight: (C,) by the target class (1 for background), or None.
        gamma: exponent that plays down easy elements.
        alpha: share of the positive elements; 1 - alpha of the negative ones.

    Returns:
        (N, C) in the dtype of the logits.
    """
    margin, share, _ = _elements(logits, target, weight, alpha)
    loss = -share * torch.sigmoid(-margin).pow(gamma) * logsigmoid(margin).clamp(min=LOWEST_LOG)
    return loss.to(logits.dtype)


def sigmoid_focal_loss_backward(
    logits: Tensor, target: Tensor, weight: Tensor | None, gamma: float, alpha: float
) -> Tensor:
    """Derivative of each element of `sigmoid_focal_loss` by its logit (N, C)."""
    margin, share, sign = _elements(logits, target, weight, alpha)
    wrong, log_right = torch.sigmoid(-margin), logsigmoid(margin).clamp(min=LOWEST_LOG)
    slope = -share * wrong.pow(gamma) * (wrong - gamma * (1 - wrong) * log_right)
    return (sign * slope).to(logits.dtype)


def _elements(logits: Tensor, target: Tensor, weight: Tensor | None, alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """(N, C) each: how far a logit is on the right side, the factor of its loss, and +1 or -1 for the right side."""
    logits = computable(logits)
    classes = torch.arange(logits.shape[1], device=logits.device)
    positive = target[:, None] == classes
    sign = positive.to(logits.dtype) * 2 - 1
    share = torch.where(positive, alpha, 1 - alpha).to(logits.dtype)
    if weight is not None:
        foreground = (target >= 0) & (target < len(weight))
        share = share * computable(weight)[target * foreground].where(foreground, 1)[:, None]
    return sign * logits, share, sign


def softmax_focal_loss(
    probabilities: Tensor, target: Tensor, weight: Tensor | None, gamma: float, alpha: float
) -> Tensor:
    """Focal loss of N classifications into C classes; arguments as above but softmax probabilities (N, C).

    Returns:
        (N,); 0 where the target is negative.
    """
    right, share, _ = _targets(probabilities, target, weight, alpha)
    loss = -share * (1 - right).pow(gamma) * right.clamp(min=SMALLEST).log()
    return loss.to(probabilities.dtype)


def softmax_focal_loss_backward(
    probabilities: Tensor, target: Tensor, weight: Tensor | None, gamma: float, alpha: float
) -> Tensor:
    """Derivative of each element of `softmax_focal_loss` by its logits (N, C)."""
    right, share, one_hot = _targets(probabilities, target, weight, alpha)
    wrong = 1 - right
    # gamma - 1 may be negative, and the logarithm is 0 where wrong is
    entropy = gamma * wrong.clamp(min=SMALLEST).pow(gamma - 1) * right * right.clamp(min=SMALLEST).log()
    slope = share * (entropy - wrong.pow(gamma))
    return (slope[:, None] * (one_hot - computable(probabilities))).to(probabilities.dtype)


def _targets(
    probabilities: Tensor, target: Tensor, weight: Tensor | None, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The probability of the target class (N,), the factor of its loss (N,), the target as one-hot (N, C)."""
    probabilities = computable(probabilities)
    foreground, target = target >= 0, target.clamp(min=0)
    right = probabilities.gather(1, target[:, None])[:, 0]
    share = alpha * foreground.to(right.dtype)
    if weight is not None:
        share = share * computable(weight)[target]
    classes = torch.arange(probabilities.shape[1], device=probabilities.device)
    return right, share, (target[:, None] == classes).to(right.dtype)
