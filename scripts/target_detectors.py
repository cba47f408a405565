"""Detectors, with random weights: torchvision's with their choice of boxes in the graph, DETR, and a raw head in the manner of YOLO.

See scripts/vision_language_networks.py. `anchor` is the index of a surviving box among all boxes before any choice: of torchvision's in the order of its
heads' outputs, of Faster R-CNN among the proposals, of DETR the query.
"""

import torch
import torchvision
from target_captioners import livelier
from target_store import Network, calibrate, onnx_export, optimum_export, picture
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD


def block(i, o, stride=2):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class Backbone(nn.Module):
    """Two maps, of a fourth and an eighth of the side, by names as torchvision wants them."""

    def __init__(self, low, high):
        super().__init__()
        self.low, self.high = nn.Sequential(block(3, 8), block(8, low)), block(low, high)
        self.out_channels = high

    def forward(self, x):
        low = self.low(x)
        high = self.high(low)
        return {"0": low, "1": high}


def tiny_ssd():
    net = Backbone(12, 16)
    net.out_channels = [12, 16]
    return SSD(net, DefaultBoxGenerator([[2], [2]], scales=[0.2, 0.45, 0.9], steps=[4, 8]), (48, 48), 4, image_mean=[0] * 3, image_std=[1] * 3)


def tiny_retinanet():
    anchors = AnchorGenerator(((10,), (20,)), ((0.5, 1.0, 2.0),) * 2)
    return detection.RetinaNet(Backbone(16, 16), 3, min_size=60, max_size=80, image_mean=[0] * 3, image_std=[1] * 3, anchor_generator=anchors)


def tiny_fcos():
    head = detection.fcos.FCOSHead(32, 1, 3, num_convs=1)
    return detection.FCOS(
        Backbone(32, 32),
        3,
        min_size=48,
        max_size=64,
        image_mean=[0] * 3,
        image_std=[1] * 3,
        anchor_generator=AnchorGenerator(((8,), (16,)), ((1.0,),) * 2),
        head=head,
    )


def tiny_faster_rcnn():
    pool = torchvision.ops.MultiScaleRoIAlign(["0", "1"], 3, 2)
    return detection.FasterRCNN(
        Backbone(16, 16), None, min_size=48, max_size=64, image_mean=[0] * 3, image_std=[1] * 3, rpn_anchor_generator=AnchorGenerator(((10,), (20,)), ((0.5, 1.0, 2.0),) * 2),
        box_roi_pool=pool, box_head=detection.faster_rcnn.TwoMLPHead(16 * 9, 24), box_predictor=detection.faster_rcnn.FastRCNNPredictor(24, 4), rpn_post_nms_top_n_test=40,
    )  # fmt: skip


def spread(layer, run, centre, width, top=float("inf")):
    """Scale a head's last layer so that its outputs lie around `centre` with a deviation of `width`, or less where they would exceed `top`."""
    kept = []
    handle = layer.register_forward_hook(lambda _m, _i, o: kept.append(o.flatten()))
    run()
    handle.remove()
    y = torch.cat(kept)
    scale = min(width / y.std(), (top - centre) / (y.max() - y.mean()))
    layer.weight.data.mul_(scale)
    layer.bias.data.mul_(scale).add_(centre - scale * y.mean())


class Detected(nn.Module):
    """One picture [1,3,H,W] to its boxes, scores and labels, in torchvision's order."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return tuple(self.model(images)[0].values())


def class_probabilities(model, name, features_seen):
    """All boxes' class scores before any choice, [boxes, classes], from what the heads said last."""
    if name == "fasterrcnn":
        return features_seen["classes"].softmax(-1)
    logits = features_seen["classes"][0]
    if name == "ssd":
        return logits.softmax(-1)
    if name == "fcos":
        return (logits.sigmoid() * features_seen["centre"][0].sigmoid()).sqrt()
    return logits.sigmoid()


def of_torchvision(name, full, small_version):
    def build(small):
        torch.manual_seed(0)
        model = (small_version() if small else getattr(detection, full)(weights=None, weights_backbone=None)).eval()
        side = ((40, 56) if name == "ssd" else (48, 64)) if small else (240, 320) if name == "ssd" else (320, 416)
        if not small and name != "ssd":
            model.transform.min_size, model.transform.max_size = (320,), 416
        x = picture(*side, 0.5, 0.25) if small else picture(*side, 0, 1)
        seen = {}
        with torch.no_grad():
            for p in model.modules():
                if isinstance(p, (nn.Conv2d, nn.Linear)) and not small:
                    nn.init.kaiming_normal_(p.weight)
            calibrate(model, lambda: model(x))
            if name == "fasterrcnn":
                spread(model.rpn.head.cls_logits, lambda: model(x), 0, 2)
                spread(model.rpn.head.bbox_pred, lambda: model(x), 0, 0.3)
                spread(model.roi_heads.box_predictor.cls_score, lambda: model(x), 0, 1.5)
                spread(model.roi_heads.box_predictor.bbox_pred, lambda: model(x), 0, 0.5)
                model.roi_heads.score_thresh, model.roi_heads.detections_per_img = 0.4, 8
                model.roi_heads.box_predictor.register_forward_hook(lambda _m, _i, o: seen.update(classes=o[0]))
            else:
                head = model.head
                classes = head.classification_head.module_list if name == "ssd" else [head.classification_head.cls_logits]
                boxes = head.regression_head.module_list if name == "ssd" else [head.regression_head.bbox_reg]
                for layer in classes:
                    spread(layer, lambda: model(x), *((0, 1.5) if name == "ssd" else (-2, 1.5, 4)))
                for layer in boxes:
                    spread(layer, lambda: model(x), 1.0 if name == "fcos" else 0, 0.5)
                if name == "fcos":
                    spread(head.regression_head.bbox_ctrness, lambda: model(x), 0, 1)
                model.score_thresh, model.detections_per_img, model.topk_candidates = 0.4, 8, 60
                head.register_forward_hook(lambda _m, _i, o: seen.update(classes=o["cls_logits"], centre=o.get("bbox_ctrness")))
            model(x)
        order = list(model(x)[0])
        net = Detected(model)

        def forward(images):
            return dict(zip(order, net(images)))

        def targets(o):
            all_scores = class_probabilities(model, name, seen)
            found = []
            for i in range(min(3, len(o["scores"]))):
                label = int(o["labels"][i])
                apart = (all_scores[:, label] - o["scores"][i]).abs()
                anchor = int(apart.argmin())
                assert apart[anchor] < 1e-6
                found.append([{"kind": "box", "box": i, "class": label, "anchor": anchor}, o["scores"][i]])
            assert len(found) > 1, "too few boxes survive"
            return found

        free = {"images": {2: "height", 3: "width"}, **{k: {0: "boxes"} for k in order}} if name == "retinanet" else {k: {0: "boxes"} for k in order}
        layer = model.backbone.low if small else model.backbone.features if name == "ssd" else model.backbone.body["layer4"]
        note = "the picture's height and width are free" if name == "retinanet" else ""
        return Network(
            net,
            {"images": x},
            forward,
            targets,
            "scores",
            lambda folder: onnx_export(net, (x,), f"{folder}/model.onnx", ["images"], order, free),
            layer,
            note=note,
        )

    return build


def detr(small):
    """DETR as optimum writes it, with a ResNet of transformers: logits [N,queries,classes+1], pred_boxes [N,queries,4] as centre and size in shares."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    sizes = dict(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_queries=6,
    )
    tiny = ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"])
    config = DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=tiny if small else ResNetConfig(out_features=["stage4"]),
        num_labels=4 if small else 91, **(sizes if small else {}),
    )  # fmt: skip
    model = livelier(DetrForObjectDetection(config))
    x = picture(64, 96) if small else picture(480, 640)
    calibrate(model, lambda: model(x))

    def targets(o):
        scores = o["logits"][0, :, :-1]
        best = [divmod(int(i), scores.shape[1]) for i in scores.flatten().argsort(descending=True)]
        (q, c), (r, d) = best[0], next(b for b in best if b[0] != best[0][0])
        return [
            [{"kind": "box", "box": q, "class": c, "anchor": q}, scores[q, c]],
            [{"kind": "box", "box": r, "class": d, "anchor": r}, scores[r, d]],
        ]

    def forward(pixel_values):
        o = model(pixel_values)
        return {"logits": o.logits, "pred_boxes": o.pred_boxes}

    conv = model.model.backbone.conv_encoder if hasattr(model.model.backbone, "conv_encoder") else model.model.backbone
    layer = [m for n, m in conv.named_modules() if n.endswith("encoder.stages.3")][0]
    return Network(
        model, {"pixel_values": x}, forward, targets, "logits", lambda folder: optimum_export(model, folder, "object-detection"), layer,
        note="the score is the logit of the class; no box is taken away",
    )  # fmt: skip


class Yolo(nn.Module):
    """A convolutional detector with a raw head in the manner of Ultralytics' exports: [N, 4 + classes, boxes], boxes as centre and size in pixels.

    Two scales; the sides' distances are means over a distribution of 8 bins; the classes behind a sigmoid.
    """

    def __init__(self, width, classes, depth, bins=8):
        super().__init__()
        conv = lambda i, o, k=3, s=1: nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o), nn.SiLU())
        stage = lambda i, o: nn.Sequential(conv(i, o, 3, 2), *(conv(o, o) for _ in range(depth)))
        self.stem, self.low, self.high = (
            nn.Sequential(conv(3, width, 3, 2), stage(width, width * 2)),
            stage(width * 2, width * 4),
            stage(width * 4, width * 4),
        )
        self.join = conv(width * 8, width * 4, 1)
        self.boxes = nn.ModuleList(nn.Sequential(conv(width * 4, width * 2), nn.Conv2d(width * 2, 4 * bins, 1)) for _ in range(2))
        self.classes = nn.ModuleList(nn.Sequential(conv(width * 4, width * 2), nn.Conv2d(width * 2, classes, 1)) for _ in range(2))
        self.bins, self.strides = bins, (8, 16)
        self.register_buffer("distances", torch.arange(bins).float())

    def forward(self, images):
        low = self.low(self.stem(images))
        high = self.high(low)
        low = self.join(torch.cat([low, nn.functional.interpolate(high, scale_factor=2.0, mode="nearest")], 1))
        found = []
        for x, boxes, classes, stride in zip((low, high), self.boxes, self.classes, self.strides):
            n, _, h, w = x.shape
            sides = boxes(x).view(n, 4, self.bins, h * w).softmax(2)
            l, t, r, b = (sides * self.distances.view(1, 1, -1, 1)).sum(2).unbind(1)
            ys, xs = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
            cx, cy = xs.reshape(1, -1) + (r - l) / 2, ys.reshape(1, -1) + (b - t) / 2
            place = torch.stack([cx, cy, l + r, t + b], 1) * stride
            found.append(torch.cat([place, classes(x).flatten(2).sigmoid()], 1))
        return torch.cat(found, 2)


def yolo(small):
    net = Yolo(6 if small else 32, 3 if small else 80, 0 if small else 2).eval()
    x = picture(64, 64) if small else picture(640, 640, 0, 1)
    with torch.no_grad():
        calibrate(net, lambda: net(x))
        for layer in net.classes:
            spread(layer[-1], lambda: net(x), -2, 1.5, 4)
        for layer in net.boxes:
            spread(layer[-1], lambda: net(x), 0, 1)

    def targets(o):
        scores = o["output0"][0, 4:]
        boxes = scores.max(0).values.argsort(descending=True)[:2].tolist()
        classes = [int(scores[:, b].argmax()) for b in boxes]
        return [[{"kind": "box", "box": i, "class": c, "anchor": b}, scores[c, b]] for i, (b, c) in enumerate(zip(boxes, classes))]

    return Network(
        net, {"images": x}, lambda images: {"output0": net(images)}, targets, "output0",
        lambda folder: onnx_export(net, (x,), f"{folder}/model.onnx", ["images"], ["output0"], {"images": {0: "batch"}, "output0": {0: "batch"}}),
        net.high, note="a raw head: no box is chosen in the graph; `box` counts by score, `anchor` is the column",
    )  # fmt: skip


NETWORKS = {
    "ssd": of_torchvision("ssd", "ssd300_vgg16", tiny_ssd),
    "retinanet": of_torchvision("retinanet", "retinanet_resnet50_fpn", tiny_retinanet),
    "fcos": of_torchvision("fcos", "fcos_resnet50_fpn", tiny_fcos),
    "fasterrcnn": of_torchvision("fasterrcnn", "fasterrcnn_resnet50_fpn", tiny_faster_rcnn),
    "detr": detr,
    "yolo": yolo,
}
