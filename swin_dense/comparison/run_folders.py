"""What the folder of a run says of it: finished, to be gone on with, failed; and that one process writes in it."""

import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.comparison.plan import PlannedRun
from swin_dense.comparison.results import State
from swin_dense.comparison.run_commands import RESULTS
from swin_dense.engine.atomic import write_text
from swin_dense.engine.checkpoint_files import newest_checkpoint, read_meta
from swin_dense.engine.settings import changes

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOG = 'run.log'
FAILURE = 'failure.json'
_IDENTITY = 'run.json'
_LOCK = '.lock'


@dataclass(frozen=True)
class Found:
    """What there is of a run.

    Attributes:
        state: `finished`, `interrupted` (training has begun), `failed` (the last time) or `waiting`.
        iteration: of the newest checkpoint; 0 without.
        reason: of a failure, its last lines.
    """

    state: State
    iteration: int = 0
    reason: str = ''


def look(folder: Path) -> Found:
    """Find out how far a run is, from files alone."""
    if (folder / RESULTS).is_file():
        return Found('finished')
    newest = newest_checkpoint(folder) if folder.is_dir() else None
    iteration = int(read_meta(newest).get('iter') or 0) if newest else 0
    if (failure := read_failure(folder)) is not None:
        return Found('failed', iteration, str(failure.get('reason', '')))
    return Found('interrupted' if iteration else 'waiting', iteration)


def read_failure(folder: Path) -> dict[str, Any] | None:
    """What `write_failure` wrote, None where the run did not fail the last time."""
    try:
        return json.loads((folder / FAILURE).read_text())
    except (OSError, ValueError):
        return None


def write_failure(folder: Path, *, step: str, command: list[str], exit_code: int, since: int) -> str:
    """Record why a run did not finish; gives the reason, the last lines it wrote.

    Args:
        since: byte of the log where this attempt began.
    """
    reason = last_lines(folder / LOG, since=since) or 'no output'
    if exit_code < 0:
        reason += f'\nended by {signal.Signals(-exit_code).name}'
        reason += ', as Linux does when memory is short' if -exit_code == signal.SIGKILL else ''
    failure = {'step': step, 'command': command, 'exit_code': exit_code, 'reason': reason}
    write_text(folder / FAILURE, json.dumps(failure, indent=1) + '\n')
    return reason


def last_lines(path: Path, *, since: int = 0, count: int = 12) -> str:
    """The last lines of a log that are not empty; of a progress bar, what it showed last."""
    with suppress(OSError), open(path, 'rb') as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(since, size - 20_000))
        lines = [line.split('\r')[-1].rstrip() for line in file.read().decode(errors='replace').split('\n')]
        return '\n'.join([line for line in lines if line][-count:])
    return ''


def refuse_changed(run: PlannedRun) -> None:
    """Refuse to take a folder's run for one of a config that is now another.

    Raises:
        ValueError: what there is was made with other values; it names the keys.
    """
    found = look(run.folder)
    told = read_identity(run.folder)
    if told is None or (found.state != 'finished' and not found.iteration):  # nothing was made with it
        return
    changed = changes(told['identity'], json.loads(json.dumps(run.model.identity, default=str)))
    if told['seed'] != run.seed:
        changed.append(f'seed: {told["seed"]} -> {run.seed}')
    if told['processes'] != run.processes:
        changed.append(f'--gpus-per-run: {told["processes"]} -> {run.processes}, which changes the batch')
    if changed:
        raise ValueError(
            f'{run.folder} holds a run of {run.model.config} as it was before. Since then these changed:\n  '
            + '\n  '.join(changed)
            + '\nTake the changes back, choose another --out, or delete that folder to run it again.'
        )


def read_identity(folder: Path) -> dict[str, Any] | None:
    """What `write_identity` wrote; None without."""
    path = folder / _IDENTITY
    return json.loads(path.read_text()) if path.is_file() else None


def write_identity(run: PlannedRun, *, jobs: int) -> None:
    """Say what the run in a folder is made with, and beside how many others."""
    told = {
        'config': run.model.config,
        'seed': run.seed,
        'processes': run.processes,
        'jobs': jobs,
        'identity': run.model.identity,
    }
    write_text(run.folder / _IDENTITY, json.dumps(told, indent=1, default=str) + '\n')


class FolderLock:
    """Held by whoever runs in a folder, and by the processes it starts, which may outlive it.

    `descriptor` is to be given to those processes. The lock is free when the last of them has ended, however it ended.
    """

    def __init__(self, descriptor: int | None) -> None:
        self.descriptor = descriptor

    @classmethod
    def take(cls, folder: Path) -> 'FolderLock | None':
        """The lock of a folder; None while another has it."""
        folder.mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            return cls(None)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def release(self) -> None:
        """Give it back; processes that were started with it still hold it."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
