"""The maps that a backbone and a neck give, from running them without numbers: on the meta device."""

import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from swin_dense.backbones.base import Backbone

_SIZE = 512  # pixels; a multiple of all strides


@dataclass(frozen=True)
class Maps:
    """Channels and strides of the levels that a part of a model gives."""

    channels: tuple[int, ...]
    strides: tuple[float, ...]

    def __str__(self) -> str:
        return f'{len(self.channels)} levels of {list(self.channels)} channels at strides {list(self.strides)}'


def maps_of_backbone(backbone: nn.Module, in_channels: int) -> tuple[list[Tensor] | None, str]:
    """The maps of an image of 512 x 512 pixels; None, and why, where it does not run without numbers."""
    if isinstance(backbone, Backbone):  # says it
        levels = zip(backbone.out_channels, backbone.out_strides, strict=True)
        return [
            torch.empty(1, channels, _SIZE // stride, _SIZE // stride, device='meta') for channels, stride in levels
        ], ''
    return run(backbone, torch.empty(1, in_channels, _SIZE, _SIZE, device='meta'))


def run(module: nn.Module, inputs: Any) -> tuple[list[Tensor] | None, str]:
    """The maps (1, C, H, W) that `module` gives; None, and why, where it gives something else or raises."""
    try:
        with torch.no_grad(), torch.device('meta'), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            found = module(inputs)
    except Exception as error:  # whatever a model of any library raises
        return None, reason(error)
    found = [found] if isinstance(found, Tensor) else found
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, Tensor) and each.ndim == 4 for each in found):
        return None, 'it gives something else than a list of maps'
    return list(found), ''


def described(maps: Sequence[Tensor]) -> Maps:
    strides = [_SIZE / each.shape[2] for each in maps]
    return Maps(
        tuple(each.shape[1] for each in maps),
        tuple(int(stride) if stride == int(stride) else round(stride, 2) for stride in strides),
    )


def reason(error: BaseException) -> str:
    """What the first of a chain of exceptions says; of a bare assertion, the line that it is on."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    frames = traceback.extract_tb(error.__traceback__)
    text = str(error) or (frames[-1].line if frames else '') or type(error).__name__
    return f'{type(error).__name__}: {text}'
