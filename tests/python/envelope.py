"""A model as it travels: JSON around a checksummed safetensors file, or that JSON as a record header beside the file.

The format is fedhost's; nothing here needs fedhost. See "Messages" in ARCHITECTURE.md.
"""

import base64
import gzip
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field

import lz4.frame
import numpy as np
import zstandard
from safetensors import numpy as tensors

HEADER = "fedhost-envelope"
COMPRESSIONS = ("gzip", "zstd", "lz4", "none")
_PARTS = ("header", "metadata")


@dataclass
class Model:
    """Weights by name, and what a receiver must know about them."""

    kind: str
    sender: str
    round: int
    samples: int
    plugin: dict
    weights: dict
    metrics: dict = field(default_factory=dict)

    def sha256(self):
        """The weights' identity, as fedhost has it in its run log."""
        digest = hashlib.sha256()
        values = [(name, np.ascontiguousarray(array, "<f4")) for name, array in self.weights.items()]
        for name, array in values:
            text = name.encode()
            digest.update(len(text).to_bytes(8, "little") + text)
            digest.update(array.ndim.to_bytes(8, "little") + np.array(array.shape, "<u4").tobytes())
        for _, array in values:
            digest.update(array.tobytes())
        return digest.hexdigest()


def encode(model, compression, binary):
    """The record's value, and its headers."""
    payload = _compress(tensors.save(model.weights), compression)
    header = {
        "version": "1.0",
        "type": model.kind,
        "timestamp": time.time(),
        "sender": model.sender,
        "message_id": str(uuid.uuid4()),
    }
    arrays = model.weights.values()
    metadata = {
        "model_version": model.round,
        "round_number": model.round,
        "num_samples": model.samples,
        "num_layers": len(arrays),
        "total_params": sum(array.size for array in arrays),
        "names": list(model.weights),
        "shapes": [list(array.shape) for array in arrays],
        "dtypes": [str(array.dtype) for array in arrays],
        "plugin": model.plugin,
        "metrics": model.metrics,
        "encoding": "safetensors",
        "compression": compression,
        "checksum": hashlib.sha256(payload).hexdigest(),
    }
    texts = [json.dumps(part) for part in (header, metadata)]
    message = f'{{"header": {texts[0]}, "metadata": {texts[1]}, "digest": "{_digest(texts)}"'
    if binary:
        return payload, [(HEADER, (message + "}").encode())]
    return f'{message}, "payload": "{base64.b64encode(payload).decode()}"}}'.encode(), []


def decode(value, headers):
    """The model in a record of either form; fails unless every digest is right."""
    binary = dict(headers or []).get(HEADER)
    text = (binary or value).decode()
    message = json.loads(text)
    if message["digest"] != _digest([_text_of(text, part) for part in _PARTS]):
        raise ValueError("the digest does not match")
    payload = value if binary else base64.b64decode(message["payload"], validate=True)
    header, metadata = message["header"], message["metadata"]
    if metadata["checksum"] != hashlib.sha256(payload).hexdigest():
        raise ValueError("the checksum does not match")
    read = tensors.load(_decompress(payload, metadata["compression"]))
    weights = {name: read[name] for name in metadata["names"]}
    shapes = [list(array.shape) for array in weights.values()]
    if set(read) != set(weights) or shapes != metadata["shapes"]:
        raise ValueError("the file does not hold what the metadata says")
    return Model(
        kind=header["type"],
        sender=header["sender"],
        round=metadata["round_number"],
        samples=metadata["num_samples"],
        plugin=metadata["plugin"],
        weights=weights,
        metrics=metadata["metrics"],
    )


def _digest(texts):
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def _text_of(message, part):
    """The text of an object in the message, byte for byte."""
    start = message.index(":", message.index(f'"{part}"')) + 1
    start += len(message[start:]) - len(message[start:].lstrip())
    _, end = json.JSONDecoder().raw_decode(message, start)
    return message[start:end]


def _compress(file, compression):
    return {
        "gzip": lambda: gzip.compress(file, mtime=0),
        "zstd": lambda: zstandard.compress(file),
        "lz4": lambda: lz4.frame.compress(file),
        "none": lambda: file,
    }[compression]()


def _decompress(payload, compression):
    return {
        "gzip": lambda: gzip.decompress(payload),
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress(payload),
        "lz4": lambda: lz4.frame.decompress(payload),
        "none": lambda: payload,
    }[compression]()
