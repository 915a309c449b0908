"""n iterations == k + resume n - k, bit for bit: parameters, optimiser, schedulers, averaged weights, log of losses."""

import json
import time

import pytest
import torch
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.hooks import Hook
from torch.utils.data import BatchSampler

from swin_dense.engine.exact_data import ResumableBatches, SeededDataset, exact_loader
from swin_dense.engine.interrupts import Interrupted
from tests.engine.toys import ToyDataset, toy_config


class StopAfter(Hook):
    """Asks to stop as a signal does."""

    priority = 'HIGHEST'

    def __init__(self, iteration):
        self.iteration = iteration

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            runner.signals.received = True


class StopInValidation(Hook):
    def __init__(self, step):
        self.step = step

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == self.step and batch_idx == 1:
            runner.signals.received = True


def final_state(runner):
    return {
        'model': runner.model.state_dict(),
        'optimizer': runner.optim_wrapper.state_dict(),
        'schedulers': [scheduler.state_dict() for scheduler in runner.param_schedulers],
        'ema': next(hook for hook in runner.hooks if hasattr(hook, 'ema_model')).ema_model.state_dict(),
    }


def assert_equal(left, right, where=''):
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right), where
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            assert_equal(left[key], right[key], f'{where}.{key}')
    elif isinstance(left, (list, tuple)):
        assert len(left) == len(right), where
        for number, (a, b) in enumerate(zip(left, right, strict=True)):
            assert_equal(a, b, f'{where}.{number}')
    else:
        assert left == right, where


def losses(work_dir):
    lines = [json.loads(line) for line in (work_dir / 'metrics.jsonl').read_text().splitlines()]
    return [{key: value for key, value in line.items() if 'time' not in key and key != 'memory'} for line in lines]


def run_in_parts(build, folder, stops, **options):
    for stop in stops:
        cfg = toy_config(folder, **options)
        cfg.resume = True
        runner = build(cfg)
        runner.register_hook(stop)
        with pytest.raises(Interrupted):
            runner.train()
    cfg = toy_config(folder, **options)
    cfg.resume = True
    runner = build(cfg)
    runner.train()
    return runner


@pytest.mark.parametrize(
    'options',
    [
        # 11 samples / batch 2 = 6 iterations an epoch; 3 accumulated, so iterations 4, 5, 7 are inside a window
        pytest.param({'epochs': 2}, id='epochs'),
        pytest.param({'epochs': 2, 'train_dataloader__num_workers': 2}, id='epochs, 2 workers'),
        pytest.param({'iterations': 10}, id='iterations'),
        pytest.param({'iterations': 10, 'train_dataloader__num_workers': 2}, id='iterations, 2 workers'),
        pytest.param({'iterations': 10, 'train_dataloader__sampler__type': 'DefaultSampler'}, id='finite sampler'),
        pytest.param(
            {'iterations': 10, 'optim_wrapper__type': 'swin_dense.AutocastOptimWrapper'}, id='iterations, bf16'
        ),
    ],
)
def test_parts_equal_the_whole(build, tmp_path, options):
    whole = build(toy_config(tmp_path / 'whole', **options))
    whole.train()
    parts = run_in_parts(build, tmp_path / 'parts', [StopAfter(4), StopAfter(7)], **options)
    assert_equal(final_state(parts), final_state(whole))
    assert losses(tmp_path / 'parts') == losses(tmp_path / 'whole')


def test_a_bad_loss_in_an_open_window_is_remembered(build, tmp_path):
    """Sample 5 is NaN: whole windows are left out, also where the run was stopped inside one."""
    options = {'epochs': 2, 'train_dataloader__dataset__poison': (5,)}
    whole = build(toy_config(tmp_path / 'whole', **options))
    whole.train()
    assert whole.optim_wrapper.skipped_updates == 2
    assert all(torch.isfinite(tensor).all() for tensor in whole.model.state_dict().values())
    for stop in range(1, 6):
        parts = run_in_parts(build, tmp_path / str(stop), [StopAfter(stop)], **options)
        assert_equal(final_state(parts)['model'], final_state(whole)['model'])


def test_workers_do_not_change_the_result(build, tmp_path):
    states = []
    for workers in (0, 2):
        runner = build(toy_config(tmp_path / str(workers), epochs=2, train_dataloader__num_workers=workers))
        runner.train()
        states.append(final_state(runner))
    assert_equal(*states)


@pytest.mark.parametrize('options', [{'epochs': 2}, {'iterations': 10}])
def test_stop_in_validation_repeats_it(build, tmp_path, options):
    step = 6 if 'epochs' in options else 4
    whole = build(toy_config(tmp_path / 'whole', **options))
    whole.train()
    parts = run_in_parts(build, tmp_path / 'parts', [StopInValidation(step)], **options)
    assert_equal(final_state(parts), final_state(whole))
    assert losses(tmp_path / 'parts') == losses(tmp_path / 'whole')


def test_best_checkpoint_does_not_disturb(build, tmp_path):
    """Saving inside a validation stores the random states from before it."""
    options = {
        'epochs': 3,
        'default_hooks__checkpoint__interval': 1,
        'default_hooks__checkpoint__save_best': 'toy/mean',
    }
    options['default_hooks__checkpoint__rule'] = 'greater'
    whole = build(toy_config(tmp_path / 'whole', **options))
    whole.train()
    parts = run_in_parts(build, tmp_path / 'parts', [StopAfter(9)], **options)
    assert_equal(final_state(parts), final_state(whole))
    # from a regular checkpoint as well
    (tmp_path / 'again').mkdir()
    (tmp_path / 'again' / 'epoch_1.pth').write_bytes((tmp_path / 'whole' / 'epoch_1.pth').read_bytes())
    again = run_in_parts(build, tmp_path / 'again', [], **options)
    assert_equal(final_state(again), final_state(whole))


def test_another_batch_size_goes_on_from_the_epoch_and_says_so(build, tmp_path):
    cfg = toy_config(tmp_path, epochs=2)
    runner = build(cfg)
    runner.register_hook(StopAfter(8))
    with pytest.raises(Interrupted):
        runner.train()
    cfg = toy_config(tmp_path, epochs=2, train_dataloader__batch_size=4)
    cfg.resume = True
    runner = build(cfg)
    runner.train()
    assert runner.iter == 6  # 2 epochs x ceil(11 / 4)
    assert any('3 iterations now' in note for note in runner.notes)
    log = next((tmp_path / runner.timestamp).glob('*.log')).read_text()
    assert 'train_dataloader.batch_size: 2 -> 4' in log


def test_other_classes_are_refused(build, tmp_path, monkeypatch):
    runner = build(toy_config(tmp_path, epochs=2))
    runner.register_hook(StopAfter(8))
    with pytest.raises(Interrupted):
        runner.train()
    monkeypatch.setattr(ToyDataset, 'metainfo', {'classes': ('cow',)})
    cfg = toy_config(tmp_path, epochs=2)
    cfg.resume = True
    with pytest.raises(ValueError, match='classes cat, dog; the training set has cow'):
        build(cfg).train()


# --- the data --------------------------------------------------------------------------------------------------------


def batches_of(sampler, *, batch, cycle=0, endless, count):
    wrapped = ResumableBatches(BatchSampler(sampler, 2, drop_last=False), seed=5, endless=endless)
    wrapped.start(cycle=cycle, batch=batch)
    found = []
    for indices in wrapped:
        found.append(indices)
        if len(found) == count:
            break
    return found


@pytest.mark.parametrize('sampler', [DefaultSampler, InfiniteSampler])
def test_skipping_gives_the_same_indices_and_seeds(sampler):
    dataset = ToyDataset()
    whole = batches_of(sampler(dataset, seed=1), batch=0, endless=True, count=25)
    for batch in (1, 5, 6, 13):
        part = batches_of(sampler(dataset, seed=1), batch=batch, endless=True, count=25 - batch)
        assert part == whole[batch:]
    seeds = [key.seed for indices in whole for key in indices]
    assert len(set(seeds)) == len(seeds)


def test_cycles_are_shuffled_differently_and_cover_all_samples():
    first = batches_of(DefaultSampler(ToyDataset(), seed=1), batch=0, endless=True, count=12)
    epochs = [[key.index for indices in half for key in indices] for half in (first[:6], first[6:])]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(11))
    assert epochs[0] != epochs[1]


def test_aspect_ratio_batches_resume():
    from mmdet.datasets.samplers import AspectRatioBatchSampler

    dataset = ToyDataset()

    def batches(batch):
        inner = AspectRatioBatchSampler(DefaultSampler(dataset, seed=1), 2)
        wrapped = ResumableBatches(inner, seed=5, endless=False)
        wrapped.start(cycle=3, batch=batch)
        return list(wrapped), len(wrapped)

    whole, length = batches(0)
    assert length == len(whole) == 6
    assert batches(4)[0] == whole[4:]
    shapes = [{dataset.get_data_info(key.index)['width'] for key in indices} for indices in whole[:-1]]
    assert all(len(shape) == 1 for shape in shapes)


def test_resuming_at_a_million_iterations_takes_seconds():
    dataset = ToyDataset(size=118_000)
    start = time.monotonic()
    found = batches_of(InfiniteSampler(dataset, seed=1), batch=1_000_000, endless=True, count=1)
    assert time.monotonic() - start < 5
    assert len(found[0]) == 2


def test_samples_depend_on_their_seed_only():
    from swin_dense.engine.exact_data import SeededIndex

    dataset = SeededDataset(ToyDataset())
    before = torch.get_rng_state()
    first = dataset[SeededIndex(4, 77)]['inputs']
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert torch.equal(dataset[SeededIndex(4, 77)]['inputs'], first)
    assert not torch.equal(dataset[SeededIndex(4, 78)]['inputs'], first)


def test_the_dataset_shows_through():
    loader = torch.utils.data.DataLoader(ToyDataset(), batch_size=2)
    exact = exact_loader(loader, seed=1, endless=False)
    assert exact.dataset.metainfo['classes'] == ('cat', 'dog')
    exact.dataset.pipeline = 'another'  # what mmdet's PipelineSwitchHook does
    assert loader.dataset.pipeline == 'another'
    assert len(exact) == len(loader) == 6


def test_making_an_iterator_draws_nothing_from_the_model():
    exact = exact_loader(torch.utils.data.DataLoader(ToyDataset(), batch_size=2), seed=1, endless=False)
    before = torch.get_rng_state()
    next(iter(exact))
    assert torch.equal(torch.get_rng_state(), before)
