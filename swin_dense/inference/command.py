"""The work of `tools/predict.py`: files in, a folder of predictions out."""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2

from swin_dense.engine.atomic import write_text
from swin_dense.engine.interrupts import EXIT_CODE as INTERRUPTED
from swin_dense.engine.interrupts import caught_signals
from swin_dense.engine.settings import changes
from swin_dense.engine.start_log import device_name, versions
from swin_dense.inference.folder import COCO, unusable_folder_told
from swin_dense.inference.journal import (
    PREDICTIONS,
    RUN,
    Journal,
    Key,
    Shard,
    begin_shard,
    finish_shard,
    finished_names,
)
from swin_dense.inference.options import refuse_checkpoints
from swin_dense.inference.overlaid_videos import write_overlaid_video
from swin_dense.inference.progress import Progress
from swin_dense.inference.sources import Listing, Source, find_sources
from swin_dense.inference.worker import Item, Outcome, Settings, Worker, count_items, items_of

SOME_FAILED = 2


@dataclass(frozen=True)
class Run:
    """What to predict, and how the run is told and shared.

    Attributes:
        inputs: as `find_sources` takes them.
        settings: of the workers.
        shard: the part of the inputs that this run predicts.
        resume: go on with what is missing in the output folder.
        annotations: COCO json that gives the ids of images and categories for coco.json.
        quiet: lines for a log, now and then, in place of a progress bar.
        ray: None: in this process; else the address of a Ray cluster, '' for a local one.
        ray_workers: number of actors.
    """

    inputs: Sequence[str]
    settings: Settings
    shard: Shard = field(default_factory=Shard)
    resume: bool = False
    annotations: str | None = None
    quiet: bool = False
    ray: str | None = None
    ray_workers: int = 2


def predict_files(run: Run) -> int:
    """Predict all inputs of `run`; gives the exit code: 0, 2 if some images failed, 130 if it was interrupted."""
    run = replace(run, settings=replace(run.settings, run_token=secrets.token_hex(6)))
    out = Path(run.settings.out)
    listing = _inputs(run, out)
    sources = listing.sources[run.shard.number - 1 :: run.shard.count]
    cv2.setNumThreads(1)  # images are worked on side by side
    if run.ray is None:
        team: Any = _Alone(run)
    else:
        from swin_dense.inference.ray_workers import RayTeam

        team = RayTeam(run.settings, address=run.ray, num_workers=run.ray_workers)
    if team.worker.predictor.takes_videos:  # as wholes, not frame by frame
        sources = tuple(replace(each, is_video=False) for each in sources)
    facts = _facts(run, listing, team.worker)
    _make_folder(out)
    _claim(out, run, team.worker)
    begin_shard(out, run.shard)
    done = _finished(out, sources, team.worker) if run.resume else set()
    known = {each.path for each in sources if not each.is_video and Item(each).key in done}
    lost = len(listing.failed) if run.shard.number == 1 else 0
    progress = Progress(count_items(sources), len(known), quiet=run.quiet, failed=lost)
    start = time.monotonic()
    with caught_signals(answer='stopping after the images that are being predicted') as signals, progress:
        broken_videos = Journal(out, f'{run.shard.label}-videos')

        def video_failed(item: Item, reason: str) -> None:
            line = {'index': item.source.index, 'name': item.name, 'image': item.shown, 'source': item.origin}
            broken_videos.append({**line, 'error': reason, 'run': run.settings.run_token})
            progress.add(Outcome(item, reason))

        items = _until(items_of(sources, _is_done(done, team.worker), video_failed), signals)
        for outcome in team.process(items):
            progress.add(outcome)
        team.close()
        broken_videos.close()
        for source in sources:
            if source.is_video and not signals.received:
                write_overlaid_video(team.worker.folder, source)
    seconds = time.monotonic() - start
    if signals.received:
        print(f'stopped: {progress.text()}. The same command with --resume goes on.', file=sys.stderr)
        return INTERRUPTED
    facts['run'] = {
        'shard': run.shard.label,
        'images': progress.count,
        'images_before': len(known),
        'seconds': round(seconds, 2),
        'images_per_second': round(progress.count / seconds, 3) if seconds > 0 else None,
    }
    merged = finish_shard(out, run.shard, facts)
    print(_closing(out, progress, seconds, run.shard, merged))
    return SOME_FAILED if progress.failed else 0


class _Alone:
    """The worker of a run without helpers."""

    def __init__(self, run: Run) -> None:
        self.worker = Worker(run.settings, run.shard.label)

    def process(self, items: Iterator[Item]) -> Iterator[Outcome]:
        return self.worker.process(items)

    def close(self) -> None:
        self.worker.close()


def _inputs(run: Run, out: Path) -> Listing:
    """What the arguments name, without what earlier runs wrote to the output folder."""
    refuse_checkpoints(run.inputs)
    listing = find_sources(run.inputs, stdin=sys.stdin)
    inside = os.path.realpath(out) + os.sep
    sources = tuple(each for each in listing.sources if not _real_path(each).startswith(inside))
    if not sources and not listing.failed:
        raise ValueError(f'{" ".join(run.inputs)}: no pictures or videos, but those of the output folder {out}.')
    videos = {each.name: each.path for each in sources if each.is_video}
    for each in sources:
        if (folder := each.name.rpartition('/')[0]) in videos:
            raise ValueError(
                f'frames of {videos[folder]} and {each.path} would go to one folder, {folder!r}, and could replace '
                'each other: predict them one after the other, into two folders.'
            )
    return Listing(sources, listing.failed, listing.skipped)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f'--out {str(out)!r} cannot be made a folder: {error.strerror}.') from None


def _real_path(source: Source) -> str:
    return source.path if '://' in source.path else os.path.realpath(source.path)


def _finished(out: Path, sources: Sequence[Source], worker: Worker) -> set[Key]:
    """What is done and need not be again: under the same name, with all of its files."""
    names = finished_names(out)
    owners = {name: key for key, name in names.items()}
    for source in sources:
        item = Item(source, 0 if source.is_video else None)
        if owners.get(item.name, item.key) != item.key or names.get(item.key, item.name) != item.name:
            owner = owners.get(item.name, item.key)[0]
            raise ValueError(
                f'{out} was made of other inputs: {item.shown} would now be {item.name!r}, where there is '
                f'{names.get(item.key, item.name)!r} of {owner}. Take another folder for --out.'
            )
    return {key for key, name in names.items() if all(file.is_file() for file in worker.folder.files(name))}


def _is_done(done: set[Key], worker: Worker) -> Callable[[Key], bool]:
    """Whether an input need not be predicted again. A clip that is predicted together is done as a whole."""
    length = worker.predictor.frames_per_clip
    if length is None:
        return done.__contains__

    def is_done(key: Key) -> bool:
        origin, frame = key
        if frame is None:
            return key in done
        start = frame - frame % length
        return all((origin, number) in done for number in range(start, start + length))

    return is_done


def _until(items: Iterator[Item], signals: Any) -> Iterator[Item]:
    for item in items:
        if signals.received:
            return
        yield item


def _claim(out: Path, run: Run, worker: Worker) -> None:
    """Refuse a folder that holds other predictions; note what these are of."""
    noted = {
        'task': worker.predictor.task,
        **worker.predictor.identity,
        'save': list(worker.folder.save),
        'score_thr': run.settings.score_thr,
        'precision': worker.predictor.precision,
        'tile': worker.predictor.tile,
        'overlap': worker.predictor.overlap,
        'views': worker.predictor.num_views,
        'augmentation': _plain(run.settings.predictor.get('augmentation')),
        'classes': list(worker.predictor.classes),
    }
    noted = json.loads(json.dumps(noted))
    file = out / RUN
    own_part = out / 'parts' / f'{run.shard.label}.jsonl'
    if file.is_file():
        before = json.loads(file.read_text(encoding='utf-8'))
        compared = ('checkpoint', 'config')  # may be named otherwise and be the same
        differences = changes(
            {key: value for key, value in before.items() if key in noted and key not in compared},
            {key: value for key, value in noted.items() if key not in compared},
        )
        if differences:
            raise ValueError(
                f'{out} holds predictions that were made otherwise: {"; ".join(differences)}. Take another folder for '
                '--out, or the same settings.'
            )
        if not run.resume and ((out / PREDICTIONS).exists() or own_part.exists()):
            raise ValueError(
                f'{out} holds predictions of this model already. --resume goes on with what is missing; otherwise take '
                'another folder for --out.'
            )
    elif (out / PREDICTIONS).exists():
        raise ValueError(f'{out} holds {PREDICTIONS} of something else: take another folder for --out.')
    else:
        with unusable_folder_told(out):
            write_text(file, json.dumps({**noted, 'versions': versions()}, indent=1, ensure_ascii=False) + '\n')


def _plain(augmentation: Any) -> Any:
    return None if augmentation is None else asdict(augmentation)


def _facts(run: Run, listing: Listing, worker: Worker) -> dict[str, Any]:
    """What the summary says besides what it counts."""
    predictor = worker.predictor
    category_ids, image_ids = list(range(1, len(predictor.classes) + 1)), None
    if run.annotations is not None and predictor.task != 'detection':
        raise ValueError('--annotations gives ids for coco.json, which is of detection; this model has another task.')
    if run.annotations is not None:
        category_ids, image_ids = _ids_of(run.annotations, predictor.classes, listing)
    return {
        'task': predictor.task,
        'run_token': run.settings.run_token,
        'classes': list(predictor.classes),
        'category_ids': category_ids,
        'image_ids': image_ids,
        'has_coco': COCO in worker.folder.save,
        'failed': [list(each) for each in listing.failed],
        'skipped': dict(listing.skipped),
        'identity': {
            **predictor.identity,
            'precision': predictor.precision,
            'device': device_name(predictor.model),
            'batch_size': run.settings.batch_size,
            'tile': predictor.tile,
            'overlap': predictor.overlap,
            'views': predictor.num_views,
            'score_thr': run.settings.score_thr,
            'notes': list(predictor.notes),
            'versions': versions(),
        },
    }


def _ids_of(annotations: str, classes: Sequence[str], listing: Listing) -> tuple[list[int], dict[str, int]]:
    """The ids that a COCO json gives to classes, and to images by the last part of their file name."""
    try:
        content = json.loads(Path(annotations).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f'--annotations {annotations} cannot be read as JSON: {error}.') from None
    categories = {each['name']: each['id'] for each in content['categories']}
    if missing := [name for name in classes if name not in categories]:
        raise ValueError(f'{annotations} has no category {", ".join(missing)}; it has {", ".join(categories)}.')
    images = {Path(each['file_name']).name: each['id'] for each in content['images']}
    if len(images) < len(content['images']):
        raise ValueError(f'{annotations} names images of different folders alike: ids cannot be told by file names.')
    if strangers := [each.path for each in listing.sources if each.is_video or Path(each.path).name not in images]:
        raise ValueError(f'{annotations} does not name {len(strangers)} of the inputs, as {strangers[0]}.')
    return [categories[name] for name in classes], images


def _closing(out: Path, progress: Progress, seconds: float, shard: Shard, merged: bool) -> str:
    lines = [f'{progress.count} images in {seconds:.1f} s, {progress.failed} failed; results in {out}']
    if not merged:
        lines.append(f'shard {shard.label} is through; the last of {shard.count} to end puts the results together')
    elif progress.failed:
        lines.append(f'what failed, and why: {out / "failed.txt"}')
    return '\n'.join(lines)
