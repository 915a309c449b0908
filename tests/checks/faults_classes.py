"""Faults of class counts and names between config and data."""

from pathlib import Path

from tests.checks.planted import Fault, edited_json


def capitalised(folder: Path) -> None:
    def edit(content: dict) -> None:
        content['categories'].append({'id': 90, 'name': 'Ring '})
        content['annotations'][0]['category_id'] = 90

    for split in ('train', 'val'):
        edited_json(folder / 'annotations' / f'instances_{split}.json', edit)


FAULTS = [
    Fault(
        name='a label in two spellings, ring and Ring',
        task='detection',
        data=capitalised,
        config="metainfo = dict(_delete_=True, classes=(*_base_.classes, 'Ring '))\n"
        'train_dataloader = dict(dataset=dict(metainfo=metainfo))\n'
        'val_dataloader = test_dataloader = train_dataloader',
        rule='names-alike',
        where='train_dataloader.dataset.metainfo.classes',
        says=("'ring' and 'Ring '", 'everywhere in the labels'),
        level='warning',
        silent='one class is two, and each is learned from a part of its objects',
    ),
    Fault(
        name='num_classes of a copied config (80) for 5 classes',
        task='detection',
        config='model = dict(roi_head=dict(bbox_head=dict(num_classes=80), mask_head=dict(num_classes=80)))',
        rule='class-count',
        where='model.roi_head.bbox_head.num_classes',
        says=('80', '5', 'ring', 'filled in from the data'),
        silent='75 outputs are learned that no object has',
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
        silent='an output that no pixel has takes part in every softmax, and in the mean of mIoU',
    ),
    Fault(
        name='validation has the classes in another order',
        task='detection',
        config="names = ('square', 'ring', 'triangle', 'star', 'cross')\n"
        'val_dataloader = dict(dataset=dict(metainfo=dict(classes=names)))',
        rule='classes-differ',
        where='val_dataloader.dataset.metainfo.classes',
        says=('square, ring', 'ring, square', 'same list'),
        silent='APs and pictures have the names of other classes',
    ),
]
