"""What the stages of backbones look at: effective receptive fields, and how far away attention reaches."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from mmengine.config import Config

from swin_dense.checks.isolation import silent
from swin_dense.comparison.attention_distances import BlockDistances, attention_distances
from swin_dense.comparison.effective_fields import SHARES, EffectiveField, effective_fields
from swin_dense.comparison.field_pictures import SharedScale, save_field
from swin_dense.comparison.measured_images import prepared_inputs, task_of, usual_images
from swin_dense.comparison.predictions import MeasuredModel, with_classes
from swin_dense.comparison.results import PictureRow
from swin_dense.engine.atomic import write_text

FILE, FOLDER = 'receptive_fields.json', 'pictures'


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found of one model.

    Attributes:
        fields: of each level.
        distances: of each block with attention; empty without.
        images: how many were looked at.
        is_trained: whether it has the weights of a checkpoint.
    """

    fields: Sequence[EffectiveField]
    distances: Sequence[BlockDistances]
    images: int
    is_trained: bool

    def distance(self, level: int) -> float | None:
        """Pixels, mean over the blocks of a stage and their heads."""
        found = [each.mean for each in self.distances if each.level == level]
        return fmean(found) if found else None


def receptive_field_pictures(
    configs: Mapping[str, Config],
    checkpoints: Mapping[str, Path],
    out: Path,
    *,
    num_images: int,
    device: str = 'cpu',
) -> list[PictureRow]:
    """Measure and draw all models; a row for each task and stage. Numbers are in captions, and in `FILE` of `out`.

    Args:
        configs: name -> config; not changed.
        checkpoints: name -> weights; models without have weights drawn at random, and captions say so.
        out: folder of the comparison; pictures are written to its `FOLDER`.
        num_images: at most so many of the first images of the test set, of the size that most have.
        device: `cpu`, `cuda` or `cuda:1`.

    Raises:
        ValueError: num_images below 1.
    """
    if num_images < 1:
        raise ValueError(f'receptive fields are means over images, at least 1; got num_images={num_images}.')
    looked: dict[str, Looked] = {}
    failures: dict[str, str] = {}
    for number, (name, cfg) in enumerate(configs.items(), start=1):
        print(f'receptive fields: {name}, {number} of {len(configs)}', file=sys.stderr, flush=True)
        try:
            looked[name] = _look(cfg, checkpoints.get(name), num_images, device)
        except Exception as error:  # of one model: the others are shown all the same
            failures[name] = f'{type(error).__name__}: {error}'.splitlines()[0]
            print(f'warning: receptive fields of {name}: {failures[name]}', file=sys.stderr, flush=True)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[PictureRow] = []
    for task in dict.fromkeys(task_of(cfg) for cfg in configs.values()):
        names = [name for name, cfg in configs.items() if task_of(cfg) == task]
        lost = [f'{name} could not be looked at: {failures[name]}.' for name in names if name in failures]
        rows += _rows(task, {name: looked[name] for name in names if name in looked}, lost, out / FOLDER)
    numbers = {name: _numbers(found) for name, found in looked.items()}
    write_text(out / FILE, json.dumps({'models': numbers, 'failures': failures}, indent=1, allow_nan=False) + '\n')
    return rows


def _look(cfg: Config, checkpoint: Path | None, num_images: int, device: str) -> Looked:
    cfg = with_classes(cfg)
    images = usual_images(cfg, num_images)
    if not images:
        raise ValueError('the test set is not there')
    with silent():
        model = MeasuredModel(
            values=cfg.to_dict(),
            filename=cfg.filename,
            image=images[0],
            device=device,
            precision='fp32',
            checkpoint=checkpoint,
        ).build()
        inputs = [prepared_inputs(model.data_preprocessor, image) for image in images]
        fields = effective_fields(model.backbone, inputs, size=images[0].size)
        distances = attention_distances(model.backbone, inputs)
    return Looked(fields=fields, distances=distances, images=len(images), is_trained=checkpoint is not None)


def _rows(task: str, looked: Mapping[str, Looked], lost: Sequence[str], folder: Path) -> list[PictureRow]:
    if not looked:
        return []
    scale = SharedScale([field for each in looked.values() for field in each.fields])
    rows = []
    for level in range(max(len(each.fields) for each in looked.values())):
        shown = {name: each for name, each in looked.items() if level < len(each.fields)}
        pictures = {}
        for name, each in shown.items():
            safe = re.sub(r'[^\w.-]', '_', name)
            pictures[name] = folder / f'receptive_field_{task}_stage{level + 1}_{safe}.png'
            save_field(pictures[name], each.fields[level], scale)
        rows.append(
            PictureRow(
                kind='receptive field',
                title=f'Effective receptive fields, {task}, stage {level + 1}',
                caption=' '.join([_caption(shown, level), *lost]),
                pictures=pictures,
                descriptions={name: _described(name, each, level) for name, each in shown.items()},
            )
        )
    return rows


def _caption(shown: Mapping[str, Looked], level: int) -> str:
    images = ' or '.join(str(count) for count in sorted({each.images for each in shown.values()}))
    parts = [
        'How much each pixel moves an activation in the middle of the stage: absolute gradient, mean over '
        f'{images} test images, around its centre of mass; one logarithmic scale for all models and stages of the '
        'task. Circles have 50 % (solid) and 90 % (dashed) of it.'
    ]
    parts += [f'{name}: {_figures(each, level)}.' for name, each in shown.items()]
    without = [name for name, each in shown.items() if each.distance(level) is None]
    if without:
        parts.append(f'No attention to measure: {", ".join(without)}.')
    untrained = [name for name, each in shown.items() if not each.is_trained]
    if untrained:
        parts.append(f'Weights drawn at random, not trained: {", ".join(untrained)}.')
    return ' '.join(parts)


def _figures(each: Looked, level: int) -> str:
    field, distance = each.fields[level], each.distance(level)
    half, most = SHARES
    text = (
        f'stride {field.stride}, radius {field.radius(half):.1f} px (50 %) and {field.radius(most):.1f} px (90 %), '
        f'area {field.area(half):,} and {field.area(most):,} px'
    )
    return text if distance is None else f'{text}, mean attention distance {distance:.1f} px'


def _described(name: str, each: Looked, level: int) -> str:
    height, width = each.fields[level].mass.shape
    return f'Map of the receptive field of {name} in an image of {height} x {width} pixels: {_figures(each, level)}.'


def _numbers(found: Looked) -> dict[str, Any]:
    stages = []
    for level, field in enumerate(found.fields):
        blocks = [each for each in found.distances if each.level == level]
        stages.append(
            {
                'stride': field.stride,
                'radius_px': {f'{share:.0%}': round(field.radius(share), 3) for share in SHARES},
                'area_px': {f'{share:.0%}': field.area(share) for share in SHARES},
                'attention_distance_px': found.distance(level),
                # of each block, of each head
                'attention_distances_of_heads_px': [each.heads for each in blocks],
            }
        )
    height, width = found.fields[0].mass.shape
    return {
        'images': found.images,
        'image_size': [height, width],
        'weights': 'of a checkpoint' if found.is_trained else 'drawn at random',
        'stages': stages,
    }
