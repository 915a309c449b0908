"""The work of `tools/describe.py`: what a model costs."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from swin_dense.costs.closed_form import closed_form_macs
from swin_dense.costs.counting import NOT_COUNTED, PartCosts, count_costs
from swin_dense.costs.measurement import Measurement, measure
from swin_dense.costs.models import backbone_config, build_model, takes_clips, usual_size
from swin_dense.costs.sweep import PICTURES, parse_sides, save_plot
from swin_dense.costs.tables import costs_table, sweep_table
from swin_dense.engine.class_names import fill_classes, training_classes
from swin_dense.engine.config_options import merge_options
from swin_dense.engine.settings import load_config
from swin_dense.engine.start_log import device_name, versions
from swin_dense.layers.windows import Extent


@dataclass(frozen=True)
class Description:
    """Costs of one model at one image size.

    Attributes:
        config: path of the config.
        image_size: (height, width) in pixels, of clips (frames, height, width).
        parts: see `counting`.
        closed_form: multiply-adds of the backbone by its formula; None where there is none.
        measurement, device: what was measured and where, if it was.
    """

    config: str
    image_size: Extent
    parts: list[PartCosts]
    closed_form: int | None
    measurement: Measurement | None = None
    device: str | None = None

    @property
    def parameters(self) -> int:
        return sum(part.parameters for part in self.parts)

    @property
    def macs(self) -> int:
        return sum(part.macs or 0 for part in self.parts)


def describe(
    configs: Sequence[str],
    *,
    shape: Extent | None = None,
    sweep: str | None = None,
    plot: str | None = None,
    latency: bool = False,
    device: str | None = None,
    as_json: bool = False,
    cfg_options: dict[str, Any] | None = None,
) -> int:
    """Print the costs of the models of `configs`; gives the exit code."""
    _check_options(shape, sweep, plot, latency, device)
    sides = None if sweep is None else parse_sides(sweep)
    described = []
    for path in configs:
        cfg = load_config(path)
        _merge(cfg, cfg_options)
        _check_dimensions(cfg, shape, sweep)
        sizes = [shape or usual_size(cfg)] if sides is None else [(side, side) for side in sides]
        found = list(_describe(cfg, sizes, _device(device) if latency else None))
        described.append(found)
        if as_json:
            print(json.dumps(as_dict(found), allow_nan=False))
        elif sides is None:
            print(costs_table(found[0]), end='')
        else:
            print(sweep_table(found), end='')
    if plot is not None:
        curves = {Path(found[0].config).stem: [(one.image_size, one.macs) for one in found] for found in described}
        save_plot(Path(plot), curves)
    return 0


def _check_dimensions(cfg: Config, shape: Extent | None, sweep: str | None) -> None:
    of_clips = takes_clips(cfg)
    if sweep is not None and of_clips:
        raise ValueError(f'--sweep is of images, and {cfg.filename} takes clips: use --shape FRAMES HEIGHT WIDTH.')
    if shape is not None and (len(shape) == 3) != of_clips:
        wanted = 'FRAMES HEIGHT WIDTH' if of_clips else 'HEIGHT WIDTH'
        raise ValueError(f'--shape for {cfg.filename} is {wanted}; got {" ".join(map(str, shape))}.')


def _check_options(
    shape: Extent | None, sweep: str | None, plot: str | None, latency: bool, device: str | None
) -> None:
    if sweep is not None and shape is not None:
        raise ValueError('--shape and --sweep exclude each other: a sweep has the sizes.')
    if plot is not None and sweep is None:
        raise ValueError('--plot shows a sweep: give its sizes, as --sweep 224,448,896.')
    if plot is not None and Path(plot).suffix not in PICTURES:
        raise ValueError(f'--plot writes {" or ".join(PICTURES)}; got {plot!r}.')
    if device is not None and not latency:
        raise ValueError('--device is where latency is measured: use it with --latency.')
    if device is not None and not re.fullmatch(r'cpu|cuda(:\d+)?', device):
        raise ValueError(f'--device is cpu, cuda or cuda:NUMBER; got {device!r}.')
    if device is not None and device != 'cpu' and not torch.cuda.is_available():
        raise ValueError(f'--device {device}: torch finds no GPU here. Leave the option out to measure on the CPU.')
    if shape is not None and len(shape) not in (2, 3):
        raise ValueError(f'--shape is HEIGHT WIDTH, of clips FRAMES HEIGHT WIDTH; got {" ".join(map(str, shape))}.')
    if shape is not None and min(shape) < 1:
        raise ValueError(f'--shape is of pixels (and frames), at least 1; got {" ".join(map(str, shape))}.')


def _merge(cfg: Config, options: dict[str, Any] | None) -> None:
    if 'model' in cfg:
        merge_options(cfg, options)
        fill_classes(cfg)
        if training_classes(cfg) is None:  # read from data that is not there: the costs of one class
            fill_classes(cfg, known=('object',))
    else:  # a file with a backbone alone, whose arguments the backbone itself refuses
        cfg.merge_from_dict(options or {})


def _device(device: str | None) -> str:
    return device or ('cuda' if torch.cuda.is_available() else 'cpu')


def _describe(cfg: Config, sizes: Iterable[Extent], device: str | None) -> Iterator[Description]:
    model = build_model(cfg, 'meta')
    real = None if device is None else build_model(cfg, device)
    for size in sizes:
        parts = count_costs(model, size)
        formula = closed_form_macs(backbone_config(cfg), size)
        backbone = parts[0].macs
        # two independent counters: neither number is worth printing where they differ
        assert formula in (None, backbone), f'{cfg.filename} at {size}: counted {backbone}, by formula {formula}'
        measured = None if real is None else measure(real, size)
        yield Description(
            str(cfg.filename), size, parts, formula, measured, None if real is None else device_name(real)
        )


def as_dict(descriptions: Sequence[Description]) -> dict[str, Any]:
    """What `--json` prints of one model: numbers in units, no rounding."""
    first = descriptions[0]
    return {
        'config': first.config,
        'parameters': first.parameters,
        'not_counted': list(NOT_COUNTED),
        'device': first.device,
        'versions': versions(),
        'sizes': [
            {
                **({'frames': one.image_size[0]} if len(one.image_size) == 3 else {}),
                'height': one.image_size[-2],
                'width': one.image_size[-1],
                'macs': one.macs,
                'flops': 2 * one.macs,
                'backbone_macs_by_formula': one.closed_form,
                'parts': [{**asdict(part), 'group': part.group, 'flops': part.flops} for part in one.parts],
                'measured': None if one.measurement is None else asdict(one.measurement),
            }
            for one in descriptions
        ],
    }
