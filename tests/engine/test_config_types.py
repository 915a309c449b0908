"""Which arguments a type takes: compared with what its constructor does when it is called."""

import inspect

import pytest
import torch

from swin_dense.engine.config_types import find_type, nearest, why_not_found
from swin_dense.engine.signatures import arguments_of

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


class Updates(Base):
    def __init__(self, **kwargs):
        kwargs.update(dict(first=1))  # noqa: C408 - as configs are written
        super().__init__(**kwargs)


class UpdatesFromLiteral(Base):
    def __init__(self, **kwargs):
        kwargs.update({'first': 1})
        super().__init__(**kwargs)


class UpdatesByName(Base):
    def __init__(self, **kwargs):
        kwargs.update(first=1)
        super().__init__(**kwargs)


class UpdatesFromElsewhere(Base):
    fixed = {'first': 1}  # noqa: RUF012 - of a class in a test

    def __init__(self, **kwargs):
        kwargs.update(self.fixed)
        super().__init__(**kwargs)


class BuildsOptions(Base):
    def __init__(self, own=1, **kwargs):
        options = dict(first=own, **kwargs)
        super().__init__(**options)


class AddsOptions(Base):
    def __init__(self, **kwargs):
        options = {'first': 1}
        super().__init__(**options, **kwargs)


class FixedOptions(Base):
    def __init__(self, own=1):
        options = {'first': own}
        super().__init__(**options)


class Positions(Base):
    def __init__(self, **kwargs):
        values = [1]
        super().__init__(*values, **kwargs)


class HandsOnPositions(Base):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class Branches(Base):
    def __init__(self, is_plain=True, **kwargs):
        if is_plain:
            super().__init__(first=1)
        else:
            super().__init__(**kwargs)


class BranchesThatGive(Base):
    def __init__(self, is_plain=True, **kwargs):
        if is_plain:
            super().__init__(1, **kwargs)
        else:
            super().__init__(first=2, **kwargs)


class Sometimes(Base):
    def __init__(self, is_built=False, **kwargs):
        if is_built:
            super().__init__(**kwargs)


class Leaves(Base):
    def __init__(self, is_built=False, **kwargs):
        if not is_built:
            return
        super().__init__(**kwargs)


class Other:
    def __init__(self, other, more=2):
        self.other = (other, more)


class OfTheSecond(Base, Other):
    def __init__(self, **kw):
        Other.__init__(self, **kw)


class OfBoth(Base, Other):
    def __init__(self, **kw):
        Base.__init__(self, 1)
        Other.__init__(self, other=2, **kw)


class Chooses(Base):
    def __init__(self, **kwargs):
        self.kinds = [kwargs.pop(name, None) for name in ('colour', 'size')]
        super().__init__(1, **kwargs)


class Asks(Base):
    def __init__(self, **kwargs):
        for name in ('colour', 'size'):
            kwargs.pop(name, None)
        super().__init__(1, **kwargs)


class MadeByNew:
    def __new__(cls, size=1):
        return super().__new__(cls)


class Same:
    class Base(Base):
        def __init__(self, own=1, **kwargs):
            super(Same.Base, self).__init__(own, **kwargs)  # noqa: UP008 - what is asked here


CASES = [
    (Base, {'first', 'second', 'third'}, {'first'}, False),
    (Passes, {'own', 'second'}, {'own'}, False),
    (Reads, {'kind', 'other', 'second', 'third'}, set(), False),
    (Skips, {'more', 'first', 'second', 'third'}, {'first'}, False),
    (Elsewhere, {'known'}, set(), True),
    (Keeps, {'width'}, {'width'}, False),
    (HandsOnPositions, {'first', 'second', 'third'}, {'first'}, False),
    (FixedOptions, {'own'}, set(), False),
    (Updates, {'first', 'second', 'third'}, set(), False),
    (OfTheSecond, {'other', 'more'}, {'other'}, False),
]
# a constructor, and arguments that it takes
CALLS = [
    (Updates, {'second': 3}),
    (UpdatesFromLiteral, {'second': 3}),
    (UpdatesByName, {'second': 3}),
    (UpdatesFromElsewhere, {'second': 3}),
    (BuildsOptions, {'second': 3}),
    (AddsOptions, {'second': 3}),
    (FixedOptions, {}),
    (Positions, {'second': 3}),
    (Branches, {}),
    (BranchesThatGive, {'second': 3}),
    (Sometimes, {}),
    (Leaves, {}),
    (OfTheSecond, {'other': 3, 'more': 4}),
    (OfBoth, {'more': 3}),
    (Chooses, {'colour': 1, 'second': 3}),
    (Asks, {'size': 1, 'second': 3}),
    (MadeByNew, {'size': 3}),
    (Same.Base, {'second': 3}),
]


@pytest.mark.parametrize(('cls', 'names', 'required', 'is_open'), CASES)
def test_arguments_through_bases(cls, names, required, is_open):
    found = arguments_of(cls)
    assert (found.names, found.required, found.is_open) == (names, required, is_open)


@pytest.mark.parametrize(('cls', 'arguments'), CALLS)
def test_what_a_call_takes_is_no_fault(cls, arguments):
    cls(**arguments)  # takes them
    found = arguments_of(cls)
    assert [name for name in arguments if not found.takes(name)] == []
    assert found.required <= arguments.keys()


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
