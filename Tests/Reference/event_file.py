#!/usr/bin/env python3
"""Writes event_file.json: an event file of TensorBoard as its own classes make it (pip install tensorboard==2.21.0 crc32c==2.7.1)."""
import json
import pathlib
import struct

import crc32c
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2


def masked(data):
    crc = crc32c.crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def scalar(tag, value):
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


text = summary_pb2.Summary.Value(
    tag="command",
    tensor=tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=tensor_shape_pb2.TensorShapeProto(), string_val=[b"`espalier`"]),
    metadata=summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")))
time = 1_700_000_000.5
events = [
    event_pb2.Event(wall_time=time, file_version="brain.Event:2"),
    event_pb2.Event(wall_time=time, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    event_pb2.Event(wall_time=time, summary=summary_pb2.Summary(value=[text])),
    event_pb2.Event(
        wall_time=time, step=300, summary=summary_pb2.Summary(value=[scalar("loss/training", 0.1), scalar("learning-rate", 1e-3)])),
]
golden = {"record": record(b"a").hex(), "file": b"".join(record(e.SerializeToString()) for e in events).hex()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")
