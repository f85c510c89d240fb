"""Measures one inference engine on one ONNX model, for a program that reads JSON lines.

    python peer.py ENGINE MODEL.onnx INPUT.raw BATCH THREADS [PINNED]

ENGINE is onnxruntime, deepsparse, openvino or openvino-sparse. INPUT.raw holds
BATCH samples as little-endian float32, in the order of the model's input. PINNED
is "pinned" or "unpinned" (the default): whether each thread stays on a core of
its own.

Standard output carries one JSON object a line and nothing else. The first
describes the engine and its output. Then each line {"repeat": n} on standard
input is answered by {"seconds": [n numbers]}; at its end the process exits 0.
Whatever goes wrong is one line {"error": "..."}, with an exit status of 64 for a
wrong call, 65 for a model or input that the engine does not take, and 69 for an
engine that is not installed.
"""

import gc
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from time import perf_counter, process_time, sleep

# The engines print banners, some from C to descriptor 1. The answers go to a copy
# of it that only this file knows; all else that is printed goes to standard error.
ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

WRONG_CALL, WRONG_DATA, NOT_INSTALLED = 64, 65, 69

# Outputs of up to this many numbers are handed over whole, others by their first row.
WHOLE_OUTPUT = 65536


class Failure(Exception):
    """A reason to stop that is told in one line."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def answer(**fields):
    ANSWERS.write(json.dumps(fields) + "\n")
    ANSWERS.flush()


# --- The model file: the few fields of ONNX's protocol buffers that hold a shape ---


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def write_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(data):
    """The fields of a message: number, payload (an int for a varint), raw bytes."""
    at = 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            payload, at = read_varint(data, at)
        else:
            if kind == 2:
                size, at = read_varint(data, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise ValueError("a field of an unknown kind")
            if at + size > len(data):
                raise ValueError("a field that runs past the end")
            payload, at = data[at : at + size], at + size
        yield key >> 3, payload, data[start:at]


def message(number, payload):
    return write_varint(number << 3 | 2) + write_varint(len(payload)) + payload


def replace(data, number, change):
    """The message with each of its fields of that number changed."""
    return b"".join(
        message(number, change(payload)) if found == number else bytes(raw)
        for found, payload, raw in fields(data)
    )


def first(data, number, default):
    for found, payload, _ in fields(data):
        if found == number:
            return payload
    return default


# The fields used: ModelProto.ir_version 1 and graph 7; GraphProto.initializer 5, input
# 11, output 12 and value_info 13; ValueInfoProto.name 1 and type 2; TypeProto.
# tensor_type 1; Tensor.shape 2; TensorShapeProto.dim 1; Dimension.dim_value 1;
# TensorProto.name 8 and data_location 14 (1: in another file).
DIM_VALUE = 1


class Model:
    """An ONNX file with its batch fixed."""

    def __init__(self, path, batch):
        self.path = path
        self.external = False
        try:
            with open(path, "rb") as file:
                data = memoryview(file.read())
        except OSError as error:
            raise Failure(WRONG_DATA, f"cannot read the model {path}: {error.strerror}")
        try:
            self.data = self.with_batch(data, batch)
        except (IndexError, TypeError, ValueError, UnicodeDecodeError):
            raise Failure(WRONG_DATA, f"{path} is not an ONNX model")

    def with_batch(self, data, batch):
        """The model with the first dimension of its inputs and outputs set."""
        constants, inputs = set(), []
        graph = first(data, 7, b"")
        for number, payload, _ in fields(graph):
            if number == 5:
                constants.add(bytes(first(payload, 8, b"")))
                self.external |= first(payload, 14, 0) == 1
            elif number == 11:
                inputs.append(payload)
        # Older files list the weights among the inputs.
        inputs = [x for x in inputs if bytes(first(x, 1, b"")) not in constants]
        if len(inputs) != 1:
            raise Failure(
                WRONG_DATA,
                f"{self.path} has {len(inputs)} inputs; one that takes a batch is needed",
            )
        self.shape = self.dimensions(inputs[0])
        if not self.shape:
            raise Failure(WRONG_DATA, f"the input of {self.path} says no shape")
        self.shape[0] = batch

        def fixed(value):
            """A description of an input or output with its batch set."""
            if bytes(first(value, 1, b"")) in constants or not self.dimensions(value):
                return bytes(value)
            done = False

            def dimension(old):
                nonlocal done
                new = bytes(old) if done else bytes([DIM_VALUE << 3]) + write_varint(batch)
                done = True
                return new

            shape = lambda x: replace(x, 1, dimension)
            tensor = lambda x: replace(x, 2, shape)
            return replace(value, 2, lambda x: replace(x, 1, tensor))

        def changed(graph):
            # Shapes noted for values between the layers would speak of the old batch;
            # every engine infers them anew.
            parts = []
            for number, payload, raw in fields(graph):
                if number in (11, 12):
                    parts.append(message(number, fixed(payload)))
                elif number != 13:
                    parts.append(bytes(raw))
            return b"".join(parts)

        return replace(data, 7, changed)

    @staticmethod
    def dimensions(value):
        """The dimensions of a value description: a number, or nothing for an open one."""
        shape = first(first(first(value, 2, b""), 1, b""), 2, b"")
        return [first(x, DIM_VALUE, None) for number, x, _ in fields(shape) if number == 1]

    @contextmanager
    def file(self):
        """The model as a file for as long as an engine loads it."""
        if not self.external:
            # In memory: an engine that crashes as it loads leaves no file behind.
            handle = os.memfd_create("model.onnx")
            with os.fdopen(handle, "wb") as file:
                file.write(self.data)
                file.flush()
                yield f"/proc/self/fd/{handle}"
            return
        # Weights kept in other files are found by their place beside the model.
        folder = os.path.dirname(os.path.abspath(self.path))
        try:
            handle, path = tempfile.mkstemp(suffix=".onnx", prefix=".peer-", dir=folder)
        except OSError as error:
            raise Failure(
                WRONG_DATA,
                f"cannot write beside {self.path}, whose weights are in files of their "
                f"own: {error.strerror}",
            )
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self.data)
            yield path
        finally:
            os.unlink(path)

    def input(self, path):
        """The samples of a raw file, in the shape of the model's input."""
        import numpy

        try:
            samples = numpy.fromfile(path, dtype="<f4")
        except OSError as error:
            raise Failure(WRONG_DATA, f"cannot read the input {path}: {error.strerror}")
        known, open_ = 1, 0
        for size in self.shape:
            known, open_ = (known * size, open_) if size else (known, open_ + 1)
        if open_ > 1 or samples.size == 0 or samples.size % known or (
            not open_ and samples.size != known
        ):
            wanted = " x ".join(str(x) if x else "?" for x in self.shape)
            raise Failure(
                WRONG_DATA,
                f"{path} holds {samples.size} numbers, but the model's input is {wanted}",
            )
        shape = [size or samples.size // known for size in self.shape]
        return numpy.ascontiguousarray(samples.reshape(shape), dtype=numpy.float32)


# --- The engines: each loads the model, then `run()` does one inference ---


def cores(threads):
    """The cores that this process may use, one for each thread."""
    allowed = sorted(os.sched_getaffinity(0))
    return [allowed[i % len(allowed)] for i in range(threads)]


class OnnxRuntime:
    package = "onnxruntime"

    def __init__(self, threads, pinned):
        import onnxruntime

        self.library = onnxruntime
        self.version = onnxruntime.__version__
        self.threads, self.pinned = threads, pinned
        onnxruntime.set_default_logger_severity(3)
        onnxruntime.disable_telemetry_events()

    def load(self, model, samples):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = self.library.ExecutionMode.ORT_SEQUENTIAL
        if self.pinned and self.threads > 1:
            # Of all threads but the caller's; the engine counts cores from 1.
            others = ";".join(str(core + 1) for core in cores(self.threads)[1:])
            options.add_session_config_entry("session.intra_op_thread_affinities", others)
        providers = ["CPUExecutionProvider"]
        if model.external:
            with model.file() as path:
                session = self.library.InferenceSession(path, options, providers=providers)
        else:
            session = self.library.InferenceSession(model.data, options, providers=providers)
        self.session, self.binding = session, session.io_binding()
        self.held = [self.library.OrtValue.ortvalue_from_numpy(samples)]
        self.binding.bind_ortvalue_input(session.get_inputs()[0].name, self.held[0])
        for output in session.get_outputs():
            self.binding.bind_output(output.name, "cpu")

    def settle(self):
        """Keeps the output of the first run as the place for those of all others."""
        results = self.binding.get_outputs()
        self.held += results
        self.binding.clear_binding_outputs()
        for output, result in zip(self.session.get_outputs(), results):
            self.binding.bind_ortvalue_output(output.name, result)
        return results[0].numpy()

    def run(self):
        self.session.run_with_iobinding(self.binding)


class OpenVino:
    package = "openvino"

    def __init__(self, threads, pinned, sparse=False):
        import openvino

        self.library = openvino
        self.version = openvino.__version__.split("-")[0]
        self.threads = threads
        self.settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": pinned,
            # Where the processor has bfloat16 the engine would compute in it.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if sparse:
            # Layers with a greater share of zeros keep their weights packed.
            self.settings["CPU_SPARSE_WEIGHTS_DECOMPRESSION_RATE"] = 0.5

    def load(self, model, samples):
        core = self.library.Core()
        known = core.get_property("CPU", "SUPPORTED_PROPERTIES")
        for name in self.settings:
            if name not in known:
                raise Failure(
                    NOT_INSTALLED,
                    f"openvino {self.version} does not know {name}: "
                    "pip install --upgrade openvino",
                )
        if model.external:
            with model.file() as path:
                self.compiled = core.compile_model(path, "CPU", self.settings)
        else:
            self.compiled = core.compile_model(
                core.read_model(model.data), "CPU", self.settings
            )
        self.threads = self.compiled.get_property("INFERENCE_NUM_THREADS")
        self.request = self.compiled.create_infer_request()
        self.tensor = self.library.Tensor(samples, shared_memory=True)
        self.request.set_input_tensor(self.tensor)

    def settle(self):
        return self.request.get_output_tensor(0).data

    def run(self):
        self.request.infer(share_inputs=True, share_outputs=True)


class DeepSparse:
    package = "deepsparse"

    def __init__(self, threads, pinned):
        # Read when the package is imported. Without the first it asks a server for
        # this machine's country and reports each use to another.
        os.environ["NM_DISABLE_ANALYTICS"] = "1"
        os.environ["DO_NOT_TRACK"] = "1"
        os.environ["NM_BIND_THREADS_TO_CORES"] = "1" if pinned else "0"
        os.environ["NM_BIND_THREADS_TO_SOCKETS"] = "0"
        from deepsparse.engine import Engine
        from deepsparse.version import __version__

        self.make, self.version, self.threads = Engine, __version__, threads

    def load(self, model, samples):
        with model.file() as path:
            self.engine = self.make(
                path, batch_size=model.shape[0], num_cores=self.threads, num_streams=1
            )
        self.threads = self.engine.num_cores
        self.samples, self.results = [samples], None

    def settle(self):
        return self.results[0]

    def run(self):
        # The engine has no way to be given a place for its output.
        self.results = self.engine.run(self.samples, val_inp=False)


ENGINES = {
    "onnxruntime": OnnxRuntime,
    "deepsparse": DeepSparse,
    "openvino": OpenVino,
    "openvino-sparse": lambda threads, pinned: OpenVino(threads, pinned, sparse=True),
}


def count(text, name):
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise Failure(WRONG_CALL, f"{name} is '{text}'; it is a whole number from 1")
    return int(text)


def engine_named(name, threads, pinned):
    if name not in ENGINES:
        raise Failure(
            WRONG_CALL, f"there is no engine '{name}'; there are {', '.join(ENGINES)}"
        )
    try:
        return ENGINES[name](threads, pinned)
    except Exception as error:  # A package that is there may fail in any way.
        package = name.split("-")[0]
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise Failure(
            NOT_INSTALLED,
            f"{package} cannot be used by {sys.executable} ({reason}): "
            f"{hint(package)}",
        )


def hint(package):
    """What to install, in words."""
    if package != "deepsparse":
        return f"pip install {package} numpy"
    line = "pip install deepsparse==1.8.0 'numpy<2'"
    if sys.version_info >= (3, 12):
        return f"{line} with Python 3.8 to 3.11 (this is 3.{sys.version_info.minor})"
    return line


def numbers(output):
    """The output as floats: all of it, or the first row of a large one."""
    if output.size > WHOLE_OUTPUT:
        output = output[0]
    return [float(x) for x in output.reshape(-1)]


def measure(engine, repeats):
    seconds = []
    run = engine.run
    for _ in range(repeats):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return seconds


def rest():
    """Waits until the engine's threads sleep.

    They spin for a while after a run, ready for the next one. That is their right
    while runs follow each other; after the answer it would slow another process.
    """
    quiet = 0
    for _ in range(100):
        before = process_time()
        sleep(0.005)
        quiet = quiet + 1 if process_time() - before < 0.001 else 0
        if quiet == 3:
            return


def main(arguments):
    if len(arguments) not in (5, 6):
        raise Failure(
            WRONG_CALL, "usage: peer.py ENGINE MODEL.onnx INPUT.raw BATCH THREADS [PINNED]"
        )
    name, path, data = arguments[:3]
    batch, threads = count(arguments[3], "BATCH"), count(arguments[4], "THREADS")
    pinning = arguments[5] if len(arguments) == 6 else "unpinned"
    if pinning not in ("pinned", "unpinned"):
        raise Failure(
            WRONG_CALL, f"PINNED is '{pinning}'; it is pinned or unpinned"
        )
    engine = engine_named(name, threads, pinning == "pinned")
    model = Model(path, batch)
    samples = model.input(data)
    try:
        start = perf_counter()
        engine.load(model, samples)
        loaded = perf_counter()
        engine.run()
        ran = perf_counter()
        if pinning == "pinned":
            # The engines bind the threads that they start, not the one that calls. The
            # first run comes before: a thread started later would inherit this.
            os.sched_setaffinity(0, cores(1))
        output = numbers(engine.settle())
        rest()
    except Failure:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Failure(WRONG_DATA, f"{name} does not run {path} at batch {batch}: {reason}")
    answer(
        engine=name,
        version=engine.version,
        threads=engine.threads,
        load_seconds=loaded - start,
        first_seconds=ran - loaded,
        output=output,
    )
    gc.collect()
    gc.disable()
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            repeats = json.loads(line)["repeat"]
        except (ValueError, KeyError, TypeError):
            repeats = None
        if type(repeats) is not int or repeats < 1:
            raise Failure(
                WRONG_CALL, f"'{line.strip()}' was read; {{\"repeat\": n}} was expected"
            )
        seconds = measure(engine, repeats)
        rest()
        answer(seconds=seconds)


if __name__ == "__main__":
    status = 0
    try:
        main(sys.argv[1:])
    except Failure as failure:
        answer(error=str(failure))
        status = failure.status
    except BrokenPipeError:
        pass  # Nobody is left to read the answers.
    # The engines' own threads and destructors can hang or crash at the end.
    sys.stderr.flush()
    os._exit(status)
