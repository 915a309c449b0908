"""Leaves with a narrow backbone, few regions and narrow layers between them, and the demo data for them."""

import contextlib
import io
from pathlib import Path

from mmengine.registry import DATASETS

from swin_dense.engine.settings import load_config
from tests.configs.recipes import CONFIGS, OFFICIAL_LEAVES, bases

NARROW = {
    'swin': {'arch': {'embed_dims': 16, 'depths': (1, 2, 1, 1), 'num_heads': (1, 2, 2, 4)}, 'window_size': 3},
    'shift_vit': {'arch': {'embed_dims': 16, 'depths': (1, 2, 1, 1), 'mlp_ratio': 2, 'n_div': 8}},
    'vit': {'arch': {'embed_dims': 16, 'depth': 12, 'num_heads': 2}},
    'resnet': {'base_channels': 4},
}
CHANNELS = {'vit': [16] * 4}
FEW = {
    'num': 8,
    'max_per_img': 8,
    'num_proposals': 8,
    'fc_out_channels': 16,
    'feedforward_channels': 16,
    'channels': 16,
}


OF_CLIPS = ('recogniser', 'upernet_clips')  # trained and tested by tests/video


def pairs():
    """The first leaf of each (family, model) of images."""
    found = {}
    for leaf in OFFICIAL_LEAVES:
        found.setdefault((leaf.split('/')[0], Path(bases(leaf)[0]).stem), leaf)
    return {key: leaf for key, leaf in found.items() if key[0] != 'templates' and key[1] not in OF_CLIPS}


PAIRS = pairs()


def make_smaller(node, key=None):
    """The same with the numbers of `FEW`, and 32 channels wherever there were 256."""
    if isinstance(node, dict):
        for name, value in node.items():
            node[name] = make_smaller(value, name)
        return node
    if isinstance(node, list):
        return [make_smaller(item) for item in node]
    if isinstance(node, int) and not isinstance(node, bool):
        return FEW.get(key, 32 if node == 256 else node)
    return node


def narrowed(cfg, family):
    model = make_smaller(cfg.model)
    if model.data_preprocessor.get('pad_size_divisor', 1) > 32:
        model.data_preprocessor.pad_size_divisor = 32
    channels = CHANNELS.get(family, [16, 32, 64, 128])
    model.backbone.update(NARROW[family], init_cfg=None)
    if 'neck' in model:
        model.neck.in_channels = channels[-len(model.neck.in_channels) :]
        if model.neck.type == 'MultiLevelNeck':
            model.neck.out_channels = 16
    for head in ('decode_head', 'auxiliary_head'):
        if head in model:
            taken = [channels[level] for level in range(4)]
            model[head].num_classes = 6
            model[head].in_channels = taken if head == 'decode_head' else taken[model[head].in_index]
    return model


def demo_dataset(cfg, folder):
    kind = 'instance' if cfg.default_scope == 'mmdet' else 'semantic'
    data = load_config(CONFIGS / f'_base_/datasets/demo_{kind}.py').train_dataloader.dataset
    data.data_root = f'{folder}/data/{"detection" if kind == "instance" else "segmentation"}/'
    if 'semantic_head' in cfg.model.get('roi_head', {}):  # the other half of the demo data has maps of the same scenes
        data.data_prefix.seg = '../segmentation/annotations/training/'
        data.pipeline[1].with_seg = True
    with contextlib.redirect_stdout(io.StringIO()):
        return DATASETS.build(data)
