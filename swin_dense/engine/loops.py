"""Training loops that go on exactly where a checkpoint was taken, in the middle of an epoch too.

A checkpoint of a step is taken before the validation of that step, so a resumed run begins with that validation when
one is due; validation leaves the random generators as they were.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch.utils.data import DataLoader

from swin_dense.engine.exact_data import exact_loader
from swin_dense.engine.interrupts import Interrupted
from swin_dense.registry import LOOPS


class _ExactResume(ABC):
    """What both loops share; the attributes are those of mmengine's loops."""

    runner: Any

    def _validate(self) -> None:
        self._decide_current_val_interval()  # type: ignore[attr-defined]
        if self.runner.val_loop is None or not self._validation_is_due():
            return
        try:
            with self.runner.undisturbed_random_states():
                self.runner.val_loop.run()
        except Interrupted:
            # the averaged weights are in the model's place until the end of a validation
            for hook in self.runner.hooks:
                if isinstance(hook, EMAHook):
                    hook._swap_ema_parameters()
            self.runner.save_and_leave(epoch=self.runner.epoch, iteration=self.runner.iter)

    def _say_if_complete(self, done: int, last: int, unit: str) -> None:
        if done >= last:
            self.runner.logger.info(
                f'nothing left to train: the checkpoint is at {unit} {done}, and training ends at {unit} {last}'
            )

    @abstractmethod
    def _validation_is_due(self) -> bool: ...


def _exact(runner: Any, dataloader: DataLoader | dict, *, endless: bool) -> DataLoader:
    loader = runner.build_dataloader(dataloader, seed=runner.seed)  # gives a loader back as it is
    if len(loader) == 0:  # iterations would be waited for without end
        count = len(loader.dataset)
        raise ValueError(
            f'there is no batch to train on: drop_last leaves out what is smaller than batch_size='
            f'{loader.batch_sampler.batch_size}, and the training set has {count} samples. Set '
            f'train_dataloader.batch_size={max(1, count)} or less.'
        )
    return exact_loader(loader, seed=runner.seed, endless=endless)


@LOOPS.register_module()
class EpochTrainLoop(_ExactResume, EpochBasedTrainLoop):
    """mmengine's EpochBasedTrainLoop (same arguments), resumable at any iteration."""

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        loader = _exact(runner, dataloader, endless=False)
        super().__init__(runner, loader, max_epochs, val_begin, val_interval, dynamic_intervals)

    def run(self) -> Any:
        self.runner.call_hook('before_train')
        self.runner.put_resumed_states()
        self._say_if_complete(self._epoch, self._max_epochs, 'epoch')
        if self._epoch > 0 and self._batches_done() == 0:
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self._batches_done()
        self.dataloader.batch_sampler.start(cycle=self._epoch, batch=done)
        for number, batch in enumerate(self.dataloader, start=done):
            self.run_iter(number, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _batches_done(self) -> int:
        return self._iter - self._epoch * len(self.dataloader)

    def _validation_is_due(self) -> bool:
        on_interval = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        return self._epoch >= self.val_begin and on_interval


@LOOPS.register_module()
class IterTrainLoop(_ExactResume, IterBasedTrainLoop):
    """mmengine's IterBasedTrainLoop (same arguments), resumable at any iteration in seconds."""

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        loader = _exact(runner, dataloader, endless=True)
        super().__init__(runner, loader, max_iters, val_begin, val_interval, dynamic_intervals)

    def run(self) -> Any:
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')  # all of training is one epoch to the hooks
        self.runner.put_resumed_states()
        self._say_if_complete(self._iter, self._max_iters, 'iteration')
        if self._iter > 0:
            self._validate()
        self.dataloader.batch_sampler.start(cycle=0, batch=self._iter)
        batches = iter(self.dataloader)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._validate()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validation_is_due(self) -> bool:
        on_interval = self._iter % self.val_interval == 0 or self._iter == self._max_iters
        return self._iter >= self.val_begin and on_interval
