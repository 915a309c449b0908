"""Latency and memory: of what really runs, part by part."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from swin_dense.costs import build_model, measure
from swin_dense.costs.measurement import Latency, ResidentPeak
from tests.costs.test_parts import FCN, detector, segmentor, standard_heads

ROOT = Path(__file__).resolve().parents[2]


def test_percentiles():
    """Of 1 to 40 ms in any order: the middle, and what 38 of 40 do not exceed."""
    seconds = [(number * 7 % 40 + 1) / 1e3 for number in range(40)]
    assert Latency.of(seconds) == Latency(median_ms=20.5, p95_ms=38.0, runs=40)
    assert Latency.of([0.003, 0.001, 0.002]) == Latency(median_ms=2.0, p95_ms=3.0, runs=3)


def test_parts_of_a_detector():
    """With real numbers regions are aligned, which takes time of its own."""
    model = build_model(detector(**standard_heads()), 'cpu')
    measured = measure(model, (64, 96), seconds=0)
    assert list(measured.parts) == [
        'backbone', 'neck', 'rpn_head', 'roi_align', 'roi_head.bbox_head', 'roi_head.mask_head',
    ]  # fmt: skip
    assert all(part.runs == 5 and 0 < part.median_ms <= part.p95_ms for part in measured.parts.values())
    assert measured.total.median_ms >= max(part.median_ms for part in measured.parts.values())


def test_learnt_boxes():
    """Sparse R-CNN, on real numbers."""
    cfg = Config.fromfile(ROOT / 'configs/swin/sparse_rcnn_swin_tiny_coco_1x.py')
    cfg.model.backbone.update(arch={'embed_dims': 8, 'depths': (1, 1, 1, 1), 'num_heads': (1, 1, 1, 1)})
    cfg.model.neck.in_channels = [8, 16, 32, 64]
    cfg.model.rpn_head.num_proposals = 4
    cfg.model.roi_head.bbox_head = cfg.model.roi_head.bbox_head[:2]
    cfg.model.roi_head.update(num_stages=2, stage_loss_weights=[1, 1])
    measured = measure(build_model(cfg, 'cpu'), (64, 96), seconds=0)
    assert list(measured.parts) == ['backbone', 'neck', 'rpn_head', 'roi_align', 'roi_head.bbox_head']


def test_slow_part():
    """The time is that of the part that takes it."""
    model = build_model(segmentor(FCN), 'cpu')
    forward = model.decode_head.forward
    model.decode_head.forward = lambda levels: time.sleep(0.05) or forward(levels)
    measured = measure(model, (32, 32), seconds=0)
    assert 50 <= measured.parts['decode_head'].median_ms <= measured.total.median_ms
    assert measured.parts['backbone'].median_ms < measured.parts['decode_head'].median_ms


# in a process of its own: what earlier tests gave back late would hide what is taken
HUNGRY = """
import time
import torch
from swin_dense.costs.measurement import measure

class Hungry(torch.nn.Conv2d):
    # holds 64 MB for a while, where the image is of full size
    def forward(self, x):
        if x.shape[-1] > 64:
            held = torch.ones(16 * 2**20)
            time.sleep(0.05)
            x = x + held[0] * 0
        return super().forward(x)

print(measure(Hungry(3, 4, 1).eval(), (65, 66), seconds=0).peak_memory_bytes)
"""


def test_peak_memory():
    result = subprocess.run([sys.executable, '-c', HUNGRY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(result.stdout) == pytest.approx(64 * 2**20, rel=0.1)


def test_resident_peak_ends_its_thread():
    before = threading.active_count()
    with ResidentPeak():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_on_a_gpu():
    """Memory is what torch allocates: at least the largest map and its copy."""
    model = build_model(detector(**standard_heads()), 'cuda')
    measured = measure(model, (256, 320), seconds=0)
    assert measured.total.median_ms > 0
    assert measured.peak_memory_bytes > 2 * 8 * 64 * 80 * 4
