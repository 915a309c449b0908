"""Memory of a step against sizes counted by hand; what is said of machines that are too small."""

import time

import pytest
import torch
from torch import nn

from swin_dense.checks import resources, step_memory
from swin_dense.checks.resources import Times, memory_findings, worker_findings
from swin_dense.checks.step_memory import StepMemory, counted_activations, free_memory, state_memory
from swin_dense.checks.trial_step import later_seconds

pytestmark = pytest.mark.filterwarnings('ignore')
CPU, GPU = torch.device('cpu'), torch.device('cuda')
MIB = 2**20


class Wrapper:
    def __init__(self, optimizer):
        self.optimizer = optimizer


def test_activations_are_what_the_backward_pass_needs():
    model = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    memory = StepMemory()
    images = torch.randn(3, 10)
    with counted_activations(model, memory):
        loss = model(images).sum()
    # the images, and the one map after the ReLU: it is saved twice and lies in memory once; weights are none
    assert memory.activations == 4 * (3 * 10 + 3 * 20)
    loss.backward()
    assert model[0].weight.grad is not None


def test_state_is_the_same_before_and_after_the_first_step():
    model = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20))
    model[0].bias.requires_grad = False
    wrapper = Wrapper(torch.optim.AdamW([p for p in model.parameters() if p.requires_grad]))
    before = state_memory(model, wrapper)
    trained = 10 * 20 + 20 + 20
    assert before.parameters == 4 * (trained + 20 + 20 + 20) + 8  # the frozen bias, mean, variance; a count
    assert before.gradients == 4 * trained
    assert before.optimizer == 2 * 4 * trained
    model(torch.randn(4, 10)).sum().backward()
    wrapper.optimizer.step()
    assert state_memory(model, wrapper).optimizer == 2 * 4 * trained + 3 * 4  # and a count for each
    plain = Wrapper(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
    plain.optimizer.step()
    assert state_memory(model, plain).optimizer == 4 * trained


def test_free_memory_of_a_container(tmp_path, monkeypatch):
    assert free_memory(CPU) > 0
    (tmp_path / 'memory.max').write_text('1000\n')
    (tmp_path / 'memory.current').write_text('900\n')
    (tmp_path / 'memory.stat').write_text('anon 600\ninactive_file 250\n')
    monkeypatch.setattr(step_memory, '_CGROUP', tmp_path)
    assert free_memory(CPU) == 350
    (tmp_path / 'memory.max').write_text('max\n')
    assert free_memory(CPU) > 350


@pytest.mark.parametrize(
    ('free', 'level', 'words'),
    [
        (1000, 'ok', '1000.0 MiB are free'),
        (950, 'warning', 'batch_size=7 '),
        (700, 'error', 'batch_size=5 with optim_wrapper.accumulative_counts=2'),  # 100 + 5 x 100 <= 630
        (150, 'error', 'not even one image fits'),
        (None, 'ok', '900.0 MiB'),
    ],
)
def test_memory(free, level, words):
    memory = StepMemory(50 * MIB, 20 * MIB, 30 * MIB, 123, measured_peak=900 * MIB)
    free = None if free is None else free * MIB
    (found,) = memory_findings(memory, images=8, free=free, device=GPU, file='c.py')
    assert found.level == level
    assert words in found.message + found.remedy


def test_workers(monkeypatch):
    monkeypatch.setattr(resources, 'usable_cores', lambda: 8)

    def rules(workers, loading, step, device=GPU):
        found = worker_findings({'num_workers': workers}, Times(loading, step, waits=False), device, '')
        return [(finding.rule, finding.remedy) for finding in found]

    assert rules(2, 0.1, 0.2) == []
    assert rules(2, 0.5, 0.2) == [('loading-slower-than-steps', 'train_dataloader.num_workers=5 of the 8 cores.')]
    assert rules(8, 0.5, 0.2) == []
    assert rules(2, 0.5, 0.2, CPU) == []
    assert rules(9, 0.1, 0.2)[0][0] == 'more-workers-than-cores'
    assert Times(0.5, 0.2, waits=True).iteration == pytest.approx(0.7)
    assert Times(0.5, 0.2, waits=False).iteration == 0.5


class Slow(nn.Module):
    """Takes some time for a step, the more the fewer there were."""

    def __init__(self, seconds):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seconds = list(seconds)

    def train_step(self, batch, wrapper):
        time.sleep(self.seconds.pop(0))


def test_the_time_of_a_step_is_not_that_of_the_first():
    assert later_seconds(Slow([0.05, 0.01]), None, [0, 1], first=0.2) == pytest.approx([0.05, 0.01], abs=0.02)
    # one more step tells the time of all, where it does not take long
    assert len(later_seconds(Slow([0.01] * 3), None, [0, 1, 2], first=8.0)) == 1
    assert later_seconds(Slow([]), None, [0, 1], first=20.0) == []
    assert later_seconds(Slow([]), None, [], first=1.0) == []
