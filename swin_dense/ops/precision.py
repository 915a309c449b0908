"""The dtype in which the operators compute."""

import torch
from torch import Tensor


def computable(tensor: Tensor) -> Tensor:
    """The tensor in float32 if it is in half precision, else itself.

    Coordinates in bfloat16 are wrong by pixels, and torch lacks half-precision kernels for some operators.
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
