"""Ends runs at any instant, lets them go on, and compares every byte with what an undisturbed run leaves.

    Scripts/storm kills --count 400              half at random instants, half at the system calls that change files
    Scripts/storm kills --only in-place,rigl     some kinds of runs; --list shows them
    Scripts/storm kills --all-calls              at each rename, unlink and fsync of each kind, one after the other
    Scripts/storm kills --try 17 --keep DIR      one try again, its folder kept if it fails

A try copies a small folder that also holds files of somebody else, starts the run, and ends it with SIGKILL, or by --signals in
some tries with SIGINT or SIGTERM: at an instant drawn from the run's usual duration, or (where strace is there) when it enters
the K-th call of rename, unlink, link, ftruncate or fsync. Some are ended again while they go on. The last one is left in peace.
Then must hold: model files, rows and tables are those of the undisturbed run, byte for byte (times left out); inputs and other
people's files are what they were, also in between; nothing is left over in the folder or among the temporary files; statuses are
those promised; and a checkpoint that is spoken of exists. An interrupt must be heard within --patience seconds.
"""

import collections
import re
import shutil
import signal
import time

from . import ground

Kind = collections.namedtuple("Kind", "name words results resumes inputs", defaults=(("o",), True, ("m.st",)))

NET = "--network mlp:64-20-10 --dataset digits"
OFTEN = "--checkpoint-every 40it"
# What stands behind {m} was trained before; each takes about a second.
KINDS = [
    Kind("train", f"train {NET} --epochs 20 {OFTEN} -o o"),
    Kind("train-report", f"train {NET} --epochs 12 --optimizer sgd --decay cosine {OFTEN} --report r.json -o o", ("o", "r.json")),
    Kind("train-elsewhere", f"train {NET} --epochs 12 {OFTEN} --checkpoint mine/ck -o o"),
    Kind("train-over", f"train {NET} --epochs 12 --seed 3 {OFTEN} -o m.st", ("m.st",)),
    Kind("one-shot", f"prune m.st --fraction 0.5 --rounds 1 --recovery 15ep {OFTEN} -o o"),
    Kind("rounds", f"prune {NET} --sparsity 0.9 --rounds 4 --epochs 6 --recovery 3ep {OFTEN} --report r.json -o o", ("o", "r.json")),
    Kind("during", f"prune {NET} --sparsity 0.8 --every 3ep --epochs 16 {OFTEN} -o o"),
    Kind("gradual", f"prune {NET} --method gradual --sparsity 0.9 --epochs 16 {OFTEN} -o o"),
    Kind("units", f"prune m.st --granularity unit --fraction 0.3 --rounds 3 --recovery 5ep {OFTEN} -o o"),
    Kind("units-repair", f"prune m.st --granularity unit --fraction 0.3 --repair mean --examples 200 --recovery 5ep {OFTEN} -o o"),
    Kind("synflow", f"prune {NET} --method synflow --compression 20 --epochs 12 {OFTEN} -o o"),
    Kind("snip", f"prune {NET} --method snip --sparsity 0.8 --epochs 12 {OFTEN} -o o"),
    Kind("random", f"prune {NET} --method random --sparsity 0.8 --epochs 12 {OFTEN} -o o"),
    Kind("han", f"prune {NET} --method han --deviations 0.5 --rounds 2 --epochs 5 --recovery 3ep {OFTEN} -o o"),
    Kind("rigl", f"prune {NET} --method rigl --regrowth-interval 20it --sparsity 0.9 --epochs 12 {OFTEN} -o o"),
    Kind("set", f"prune {NET} --method set --sparsity 0.8 --epochs 12 {OFTEN} -o o"),
    Kind("dsd", f"prune {NET} --method dsd --sparsity 0.5 --epochs 12 {OFTEN} -o o"),
    Kind("splicing", f"prune {NET} --method splicing --regrowth-interval 20it --sparsity 0.8 --epochs 12 {OFTEN} -o o"),
    Kind("scored", f"prune {NET} --method scored-pruning --regrowth-interval 20it --sparsity 0.8 --epochs 12 {OFTEN} -o o"),
    Kind("double", f"prune {NET} --method double-pruning --every 4ep --sparsity 0.5 --epochs 16 {OFTEN} -o o"),
    Kind("edge-popup", f"prune {NET} --method edge-popup --sparsity 0.5 --epochs 12 {OFTEN} -o o"),
    Kind("l0", f"prune {NET} --method l0 --gate-learning-rate 0.02 --sparsity 0.5 --epochs 12 {OFTEN} -o o"),
    Kind("meta", "prune --network mlp:64-20-3 --dataset digits --method meta-pruning --ways 3 --sparsity 0.8 --rounds 2 --epochs 60it "
         "--checkpoint-every 20it --judging-tasks 20 -o o"),
    Kind("in-place", f"prune m.st --fraction 0.5 --rounds 2 --recovery 4ep {OFTEN} -o m.st", ("m.st",)),
    Kind("in-place-still", "prune m.st --dataset digits --fraction 0.5 --rounds 1 --epochs 0 -o m.st", ("m.st",)),
    Kind("in-place-units", f"prune m.st --granularity unit --fraction 0.3 --recovery 6ep {OFTEN} -o m.st --report r.json",
         ("m.st", "r.json")),
    Kind("tickets", f"prune {NET} --method lottery-ticket --rounds 2 --epochs 60it --branches reinit -o tk", ("tk",), False),
    Kind("tickets-parallel", f"prune {NET} --method lottery-ticket --rounds 1 --epochs 60it --seeds 2 --parallel 2 -o tk", ("tk",), False),
    Kind("probe", f"probe {NET} --steps 120it --every 40it --fractions 0.5 --examples 60 --seeds 2 -o pr", ("pr",), False),
    Kind("probe-rows", "probe m.st --fractions 0.2,0.5 --examples 200 --rows rows.csv", ("rows.csv",), False),
    Kind("sensitivity", "sensitivity m.st --fractions 0.2,0.5,0.8 --examples 200", (), False),
    Kind("evaluate", "evaluate m.st --dataset digits", (), False),
]

CALLS = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "ftruncate", "fsync", "fdatasync")
CHECKPOINT = re.compile(r"the checkpoint is (.+?); the same command|the last checkpoint is kept(?:: (\S+))?|from the checkpoint in (\S+)")


def add_options(parser):
    ground.add_common(parser, 400)
    parser.add_argument("--only", metavar="KIND,…", help="these kinds of runs only")
    parser.add_argument("--list", action="store_true", help="show the kinds of runs")
    parser.add_argument("--signals", type=float, default=0.3, metavar="SHARE", help="the share of SIGINT and SIGTERM; 0.3 unless given")
    parser.add_argument("--calls", type=float, default=0.5, metavar="SHARE", help="the share ended at a system call; 0.5 unless given")
    parser.add_argument("--all-calls", action="store_true", help="end each kind at each of its calls; --count does not count then")
    parser.add_argument("--again", type=float, default=0.3, metavar="SHARE", help="how often one that goes on is ended again; 0.3")
    parser.add_argument("--patience", type=float, default=5, metavar="S", help="an interrupt must be heard within so many seconds; 5")


def chosen(options):
    names = options.only.split(",") if options.only else [kind.name for kind in KINDS]
    unknown = set(names) - {kind.name for kind in KINDS}
    if unknown:
        ground.fail(f"there is no kind of run named {', '.join(sorted(unknown))}; see --list")
    return [kind for kind in KINDS if kind.name in names]


class Undisturbed:
    """What a run of one kind leaves where nobody disturbs it, and how long it takes."""

    def __init__(self, kind, place, seed_folder):
        self.kind = kind
        # Of its own words: seeds that run at once have a thread each.
        self.arguments = [*kind.words.split(), "--threads", "1", *([] if kind.name in ("evaluate",) else ["--quiet"])]
        self.start, self.temporary = place.new(f"start-{kind.name}")
        ground.empty(self.start)
        ground.copy_tree(seed_folder, self.start)
        self.before = ground.picture(self.start)
        folder, temporary = place.new(f"end-{kind.name}")
        ground.empty(folder)
        ground.copy_tree(self.start, folder)
        run = place.run(self.arguments, folder, temporary)
        if run.status != 0:
            ground.fail(f"undisturbed, {kind.name} ends with status {run.status}: {ground.last_line(run.errors)}")
        self.seconds, self.output = run.seconds, run.output
        self.contents, self.after = ground.contents(folder, kind.results), ground.picture(folder)
        self.calls = {}

    def is_told(self, run):
        """Whether a run that replaces its input was over but for its exit: all that it prints was printed."""
        replaces = any(name in self.before for name in self.kind.results)
        # Its row comes last, in one piece.
        return replaces and bool(run.output)

    def count_calls(self, place):
        """How often a run enters each of the calls that change files."""
        folder, temporary = place.new(f"calls-{self.kind.name}")
        ground.empty(folder)
        ground.copy_tree(self.start, folder)
        log = place.folder / f"calls-{self.kind.name}.log"
        place.run(self.arguments, folder, temporary, before=("strace", "-f", "-qq", "-o", log, "-e", f"trace={','.join(CALLS)}"))
        counts = collections.Counter(re.findall(rf"^\d+ +({'|'.join(CALLS)})\(", log.read_text(errors="replace"), re.M))
        self.calls = dict(counts)


def has_strace(place):
    """Whether strace is there and may look at other processes."""
    if not shutil.which("strace"):
        return False
    folder, temporary = place.new("strace")
    before = ("strace", "-f", "-o", place.folder / "strace.log", "-e", "trace=fsync")
    return place.run(["--version"], folder, temporary, before=before).status == 0


def resumed(run):
    return [*run.arguments, *(["--resume"] if run.kind.resumes else [])]


def end_once(place, usual, arguments, folder, temporary, way, dice, options):
    """Starts a run and ends it in this way; gives the run, the words of how, and the seconds until a signal was heard."""
    if way[0] == "call":
        _, call, number = way
        inject = ("strace", "-f", "-qq", "-o", place.folder / f"{folder.name}.log", "-e", f"trace={call}", "-e",
                  f"inject={call}:signal=KILL:when={number}")
        return place.run(arguments, folder, temporary, before=inject), f"SIGKILL at {call} {number}", None
    sent, instant = way[1], dice.uniform(0, 1.05 * usual.seconds)
    process = place.start(arguments, folder, temporary)
    deadline = process.began + instant
    time.sleep(max(0, deadline - time.monotonic()))
    # A terminal's Ctrl-C reaches the group; a kill reaches whom it names, and in some tries nobody else.
    everybody = sent == signal.SIGINT or dice.random() < 0.5
    at = time.monotonic()
    ground.send(process, sent, everybody)
    run = place.finish(process)
    heard = time.monotonic() - at
    # Processes of one seed each end when they find their study's gone.
    patience = time.monotonic() + 20
    while ground.group_lives(process.pid) and time.monotonic() < patience:
        time.sleep(0.02)
    return run, f"{sent.name} after {instant:.3f} s", None if sent == signal.SIGKILL else heard


def statuses(kind, way):
    """Those with which a run may end that was ended in this way."""
    if way[0] == "call":
        # Who was killed may be one of several processes; the one that started it says so.
        return {0, -signal.SIGKILL, 128 + signal.SIGKILL, *([70] if kind.name.endswith("parallel") else [])}
    # Before it listens, a signal does what it does to any process; where it comes late the run is done.
    return {0, -way[1], *({128 + way[1]} if way[1] != signal.SIGKILL else set())}


def look(usual, folder, run, way, words):
    """What is wrong between an end and the next start: (kind, words)."""
    found = []
    if run.status not in statuses(usual.kind, way):
        found.append(("status", f"{words}: status {run.status}, {ground.last_line(run.errors)}"))
    for match in CHECKPOINT.finditer(run.errors):
        path = next((group for group in match.groups() if group), None)
        there = folder / path if path else folder / "o.checkpoint"
        if not there.exists() or (there.is_dir() and not any(there.rglob("*.checkpoint"))):
            found.append(("words", f"{words}: it says {match.group(0)!r}, but there is none"))
    now = ground.picture(folder)
    others = set(usual.before) - set(usual.kind.results)
    for change in ground.differences(usual.before, now, others):
        found.append(("lost", f"{words}: {change}"))
    # A result is what was there, or what will be; no third thing, and no half of one.
    for name in usual.kind.results:
        if (folder / name).is_file():
            allowed = {content for content in (usual.contents.get(name),) if content is not None}
            if name in usual.before:
                allowed.add(ground.lasting(usual.start / name))
            if ground.lasting(folder / name) not in allowed:
                found.append(("bytes", f"{words}: {name} is neither what was there nor what will be"))
    return found


def compare(usual, folder, temporary, run):
    """What is wrong after the last run, left in peace: (kind, words)."""
    if run.late:
        return [("hang", "the resumed run does not end")]
    if run.status != 0:
        return [("status", f"the resumed run ends with status {run.status}: {ground.last_line(run.errors)}")]
    found, contents, now = [], ground.contents(folder, usual.kind.results), ground.picture(folder)
    for name in sorted(usual.contents.keys() | contents.keys()):
        if usual.contents.get(name) != contents.get(name):
            found.append(("bytes", f"{name} {'differs' if name in contents and name in usual.contents else 'is missing or is new'}"))
    results = {name for name in now.keys() | usual.after.keys() if any(name == r or name.startswith(r + "/") for r in usual.kind.results)}
    for change in ground.differences(usual.after, now, (now.keys() | usual.after.keys()) - results):
        found.append(("left" if change.endswith("is new") else "lost", change))
    for name in sorted(now):
        if ground.LEFTOVER.search(name) and name not in usual.after and not any(name in words for _, words in found):
            found.append(("left", f"file {name} is new"))
    found += [("left", f"the temporary file {path.name}") for path in sorted(temporary.rglob("*")) if path.is_file()]
    if not usual.kind.results and run.output != usual.output:
        found.append(("bytes", "what it prints differs"))
    return found


def run(options, place):
    if options.list:
        for kind in KINDS:
            print(f"{kind.name:18} espalier {kind.words}")
        return 0
    kinds = chosen(options)
    seed_folder, temporary = place.new("seed")
    ground.plant_sentinels(seed_folder)
    made = place.run([*f"train {NET} --epochs 3 --threads 1 --quiet -o m.st".split()], seed_folder, temporary)
    if made.status != 0:
        ground.fail(f"no model can be trained: {ground.last_line(made.errors)}")
    traces = has_strace(place)
    if not traces:
        print("strace is not there or not allowed: no run is ended at a system call")
    usual = {}
    for kind in kinds:
        usual[kind.name] = Undisturbed(kind, place, seed_folder)
        if traces and (options.calls > 0 or options.all_calls):
            usual[kind.name].count_calls(place)
    sites = [(name, call, k) for name, u in usual.items() for call, count in sorted(u.calls.items()) for k in range(1, count + 1)]
    slowest = max(u.seconds for u in usual.values())
    print(f"{len(kinds)} kinds of runs, the longest takes {slowest:.1f} s; {len(sites)} calls change files", flush=True)
    failures, ends, longest = ground.Failures(), collections.Counter(), [0.0]

    def attempt(number):
        dice = ground.dice(options, number)
        if options.all_calls:
            name, call, k = sites[number]
            ways = [("call", call, k)]
        else:
            if sites and dice.random() < options.calls:
                name, call, k = dice.choice(sites)
                ways = [("call", call, k)]
            else:
                name = kinds[number % len(kinds)].name
                sent = dice.choice([signal.SIGINT, signal.SIGTERM]) if dice.random() < options.signals else signal.SIGKILL
                ways = [("signal", sent)]
            while len(ways) < 4 and dice.random() < options.again:
                ways.append(("signal", signal.SIGKILL))
        u = usual[name]
        folder, temporary = place.new(f"try-{number}")
        ground.empty(folder)
        ground.copy_tree(u.start, folder)
        found, story, arguments, last, spared = [], [f"espalier {ground.show(u.arguments)}"], u.arguments, None, set()
        for way in ways:
            ended, words, heard = end_once(place, u, arguments, folder, temporary, way, dice, options)
            story.append(f"{words}: status {ended.status} {ground.last_line(ended.errors)}")
            ends[way[1].name if way[0] == "signal" else "call"] += 1
            found += look(u, folder, ended, way, words)
            if heard is not None:
                longest[0] = max(longest[0], heard)
                if heard > options.patience:
                    found.append(("unheard", f"{words}: ended {heard:.1f} s later"))
            if ended.status == 0 or u.is_told(ended):
                # Done before it was ended: to do it again would be another job where the input is its own result.
                last = ended._replace(status=0)
                if ended.status != 0:
                    # Its checkpoint goes after the row: the same command with --resume finds it and computes nothing.
                    spared = {f"file {name}.checkpoint is new" for name in u.kind.results}
                break
            arguments = resumed(u)
        if last is None:
            last = place.run(arguments, folder, temporary)
            story.append(f"left in peace: status {last.status} {ground.last_line(last.errors)}")
        found += [entry for entry in compare(u, folder, temporary, last) if entry[1] not in spared]
        for kind, words in found:
            failures.add(kind, number, f"{name}: {words}", f"{name}: {re.sub(r'^SIG.*?: ', '', words)}")
        if found:
            place.put_by(folder, f"kills-{number}", "\n".join(story + [f"{kind}: {words}" for kind, words in found]))
        ground.empty(folder)
        ground.empty(temporary)
        (place.folder / f"try-{number}.log").unlink(missing_ok=True)

    numbers = ground.numbers(options)
    if options.all_calls and options.only_try is None:
        numbers = range(len(sites))
    ground.spread(options, numbers, attempt)
    failures.tell()
    total = sum(ends.values())
    print(
        f"{len(numbers)} tries, {total} ends ({ends['SIGKILL']} SIGKILL, {ends['SIGINT']} SIGINT, {ends['SIGTERM']} SIGTERM, "
        f"{ends['call']} at a call); an interrupt was heard within {longest[0]:.1f} s; {failures.kinds()}; "
        f"{time.monotonic() - place.began:.0f} s")
    return len(failures)
