"""Reference values for test/image, made with Pillow.

    python scripts/image_fixtures.py OUT [--picture examples/cat-and-coffee.jpg]

Writes OUT/resize.json (small pictures in full, large ones as SHA-256), OUT/planes.json (mode F, with boxes),
OUT/sizes.json (scaled sizes and crop corners by transformers' rules), OUT/fits.json and OUT/letterboxed.json (sizes of
detectors, and what lies around) and, from the picture, OUT/preprocessed.json: the
224 x 224 pixels that the shipped model sees, as SHA-256 and as every 203rd normalised value. Needs Pillow and NumPy.
"""
import argparse
import base64
import hashlib
import json
import math
import os

import numpy as np
import PIL
from PIL import Image

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def noise(count):
    """Bytes that the tests can make too: the top byte of i * 2654435761 + 12345 mod 2^32, hashed once more, stretched to
    reach 0 and 255 often, so that overshooting filters must clip."""
    i = np.arange(count, dtype=np.uint64)
    h = (i * 2654435761 + 12345) % 2**32
    h = ((h ^ (h >> 15)) * 2246822519) % 2**32
    v = (h >> 24).astype(np.int64)
    return np.clip((v - 128) * 2 + 128, 0, 255).astype(np.uint8)


def picture(width, height):
    """Four bands of plain data: Pillow's CMYK is resized without premultiplying, RGB likewise."""
    return Image.fromarray(noise(width * height * 4).reshape(height, width, 4), "CMYK")


def base64_of(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def resize_cases():
    small = [((19, 13), (8, 5)), ((19, 13), (31, 22)), ((19, 13), (19, 5)), ((19, 13), (7, 13)), ((19, 13), (1, 1)),
             ((1, 1), (5, 4)), ((5, 1), (3, 7)), ((1, 9), (4, 2)), ((97, 61), (6, 4))]
    large = [((640, 480), (341, 256)), ((333, 500), (224, 224)), ((37, 29), (224, 176)), ((600, 7), (11, 64)),
             ((20, 30), (15, 20)), ((20, 30), (15, 19)), ((7, 100), (11, 64))]
    for name, number in FILTERS.items():
        for source, target in small + large:
            pixels = np.asarray(picture(*source).resize(target, number))
            case = {"filter": name, "from": source, "to": target, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
            if (source, target) in small[:1] + small[4:7]:
                case["pixels"] = base64_of(pixels)
            yield case


def plane_cases():
    width, height = 9, 7
    values = (noise(width * height).astype(np.float32) - 128) / 16
    plane = Image.fromarray(values.reshape(height, width))
    boxes = [None, (0, 0, 9, 7), (1.25, 0.5, 7.75, 6.125), (2, 1, 5, 4), (0.1, 0.2, 8.7, 6.9)]
    for name, number in FILTERS.items():
        for target in [(4, 3), (23, 17), (9, 7), (1, 1), (8, 3), (12, 2)]:
            for box in boxes if target in [(4, 3), (9, 7)] else boxes[2:3] if target == (12, 2) else boxes[:1]:
                out = np.asarray(plane.resize(target, number, box=box), dtype="<f4")
                yield {"filter": name, "from": [width, height], "to": target, "box": box, "values": base64_of(out)}


def size_cases():
    """transformers.image_transforms: get_resize_output_image_size(default_to_square=False) and center_crop."""
    for width, height, size, crop in [(640, 480, 256, 224), (480, 640, 256, 224), (500, 333, 256, 224), (333, 500, 232, 224),
                                      (1023, 767, 342, 299), (200, 100, 64, 96), (3, 1000, 8, 8), (256, 256, 256, 224),
                                      (31, 77, 40, 61)]:
        short, long = min(width, height), max(width, height)
        new_long = int(size * long / short)
        w, h = (size, new_long) if width <= height else (new_long, size)
        pad_left, pad_top = math.ceil((max(crop, w) - w) / 2), math.ceil((max(crop, h) - h) / 2)
        yield {"source": [width, height], "shortest_edge": size, "crop": crop, "scaled": [w, h],
               "corner": [(w - crop) // 2, (h - crop) // 2], "padded_by": [pad_left, pad_top]}


def limited(width, height, size, limit, step):
    """transformers.image_transforms.get_size_with_aspect_ratio, and that of YOLOS with its step."""
    exact = size
    if max(width, height) / min(width, height) * size > limit:
        exact = limit * min(width, height) / max(width, height)
    short = int(round(exact))
    if min(width, height) == short:
        w, h = width, height
    else:
        w, h = (short, int(exact * height / width)) if width < height else (int(exact * width / height), short)
    return [max(1, w - w % step), max(1, h - h % step)]


def fitted(width, height, to_width, to_height):
    """ultralytics' LetterBox: the scaled size, and the corner in the middle."""
    ratio = min(to_height / height, to_width / width)
    w, h = max(1, round(width * ratio)), max(1, round(height * ratio))
    return w, h, round((to_width - w) / 2 - 0.1), round((to_height - h) / 2 - 0.1)


def fit_cases():
    pictures = [(640, 480), (481, 639), (500, 333), (1023, 767), (3, 200), (13, 20), (13, 26), (427, 640), (37, 29)]
    for width, height in pictures:
        for size, limit, step in [(800, 1333, 1), (48, 64, 1), (29, 45, 1), (96, 160, 16)]:
            yield {"source": [width, height], "rule": {"kind": "shortest-edge", "size": size, "limit": limit, "step": step},
                   "scaled": limited(width, height, size, limit, step)}
        for to_width, to_height in [(640, 640), (64, 48), (13, 13), (31, 65)]:
            w, h, left, top = fitted(width, height, to_width, to_height)
            yield {"source": [width, height], "rule": {"kind": "fit", "width": to_width, "height": to_height},
                   "scaled": [w, h], "corner": [left, top]}


def letterbox_cases():
    """Pillow's bilinear, laid on grey or (padded as a batch is, after normalising) on zeros."""
    for (width, height), (to_width, to_height), at in [((37, 29), (32, 32), "centre"), ((19, 40), (32, 32), "centre"),
                                                     ((13, 26), (21, 13), "centre"), ((37, 29), (31, 24), "top-left")]:
        w, h, left, top = fitted(width, height, to_width, to_height)
        left, top = (left, top) if at == "centre" else (0, 0)
        canvas = np.full((to_height, to_width, 3), 114, np.uint8)
        pixels = picture(width, height).resize((w, h), FILTERS["bilinear"])
        canvas[top:top + h, left:left + w] = np.asarray(pixels)[:, :, :3]
        yield {"from": [width, height], "to": [to_width, to_height], "at": at, "pixels": base64_of(canvas)}


def preprocessed(path):
    image = Image.open(path).convert("RGB")
    k = 256 / min(image.size)
    image = image.resize((round(image.width * k), round(image.height * k)), Image.BICUBIC)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)))
    values = ((pixels.astype(np.float32) - 127) / 128).transpose(2, 0, 1)
    return {"dims": list(values.shape), "pixels_sha256": hashlib.sha256(np.ascontiguousarray(values * 128 + 127, np.uint8)).hexdigest(),
            "step": 29 * 7, "values": [float(v) for v in values.ravel()[:: 29 * 7]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--picture", default="examples/cat-and-coffee.jpg")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)

    def save(name, cases):
        with open(os.path.join(args.out, name), "w") as file:
            lines = ",\n".join(json.dumps(case) for case in cases)
            file.write(f'{{"pillow": "{PIL.__version__}", "cases": [\n{lines}\n]}}\n')

    save("resize.json", resize_cases())
    save("planes.json", plane_cases())
    save("sizes.json", size_cases())
    save("fits.json", fit_cases())
    save("letterboxed.json", letterbox_cases())
    save("preprocessed.json", [preprocessed(args.picture)])


if __name__ == "__main__":
    main()
