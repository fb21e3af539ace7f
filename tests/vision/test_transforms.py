"""Every transform against torchvision's: values, draws, repr and errors, for images and tensors."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image

import torchlike
from torchlike.vision import transforms as ours

from .oracle import transforms as real

SIDES = ((torch, real), (torchlike, ours))
rng = np.random.default_rng(0)
IMAGES = {
    "L": Image.fromarray(rng.integers(0, 256, (28, 24), dtype=np.uint8)),
    "RGB": Image.fromarray(rng.integers(0, 256, (40, 33, 3), dtype=np.uint8)),
}
KINDS = ("image", "uint8", "float32")

TRANSFORMS = {
    "ToTensor": lambda T: T.ToTensor(),
    "PILToTensor": lambda T: T.PILToTensor(),
    "Resize": lambda T: T.Resize(20),
    "Resize2": lambda T: T.Resize((20, 15)),
    "ResizeNearest": lambda T: T.Resize((31, 50), T.InterpolationMode.NEAREST),
    "ResizeBicubic": lambda T: T.Resize((31, 50), T.InterpolationMode.BICUBIC),
    "ResizeMax": lambda T: T.Resize(20, max_size=21),
    "CenterCrop": lambda T: T.CenterCrop(10),
    "CenterCropLarge": lambda T: T.CenterCrop((50, 9)),
    "Pad": lambda T: T.Pad(3),
    "PadFour": lambda T: T.Pad((1, 2, 3, 4), fill=7),
    "PadReflect": lambda T: T.Pad((3, 2), padding_mode="reflect"),
    "PadEdge": lambda T: T.Pad(3, padding_mode="edge"),
    "PadSymmetric": lambda T: T.Pad(3, padding_mode="symmetric"),
    "RandomCrop": lambda T: T.RandomCrop(16, padding=4),
    "RandomCropPadded": lambda T: T.RandomCrop(60, pad_if_needed=True),
    "RandomHorizontalFlip": lambda T: T.RandomHorizontalFlip(),
    "RandomVerticalFlip": lambda T: T.RandomVerticalFlip(0.3),
    "Grayscale": lambda T: T.Grayscale(),
    "Grayscale3": lambda T: T.Grayscale(3),
    "RandomRotation": lambda T: T.RandomRotation(30),
    "RandomRotationExpand": lambda T: T.RandomRotation((10, 80), expand=True, fill=3),
    "RandomRotationBilinear": lambda T: T.RandomRotation(
        30, T.InterpolationMode.BILINEAR, center=(3, 5)
    ),
    "ColorJitter": lambda T: T.ColorJitter(0.4, 0.3, 0.5, 0.2),
    "RandomResizedCrop": lambda T: T.RandomResizedCrop(16),
    "FiveCrop": lambda T: T.FiveCrop(9),
    "TenCrop": lambda T: T.TenCrop((9, 5), vertical_flip=True),
    "RandomAffine": lambda T: T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10),
    "RandomAffineShear": lambda T: T.RandomAffine(0, shear=(-5, 5, -3, 3), fill=9, center=(4, 4)),
    "RandomPerspective": lambda T: T.RandomPerspective(p=0.7),
    "RandomApply": lambda T: T.RandomApply([T.RandomVerticalFlip(1.0), T.Pad(1)], 0.3),
    "RandomChoice": lambda T: T.RandomChoice([T.Pad(1), T.Pad(2)]),
    "RandomChoiceWeighted": lambda T: T.RandomChoice([T.Pad(1), T.Pad(2)], p=[0.9, 0.1]),
    "RandomOrder": lambda T: T.RandomOrder([T.Pad(1), T.CenterCrop(20)]),
    "RandomGrayscale": lambda T: T.RandomGrayscale(0.5),
    "RandomInvert": lambda T: T.RandomInvert(),
    "RandomPosterize": lambda T: T.RandomPosterize(3),
    "RandomSolarize": lambda T: T.RandomSolarize(0.5),
    "RandomAdjustSharpness": lambda T: T.RandomAdjustSharpness(2),
    "RandomAutocontrast": lambda T: T.RandomAutocontrast(),
    "RandomEqualize": lambda T: T.RandomEqualize(),
    "GaussianBlur": lambda T: T.GaussianBlur((3, 5)),
    "Lambda": lambda T: T.Lambda(lambda x: x),
    "Compose": lambda T: T.Compose([T.CenterCrop(10), T.RandomHorizontalFlip(), T.Pad(2)]),
    "Normalize": lambda T: T.Normalize((0.3,), (0.2,)),
    "RandomErasing": lambda T: T.RandomErasing(0.8),
    "RandomErasingNoise": lambda T: T.RandomErasing(0.8, value="random"),
    "ConvertImageDtype": lambda T: T.ConvertImageDtype(
        torch.int16 if T is real else torchlike.int16
    ),
    "ToPILImage": lambda T: T.ToPILImage(),
}


def as_arrays(result) -> list:
    items = result if isinstance(result, tuple) else (result,)
    return [item.numpy() if hasattr(item, "numpy") else np.asarray(item) for item in items]


def applied(t, T, transform, kind, image) -> list:
    """Four results, or the error: (type, text)."""
    t.manual_seed(5)
    random.seed(5)
    x = image
    if kind != "image":
        x = T.PILToTensor()(image) if kind == "uint8" else T.ToTensor()(image)
    try:
        results = [as_arrays(transform(x)) for _ in range(4)]
    except Exception as error:
        text = str(error).partition("\n")[0]
        return [(type(error).__name__, text.replace("torchlike.core.tensor", "torch"))]
    return [*results, [t.rand(1).numpy()]]


def check_equal(mine, theirs, kind):
    if isinstance(theirs, tuple) or isinstance(mine, tuple):
        assert mine == theirs
        return
    for a, b in zip(mine, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if kind == "image":
            np.testing.assert_array_equal(a, b)
        elif a.dtype == np.float32:
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
        else:
            # A sum in another order may fall on the other side of a half
            different = a != b
            assert different.mean() <= 0.03
            assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", IMAGES)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name, mode, kind):
    results, texts = [], []
    for t, T in SIDES:
        transform = TRANSFORMS[name](T)
        texts.append(repr(transform))
        results.append(applied(t, T, transform, kind, IMAGES[mode]))
    if name != "Lambda":
        assert texts[1] == texts[0]
    assert len(results[1]) == len(results[0])
    for theirs, mine in zip(*results, strict=True):
        check_equal(mine, theirs, kind)


ERRORS = {
    "crop too large": lambda T, img: T.RandomCrop(90)(img),
    "size of three": lambda T, img: T.CenterCrop((1, 2, 3)),
    "resize to text": lambda T, img: T.Resize("a" * 3),
    "resize of float": lambda T, img: T.Resize(2.5),
    "pad mode": lambda T, img: T.Pad(1, padding_mode="round"),
    "pad of three": lambda T, img: T.Pad((1, 2, 3)),
    "pad text": lambda T, img: T.Pad("x"),
    "fill text": lambda T, img: T.Pad(1, fill="x"),
    "no function": lambda T, img: T.Lambda(3),
    "jitter": lambda T, img: T.ColorJitter(-1),
    "jitter hue": lambda T, img: T.ColorJitter(hue=0.7),
    "jitter kind": lambda T, img: T.ColorJitter("x"),
    "rotation": lambda T, img: T.RandomRotation(-3),
    "rotation of three": lambda T, img: T.RandomRotation((1, 2, 3)),
    "affine": lambda T, img: T.RandomAffine(1, translate=(2, 0)),
    "affine scale": lambda T, img: T.RandomAffine(1, scale=(0, 1)),
    "erasing": lambda T, img: T.RandomErasing(2),
    "erasing text": lambda T, img: T.RandomErasing(value="x"),
    "blur": lambda T, img: T.GaussianBlur(4),
    "blur sigma": lambda T, img: T.GaussianBlur(3, -1),
    "five": lambda T, img: T.FiveCrop(90)(img),
    "to tensor": lambda T, img: T.ToTensor()("x"),
    "to tensor 1-d": lambda T, img: T.ToTensor()(np.ones(3)),
    "to image": lambda T, img: T.ToPILImage()("x"),
    "to image 1-d": lambda T, img: T.ToPILImage()(np.ones(3)),
    "to image channels": lambda T, img: T.ToPILImage()(np.ones((3, 3, 5))),
    "to image mode": lambda T, img: T.ToPILImage("RGB")(np.ones((3, 3), np.uint8)),
    "to image int64": lambda T, img: T.ToPILImage()(np.ones((3, 3, 3), np.int64)),
    "normalize image": lambda T, img: T.Normalize((0.5,), (0.5,))(img),
    "normalize bytes": lambda T, img: T.Normalize((0.5,), (0.5,))(T.PILToTensor()(img)),
    "normalize zero": lambda T, img: T.Normalize((0.5,), (0.0,))(T.ToTensor()(img)),
    "gray of two": lambda T, img: T.Grayscale(2)(img),
    "choice": lambda T, img: T.RandomChoice(3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    found = []
    for _, T in SIDES:
        with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
            ERRORS[name](T, IMAGES["RGB"])
        found.append((type(caught.value), str(caught.value)))
    assert found[1] == found[0]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("source", ["uint8", "int16", "int32", "float32", "float64"])
def test_convert_image_dtype(source, dtype):
    numbers = np.array([[[0, 1], [100, 255]]])
    numbers = numbers / 255 if source.startswith("float") else numbers
    found = []
    for t, T in SIDES:
        image = t.tensor(numbers.tolist()).to(getattr(t, source))
        try:
            out = T.functional.convert_image_dtype(image, getattr(t, dtype))
            found.append((str(out.dtype), out.tolist()))
        except RuntimeError as error:
            found.append((type(error), str(error)))
    assert found[1] == found[0]


@pytest.mark.parametrize("mode", ["1", "I", "F", "I;16", "LA", "RGBA", "CMYK", "P"])
def test_image_modes_become_tensors_and_back(mode):
    image = (
        IMAGES["RGB"].convert("L").convert(mode) if mode == "I;16" else IMAGES["RGB"].convert(mode)
    )
    tensors = [T.ToTensor()(image) for _, T in SIDES]
    assert str(tensors[1].dtype) == str(tensors[0].dtype)
    assert tensors[1].tolist() == tensors[0].tolist()
    if mode in ("LA", "RGBA", "CMYK"):
        backs = [T.ToPILImage(mode)(x) for x, (_, T) in zip(tensors, SIDES, strict=True)]
        assert backs[1].mode == backs[0].mode
        assert backs[1].tobytes() == backs[0].tobytes()


def test_draws_over_many_crops():
    places = []
    for t, T in SIDES:
        t.manual_seed(3)
        image = Image.new("RGB", (200, 120))
        crop, erase = T.RandomResizedCrop, T.RandomErasing
        box = [crop.get_params(image, (0.08, 1.0), (0.75, 1.33)) for _ in range(300)]
        hole = [
            erase.get_params(t.zeros(3, 50, 40), (0.02, 0.33), (0.3, 3.3), [0.0])
            for _ in range(300)
        ]
        places.append((box, [h[:4] for h in hole]))
    assert places[1] == places[0]


def test_functions_of_functional():
    image = IMAGES["RGB"]
    for name, args in {
        "adjust_gamma": (0.7, 1.2),
        "adjust_hue": (0.3,),
        "adjust_brightness": (1.3,),
        "adjust_contrast": (0.4,),
        "adjust_saturation": (1.7,),
        "adjust_sharpness": (0.5,),
        "autocontrast": (),
        "equalize": (),
        "invert": (),
        "rotate": (33,),
        "affine": (10, [1, 2], 1.1, [3.0, 4.0]),
        "resized_crop": (3, 4, 20, 15, (10, 12)),
        "hflip": (),
        "vflip": (),
        "get_image_size": (),
        "get_dimensions": (),
    }.items():
        for kind in KINDS:
            if name == "equalize" and kind == "float32":
                continue  # bytes only
            results = []
            for _, T in SIDES:
                x = image if kind == "image" else T.functional.pil_to_tensor(image)
                x = T.functional.convert_image_dtype(x) if kind == "float32" else x
                results.append(as_arrays(getattr(T.functional, name)(x, *args)))
            for theirs, mine in zip(*results, strict=True):
                check_equal([mine], [theirs], kind)


def test_gradients_flow_through_tensor_transforms():
    x = torchlike.ones(1, 4, 4, requires_grad=True)
    T = ours.Compose([ours.CenterCrop(2), ours.Normalize((0.5,), (0.5,)), ours.Pad(1)])
    T(x).sum().backward()
    assert x.grad.sum().item() == 8.0


def test_normalize_in_place():
    x = torchlike.ones(1, 2, 2)
    y = ours.functional.normalize(x, (0.5,), (0.5,), inplace=True)
    assert y is x
    assert x.tolist() == [[[1.0, 1.0], [1.0, 1.0]]]


def test_signatures_are_torchvisions():
    import inspect

    for name in ours.__all__:
        theirs, mine = getattr(real, name, None), getattr(ours, name)
        if not inspect.isclass(theirs) or name == "InterpolationMode":
            continue
        a, b = inspect.signature(theirs).parameters, inspect.signature(mine).parameters
        assert list(a) == list(b), name
        for p in a:
            assert str(getattr(b[p].default, "value", b[p].default)) == str(
                getattr(a[p].default, "value", a[p].default)
            ), (name, p)
