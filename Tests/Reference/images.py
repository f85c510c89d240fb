"""Makes images.json: small JPEG and PNG files of every kind that a data set may hold, and what Pillow makes of them.

  python3 images.py      needs Pillow (13.0.0) and numpy

Each file is base64; `expected` is [channels][height][width] after EXIF orientation, conversion, resizing and cutting to the middle, as
Pillow's ImageOps.exif_transpose, convert, and resize with a box and the BILINEAR filter do it.
"""

import base64
import io
import json
import pathlib

import numpy
from PIL import Image, ImageOps

generator = numpy.random.default_rng(7)


def picture(height, width):
    """Smooth enough that JPEG keeps it nearly, and with no symmetry."""
    y, x = numpy.mgrid[0:height, 0:width] / max(height, width)
    planes = [220 * x + 20, 200 * y + 30, 120 + 90 * numpy.sin(3 * x + 5 * y)]
    return Image.fromarray(numpy.stack(planes, -1).round().astype(numpy.uint8), "RGB")


def noise(height, width):
    return Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=numpy.uint8), "RGB")


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def expected(file, channels, height, width):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode.startswith("I"):
        # Pillow clips 16 bits where others scale them.
        image = Image.fromarray(((numpy.asarray(image).astype(numpy.uint32) * 255 + 32895) >> 16).astype(numpy.uint8), "L")
    # Resized in its own colours, then converted.
    image = image.convert("L") if image.mode in ("1", "L", "LA") else image.convert("RGB")
    scale = min(image.height / height, image.width / width)
    left, top = (image.width - scale * width) / 2, (image.height - scale * height) / 2
    image = image.resize((width, height), Image.Resampling.BILINEAR, (left, top, left + scale * width, top + scale * height))
    pixels = numpy.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(height, width, channels).transpose(2, 0, 1).flatten().tolist()


JPEG = {"quality": 95, "subsampling": 0}
soft, rough = picture(24, 16), noise(12, 20)
palette = rough.quantize(16)
sixteen = Image.fromarray(generator.integers(0, 65536, (9, 7), dtype=numpy.uint16))
clear = rough.copy()
clear.putalpha(Image.fromarray(generator.integers(0, 256, (12, 20), dtype=numpy.uint8), "L"))
files = {
    "jpeg": (saved(soft, "JPEG", **JPEG), [(3, 24, 16), (3, 12, 8), (3, 8, 8), (1, 24, 16), (3, 32, 32)]),
    "jpeg progressive": (saved(soft, "JPEG", progressive=True, **JPEG), [(3, 24, 16)]),
    "jpeg grey": (saved(soft.convert("L"), "JPEG", quality=95), [(1, 24, 16), (3, 24, 16)]),
    "jpeg cmyk": (saved(soft.convert("CMYK"), "JPEG", **JPEG), [(3, 24, 16)]),
    **{
        f"jpeg orientation {k}": (saved(soft, "JPEG", exif=turned(k), **JPEG), [(3, 24, 16) if k < 5 else (3, 16, 24), (3, 9, 9)])
        for k in range(1, 9)
    },
    "png": (saved(rough, "PNG"), [(3, 12, 20), (1, 12, 20), (3, 5, 5), (3, 30, 30)]),
    "png grey": (saved(rough.convert("L"), "PNG"), [(1, 12, 20), (3, 12, 20)]),
    "png one bit": (saved(rough.convert("1"), "PNG"), [(1, 12, 20)]),
    "png palette": (saved(palette, "PNG"), [(3, 12, 20)]),
    "png transparent palette": (saved(palette, "PNG", transparency=3), [(3, 12, 20)]),
    "png alpha": (saved(clear, "PNG"), [(3, 12, 20)]),
    "png grey alpha": (saved(clear.convert("LA"), "PNG"), [(1, 12, 20)]),
    "png sixteen bits": (saved(sixteen, "PNG"), [(1, 9, 7)]),
    "png orientation 6": (saved(rough, "PNG", exif=turned(6)), [(3, 20, 12)]),
}
cases = [
    {"name": name, "file": base64.b64encode(file).decode(), "shape": shape, "expected": expected(file, *shape)}
    for name, (file, shapes) in files.items()
    for shape in shapes
]
# For shrink-on-load: 64 times the pixels that are wanted, where decoding at an eighth is a box filter and Pillow's a triangle.
large = saved(picture(192, 128), "JPEG", **JPEG)
cases.append({"name": "jpeg large", "file": base64.b64encode(large).decode(), "shape": (3, 24, 16), "expected": expected(large, 3, 24, 16)})
path = pathlib.Path(__file__).with_name("images.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes")
