"""Starts several processes at once in the same place and sees that one of them gets it whole.

    Scripts/storm rounds --count 100                   all kinds of places in turns
    Scripts/storm rounds --only tickets,output         some of them; --list shows them
    Scripts/storm rounds --only fetch --data-dir DIR   fetches from a server on this machine that has DIR's files

Two to five processes start up to a second apart, with the same options or with others. Then must hold: each ends with status 0,
or is refused in one line that says so; at least one ends well; where two studies want one folder, only those of one do. What lies
there in the end is, byte for byte (times left out), what one of those that ended well leaves where it runs alone, nothing is left
over, and files of somebody else are what they were.
"""

import collections
import functools
import http.server
import pathlib
import re
import threading
import time

from . import ground

# `shares` says that one folder belongs to one study; other places belong to whoever writes last.
Place = collections.namedtuple("Place", "name words results shares")

NET = "--network mlp:64-20-10 --dataset digits"
TICKETS = f"prune {NET} --method lottery-ticket --rounds 1 --branches reinit -o tk"
PROBES = f"probe {NET} --fractions 0.5 --examples 60 -o pr"
PLACES = [
    Place("tickets", [f"{TICKETS} --epochs 1200it", f"{TICKETS} --epochs 900it --weight-decay 0.01"], ("tk",), True),
    Place("tickets-seeds", [f"{TICKETS} --epochs 300it --seeds 2 --parallel 2", f"{TICKETS} --epochs 250it --seeds 2 --parallel 2"],
          ("tk",), True),
    Place("probes", [f"{PROBES} --steps 400it --every 200it", f"{PROBES} --steps 300it --every 150it"], ("pr",), True),
    Place("output", [f"train {NET} --epochs 12 --checkpoint-every 40it -o o",
                     f"prune {NET} --sparsity 0.5 --rounds 2 --epochs 6 --recovery 3ep --checkpoint-every 40it -o o"], ("o",), False),
    Place("report", [f"train {NET} --epochs 6 --report r.json -o o1", f"train {NET} --epochs 8 --report r.json -o o2"], ("r.json",), False),
    Place("rows", ["probe m.st --fractions 0.2,0.5 --examples 200 --rows rows.csv", "probe m.st --counts 1 --examples 200 --rows rows.csv"],
          ("rows.csv",), False),
    Place("checkpoint", [f"train {NET} --epochs 12 --checkpoint-every 40it --checkpoint ck -o o",
                         f"train {NET} --epochs 12 --checkpoint-every 40it --checkpoint ck -o o --seed 5"], ("o",), False),
]


def add_options(parser):
    ground.add_common(parser, 100)
    parser.add_argument("--only", metavar="PLACE,…", help="these kinds of places only")
    parser.add_argument("--list", action="store_true", help="show the kinds of places")
    parser.add_argument("--data-dir", type=pathlib.Path, metavar="DIR", help="a folder with mnist's published files, to fetch from here")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def server_of(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def spelled(words):
    return [*words.split(), *([] if words.startswith("data") else ["--threads", "1"]), "--quiet"]


def alone(place, kind, number, start):
    """What a command leaves where it runs alone: contents of its results, names of all files."""
    folder, temporary = place.new(f"alone-{kind.name}-{number}")
    ground.empty(folder)
    ground.copy_tree(start, folder)
    run = place.run(spelled(kind.words[number]), folder, temporary, limit=120)
    if run.status != 0:
        ground.fail(f"alone, {kind.name} ends with status {run.status}: {ground.last_line(run.errors)}")
    return ground.contents(folder, kind.results), ground.picture(folder)


def run(options, place):
    kinds, server = list(PLACES), None
    if options.data_dir:
        server = server_of(options.data_dir / "mnist")
        kinds.append(Place("fetch", [f"data fetch mnist --data-dir d --mirror http://127.0.0.1:{server.server_port}/"], ("d",), False))
    if options.list:
        for kind in kinds:
            print(f"{kind.name:14} " + "\n               ".join(f"espalier {words}" for words in kind.words))
        return 0
    if options.only:
        names = options.only.split(",")
        unknown = set(names) - {kind.name for kind in kinds}
        if unknown:
            ground.fail(f"there is no kind of place named {', '.join(sorted(unknown))}; see --list (fetch needs --data-dir)")
        kinds = [kind for kind in kinds if kind.name in names]
    start, temporary = place.new("start")
    made = place.run(spelled(f"train {NET} --epochs 3 -o m.st"), start, temporary)
    if made.status != 0:
        ground.fail(f"no model can be trained: {ground.last_line(made.errors)}")
    ground.plant_sentinels(start)
    before = ground.picture(start)
    usual = {(kind.name, n): alone(place, kind, n, start) for kind in kinds for n in range(len(kind.words))}
    print(f"{len(kinds)} kinds of places after {time.monotonic() - place.began:.0f} s", flush=True)
    failures, ended = ground.Failures(), collections.Counter()

    def attempt(number):
        dice = ground.dice(options, number)
        kind = kinds[number % len(kinds)]
        count = dice.choice((2, 2, 3, 4, 5))
        others = len(kind.words) > 1 and dice.random() < 0.6
        commands = [dice.randrange(len(kind.words)) if others else 0 for _ in range(count)]
        times = sorted(0.0 if dice.random() < 0.4 else dice.uniform(0, 1) for _ in range(count))
        folder, temporary = place.new(f"try-{number}")
        ground.empty(folder)
        ground.copy_tree(start, folder)
        processes, runs, began = [], [], time.monotonic()
        for command, instant in zip(commands, times):
            time.sleep(max(0, began + instant - time.monotonic()))
            processes.append(place.start(spelled(kind.words[command]), folder, temporary))
        with ground.concurrent.futures.ThreadPoolExecutor(count) as pool:
            runs = list(pool.map(lambda process: place.finish(process, 120), processes))
        found = judge(kind, commands, runs, folder, temporary, before, usual)
        for one in runs:
            ended["well" if one.status == 0 else "refused" if 64 <= one.status <= 78 else "otherwise"] += 1
        story = [
            f"after {instant:.2f} s: espalier {kind.words[command]}: status {one.status} {ground.last_line(one.errors)}"
            for command, instant, one in zip(commands, times, runs)]
        for what, words in found:
            failures.add(what, number, f"{kind.name}: {words} ({count} processes)", f"{kind.name}: {words}")
        if found:
            place.put_by(folder, f"rounds-{number}", "\n".join(story + [f"{what}: {words}" for what, words in found]))
        ground.empty(folder)
        ground.empty(temporary)

    numbers = ground.numbers(options)
    ground.spread(options, numbers, attempt)
    failures.tell()
    print(
        f"{len(numbers)} rounds of {sum(ended.values())} processes: {ended['well']} ended well, {ended['refused']} were refused, "
        f"{ended['otherwise']} ended otherwise; {failures.kinds()}; {time.monotonic() - place.began:.0f} s")
    return len(failures)


def judge(kind, commands, runs, folder, temporary, before, usual):
    """What is wrong after a round: (what, words)."""
    found = []
    for run in runs:
        found += ground.complaints(run, 120, 4e9)
        if run.status != 0 and not run.late:
            lines = [line for line in run.errors.splitlines() if line.startswith("espalier: ")]
            if len(lines) != 1 or not 64 <= run.status <= 78:
                found.append(("status", f"status {run.status} in {len(lines)} lines of its own"))
            elif re.search(r"No such file|not found", lines[0]):
                found.append(("words", lines[0]))
    well = {command for command, run in zip(commands, runs) if run.status == 0}
    if not well:
        return [*found, ("winner", f"none of {len(runs)} ends well")]
    if kind.shares and len(well) > 1:
        found.append(("winner", "studies of different options both end well in one folder"))
    now, contents = ground.picture(folder), ground.contents(folder, kind.results)
    possible = [command for command in sorted(well) if usual[kind.name, command][0] == contents]
    if not possible:
        expected = usual[kind.name, min(well)][0]
        names = [name for name in sorted(expected.keys() | contents.keys()) if expected.get(name) != contents.get(name)]
        found.append(("mixture", f"what is there is no one's: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}"))
    names = set().union(*(usual[kind.name, command][1].keys() for command in well))
    new = [name for name in sorted(now.keys() - names) if now[name][0] != "folder"]
    found += [("left", f"{now[name][0]} {re.sub('[0-9a-f]{8,}', '*', name)} is new") for name in new]
    found += [("lost", change) for change in ground.differences(before, now, before.keys() - set(kind.results))]
    temporaries = [path.name for path in sorted(temporary.rglob("*")) if path.is_file()]
    found += [("left", f"a temporary file {re.sub('[0-9A-Fa-f-]{8,}', '*', name)}") for name in temporaries]
    return found
