"""Is a run ready to start? A batch is drawn, a step is taken, two images are validated, the machine is asked for room.

Everything is built as training builds it, in a temporary folder, with weights of its own: files to start from are left
out. What one stage fails at is said, and the others are tried all the same.
"""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from torch import nn

from swin_dense.checks.batch_findings import annotation_findings, drawn_findings
from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.drawn_batch import Meaning, draw_batch, meaning_of, tensor_bytes
from swin_dense.checks.failures import failure
from swin_dense.checks.findings import Finding
from swin_dense.checks.isolation import silent
from swin_dense.checks.resources import (
    Times,
    disk_findings,
    memory_findings,
    shared_memory_findings,
    time_finding,
    worker_findings,
)
from swin_dense.checks.step_findings import overfit_finding, step_findings
from swin_dense.checks.step_memory import StepMemory, free_memory
from swin_dense.checks.trial import Trial, trial
from swin_dense.checks.trial_step import Step, first_images, later_seconds, overfit, take_step
from swin_dense.checks.trial_validation import validate
from swin_dense.engine.errors import DEBUG_VARIABLE

MOST_STEP_SECONDS = 30.0  # of a step on a CPU at the size of the config: beyond it a few images stand for the batch
_LOADING_SECONDS = 20.0
_KEPT_BATCHES = 3


def check_readiness(
    cfg: Config, out: Path, *, overfit_steps: int = 0, work_dir: str | Path | None = None
) -> Iterator[Finding]:
    """Try what training will do, once.

    Args:
        cfg: as training gets it, without errors at the quick level.
        out: folder for pictures: train_0.jpg, ..., val_0.jpg, ...
        overfit_steps: number of steps on one batch after which the loss has to have fallen; 0 for none.
        work_dir: of the run (default: the config's, else `work_dirs/NAME`); nothing is written there.

    While it is asked for findings, the process has the trial's random states, loggers and default scope; at the end its
    own.
    """
    if not cfg.get('train_dataloader') or 'module' in (cfg.get('model') or {}):
        yield Finding(
            level='ok',
            rule='not-for-training',
            file=cfg.filename or '',
            message='the config is for testing alone, so no step was tried.',
        )
        return
    folder = Path(work_dir or cfg.get('work_dir') or Path('work_dirs', Path(cfg.filename or 'run').stem))
    with trial(cfg) as made:
        yield from _Readiness(made, cfg.filename or '', Path(out), folder, overfit_steps).findings()


class _Readiness:
    """The stages, and what each leaves for the next."""

    def __init__(self, made: Trial, file: str, out: Path, work_dir: Path, overfit_steps: int) -> None:
        self.trial, self.cfg, self.file = made, made.cfg, file
        self.out, self.work_dir, self.overfit_steps = out, work_dir, overfit_steps
        self.device = torch.device(get_device())
        self.free = free_memory(self.device)
        self.batches: list[Any] = []
        self.loading_seconds = 0.0
        self.times: Times | None = None
        self.memory: StepMemory | None = None
        self.is_bad, self.overflowed = False, False
        self._failures: list[Finding] = []

    def findings(self) -> Iterator[Finding]:
        with self._stage('build', 'model'):
            self.trial.build_runner()
        yield from self._failed()
        for stage in (self._data, self._step, self._validation, self._resources):
            yield from stage()
            yield from self._failed()

    # --- stages ------------------------------------------------------------------------------------------------------

    def _data(self) -> Iterator[Finding]:
        with self._stage('load-batch', 'train_dataloader'), silent():
            is_whole = self.trial.runner is not None
            loader: Any = self.trial.build_train_loader() if is_whole else self.trial.build_loader('train')
            self._load(loader)
        if self.batches:
            yield from self._drawn('train', self.batches[0], loader.dataset)
            with self._stage('look-at-batch', 'train_dataloader'):
                yield from annotation_findings(
                    self.batches, loader.dataset, self._meaning('train', loader.dataset), self.file
                )

    def _step(self) -> Iterator[Finding]:
        if self.trial.runner is None or not self.batches:
            return
        with self._stage('build-optimizer', 'optim_wrapper'):
            wrapper = self.trial.build_optimizer()
        if self._failures:
            return
        if self.trial.left_out:
            yield Finding(
                level='ok',
                rule='weights-left-out',
                file=self.file,
                key='model',
                message='the trial starts from weights drawn at random; training will start from '
                f'{", ".join(self.trial.left_out)}, which was not read.',
            )
        model = self.trial.runner.model
        before = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
        found: list[Finding] = []  # collected: what is yielded in silence is received in silence
        with self._stage('step', 'model'), silent():
            found.extend(self._steps(model, wrapper))
        yield from found
        with torch.no_grad():
            model.load_state_dict(before)

    def _steps(self, model: nn.Module, wrapper: Any) -> Iterator[Finding]:
        batch, count = self.batches[0], len(self.batches[0]['inputs'])
        norms = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
        few = first_images(batch, min(count, 2 if norms else 1))
        step = take_step(model, wrapper, few)
        used = few
        if not (step.bad_part or step.bad_gradients or step.bad_weights):
            part, reason = step, self._reason_for_few(step, count)
            if not reason:
                try:
                    step, used = take_step(model, wrapper, batch), batch
                except torch.cuda.OutOfMemoryError:
                    reason, self.overflowed = 'the memory of the device ran out with more', True
            if reason:
                yield self._says_few(part, count, reason)
            self._measure(model, wrapper, step, used, count)
        self.is_bad = bool(step.bad_part)
        yield from step_findings(step, device=self.device.type, file=self.file)
        if self.overfit_steps and not (step.bad_part or step.bad_weights):
            first, last = overfit(model, wrapper, used, steps=self.overfit_steps)
            yield overfit_finding(first, last, self.overfit_steps, file=self.file)

    def _validation(self) -> Iterator[Finding]:
        if self.trial.runner is None or self.is_bad or self.cfg.get('val_dataloader') is None:
            return
        with self._stage('validate', 'val_evaluator'):
            done = validate(self.trial)
            yield from self._drawn('val', done.batch, done.dataset)
            metrics = ', '.join(f'{name} {value:.4g}' for name, value in done.metrics.items())
            if done.unknown_indicators:
                yield Finding(
                    level='error',
                    rule='save-best-unknown',
                    file=self.file,
                    key='default_hooks.checkpoint.save_best',
                    value=', '.join(done.unknown_indicators),
                    message=f'the evaluator gives no such metric; it gives {", ".join(done.metrics)}.',
                    remedy=f'default_hooks.checkpoint.save_best={next(iter(done.metrics), "auto")!r}',
                )
            yield Finding(
                level='ok',
                rule='validation',
                file=self.file,
                key='val_evaluator',
                message=f'two images were validated, metrics computed, by a model that has learned nothing: {metrics}.',
            )

    def _resources(self) -> Iterator[Finding]:
        loader = self.cfg.train_dataloader
        with self._stage('look-at-machine', 'work_dir'):
            if self.memory is not None:
                images = len(self.batches[0]['inputs'])
                yield from memory_findings(
                    self.memory,
                    images=images,
                    free=self.free,
                    overflowed=self.overflowed,
                    device=self.device,
                    file=self.file,
                )
                yield from disk_findings(self.trial.runner, self.memory, self.work_dir, self.file)
            if self.batches:
                yield from shared_memory_findings(loader, max(map(tensor_bytes, self.batches)), self.file)
            yield from worker_findings(loader, self.times, self.device, self.file)
            if self.times is not None:
                yield time_finding(self.trial.runner, self.times, self.file)

    # --- parts of stages ---------------------------------------------------------------------------------------------

    def _load(self, loader: Any) -> None:
        if hasattr(loader.batch_sampler, 'start'):
            loader.batch_sampler.start(cycle=0, batch=0)
        # every worker loads one batch at the same time: between the first and the next of the first worker all come
        wanted = 1 + max(loader.num_workers, 3)
        start, arrivals = time.perf_counter(), []
        for batch in islice(loader, wanted):
            arrivals.append(time.perf_counter())
            if len(self.batches) < _KEPT_BATCHES:
                self.batches.append(batch)
            if arrivals[-1] - start > _LOADING_SECONDS:
                break
        if len(arrivals) > 1:
            self.loading_seconds = (arrivals[-1] - arrivals[0]) / (len(arrivals) - 1)
        elif arrivals:
            self.loading_seconds = arrivals[0] - start

    def _reason_for_few(self, part: Step, count: int) -> str:
        """Why the whole batch is not tried; '' where it is."""
        if self.device.type != 'cpu':
            return ''
        factor = count / part.images
        if factor > 1 and self.free is not None and self._scaled(part, factor).peak > self.free:
            return 'the memory is too small for more'
        if part.seconds * factor > MOST_STEP_SECONDS:
            return f'the batch would take about {part.seconds * factor:.0f} s on this CPU'
        return ''

    def _says_few(self, part: Step, count: int, reason: str) -> Finding:
        return Finding(
            level='warning',
            rule='step-on-few-images',
            file=self.file,
            key='train_dataloader.batch_size',
            value=count,
            message=f'the step was tried on {part.images} of the {count} images of a batch: {reason}. Memory and time '
            'are scaled from it.',
            remedy='check on the machine that training will run on.',
        )

    def _measure(self, model: nn.Module, wrapper: Any, step: Step, used: Any, count: int) -> None:
        factor = count / step.images
        self.memory = self._scaled(step, factor)
        others = self.batches[1:] if used is self.batches[0] else []
        later = later_seconds(model, wrapper, [*others, used], first=step.seconds)
        self.times = Times(
            self.loading_seconds,
            statistics.median(later or [step.seconds]) * factor,
            is_first=not later,
            waits=self.device.type == 'cpu' or not self.cfg.train_dataloader.get('num_workers'),
        )

    def _scaled(self, step: Step, factor: float) -> StepMemory:
        memory = step.memory
        peak = memory.measured_peak
        return StepMemory(
            memory.parameters,
            memory.gradients,
            memory.optimizer,
            round(memory.activations * factor),
            None if peak is None else round(memory.state + (peak - memory.state) * factor),
        )

    def _meaning(self, split: str, dataset: Any) -> Meaning:
        leaf = next(dataset_configs(self.cfg, [split]), None)
        return meaning_of(dataset, self.cfg.model, (leaf.argument('pipeline') if leaf else None) or ())

    def _drawn(self, split: str, batch: Any, dataset: Any) -> Iterator[Finding]:
        with self._stage('draw', f'{split}_dataloader'):
            drawn = draw_batch(batch, self._meaning(split, dataset), self.out, split)
            yield from drawn_findings(drawn, split, self.file)

    @contextmanager
    def _stage(self, name: str, key: str) -> Iterator[None]:
        """Turn an exception of the block into a finding."""
        try:
            yield
        except Exception as error:
            if os.environ.get(DEBUG_VARIABLE):
                raise
            self._failures.append(failure(error, name, key, self.file))

    def _failed(self) -> Iterator[Finding]:
        yield from self._failures
        self._failures.clear()
