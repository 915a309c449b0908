"""The part of the runner that saves, loads and resumes: everything goes through one dict of plain data, in one step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from mmengine import runner

from swin_dense.checkpoints.download import local_file
from swin_dense.checkpoints.files import read_checkpoint
from swin_dense.checkpoints.surroundings import with_own_names
from swin_dense.engine.checkpoint_files import INTERRUPTED, write_checkpoint
from swin_dense.engine.interrupts import Interrupted
from swin_dense.engine.plain import unpack_message_hub
from swin_dense.engine.random_states import kept_states, put_states, take_states
from swin_dense.engine.states import bare, collect, put_gradients, put_weights


class ResumableRunner(runner.Runner):
    """mmengine's Runner with its saving, loading and resuming replaced."""

    load_report = ''
    _states_outside_validation: dict | None = None

    @cached_property
    def notes(self) -> list[str]:
        """Sentences for the start log."""
        return []

    @property
    def by_epoch(self) -> bool:
        """Whether training counts epochs (or iterations only)."""
        return isinstance(self.train_loop, runner.EpochBasedTrainLoop)

    @cached_property
    def resumed_meta(self) -> dict:
        """What the checkpoint that training goes on from says about itself; empty for a new run."""
        return {}

    @contextmanager
    def undisturbed_random_states(self) -> Iterator[None]:
        """For validation: what is drawn inside changes nothing outside, nor in a checkpoint saved inside."""
        with kept_states() as states:
            self._states_outside_validation = states
            try:
                yield
            finally:
                self._states_outside_validation = None

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Write a checkpoint in one step (see `atomic`). Every rank has to call this."""
        if file_client_args or backend_args:
            raise ValueError('swin_dense.Runner saves to local folders: remove backend_args of the checkpoint hook.')
        # at the end of an epoch the loop has not counted it yet; at the end of an iteration likewise
        position = {'epoch': self.epoch + by_epoch, 'iter': self.iter + (not by_epoch)}
        checkpoint = collect(
            self,
            meta={**position, **(meta or {})},
            with_optimizer=save_optimizer,
            with_schedulers=save_param_scheduler,
            random_states=self._states_outside_validation or take_states(),
        )
        if checkpoint is not None:
            write_checkpoint(checkpoint, os.path.join(out_dir, filename))

    def save_and_leave(self, *, epoch: int, iteration: int) -> None:
        """Save all of the run after `iteration` iterations and raise `Interrupted`."""
        self.save_checkpoint(self.work_dir, INTERRUPTED, meta={'epoch': epoch, 'iter': iteration}, by_epoch=False)
        raise Interrupted(os.path.join(self.work_dir, INTERRUPTED))

    def load_checkpoint(
        self,
        filename: str,
        map_location: Any = 'cpu',
        strict: bool = False,
        revise_keys: Any = (),
    ) -> dict:
        """Load weights by `put_weights`: exactly to resume and to test, heads of other sizes allowed to fine-tune."""
        checkpoint = read_checkpoint(local_file(filename))
        if 'state_dict' not in checkpoint:
            checkpoint = {'state_dict': checkpoint}
        layout = ''
        if not self._resume:  # files of official detectors, and of mmdet's
            own = bare(self.model).state_dict().keys()
            checkpoint['state_dict'], layout = with_own_names(checkpoint['state_dict'], own)
        checkpoint['meta'] = dict(checkpoint.get('meta') or {})
        # an old runner's config, which mmengine would execute; and the classes, which it would compare as pickles
        checkpoint['meta'].pop('config', None)
        if self._train_loop is not None and self._resume:
            self._compare_dataset_meta(checkpoint['meta'])
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = unpack_message_hub(checkpoint['message_hub'])
        if self._train_loop is not None and not self._resume:
            self._put_weights(checkpoint, str(filename), other_sizes_allowed=not strict)
            # averaged weights start from the model's, which now has all sizes right
            checkpoint['state_dict'] = bare(self.model).state_dict()
            self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        else:
            # first the hooks: averaged weights are saved in the place of those that training goes on with
            self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
            self._put_weights(checkpoint, str(filename), other_sizes_allowed=False)
        self.load_report += f' (layout: {layout})' if layout else ''
        self._has_loaded = True
        self._loaded = checkpoint
        return checkpoint

    def _put_weights(self, checkpoint: dict, source: str, *, other_sizes_allowed: bool) -> None:
        state = {name.removeprefix('module.'): tensor for name, tensor in checkpoint['state_dict'].items()}
        self.load_report = put_weights(bare(self.model), state, source=source, other_sizes_allowed=other_sizes_allowed)

    def _compare_dataset_meta(self, meta: dict) -> None:
        own = getattr(self.train_dataloader.dataset, 'metainfo', None)
        then = meta.get('dataset_meta') or {}
        if own and then.get('classes') is not None and tuple(then['classes']) != tuple(own.get('classes') or ()):
            raise ValueError(
                f'the checkpoint was trained on the classes {", ".join(then["classes"])}; the training set has '
                f'{", ".join(own.get("classes") or ())}. To train on other classes, start anew with load_from.'
            )
        meta['dataset_meta'] = own

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: Any = 'cpu',
    ) -> None:
        # on the CPU: each part moves itself to where it belongs, and a GPU need not hold two copies
        super().resume(filename, resume_optimizer, resume_param_scheduler, 'cpu')
        self.resumed_meta.update(self._loaded['meta'])
        loop = self.train_loop
        batches = len(loop.dataloader)
        done = loop._iter - loop._epoch * batches
        if self.by_epoch and (
            self.resumed_meta.get('batches_per_epoch', batches) != batches or not 0 <= done <= batches
        ):
            loop._iter = loop._epoch * batches
            self.notes.append(
                f'an epoch has {batches} iterations now: going on from the start of epoch {loop._epoch + 1}'
            )

    def put_resumed_states(self) -> None:
        """Put back the random states and half-accumulated gradients of the checkpoint that training goes on from."""
        if not self.resumed_meta:
            return
        put_gradients(self.model, self._loaded.get('accumulated_gradients', {}))
        states = self._loaded.get('random_states', [])
        if len(states) == self.world_size:
            put_states(states[self.rank])
        else:
            self.logger.warning(
                f'{len(states)} random states for {self.world_size} processes: the run is not repeated exactly'
            )
        self._loaded = {}
