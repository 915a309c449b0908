"""Parameters and multiply-adds of a model, counted by running it on the meta device.

`torch.utils.flop_counter` counts the products of convolutions, linear layers and attention as they are dispatched, two
operations for each multiply-add. It does not count what `NOT_COUNTED` lists.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from swin_dense.costs.parts import walk
from swin_dense.layers.windows import Extent

NOT_COUNTED = (
    'biases',
    'norms',
    'activations',
    'softmax',
    'sums',
    'pooling',
    'interpolation',
    'RoIAlign',
    'deformable sampling',
    'work on boxes, such as anchors and NMS',
)

# the one kernel of attention that torch's counter does not know; the meta device takes others
_ATTENTION_ON_CPU = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)
}


@dataclass(frozen=True)
class PartCosts:
    """Costs of a part of a model.

    Attributes:
        name: of the part in the model; 'backbone', 'roi_head.bbox_head'.
        parameters: all of them, trained or frozen.
        macs: multiply-adds for one image; None where the part does not run in inference.
    """

    name: str
    parameters: int
    macs: int | None

    @property
    def group(self) -> str:
        """'backbone', 'neck' or 'heads'."""
        return self.name if self.name in ('backbone', 'neck') else 'heads'

    @property
    def flops(self) -> int | None:
        """Floating-point operations: a multiplication and an addition for each multiply-add."""
        return None if self.macs is None else 2 * self.macs


def count_macs(function: Callable[..., Any], *inputs: Any) -> tuple[Any, int]:
    """What a function returns, and the multiply-adds that it took."""
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_ATTENTION_ON_CPU) as counter:
        output = function(*inputs)
    return output, counter.get_total_flops() // 2


def count_costs(model: nn.Module, image_size: Extent) -> list[PartCosts]:
    """Parameters and multiply-adds of each part for one image, those that do not run last.

    Args:
        model: on the meta device, see `parts.walk`.
        image_size: (height, width) in pixels, of clips (frames, height, width).
    """
    macs: dict[str, int] = defaultdict(int)

    def visit(name: str, function: Callable[..., Any], *inputs: Any) -> Any:
        output, added = count_macs(function, *inputs)
        macs[name] += added
        return output

    walk(model, torch.empty(1, image_channels(model), *image_size, device='meta'), visit)
    parameters = _parameters_by_part(model, list(macs))
    names = [*macs, *(name for name in parameters if name not in macs)]
    return [PartCosts(name, parameters[name], macs.get(name)) for name in names]


def image_channels(model: nn.Module) -> int:
    """What the first convolution of a model takes."""
    return next(module.in_channels for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Conv3d)))


def _parameters_by_part(model: nn.Module, parts: list[str]) -> dict[str, int]:
    """Parameters of each of the parts that run, and of what is left by the first word of its name."""
    found: dict[str, int] = defaultdict(int)
    for name, parameter in model.named_parameters():
        # a bare backbone is all there is
        part = next((part for part in parts if name.startswith(f'{part}.')), name.split('.')[0])
        found[part if hasattr(model, 'backbone') else 'backbone'] += parameter.numel()
    return found
