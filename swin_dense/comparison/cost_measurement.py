"""Costs of all models of a comparison: counted, and measured in turns on one device, at the real test size.

A model is measured whole, as it predicts: normalisation, backbone, neck, heads, and the boxes, masks or maps they give.
Models of one task get the same image and are timed in turns; what is timed together is stored together, so that a
model that joins later has all of its task timed again, and nothing else.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from swin_dense.checkpoints.digests import digest
from swin_dense.checks.isolation import silent
from swin_dense.checks.step_memory import free_memory
from swin_dense.comparison.cost_progress import CostProgress
from swin_dense.comparison.cost_store import CostStore
from swin_dense.comparison.energy import SECONDS as ENERGY_SECONDS
from swin_dense.comparison.energy import EnergyMeter, joules_per_image
from swin_dense.comparison.interleaving import interleaved, warmed
from swin_dense.comparison.measured_images import common_images, padded_to, task_of
from swin_dense.comparison.peak_memory import UnmeasuredError, inference_memory, state_bytes, training_memory
from swin_dense.comparison.predictions import PRECISIONS, MeasuredModel, Prediction, with_classes
from swin_dense.comparison.results import ModelCosts
from swin_dense.comparison.throughput import BATCHES, best_throughput
from swin_dense.costs.counting import count_costs
from swin_dense.costs.models import build_model
from swin_dense.engine.config_options import RUNNER_KEYS
from swin_dense.engine.settings import recipe, recipe_hash
from swin_dense.engine.start_log import versions
from swin_dense.inference.devices import checked_device

LATENCY_SECONDS, THROUGHPUT_SECONDS = 2.0, 1.0  # of each model, and of each at each batch
CPU_BATCHES = (1, 2, 4)  # on a CPU larger ones gain nothing
# what a model is expected to take, for the time that is left
_PLANNED = {'counts': 1.0, 'memory': 5.0, 'latency': 3.0, 'throughput': 4.0, 'energy': ENERGY_SECONDS}


def measure_costs(
    configs: Mapping[str, Config],
    *,
    out: Path,
    device: str,
    precision: str,
    checkpoints: Mapping[str, Path] | None = None,
) -> dict[str, ModelCosts]:
    """Count and measure all models. What `out`/costs.json has already of the same models is not measured again.

    Args:
        configs: name -> config; not changed.
        out: folder of costs.json, which is written after each part.
        device: `cpu`, `cuda` or `cuda:1`.
        precision: `fp32`, or autocast to `bf16` or `fp16`.
        checkpoints: name -> weights. Models without have weights drawn at random: detectors then find as many objects
            as chance gives them, and post-processing takes more or less time than after training.

    Returns: those models whose parameters and multiply-adds can be counted. What failed to be measured is None, and
    `notes` say why; so does a line on stderr.

    Raises:
        ValueError: an unknown precision, or a device that is not there.
    """
    if precision not in PRECISIONS:
        raise ValueError(f'costs are measured in {", ".join(PRECISIONS)}; got precision {precision!r}.')
    device = str(checked_device(device))
    filled = {name: with_classes(cfg) for name, cfg in configs.items()}
    images = common_images(filled)
    models = {
        name: MeasuredModel(
            values=cfg.to_dict(),
            filename=cfg.filename,
            image=images[name],
            device=device,
            precision=precision,
            checkpoint=(checkpoints or {}).get(name),
        )
        for name, cfg in filled.items()
    }
    measurement = _Measurement(models, Path(out))
    measurement.run()
    return {name: costs for name in configs if (costs := measurement.store.costs(name)) is not None}


def device_name(device: str) -> str:
    """The processor by its name, with what of it is used."""
    if torch.device(device).type == 'cuda':
        return f'{torch.cuda.get_device_name(device)} (CUDA {torch.version.cuda})'
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
        model = next(line.split(':', 1)[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        model = 'cpu'
    return f'{model}, {torch.get_num_threads()} threads'


class _Measurement:
    """All parts, in their order, each of what the store does not have."""

    def __init__(self, models: Mapping[str, MeasuredModel], out: Path) -> None:
        self.models = models
        self._device_name = device_name(next(iter(models.values())).device) if models else ''
        self.store = CostStore(out, {name: self._key(model) for name, model in models.items()})
        tasks: dict[str, list[str]] = {}
        for name, model in models.items():
            tasks.setdefault(task_of(model.cfg), []).append(name)
        self._tasks = list(tasks.values())

    def run(self) -> None:
        todo = [(part, names) for part in ('counts', 'memory') for name in self.models for names in [[name]]]
        todo = [(part, names) for part, names in todo if not self.store.has(names[0], part)]
        for names in self._tasks:
            parts = ('latency', 'throughput', 'energy')
            todo += [(part, names) for part in parts if not self.store.were_together(names, part)]
        planned = [_PLANNED[part] * len(names) for part, names in todo]
        self._progress = CostProgress(sum(planned))
        built: tuple[list[str], dict[str, Any]] = ([], {})
        for (part, names), seconds in zip(todo, planned, strict=True):
            self._progress.begin(f'{part} of {", ".join(names)}')
            if part in ('counts', 'memory'):
                values = {name: getattr(self, f'_{part}')(name) for name in names}
            else:
                if built[0] != names:
                    built = (names, {})  # the models of the task before are freed first
                    built = (names, self._working(names))
                values = self._together(part, names, built[1])
            self.store.put(part, values)
            self._progress.end(seconds)

    # --- parts: fields of ModelCosts, by model where they are measured in turns --------------------------------------

    def _counts(self, name: str) -> dict[str, Any]:
        model = self.models[name]
        notes = [f'measured with {model.image.source}']
        if model.checkpoint is None:
            notes.append('weights were drawn at random')
        facts = {'device': self._device_name, 'precision': model.precision}
        try:
            with silent():
                size = padded_to(model.cfg, model.image)
                parts = count_costs(build_model(model.cfg, 'meta'), size)
        except Exception as error:
            return {'notes': [self._failure(name, 'not counted', error)]}
        of_backbone = [part for part in parts if part.group == 'backbone']
        return {
            'parameters': sum(part.parameters for part in parts),
            'macs': sum(part.macs or 0 for part in parts),
            'backbone_parameters': sum(part.parameters for part in of_backbone),
            'backbone_macs': sum(part.macs or 0 for part in of_backbone),
            'image_size': list(size),
            **facts,
            'notes': notes,
        }

    def _memory(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {'notes': []}
        for field, function in (
            ('inference_memory_bytes', inference_memory),
            ('training_memory_bytes', training_memory),
        ):
            try:
                found[field] = function(self.models[name])
            except Exception as error:
                found['notes'].append(
                    self._failure(name, f'no {field.removesuffix("_bytes").replace("_", " ")}', error)
                )
        return found

    def _latency(self, built: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        subjects = {name: self._subject(name, model, 1) for name, model in built.items()}
        with silent():
            found = interleaved(subjects, seconds=LATENCY_SECONDS)
        return {
            name: {
                'latency_p50_ms': round(timings.median * 1e3, 3),
                'latency_p95_ms': round(timings.p95 * 1e3, 3),
                'latency_spread_ms': round(timings.quartile_range * 1e3, 3),
            }
            for name, timings in found.items()
        }

    def _throughput(self, built: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        def maker(name: str, model: Any) -> Callable[[int], Prediction]:
            return lambda count: self._subject(name, model, count)

        makers = {name: maker(name, model) for name, model in built.items()}
        on_cpu = next(iter(self.models.values())).device == 'cpu'
        sizes = {name: state_bytes(model) for name, model in built.items()}

        def fits(name: str, batch: int) -> bool:
            peak = self.store.field(name, 'memory', 'inference_memory_bytes')
            free = free_memory(torch.device('cpu')) if on_cpu else None
            return None in (peak, free) or batch * (peak - sizes[name]) < free

        with silent():
            found = best_throughput(
                makers, batches=CPU_BATCHES if on_cpu else BATCHES, seconds=THROUGHPUT_SECONDS, fits=fits
            )
        return {
            name: {
                'best_batch': best.batch,
                'images_per_second': best.images_per_second and round(best.images_per_second, 3),
                'images_per_second_spread': best.quartile_range and round(best.quartile_range, 3),
                'notes': [f'of batches of {", ".join(map(str, best.tried))} images: {best.stopped}'],
            }
            for name, best in found.items()
        }

    def _energy(self, built: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        meter = EnergyMeter.of(next(iter(self.models.values())).device)
        if isinstance(meter, str):
            return {name: {'notes': [meter]} for name in built}
        found = {}
        for name, model in built.items():
            batch = self.store.field(name, 'throughput', 'best_batch') or 1
            subject = self._subject(name, model, batch)
            found[name] = {'joules_per_image': round(joules_per_image(meter, subject, batch), 4)}
        return found

    # --- what parts need ---------------------------------------------------------------------------------------------

    def _working(self, names: Sequence[str]) -> dict[str, Any]:
        """Models on the device, warm; without those that cannot predict."""
        built = {}
        self._broken: dict[str, str] = {}
        for name in names:
            try:
                with silent():
                    model = self.models[name].build()
                    if warmed(self._subject(name, model, 1)) is None:
                        raise UnmeasuredError('there is not enough memory for one image')
                built[name] = model
            except Exception as error:
                self._broken[name] = self._failure(name, 'no latency, throughput and energy', error)
        return built

    def _subject(self, name: str, model: Any, count: int) -> Prediction:
        return Prediction(model, self.models[name].image, count, self.models[name].precision)

    def _together(self, part: str, names: Sequence[str], built: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """A part that all models of a task are measured for in turns."""
        found: Mapping[str, dict[str, Any]] = {}
        try:
            if built:
                found = getattr(self, f'_{part}')(built)
        except Exception as error:
            found = {name: {'notes': [self._failure(name, f'no {part}', error)]} for name in built}
        mark = secrets.token_hex(8)
        values = {}
        for name in names:
            # said once, at the first of the parts that are missing
            missing = {'notes': [self._broken[name]] if part == 'latency' and name in self._broken else []}
            values[name] = {**found.get(name, missing), 'together': mark}
        return values

    def _failure(self, name: str, what: str, error: Exception) -> str:
        reason = str(error) if isinstance(error, UnmeasuredError) else f'{type(error).__name__}: {error}'
        text = f'{what}: {reason.strip().splitlines()[0] if reason.strip() else reason}'
        self._progress.warn(name, text)
        return text

    def _key(self, model: MeasuredModel) -> dict[str, Any]:
        return {
            'config': recipe_hash(recipe(model.cfg, RUNNER_KEYS)),
            'weights': None if model.checkpoint is None else digest(model.checkpoint),
            'image': [*model.image.size, model.image.source],
            'device': self._device_name,
            'precision': model.precision,
            'versions': versions(),
        }
