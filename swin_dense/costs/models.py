"""Models of configs, for looking at: without weights, on any device."""

import warnings
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from swin_dense.layers.windows import Extent

DETECTOR_SIZE = (800, 1280)  # what papers count detectors at
CROP_WIDTHS = 4  # papers count segmentors at crop height x 4 crop heights: 512 x 2048, 640 x 2560
BACKBONE_SIZE = (224, 224)
CLIP_LENGTH = 32  # frames, of recognition
_IN_PLACE = {
    getattr(Tensor, f'{name}_') for name in ('add', 'clamp', 'erfinv', 'fill', 'mul', 'normal', 'uniform', 'zero')
}


def build_model(cfg: Config, device: str) -> nn.Module:
    """The model of a config, or the backbone of a file that has a backbone alone, in evaluation mode.

    On device 'meta' this takes no memory and no time for weights, and deformable convolutions are plain ones: they have
    the same products, and the sampling before them, in mmcv's operators, is of real numbers only.
    """
    return build_part(model_config(cfg), cfg.get('default_scope', 'mmdet'), device)


def build_part(part: Any, scope: str | None, device: str) -> nn.Module:
    """Build a part of a model, or all of it, as `build_model` does, from its `type` and arguments."""
    with DefaultScope.overwrite_default_scope(scope), torch.device(device), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of losses and the like: advice for training
        with _WithoutNumbers() if device == 'meta' else nullcontext():
            model = MODELS.build(part)
    if device == 'meta':
        for module in model.modules():
            if isinstance(module, (DeformConv2d, ModulatedDeformConv2d)):
                module.forward = partial(_plain_convolution, module)
    model.eval()  # which returns nothing in some backbones of mmdet
    return model


def backbone_config(cfg: Config) -> dict[str, Any]:
    """`type` and arguments of the backbone."""
    model = model_config(cfg)
    return dict(model.get('backbone', model))


def usual_size(cfg: Config) -> Extent:
    """(height, width) of the images that papers count this kind of model with; of clips (frames, height, width)."""
    model = model_config(cfg)
    frames = (model.get('frames_per_clip', CLIP_LENGTH),) if takes_clips(cfg) else ()
    if 'decode_head' in model:
        height = model.get('data_preprocessor', {}).get('size', (512, 512))[0]
        return *frames, height, height * CROP_WIDTHS
    if frames:
        return _view_size(cfg) or (*frames, *BACKBONE_SIZE)
    if 'cls_head' in model:
        return _crop_size(cfg) or BACKBONE_SIZE
    return DETECTOR_SIZE if 'backbone' in model else BACKBONE_SIZE


def takes_clips(cfg: Config) -> bool:
    """Whether the backbone is one of videos."""
    return backbone_config(cfg).get('type') == 'swin_dense.VideoSwinTransformer'


def _view_size(cfg: Config) -> Extent | None:
    """(frames, height, width) of the views that a recogniser is tested with."""
    steps = ((cfg.get('test_dataloader') or {}).get('dataset') or {}).get('pipeline') or ()
    found = {step['type'].removeprefix('swin_dense.'): step for step in steps}
    crop = found.get('ThreeCrops') or found.get('CenterCropClips')
    if crop is None or 'DecodeClips' not in found:
        return None
    return found['DecodeClips'].get('clip_length', CLIP_LENGTH), crop['size'], crop['size']


def _crop_size(cfg: Config) -> Extent | None:
    """(height, width) that a classifier is tested with."""
    steps = ((cfg.get('test_dataloader') or {}).get('dataset') or {}).get('pipeline') or ()
    sizes = [step['size'] for step in steps if step['type'] == 'swin_dense.CenterCropImage']
    return (sizes[-1], sizes[-1]) if sizes else None


class _WithoutNumbers(TorchFunctionMode):
    """What constructors do with numbers, which tensors of device 'meta' have none of.

    Initial values are left out: the first of them would import torch's compiler, for seconds. Rates of drop path are
    made by `torch.linspace` and read, so that is done on the CPU.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _IN_PLACE and args[0].is_meta:
            return args[0]
        return func(*args, **({'device': 'cpu', **kwargs} if func is torch.linspace else kwargs))


def _plain_convolution(module: Any, x: Tensor, *offsets: Tensor) -> Tensor:
    if not offsets:  # one that makes them itself
        module.conv_offset(x)
    bias = getattr(module, 'bias', None)
    return F.conv2d(x, module.weight, bias, module.stride, module.padding, module.dilation, module.groups)


def model_config(cfg: Config) -> Any:
    found = cfg.get('model', cfg.get('backbone'))
    found = found and found.get('module', found)  # without what shows it several views of an image
    if found is None:
        raise ValueError(f'{cfg.filename} has neither a model nor a backbone: give the file of an experiment.')
    return found
