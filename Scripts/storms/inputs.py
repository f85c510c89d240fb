"""Feeds the command damaged and hostile files, folders and command lines.

    Scripts/storm inputs --count 10000                a storm; the families of inputs in turns, as --only orders them
    Scripts/storm inputs --only models,checkpoints    some families: models, checkpoints, tickets, probes, data, lines, graphs
    Scripts/storm inputs --try 123 --keep DIR         one try again, its folder kept if it fails

Seeds are what the command makes itself: models, checkpoints of all kinds of runs, folders of tickets and probes; small data sets;
and the small cases beside the project where they are there. A try copies one, damages one file (bytes; values of JSON however
deep; tensors whose lengths still fit; a pipe, device, folder or link in its place), often behind a checksum that is right again,
and lets a fitting command read it. `lines` types command lines from the options of --help with values that nobody would mean; `graphs`
are sound models of random networks, with which nothing may fail within (70).

Then must hold: the status is one of those promised, and no crash; an end within --limit seconds and --memory bytes; refused, the
command writes nothing, changes nothing and says one line; accepted, it changes only what it was asked to, and its model files and
reports are sound; what is not what was written is refused by its checksum; nothing reaches a terminal that controls it; no words
of a library. A long run that a command line asked for may be ended by SIGINT, which it must hear.
"""

import collections
import json
import math
import os
import pathlib
import re
import time

from . import graphs, ground, mutations, seals, seeds

# The share of each family.
FAMILIES = {"models": 28, "checkpoints": 25, "tickets": 9, "probes": 7, "data": 9, "lines": 13, "graphs": 9}
# Notes that may stand before the line of a refusal.
NOTES = re.compile(r"--threads|--parallel|the (last )?checkpoint is |the same command |study of |seed \d+ failed")
# What numbers that nobody trained come to, behind a checksum that says that they were: checkpoints go on until then.
FOUND_OUT = re.compile("the loss is no longer finite|is not what it was at the start")
WRITES = ("-o", "--output", "--report", "--rows", "--checkpoint")
# What a number, a name or a place can be at worst. No path leads out of the try's folder: a command at fault could remove it.
VALUES = (
    "", " ", "0", "-1", "1", "2", "3", "0.5", "-0.5", "1e-320", "1e38", "1e308", "-1e308", "1e400", "nan", "inf", "-inf", "0x10", "1_000",
    "٣", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1ep", "0ep", "3it", "-3it", "1.5ep",
    "9223372036854775807ep", "9223372036854775807it", "1000000000it", "1,2,3", "3,2,1", ",", ";;,", "*", "?", "a" * 300, "b" * 100_000,
    "\x1b[31mred", "\u202eevil", "two\nlines", "\r", "None", "true", "--seed", "-", "fc1", "fc*", "16GB", "1B", "-1GB", "16 GB",
    "9999999999999999999GB", "latency", "l1", "magnitude", "random", "mlp:64-10", "mlp:64-0-10", "mlp:", "mlp:64-99999999999-10", "vgg16",
    "resnet-20-x9999999", "densenet-121", "digits", "mnist")
PLACES = (
    "o", "m.safetensors", "sound.safetensors", "notes.txt", "full", "mine", "full/file/x", "none/x", "", "n" * 300, "\x1b[31m",
    "link-to-notes", "o.checkpoint", "mine/kept.checkpoint", "./o", "mine/../o", "pipe", "o\n", "\u202eo")
BASES = {
    "train": "train --network mlp:64-6-10 --dataset digits --epochs 2it --threads 1 --quiet -o o",
    "prune": "prune m.safetensors --dataset digits --sparsity 0.5 --rounds 1 --epochs 0 --threads 1 --quiet -o o",
    "evaluate": "evaluate m.safetensors --dataset digits --threads 1",
    "inspect": "inspect m.safetensors",
    "compare": "compare m.safetensors sound.safetensors",
    "sensitivity": "sensitivity m.safetensors --dataset digits --fractions 0.5 --examples 40 --threads 1 --quiet",
    "probe": "probe m.safetensors --dataset digits --fractions 0.5 --examples 40 --threads 1 --quiet",
    "tickets": "tickets full",
    "methods": "methods",
    "data verify": "data verify --data-dir full",
    "data list": "data list --data-dir full",
}


def add_options(parser):
    ground.add_common(parser, 10_000)
    ground.add_cases(parser)
    parser.add_argument("--only", metavar="FAMILY,…", help="these families of inputs only")
    parser.add_argument("--limit", type=float, default=10, metavar="S", help="nothing may take longer; 10 seconds unless given")
    parser.add_argument("--memory", type=float, default=1e9, metavar="BYTES", help="nothing may need more; 1e9 unless given")


def harvest(place):
    """The options of each command with what may stand behind them, from its own help: (option, value's name, values)."""
    folder, temporary = place.new("help")
    found = {}
    for command in BASES:
        text = place.run(["help", *command.split()], folder, temporary).output
        entries = re.split(r"\n  (?=-)", text)
        options = []
        for entry in entries[1:]:
            entry = " ".join(entry.split())
            head = re.match(r"(?:-\w, )?(--[\w-]+)(?:/(--[\w-]+))?(?: <([^>]+)>)?", entry)
            if head and head[1] not in ("--version", "--help"):
                values = re.search(r"\(values: ([^;)]+)", entry)
                options.append((head[1], head[3], values[1].split(", ") if values else []))
                if head[2]:
                    options.append((head[2], None, []))
        found[command] = options
    return found


def odd_line(dice, options):
    """A command line of that kind, and the places that it may write to."""
    command = dice.choice(list(BASES))
    arguments = BASES[command].split()
    if command == "prune" and dice.random() < 0.4:
        arguments[1:2] = ["--network", "mlp:64-6-10"]
    for _ in range(dice.choice((1, 1, 2, 3))):
        if not options[command]:
            break
        name, value, allowed = dice.choice(options[command])
        if value is None:
            arguments.append(name)
            continue
        # Another value in place of a sound one: twice would be refused at once.
        if name in arguments:
            at = arguments.index(name)
            del arguments[at:at + 2]
        if value in ("file", "folder", "model") or name in ("--checkpoint", "--output"):
            chosen = dice.choice(PLACES)
        else:
            chosen = dice.choice((*VALUES, *allowed, *allowed))
        arguments += [f"{name}={chosen}"] if dice.random() < 0.5 or chosen.startswith("-") else [name, chosen]
    if dice.random() < 0.1:
        arguments.insert(dice.randrange(1, len(arguments) + 1), dice.choice((*VALUES, *PLACES)))
    return arguments


def written(arguments, command):
    """The places that a command line lets the command write to."""
    found = set()
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in WRITES:
            found.add(value if equals else (arguments[number + 1:] or [""])[0])
    if command == "prune" and not any(a.partition("=")[0] in ("-o", "--output") for a in arguments):
        found.add("pruned.safetensors")
    return {os.path.normpath(path) for path in found if path}


def judge(run, before, after, folder, temporary, arguments, options):
    """What is wrong with a try: (kind, words)."""
    found = ground.complaints(run, options.limit, options.memory)
    broken = any(kind in ("crash", "hang") for kind, _ in found)
    verifies = arguments[:1] == ["data"]
    if run.status in (0, 130, 143) or (broken and run.status != 0):
        allowed = written(arguments, arguments[0] if arguments else "")
        # A link stays one, and what it points to is written; a checkpoint of ours is used up, or left by an interrupt.
        allowed |= {os.path.relpath(os.path.realpath(folder / path), folder.resolve()) for path in allowed if (folder / path).is_symlink()}
        if not any(a.partition("=")[0] == "--checkpoint" for a in arguments):
            allowed |= {path + ".checkpoint" for path in allowed}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) == after.get(name) or any(name == path or name.startswith(path + "/") for path in allowed):
                continue
            found += [("lost" if name in before else "left", change) for change in ground.differences(before, after, {name})]
        for path in allowed:
            kind = before.get(path, ("",))[0]
            if kind in ("folder", "node", "link") and after.get(path, ("",))[0] != kind:
                found.append(("lost", f"the {kind} {path} is gone"))
        # What was a file of somebody else and was named as a checkpoint must not be gone.
        found += [("lost", f"file {path} is gone") for path in allowed if path in before and path not in after and before[path][0] == "file"
                  and not is_checkpoint_seed(path)]
        if run.status == 0:
            found += [("unsound", words) for path in allowed for words in faults(folder / path)]
    else:
        if "ck" in before and "ck" in after and FOUND_OUT.search(run.errors):
            before = {**before, "ck": after["ck"]}
        found += [("written", f"refused, but {change}") for change in ground.differences(before, after)]
        lines = [line for line in run.errors.splitlines() if line.strip()]
        if not broken and not verifies:
            if not lines or not lines[-1].startswith("espalier: "):
                found.append(("lines", f"refused with status {run.status} without a line of its own"))
            elif len([line for line in lines if not NOTES.match(line)]) > 1:
                found.append(("lines", f"refused in {len(lines)} lines"))
    if not broken:
        found += [("left", f"the temporary file {path.name}") for path in sorted(temporary.rglob("*")) if path.is_file()]
    return found


def is_checkpoint_seed(path):
    # `ck.real` is what `ck` is a link to, in some tries.
    return path in ("ck", "ck.real")


def faults(path):
    """What is wrong with a model file or a report that the command wrote."""
    if not path.is_file() or path.stat().st_size >= ground.SPARSE:
        return []
    content = path.read_bytes()
    if content[:1] == b"{":
        try:
            json.loads(content, parse_constant=lambda word: 1 / 0)
        except (ValueError, ZeroDivisionError):
            return [f"{path.name} is no JSON"]
    elif content[8:9] == b"{":
        parts = mutations.split(content)
        try:
            ends = sorted(entry["data_offsets"] for name, entry in parts[0].items() if name != "__metadata__")
            tensors = mutations.tensors_of(*parts).values()
            sizes = all(len(data) == math.prod(shape) * mutations.WIDTHS[kind] for kind, shape, data in tensors)
        except (TypeError, KeyError, ValueError):
            return [f"{path.name} is no safetensors file"]
        if not sizes or any(a[1] != b[0] for a, b in zip(ends, ends[1:])) or (ends and ends[-1][1] != len(parts[1])):
            return [f"{path.name} has lengths that do not fit"]
    return []


def run(options, place):
    names = options.only.split(",") if options.only else list(FAMILIES)
    unknown = set(names) - set(FAMILIES)
    if unknown:
        ground.fail(f"there is no family named {', '.join(sorted(unknown))}: choose of {', '.join(FAMILIES)}")
    grown = seeds.make(place, names)
    names = [name for name in names if grown[name]]
    known = harvest(place) if "lines" in names else {}
    contents = [(seed.folder / file).read_bytes() for name in names for seed in grown[name] for file in seed.files[:1]]
    written = [(seed.folder / file).read_bytes() for name in names for seed in grown[name] for file in seed.files]
    fits = [fit for fit in map(seals.fits, written) if fit is not None]
    known_seals = bool(fits) and all(fits)
    if not known_seals:
        print("checksums of another form than seals.py knows" if fits else "nothing has a checksum")
    print(f"{sum(map(len, grown.values()))} seeds of {len(names)} families after {time.monotonic() - place.began:.0f} s", flush=True)
    failures, statuses, families = ground.Failures(), collections.Counter(), collections.Counter()
    peaks, times, blames = [(0, 0)], [(0.0, 0)], collections.defaultdict(list)

    def attempt(number):
        dice = ground.dice(options, number)
        family = dice.choices(names, [FAMILIES[name] for name in names])[0]
        seed = dice.choice(grown[family])
        folder, temporary = place.new(f"try-{number}")
        ground.empty(folder)
        ground.copy_tree(seed.folder, folder)
        ground.plant_sentinels(folder)
        done, broken = "as it is", False
        if family == "lines":
            os.mkfifo(folder / "pipe")
            arguments = odd_line(dice, known)
        elif family == "graphs":
            (folder / "m.safetensors").write_bytes(graphs.model(dice))
            arguments = seeds.spelled(dice.choice(seed.commands))
        else:
            file = dice.choice(seed.files)
            content = (folder / file).read_bytes()
            arguments = seeds.spelled(dice.choice(seed.commands), file)
            done = mutations.damage(dice, folder / file, contents)
            regular = (folder / file).is_file() and not (folder / file).is_symlink() and (folder / file).stat().st_size < ground.SPARSE
            if regular and known_seals and dice.random() < 0.6 and seals.again(folder / file):
                done += ", behind a sound checksum"
            elif regular:
                broken = seals.is_broken(folder / file, content, arguments)
        before = ground.picture(folder)
        # Of a damaged input nothing may come that takes long; a command line may ask for that.
        asked = options.limit * 0.4 if family == "lines" else None
        result = place.run(arguments, folder, temporary, limit=options.limit, asked=asked)
        found = judge(result, before, ground.picture(folder), folder, temporary, arguments, options)
        if family == "graphs" and result.status == 70 and "no longer finite" not in result.errors:
            found.append(("within", "a sound model, and a failure within"))
        if broken and result.status == 0:
            found.append(("accepted", "it was accepted, although it is not what was written"))
        statuses[result.status] += 1
        families[family] += 1
        peaks[0], times[0] = max(peaks[0], (result.peak, number)), max(times[0], (result.seconds, number))
        line = ground.last_line(result.errors)
        if result.status == 70:
            blames[ground.alike(line)].append(number)
        for kind, words in found:
            where = f"espalier {ground.show(arguments)[:200]}, {seed.name} {done[:160]!a}"
            shown = f"{words}: {line}" if kind in ("crash", "words", "lines", "within") else words
            group = family if kind == "memory" else f"{words} | {line}"
            failures.add(kind, number, f"{ascii(shown)[1:-1][:300]}; {where}", group)
        if found:
            listed = "\n".join(f"{kind}: {words}" for kind, words in found)
            told = f"espalier {ground.show(arguments)}\n{done}\n{listed}\nstatus {result.status}\n{result.errors[:4000]}"
            place.put_by(folder, f"inputs-{number}", told)
        ground.empty(folder)
        ground.empty(temporary)

    numbers = ground.numbers(options)
    ground.spread(options, numbers, attempt)
    failures.tell()
    if blames:
        print("\nthe command blames itself (70):")
        for line, tries in sorted(blames.items(), key=lambda item: -len(item[1])):
            print(f"{len(tries):6}  {line}\n        tries {', '.join(map(str, tries[:4]))}")
    print("\n" + ", ".join(f"{count} {family}" for family, count in families.most_common()))
    print("statuses: " + ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items())))
    print(
        f"{len(numbers)} inputs; the most memory {peaks[0][0] / 1e6:,.0f} MB (try {peaks[0][1]}), the longest {times[0][0]:.1f} s "
        f"(try {times[0][1]}); {failures.kinds()}; {time.monotonic() - place.began:.0f} s")
    return len(failures)
