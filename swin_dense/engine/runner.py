"""mmengine's Runner with checkpoints that survive anything, exact resume, and a start log of one screen."""

import os
from functools import cached_property
from typing import Any

import torch
from mmengine import runner as mmengine_runner
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.optim import OptimWrapperDict
from torch.utils.data import DataLoader

from swin_dense.assigners.substitution import with_own_assigners
from swin_dense.engine import environment
from swin_dense.engine.atomic import remove_leftovers, write_text
from swin_dense.engine.checkpoint_files import newest_checkpoint, read_meta
from swin_dense.engine.config_options import RUNNER_KEYS
from swin_dense.engine.console import console_filter
from swin_dense.engine.data_checks import check_class_counts, check_files, explain_build_failure
from swin_dense.engine.default_hooks import ADDED_HOOKS, OWN_HOOKS
from swin_dense.engine.exact_data import WorkerStart
from swin_dense.engine.fingerprints import data_fingerprint, recipe_fingerprint
from swin_dense.engine.interrupts import Signals, caught_signals
from swin_dense.engine.label_guard import guard_labels
from swin_dense.engine.launch import use_deterministic_algorithms
from swin_dense.engine.lr_scaling import lr_scaling
from swin_dense.engine.metrics_hook import LogProcessor
from swin_dense.engine.model_checks import check_strides
from swin_dense.engine.resumable_state import ResumableRunner
from swin_dense.engine.settings import FormattedOnce, recipe, recipe_hash
from swin_dense.engine.states import bare
from swin_dense.engine.vis_backends import without_tensorboard_if_missing
from swin_dense.registry import RUNNERS

_OWN_LOOPS = {'EpochBasedTrainLoop': 'swin_dense.EpochTrainLoop', 'IterBasedTrainLoop': 'swin_dense.IterTrainLoop'}


@RUNNERS.register_module()
class Runner(ResumableRunner):
    """Takes every config that mmengine's Runner takes. `Runner.from_cfg(cfg).train()`.

    `resume=True` without `load_from` goes on from the newest whole checkpoint of the work dir, or starts if there is
    none. Data sets are built, and checked, before the model.
    """

    lr_statement = ''
    effective_batch = 0
    is_training = False

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'Runner':
        cfg = FormattedOnce(cfg.to_dict(), filename=cfg.filename)
        if cfg.get('resume'):
            source = cfg.get('load_from') or newest_checkpoint(cfg.work_dir)
            cfg.resume, cfg.load_from = source is not None, source and str(source)
            if source is not None and (seed := read_meta(source).get('seed')) is not None:
                # known before the data and the model are built: what they draw depends on it
                cfg.randomness = {**cfg.get('randomness', {}), 'seed': seed}
        return super().from_cfg(cfg)

    # --- what is logged and noted ------------------------------------------------------------------------------------

    @cached_property
    def signals(self) -> Signals:
        return Signals()

    @cached_property
    def config_text(self) -> str:
        return self.cfg.pretty_text

    @cached_property
    def recipe(self) -> dict:
        return recipe(self.cfg, RUNNER_KEYS)

    @cached_property
    def config_hash(self) -> str:
        return recipe_hash(self.recipe)

    @cached_property
    def recipe_fingerprint(self) -> str:
        return recipe_fingerprint(self.recipe)

    @cached_property
    def data_fingerprint(self) -> str:
        """Of the training data."""
        return data_fingerprint(self.train_dataloader.dataset)

    def build_logger(self, log_level: Any = 'INFO', log_file: str | None = None, **kwargs: Any) -> Any:
        logger = super().build_logger(log_level, log_file, **kwargs)
        console_filter(logger)
        return logger

    def build_log_processor(self, log_processor: Any) -> Any:
        if not isinstance(log_processor, dict) or 'type' in log_processor:
            return super().build_log_processor(log_processor)
        by_epoch = 'max_iters' not in (self.cfg.get('train_cfg') or {})
        return LogProcessor(**{'by_epoch': by_epoch, **log_processor})

    def build_visualizer(self, visualizer: Any = None) -> Any:
        visualizer, note = without_tensorboard_if_missing(visualizer)
        self.notes += [note] if note else []
        return super().build_visualizer(visualizer)

    def _log_env(self, env_cfg: dict) -> None:
        if is_main_process():
            write_text(os.path.join(self.work_dir, 'environment.json'), environment.describe())

    def dump_config(self) -> None:
        if is_main_process():
            write_text(os.path.join(self.work_dir, 'config.py'), self.config_text)

    def set_randomness(self, seed: Any, diff_rank_seed: bool = False, deterministic: bool = False) -> None:
        super().set_randomness(seed, diff_rank_seed, deterministic)
        if deterministic:
            use_deterministic_algorithms()

    # --- building ----------------------------------------------------------------------------------------------------

    @staticmethod
    def build_dataloader(dataloader: Any, seed: int | None = None, diff_rank_seed: bool = False) -> DataLoader:
        if isinstance(dataloader, dict) and not dataloader.get('num_workers'):
            # these two describe workers, and torch refuses them where there are none
            dataloader = {k: v for k, v in dataloader.items() if k not in ('persistent_workers', 'prefetch_factor')}
        try:
            loader = mmengine_runner.Runner.build_dataloader(dataloader, seed, diff_rank_seed)
        except Exception as error:
            cfg = dataloader.get('dataset') if isinstance(dataloader, dict) else None
            if explained := explain_build_failure(error, cfg):
                raise explained from error
            raise
        if loader is not dataloader:  # one that is handed in has its guard, and may know what the model ignores
            guard_labels(loader.dataset)
        if not isinstance(loader.worker_init_fn, WorkerStart):
            loader.worker_init_fn = WorkerStart(loader.worker_init_fn)
        return loader

    def build_model(self, model: Any) -> torch.nn.Module:
        for name in ('train', 'val') if self._train_dataloader is not None else ('val', 'test'):
            loader = getattr(self, f'_{name}_dataloader')
            if isinstance(loader, dict):
                different = self._randomness_cfg.get('diff_rank_seed', False)
                loader = self.build_dataloader(loader, seed=self.seed, diff_rank_seed=different)
                setattr(self, f'_{name}_dataloader', loader)
                check_files(loader.dataset, name=name)
                check_class_counts(self.cfg.get('model'), loader.dataset)
                guard_labels(loader.dataset, self.cfg.get('model'))
        built = super().build_model(with_own_assigners(model))
        check_strides(built)
        return built

    def wrap_model(self, model_wrapper_cfg: Any, model: torch.nn.Module) -> torch.nn.Module:
        on_cpu = not torch.cuda.is_available()
        if self.world_size == 1 or on_cpu:
            if any(isinstance(module, torch.nn.SyncBatchNorm) for module in model.modules()):
                model = revert_sync_batchnorm(model)
                reason = 'there is one process' if self.world_size == 1 else 'torch has no SyncBN for CPUs'
                self.notes.append(f'SyncBN runs as BN: {reason}')
            if not self.distributed:
                return super().wrap_model(None, model)
        if on_cpu and model_wrapper_cfg is None:
            unused = self.cfg.get('find_unused_parameters', False)
            return MMDistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=unused)
        return super().wrap_model(model_wrapper_cfg, model)

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Register mmengine's hooks and this package's; a config says what differs, `default_hooks=dict(progress=None)`
        takes one out.
        """
        by_epoch = 'max_iters' not in (self.cfg.get('train_cfg') or {})
        own: dict[str, Any] = {name: {'type': kind} for name, kind in OWN_HOOKS.items()}
        own['checkpoint'].update(interval=1, by_epoch=by_epoch)
        own['logger'].update(interval=50, log_metric_by_epoch=by_epoch)
        for name, hook in (hooks or {}).items():
            same = isinstance(hook, dict) and name in own and hook.get('type') in (None, own[name]['type'])
            own[name] = {**own[name], **hook} if same else hook
        # None takes a hook of mmengine's out; those that it does not know are left out here
        super().register_default_hooks({k: v for k, v in own.items() if v is not None or k not in ADDED_HOOKS})

    def build_train_loop(self, loop: Any) -> Any:
        if isinstance(loop, dict):
            loop = dict(loop)
            if 'by_epoch' in loop:
                kind = 'EpochBasedTrainLoop' if loop.pop('by_epoch') else 'IterBasedTrainLoop'
                loop['type'] = kind
            loop['type'] = _OWN_LOOPS.get(loop.get('type'), loop.get('type'))
        return super().build_train_loop(loop)

    def build_val_loop(self, loop: Any) -> Any:
        return _with_bound_metrics(super().build_val_loop(loop))

    def build_test_loop(self, loop: Any) -> Any:
        return _with_bound_metrics(super().build_test_loop(loop))

    def scale_lr(self, optim_wrapper: Any, auto_scale_lr: dict | None = None) -> None:
        """Scale the learning rate by effective batch / the recipe's batch, accumulation counted."""
        if isinstance(optim_wrapper, OptimWrapperDict):
            super().scale_lr(optim_wrapper, auto_scale_lr)
            return
        loader = self.train_loop.dataloader
        self.effective_batch = self.world_size * loader.batch_sampler.batch_size * optim_wrapper._accumulative_counts
        before = optim_wrapper.optimizer.param_groups[0]['lr']
        factor, self.lr_statement = lr_scaling(before, self.effective_batch, auto_scale_lr)
        for group in optim_wrapper.param_groups if factor != 1 else ():
            group['lr'] *= factor

    def _maybe_compile(self, target: str) -> None:
        options = self.cfg.get('compile')
        if not options:
            return
        backbone = getattr(bare(self.model), 'backbone', None)
        if backbone is None:
            raise ValueError(f'--compile compiles the backbone, and {self.model_name} has none.')
        # in place, so that the keys of checkpoints stay as they are; heads change shape with every image
        backbone.compile(**({} if options is True else options))

    # --- training ---------------------------------------------------------------------------------------------------

    def train(self) -> torch.nn.Module:
        self.is_training = True
        if is_main_process():
            remove_leftovers(self.work_dir)
        with caught_signals() as signals:
            self.__dict__['signals'] = signals
            return super().train()

    def _init_model_weights(self) -> None:
        if not self._resume:  # a resumed run has all of its weights, and need not find the pretrained ones again
            super()._init_model_weights()


def _with_bound_metrics(loop: Any) -> Any:
    for metric in loop.evaluator.metrics:
        if hasattr(metric, 'bind_dataset'):
            metric.bind_dataset(loop.dataloader.dataset)
    return loop
