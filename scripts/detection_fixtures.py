"""Detectors and segmenters of a few thousand weights, as PyTorch exports them, with what PyTorch says of them, for test/targets.

    python scripts/detection_fixtures.py OUT

For each NAME: OUT/NAME.onnx, and OUT/NAME.json with the picture's size, what is detected (boxes, scores, labels, best first, 20 at most) and, of the first three, the
gradient of the score by the picture as 8 of its sums along random signs (so that the file stays small) and its largest magnitude. Needs torch and torchvision.
"""
import json
import os
import sys
import warnings
from collections import OrderedDict

import numpy as np
import torch
import torchvision
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.ssd import SSD

warnings.filterwarnings("ignore")
HEIGHT, WIDTH = 60, 72


class Body(nn.Module):
    """Features at strides 8 and 16."""

    def __init__(self, channels=8):
        super().__init__()
        self.out_channels = channels
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, 4, 1), nn.ReLU())
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(channels, channels, 3, 2, 1), nn.ReLU()) for _ in range(2))

    def forward(self, x):
        x = self.stem(x)
        out = OrderedDict()
        for i, block in enumerate(self.blocks):
            out[str(i)] = x = block(x)
        return out


class Pyramid(Body):
    def __init__(self, out=8):
        super().__init__()
        self.fpn = torchvision.ops.FeaturePyramidNetwork([8, 8], out)
        self.out_channels = out

    def forward(self, x):
        return self.fpn(super().forward(x))


class Yolo(nn.Module):
    """The head of YOLOv8 (boxes [N,4+C,A], decoded) and, as `v5`, of YOLOv5 ([N,A,5+C]); as `v10` the 6 best without suppression."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.classes = kind, 3
        self.body = Pyramid()
        self.box = nn.ModuleList(nn.Conv2d(8, 4, 1) for _ in range(2))
        self.score = nn.ModuleList(nn.Conv2d(8, 3 + (kind == "v5"), 1) for _ in range(2))

    def forward(self, x):
        boxes, scores = [], []
        for stride, box, score, f in zip((8, 16), self.box, self.score, self.body(x).values()):
            h, w = f.shape[-2:]
            gy, gx = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            b = box(f).exp()
            centre = torch.stack((gx, gy))[None] + (b[:, 2:] - b[:, :2]) / 2
            boxes.append((torch.cat((centre, b[:, :2] + b[:, 2:]), 1) * stride).flatten(2))
            scores.append(score(f).flatten(2))
        boxes, scores = torch.cat(boxes, 2), torch.cat(scores, 2).sigmoid()
        if self.kind == "v8":
            return torch.cat((boxes, scores), 1)
        if self.kind == "v5":
            return torch.cat((boxes, scores), 1).transpose(1, 2)
        boxes = torch.cat((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), 1).transpose(1, 2)
        scores = scores.transpose(1, 2)
        best = scores.amax(-1).topk(6)[1].unsqueeze(-1)
        boxes, scores = boxes.gather(1, best.repeat(1, 1, 4)), scores.gather(1, best.repeat(1, 1, self.classes))
        scores, at = scores.flatten(1).topk(6)
        chosen = boxes.gather(1, (at // self.classes).unsqueeze(-1).repeat(1, 1, 4))
        return torch.cat((chosen, scores[..., None], (at % self.classes)[..., None].float()), -1)


class Detr(nn.Module):
    """Queries that look at all places once; the last class is "no object"."""

    def __init__(self):
        super().__init__()
        self.body = Body()
        self.queries = nn.Parameter(torch.zeros(6, 8))
        self.classes, self.boxes = nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x):
        f = self.body(x)["1"].flatten(2).transpose(1, 2)
        q = self.queries + torch.softmax(self.queries @ f.transpose(1, 2) / 8**0.5, -1) @ f
        return self.classes(q), self.boxes(q).sigmoid()


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = Body(), nn.Conv2d(8, 3, 1)

    def forward(self, x):
        return nn.functional.interpolate(self.head(self.body(x)["0"]), x.shape[-2:], mode="bilinear", align_corners=False)


def torchvision_model(name):
    sizes = dict(min_size=64, max_size=80)
    few = dict(score_thresh=0.005, detections_per_img=8)
    anchors = AnchorGenerator(((16,), (32,)), ((0.5, 1.0, 2.0),) * 2)
    if name == "retinanet":
        head = RetinaNetHead(8, 3, 4)
        return detection.RetinaNet(Pyramid(), 4, anchor_generator=anchors, head=head, **few, **sizes)
    if name == "fcos":
        square = AnchorGenerator(((16,), (32,)), ((1.0,),) * 2)
        head = FCOSHead(32, 1, 4, num_convs=1)
        return detection.FCOS(Pyramid(32), 4, anchor_generator=square, head=head, **few, **sizes)
    if name == "ssd":
        body = Body()
        body.out_channels = [8, 8]
        return SSD(body, DefaultBoxGenerator([[2], [2]]), (64, 64), 4, **few)
    return detection.FasterRCNN(
        Pyramid(), rpn_anchor_generator=anchors, box_roi_pool=torchvision.ops.MultiScaleRoIAlign(["0", "1"], 3, 2),
        box_head=detection.faster_rcnn.TwoMLPHead(72, 16), box_predictor=detection.faster_rcnn.FastRCNNPredictor(16, 4),
        box_score_thresh=0.005, box_detections_per_img=8, rpn_pre_nms_top_n_test=40, rpn_post_nms_top_n_test=20, **sizes)  # fmt: skip


def spread(module):
    """Weights that tell pictures apart."""
    torch.manual_seed(5)
    for p in module.parameters():
        if p.dim() > 1:
            nn.init.normal_(p, std=1.2 / p[0].numel() ** 0.5)


def signs(count):
    """8 rows of signs that the tests can make too: bit 20 of a hash of the place."""
    i = np.arange(8 * count, dtype=np.uint64)
    return 1 - 2 * (((i * 2654435761 + 12345) % 2**32) >> 20 & 1).astype(np.float64).reshape(8, count)


def picture():
    i = np.arange(3 * HEIGHT * WIDTH, dtype=np.float64)
    return torch.from_numpy((0.5 + 0.5 * np.sin(i * 0.37) * np.cos(i * 0.0113)).astype(np.float32)).reshape(3, HEIGHT, WIDTH)


def gradients(scores, x):
    for score in scores[:3]:
        g = torch.autograd.grad(score, x, retain_graph=True)[0].numpy().ravel().astype(np.float64)
        yield {"largest": float(abs(g).max()), "sums": [float(v) for v in signs(g.size) @ g]}


def suppressed(boxes, scores, threshold=0.25, iou=0.1):
    """Each class of each box [A,4] with its score [A,C]; class by class, by torchvision's own operator."""
    row, label = (scores > threshold).nonzero(as_tuple=True)
    picked = scores[row, label]
    kept = torchvision.ops.batched_nms(boxes[row], picked, label, iou)
    return {"boxes": boxes[row][kept], "scores": picked[kept], "labels": label[kept]}


def corners(b):
    return torchvision.ops.box_convert(b, "cxcywh", "xyxy")


def answer(name, out, x):
    """What was found: boxes in pixels, scores, labels."""
    if name == "yolov8":
        return suppressed(corners(out[0, :4].T), out[0, 4:].T)
    if name == "yolov5":
        return suppressed(corners(out[0, :, :4]), out[0, :, 4:5] * out[0, :, 5:])
    if name == "yolov10":
        return {"boxes": out[0, :, :4], "scores": out[0, :, 4], "labels": out[0, :, 5].long()}
    logits, boxes = out
    scores, labels = logits[0].softmax(-1)[:, :-1].max(-1)
    order = scores.argsort(descending=True)
    whole = torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    return {"boxes": (corners(boxes[0]) * whole)[order], "scores": scores[order], "labels": labels[order]}


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    networks = {n: torchvision_model for n in ["retinanet", "fcos", "ssd", "fasterrcnn"]}
    networks |= {f"yolo{v}": lambda n: Yolo(n[4:]) for v in ["v5", "v8", "v10"]} | {"detr": lambda _: Detr(), "segmenter": lambda _: Segmenter()}
    for name, make in networks.items():
        torch.manual_seed(3)
        module = make(name).eval()
        spread(module)
        x = picture()
        batched = name not in ["retinanet", "fcos", "ssd", "fasterrcnn"]
        x = (x[None] if batched else x).requires_grad_()
        names = {"detr": ["logits", "pred_boxes"]}.get(name, ["output"]) if batched else None
        axes = {"image": {0: "N"}, **{n: {0: "N"} for n in names}} if batched else None
        args = (x.detach(),) if batched else ([x.detach()],)
        torch.onnx.export(module, args, f"{out}/{name}.onnx", opset_version=17, dynamo=False, input_names=["image"],
                          output_names=names, dynamic_axes=axes)  # fmt: skip
        got = module(x) if batched else module([x])[0]
        entry = {"height": HEIGHT, "width": WIDTH}
        if name == "segmenter":
            entry["classes"] = "".join(map(str, got[0].argmax(0).flatten().tolist()))
        else:
            found = answer(name, got, x) if batched else got
            entry |= {k: found[k].detach().numpy()[:20].round(6).tolist() for k in ["boxes", "scores", "labels"]}
            entry["gradients"] = list(gradients(found["scores"], x))
        with open(f"{out}/{name}.json", "w") as file:
            json.dump(entry, file)
            file.write("\n")
        print(name, os.path.getsize(f"{out}/{name}.onnx"), entry.get("scores"), entry.get("labels"), flush=True)


if __name__ == "__main__":
    main()
