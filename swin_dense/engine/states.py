"""What a checkpoint of training holds, and how it is put back."""

import time
from typing import Any, cast

import mmengine
import torch
from mmengine.dist import all_gather_object, all_reduce, get_world_size
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.optim import OptimWrapper

from swin_dense.engine.errors import TrainingError, closest
from swin_dense.engine.plain import plain
from swin_dense.version import __version__

_SHOWN = 6


def bare(model: torch.nn.Module) -> torch.nn.Module:
    """Take a model out of its wrappers: for several processes, for several views of each test image."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = cast(torch.nn.Module, model.module)
    return model


def collect(
    runner: Any, *, meta: dict, with_optimizer: bool, with_schedulers: bool, random_states: dict
) -> dict | None:
    """Gather all of a run's state, on every rank; gives the checkpoint on the main one, and None on the others."""
    random_states_of_ranks = all_gather_object(random_states)
    gradients = accumulated_gradients(runner.model, runner.optim_wrapper) if with_optimizer else {}
    if runner.rank != 0:
        return None
    checkpoint: dict[str, Any] = {
        'meta': {**meta, **_describe(runner)},
        'state_dict': bare(runner.model).state_dict(),
        'message_hub': runner.message_hub.state_dict(),
        'random_states': random_states_of_ranks,
    }
    if with_optimizer:
        checkpoint['optimizer'] = runner.optim_wrapper.state_dict()
        checkpoint['accumulated_gradients'] = gradients
    if with_schedulers and runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = _scheduler_states(runner.param_schedulers)
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    for state in ('state_dict', 'ema_state_dict'):  # of both, one holds the averages and the other what they are of
        _refuse_non_finite(checkpoint.get(state, {}))
    left_out: list[str] = []
    checkpoint = plain(checkpoint, where='checkpoint', left_out=left_out)
    if left_out:
        runner.logger.warning(f'not plain data, so not in the checkpoint: {", ".join(left_out)}')
    return checkpoint


def _describe(runner: Any) -> dict:
    dataset = runner.train_dataloader.dataset
    description = {
        'cfg': runner.config_text,
        'recipe': runner.recipe,
        'config_hash': runner.config_hash,
        'recipe_fingerprint': runner.recipe_fingerprint,
        'data_fingerprint': runner.data_fingerprint,
        'seed': runner.seed,
        'world_size': runner.world_size,
        'batches_per_epoch': len(runner.train_dataloader),
        'experiment_name': runner.experiment_name,
        'time': time.strftime('%Y%m%d_%H%M%S'),
        'mmengine_version': mmengine.__version__,
        'torch_version': str(torch.__version__),
        'swin_dense_version': __version__,
    }
    if hasattr(dataset, 'metainfo'):
        description['dataset_meta'] = dataset.metainfo
    return description


def _scheduler_states(schedulers: Any) -> Any:
    if isinstance(schedulers, dict):
        return {name: _scheduler_states(group) for name, group in schedulers.items()}
    return [scheduler.state_dict() for scheduler in schedulers]


def _refuse_non_finite(state: dict) -> None:
    for name, tensor in state.items():
        if torch.is_floating_point(tensor) and not torch.isfinite(tensor).all():
            raise TrainingError(
                f'{name} holds NaN or infinity: no checkpoint of such weights is written, and the last one stays. '
                'A lower learning rate, gradient clipping or bf16 in place of fp16 are the usual remedies.'
            )


def accumulated_gradients(model: torch.nn.Module, optim_wrapper: OptimWrapper) -> dict[str, torch.Tensor]:
    """Give the gradients of a window of accumulation that is not over, by parameter name.

    Ranks hold different ones until the end of the window, when the mean is taken; so the mean of what they hold now
    stands for all of them.
    """
    if optim_wrapper.should_update():
        return {}
    gradients = {name: p.grad for name, p in bare(model).named_parameters() if p.grad is not None}
    if get_world_size() > 1:
        gradients = {name: gradient.clone() for name, gradient in gradients.items()}
        for gradient in gradients.values():
            all_reduce(gradient, 'mean')
    return gradients


def put_gradients(model: torch.nn.Module, gradients: dict[str, torch.Tensor]) -> None:
    """Put back what `accumulated_gradients` gave."""
    for name, parameter in bare(model).named_parameters():
        if name in gradients:
            parameter.grad = gradients[name].to(parameter)


def put_weights(model: torch.nn.Module, state: dict, *, source: str, other_sizes_allowed: bool) -> str:
    """Load `state` into `model`: every name has to be in both. Gives one sentence on what was loaded.

    With `other_sizes_allowed`, tensors of another size keep their initial values (a head for other classes).
    """
    own = model.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    resized = [name for name in own if name in state and own[name].shape != state[name].shape]
    faults = []
    if missing:
        faults.append(f'missing in the file, {len(missing)}: {_some(missing)}.{_hint(missing[0], unexpected)}')
    if unexpected:
        faults.append(f'unknown to the model, {len(unexpected)}: {_some(unexpected)}.')
    if resized and (faults or not other_sizes_allowed):
        sizes = [f'{name} {tuple(state[name].shape)} in the file, {tuple(own[name].shape)} here' for name in resized]
        faults.append(f'of another size, {len(resized)}: {_some(sizes)}.')
    if faults:
        fitting = len(own) - len(missing) - len(resized)
        raise ValueError(
            f'{source} is a checkpoint of another model: {fitting} of {len(own)} tensors of '
            f'{type(model).__name__} fit.\n'
            + '\n'.join(faults)
            + '\nUse the config that the checkpoint was trained with.'
        )
    model.load_state_dict({name: tensor for name, tensor in state.items() if name not in resized}, strict=False)
    report = f'{len(own) - len(resized)} of {len(own)} tensors from {source}'
    return f'{report}; initial values for {_some(resized)} (other sizes)' if resized else report


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')


def _hint(name: str, candidates: list[str]) -> str:
    return closest(name, candidates, count=1) if len(candidates) < 1000 else ''
