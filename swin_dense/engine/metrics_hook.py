"""`metrics.jsonl`: one JSON object a line for every logged interval and every validation, made to be read by programs.

    {"mode": "train", "step": 50, "epoch": 1, "lr": 1e-05, "loss": 1.93, "time": 0.41, ...}
    {"mode": "val", "step": 7330, "epoch": 1, "coco/bbox_mAP": 0.113, ...}

`step` counts iterations from 1. A resumed run drops the lines beyond the step it resumes from.
"""

import json
import math
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook, LoggerHook
from mmengine.runner import LogProcessor as MmengineLogProcessor

from swin_dense.engine.atomic import write_text
from swin_dense.engine.plain import KEPT_HISTORY
from swin_dense.registry import HOOKS

FILE = 'metrics.jsonl'


class LogProcessor(MmengineLogProcessor):
    """mmengine's, keeping the latest training scalars for `metrics.jsonl` (some change when they are read)."""

    latest: dict | None = None

    def get_log_after_iter(self, runner: Any, batch_idx: int, mode: str) -> tuple[dict, str]:
        scalars, text = super().get_log_after_iter(runner, batch_idx, mode)
        if mode == 'train':
            self.latest = dict(scalars)
        return scalars, text


@HOOKS.register_module()
class MetricsHook(Hook):
    """Writes `metrics.jsonl` in the work dir, in the intervals of the logger hook."""

    priority = 'LOW'  # after the logger hook

    def before_train(self, runner: Any) -> None:
        self.path = Path(runner.work_dir) / FILE
        if not any(isinstance(hook, LoggerHook) for hook in runner.hooks):
            runner.logger.warning(f'without a logger hook, {FILE} gets validation lines only')
        if is_main_process():
            write_text(self.path, ''.join(_lines_until(self.path, runner.iter)))

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        for history in runner.message_hub.log_scalars.values():
            history.max_length = KEPT_HISTORY  # mmengine copies all of a history at every value added to it
        scalars, runner.log_processor.latest = runner.log_processor.latest, None
        if scalars is not None:
            self._write(runner, 'train', runner.iter + 1, runner.epoch + 1, scalars)

    def after_val_epoch(self, runner: Any, metrics: dict | None = None) -> None:
        if runner.is_training:
            self._write(runner, 'val', runner.iter, runner.epoch, metrics or {})

    def _write(self, runner: Any, mode: str, step: int, epoch: int, scalars: dict) -> None:
        if not is_main_process():
            return
        values = {name: _number(value) for name, value in scalars.items() if name not in ('iter', 'epoch')}
        line = {'mode': mode, 'step': step, **({'epoch': epoch} if runner.by_epoch else {}), **values}
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(json.dumps(line, allow_nan=False) + '\n')


def _number(value: Any) -> float | int | str | None:
    if isinstance(value, (int, str)):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None  # JSON has no NaN


def _lines_until(path: Path, step: int) -> list[str]:
    """Keep what was logged up to `step`; the validation of `step` itself is done again by a resumed run."""
    if step == 0 or not path.exists():
        return []
    kept = []
    for line in path.read_text(encoding='utf-8').splitlines(keepends=True):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:  # the last line of a killed run
            continue
        if record['step'] <= step - (record['mode'] == 'val'):
            kept.append(line)
    return kept
