"""Faults of class counts and names between config and data."""

from tests.checks.planted import Fault

FAULTS = [
    Fault(
        name='num_classes of a copied config (80) for 5 classes',
        task='detection',
        config='model = dict(roi_head=dict(bbox_head=dict(num_classes=80), mask_head=dict(num_classes=80)))',
        rule='class-count',
        where='model.roi_head.bbox_head.num_classes',
        says=('80', '5', 'ring', 'filled in from the data'),
    ),
    Fault(
        name='the mask head keeps num_classes of the base',
        task='detection',
        config='model = dict(roi_head=dict(mask_head=dict(num_classes=4)))',
        rule='class-count',
        where='model.roi_head.mask_head.num_classes',
        says=('4', '5', 'filled in from the data'),
    ),
    Fault(
        name='num_classes counts the background',
        task='segmentation',
        config='model = dict(decode_head=dict(num_classes=7))',
        rule='class-count',
        where='model.decode_head.num_classes',
        says=('7', '6', 'sky', 'filled in from the data'),
    ),
    Fault(
        name='validation has the classes in another order',
        task='detection',
        config="names = ('square', 'ring', 'triangle', 'star', 'cross')\n"
        'val_dataloader = dict(dataset=dict(metainfo=dict(classes=names)))',
        rule='classes-differ',
        where='val_dataloader.dataset.metainfo.classes',
        says=('square, ring', 'ring, square', 'same list'),
    ),
]
