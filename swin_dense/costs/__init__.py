"""What a model costs: parameters, multiply-adds, latency, memory."""

from swin_dense.costs.closed_form import closed_form_macs
from swin_dense.costs.counting import PartCosts, count_costs, count_macs
from swin_dense.costs.measurement import measure
from swin_dense.costs.models import build_model

__all__ = ['PartCosts', 'build_model', 'closed_form_macs', 'count_costs', 'count_macs', 'measure']
