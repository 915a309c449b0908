"""Settings of a config that have no effect, contradict each other, or name what is not there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from mmengine.config import Config

from swin_dense.checks.dataset_configs import dataset_configs
from swin_dense.checks.evaluation_settings import evaluation_settings, loaded_annotations
from swin_dense.checks.findings import Depth, Finding
from swin_dense.checks.idle_variables import find_idle_variables
from swin_dense.checks.model_settings import model_settings
from swin_dense.checks.named_files import named_weights, work_dir_is_writable
from swin_dense.checks.parameter_rules import unread_rules
from swin_dense.checks.training_settings import hooks_and_workers, parts_together, training_settings


def check_settings(cfg: Config, splits: Sequence[str], depth: Depth) -> Iterator[Finding]:
    """What can be said of the settings of `splits` without building anything or reading any data."""
    datasets = list(dataset_configs(cfg, splits))
    is_trained = 'train' in splits
    found = chain(
        find_idle_variables(cfg),
        *(parts_together(cfg, split) for split in splits),
        training_settings(cfg) if is_trained else (),
        unread_rules(cfg) if is_trained else (),
        hooks_and_workers(cfg),
        evaluation_settings(cfg, splits),
        loaded_annotations(cfg, datasets),
        model_settings(cfg, datasets) if is_trained else (),
        named_weights(cfg, is_trained=is_trained),
        work_dir_is_writable(cfg),
    )
    for finding in found:
        yield replace(finding, file=finding.file or str(cfg.filename or ''))
