"""The work of `tools/print_config.py`: a config as the runner gets it, and what it changes of another."""

import sys
from typing import Any

from swin_dense.engine.config_options import misspelt_keys, put_options
from swin_dense.engine.config_places import RUNNER_KEYS
from swin_dense.engine.plain import plain
from swin_dense.engine.settings import base_files, base_values, changes, load_config

BASE = 'base'


def config_text(config: str, *, diff: str | None = None, cfg_options: dict[str, Any] | None = None) -> str:
    """Give a config with its bases and options resolved; with `diff`, what is different from another one.

    Args:
        config: path of the config file.
        diff: path of the other one, or `base`: the files of its `_base_`, taken together.
        cfg_options: changes as of `--cfg-options`; they count as changes from the other one.
    """
    cfg = load_config(config)
    for key, meant in misspelt_keys(cfg):  # printed all the same: this is where one looks for what is wrong
        print(f'warning: {config}: nothing reads the key {key!r}. Did you mean {meant!r}?', file=sys.stderr)
    put_options(cfg, cfg_options)
    if diff is None:
        return cfg.pretty_text.rstrip()
    if diff == BASE and not base_files(config):
        raise ValueError(f'{config} has no _base_ to compare it with. Name another config: --diff OTHER.')
    old = base_values(config) if diff == BASE else load_config(diff).to_dict()
    lines = changes(_read(old), _read(cfg.to_dict()))
    of = ' and '.join(base_files(config)) if diff == BASE else diff
    return '\n'.join(lines) if lines else f'nothing that a run reads is different from {of}'


def _read(values: dict[str, Any]) -> dict[str, Any]:
    """What a run reads of a config: without the variables that it was composed with."""
    kept = {key: value for key, value in values.items() if key in RUNNER_KEYS}
    return plain(kept, where='config', left_out=[])
