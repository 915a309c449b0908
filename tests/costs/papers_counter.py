"""The counter that the papers' tables are from, rebuilt: module by module, not operation by operation.

mmdet 2 and mmseg 0.x counted with hooks on modules (`get_model_complexity_info` of mmcv 1.3): convolutions with their
biases, linear layers without, norms twice their input, ReLU and pooling once; nothing that happens between modules, no
SyncBatchNorm, no attention of `nn.MultiheadAttention`. The Swin papers' figures have the products of window attention
added: 742.36 G from the hooks alone (github.com/SwinTransformer/Swin-Transformer-Object-Detection/issues/34) and 745 G
in the table. The official attention also projects the tokens that fill up the last windows, and drops them after.
"""

from collections import Counter

from torch import nn

from swin_dense.costs.parts import walk
from swin_dense.layers.patches import PatchEmbedding
from swin_dense.layers.swin_block import SwinBlock


def papers_macs(model, images):
    """Multiply-adds by kind, as the papers' tools count them."""
    macs = Counter()
    handles = [
        module.register_forward_hook(lambda module, inputs, output: macs.update(one(module, inputs, output)))
        for module in model.modules()
    ]
    walk(model, images, lambda name, function, *inputs: function(*inputs))
    for handle in handles:
        handle.remove()
    return macs


def one(module, inputs, output):
    if isinstance(module, SwinBlock):
        return window_attention(module, *inputs)
    if isinstance(module, PatchEmbedding):  # its convolution is not called
        positions = output.shape[:-1].numel()
        return {'convolution': positions * module.proj.weight.numel(), 'bias': positions * output.shape[-1]}
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        map_size = (inputs[0] if isinstance(module, nn.ConvTranspose2d) else output).shape
        positions = len(output) * map_size[-2] * map_size[-1]
        return {
            'convolution': positions * module.weight.numel(),
            'bias': 0 if module.bias is None else output.numel(),
        }
    if isinstance(module, nn.Linear):
        return {'linear': inputs[0].numel() * module.out_features}
    if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
        return {'norm': 2 * inputs[0].numel()}
    if isinstance(module, nn.ReLU):
        return {'ReLU': output.numel()}
    if isinstance(module, (nn.MaxPool2d, nn.AdaptiveAvgPool2d)):
        return {'pooling': inputs[0].numel()}
    return {}


def window_attention(block, x_BHWC):
    """Products of window attention, and the projection of padding."""
    batch, height, width, channels = x_BHWC.shape
    window = block.window_size[0]
    padded = -(-height // window) * window * (-(-width // window) * window)
    return {
        'attention': batch * 2 * window**2 * padded * channels,
        'projection of padding': batch * (padded - height * width) * channels**2,
    }
