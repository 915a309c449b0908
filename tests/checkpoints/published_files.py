"""What is in published files: names and shapes, written out from the official code, not from this package's tables."""

import torch

Shapes = dict[str, tuple[int, ...]]


def tensors(shapes: Shapes, device: str = 'cpu') -> dict[str, torch.Tensor]:
    """A state dict of these shapes; buffers of integers where the official ones are."""
    return {
        name: torch.empty(shape, device=device).normal_()
        if not name.endswith('relative_position_index')
        else torch.zeros(shape, dtype=torch.long, device=device)
        for name, shape in shapes.items()
    }


def linear(name: str, outputs: int, inputs: int) -> Shapes:
    return {f'{name}.weight': (outputs, inputs), f'{name}.bias': (outputs,)}


def norm(name: str, channels: int) -> Shapes:
    return {f'{name}.weight': (channels,), f'{name}.bias': (channels,)}


def swin_classifier(
    embed_dims: int, depths: tuple[int, ...], num_heads: tuple[int, ...], window: int, classes: int
) -> Shapes:
    """microsoft/Swin-Transformer@f82860b models/swin_transformer.py; without masks, which are of an image's size."""
    shapes = {'patch_embed.proj.weight': (embed_dims, 3, 4, 4), 'patch_embed.proj.bias': (embed_dims,)}
    shapes |= norm('patch_embed.norm', embed_dims)
    for stage, (depth, heads) in enumerate(zip(depths, num_heads, strict=True)):
        channels = embed_dims * 2**stage
        for block in range(depth):
            name = f'layers.{stage}.blocks.{block}'
            shapes |= norm(f'{name}.norm1', channels)
            shapes[f'{name}.attn.relative_position_bias_table'] = ((2 * window - 1) ** 2, heads)
            shapes[f'{name}.attn.relative_position_index'] = (window**2, window**2)
            shapes |= linear(f'{name}.attn.qkv', 3 * channels, channels)
            shapes |= linear(f'{name}.attn.proj', channels, channels)
            shapes |= norm(f'{name}.norm2', channels)
            shapes |= linear(f'{name}.mlp.fc1', 4 * channels, channels)
            shapes |= linear(f'{name}.mlp.fc2', channels, 4 * channels)
        if stage < len(depths) - 1:
            shapes[f'layers.{stage}.downsample.reduction.weight'] = (2 * channels, 4 * channels)
            shapes |= norm(f'layers.{stage}.downsample.norm', 4 * channels)
    return shapes | norm('norm', channels) | linear('head', classes, channels)


def video_swin_recogniser(
    embed_dims: int, depths: tuple[int, ...], num_heads: tuple[int, ...], window: tuple[int, int, int], classes: int
) -> Shapes:
    """SwinTransformer/Video-Swin-Transformer@db018fb its backbone, and I3D head."""
    frames, side, _ = window
    shapes = swin_classifier(embed_dims, depths, num_heads, side, 1)
    tokens = frames * side**2
    for name in list(shapes):
        if name.endswith('relative_position_bias_table'):
            shapes[name] = ((2 * frames - 1) * shapes[name][0], shapes[name][1])
        if name.endswith('relative_position_index'):
            shapes[name] = (tokens, tokens)
    del shapes['head.weight'], shapes['head.bias']
    shapes['patch_embed.proj.weight'] = (embed_dims, 3, 2, 4, 4)
    whole = {f'backbone.{name}': shape for name, shape in shapes.items()}
    return whole | linear('cls_head.fc_cls', classes, embed_dims * 2 ** (len(depths) - 1))


def shift_vit_classifier(embed_dims: int, depths: tuple[int, ...], mlp_ratio: float, classes: int) -> Shapes:
    """microsoft/SPACH@dcede1e models/shiftvit.py."""
    shapes = {'patch_embed.proj.weight': (embed_dims, 3, 4, 4), 'patch_embed.proj.bias': (embed_dims,)}
    shapes |= norm('patch_embed.norm', embed_dims)
    for stage, depth in enumerate(depths):
        channels = embed_dims * 2**stage
        hidden = int(channels * mlp_ratio)
        for block in range(depth):
            name = f'layers.{stage}.blocks.{block}'
            shapes |= norm(f'{name}.norm2', channels)
            shapes |= {f'{name}.mlp.fc1.weight': (hidden, channels, 1, 1), f'{name}.mlp.fc1.bias': (hidden,)}
            shapes |= {f'{name}.mlp.fc2.weight': (channels, hidden, 1, 1), f'{name}.mlp.fc2.bias': (channels,)}
        if stage < len(depths) - 1:
            shapes[f'layers.{stage}.downsample.reduction.weight'] = (2 * channels, channels, 2, 2)
            shapes |= norm(f'layers.{stage}.downsample.norm', channels)
    return shapes | norm('norm', channels) | linear('head', classes, channels)


def vit(embed_dims: int, depth: int, patch_size: int, image_size: int, classes: int = 0) -> Shapes:
    """timm, DeiT; with no classes MAE's encoder."""
    shapes = {'cls_token': (1, 1, embed_dims), 'pos_embed': (1, (image_size // patch_size) ** 2 + 1, embed_dims)}
    patch = (patch_size, patch_size)
    shapes |= {'patch_embed.proj.weight': (embed_dims, 3, *patch), 'patch_embed.proj.bias': (embed_dims,)}
    for block in range(depth):
        name = f'blocks.{block}'
        shapes |= norm(f'{name}.norm1', embed_dims)
        shapes |= linear(f'{name}.attn.qkv', 3 * embed_dims, embed_dims)
        shapes |= linear(f'{name}.attn.proj', embed_dims, embed_dims)
        shapes |= norm(f'{name}.norm2', embed_dims)
        shapes |= linear(f'{name}.mlp.fc1', 4 * embed_dims, embed_dims)
        shapes |= linear(f'{name}.mlp.fc2', embed_dims, 4 * embed_dims)
    shapes |= norm('norm', embed_dims)
    return shapes | (linear('head', classes, embed_dims) if classes else {})
