"""The sound inputs that a storm damages: made by the command itself, small, and with the commands that read them."""

import base64
import collections
import gzip
import json
import pathlib
import signal
import struct
import time

from . import ground, mutations

# `files` are damaged, one in a try; `commands` read them, one in a try. `family` is what --only chooses by.
Seed = collections.namedtuple("Seed", "family name folder files commands")

NET = "--network mlp:64-12-10 --dataset digits"
MODEL = [
    "inspect {f}", "inspect {f} --json", "inspect {f} --groups", "inspect {f} --groups --json", "compare {f} sound.safetensors",
    "compare mlp:64-12-10 {f} --json", "evaluate {f} --dataset digits {t}", "evaluate {f} {t} --json",
    "prune {f} --dataset digits --sparsity 0.6 --rounds 1 --epochs 0 {q} -o o",
    "prune {f} --sparsity 0.9 --rounds 2 --recovery 2it --dataset digits {q} -o o --report r.json",
    "prune {f} --granularity unit --fraction 0.3 --epochs 0 {q} -o o",
    "prune {f} --granularity filter --fraction 0.5 --epochs 0 {q} -o {f}",
    "prune {f} --dataset digits --granularity unit --criterion taylor --examples 40 --fraction 0.3 --repair mean --epochs 0 {q} -o o",
    "prune {f} --dataset digits --granularity unit --fraction 0.3 --repair reconstruction --examples 40 --epochs 0 {q} -o o",
    "prune {f} --dataset digits --granularity unit --fraction 0.3 --repair batch-norm --examples 40 --epochs 0 {q} -o o",
    "prune {f} --dataset digits --method rigl --sparsity 0.5 --epochs 8it --regrowth-interval 2it {q} -o o",
    "sensitivity {f} --dataset digits --fractions 0.5 --examples 40 {q}",
    "sensitivity {f} --dataset digits --granularity weight --fractions 0.5 --examples 40 {q}",
    "probe {f} --dataset digits --fractions 0.5 --examples 40 --rows rows.csv {q}",
]
BARE = [
    "inspect {f}", "evaluate --network mlp:64-31-10 --weights {f} --dataset digits {t}",
    "prune --network mlp:64-31-10 --weights {f} --dataset digits --sparsity 0.5 --rounds 1 --epochs 0 {q} -o o",
    "train --network mlp:64-31-10 --weights {f} --dataset digits --epochs 2it {q} -o o",
    "sensitivity --network mlp:64-31-10 --weights {f} --dataset digits --fractions 0.5 --examples 40 {q}",
    "probe --network mlp:64-31-10 --weights {f} --dataset digits --fractions 0.5 --examples 40 --rows rows.csv {q}",
]
# Each run that keeps a checkpoint, long enough to be ended in its course.
KEPT = {
    "train": "train {n} --epochs 60 --checkpoint-every 20it --optimizer sgd",
    "adam": "train {n} --epochs 60 --checkpoint-every 20it",
    "rounds": "prune {n} --sparsity 0.9 --rounds 40 --epochs 2 --recovery 1ep --checkpoint-every 20it",
    "units": "prune sound.safetensors --granularity unit --fraction 0.05 --rounds 40 --recovery 1ep --checkpoint-every 20it",
    "rigl": "prune {n} --method rigl --sparsity 0.5 --epochs 60 --regrowth-interval 5it --checkpoint-every 20it",
    "set": "prune {n} --method set --sparsity 0.5 --epochs 60 --checkpoint-every 20it",
    "splicing": "prune {n} --method splicing --sparsity 0.5 --epochs 60 --regrowth-interval 5it --checkpoint-every 20it",
    "dsd": "prune {n} --method dsd --sparsity 0.5 --epochs 60 --checkpoint-every 20it",
    "scored": "prune {n} --method scored-pruning --sparsity 0.5 --epochs 60 --regrowth-interval 5it --checkpoint-every 20it",
    "double": "prune {n} --method double-pruning --sparsity 0.5 --every 3ep --epochs 60 --checkpoint-every 20it",
    "gradual": "prune {n} --method gradual --sparsity 0.9 --epochs 60 --checkpoint-every 20it",
    "edge-popup": "prune {n} --method edge-popup --sparsity 0.5 --epochs 60 --checkpoint-every 20it",
    "l0": "prune {n} --method l0 --gate-learning-rate 0.02 --epochs 60 --checkpoint-every 20it",
    "accumulated": "prune {n} --granularity unit --criterion activation --fraction 0.1 --every 5ep --epochs 60 --checkpoint-every 20it",
}
TICKETS = "prune {n} --method lottery-ticket --rounds 1 --epochs 20it --branches reinit -o study"
PROBES = "probe {n} --steps 40it --every 20it --fractions 0.5 --examples 40 --seeds 2 -o study"


def spelled(words, file="m.safetensors"):
    return words.format(f=file, n=NET, q="--threads 1 --quiet", t="--threads 1").split()


def make(place, families):
    """Makes the seeds of some families, each in a folder of its own."""
    folder, temporary = place.new("seed-model")
    made = place.run(spelled("train {n} --epochs 3 {q} -o sound.safetensors"), folder, temporary)
    if made.status != 0:
        ground.fail(f"no model can be trained: {ground.last_line(made.errors)}")
    sound = (folder / "sound.safetensors").read_bytes()
    makers = {maker.__name__: maker for maker in (models, checkpoints, tickets, probes, data, lines, graphs)}
    return {family: makers[family](place, sound) for family in families}


def new(place, name, sound):
    folder, temporary = place.new(name)
    (folder / "sound.safetensors").write_bytes(sound)
    return folder, temporary


def models(place, sound):
    seeds = []
    recipes = {
        "dense": None,
        "masked": "prune sound.safetensors --sparsity 0.6 --rounds 2 --recovery 1ep {q} -o m.safetensors",
        "units": "prune sound.safetensors --granularity unit --fraction 0.3 --recovery 1ep {q} -o m.safetensors",
        "convolutional": "prune --network small-conv --granularity unit --fraction 0.5 --epochs 0 {q} -o m.safetensors",
        "l0": "prune {n} --method l0 --gate-learning-rate 0.05 --epochs 20it {q} -o m.safetensors",
        "popup": "prune {n} --method edge-popup --sparsity 0.5 --epochs 20it {q} -o m.safetensors",
    }
    for name, words in recipes.items():
        folder, temporary = new(place, f"seed-{name}", sound)
        if words is None:
            (folder / "m.safetensors").write_bytes(sound)
        elif place.run(spelled(words), folder, temporary).status != 0:
            print(f"no seed {name}: the command does not make it")
            continue
        seeds.append(Seed("models", name, folder, ["m.safetensors"], MODEL))
    for path in sorted([*place.cases.glob("*.safetensors"), *place.cases.glob("hostile/*.st")]):
        folder, _ = new(place, f"seed-{path.stem}", sound)
        content = path.read_bytes()
        (folder / "m.safetensors").write_bytes(content)
        parts = mutations.split(content)
        metadata = (parts[0].get("__metadata__") if parts else None) or {}
        seeds.append(Seed("models", path.stem, folder, ["m.safetensors"], MODEL if metadata.get("format") == "espalier" else BARE))
    return seeds


def checkpoints(place, sound):
    seeds = []
    for name, words in KEPT.items():
        folder, temporary = new(place, f"seed-ck-{name}", sound)
        words += " {q} --checkpoint ck -o o"
        process = place.start(spelled(words), folder, temporary)
        end = time.monotonic() + 30
        while not (folder / "ck").exists() and not ground.has_ended(process) and time.monotonic() < end:
            time.sleep(0.02)
        # Behind the first one, where there is more in it.
        time.sleep(0.15)
        ground.send(process, signal.SIGINT)
        place.finish(process)
        if not (folder / "ck").exists():
            print(f"no seed {name}: the run was over, or kept no checkpoint")
            continue
        (folder / "o").unlink(missing_ok=True)
        seeds.append(Seed("checkpoints", name, folder, ["ck"], [words + " --resume"]))
    return seeds


def study(place, sound, family, words, readers):
    folder, temporary = new(place, f"seed-{family}", sound)
    made = place.run(spelled(words + " {q}"), folder, temporary)
    if made.status != 0:
        print(f"no seed {family}: {ground.last_line(made.errors)}")
        return []
    files = [str(path.relative_to(folder)) for path in sorted((folder / "study").rglob("*")) if path.is_file()]
    return [Seed(family, "study", folder, files, readers)]


def tickets(place, sound):
    readers = ["tickets study", "tickets study --json", TICKETS + " {q}", TICKETS.replace("rounds 1", "rounds 2") + " {q}"]
    seeds = study(place, sound, "tickets", TICKETS, readers)
    for path in sorted(place.cases.glob("hostile/tickets-*")):
        folder, _ = new(place, f"seed-{path.name}", sound)
        ground.copy_tree(path, folder / "study")
        for inner in (folder / "study").rglob("*"):
            inner.chmod(0o755 if inner.is_dir() else 0o644)
        files = [str(file.relative_to(folder)) for file in (folder / "study").rglob("*.json")]
        seeds.append(Seed("tickets", path.name, folder, files, ["tickets study", TICKETS + " {q}"]))
    return seeds


def probes(place, sound):
    readers = ["probe --analyse study", "probe --analyse study --json", PROBES + " {q}", PROBES.replace("seeds 2", "seeds 3") + " {q}"]
    return study(place, sound, "probes", PROBES, readers)


def data(place, sound):
    """Small folders of images in the two forms that there are."""
    seeds = []
    for packed in (False, True):
        folder, _ = new(place, f"seed-idx-{packed}", sound)
        (folder / "data/mnist").mkdir(parents=True)
        files = []
        for part, count in (("train", 60), ("t10k", 20)):
            images = bytes(16 + n % 7 for n in range(count * 784))
            for name, content in (
                (f"{part}-images-idx3-ubyte", struct.pack(">IIII", 0x803, count, 28, 28) + images),
                (f"{part}-labels-idx1-ubyte", struct.pack(">II", 0x801, count) + bytes(n % 10 for n in range(count))),
            ):
                name += ".gz" if packed else ""
                (folder / "data/mnist" / name).write_bytes(gzip.compress(content, mtime=0) if packed else content)
                files.append(f"data/mnist/{name}")
        seeds.append(Seed("data", "idx.gz" if packed else "idx", folder, files, readers("mnist", 784)))
    folder, _ = new(place, "seed-cifar", sound)
    (folder / "data/cifar-10-batches-bin").mkdir(parents=True)
    names = [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]
    for number, name in enumerate(names):
        records = b"".join(bytes([n % 10]) + bytes((n * number + k) % 251 for k in range(3072)) for n in range(12))
        (folder / "data/cifar-10-batches-bin" / name).write_bytes(records)
    seeds.append(Seed("data", "cifar", folder, [f"data/cifar-10-batches-bin/{name}" for name in names], readers("cifar-10", 3072)))
    return [*seeds, table(place, sound), images(place, sound)]


def table(place, sound):
    """Data of one's own in a safetensors file: forty examples of six features."""
    folder, _ = new(place, "seed-tensors", sound)
    values = struct.pack("<240f", *(n % 17 / 4 for n in range(240))) + struct.pack("<40q", *(n % 3 for n in range(40)))
    header = json.dumps({
        "x": {"dtype": "F32", "shape": [40, 6], "data_offsets": [0, 960]},
        "y": {"dtype": "I64", "shape": [40], "data_offsets": [960, 1280]},
    }).encode()
    (folder / "t.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + values)
    words = "train --network mlp:6-8-3 --dataset tensors:t.safetensors --epochs 1it {q} -o o"
    return Seed("data", "tensors", folder, ["t.safetensors"], [words, words.replace("mlp:6-8-3", "lenet-300-100"), "inspect t.safetensors"])


def images(place, sound):
    """Data of one's own in a folder: JPEG and PNG files of every kind, in two classes."""
    folder, _ = new(place, "seed-folder", sound)
    files = []
    golden = pathlib.Path(__file__).resolve().parents[2] / "Tests/Reference/images.json"
    for number, image in enumerate(json.loads(golden.read_text())):
        is_png = image["name"].startswith("png")
        path = pathlib.Path("images", "rough" if is_png else "soft", f"{number}.{'png' if is_png else 'jpg'}")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(base64.b64decode(image["file"]))
        files.append(str(path))
    words = "train --network lenet-300-100 --dataset folder:images --epochs 1it {q} -o o"
    return Seed("data", "folder", folder, files, [words, words + " --skip-broken", words + " --image-size 3x9x7 --resize 9"])


def readers(dataset, inputs):
    common = f"--network mlp:{inputs}-8-10 --dataset {dataset} --data-dir data"
    train = f"train {common} --epochs 1it {{q}} -o o"
    return [
        f"data verify {dataset} --data-dir data", "data verify --data-dir data --json", "data list --data-dir data", train, train,
        f"prune {common} --granularity unit --criterion taylor --examples 10 --fraction 0.2 --epochs 0 {{q}} -o o",
        f"probe {common} --steps 2it --every 1it --examples 10 --fractions 0.5 {{q}} -o study",
    ]


def graphs(place, sound):
    """A folder for networks that each try makes itself."""
    folder, _ = new(place, "seed-graphs", sound)
    (folder / "m.safetensors").write_bytes(sound)
    return [Seed("graphs", "graph", folder, ["m.safetensors"], MODEL)]


def lines(place, sound):
    """A folder in which command lines are typed that nobody would mean."""
    folder, _ = new(place, "seed-lines", sound)
    (folder / "m.safetensors").write_bytes(sound)
    (folder / "full").mkdir()
    pathlib.Path(folder / "full/file").write_text("mine")
    return [Seed("lines", "line", folder, [], [])]
