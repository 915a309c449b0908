"""One process of a run over files: loads, predicts, writes and notes them, and goes on after a bad one."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from swin_dense.inference.decoding import UnreadableImage, image_size, read_image
from swin_dense.inference.devices import usual_workers
from swin_dense.inference.folder import OutputError, OutputFolder, checked_save
from swin_dense.inference.frames import count_frames, read_frames
from swin_dense.inference.journal import Journal, Key
from swin_dense.inference.memory import FreedMemory
from swin_dense.inference.predictor import AUTO, PredictionError, Predictor, Prepared, finished
from swin_dense.inference.sources import Source
from swin_dense.inference.stream import Finishing, grouped, loaded_ahead
from swin_dense.inference.views import EmptyViewError

LOOK_AHEAD_BYTES = 1 << 30
# of an image in memory: as it is read, and what the model will see of it
_BYTES_PER_PIXEL = 9
# this many images in a row that fail in ways nobody foresaw: it is not the images
_UNFORESEEN_IN_A_ROW = 20


@dataclass(frozen=True)
class Settings:
    """How to predict and what to write; plain values, to be sent to other processes."""

    out: str
    predictor: dict[str, Any]  # arguments of `Predictor`
    save: tuple[str, ...] | None = None
    score_thr: float = 0.3
    batch_size: int | str = AUTO
    num_workers: int | None = None  # see `usual_workers`
    max_pixels: int | None = None
    run_token: str = ''  # of failures: those of earlier runs are tried again, and count no more


@dataclass(frozen=True)
class Item:
    """An image to predict: a file, or a frame of a video, which comes with its pixels."""

    source: Source
    frame: int | None = None
    image: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.source.name if self.frame is None else f'{self.source.name}/frame_{self.frame:06d}'

    @property
    def shown(self) -> str:
        return self.source.path if self.frame is None else f'{self.source.path}#{self.frame}'

    @property
    def origin(self) -> str:
        """The same for the same input, wherever it is named from."""
        return self.source.path if '://' in self.source.path else os.path.abspath(self.source.path)

    @property
    def key(self) -> Key:
        return self.origin, self.frame


@dataclass(frozen=True)
class Failure:
    """An image that could not be predicted."""

    reason: str


@dataclass(frozen=True)
class Outcome:
    """Of one image."""

    item: Item
    reason: str | None  # None: predicted and written


class Worker:
    """Predicts items with a model of its own.

    Args:
        settings: see there.
        label: of the part of the journal that this worker writes.
    """

    def __init__(self, settings: Settings, label: str) -> None:
        self.settings = settings
        self.label = label
        self.predictor = Predictor(**settings.predictor)
        self.move_to(settings.out)
        self._unforeseen = 0

    def move_to(self, out: str) -> None:
        """Write to another folder from now on."""
        self.folder = OutputFolder(
            Path(out),
            checked_save(self.settings.save, self.predictor.task),
            self.predictor.classes,
            self.predictor.palette,
            self.settings.score_thr,
        )
        self.journal = Journal(Path(out), self.label)

    def process(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Predict and write `items`, in batches of equal size; gives each when all of it is on the disk."""
        workers = self.settings.num_workers
        workers = usual_workers(self.predictor.device) if workers is None else workers
        limit = self.predictor.batch_limit(self.settings.batch_size)
        finishing: Finishing = Finishing(workers, 2 * workers)
        loaded = loaded_ahead(
            items, self._load, num_threads=workers, size_of=_loaded_bytes, budget_bytes=LOOK_AHEAD_BYTES
        )
        batches = grouped(loaded, key=self._group_key, limit=limit)
        freed = FreedMemory()
        try:
            for batch in batches:
                freed.give_back()
                for (item, prepared), result in zip(batch, self._predict([each for _, each in batch]), strict=True):
                    yield from finishing.submit(self._finisher(item, prepared, result))
            yield from finishing.drain()
        finally:
            finishing.close()
            batches.close()
            loaded.close()

    def close(self) -> None:
        self.journal.close()

    def _load(self, item: Item) -> Prepared | Failure:
        try:
            if self.predictor.takes_videos:
                return self.predictor.prepared_video(item.source.path)
            image = item.image
            if image is None:
                options = {} if self.settings.max_pixels is None else {'max_pixels': self.settings.max_pixels}
                image = read_image(item.source.path, **options)
            return self.predictor.prepared(image, item.source.path)
        except (UnreadableImage, EmptyViewError) as error:
            return Failure(str(error))
        except Exception as error:
            return self._unforeseen_failure(error)

    def _group_key(self, loaded: tuple[Item, Prepared | Failure]) -> Any:
        item, prepared = loaded
        if isinstance(prepared, Failure):
            return None
        if self.predictor.frames_per_clip is None:
            return prepared.key
        # a clip is of one video; a picture is one of its own
        return None if item.frame is None else (item.source.index, *(prepared.key or ()))

    def _predict(self, batch: list[Prepared | Failure]) -> list[Any]:
        """Results or failures; where a batch fails, each of its images is tried alone."""
        if isinstance(batch[0], Failure):
            return batch
        images = [each for each in batch if isinstance(each, Prepared)]
        try:
            results = self.predictor.run(images, tile_batch=self.settings.batch_size)
        except PredictionError as error:
            results = [Failure(str(error))] if len(batch) == 1 else self._one_by_one(batch)
        except Exception as error:
            if 'CUDA error' in str(error):  # the device answers nothing any more
                raise
            return self._one_by_one(batch) if len(batch) > 1 else [self._unforeseen_failure(error)]
        self._unforeseen = 0
        return results

    def _unforeseen_failure(self, error: Exception) -> Failure:
        self._unforeseen += 1
        if self._unforeseen >= _UNFORESEEN_IN_A_ROW:
            raise RuntimeError(f'the last {self._unforeseen} images all failed: {_said(error)}') from error
        return Failure(_said(error))

    def _one_by_one(self, batch: list[Prepared | Failure]) -> list[Any]:
        return [self._predict([each])[0] for each in batch]

    def _finisher(self, item: Item, prepared: Prepared | Failure, result: Any) -> Callable[[], Outcome]:
        def finish() -> Outcome:
            line = {'index': item.source.index, 'name': item.name, 'image': item.shown, 'source': item.origin}
            if item.frame is not None:
                line['frame'] = item.frame
            reason = result.reason if isinstance(result, Failure) else None
            if reason is None:
                assert isinstance(prepared, Prepared)
                try:
                    self.journal.append({**line, **self.folder.write(item.name, prepared.image, finished(result))})
                except OutputError:
                    raise
                except Exception as error:  # of this image: numbers that are none, memory for its masks
                    reason = _said(error)
            if reason is not None:
                self.journal.append({**line, 'error': reason, 'run': self.settings.run_token})
            return Outcome(item, reason)

        return finish


def _loaded_bytes(item: Item) -> int:
    size = item.image.shape[:2] if item.image is not None else image_size(item.source.path)
    return 0 if size is None else size[0] * size[1] * _BYTES_PER_PIXEL


def _said(error: BaseException) -> str:
    text = ' '.join(str(error).split())
    return f'{type(error).__name__}: {text[:300]}' if text else type(error).__name__


# --- what there is to predict -----------------------------------------------------------------------------------------


def items_of(
    sources: Iterable[Source], done: Callable[[Key], bool], failed: Callable[[Item, str], None]
) -> Iterator[Item]:
    """Files, and frames of videos, that are not done; a video that breaks is told to `failed` and left."""
    for source in sources:
        if not source.is_video:
            item = Item(source)
            if not done(item.key):
                yield item
            continue
        try:
            for number, pixels in read_frames(source.path):
                item = Item(source, number, pixels)
                if not done(item.key):
                    yield item
        except UnreadableImage as error:
            failed(Item(source), str(error))


def count_items(sources: Iterable[Source]) -> int | None:
    """Files and frames; None where a video does not say how many it has."""
    total = 0
    for source in sources:
        count = count_frames(source.path) if source.is_video else 1
        if count is None:
            return None
        total += count
    return total
