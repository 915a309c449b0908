"""Validation of two images: the real loop, loader, model and metrics, on so little that it takes seconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmengine.hooks import CheckpointHook
from torch import nn

from swin_dense.checks.isolation import silent
from swin_dense.checks.trial import Trial, stop_workers
from swin_dense.engine.states import bare

IMAGES = 2
_LOOKED_AT = 500


class PartOfDataset:
    """Some samples of a data set. Everything else is the data set's."""

    def __init__(self, dataset: Any, indices: list[int]) -> None:
        self.__dict__.update(dataset=dataset, indices=indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def get_data_info(self, index: int) -> dict:
        return self.dataset.get_data_info(self.indices[index])

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name == 'dataset':  # unpickling asks for these before there is a data set
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)


@dataclass
class Validation:
    """What came of it.

    Attributes:
        batch: the first one of the loader.
        metrics: name -> value.
        dataset: the whole one.
        unknown_indicators: metrics that the checkpoint hook is to save the best of, and that there are not.
    """

    batch: Any
    metrics: dict[str, float]
    dataset: Any
    unknown_indicators: list[str] = field(default_factory=list)


def validate(trial: Trial) -> Validation:
    """Validate two images with objects, every box counted, however low its score, so that metrics are computed."""
    runner = trial.runner
    assert runner is not None
    with silent():
        whole = runner._val_dataloader
        dataset = (trial.build_loader('val') if isinstance(whole, dict) else whole).dataset
        part = PartOfDataset(dataset, _with_objects(dataset))
        runner._val_dataloader = runner.build_dataloader({**trial.cfg.val_dataloader, 'dataset': part}, seed=0)
        hooks, runner._hooks = runner._hooks, []  # they would save checkpoints, draw, and report
        try:
            loop = runner.build_val_loop(trial.cfg.val_cfg)
            batch = next(iter(loop.dataloader))
            _lower_score_limits(bare(runner.model))
            metrics = loop.run()
        finally:
            runner._hooks = hooks
            stop_workers(runner._val_dataloader)
            runner._val_dataloader = whole
    return Validation(batch, dict(metrics), dataset, list(_unknown_indicators(runner, metrics)))


def _with_objects(dataset: Any) -> list[int]:
    """Indices of the first images that have objects; where that is not told, of the first images."""
    if hasattr(dataset, 'get_data_info'):
        seen = range(min(len(dataset), _LOOKED_AT))
        found = [index for index in seen if (dataset.get_data_info(index) or {}).get('instances')]
        if found:
            return found[:IMAGES]
    return list(range(min(len(dataset), IMAGES)))


def _lower_score_limits(model: nn.Module) -> None:
    """Let a model that has learned nothing predict something."""
    for module in model.modules():
        settings = getattr(module, 'test_cfg', None)
        for each in _nested_settings(settings):
            if isinstance(each.get('score_thr'), float):
                each['score_thr'] = 0.0


def _nested_settings(node: Any) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nested_settings(value)


def _unknown_indicators(runner: Any, metrics: dict) -> Iterator[str]:
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and hook.save_best:
            yield from (name for name in hook.key_indicators if name != 'auto' and name not in metrics)
