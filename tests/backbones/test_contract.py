"""The contract, on every registered backbone."""

from swin_dense.registry import MODELS
from tests.contract import TestModule, TestOutputs, TestPrecision, TestTraining, backbone
from tests.contract_rows import ROWS
from tests.contract_traced import TestDistributed, TestTraced

__all__ = [
    'TestDistributed',
    'TestModule',
    'TestOutputs',
    'TestPrecision',
    'TestTraced',
    'TestTraining',
    'backbone',
]


def test_every_registered_backbone_has_a_row():
    MODELS.import_from_location()
    registered = {name for name, entry in MODELS.module_dict.items() if entry.__module__.startswith('swin_dense.back')}
    assert registered == {row.type.__name__ for row in ROWS.values()}
