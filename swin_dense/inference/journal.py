"""What is finished: a line for each image, so that an interrupted run goes on and several runs share a folder.

Each process appends to a file of its own in `parts`; an image is finished when its line is there, which is after all
of its other files. When all shards are through, the last one makes of the parts, and of what an earlier run left:

    predictions.jsonl   a line an image, in the order of the inputs
    coco.json           detection: COCO's results format
    failed.txt          images that could not be predicted, and why
    summary.json        numbers of all of it
"""

import errno
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from swin_dense.engine.atomic import SUFFIX, replacing, write_text
from swin_dense.inference.folder import KINDS, unusable_folder_told

PREDICTIONS, FAILED, SUMMARY, COCO_FILE, RUN = (
    'predictions.jsonl',
    'failed.txt',
    'summary.json',
    'coco.json',
    'run.json',
)
_PARTS = 'parts'
Key = tuple[str, int | None]  # absolute path or URL, frame of a video


@dataclass(frozen=True)
class Shard:
    """One of several runs over the same inputs: number `number` (from 1) of `count`."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> 'Shard':
        """From 'K/N'."""
        number, _, count = text.partition('/')
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise ValueError(f'a shard is K/N, with K from 1 to N, as 3/16; got {text!r}.')
        return cls(int(number), int(count))

    @property
    def label(self) -> str:
        return f'{self.number}-of-{self.count}'


class Journal:
    """The record of a run in the output folder `path`.

    Args:
        label: of this process's part: the shard's, or a name of its own.
    """

    def __init__(self, path: Path, label: str) -> None:
        self.path = path
        self._part = path / _PARTS / f'{label}.jsonl'
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def append(self, line: Mapping[str, Any]) -> None:
        """Note one image, finished or failed, in one write; can be called in threads."""
        text = _json(line) + b'\n'
        with self._lock, unusable_folder_told(self.path):
            if self._descriptor is None:
                self._part.parent.mkdir(parents=True, exist_ok=True)
                _cut_off_broken_end(self._part)
                self._descriptor = os.open(self._part, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            before = os.fstat(self._descriptor).st_size
            if os.write(self._descriptor, text) != len(text):
                os.ftruncate(self._descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        if self._descriptor is not None:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # the name of a file that is not text
        return json.dumps(value, allow_nan=False).encode()


def finished_names(path: Path) -> dict[Key, str]:
    """The images that the folder `path` has predictions of, and the names of their outputs."""
    return {entry.key: entry.name for entry in _entries(path) if not entry.failed}


@dataclass(frozen=True)
class _Entry:
    """Where the line of an image lies."""

    file: Path
    offset: int
    length: int
    key: Key
    name: str
    order: tuple[int, int]
    failed: bool
    run: str


def _entries(path: Path) -> Iterator[_Entry]:
    """All lines; of one part, in the order in which they were written."""
    for file in (path / PREDICTIONS, *sorted((path / _PARTS).glob('*.jsonl'))):
        if not file.is_file():
            continue
        offset = 0
        with open(file, 'rb') as lines:
            for text in lines:
                if text.endswith(b'\n'):  # the last one may have been cut off by a kill
                    line = _parsed(text, file)
                    order = line['index'], -1 if line.get('frame') is None else line['frame']
                    key = line['source'], line.get('frame')
                    run = line.get('run', '')
                    yield _Entry(file, offset, len(text), key, line['name'], order, 'error' in line, run)
                offset += len(text)


def _parsed(text: bytes, file: Path) -> dict[str, Any]:
    try:
        line = json.loads(text)
        return line if {'index', 'name', 'source'} <= line.keys() else _broken(file, text)
    except (ValueError, AttributeError):
        return _broken(file, text)


def _broken(file: Path, text: bytes) -> dict[str, Any]:
    raise ValueError(
        f'{file} has a line that prediction did not write: {text[:60]!r}. Take the file away to predict anew.'
    )


def _cut_off_broken_end(file: Path) -> None:
    """Take away a last line without an end, which a kill left."""
    if not file.is_file():
        return
    content_end = file.stat().st_size
    with open(file, 'rb+') as lines:
        position = content_end
        while position > 0:
            start = max(0, position - (1 << 16))
            lines.seek(start)
            found = lines.read(position - start).rfind(b'\n')
            if found >= 0:
                position = start + found + 1
                break
            position = start
        if position != content_end:
            lines.truncate(position)


# --- the end of a run ------------------------------------------------------------------------------------------------


def begin_shard(path: Path, shard: Shard) -> None:
    """Take back that `shard` was through: until it is again, nothing is put together."""
    parts = path / _PARTS
    with unusable_folder_told(path):
        parts.mkdir(parents=True, exist_ok=True)
        with FileLock(parts / 'merge.lock'):
            (parts / f'{shard.label}.done').unlink(missing_ok=True)


def finish_shard(path: Path, shard: Shard, facts: Mapping[str, Any]) -> bool:
    """Note that `shard` is through; the last of them merges. Gives whether it was merged.

    Args:
        facts: of this run, for the summary: `failed` (path, reason) of inputs that were never images, `classes`,
            `category_ids`, `run_token`, and what else is to be said.
    """
    parts = path / _PARTS
    with unusable_folder_told(path), FileLock(parts / 'merge.lock'):
        write_text(parts / f'{shard.label}.done', json.dumps(facts))
        markers = [parts / f'{Shard(number, shard.count).label}.done' for number in range(1, shard.count + 1)]
        if not all(marker.is_file() for marker in markers):
            return False
        merged = [*parts.glob('*.jsonl'), *markers]
        _merge(path, [json.loads(marker.read_text()) for marker in markers])
        for file in merged:
            file.unlink(missing_ok=True)
    (parts / 'merge.lock').unlink(missing_ok=True)
    with suppress(OSError):  # another run has begun to write there
        parts.rmdir()
    return True


def _merge(path: Path, facts: Sequence[Mapping[str, Any]]) -> None:
    tokens = {each['run_token'] for each in facts}
    latest: dict[Key, _Entry] = {}
    for entry in _entries(path):
        if not entry.failed:
            latest[entry.key] = entry
        elif entry.run in tokens:  # an earlier run's failure was tried again, or its input is gone
            latest.setdefault(entry.key, entry)
    entries = sorted(latest.values(), key=lambda entry: (entry.order, entry.name))
    merged = _Merged(facts)
    coco = path / COCO_FILE
    with replacing(path / PREDICTIONS) as lines, replacing(coco) as results:
        results.write(b'[')
        for text in _texts(entries):
            line = json.loads(text)
            if 'error' in line:
                merged.failed.append((line['image'], line['error']))
                continue
            lines.write(text)
            results.write(merged.take(line))
        results.write(b'\n]\n')
    if not merged.has_coco:
        coco.unlink()
    _write_failed(path / FAILED, merged.failed)
    write_text(path / SUMMARY, json.dumps(merged.summary(), indent=1) + '\n')
    for kind in KINDS:
        for leftover in (path / kind).rglob(f'.*{SUFFIX}'):  # of killed runs; no other is at work now
            leftover.unlink(missing_ok=True)


def _texts(entries: Sequence[_Entry]) -> Iterator[bytes]:
    """The lines, from wherever they are."""
    opened = {}
    try:
        for entry in entries:
            if entry.file not in opened:
                opened[entry.file] = open(entry.file, 'rb')  # noqa: SIM115 - closed below
            opened[entry.file].seek(entry.offset)
            yield opened[entry.file].read(entry.length)
    finally:
        for file in opened.values():
            file.close()


def _write_failed(path: Path, failed: Sequence[tuple[str, str]]) -> None:
    text = ''.join(f'{image}\t{reason}\n' for image, reason in failed)
    with replacing(path) as file:
        file.write(text.encode('utf-8', 'surrogateescape'))


# what the summary has the numbers of, by class
_COUNTED = {'detection': 'objects', 'segmentation': 'pixels', 'recognition': 'videos', 'classification': 'predicted'}


class _Merged:
    """Counts what goes through, and turns detections into COCO's results."""

    def __init__(self, facts: Sequence[Mapping[str, Any]]) -> None:
        self.facts = facts
        self.classes = facts[0]['classes']
        self.category_ids = facts[0]['category_ids']
        self.image_ids = facts[0].get('image_ids')
        self.has_coco = facts[0]['has_coco']
        self.failed = [(image, reason) for image, reason in facts[0]['failed']]
        self.images = 0
        self.counts: Counter[str] = Counter()
        self._separator = b'\n'

    def take(self, line: Mapping[str, Any]) -> bytes:
        self.images += 1
        named = [line] if 'best' in line else line.get('detections', ())
        self.counts.update(line.get('pixels') or (found['class'] for found in named))
        if not self.has_coco:
            return b''
        text = b''
        for found in line['detections']:
            text += self._separator + _json(self._result(line, found))
            self._separator = b',\n'
        return text

    def _result(self, line: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        left, top, right, bottom = found['box_xyxy']
        result = {
            'image_id': self.images if self.image_ids is None else self._given_id(line['image']),
            'file_name': line['image'],
            'category_id': self.category_ids[found['label']],
            'bbox': [left, top, round(right - left, 4), round(bottom - top, 4)],
            'score': found['score'],
        }
        return {**result, **({'segmentation': found['mask']} if 'mask' in found else {})}

    def _given_id(self, image: str) -> int:
        assert self.image_ids is not None
        name = os.path.basename(image)
        if name not in self.image_ids:
            raise ValueError(f'the folder has predictions of {image}, which the file of --annotations does not name.')
        return self.image_ids[name]

    def summary(self) -> dict[str, Any]:
        first = self.facts[0]
        counted = _COUNTED[first['task']]
        return {
            'images': self.images,
            'failed': len(self.failed),
            counted: {name: self.counts[name] for name in self.classes},
            'categories': [
                {'id': number, 'name': name} for number, name in zip(self.category_ids, self.classes, strict=True)
            ],
            'skipped_files': first['skipped'],
            'shards': [each['run'] for each in self.facts],
            **first['identity'],
        }
