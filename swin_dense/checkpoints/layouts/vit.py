"""Where ViT weights are published, and how they are named there.

Names of this package are those of timm, DeiT, MAE and ViTDet. Position embeddings are left to the loader, which knows
the grid of the backbone.
"""

import re

from torch import Tensor

from swin_dense.checkpoints.layouts.layout import Layout, Names, State, has
from swin_dense.checkpoints.layouts.names import Rows
from swin_dense.checkpoints.layouts.values import joined_qkv

_OWN_ROWS: Rows = (
    ('cls_token', 'cls_token'),
    ('dist_token', 'dist_token'),
    ('pos_embed', 'pos_embed'),
    *((name, name) for name in ('patch_embed.', 'blocks.{b}.', 'norm.', 'fc_norm.', 'pre_logits.')),
    *((name, name) for name in ('head.', 'head_dist.')),
)
_MMSEG_ROWS: Rows = (
    ('cls_token', 'cls_token'),
    ('pos_embed', 'pos_embed'),
    ('patch_embed.proj.', 'patch_embed.projection.'),
    ('blocks.{b}.norm1.', 'layers.{b}.ln1.'),
    ('blocks.{b}.norm2.', 'layers.{b}.ln2.'),
    ('blocks.{b}.attn.qkv.', 'layers.{b}.attn.attn.in_proj_'),
    ('blocks.{b}.attn.proj.', 'layers.{b}.attn.attn.out_proj.'),
    ('blocks.{b}.mlp.fc1.', 'layers.{b}.ffn.layers.0.0.'),
    ('blocks.{b}.mlp.fc2.', 'layers.{b}.ffn.layers.1.'),
    ('norm.', 'ln1.'),
)


def _jax_rows() -> Rows:
    """google-research/vision_transformer: kernels are transposed, and those of attention have an axis for the heads."""
    layers = {
        'patch_embed.proj': 'embedding',
        'pre_logits.fc': 'pre_logits',
        'head': 'head',
        **{
            f'blocks.{{b}}.attn.{own}': f'Transformer/encoderblock_{{b}}/MultiHeadDotProductAttention_1/{other}'
            for own, other in (('q', 'query'), ('k', 'key'), ('v', 'value'), ('proj', 'out'))
        },
        'blocks.{b}.mlp.fc1': 'Transformer/encoderblock_{b}/MlpBlock_3/Dense_0',
        'blocks.{b}.mlp.fc2': 'Transformer/encoderblock_{b}/MlpBlock_3/Dense_1',
    }
    norms = {
        'blocks.{b}.norm1': 'Transformer/encoderblock_{b}/LayerNorm_0',
        'blocks.{b}.norm2': 'Transformer/encoderblock_{b}/LayerNorm_2',
        'norm': 'Transformer/encoder_norm',
    }
    return (
        ('cls_token', 'cls'),
        ('pos_embed', 'Transformer/posembed_input/pos_embedding'),
        *((f'{own}.weight', f'{other}/kernel') for own, other in layers.items()),
        *((f'{own}.weight', f'{other}/scale') for own, other in norms.items()),
        *((f'{own}.bias', f'{other}/bias') for own, other in {**layers, **norms}.items()),
    )


def _from_jax(state: State) -> State:
    return joined_qkv({name: _from_kernel(name, value) for name, value in state.items()})


def _from_kernel(name: str, value: Tensor) -> Tensor:
    if name == 'patch_embed.proj.weight' and value.ndim == 4:
        return value.permute(3, 2, 0, 1).contiguous()
    if re.search(r'\.attn\.[qkv]\.bias$', name):
        return value.flatten()
    if not name.endswith('.weight') or value.ndim < 2:
        return value
    # heads are beside the channels that they are made of: those of the output in q, k, v, of the input after attention
    return value.flatten(0, -2).t().contiguous() if name.endswith('.proj.weight') else value.flatten(1).t().contiguous()


def _heads_of_jax(state: State) -> int | None:
    """Of kernels (C, heads, C / heads)."""
    kernels = [value for name, value in state.items() if name.endswith('/query/kernel') and value.ndim == 3]
    return kernels[0].shape[1] if kernels else None


def _why_ignored(name: str, own: Names, present: Names) -> str:
    if re.match(r'(head|head_dist)\.', name):
        return 'classification head'
    if re.match(r'(fc_norm|pre_logits)\.', name):
        return 'layer before the classification head'
    if re.match(r'norm\.', name):
        return 'norm after the last block, which final_norm=True has'
    if re.match(r'(mask_token$|decoder_)', name):
        return 'decoder of masked pretraining'
    if name == 'dist_token':
        return 'token of distillation'
    if name == 'cls_token':
        return 'the backbone has no class token'
    last = max((int(found[1]) for key in own if (found := re.match(r'blocks\.(\d+)\.', key))), default=-1)
    if last >= 0 and (found := re.match(r'blocks\.(\d+)\.', name)) and int(found[1]) > last:
        return f'blocks after blocks.{last} are not built for these out_indices'
    return ''


def _why_missing(name: str, present: Names) -> str:
    tables = re.compile(r'blocks\.\d+\.attn\.rel_pos_[hw]$')
    if tables.match(name) and not any(tables.match(other) for other in present):
        return 'relative positions, which start at zero after pretraining without them'
    return ''


VIT_LAYOUTS = (
    Layout(
        'ViT, timm',  # and DeiT, MAE, ViTDet, and this package
        lambda names, _: has(names, r'blocks\.\d+\.attn\.'),
        _OWN_ROWS,
        family='ViT',
        restore=dict,
        targets=('swin_dense', 'timm'),
        why_ignored=_why_ignored,
        why_missing=_why_missing,
    ),
    Layout(
        'ViT, mmseg',
        lambda names, _: has(names, r'layers\.\d+\.attn\.attn\.in_proj_'),
        _MMSEG_ROWS,
        family='ViT',
        restore=dict,
        targets=('mmseg',),
        why_ignored=_why_ignored,
        why_missing=_why_missing,
    ),
    Layout(
        'ViT, official JAX',
        lambda names, _: has(names, r'Transformer/encoderblock_\d+/'),
        _jax_rows(),
        family='ViT',
        arrange=_from_jax,
        why_ignored=_why_ignored,
        why_missing=_why_missing,
        num_heads=_heads_of_jax,
    ),
)
