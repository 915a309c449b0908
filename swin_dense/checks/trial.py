"""A training run that is built as the real one, in a folder that goes away, and that is told nothing of its result."""

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.runner import turn_on_activation_checkpointing
from torch.utils.data import DataLoader

from swin_dense.checks.isolation import isolated, silent
from swin_dense.checks.offline import without_weights
from swin_dense.engine.runner import Runner
from swin_dense.engine.training import runner_class

_number = itertools.count()


class Trial:
    """Parts of a runner, each built on its own, so that what one fails at leaves the others to be tried.

    Attributes:
        cfg: what is built: the config without weights to load and without what writes to other places.
        left_out: files of weights that the real run starts from.
        runner: None until `build_runner` has come to its end.
    """

    def __init__(self, cfg: Config, folder: str) -> None:
        values = cfg.to_dict()
        self.left_out = [str(values[key]) for key in ('load_from',) if values.get(key)]
        values['model'] = without_weights(values['model'], self.left_out)
        visualizer = {**(values.get('visualizer') or {'type': 'Visualizer'}), 'vis_backends': None}
        # by a name of its own: loggers and hubs are kept by name and second
        name = f'trial{os.getpid()}_{next(_number)}'
        values.update(work_dir=folder, launcher='none', load_from=None, resume=False, log_level='ERROR')
        values.update(experiment_name=name, visualizer={**visualizer, 'name': name})
        self.cfg = Config(values, filename=cfg.filename)
        self.runner: Runner | None = None

    def build_runner(self) -> Runner:
        with silent():
            self.runner = runner_class(self.cfg).from_cfg(self.cfg)
        return self.runner

    def build_loader(self, split: str) -> DataLoader:
        """Build the loader of a split alone."""
        with silent():
            return runner_class(self.cfg).build_dataloader(self.cfg[f'{split}_dataloader'], seed=0)

    def build_train_loader(self) -> DataLoader:
        """Build the loop of training around the data, and give its loader."""
        runner = self._built_runner()
        with silent():
            runner._train_loop = runner.build_train_loop(runner._train_loop)
        return runner.train_loop.dataloader

    def build_optimizer(self) -> Any:
        """Build the optimiser and its schedules as training starts with them, and draw the first weights."""
        runner = self._built_runner()
        with silent():
            runner.optim_wrapper = wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
            runner.scale_lr(wrapper, runner.auto_scale_lr)
            if runner.param_schedulers is not None:
                runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
            runner._init_model_weights()
            if modules := runner.cfg.get('activation_checkpointing'):
                turn_on_activation_checkpointing(runner.model, modules)
            for each in wrapper.values() if hasattr(wrapper, 'values') else [wrapper]:
                each._accumulative_counts = 1  # a step here ends with an update
                each.initialize_count_status(runner.model, 0, runner.train_loop.max_iters)
        return wrapper

    def _built_runner(self) -> Runner:
        assert self.runner is not None
        return self.runner


@contextmanager
def trial(cfg: Config) -> Iterator[Trial]:
    """Try a config; after the block its folder, processes and traces in this process are gone."""
    with tempfile.TemporaryDirectory(prefix='swin_dense_trial_', ignore_cleanup_errors=True) as folder, isolated():
        made = Trial(cfg, folder)
        try:
            yield made
        finally:
            if made.runner is not None:
                made.runner.visualizer.close()
                for loader in (made.runner._train_dataloader, made.runner._val_dataloader):
                    stop_workers(loader)
                if hasattr(made.runner._train_loop, 'dataloader'):
                    stop_workers(made.runner.train_loop.dataloader)


def stop_workers(loader: Any) -> None:
    """End the processes that a loader keeps for the next time."""
    iterator = getattr(loader, '_iterator', None)
    if iterator is not None:
        iterator._shutdown_workers()
        loader._iterator = None
