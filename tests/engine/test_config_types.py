"""Which arguments a type takes: compared with what its constructor does when it is called."""

import inspect

import pytest
import torch

from swin_dense.engine.config_types import arguments_of, find_type, nearest, why_not_found

pytestmark = pytest.mark.filterwarnings('ignore')  # those of mmdet and mmseg


class Base:
    def __init__(self, first, second=2, third=3):
        self.taken = (first, second, third)


class Passes(Base):
    def __init__(self, own, **kwargs):
        super().__init__(own, third=4, **kwargs)


class Reads(Base):
    def __init__(self, **options):
        self.kind = options.pop('kind', 'a') if 'other' not in options else options['other']
        super().__init__(1, **options)


class Skips(Passes):
    def __init__(self, *, more=0, **kwargs):
        super(Passes, self).__init__(**kwargs)


class Elsewhere:
    def __init__(self, known=1, **kwargs):
        self.inner = dict(**kwargs)


class Keeps(torch.nn.Module):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)


CASES = [
    (Base, {'first', 'second', 'third'}, {'first'}, False),
    (Passes, {'own', 'second'}, {'own'}, False),
    (Reads, {'kind', 'other', 'second', 'third'}, set(), False),
    (Skips, {'more', 'first', 'second', 'third'}, {'first'}, False),
    (Elsewhere, {'known'}, set(), True),
    (Keeps, {'width'}, {'width'}, False),
]


@pytest.mark.parametrize(('cls', 'names', 'required', 'is_open'), CASES)
def test_arguments_through_bases(cls, names, required, is_open):
    found = arguments_of(cls)
    assert (found.names, found.required, found.is_open) == (names, required, is_open)


def accepts(cls, required, name):
    """Whether a call refuses the name as unexpected, whatever else it thinks of the values."""
    try:
        cls(**dict.fromkeys({*required, name}))
    except TypeError as error:
        return f"unexpected keyword argument '{name}'" not in str(error) and 'multiple values' not in str(error)
    except Exception:
        return True
    return True


@pytest.mark.parametrize(
    ('kind', 'scope'),
    [
        ('FPN', 'mmdet'), ('RPNHead', 'mmdet'), ('Shared2FCBBoxHead', 'mmdet'), ('CocoDataset', 'mmdet'),
        ('CrossEntropyLoss', 'mmdet'), ('UPerHead', 'mmseg'), ('FCNHead', 'mmseg'), ('ADE20KDataset', 'mmseg'),
        ('RandomFlip', 'mmdet'), ('swin_dense.SwinTransformer', None), ('PolyLR', None), ('AdamW', None),
        ('swin_dense.CocoMetric', None), ('MaskRCNN', 'mmdet'), ('LoggerHook', None),
    ],
)  # fmt: skip
def test_names_are_those_that_a_call_accepts(kind, scope):
    cls = find_type(kind, scope)
    assert inspect.isclass(cls)
    found = arguments_of(cls)
    for name in found.names:
        assert accepts(cls, found.required, name), name
    assert not found.is_open
    assert not accepts(cls, found.required, 'no_such_argument')


def test_types_are_found_by_scope_and_registry():
    assert find_type('SwinTransformer', 'mmdet', 'MODELS').__module__.startswith('mmdet.')
    assert find_type('SwinTransformer', 'mmseg', 'MODELS').__module__.startswith('mmseg.')
    assert find_type('IoUMetric', 'mmdet', 'METRICS') is None
    assert find_type('IoUMetric', 'mmseg', 'METRICS|EVALUATOR').__name__ == 'IoUMetric'
    assert find_type('FPN', 'mmdet', 'DATASETS') is None
    assert find_type(Base, None) is Base


@pytest.mark.parametrize(
    ('kind', 'scope', 'registry', 'says'),
    [
        ('ShiftViT', 'mmdet', 'MODELS', "'swin_dense.ShiftViT'"),
        ('IoUMetric', 'mmdet', 'METRICS', "'mmseg.IoUMetric'"),
        ('SwinTransformr', 'mmdet', 'MODELS', "'SwinTransformer'"),
        ('FPN', 'mmdet', 'DATASETS', 'It is in MODELS'),
        ('mmpretrain.ConvNeXt', 'mmdet', 'MODELS', 'there is no package mmpretrain'),
    ],
)
def test_why_a_type_is_not_found(kind, scope, registry, says):
    assert says in why_not_found(kind, scope, registry)


def test_the_error_of_a_module_that_fails(tmp_path, monkeypatch):
    package = tmp_path / 'half_broken'
    package.mkdir()
    (package / '__init__.py').write_text('')
    (package / 'utils.py').write_text('import no_such_dependency\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert "No module named 'no_such_dependency'" in why_not_found('half_broken.Thing', 'mmdet', 'MODELS')


def test_nearest_names():
    assert "'prob'" in nearest('probability', ['prob', 'direction'])
    assert nearest('zzz', ['prob', 'direction']) == ''
