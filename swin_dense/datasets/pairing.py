"""Images and masks that belong together: those of one name, folders in it included, without its ending."""

from collections.abc import Iterable, Sequence

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def stem_of(name: str, suffixes: Sequence[str]) -> str | None:
    """The name without the longest of the suffixes that it ends in, in upper or lower case; None if it has none."""
    lower = name.lower()
    fitting = [len(suffix) for suffix in suffixes if lower.endswith(suffix.lower())]
    return name[: len(name) - max(fitting)] if fitting else None


def by_stem(names: Iterable[str], suffixes: Sequence[str]) -> dict[str, str]:
    """Stem -> name.

    Raises:
        ValueError: two names have one stem.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        stem = stem_of(name, suffixes)
        if stem is not None and found.setdefault(stem, name) != name:
            raise ValueError(
                f'{found[stem]} and {name} have one name, so what belongs to it cannot be told: rename or remove one, '
                f'or name fewer endings (img_suffix, seg_map_suffix); they are {", ".join(suffixes)}.'
            )
    return found


def paired_by_stem(
    image_names: Iterable[str],
    mask_names: Iterable[str] | None,
    *,
    image_suffixes: Sequence[str],
    mask_suffixes: Sequence[str],
    names: Sequence[str] | None,
    in_one_folder: bool,
) -> list[tuple[str, str | None]]:
    """Pair names of images and masks.

    Args:
        image_names, mask_names: paths from their folders; None where there are no masks.
        names: of the images to take, with or without suffix; None takes all.
        in_one_folder: what ends as a mask does is no image then.

    Returns: (image, mask); a file that is not there has the name that it should have, with the first suffix.

    Raises:
        ValueError: two files have one stem.
    """
    if in_one_folder:
        image_names = [name for name in image_names if stem_of(name, mask_suffixes) is None]
    images = by_stem(image_names, image_suffixes)
    masks = None if mask_names is None else by_stem(mask_names, mask_suffixes)
    if names is None:
        stems = list(images)
    else:
        stems = [name if name in images else stem_of(name, image_suffixes) or name for name in names]
    return [
        (
            images.get(stem, stem + image_suffixes[0]),
            None if masks is None else masks.get(stem, stem + mask_suffixes[0]),
        )
        for stem in stems
    ]
