"""Costs of real, small models on real images: against other ways to get the numbers, resumed, and with what fails."""

import json
from collections import Counter

import pytest
import torch
from mmengine.registry import DATASETS, MODELS, DefaultScope

from swin_dense.comparison import cost_measurement
from swin_dense.comparison.cost_measurement import measure_costs
from swin_dense.comparison.cost_progress import CostProgress
from swin_dense.comparison.peak_memory import UnmeasuredError
from swin_dense.costs import closed_form_macs
from swin_dense.registry import MODELS as OUR_MODELS

pytestmark = pytest.mark.filterwarnings('ignore')
PARTS = ('counts', 'memory', 'latency', 'throughput', 'energy')


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(cost_measurement, 'LATENCY_SECONDS', 0.0)
    monkeypatch.setattr(cost_measurement, 'THROUGHPUT_SECONDS', 0.0)
    monkeypatch.setattr(cost_measurement, 'CPU_BATCHES', (1,))


@pytest.fixture
def calls(monkeypatch):
    """The parts that were measured, with the models; memory is as it were, to be quick."""
    made = []
    for part in PARTS:
        plain = getattr(cost_measurement._Measurement, f'_{part}')

        def watched(self, what, part=part, plain=plain):
            made.append((part, what if isinstance(what, str) else ' '.join(what)))
            return plain(self, what)

        monkeypatch.setattr(cost_measurement._Measurement, f'_{part}', watched)
    monkeypatch.setattr(cost_measurement, 'inference_memory', lambda _: 50_000_000)
    monkeypatch.setattr(cost_measurement, 'training_memory', lambda _: 90_000_000)
    return made


@OUR_MODELS.register_module()
class FailingHead(torch.nn.Module):
    """Of a segmentor that can be built and not run."""

    num_classes, out_channels, align_corners = 5, 5, False

    def __init__(self, **_):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1)

    def forward(self, levels):
        raise RuntimeError('this head fails\nin two lines')

    predict = loss = lambda self, *_, **__: self(None)


def measured(configs, out, precision='fp32', **kwargs):
    return measure_costs(configs, out=out, device='cpu', precision=precision, **kwargs)


@pytest.mark.parametrize('stem', ['upernet_swin', 'mask_rcnn_vit'])
def test_real_numbers(stem, demo_config, tmp_path):
    """All fields: counts by building and by formula, the size from the data set itself, times that fit together."""
    cfg = demo_config(stem)
    costs = measured({'m': cfg}, tmp_path)['m']
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        model = MODELS.build(cfg.model)
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        sizes = Counter(tuple(dataset[number]['inputs'].shape[-2:]) for number in range(len(dataset)))
        most = max(sizes.values())
        divisor = cfg.model.data_preprocessor.get('pad_size_divisor', 1)
    # the largest of those that are most frequent, padded
    height, width = max((size for size, count in sizes.items() if count == most), key=lambda size: size[0] * size[1])
    assert costs.image_size == (-(-height // divisor) * divisor, -(-width // divisor) * divisor)
    assert costs.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert costs.backbone_parameters == sum(parameter.numel() for parameter in model.backbone.parameters())
    assert costs.backbone_macs == closed_form_macs(cfg.model.backbone, costs.image_size)
    assert costs.macs > costs.backbone_macs
    assert 0 < costs.latency_p50_ms <= costs.latency_p95_ms
    assert costs.best_batch == 1
    assert 0.05 < costs.images_per_second * costs.latency_p50_ms / 1e3 < 20  # a wrong unit would be a thousand
    state = 4 * costs.parameters
    assert costs.inference_memory_bytes > state
    # weights, gradients and the two moments of AdamW, and activations of a batch
    assert costs.training_memory_bytes > 4 * state + costs.inference_memory_bytes - state
    assert costs.joules_per_image is None
    assert costs.precision == 'fp32'
    assert 'threads' in costs.device
    assert any('drawn at random' in note for note in costs.notes)


def test_nothing_is_measured_twice(demo_config, tmp_path, calls):
    configs = {stem: demo_config(stem) for stem in ('upernet_swin', 'upernet_vit')}
    first = measured(configs, tmp_path)
    both = 'upernet_swin upernet_vit'
    assert calls == [
        *((part, name) for part in ('counts', 'memory') for name in configs),
        *((part, both) for part in ('latency', 'throughput', 'energy')),
    ]
    calls.clear()
    assert measured(configs, tmp_path) == first
    assert measured({'upernet_vit': configs['upernet_vit']}, tmp_path) == {'upernet_vit': first['upernet_vit']}
    assert calls == []


def test_another_model_joins(demo_config, tmp_path, calls):
    """It is timed in turns with all of its task; the rest of the others stays."""
    configs = {stem: demo_config(stem) for stem in ('upernet_swin', 'mask_rcnn_vit')}
    measured(configs, tmp_path)
    calls.clear()
    measured({**configs, 'upernet_vit': demo_config('upernet_vit')}, tmp_path)
    together = 'upernet_swin upernet_vit'
    assert calls == [
        ('counts', 'upernet_vit'),
        ('memory', 'upernet_vit'),
        *((part, together) for part in ('latency', 'throughput', 'energy')),
    ]


def test_what_makes_it_measure_again(demo_config, tmp_path, calls, monkeypatch):
    cfg = demo_config('upernet_swin')
    measured({'m': cfg}, tmp_path)

    def parts_of(cfg, **kwargs):
        calls.clear()
        measured({'m': cfg}, tmp_path, **kwargs)
        return len(calls)

    assert parts_of(cfg, precision='bf16') == len(PARTS)
    other = demo_config('upernet_swin')
    other.model.backbone.drop_path_rate = 0.5
    assert parts_of(other, precision='bf16') == len(PARTS)
    other.work_dir = 'elsewhere'
    assert parts_of(other, precision='bf16') == 0
    monkeypatch.setattr(cost_measurement, 'versions', lambda: {'torch': '99'})
    assert parts_of(other, precision='bf16') == len(PARTS)
    monkeypatch.setattr(cost_measurement, 'device_name', lambda _: 'another processor')
    assert parts_of(other, precision='bf16') == len(PARTS)
    assert parts_of(other, precision='bf16') == 0


def test_weights_of_a_run(demo_config, tmp_path, calls):
    cfg = demo_config('upernet_swin')
    measured({'m': cfg}, tmp_path)
    with DefaultScope.overwrite_default_scope('mmseg'):
        state = MODELS.build(cfg.model).state_dict()
    calls.clear()
    torch.save({'state_dict': state}, tmp_path / 'weights.pth')
    costs = measured({'m': cfg}, tmp_path, checkpoints={'m': tmp_path / 'weights.pth'})['m']
    assert len(calls) == len(PARTS)
    assert not any('random' in note for note in costs.notes)


def test_killed_in_the_middle(demo_config, tmp_path, calls, monkeypatch):
    configs = {'m': demo_config('upernet_swin')}

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cost_measurement, 'interleaved', killed)
        with pytest.raises(KeyboardInterrupt):
            measured(configs, tmp_path)
    stored = json.loads((tmp_path / 'costs.json').read_text())['models']['m']['parts']
    assert list(stored) == ['counts', 'memory']
    calls.clear()
    costs = measured(configs, tmp_path)['m']
    assert [part for part, _ in calls] == ['latency', 'throughput', 'energy']
    assert costs.latency_p50_ms is not None


@pytest.mark.parametrize('text', ['', '{"models": {"m": 3}}', '{"models": []}', '{"models": {"m": {"key": {}}}}'])
def test_broken_file_is_made_anew(text, demo_config, tmp_path, calls):
    (tmp_path / 'costs.json').write_text(text)
    assert measured({'m': demo_config('upernet_swin')}, tmp_path)['m'].macs > 0
    assert len(calls) == len(PARTS)


def test_failures_leave_the_others(demo_config, tmp_path, calls, monkeypatch, capsys):
    """A model that cannot predict, and memory that cannot be measured: None, with the reason in notes and on stderr."""
    failing = demo_config('upernet_swin')
    failing.model.decode_head = {'type': 'swin_dense.FailingHead'}

    def too_small(_):
        raise UnmeasuredError('the memory is too small')

    monkeypatch.setattr(cost_measurement, 'training_memory', too_small)
    monkeypatch.setattr(
        cost_measurement,
        'count_costs',
        lambda model, size, plain=cost_measurement.count_costs: plain(model.backbone, size),
    )
    found = measured({'bad': failing, 'good': demo_config('upernet_vit')}, tmp_path)
    bad, good = found['bad'], found['good']
    assert (bad.latency_p50_ms, bad.images_per_second, bad.best_batch) == (None, None, None)
    assert bad.training_memory_bytes is None
    assert bad.inference_memory_bytes == 50_000_000
    assert 'no latency, throughput and energy: RuntimeError: this head fails' in bad.notes
    assert 'no training memory: the memory is too small' in bad.notes
    assert good.latency_p50_ms > 0
    assert good.images_per_second > 0
    said = capsys.readouterr().err
    assert 'warning: costs of bad: no latency, throughput and energy: RuntimeError: this head fails' in said
    calls.clear()
    assert measured({'bad': failing, 'good': demo_config('upernet_vit')}, tmp_path) == found
    assert calls == []


def test_what_cannot_be_counted_is_left_out(demo_config, tmp_path, calls, monkeypatch, capsys):
    def refuse(*_):
        raise ValueError('another kind of model')

    monkeypatch.setattr(cost_measurement, 'count_costs', refuse)
    assert measured({'m': demo_config('upernet_vit')}, tmp_path) == {}
    assert 'costs of m: not counted: ValueError: another kind of model' in capsys.readouterr().err


def test_data_that_is_not_there(demo_config, tmp_path, calls):
    """The size is that of the test pipeline's scale; training memory was not asked of real data here."""
    cfg = demo_config('mask_rcnn_swin')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.update(data_root='/nowhere', ann_file='none.json')
    costs = measured({'m': cfg}, tmp_path)['m']
    assert costs.image_size == (160, 192)  # 144 x 192, to multiples of 32
    assert any('the test set is not there' in note for note in costs.notes)


def test_wrong_arguments(demo_config, tmp_path):
    with pytest.raises(ValueError, match="fp32, bf16, fp16; got precision 'int8'"):
        measured({'m': demo_config('upernet_swin')}, tmp_path, precision='int8')
    with pytest.raises(ValueError, match="device 'cuda:77'"):
        measure_costs({}, out=tmp_path, device='cuda:77', precision='fp32')
    assert measured({}, tmp_path) == {}


def test_time_left():
    """The plan, then the plan at the pace so far."""
    now = [100.0]
    progress = CostProgress(40.0, clock=lambda: now[0])
    assert progress.seconds_left() == 40.0
    now[0] += 30.0
    progress.end(10.0)
    assert progress.seconds_left() == 90.0
    progress.end(30.0)
    assert progress.seconds_left() == 0.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('precision', ['fp32', 'bf16', 'fp16'])
def test_on_a_gpu(precision, demo_config, tmp_path):
    configs = {stem: demo_config(stem) for stem in ('upernet_swin', 'mask_rcnn_vit')}
    for costs in measure_costs(configs, out=tmp_path, device='cuda', precision=precision).values():
        assert costs.latency_p50_ms > 0
        assert costs.images_per_second > 0
        assert costs.training_memory_bytes > costs.inference_memory_bytes > 4 * costs.parameters
        assert torch.cuda.get_device_name() in costs.device
