"""Where Swin weights are published, and how they are named there.

Names of this package are those of the official detection and segmentation code. All of these have its order of patch
merging and its relative positions, except the OpenMMLab's, which merge by `unfold`.
"""

import re
from functools import partial
from typing import Any

from swin_dense.checkpoints.layouts.layout import Layout, Names, State, has
from swin_dense.checkpoints.layouts.names import Rows
from swin_dense.checkpoints.layouts.stages import (
    ignored_of_classifier,
    ignored_of_dense,
    is_of_own_classifier,
    missing_of_trunk,
    with_plain_final_norm,
)
from swin_dense.checkpoints.layouts.values import (
    from_unfold_order,
    joined_qkv,
    split_qkv,
    to_unfold_order,
    with_norm_of_classifier,
    with_position_indices,
    without_computed,
)

_DENSE: dict[str, Any] = {'family': 'Swin', 'why_ignored': ignored_of_dense, 'why_missing': missing_of_trunk}
_CLASSIFIER: dict[str, Any] = {
    'family': 'Swin',
    'why_ignored': ignored_of_classifier,
    'why_missing': missing_of_trunk,
}

_OWN_ROWS: Rows = (
    ('patch_embed.', 'patch_embed.'),
    ('layers.{s}.blocks.{b}.', 'layers.{s}.blocks.{b}.'),
    ('layers.{s}.downsample.', 'layers.{s}.downsample.'),
    ('norm{s}.', 'norm{s}.'),
    ('norm.', 'norm.'),
    ('head.', 'head.'),
)
_TIMM_ROWS: Rows = (
    ('patch_embed.', 'patch_embed.'),
    ('layers.{s}.blocks.{b}.', 'layers.{s}.blocks.{b}.'),
    ('layers.{s}.downsample.', 'layers.{s+1}.downsample.'),
    ('norm.', 'norm.'),
    ('head.', 'head.fc.'),
    # features_only=True
    ('layers.{s}.blocks.{b}.', 'layers_{s}.blocks.{b}.'),
    ('layers.{s}.downsample.', 'layers_{s+1}.downsample.'),
)
_TORCHVISION_ROWS: Rows = (
    ('patch_embed.proj.', 'features.0.0.'),
    ('patch_embed.norm.', 'features.0.2.'),
    ('layers.{s}.blocks.{b}.mlp.fc1.', 'features.{2s+1}.{b}.mlp.0.'),
    ('layers.{s}.blocks.{b}.mlp.fc2.', 'features.{2s+1}.{b}.mlp.3.'),
    ('layers.{s}.blocks.{b}.', 'features.{2s+1}.{b}.'),
    ('layers.{s}.downsample.', 'features.{2s+2}.'),
    ('norm.', 'norm.'),
    ('head.', 'head.'),
)
# of swin3d_*: no part of the patch embedding is in `features`
_TORCHVISION_VIDEO_ROWS: Rows = (
    ('patch_embed.', 'patch_embed.'),
    ('layers.{s}.blocks.{b}.mlp.fc1.', 'features.{2s}.{b}.mlp.0.'),
    ('layers.{s}.blocks.{b}.mlp.fc2.', 'features.{2s}.{b}.mlp.3.'),
    ('layers.{s}.blocks.{b}.', 'features.{2s}.{b}.'),
    ('layers.{s}.downsample.', 'features.{2s+1}.'),
    ('norm.', 'norm.'),
    ('head.', 'head.'),
)
_MMDET_ROWS: Rows = (
    ('patch_embed.proj.', 'patch_embed.projection.'),
    ('patch_embed.norm.', 'patch_embed.norm.'),
    ('layers.{s}.blocks.{b}.attn.', 'stages.{s}.blocks.{b}.attn.w_msa.'),
    ('layers.{s}.blocks.{b}.mlp.fc1.', 'stages.{s}.blocks.{b}.ffn.layers.0.0.'),
    ('layers.{s}.blocks.{b}.mlp.fc2.', 'stages.{s}.blocks.{b}.ffn.layers.1.'),
    ('layers.{s}.blocks.{b}.norm1.', 'stages.{s}.blocks.{b}.norm1.'),
    ('layers.{s}.blocks.{b}.norm2.', 'stages.{s}.blocks.{b}.norm2.'),
    ('layers.{s}.downsample.', 'stages.{s}.downsample.'),
)
# its classifiers return the last level alone, through the norm before their head
_MMPRETRAIN_ROWS: Rows = (
    ('norm.', 'norm3.'),
    *_MMDET_ROWS,
    ('layers.{s}.blocks.{b}.attn.attn_mask', 'stages.{s}.blocks.{b}.attn.attn_mask'),
)


def _huggingface_rows(prefix: str) -> Rows:
    theirs = prefix + 'encoder.layers.{s}.blocks.{b}.'
    rows = (
        ('attn.q.', 'attention.self.query.'),
        ('attn.k.', 'attention.self.key.'),
        ('attn.v.', 'attention.self.value.'),
        ('attn.proj.', 'attention.output.dense.'),
        ('attn.relative_position_', 'attention.self.relative_position_'),
        ('norm1.', 'layernorm_before.'),
        ('norm2.', 'layernorm_after.'),
        ('mlp.fc1.', 'intermediate.dense.'),
        ('mlp.fc2.', 'output.dense.'),
        # in memory since transformers 5; files have the names above
        ('attn.q.', 'attention.q_proj.'),
        ('attn.k.', 'attention.k_proj.'),
        ('attn.v.', 'attention.v_proj.'),
        ('attn.proj.', 'attention.o_proj.'),
        ('attn.relative_position_', 'attention.relative_position_bias.relative_position_'),
        ('mlp.', 'mlp.'),
    )
    return (
        ('patch_embed.proj.', prefix + 'embeddings.patch_embeddings.projection.'),
        ('patch_embed.norm.', prefix + 'embeddings.norm.'),
        *(('layers.{s}.blocks.{b}.' + own, theirs + other) for own, other in rows),
        ('layers.{s}.downsample.', prefix + 'encoder.layers.{s}.downsample.'),
    )


def _is_official(names: Names, _: Names) -> bool:
    return has(names, r'layers\.\d+\.blocks\.\d+\.attn\.')


def _is_timm(names: Names, _: Names) -> bool:
    """Merging comes before the blocks of the next stage, so that the last stage has it and the first has not."""
    stages = [int(found[1]) for name in names if (found := re.match(r'layers\.(\d+)\.blocks\.', name))]
    is_last = bool(stages) and has(names, rf'layers\.{max(stages)}\.downsample\.')
    is_shifted = is_last and not has(names, r'layers\.0\.downsample\.')
    return (_is_official(names, _) and is_shifted) or has(names, r'layers_\d+\.blocks\.\d+\.attn\.')


def _is_mmdet(names: Names, _: Names) -> bool:
    return has(names, r'stages\.\d+\.blocks\.\d+\.attn\.w_msa\.')


def _is_mmpretrain(names: Names, beside: Names) -> bool:
    classifies = has(beside, r'(.*\.)?head\.(fc|layers)\.') and not has(names, r'norm[0-2]\.')
    return _is_mmdet(names, beside) and (classifies or has(names, r'norm\.'))


def _is_huggingface(names: Names, _: Names) -> bool:
    return has(names, r'(swin\.)?encoder\.layers\.\d+\.blocks\.\d+\.attention\.')


def _to_mmdet(state: State) -> State:
    return to_unfold_order(with_position_indices(state))


def _to_huggingface(state: State) -> State:
    return split_qkv(with_position_indices(state))


# of those that a file fits, the first is taken
SWIN_LAYOUTS = (
    Layout('Swin, timm', _is_timm, _TIMM_ROWS, restore=without_computed, targets=('timm',), **_CLASSIFIER),
    Layout(
        'Swin, classifier of swin_dense',
        lambda names, beside: _is_official(names, beside) and is_of_own_classifier(names, beside),
        _OWN_ROWS,
        arrange=with_plain_final_norm,
        **_CLASSIFIER,
    ),
    Layout(
        'Swin, dense',
        lambda names, beside: _is_official(names, beside) and has(names, r'norm\d+\.'),
        _OWN_ROWS,
        restore=without_computed,
        targets=('swin_dense',),
        **_DENSE,
    ),
    Layout(
        'Swin, official classification',
        # with or without the end of a classifier: a file that has no output norms is of one's trunk
        _is_official,
        _OWN_ROWS,
        restore=with_position_indices,
        targets=('official',),
        **_CLASSIFIER,
    ),
    Layout('Swin, mmpretrain', _is_mmpretrain, _MMPRETRAIN_ROWS, arrange=from_unfold_order, **_CLASSIFIER),
    Layout(
        'Swin, mmdet and mmseg',
        _is_mmdet,
        (*_MMDET_ROWS, ('norm{s}.', 'norm{s}.')),
        arrange=from_unfold_order,
        restore=_to_mmdet,
        targets=('mmdet', 'mmseg'),
        **_DENSE,
    ),
    Layout(
        'Swin, torchvision',
        lambda names, _: has(names, r'features\.\d+\.\d+\.attn\.'),
        _TORCHVISION_ROWS,
        restore=partial(with_position_indices, flat=True),
        targets=('torchvision',),
        **_CLASSIFIER,
    ),
    Layout(
        'Swin, Hugging Face backbone',
        lambda names, beside: _is_huggingface(names, beside) and has(names, r'hidden_states_norms\.'),
        (*_huggingface_rows(''), ('norm{s}.', 'hidden_states_norms.stage{s+1}.')),
        arrange=joined_qkv,
        restore=_to_huggingface,
        targets=('huggingface',),
        **_DENSE,
    ),
    Layout(
        'Swin, Hugging Face',
        _is_huggingface,
        (
            *_huggingface_rows('swin.'),
            ('norm.', 'swin.layernorm.'),
            ('head.', 'classifier.'),
            *_huggingface_rows(''),
            ('norm.', 'layernorm.'),
        ),
        arrange=joined_qkv,
        restore=_to_huggingface,
        targets=('huggingface',),
        **_CLASSIFIER,
    ),
)


def _to_video_classifier(state: State) -> State:
    return with_position_indices(with_norm_of_classifier(state))


_VIDEO_CLASSIFIER: dict[str, Any] = {**_CLASSIFIER, 'family': 'Video Swin'}
# of those that a file of a video model fits, the first is taken
VIDEO_SWIN_LAYOUTS = (
    Layout(
        'Video Swin, torchvision',
        lambda names, _: has(names, r'features\.\d+\.\d+\.attn\.'),
        _TORCHVISION_VIDEO_ROWS,
        restore=_to_video_classifier,
        targets=('torchvision',),
        **_VIDEO_CLASSIFIER,
    ),
    Layout(
        'Video Swin, recogniser of swin_dense',
        lambda names, beside: _is_official(names, beside) and is_of_own_classifier(names, beside),
        _OWN_ROWS,
        arrange=with_plain_final_norm,
        **_VIDEO_CLASSIFIER,
    ),
    Layout(
        'Video Swin, dense',
        lambda names, beside: _is_official(names, beside) and has(names, r'norm\d+\.'),
        _OWN_ROWS,
        restore=without_computed,
        targets=('swin_dense',),
        **{**_DENSE, 'family': 'Video Swin'},
    ),
    Layout(
        'Video Swin, official',
        _is_official,
        _OWN_ROWS,
        restore=_to_video_classifier,
        targets=('official',),
        **_VIDEO_CLASSIFIER,
    ),
)
