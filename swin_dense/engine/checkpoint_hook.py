"""mmengine's checkpoint hook, with the old file deleted after the new one is on the disk, never before."""

import os
from pathlib import Path
from typing import Any

from mmengine import hooks
from mmengine.dist import is_main_process

from swin_dense.engine.atomic import write_text
from swin_dense.engine.checkpoint_files import INTERRUPTED
from swin_dense.engine.errors import closest
from swin_dense.registry import HOOKS


@HOOKS.register_module()
class CheckpointHook(hooks.CheckpointHook):
    """Arguments as mmengine's CheckpointHook; files go to a local folder."""

    def _save_checkpoint_with_step(self, runner: Any, step: int, meta: dict) -> None:
        name = self.filename_tmpl.format(step)
        self.last_ckpt = os.path.join(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
        )
        if is_main_process():
            write_text(Path(runner.work_dir) / 'last_checkpoint', str(self.last_ckpt))
            self._delete_older(step)

    def _delete_older(self, step: int) -> None:
        folder = Path(self.out_dir)
        (folder / INTERRUPTED).unlink(missing_ok=True)  # training went on beyond it
        if self.max_keep_ckpts <= 0:
            return
        before, after = self.filename_tmpl.split('{}')
        steps = (path.name[len(before) : len(path.name) - len(after)] for path in folder.glob(f'{before}*{after}'))
        older = sorted(int(text) for text in steps if text.isdigit() and int(text) < step)
        for old in older[: max(0, len(older) + 1 - self.max_keep_ckpts)]:
            (folder / self.filename_tmpl.format(old)).unlink(missing_ok=True)

    def _save_best_checkpoint(self, runner: Any, metrics: dict) -> None:
        if not self.save_best:
            return
        for key in self.key_indicators:
            if key != 'auto' and key not in metrics:
                raise ValueError(
                    f'save_best={key!r} of the checkpoint hook is not a metric of this run.{closest(key, metrics)} '
                    f'There are: {", ".join(metrics)}.'
                )
        # mmengine deletes the old best file before it writes the new one: it is not told of it
        previous = self._best_files()
        self._set_best_files(dict.fromkeys(previous))
        super()._save_best_checkpoint(runner, metrics)
        for key, new in self._best_files().items():
            old = previous.get(key)
            if new is None:
                self._set_best_files({**self._best_files(), key: old})
            elif old is not None and old != new and is_main_process():
                Path(old).unlink(missing_ok=True)

    def _best_files(self) -> dict[str, str | None]:
        if len(self.key_indicators) == 1:
            return {'': self.best_ckpt_path}  # not by name: 'auto' gets its name at the first validation
        return dict(self.best_ckpt_path_dict)

    def _set_best_files(self, files: dict[str, str | None]) -> None:
        if len(self.key_indicators) == 1:
            (self.best_ckpt_path,) = files.values()
        else:
            self.best_ckpt_path_dict = files
