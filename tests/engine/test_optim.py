"""Optimiser wrappers: autocast changes the region's type and trains, non-finite losses change no weight."""

import pytest
import torch
from mmengine import optim

from swin_dense.engine.errors import TrainingError
from swin_dense.engine.optim import AutocastOptimWrapper, OptimWrapper
from swin_dense.engine.training import use_autocast
from tests.engine.toys import toy_config


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def train_some(wrapper_class, losses, **options):
    """Update a linear layer by losses scaled with the given numbers; gives its weight after each."""
    model = linear()
    wrapper = wrapper_class(optimizer=torch.optim.SGD(model.parameters(), lr=0.1), **options)
    weights = []
    for number in losses:
        with wrapper.optim_context(model):
            loss = model(torch.ones(4, 3)).float().square().mean() * number
        wrapper.update_params(loss)
        weights.append(model.weight.detach().clone())
    return weights, wrapper


@pytest.mark.parametrize('options', [{}, {'accumulative_counts': 2, 'clip_grad': {'max_norm': 0.1}}])
def test_finite_losses_update_as_in_mmengine(options):
    def fresh():
        return {key: dict(value) if isinstance(value, dict) else value for key, value in options.items()}

    ours, _ = train_some(OptimWrapper, [1.0, 2.0, 0.5, 1.0], **fresh())
    theirs, _ = train_some(optim.OptimWrapper, [1.0, 2.0, 0.5, 1.0], **fresh())
    assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize('bad', [float('nan'), float('inf')])
def test_a_bad_loss_is_left_out(bad):
    with_bad, wrapper = train_some(OptimWrapper, [1.0, bad, 2.0])
    without, _ = train_some(OptimWrapper, [1.0, 2.0])
    assert wrapper.skipped_updates == 1
    assert torch.equal(with_bad[1], with_bad[0])
    assert torch.equal(with_bad[2], without[1])


def test_a_bad_loss_takes_its_window_along():
    weights, wrapper = train_some(OptimWrapper, [1.0, float('nan'), 1.0, 1.0], accumulative_counts=2)
    assert wrapper.skipped_updates == 1
    assert torch.equal(weights[1], weights[0])
    assert not torch.equal(weights[3], weights[1])
    assert torch.isfinite(weights[3]).all()


@pytest.mark.parametrize(('name', 'dtype'), [('bf16', torch.bfloat16), ('fp16', torch.float16)])
def test_autocast_on_cpu_changes_the_type_and_learns(build, tmp_path, name, dtype):
    cfg = toy_config(tmp_path, iterations=40, optim_wrapper__accumulative_counts=1)
    use_autocast(cfg, name)
    cfg.custom_hooks = []
    runner = build(cfg)
    runner.train()
    trained = runner.model.dtypes[:40]
    assert dtype in trained
    assert torch.float32 not in trained[:4]  # until the first validation, at iteration 4
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert losses[-8:].mean() < losses[:8].mean()
    assert all(parameter.dtype is torch.float32 for parameter in runner.model.parameters())
    assert ('scale' in runner.optim_wrapper.state_dict()['loss_scaler']) == (name == 'fp16')


def test_fp16_scaling_does_not_change_the_update():
    scaled, wrapper = train_some(AutocastOptimWrapper, [1.0, 1.0], dtype='fp16', clip_grad={'max_norm': 0.5})
    plain, _ = train_some(OptimWrapper, [1.0, 1.0], clip_grad={'max_norm': 0.5})
    assert wrapper.loss_scaler.get_scale() == 65536
    assert torch.allclose(scaled[-1], plain[-1], rtol=2e-3)


def test_fp16_overflow_lowers_the_scale_and_is_counted():
    weights, wrapper = train_some(AutocastOptimWrapper, [1.0, 1e34], dtype='fp16')
    assert torch.equal(weights[1], weights[0])
    assert wrapper.loss_scaler.get_scale() == 32768
    assert wrapper.skipped_updates == 1


def test_the_scale_is_saved_and_loaded():
    _, wrapper = train_some(AutocastOptimWrapper, [1e34], dtype='fp16')
    state = wrapper.state_dict()
    _, other = train_some(AutocastOptimWrapper, [1.0], dtype='fp16')
    other.load_state_dict(state)
    assert other.loss_scaler.get_scale() == 32768
    assert 'loss_scaler' in state  # the argument is as it was


def test_an_unknown_type_is_an_error():
    with pytest.raises(ValueError, match='one of bf16, fp16'):
        train_some(AutocastOptimWrapper, [], dtype='half')


def test_amp_replaces_any_wrapper(tmp_path):
    cfg = toy_config(tmp_path, iterations=1)
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.loss_scale = 'dynamic'
    use_autocast(cfg, 'bf16')
    assert cfg.optim_wrapper.type == 'swin_dense.AutocastOptimWrapper'
    assert cfg.optim_wrapper.dtype == 'bf16'
    assert 'loss_scale' not in cfg.optim_wrapper
    assert cfg.optim_wrapper.accumulative_counts == 3


def test_a_loss_that_stays_bad_stops_with_its_origin(build, tmp_path):
    cfg = toy_config(
        tmp_path,
        iterations=30,
        default_hooks__checkpoint__interval=1,
        default_hooks__non_finite={'type': 'swin_dense.NonFiniteHook', 'max_consecutive': 3},
    )
    runner = build(cfg)

    def overflow(module, inputs, output):
        return output * float('inf') if runner.iter >= 9 else output

    runner.model.backbone.linear.register_forward_hook(overflow)
    with pytest.raises(TrainingError, match=r'3 iterations in a row, up to iteration 12.*backbone\.linear \(Linear\)'):
        runner.train()
    assert runner.message_hub.get_scalar('train/skipped_updates').current() >= 1
    saved = torch.load(tmp_path / 'iter_11.pth', weights_only=True)['state_dict']
    assert all(torch.isfinite(tensor).all() for tensor in saved.values())


def test_bad_inputs_are_named(build, tmp_path):
    cfg = toy_config(
        tmp_path,
        iterations=30,
        train_dataloader__dataset__poison=tuple(range(11)),
        default_hooks__non_finite={'type': 'swin_dense.NonFiniteHook', 'max_consecutive': 2},
    )
    with pytest.raises(TrainingError, match='It begins in the input images'):
        build(cfg).train()
