"""What is known of each frame of a clip."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FrameSamples:
    """The samples of the frames of a clip, in their order.

    No sequence: collating makes a list of these, one a clip, where of lists it would make one for each frame number.
    """

    frames: tuple[Any, ...]

    def all_values(self) -> list[Any]:
        """As data elements of mmengine have it."""
        return list(self.frames)
