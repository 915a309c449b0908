"""Published parameters and multiply-adds, with where they are from. Nothing here was counted by this project.

Sources: paper: Swin Transformer, arXiv 2103.14030v2, tables 1 to 3; swin: README of microsoft/Swin-Transformer@f82860b;
detection: README of SwinTransformer/Swin-Transformer-Object-Detection@c7b2011; segmentation: README of
SwinTransformer/Swin-Transformer-Semantic-Segmentation@87e6f90; shiftvit: README of microsoft/SPACH@dcede1e; deit:
README of facebookresearch/deit@7e160fe; mmpretrain: metafiles of open-mmlab/mmpretrain@ee7f2e8; torchvision: its table
of weights; weights: counted from the shapes of the official code's weights.
"""

from typing import NamedTuple


class Published(NamedTuple):
    """A row of a paper or a README: millions of parameters, billions of multiply-adds."""

    parameters_m: float
    macs_g: float
    source: str


class Classifier(NamedTuple):
    """A backbone with a head for 1000 classes, on square images."""

    name: str
    backbone: dict
    side: int
    published: Published
    parameters: int | None = None  # the exact number, of another implementation


class Model(NamedTuple):
    """A config of this repository, on one image of (height, width)."""

    config: str
    size: tuple[int, int]
    published: Published
    another_model: bool = False  # published of a slightly different one: see docs/costs.md


class Unmet(NamedTuple):
    """A published row that a config of this repository does not meet, what it has instead, and why: docs/costs.md."""

    config: str
    size: tuple[int, int]
    published: Published
    parameters_m: float
    macs_g: float


def swin(arch, **options):
    # at 224 pixels the last maps are one window: the official classification code does not shift there
    return {'type': 'swin_dense.SwinTransformer', 'arch': arch, 'clamp_shift': True, 'out_indices': (3,), **options}


def shift_vit(arch):
    return {'type': 'swin_dense.ShiftViT', 'arch': arch, 'out_indices': (3,)}


def vit(arch, depth, **options):
    backbone = {'type': 'swin_dense.VisionTransformer', 'arch': arch, 'final_norm': True, 'out_indices': (depth - 1,)}
    return {**backbone, **options}


CLASSIFIERS = [
    Classifier('Swin-T', swin('tiny'), 224, Published(28, 4.5, 'swin'), 28_288_354),  # torchvision
    Classifier('Swin-S', swin('small'), 224, Published(50, 8.7, 'swin'), 49_606_258),  # torchvision
    Classifier('Swin-B', swin('base'), 224, Published(88, 15.4, 'swin'), 87_768_224),  # torchvision
    Classifier('Swin-L', swin('large'), 224, Published(197, 34.5, 'swin'), 196_532_476),  # weights
    Classifier('Swin-B, window 12', swin('base', window_size=12), 384, Published(88, 47.1, 'swin')),
    Classifier('Swin-L, window 12', swin('large', window_size=12), 384, Published(197, 103.9, 'swin')),
    Classifier('Shift-T light', shift_vit('light_tiny'), 224, Published(20, 3.0, 'shiftvit')),
    Classifier('Shift-T', shift_vit('tiny'), 224, Published(29, 4.5, 'shiftvit')),
    Classifier('Shift-S light', shift_vit('light_small'), 224, Published(34, 5.7, 'shiftvit')),
    Classifier('Shift-S', shift_vit('small'), 224, Published(50, 8.8, 'shiftvit')),
    Classifier('DeiT-S', vit('small', 12), 224, Published(22, 4.6, 'deit; MACs: paper')),
    Classifier('DeiT-B', vit('base', 12), 224, Published(86, 17.5, 'deit; MACs: paper')),
    Classifier('ViT-B', vit('base', 12, image_size=384), 384, Published(86.86, 55.54, 'mmpretrain')),
    Classifier('ViT-L', vit('large', 24, image_size=384), 384, Published(304.72, 191.21, 'mmpretrain')),
]

DETECTOR = (800, 1280)
MODELS = [
    Model('swin/mask_rcnn_swin_tiny_coco_3x', DETECTOR, Published(48, 267, 'detection')),
    Model('swin/mask_rcnn_swin_small_coco_3x', DETECTOR, Published(69, 359, 'detection')),
    Model('swin/cascade_mask_rcnn_swin_tiny_coco_3x', DETECTOR, Published(86, 745, 'detection')),
    Model('swin/cascade_mask_rcnn_swin_small_coco_3x', DETECTOR, Published(107, 838, 'detection')),
    Model('swin/cascade_mask_rcnn_swin_base_coco_3x', DETECTOR, Published(145, 982, 'detection')),
    Model('resnet/cascade_mask_rcnn_resnet_50_coco_3x', DETECTOR, Published(82, 739, 'paper')),
    Model('swin/atss_swin_tiny_coco_3x', DETECTOR, Published(36, 215, 'paper')),
    Model('resnet/atss_resnet_50_coco_3x', DETECTOR, Published(32, 205, 'paper')),
    Model('swin/sparse_rcnn_swin_tiny_coco_3x', DETECTOR, Published(110, 172, 'paper')),
    Model('resnet/sparse_rcnn_resnet_50_coco_3x', DETECTOR, Published(106, 166, 'paper')),
    Model('swin/upernet_swin_tiny_ade20k_160k', (512, 2048), Published(60, 945, 'segmentation')),
    Model('swin/upernet_swin_small_ade20k_160k', (512, 2048), Published(81, 1038, 'segmentation')),
    Model('swin/upernet_swin_base_ade20k_160k', (512, 2048), Published(121, 1188, 'segmentation')),
    Model('swin/upernet_swin_base_22k_ade20k_640_160k', (640, 2560), Published(121, 1841, 'swin')),
    Model('resnet/upernet_resnet_101_ade20k_160k', (512, 2048), Published(86, 1029, 'paper'), another_model=True),
]

UNMET = [
    Unmet('swin/upernet_swin_large_22k_ade20k_640_160k', (640, 2560), Published(234, 3230, 'swin'), 233.76, 2477.20),
    Unmet('swin/htc_swin_base_22k_coco_6x', DETECTOR, Published(160, 1043, 'paper'), 146.94, 1023.82),
    Unmet('swin/htc_swin_large_22k_coco_6x', DETECTOR, Published(284, 1470, 'paper'), 255.43, 1429.28),
]
