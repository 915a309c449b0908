"""The part of tests/contract.py that compiles, exports, and trains in several processes."""

import gc
import shutil
import sys

import pytest
import torch
from torch import distributed, multiprocessing
from torch.nn.parallel import DistributedDataParallel

from tests.contract import close, gradients
from tests.contract_rows import ROWS

THIRD_PARTY = pytest.mark.filterwarnings('ignore')  # of torch's compiler and exporter


@THIRD_PARTY
class TestTraced:
    """Two levels: the other stages are the same code, and tracing takes seconds a block."""

    @pytest.fixture(autouse=True)
    def _fresh(self):
        torch._dynamo.reset()
        yield
        torch._dynamo.reset()

    @pytest.mark.parametrize(('activation_checkpointing', 'num_frozen_stages'), [(False, 0), (True, 0), (False, 1)])
    def test_compiles_without_graph_breaks(self, backbone, activation_checkpointing, num_frozen_stages):
        model = backbone.build(
            out_indices=(0, 1),
            activation_checkpointing=activation_checkpointing,
            num_frozen_stages=num_frozen_stages,
        )
        compiled = torch.compile(model, fullgraph=True, backend='aot_eager', dynamic=False)
        images = backbone.images(2, 33, 50)
        expected = gradients(model, images)
        for actual, wanted in zip(gradients(compiled, images), expected, strict=True):
            assert close(actual, wanted)
        if not activation_checkpointing:
            with torch.inference_mode():
                assert close(compiled(images), expected[0])

    def test_compiles_for_sizes_that_vary(self, backbone):
        model = backbone.build(out_indices=(0, 1)).eval()
        graphs = []
        compiled = torch.compile(
            model, fullgraph=True, dynamic=True, backend=lambda graph, _: graphs.append(graph) or graph.forward
        )
        with torch.no_grad():
            for size in [(2, 40, 57), (3, 72, 45), (2, 64, 96), (4, 100, 61)]:
                images = backbone.images(*size)
                assert close(compiled(images), model(images))
        assert len(graphs) <= 2

    @pytest.mark.slow
    @pytest.mark.skipif(
        sys.platform != 'linux' or not (shutil.which('g++') or shutil.which('gcc')),
        reason='the default compiler backend needs a C++ compiler',
    )
    def test_compiles_with_the_default_backend(self, backbone):
        model = backbone.build(out_indices=(0,)).eval()
        images = backbone.images(1, 33, 50)
        with torch.no_grad():
            assert close(torch.compile(model, fullgraph=True)(images), model(images), 1e-4)

    def test_exports_with_any_batch_height_and_width(self, backbone):
        model = backbone.build(out_indices=(0, 1)).eval()
        auto = torch.export.Dim.AUTO
        with torch.no_grad():
            images = backbone.images(2, 75, 101)
            sides = range(2, images.ndim)
            program = torch.export.export(model, (images,), dynamic_shapes=({0: auto, **dict.fromkeys(sides, auto)},))
        # unguarded: the guards are on strides of maps of one window, at which the operations are right all the same
        exported = program.module(check_guards=False)
        for size in [(2, 75, 101), (1, 31, 33), (3, 64, 96), (1, 20, 300), (2, 10, 12)]:
            images = backbone.images(*size)
            assert close(exported(images), model(images))


def train_in_a_process(rank: int, name: str, folder: str) -> None:
    """Three steps of one of two processes; each saves its parameters."""
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    torch.save(train_in_a_group(rank, name), f'{folder}/{rank}.pth')
    distributed.destroy_process_group()
    gc.collect()  # as swin_dense.engine.launch does


def train_in_a_group(rank: int, name: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    row = ROWS[name]
    model = row.build(out_indices=(0, 2), num_frozen_stages=1, drop_path_rate=0.1)
    torch.manual_seed(rank)
    parallel = DistributedDataParallel(model, find_unused_parameters=False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        images = row.images(2, 33 + 8 * rank, 50)
        sum(level.square().mean() for level in parallel(images) if level.requires_grad).backward()
        optimizer.step()
    return model.state_dict()


class TestDistributed:
    @THIRD_PARTY
    def test_processes_keep_equal_parameters(self, backbone, tmp_path):
        name = next(name for name, row in ROWS.items() if row is backbone)
        multiprocessing.spawn(train_in_a_process, args=(name, str(tmp_path)), nprocs=2)
        first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in range(2))
        torch.manual_seed(0)
        initial = backbone.build(out_indices=(0, 2), num_frozen_stages=1, drop_path_rate=0.1)
        prefixes = backbone.frozen(1)
        assert any(name.startswith(prefixes) for name in first)
        for key, before in initial.state_dict().items():
            assert torch.equal(first[key], second[key]), key
            assert torch.equal(first[key], before) == key.startswith(prefixes), key
