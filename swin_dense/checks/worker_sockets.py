"""Data loader workers hand tensors over by sockets: a check that the system can name one in the temporary folder."""

import sys
import tempfile
from collections.abc import Iterator, Sequence

from mmengine.config import Config
from torch import multiprocessing

from swin_dense.checks.findings import Depth, Finding

# sun_path of unix(7) has 108 bytes, the last a zero
_LONGEST_SOCKET = 107
# as Python's multiprocessing names one: FOLDER/pymp-xxxxxxxx/listener-xxxxxxxx
_NAME_LENGTH = len('/pymp-xxxxxxxx/listener-xxxxxxxx')


def check_worker_sockets(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """Find a temporary folder whose path is too long for sockets: workers' batches never arrive, without a message.

    The sharing of tensors by file descriptors (Linux) needs one for each; other ways need none.
    """
    del depth
    keys = [
        f'{split}_dataloader.num_workers'
        for split in splits
        if (cfg.get(f'{split}_dataloader') or {}).get('num_workers')
    ]
    if not keys or sys.platform != 'linux' or multiprocessing.get_sharing_strategy() != 'file_descriptor':
        return
    folder = tempfile.gettempdir()
    length = len(folder.encode()) + _NAME_LENGTH
    if length > _LONGEST_SOCKET:
        yield Finding(
            level='error',
            rule='temporary-folder-too-long',
            key=keys[0],
            value=cfg.get(keys[0].split('.')[0]).num_workers,
            message=f'data loader workers make sockets in the temporary folder {folder}: their paths would have '
            f'{length} bytes, more than the {_LONGEST_SOCKET} of the system. Training would wait for its first batch '
            'without end and without a message.',
            remedy='set the environment variable TMPDIR to a folder with a short path, as in '
            'TMPDIR=/tmp python tools/train.py CONFIG; or num_workers=0.',
        )
