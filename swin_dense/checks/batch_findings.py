"""What the batches of a loader say of the data and its pipeline."""

from collections.abc import Iterator, Sequence
from typing import Any

from swin_dense.checks.drawn_batch import DrawnBatch, Meaning, frames_of
from swin_dense.checks.findings import Case, Finding
from swin_dense.checks.resources import counted
from swin_dense.checks.scan import evenly

_LOOKED_AT = 200
_BY_CHANCE = 1e-3  # so improbable has to be what is called a fault


def drawn_findings(drawn: DrawnBatch, split: str, file: str) -> Iterator[Finding]:
    """Say where the pictures of a batch are, what is in it, and which labels have no class."""
    key = f'{split}_dataloader'
    if drawn.unnamed:
        numbers = sorted({number for each in drawn.unnamed.values() for number in each})
        yield Finding(
            level='error',
            rule='labels-without-class',
            file=file,
            key=f'{key}.dataset',
            value=numbers,
            message=f'annotations of the {split} batch have the numbers {numbers}, which no class has.',
            remedy='name every class in metainfo.classes, in the order of the numbers, or map numbers by label_map.',
            cases=[
                Case(image, f'numbers {found}', None, 'mend the annotation') for image, found in drawn.unnamed.items()
            ],
        )
    total = sum(drawn.counts.values())
    shares = [
        f'{name} {count:,}' if drawn.kind in ('objects', 'videos', 'images') else f'{name} {100 * count / total:.1f} %'
        for name, count in drawn.counts.most_common()
    ]
    inside = {
        'objects': f'{total:,} objects',
        'videos': f'{total:,} videos',
        'images': f'{total:,} images',
        'pixels': 'shares of the pixels',
    }.get(drawn.kind, 'no annotations')
    yield Finding(
        level='ok',
        rule=f'{split}-batch',
        file=drawn.pictures[0][0] if drawn.pictures else '',
        message=f'a {split} batch of {counted(drawn.images, "image")} as the model gets them; '
        f'{inside}{": " if shares else ""}{", ".join(shares)}. Look at the pictures: boxes, masks and colours have to '
        'lie on what they name.',
        cases=[Case(picture, f'of {source}', None, 'look at it') for picture, source in drawn.pictures],
    )


def annotation_findings(batches: Sequence[Any], dataset: Any, meaning: Meaning, file: str) -> Iterator[Finding]:
    """Say where the pipeline leaves nothing of the annotations: such a run learns nothing, and does not say so."""
    samples = [sample for batch in batches for each in batch.get('data_samples') or () for sample in frames_of(each)]
    objects = [sample.gt_instances for sample in samples if 'gt_instances' in sample]
    maps = [sample.gt_sem_seg.data for sample in samples if 'gt_sem_seg' in sample and 'gt_instances' not in sample]
    share = _share_with_objects(dataset) if objects else 0.5
    if not (objects or maps) or any(map(len, objects)) or any((each != meaning.ignored).any() for each in maps):
        return
    if (1 - share) ** len(samples) > _BY_CHANCE:
        return
    left = 'no object' if objects else f'no pixel other than {meaning.ignored_name}'
    of_them = f', and {100 * share:.0f} % of the images of the data set have objects' if objects else ''
    yield Finding(
        level='error',
        rule='pipeline-drops-annotations',
        file=file,
        key='train_dataloader.dataset.pipeline',
        message=f'{left} is left in {len(samples)} training images after the pipeline{of_them}.',
        remedy='look at the pictures, at crop_size and scale of the pipeline (a crop far smaller than the objects '
        'holds none), and at what filters: FilterAnnotations, reduce_zero_label, label_map.',
    )


def _share_with_objects(dataset: Any) -> float:
    if not hasattr(dataset, 'get_data_info') or not len(dataset):
        return 0.0
    infos = [dataset.get_data_info(index) or {} for index in evenly(range(len(dataset)), _LOOKED_AT)]
    return sum(bool(info.get('instances')) for info in infos) / len(infos)
