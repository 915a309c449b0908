"""Resamples of the images of a test set, the same for every run that is compared."""

import numpy as np

MIN_IMAGES = 2


def image_weights(num_images: int, num_resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """How often each image is in each resample, drawn with replacement.

    All runs must get the same weights: what the difficulty of the drawn images does to two models then cancels in
    their difference (a paired bootstrap).

    Returns:
        (num_resamples, num_images) float64 whole numbers; each row's sum is num_images.
    """
    if num_images < MIN_IMAGES:
        raise ValueError(
            f'a test set of {num_images} image says nothing about other images. Use at least {MIN_IMAGES}.'
        )
    random = np.random.default_rng(seed)
    return random.multinomial(num_images, np.full(num_images, 1 / num_images), num_resamples).astype(np.float64)
