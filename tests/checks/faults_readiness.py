"""Faults that only a trial finds: a batch, a step, a validation, or a look at the machine."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swin_dense.checks import readiness, resources
from tests.checks.planted import Fault, edited_json

SMALL = 'train_dataloader = dict(batch_size=4, num_workers=0)\nval_dataloader = dict(num_workers=0)\n'


def filtered(*, keep_empty: bool) -> str:
    step = f"dict(type='FilterAnnotations', min_gt_bbox_wh=(500, 500), keep_empty={keep_empty})"
    pipeline = f'[*_base_.train_pipeline[:4], {step}, _base_.train_pipeline[-1]]'
    return f'{SMALL}train_dataloader.update(dataset=dict(pipeline={pipeline}))'


def without_objects(folder: Path) -> None:
    edited_json(folder / 'annotations' / 'instances_val.json', lambda content: content.update(annotations=[]))


def binary_masks(folder: Path) -> None:
    for path in (folder / 'annotations' / 'training').iterdir():
        with Image.open(path) as image:
            values = np.asarray(image)
        Image.fromarray(np.where(values > values.min(), 255, 0).astype(np.uint8)).save(path)


FAULTS = [
    Fault(
        name='a standard deviation of 0',
        task='detection',
        config=SMALL + 'model = dict(data_preprocessor=dict(std=[0.0, 0.0, 0.0]))',
        depth='full',
        in_trial=True,
        rule='loss-not-finite',
        where='model.data_preprocessor',
        says=('the input images', 'std'),
        silent='every loss is NaN from the first step on',
    ),
    Fault(
        name='a weight of a loss that is not a number',
        task='segmentation',
        config=SMALL + "model = dict(decode_head=dict(loss_decode=dict(loss_weight=float('nan'))))",
        depth='full',
        in_trial=True,
        rule='loss-not-finite',
        where='model',
        says=('decode.loss_ce', 'decode_head.loss_decode (CrossEntropyLoss)'),
        silent='the loss is NaN from the first step on',
    ),
    Fault(
        name='an infinite learning rate',
        task='detection',
        config=SMALL + "optim_wrapper = dict(optimizer=dict(lr=float('inf')))",
        depth='full',
        in_trial=True,
        rule='weights-not-finite',
        where='optim_wrapper.optimizer',
        says=('inf', 'backbone', '1e-4'),
        silent='all weights are NaN after the first step',
    ),
    Fault(
        name='a filter that keeps no box',
        task='detection',
        config=filtered(keep_empty=False),
        depth='full',
        in_trial=True,
        rule='pipeline-drops-annotations',
        where='train_dataloader.dataset.pipeline',
        says=('no object', 'FilterAnnotations'),
        silent='the detector learns to find nothing',
    ),
    Fault(
        name='a filter that keeps no image',
        task='detection',
        config=filtered(keep_empty=True),
        depth='full',
        in_trial=True,
        rule='cannot-load-batch',
        where='train_dataloader',
        says=('Cannot find valid image', 'crops and filters'),
    ),
    Fault(
        name='masks of 0 and 255 under reduce_zero_label',
        task='segmentation',
        data=binary_masks,
        config=SMALL,
        depth='full',
        in_trial=True,
        rule='pipeline-drops-annotations',
        where='train_dataloader.dataset.pipeline',
        says=('ignored (255)',),
        silent='no pixel counts, nothing is learned',
    ),
    Fault(
        name='mask AP of a model without masks',
        task='detection',
        config=SMALL + 'model = dict(roi_head=dict(mask_head=None, mask_roi_extractor=None))',
        depth='full',
        in_trial=True,
        rule='cannot-validate',
        where='val_evaluator',
        says=('predicts no masks', "'segm'"),
    ),
    Fault(
        name='a validation set without objects',
        task='detection',
        data=without_objects,
        config=SMALL,
        depth='full',
        in_trial=True,
        rule='cannot-validate',
        where='val_evaluator',
        says=('instances_val.json', 'no annotation'),
        silent='mAP is -1 for good',
    ),
    Fault(
        name='the best of a metric that there is not',
        task='detection',
        config=SMALL + "default_hooks = dict(checkpoint=dict(save_best='coco/bbox_map'))",
        depth='full',
        in_trial=True,
        rule='save-best-unknown',
        where='default_hooks.checkpoint.save_best',
        says=('coco/bbox_mAP', 'save_best='),
    ),
    Fault(
        name='batch norm with one image',
        task='segmentation',
        config='train_dataloader = dict(batch_size=1, num_workers=0)\nval_dataloader = dict(num_workers=0)',
        depth='full',
        in_trial=True,
        rule='cannot-step',
        where='model',
        says=('more than 1 value per channel', 'batch_size=2'),
    ),
    Fault(
        name='a stage that no loss uses',
        task='segmentation',
        config=SMALL + 'model = dict(decode_head=dict(in_index=[0, 1, 2], in_channels=[32, 64, 128]))',
        depth='full',
        in_trial=True,
        rule='parameters-without-gradient',
        where='model',
        says=('backbone.', 'find_unused_parameters'),
        level='warning',
        silent='the stage keeps its first weights; several processes stop with an error',
    ),
    Fault(
        name='a batch larger than the data',
        task='segmentation',
        config='train_dataloader = dict(batch_size=64, num_workers=0, drop_last=True, '
        "sampler=dict(type='DefaultSampler'))",
        depth='full',
        in_trial=True,
        rule='cannot-load-batch',
        where='train_dataloader',
        says=('24 samples', 'batch_size=24'),
    ),
]

_Usage = namedtuple('_Usage', 'total used free')


@dataclass(frozen=True, kw_only=True)
class MachineFault(Fault):
    """A sound config on a machine that is too small; `machine` fakes that."""

    machine: Callable[[pytest.MonkeyPatch], None]


def little_memory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(readiness, 'free_memory', lambda device: 60 * 2**20)


def full_disk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resources.shutil, 'disk_usage', lambda place: _Usage(2**40, 2**40, 40 * 2**20))


def little_shared_memory(patch: pytest.MonkeyPatch) -> None:
    def usage(place):
        return _Usage(2**40, 0, 2**40 if place != resources.SHARED_MEMORY else 100_000)

    patch.setattr(resources.shutil, 'disk_usage', usage)


MACHINE_FAULTS = [
    MachineFault(
        name='a batch for more memory than there is',
        task='detection',
        config=SMALL,
        machine=little_memory,
        depth='full',
        in_trial=True,
        rule='memory-too-small',
        where='train_dataloader.batch_size',
        says=('60.0 MiB are free', 'batch_size='),
    ),
    MachineFault(
        name='more checkpoints than the disk holds',
        task='detection',
        config=SMALL,
        machine=full_disk,
        depth='full',
        in_trial=True,
        rule='disk-too-small',
        where='default_hooks.checkpoint.max_keep_ckpts',
        says=('3 checkpoints', 'max_keep_ckpts=1'),
    ),
    MachineFault(
        name='shared memory of a container',
        task='detection',
        config='train_dataloader = dict(batch_size=4)',
        machine=little_shared_memory,
        depth='full',
        in_trial=True,
        rule='shared-memory-small',
        where='train_dataloader.num_workers',
        says=('--shm-size', 'num_workers=0'),
        level='warning',
    ),
    MachineFault(
        name='more workers than cores',
        task='segmentation',
        config='train_dataloader = dict(batch_size=2, num_workers=3)\nval_dataloader = dict(num_workers=0)',
        machine=lambda patch: patch.setattr(resources, 'usable_cores', lambda: 2),
        depth='full',
        in_trial=True,
        rule='more-workers-than-cores',
        where='train_dataloader.num_workers',
        says=('3 worker processes for 2 cores', 'num_workers=2'),
        level='warning',
    ),
]
