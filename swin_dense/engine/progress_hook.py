"""A progress bar on a terminal. Elsewhere the logger hook's lines, with their ETA, are the progress display."""

import sys
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from tqdm import tqdm

from swin_dense.engine.console import console_filter
from swin_dense.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Shows iterations, rate, time left, loss and learning rate; one bar for training, one for each evaluation."""

    priority = 'LOW'

    def __init__(self) -> None:
        self.training: tqdm | None = None
        self.evaluation: tqdm | None = None

    def before_train(self, runner: Any) -> None:
        self.training = self._bar(runner, 'train', total=runner.max_iters, initial=runner.iter)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if self.training is not None:
            loss = runner.message_hub.get_scalar('train/loss').current()
            rate = runner.optim_wrapper.get_lr()['lr'][0]
            self.training.set_postfix_str(f'loss {loss:.4g}, lr {rate:.3g}', refresh=False)
            self.training.update()

    def after_train(self, runner: Any) -> None:
        self._close(runner, self.training)
        self.training = None

    def before_val_epoch(self, runner: Any) -> None:
        self.evaluation = self._bar(runner, 'val', total=len(runner.val_dataloader))

    def before_test_epoch(self, runner: Any) -> None:
        self.evaluation = self._bar(runner, 'test', total=len(runner.test_dataloader))

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        if self.evaluation is not None:
            self.evaluation.update()

    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Any, metrics: dict | None = None) -> None:
        self._close(runner, self.evaluation)
        self.evaluation = None

    after_test_epoch = after_val_epoch

    def _bar(self, runner: Any, name: str, *, total: int, initial: int = 0) -> tqdm | None:
        if not (sys.stderr.isatty() and is_main_process()):
            return None
        bar = tqdm(total=total, initial=initial, desc=name, dynamic_ncols=True, leave=name != 'val')
        console_filter(runner.logger).bar = bar
        return bar

    def _close(self, runner: Any, bar: tqdm | None) -> None:
        if bar is not None:
            bar.close()
            console_filter(runner.logger).bar = self.training if bar is self.evaluation else None
