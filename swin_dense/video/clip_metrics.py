"""Metrics of segmented videos: mIoU by video, and consistency over time.

Frames of one video are no independent samples: what is kept for intervals is of whole videos.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from swin_dense.evaluation.iou_metric import IoUMetric
from swin_dense.registry import METRICS

Sample = dict[str, Any]


@METRICS.register_module()
class ClipIoUMetric(IoUMetric):
    """`IoUMetric` (same arguments and results) over the frames of videos, copies left out.

    Attributes:
        confusions: of the videos of the latest evaluation, in the main process.
    """

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        for place, frames in _clips(data_samples):
            # one result a clip: as many as the data set has samples, which is what collecting them goes by
            before = len(self.results)
            super().process(data_batch, frames)
            parts = self.results[before:]
            areas = tuple(sum(each) for each in zip(*(areas for areas, _, _ in parts), strict=True))
            self.results[before:] = [(areas, place, _joined([cells for _, _, cells in parts]))]

    def compute_metrics(self, results: list) -> dict[str, float]:
        # samplers give processes clips twice, so that all have as many
        clips = {place: (areas, cells) for areas, place, cells in results}
        videos = defaultdict(list)
        for (video, _), parts in clips.items():
            videos[f'videos/{video}'].append(parts)
        return super().compute_metrics(
            [
                (
                    tuple(sum(each) for each in zip(*(areas for areas, _ in parts), strict=True)),
                    path,
                    _joined([cells for _, cells in parts]),
                )
                for path, parts in videos.items()
            ]
        )


@METRICS.register_module()
class VideoConsistency(BaseMetric):
    """VC_n of VSPW (Miao et al., 2021): over runs of n frames, the share of what stays that is predicted to stay.

    Of each run of n frames that follow each other: of the pixels whose true class is the same in all of them, those
    whose prediction is that class in all of them; the mean over all runs of all videos, in percent. The released script
    counts a constant prediction of another class as well, and leaves out the last run of each video; the paper's
    formula, which this follows, does neither.

    Args:
        windows: n. Videos with fewer frames have no run.
        ignore_index: pixels of this true label do not count.
    """

    default_prefix = 'vc'

    def __init__(
        self,
        *,
        windows: Sequence[int] = (8, 16),
        ignore_index: int = 255,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix)
        if not windows or min(windows) < 2:
            raise ValueError(f'windows are numbers of frames, from 2; got {windows}.')
        self.windows, self.ignore_index = tuple(windows), ignore_index

    def process(self, data_batch: Any, data_samples: Sequence[Sample]) -> None:
        for place, frames in _clips(data_samples):
            # frames of one video may be on different processes; right or wrong is all that counts
            self.results.append((place, [(frame['frame'], *_packed(*_labels(frame))) for frame in frames]))

    def compute_metrics(self, results: list) -> dict[str, float]:
        videos: dict[str, list] = defaultdict(list)
        for (video, _), frames in dict(results).items():  # clips that processes were given twice once
            videos[video] += frames
        shares: dict[int, list[float]] = {window: [] for window in self.windows}
        for frames in videos.values():
            frames.sort(key=lambda frame: frame[0])
            truths, rights = zip(*(_unpacked(*packed) for _, *packed in frames), strict=True)
            for window, found in shares.items():
                found += _shares(truths, rights, window, self.ignore_index)
        return {f'VC{window}': 100 * float(np.mean(found)) for window, found in shares.items() if found}


def _clips(data_samples: Sequence[Sample]) -> Iterator[tuple[tuple[str, int], list[Sample]]]:
    """(video, clip) and frames that are no copies, of each clip of a batch."""
    for place, clip in groupby(data_samples, key=lambda sample: (sample['video'], sample['clip'])):
        yield place, [sample for sample in clip if not sample['is_copy']]


def _joined(cells: Sequence[np.ndarray]) -> np.ndarray:
    """Cells of confusion matrices, (3, cells), of several images as those of one."""
    both = np.concatenate(list(cells), axis=1)
    places, index = np.unique(both[:2], axis=1, return_inverse=True)
    pixels = np.bincount(index.reshape(-1), weights=both[2], minlength=places.shape[1]).astype(np.int64)
    return np.concatenate([places, pixels[None]])


def _labels(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    prediction, truth = (sample[key]['data'].squeeze(0).cpu().numpy() for key in ('pred_sem_seg', 'gt_sem_seg'))
    return truth, prediction == truth


def _packed(truth: np.ndarray, right: np.ndarray) -> tuple[tuple[int, ...], bytes, bytes]:
    return (
        truth.shape,
        zlib.compress(truth.astype(np.uint16).tobytes(), 1),
        zlib.compress(np.packbits(right).tobytes(), 1),
    )


def _unpacked(shape: tuple[int, ...], truth: bytes, right: bytes) -> tuple[np.ndarray, np.ndarray]:
    bits = np.unpackbits(np.frombuffer(zlib.decompress(right), np.uint8), count=int(np.prod(shape)))
    return np.frombuffer(zlib.decompress(truth), np.uint16).reshape(shape), bits.reshape(shape).astype(bool)


def _shares(truths: Sequence[np.ndarray], rights: Sequence[np.ndarray], window: int, ignore: int) -> Iterator[float]:
    for start in range(len(truths) - window + 1):
        first = truths[start]
        stays = first != ignore
        right = np.ones_like(stays)
        for number in range(start, start + window):
            stays &= truths[number] == first
            right &= rights[number]
        if stays.any():
            yield float((right & stays).sum() / stays.sum())
