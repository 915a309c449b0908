"""Memory at the peak, planted and found, in a process of its own; energy by a counter whose pace is known."""

import os
import signal
import sys
import types

import pytest
import torch

from swin_dense.checks import trial_step
from swin_dense.comparison import peak_memory
from swin_dense.comparison.energy import EnergyMeter, joules_per_image
from swin_dense.comparison.measured_images import common_images
from swin_dense.comparison.peak_memory import UnmeasuredError, inference_memory, training_memory
from swin_dense.comparison.predictions import MeasuredModel, with_classes

pytestmark = pytest.mark.filterwarnings('ignore')
PLANTED = 256 * 2**20


@pytest.fixture
def model(demo_config):
    cfg = with_classes(demo_config('upernet_swin'))
    return MeasuredModel(
        values=cfg.to_dict(),
        filename=cfg.filename,
        image=common_images({'m': cfg})['m'],
        device='cpu',
        precision='fp32',
        checkpoint=None,
    )


def hungry_inference(measured):
    """As `_inference_bytes`, with a prediction that holds 256 MB more for a while."""
    plain = peak_memory.predict

    def predict(*args):
        held = torch.ones(PLANTED // 4)
        found = plain(*args)
        del held
        return found

    peak_memory.predict = predict
    return peak_memory._inference_bytes(measured)


def killed(_):
    os.kill(os.getpid(), signal.SIGKILL)


def failing(_):
    raise RuntimeError('planted')


def slow_training(measured):
    peak_memory.MOST_STEP_SECONDS = 0.0
    return peak_memory._training_bytes(measured)


def large_training(measured):
    peak_memory.free_memory = lambda _: 10_000_000
    return peak_memory._training_bytes(measured)


def test_planted_memory(model):
    plain = inference_memory(model)
    hungry = peak_memory._in_new_process(hungry_inference, model)
    assert hungry - plain == pytest.approx(PLANTED, rel=0.05)
    # what this process took before changes nothing
    held = [torch.ones(2**20) for _ in range(50)]
    del held
    assert inference_memory(model) == pytest.approx(plain, rel=0.1)


def test_training_grows_with_the_batch(model):
    """A batch twice as large keeps twice the activations, and the state as it was."""
    values = model.values
    peaks = []
    for batch in (2, 4, 8):
        values['train_dataloader']['batch_size'] = batch
        peaks.append(training_memory(model))
    small, middle, large = peaks
    assert small < middle < large
    assert large - middle == pytest.approx(2 * (middle - small), rel=0.6)
    # weights, gradients, two moments
    assert small > 16 * sum(parameter.numel() for parameter in model.build().parameters())


@pytest.mark.parametrize(
    ('function', 'reason'),
    [
        (killed, 'ended with code -9'),
        (failing, 'RuntimeError: planted'),
        (slow_training, r'a step of 16 images takes about .* s on this CPU'),
        (large_training, r'a step of 16 images needs about .* GB; 0 are free'),
    ],
)
def test_reasons(function, reason, model):
    model.values['train_dataloader']['batch_size'] = 16
    with pytest.raises(UnmeasuredError, match=reason):
        peak_memory._in_new_process(function, model)


def test_without_training(model):
    del model.values['train_dataloader']
    with pytest.raises(UnmeasuredError, match='for testing alone'):
        training_memory(model)


def test_trial_step_is_left_out(model):
    """The few images that are tried first leave neither gradients nor moments, which are measured afterwards."""
    layer = torch.nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(layer.parameters())
    wrapper = types.SimpleNamespace(optimizer=optimizer, zero_grad=lambda **kwargs: optimizer.zero_grad(**kwargs))

    def take(layer, wrapper, batch):
        layer(torch.ones(2, 4)).sum().backward()
        optimizer.step()
        return trial_step.Step(images=2, seconds=0.1)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(peak_memory, 'take_step', take)
        peak_memory._try_few(layer, wrapper, {'inputs': [0] * 16})
    assert layer.weight.grad is None
    assert not optimizer.state


class Counter:
    """Of 250 W while there is work and 50 W otherwise, on a clock of its own."""

    def __init__(self):
        self.now = self.energy = 0.0

    def joules(self):
        return self.energy

    def pass_time(self, seconds, watts):
        self.now += seconds
        self.energy += seconds * watts


class Work:
    def __init__(self, counter):
        self.counter = counter

    def prepare(self):
        self.counter.pass_time(0.1, 50)

    def run(self, _):
        self.counter.pass_time(0.4, 250)


def test_energy():
    counter = Counter()
    found = joules_per_image(counter, Work(counter), 8, seconds=3.0, clock=lambda: counter.now)
    assert found == pytest.approx((0.1 * 50 + 0.4 * 250) / 8)
    assert counter.now >= 3.0
    assert joules_per_image(counter, Work(counter), 1, seconds=0, clock=lambda: counter.now) == pytest.approx(105)


def test_meter(monkeypatch):
    """NVML counts millijoules of the board that has the UUID of torch's device."""

    class NVMLError(Exception):
        pass

    handles = {'GPU-abc': 7}
    nvml = types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda uuid: handles[uuid],
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: {7: 12_500}[handle],
    )
    monkeypatch.setitem(sys.modules, 'pynvml', nvml)
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda _: types.SimpleNamespace(uuid='abc'))
    assert EnergyMeter.of('cuda:1').joules() == 12.5

    def unsupported(_):
        raise NVMLError('Not Supported')

    nvml.nvmlDeviceGetTotalEnergyConsumption = unsupported
    assert EnergyMeter.of('cuda') == 'NVML does not tell the energy of cuda: Not Supported'
    monkeypatch.setitem(sys.modules, 'pynvml', None)
    assert 'nvidia-ml-py' in EnergyMeter.of('cuda')
    assert 'NVIDIA' in EnergyMeter.of('cpu')
