"""A batch as pictures: what a loader gives to the model, with the annotations that came out of the pipeline.

Images of a batch are uint8 (C, H, W), before the model's data preprocessor; pictures are (H, W, 3) uint8 RGB.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from swin_dense.datasets.palettes import checked_palette
from swin_dense.engine.atomic import replacing
from swin_dense.inference.masks import cropped
from swin_dense.inference.overlays import draw_detections, draw_recognition, draw_segmentation
from swin_dense.inference.recognition import preview
from swin_dense.inference.results import CroppedMask, Detections, Recognition, Segmentation
from swin_dense.video.samples import FrameSamples

MOST_PICTURES = 8
_IGNORED_COLOUR = (200, 200, 200)
_CLIP_AXES = 5  # views, channels, time, height, width
_HATCH = 3  # pixels between the stripes over what does not count


@dataclass
class DrawnBatch:
    """What is in a batch, and where it was drawn.

    Attributes:
        pictures: (file written, source image), at most `MOST_PICTURES`.
        counts: class -> objects, or pixels; pixels that do not count have a name of their own.
        unnamed: image -> numbers of its pixels or objects that no class has.
        kind: objects, pixels, images, videos, or nothing where samples have no annotations.
        images: how many there are, frames of clips among them.
    """

    pictures: list[tuple[str, str]] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    unnamed: dict[str, list[int]] = field(default_factory=dict)
    kind: str = 'nothing'
    images: int = 0


@dataclass(frozen=True)
class Meaning:
    """What the numbers and channels of a batch mean.

    Attributes:
        classes: names, in the order of the numbers.
        palette: (num_classes, 3) uint8 RGB.
        ignored: number of pixels that do not count.
        rgb: whether images have red first; else blue is.
        of_the_file: whether boxes are those of the file, not of the resized image, as test pipelines of mmdet have it.
    """

    classes: Sequence[str]
    palette: np.ndarray
    ignored: int = 255
    rgb: bool = False
    of_the_file: bool = False

    @property
    def ignored_name(self) -> str:
        """What pixels that do not count are called."""
        return f'ignored ({self.ignored})'


def meaning_of(dataset: Any, model_cfg: Any, pipeline: Sequence[Any]) -> Meaning:
    """Read from a data set and the config of a model what the batches of the first mean to the second."""
    meta = getattr(dataset, 'metainfo', None) or {}
    classes = [str(name) for name in meta.get('classes') or ()]
    try:
        palette = checked_palette(meta.get('palette'), len(classes))
    except ValueError:
        palette = checked_palette(None, len(classes))
    ignored = getattr(dataset, 'ignore_index', 255)
    preprocessor = model_cfg.get('data_preprocessor') or {}
    return Meaning(
        classes,
        palette,
        ignored=ignored if isinstance(ignored, int) else 255,
        rgb=bool(preprocessor.get('rgb_to_bgr')) or preprocessor.get('type') == 'swin_dense.ClassDataPreprocessor',
        of_the_file=_loads_after_resizing(pipeline),
    )


def draw_batch(batch: Any, meaning: Meaning, folder: Path, prefix: str) -> DrawnBatch:
    """Write the first images of a batch to `folder`/`prefix`_0.jpg, ... and say what is in all of it."""
    drawn = DrawnBatch()
    for number, (inputs, sample) in enumerate(_images_of(batch)):
        drawn.images += 1
        source = str(getattr(sample, 'img_path', '') or getattr(sample, 'path', '') or '')
        image = preview(inputs) if inputs.ndim == _CLIP_AXES else _image(inputs, meaning)
        if sample is not None and 'gt_label' in sample:
            drawn.kind = 'videos' if inputs.ndim == _CLIP_AXES else 'images'
            picture = _whole(image, sample, meaning, drawn, source)
        elif sample is not None and 'gt_instances' in sample:
            picture = _objects(image, sample, meaning, drawn, source)
        elif sample is not None and 'gt_sem_seg' in sample:
            picture = _pixels(image, sample, meaning, drawn, source)
        else:
            picture = image
        if number < MOST_PICTURES:
            path = folder / f'{prefix}_{number}.jpg'
            _write(path, picture)
            drawn.pictures.append((str(path), source))
    for number in range(len(drawn.pictures), MOST_PICTURES):
        (folder / f'{prefix}_{number}.jpg').unlink(missing_ok=True)  # of an earlier, larger batch
    return drawn


def _images_of(batch: Any) -> Iterator[tuple[torch.Tensor, Any]]:
    """(inputs, sample) of each image that was read, frame of clips that are segmented, and video that has a view."""
    samples = batch.get('data_samples') or [None] * len(batch['inputs'])
    for inputs, sample in zip(batch['inputs'], samples, strict=True):
        if isinstance(sample, FrameSamples):
            yield from zip(inputs, sample.frames, strict=True)
        elif inputs.numel():
            yield inputs, sample


def frames_of(sample: Any) -> Sequence[Any]:
    """The samples of the frames of a clip; of an image, its own."""
    return sample.frames if isinstance(sample, FrameSamples) else [sample]


def tensor_bytes(value: Any) -> int:
    """Bytes of all tensors in a batch: what worker processes hand over in shared memory."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(tensor_bytes, value))
    if hasattr(value, 'all_values'):  # mmengine's data elements
        return sum(map(tensor_bytes, value.all_values()))
    return tensor_bytes(value.tensor) if isinstance(getattr(value, 'tensor', None), torch.Tensor) else 0


def _loads_after_resizing(pipeline: Sequence[Any]) -> bool:
    names = [str(step.get('type')) if isinstance(step, dict) else type(step).__name__ for step in pipeline]
    loads = [place for place, name in enumerate(names) if 'LoadAnnotations' in name]
    resizes = [place for place, name in enumerate(names) if 'Resize' in name]
    return bool(loads and resizes) and min(resizes) < min(loads)


def _image(inputs: torch.Tensor, meaning: Meaning) -> np.ndarray:
    """(H, W, 3) RGB of a (C, H, W) image; one that is not uint8 is stretched to 0 to 255."""
    pixels = inputs.detach().cpu()
    pixels = pixels[:3] if pixels.shape[0] >= 3 else pixels[:1].expand(3, -1, -1)
    if not meaning.rgb and inputs.shape[0] == 3:
        pixels = pixels.flip(0)
    if pixels.dtype != torch.uint8:
        values = torch.nan_to_num(pixels.float())
        low, high = values.min(), values.max()
        pixels = ((values - low) / (high - low).clamp(min=1e-6) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())


def _fitted(image: np.ndarray, sample: Any, size: tuple[int, int]) -> np.ndarray:
    """The image at the size (height, width) that annotations refer to: test pipelines load them after resizing."""
    if image.shape[:2] == size:
        return image
    scale = getattr(sample, 'scale_factor', None)
    if scale is not None:  # what was padded after resizing is cut off
        width_scale, height_scale = scale[:2]
        image = image[: max(1, round(size[0] * height_scale)), : max(1, round(size[1] * width_scale))]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)


# Detection.


def _objects(image: np.ndarray, sample: Any, meaning: Meaning, drawn: DrawnBatch, source: str) -> np.ndarray:
    drawn.kind = 'objects'
    groups = [sample.gt_instances, sample.get('ignored_instances')]
    counted, ignored = (_arrays(group) for group in groups)
    boxes = np.concatenate([counted[0], ignored[0]])
    labels = np.concatenate([counted[1], np.full(len(ignored[0]), len(meaning.classes))])
    masks = None if counted[2] is None else (*counted[2], *(ignored[2] or _no_masks(len(ignored[0]))))
    unnamed = sorted({int(label) for label in counted[1] if not 0 <= label < len(meaning.classes)})
    if unnamed:
        drawn.unnamed[source] = unnamed
        labels = np.where(labels > len(meaning.classes), len(meaning.classes), np.maximum(labels, 0))
    drawn.counts.update(meaning.classes[label] for label in counted[1] if 0 <= label < len(meaning.classes))
    size = image.shape[:2]
    if meaning.of_the_file:
        size = tuple(sample.ori_shape[:2])
    found = Detections(size, boxes, np.ones(len(boxes), np.float32), labels.astype(np.int64), masks)
    return draw_detections(
        _fitted(image, sample, size),
        found,
        classes=[*meaning.classes, 'ignored'],
        palette=np.concatenate([meaning.palette, [_IGNORED_COLOUR]]).astype(np.uint8),
        score_thr=0.0,
        with_scores=False,
    )


def _arrays(instances: Any) -> tuple[np.ndarray, np.ndarray, tuple[CroppedMask, ...] | None]:
    """(N, 4) left, top, right, bottom; (N,) labels; masks, if there are."""
    if instances is None or 'bboxes' not in instances:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64), None
    boxes = instances.bboxes
    boxes = getattr(boxes, 'tensor', boxes)
    boxes = torch.as_tensor(boxes).cpu().numpy().reshape(-1, 4).astype(np.float32)
    labels = torch.as_tensor(instances.labels).cpu().numpy() if 'labels' in instances else np.zeros(len(boxes))
    if 'masks' not in instances:
        return boxes, labels.astype(np.int64), None
    maps = instances.masks.to_ndarray() if hasattr(instances.masks, 'to_ndarray') else np.asarray(instances.masks)
    return boxes, labels.astype(np.int64), tuple(cropped(np.asarray(each).astype(bool)) for each in maps)


def _no_masks(count: int) -> tuple[CroppedMask, ...]:
    return tuple(CroppedMask(0, 0, np.zeros((0, 0), bool)) for _ in range(count))


# Images and videos with one label.


def _whole(image: np.ndarray, sample: Any, meaning: Meaning, drawn: DrawnBatch, source: str) -> np.ndarray:
    label = int(sample.gt_label)
    if not 0 <= label < len(meaning.classes):
        drawn.unnamed[source] = [label]
        return image
    drawn.counts[meaning.classes[label]] += 1
    truth = Recognition((image.shape[0], image.shape[1]), np.eye(len(meaning.classes), dtype=np.float32)[label])
    return draw_recognition(image, truth, [label], classes=meaning.classes, palette=meaning.palette)


# Segmentation.


def _pixels(image: np.ndarray, sample: Any, meaning: Meaning, drawn: DrawnBatch, source: str) -> np.ndarray:
    drawn.kind = 'pixels'
    labels = sample.gt_sem_seg.data.cpu().numpy()[0].astype(np.int64)
    image = _fitted(image, sample, labels.shape)
    count = len(meaning.classes)
    is_ignored = labels == meaning.ignored
    is_unnamed = ~is_ignored & ((labels < 0) | (labels >= count))
    names = [*meaning.classes, meaning.ignored_name, 'no class']
    if is_unnamed.any():
        drawn.unnamed[source] = np.unique(labels[is_unnamed]).tolist()
    shown = np.select([is_ignored, is_unnamed], [count, count + 1], labels).astype(np.uint16)
    for number, pixels in zip(*np.unique(shown, return_counts=True), strict=True):
        drawn.counts[names[number]] += int(pixels)
    palette = np.concatenate([meaning.palette, [_IGNORED_COLOUR, (255, 0, 255)]]).astype(np.uint8)
    shown = shown.astype(np.uint8) if len(names) <= 256 else shown
    return draw_segmentation(
        _hatched(image, is_ignored | is_unnamed), Segmentation(shown), classes=names, palette=palette
    )


def _hatched(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The image with dark diagonal stripes where `where` is."""
    rows, columns = np.indices(where.shape, sparse=True)
    stripes = where & ((rows + columns) // _HATCH % 2 == 0)
    return np.where(stripes[..., None], np.uint8(0), image)


def _write(path: Path, picture: np.ndarray) -> None:
    encoded = cv2.imencode('.jpg', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    with replacing(path) as file:
        file.write(encoded.tobytes())
