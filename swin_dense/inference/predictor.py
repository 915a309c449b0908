"""A model that takes images, or videos, and gives predictions: `Predictor`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from swin_dense.inference.carried_config import registered_classes_alone
from swin_dense.inference.classification import ClassViews
from swin_dense.inference.decoding import UnreadableImage
from swin_dense.inference.detection import Detector, Instances
from swin_dense.inference.devices import checked_device, usual_workers
from swin_dense.inference.loading import load_model
from swin_dense.inference.prepared import PredictionError, Prepared, checked_tile, read_if_path, task_of
from swin_dense.inference.recognition import VideoViews
from swin_dense.inference.results import Prediction
from swin_dense.inference.rows import BYTES_PER_STRIP
from swin_dense.inference.segmentation import Segmenter
from swin_dense.inference.stream import Finishing, grouped, loaded_ahead
from swin_dense.inference.tiled import TiledDetection, TiledSegmentation
from swin_dense.inference.tiles import Tile, tile_grid
from swin_dense.inference.views import Augmentation, Views

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}
AUTO = 'auto'
# 'auto' on a CPU: larger batches only cost memory there; small images gain from sharing the overhead of an operator
_CPU_PIXELS_PER_BATCH, _LARGEST_AUTO_BATCH = 1 << 18, 32
_SHARE_OF_FREE_MEMORY = 0.7


class Predictor:
    """Predicts objects or segmentations of images, or what happens in videos, with a trained model.

    Args:
        config: path of a config file. None takes the one that the checkpoint carries, as those of this package do.
        checkpoint: path, URL, or a work dir: its newest.
        device: 'cpu', 'cuda', 'cuda:1', 'mps'; None takes a GPU if there is one.
        precision: 'fp32', or autocast to 'bf16' or 'fp16'.
        compile: compile the backbone.
        tile: side in pixels of the tiles that larger images are cut into; each goes through the test pipeline as an
            image of its own. None: images go whole.
        overlap: of neighbouring tiles, in pixels; None: a quarter of `tile`.
        augmentation: scales and flips to see each image at; None: what the config says, usually one view.
        cfg_options: dotted key -> value, changes to the config.
        budget_bytes: for scores of segmentation at the size of the image.

    Attributes:
        task: 'detection', 'segmentation', 'classification', or 'recognition', which takes videos in place of images.
        classes: names, in the order of the labels.
        palette: (number of classes, 3) uint8 RGB.
        frames_per_clip: of a model that segments the frames of clips together; else None. `predict` takes the images
            for frames of one video, in their order; a picture alone is a clip of copies.
        identity: of config and checkpoint, for records.
        notes: sentences on what was loaded.
    """

    def __init__(
        self,
        config: str | Path | None,
        checkpoint: str | Path,
        *,
        device: str | torch.device | None = None,
        precision: str = 'fp32',
        compile: bool = False,
        tile: int | None = None,
        overlap: int | None = None,
        augmentation: Augmentation | None = None,
        cfg_options: Mapping[str, Any] | None = None,
        budget_bytes: int = BYTES_PER_STRIP,
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f'precision is one of {", ".join(PRECISIONS)}; got {precision!r}.')
        self.tile, self.overlap = checked_tile(tile, overlap)
        self.device = checked_device(device)
        self.precision = precision
        with registered_classes_alone() if config is None else nullcontext():
            loaded = load_model(config, checkpoint, device=self.device, cfg_options=cfg_options)
            self.model = loaded.model
            self.task, self._task = task_of(self.model)
            self.frames_per_clip = self.model.frames_per_clip if getattr(self.model, 'sees_clips', False) else None
            if self.frames_per_clip and self.tile is not None:
                raise ValueError('the model sees frames of videos together, as wholes: tiles are for other models.')
            if self.task in ('classification', 'recognition'):
                self._refuse_options_of_dense_models(augmentation)
            if self.takes_videos:
                self._prepare_video = VideoViews(loaded.cfg)
            elif self.task == 'classification':
                self._prepare: Views | ClassViews = ClassViews(loaded.cfg)
            else:
                self._prepare = Views(loaded.cfg, augmentation, task=self.task)
        self.classes, self.palette = loaded.classes, loaded.palette
        self.identity, self.notes = loaded.identity, loaded.notes
        self.budget_bytes = budget_bytes
        self._batch_limits: dict[Any, int] = {}
        if compile:
            self.model.backbone.compile()

    @property
    def takes_videos(self) -> bool:
        return self.task == 'recognition'

    @property
    def num_views(self) -> int:
        """How often the model sees each image (or tile); of videos, the pipeline says it."""
        return 1 if self.takes_videos else self._prepare.count

    def __call__(self, image: np.ndarray | str | Path) -> Prediction:
        """Predict one image: (H, W, 3) uint8 RGB, or the path or URL of a file; or one video: the path of a file.

        Raises:
            UnreadableImage: the file cannot be read.
            PredictionError: the image cannot be predicted.
        """
        return finished(self.run([self._loaded(image)])[0])

    def predict(
        self, images: Iterable[np.ndarray | str | Path], *, batch_size: int | str = AUTO, num_workers: int | None = None
    ) -> Iterator[Prediction]:
        """Predict images one after the other, in order, in batches of equal size, loading ahead.

        An iterator: it holds the few images that are being worked on, and no past results. `num_workers` threads load,
        and as many finish; see `usual_workers`. The first file that cannot be read ends it with UnreadableImage;
        `tools/predict.py` goes on.
        """
        if isinstance(images, (str, Path)):
            raise TypeError(f'predict takes several images; for one, call the predictor: predictor({str(images)!r}).')
        num_workers = usual_workers(self.device) if num_workers is None else num_workers
        finishing: Finishing = Finishing(num_workers, 2 * num_workers)
        waiting: dict[int, Prediction] = {}
        given = 0
        loaded = loaded_ahead(enumerate(images), lambda numbered: self._loaded(numbered[1]), num_threads=num_workers)
        batches = grouped(loaded, key=lambda each: each[1].key, limit=self.batch_limit(batch_size))
        try:
            for batch in batches:
                results = self.run([prepared for _, prepared in batch])
                for ((number, _), _), result in zip(batch, results, strict=True):
                    waiting.update(finishing.submit(_numbered(number, result)))
                while given in waiting:
                    yield waiting.pop(given)
                    given += 1
            waiting.update(finishing.drain())
            while given in waiting:
                yield waiting.pop(given)
                given += 1
        finally:
            finishing.close()

    # --- the steps, for those who arrange them themselves -------------------------------------------------------------

    def prepared(self, image: np.ndarray, name: str = '') -> Prepared:
        """What the model will see of an image; can be called in threads."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f'an image is (H, W, 3) uint8 RGB; got {image.shape} {image.dtype}.')
        if self.tile is not None and max(image.shape[:2]) > self.tile:
            return Prepared(image, None)
        return Prepared(image, self._prepare(image, name))

    def prepared_video(self, path: str | Path) -> Prepared:
        """What the model will see of a video; can be called in threads.

        Raises:
            UnreadableImage: the file cannot be read; the text says why.
        """
        return Prepared(*self._prepare_video(path))

    def batch_limit(self, batch_size: int | str) -> Callable[[Any], int]:
        """The largest batch of images with some key: `batch_size`, or for 'auto' what fits into memory."""
        if self.frames_per_clip is not None:
            frames = self.frames_per_clip * (1 if batch_size == AUTO else int(batch_size))
            return lambda key: frames
        if batch_size == AUTO:
            return (lambda key: 1) if self.takes_videos else self._auto_limit  # one has views enough
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size is a whole number from 1, or 'auto'; got {batch_size!r}.")
        return lambda key: batch_size

    def run(self, batch: Sequence[Prepared], *, tile_batch: int | str = AUTO) -> list[Any]:
        """Predict images of one key; `finished` makes predictions of what this gives, and can be called in threads.

        Args:
            tile_batch: how many tiles of one image go together.
        """
        with torch.inference_mode(), self._autocast():
            if batch[0].views is None:
                return [self._run_tiles(each.image, tile_batch) for each in batch]
            views = [each.views for each in batch if each.views is not None]
            if self.frames_per_clip is not None:  # the last clip of a video goes on with its last frame
                views += [views[-1]] * (-len(views) % self.frames_per_clip)
            return self._run_views(views, batch[0].key)[: len(batch)]

    def _loaded(self, image: np.ndarray | str | Path) -> Prepared:
        if not self.takes_videos:
            return self.prepared(read_if_path(image))
        if not isinstance(image, (str, Path)):
            raise TypeError(f'the model takes videos: give the path of a file; got {type(image).__name__}.')
        try:
            return self.prepared_video(image)
        except UnreadableImage as error:
            raise UnreadableImage(f'{image}: {error}') from None

    def _refuse_options_of_dense_models(self, augmentation: Augmentation | None) -> None:
        if self.tile is not None or augmentation is not None:
            raise ValueError(
                'the model names an image, or a video, as a whole: there are no tiles and no scales to see it at. The '
                'test pipeline of the config says which crops it looks at.'
            )

    def _run_views(self, views: Sequence[list[dict[str, Any]]], key: Any) -> list[Any]:
        found = self._without_exhaustion(views, key)
        if isinstance(self._task, Segmenter):
            return [self._task.finished(scores, self.budget_bytes) for scores in found]
        return found

    def _run_tiles(self, image: np.ndarray, tile_batch: int | str) -> Any:
        assert self.tile is not None
        size = image.shape[0], image.shape[1]
        tiles = tile_grid(size, (self.tile, self.tile), (self.tile - self.overlap,) * 2)
        if isinstance(self._task, Segmenter):
            whole: Any = TiledSegmentation(self._task, size, self.budget_bytes)
        else:
            assert isinstance(self._task, Detector)
            whole = TiledDetection(self._task, size)

        def load(tile: Tile) -> Prepared:
            part = image[tile.top : tile.bottom, tile.left : tile.right]
            return Prepared(part, self._prepare(part))

        tops = [*(tile.top for tile in tiles), size[0]]
        done = 0
        loaded = loaded_ahead(tiles, load, num_threads=min(usual_workers(self.device), 2))
        limit = self.batch_limit(tile_batch)
        for group in grouped(loaded, key=lambda each: each[1].key, limit=limit, max_waiting=len(tiles)):
            done += len(group)
            views = [prepared.views for _, prepared in group if prepared.views is not None]
            found = self._without_exhaustion(views, group[0][1].key)
            whole.add([tile for tile, _ in group], found, next_top=tops[done])
        return whole.finished()

    def _without_exhaustion(self, views: Sequence[list[dict[str, Any]]], key: Any) -> list[Any]:
        """Predict a batch; in halves where it does not fit into the GPU's memory."""
        try:
            return self._measured(views, key)
        except torch.OutOfMemoryError:
            if len(views) <= (self.frames_per_clip or 1):
                raise PredictionError(
                    f'out of memory of {self.device}: {tuple(views[0][0]["inputs"].shape[1:])} pixels; tiles need less'
                ) from None
        torch.cuda.empty_cache()
        whole = self.frames_per_clip or 1
        half = max(len(views) // 2 // whole, 1) * whole
        self._batch_limits[key] = half
        return [*self._without_exhaustion(views[:half], key), *self._without_exhaustion(views[half:], key)]

    def _measured(self, views: Sequence[list[dict[str, Any]]], key: Any) -> list[Any]:
        """Predict a batch, and note what it took if nothing is known of its key."""
        if self.device.type != 'cuda' or key in self._batch_limits:
            return self._task.predict(views)
        before = torch.cuda.memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        found = self._task.predict(views)
        used = (torch.cuda.max_memory_allocated(self.device) - before) / len(views)
        free = torch.cuda.mem_get_info(self.device)[0] + torch.cuda.memory_reserved(self.device) - before
        fitting = int(_SHARE_OF_FREE_MEMORY * free / max(used, 1))
        self._batch_limits[key] = min(max(fitting, 1), _LARGEST_AUTO_BATCH)
        return found

    def _auto_limit(self, key: Any) -> int:
        if self.device.type == 'cuda':
            return self._batch_limits.get(key, 1)  # one image first, to see what it takes
        pixels = sum(shape[-1] * shape[-2] for shape in key[1:])
        return min(max(_CPU_PIXELS_PER_BATCH // pixels, 1), _LARGEST_AUTO_BATCH)

    def _autocast(self) -> AbstractContextManager:
        dtype = PRECISIONS[self.precision]
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype)


def finished(result: Any) -> Prediction:
    """The prediction of what `Predictor.run` gave."""
    return result.finished() if isinstance(result, Instances) else result


def _numbered(number: int, result: Any) -> Callable[[], tuple[int, Prediction]]:
    return lambda: (number, finished(result))
