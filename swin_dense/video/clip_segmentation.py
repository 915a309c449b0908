"""Data sets of videos with a mask for each frame, as VSPW (Miao et al., 2021) has them."""

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmseg.datasets import BaseSegDataset

from swin_dense.datasets.palettes import distinct_palette
from swin_dense.datasets.semantic import IMAGE_SUFFIXES
from swin_dense.engine.errors import DataError
from swin_dense.engine.random_states import seeded
from swin_dense.inference.folders import natural_key
from swin_dense.registry import DATASETS, TRANSFORMS
from swin_dense.video.samples import FrameSamples

_PLACE = ('video', 'clip', 'frame', 'is_copy')
_SHOWN = 3


@DATASETS.register_module()
class ClipSegmentationDataset(BaseSegDataset):
    """Clips of videos that lie in folders: VIDEO/origin/*.jpg, VIDEO/mask/*.png of the same names.

    In training a sample is a video, and the clip begins at a drawn frame. In `test_mode` samples are the clips that
    cover a video, each frame once; the last is filled up with copies of its last frame, which metrics leave out
    (`is_copy`).

    Args:
        metainfo: `classes`, names in the order of their numbers; `palette`, a colour (r, g, b) for each, or none.
        ann_file: names of videos, a line each; '' takes all.
        data_prefix: `video`, the folder of the videos.
        frames_per_clip: T.
        interval: between frames of a clip, in training.
        frame_folder, mask_folder: in the folder of a video.
        reduce_zero_label: 0 in the file is ignored, and 1 is the first class.
        pipeline: of clips, as `[dict(type='swin_dense.ForEachFrame', transforms=[...])]`.
        others: as those of BaseSegDataset.

    Raises:
        DataError: videos or masks that are not there, names that have no partner.
    """

    def __init__(
        self,
        *,
        metainfo: Mapping[str, Any] | None = None,
        pipeline: Sequence[Any],
        frames_per_clip: int,
        data_prefix: Mapping[str, str],
        data_root: str = '',
        ann_file: str = '',
        interval: int = 1,
        frame_folder: str = 'origin',
        mask_folder: str = 'mask',
        reduce_zero_label: bool = False,
        ignore_index: int = 255,
        indices: int | Sequence[int] | None = None,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        if min(frames_per_clip, interval) < 1:
            raise ValueError(f'frames_per_clip and interval are at least 1; got {frames_per_clip} and {interval}.')
        self.frames_per_clip, self.interval = frames_per_clip, interval
        self.frame_folder, self.mask_folder = frame_folder, mask_folder
        super().__init__(
            metainfo=dict(metainfo or {}), pipeline=list(pipeline), data_prefix=dict(data_prefix), data_root=data_root,
            ann_file=ann_file, reduce_zero_label=reduce_zero_label, ignore_index=ignore_index, indices=indices,
            test_mode=test_mode, lazy_init=lazy_init,
        )  # fmt: skip

    def load_data_list(self) -> list[dict[str, Any]]:
        folder = Path(self.data_prefix['video'])
        found: list[dict[str, Any]] = []
        for name in self._names(folder):
            frames = list(self._frames(folder / name, name))
            found += self._clips(name, frames) if self.test_mode else [{'video': name, 'frames': frames}]
        return found

    def prepare_data(self, idx: int) -> Any:
        """A clip through the pipeline."""
        info = self.get_data_info(idx)
        if not self.test_mode:
            info['frames'] = self._drawn(info['frames'])
        return self.pipeline(info)

    def _names(self, folder: Path) -> list[str]:
        if not folder.is_dir():
            raise DataError(f'there is no folder {str(folder)!r} (looked from {Path.cwd()}). Look at data_root.')
        if not self.ann_file or Path(self.ann_file).is_dir():
            return sorted((each.name for each in folder.iterdir() if each.is_dir()), key=natural_key)
        if not Path(self.ann_file).is_file():
            raise DataError(f'there is no list of videos {self.ann_file!r} (looked from {Path.cwd()}).')
        names = [line.strip() for line in Path(self.ann_file).read_text().splitlines() if line.strip()]
        if missing := [name for name in names if not (folder / name).is_dir()]:
            shown = ', '.join(missing[:_SHOWN])
            raise DataError(f'{len(missing)} of {len(names)} videos of {self.ann_file} are not in {folder}: {shown}.')
        return names

    def _frames(self, video: Path, name: str) -> Iterator[dict[str, Any]]:
        images, masks = (self._files(video / part) for part in (self.frame_folder, self.mask_folder))
        if not images:
            raise DataError(f'{video / self.frame_folder} holds no frames.')
        if alone := sorted(images.keys() ^ masks.keys()):
            raise DataError(
                f'{video}: {len(alone)} frames without a mask, or masks without a frame, as {alone[0]!r} in '
                f'{self.frame_folder}/ and {self.mask_folder}/.'
            )
        for number, stem in enumerate(sorted(images, key=natural_key)):
            yield {
                'img_path': images[stem],
                'seg_map_path': masks[stem],
                'label_map': self.label_map,
                'reduce_zero_label': self.reduce_zero_label,
                'seg_fields': [],
                'video': name,
                'frame': number,
                'is_copy': False,
            }

    def _files(self, folder: Path) -> dict[str, str]:
        if not folder.is_dir():
            raise DataError(f'there is no folder {str(folder)!r}.')
        paths = [entry.path for entry in os.scandir(folder) if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES]
        return {Path(path).stem: path for path in paths}

    def _clips(self, name: str, frames: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(frames), self.frames_per_clip):
            clip = frames[start : start + self.frames_per_clip]
            copies = [{**clip[-1], 'is_copy': True}] * (self.frames_per_clip - len(clip))
            yield {'video': name, 'frames': [{**frame, 'clip': start} for frame in (*clip, *copies)]}

    def _drawn(self, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Short videos go on with their last frame."""
        spare = len(frames) - 1 - (self.frames_per_clip - 1) * self.interval
        start = np.random.randint(max(spare, 0) + 1)
        numbers = (start + np.arange(self.frames_per_clip) * self.interval).clip(max=len(frames) - 1)
        return [{**frames[number], 'clip': int(start)} for number in numbers]

    def _update_palette(self) -> list[list[int]]:
        """Colours where metainfo has none; mmseg's are random, and may look alike."""
        return list(self._metainfo.get('palette') or distinct_palette(len(self._metainfo['classes'])).tolist())


@TRANSFORMS.register_module()
class ForEachFrame(BaseTransform):
    """Runs transforms of images over the frames of a clip, with the same draws for each.

    Gives `inputs`, uint8 (T, 3, H, W), and `data_samples`, `FrameSamples` with `video`, `clip` (the frame that it
    begins with), `frame` and `is_copy` in their metainfo.

    Args:
        transforms: of mmseg, from loading to `PackSegInputs`. Those that draw until the content of a frame suits them
            would draw otherwise in each: `RandomCrop` with `cat_max_ratio` is refused.
    """

    def __init__(self, *, transforms: Sequence[Any]) -> None:
        for step in transforms:
            if isinstance(step, Mapping) and step.get('cat_max_ratio', 1.0) < 1:
                raise ValueError(
                    f'{step["type"]} with cat_max_ratio={step["cat_max_ratio"]} would cut every frame elsewhere: the '
                    'classes in it decide. Leave cat_max_ratio out.'
                )
        self.transforms = Compose(list(transforms))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        seed = np.random.randint(1 << 31)
        packed = []
        for frame in results['frames']:
            with seeded(seed):
                packed.append(self.transforms(copy.deepcopy(frame)))
            packed[-1]['data_samples'].set_metainfo({key: frame[key] for key in _PLACE})
        sizes = {tuple(each['inputs'].shape) for each in packed}
        if len(sizes) > 1:
            first = results['frames'][0]
            raise DataError(f'frames of {first["video"]} ({first["img_path"]}, ...) differ in size: {sorted(sizes)}.')
        return {
            'inputs': torch.stack([each['inputs'] for each in packed]),
            'data_samples': FrameSamples(tuple(each['data_samples'] for each in packed)),
        }
