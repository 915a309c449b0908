"""Looking at many files: on all cores, with progress, and once for each content.

What was found in a file is kept by the digest of its bytes, so a second scan of a data set reads and digests its files,
and looks into none. It is kept in `checks.sqlite3` of the cache folder (SWIN_DENSE_HOME moves it): it may be deleted.
"""

import hashlib
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swin_dense.checkpoints.download import home_folder

Facts = dict[str, Any]
Inspect = Callable[[bytes], Facts]

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_TO_WAIT = 10.0  # for another process that writes the cache


def scan_files(paths: Sequence[str], inspect: Inspect, *, kind: str, title: str) -> list[Facts]:
    """Give what `inspect` finds in each file, in the order of `paths`.

    Args:
        paths: of local files.
        inspect: the bytes of a file -> facts, as JSON holds them. It raises nothing for bad content: that is a fact,
            too. Called from threads, so what takes its time should leave the interpreter alone (decoders do).
        kind: of facts, a word and a version (`image-1`): facts of one kind are kept by the digest of the file.
        title: of the progress, with the unit at its end: `train images`.

    Returns: facts with `digest` (of the bytes, hex) and `bytes`; of a file that cannot be read, `unreadable` with why.
    """
    with closing(_Cache(kind)) as known, ThreadPoolExecutor(os.cpu_count()) as pool:
        looked_at = pool.map(lambda path: _look_at(path, inspect, known), paths)
        return list(_progress(looked_at, len(paths), title))


def evenly(items: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of the items, evenly spread, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]


def _look_at(path: str, inspect: Inspect, known: '_Cache') -> Facts:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return {'unreadable': error.strerror or type(error).__name__}
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    facts = known.get(digest)
    if facts is None:
        facts = inspect(content)
        known.keep(digest, facts)
    return {**facts, 'digest': digest, 'bytes': len(content)}


class _Cache:
    """Facts of one kind by digest, for several threads. A cache that cannot be read or written is none."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._uncommitted = 0
        self._database: sqlite3.Connection | None = None
        path = home_folder() / 'checks.sqlite3'
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_SECONDS_TO_WAIT, check_same_thread=False)
            self._database.execute('create table if not exists facts (kind, digest, facts, primary key (kind, digest))')
        except (OSError, sqlite3.Error):
            self._drop()

    def get(self, digest: str) -> Facts | None:
        row = self._ask('select facts from facts where kind = ? and digest = ?', self.kind, digest)
        return json.loads(row[0]) if row else None

    def keep(self, digest: str, facts: Facts) -> None:
        self._ask('insert or replace into facts values (?, ?, ?)', self.kind, digest, json.dumps(facts))

    def close(self) -> None:
        with self._lock:
            self._commit()
            self._drop()

    def _ask(self, statement: str, *values: str) -> Any:
        with self._lock:
            if self._database is None:
                return None
            try:
                row = self._database.execute(statement, values).fetchone()
                self._uncommitted += 1
                if self._uncommitted >= 500:  # what a killed scan loses
                    self._commit()
                return row
            except sqlite3.Error:
                self._drop()
                return None

    def _commit(self) -> None:
        self._uncommitted = 0
        try:
            if self._database:
                self._database.commit()
        except sqlite3.Error:
            self._drop()

    def _drop(self) -> None:
        if self._database:
            self._database.close()
        self._database = None


def _progress(items: Iterable[Any], total: int, title: str) -> Iterator[Any]:
    """Pass items on: a bar on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=title, unit='file', dynamic_ncols=True, leave=False)
        return
    start = last_line = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        if (now := time.monotonic()) - last_line > _SECONDS_BETWEEN_LINES:
            last_line, rate = now, done / (now - start)
            left = (total - done) / rate
            print(f'{title}: {done:,} of {total:,}, {rate:.0f}/s, {left:.0f} s left', file=sys.stderr, flush=True)
