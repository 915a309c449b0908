"""How many files training could not read, in the log."""

import logging
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log

from swin_dense.registry import HOOKS


@HOOKS.register_module()
class SkippedFilesHook(Hook):
    """Says at the end of each epoch, and of training, how often a data set took another sample for a broken file.

    Data sets that skip have `num_skipped`. Each process says its own: the files themselves are named when they are met.
    """

    def __init__(self) -> None:
        self._said = 0

    def after_train_epoch(self, runner: Any) -> None:
        self._say(runner)

    def after_train(self, runner: Any) -> None:
        self._say(runner)

    def _say(self, runner: Any) -> None:
        count = getattr(runner.train_dataloader.dataset, 'num_skipped', 0)
        if count > self._said:
            runner.message_hub.update_info('num_skipped', count)
            print_log(
                f'{count} samples of broken files were skipped since the start, and others taken for them; each file '
                'is named above',
                'current',
                logging.WARNING,
            )
        self._said = max(count, self._said)
