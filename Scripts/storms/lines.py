"""Types cases that once went wrong, one by one, and shows what they say now.

    Scripts/storm lines                  all of them
    Scripts/storm lines --only A1,C4-    those whose names begin so
    Scripts/storm lines --list           what there is, as one would type it

The cases are data, in the files beside this one: Scripts/storms/cases/*.txt. An entry:

    [A1-link] either
    The link was removed.
    : echo mine >real; ln -s real ck
    $ espalier train $train --checkpoint ck -o o
    same ck real

Its name, and how it may end: `refused` (status 64-78 in one line, nothing written), `fine` (0), `either`, these `-or-130` for an
interrupt, or statuses with commas. What it did before. Shell that makes what is there beforehand (m.st, a trained model, and
notes.txt are), then what is tried; prelude.sh says what both can use. `same`: what must be as it was, * for all. `words`: what must
be said. `seconds`: how long it may take, 10 unless given. `needs`: root (for device nodes), strace, cases (the small cases beside
the project); where that is missing, the case is skipped. What the run says on standard error is also in the file `said`, if the
case speaks of it. No case may need more than 1 GB.
"""

import collections
import os
import pathlib
import re
import shlex
import shutil
import time

from . import ground

HERE = pathlib.Path(__file__).resolve().parent
FIELDS = ("words", "same", "needs", "seconds")
Case = collections.namedtuple("Case", ("name", "want", "before", "setup", "command", *FIELDS))
MEMORY = 1e9
REFUSED = set(range(64, 79))
ENDS = {
    "refused": REFUSED, "fine": {0}, "either": REFUSED | {0}, "refused-or-130": REFUSED | {130}, "either-or-130": REFUSED | {0, 130},
    # Where the system cannot even load it.
    "either-or-127": REFUSED | {0, 127},
}
# What the cases themselves write.
OWN = re.compile(r"(said|port|out2?|first|got|err\d|trace)$|d/|x$")


def add_options(parser):
    ground.add_cases(parser)
    parser.add_argument("--only", metavar="NAME,…", help="cases whose names begin so")
    parser.add_argument("--list", action="store_true", help="show the cases")


def read_cases():
    found = []
    for file in sorted((HERE / "cases").glob("*.txt")):
        for block in re.split(r"\n(?=\[)", "\n" + file.read_text()):
            rows = [row for row in block.strip().splitlines() if row and not row.startswith("#")]
            if not rows:
                continue
            head = re.fullmatch(r"\[([\w-]+(?:\.\d)?)\] (\S+)", rows[0])
            if not head:
                ground.fail(f"{file.name}: {rows[0]!r} begins no case: write [name] refused|fine|either|…")
            shell = {mark: "\n".join(row[2:] for row in rows if row[:2] == mark) for mark in (": ", "$ ")}
            fields, before = dict.fromkeys(FIELDS, ""), []
            for row in rows[1:]:
                name, _, value = row.partition(" ")
                if name in FIELDS:
                    fields[name] = value
                elif row[:2] not in shell:
                    before.append(row)
            fields["seconds"] = float(fields["seconds"] or 10)
            found.append(Case(*head.groups(), " ".join(before), shell[": "], shell["$ "], **fields))
    return sorted(found, key=lambda case: case.name[0])


def lacking(case, place):
    """Why a case cannot be tried here; None if it can."""
    for need in case.needs.split():
        if need == "root" and os.geteuid() != 0:
            return "only an administrator makes device nodes"
        if need == "strace" and not shutil.which("strace"):
            return "there is no strace"
        if need == "cases" and not place.cases.is_dir():
            return f"there is no folder {place.cases}"
    return None


def programs(place):
    """A folder with `espalier` and `forge`, for the cases' shell to find first."""
    folder, _ = place.new("programs")
    # No script: one would need descriptors of its own where a case leaves hardly any.
    (folder / "espalier").symlink_to(place.binary)
    forge = f"PYTHONPATH={shlex.quote(str(HERE.parent))} PYTHONDONTWRITEBYTECODE=1 exec python3 -m storms.forge \"$@\""
    (folder / "forge").write_text(f"#!/bin/sh\n{forge}\n")
    (folder / "forge").chmod(0o755)
    return folder


def shell(place, found, text, folder, temporary, limit):
    """Runs a piece of shell with the command and its helpers at hand."""
    paths = f"PATH={shlex.quote(str(found))}:$PATH; cases={shlex.quote(str(place.cases))}; . {shlex.quote(str(HERE / 'cases/prelude.sh'))}"
    return place.run([], folder, temporary, limit, before=("bash", "-c", f"{paths}\n{text}"))


def judge(case, run, before, after):
    """What is wrong with a case: (what, words)."""
    found = []
    allowed = ENDS.get(case.want) or {int(status) for status in case.want.split(",")}
    if run.late:
        found.append(("hang", f"no end after {3 * case.seconds:g} s"))
    elif run.status not in allowed:
        crashed = run.status < 0 or run.status > 130 and run.status != 143
        found.append(("crash" if crashed else "status", f"status {run.status}, not {case.want}"))
    if run.seconds > case.seconds and not run.late:
        found.append(("slow", f"{run.seconds:.1f} s"))
    if run.peak > MEMORY:
        found.append(("memory", f"{run.peak / 1e6:,.0f} MB"))
    if case.words and not re.search(case.words, run.output + run.errors):
        found.append(("words", f"{case.words!r} is not said"))
    if ground.FOREIGN_WORDS.search(run.errors):
        found.append(("words", "the words of a library"))
    raw = ground.CONTROL.search(run.errors + run.output)
    if raw:
        found.append(("control", ascii(raw.group())))
    same = before.keys() if case.same == "*" else case.same.split()
    found += [("lost", change) for change in ground.differences(before, after, set(same))]
    if run.status in REFUSED:
        new = sorted(name for name in after.keys() - before.keys() if not OWN.match(name))
        found += [("left", f"refused, but {after[name][0]} {name[:60]} is new") for name in new]
        # What is verified is told as a table.
        own = [line for line in run.errors.splitlines() if line.startswith("espalier: ")]
        if "data verify" not in case.command and len(own) != 1:
            found.append(("lines", f"refused in {len(run.errors.splitlines())} lines"))
    return found


def attempt(case, place, found, start):
    """Tries one case: the run, and what is wrong with it."""
    folder, temporary = place.new(f"case-{case.name}")
    ground.empty(folder)
    ground.copy_tree(start, folder)
    if case.setup:
        made = shell(place, found, case.setup, folder, temporary, 120)
        if made.status not in (0, 130):
            print(f"what {case.name} needs cannot be made, status {made.status}: {ground.last_line(made.errors)}")
    before = ground.picture(folder)
    text = f"exec 2>said\n{case.command}" if re.search(r"\bsaid\b", case.command) else case.command
    run = shell(place, found, text, folder, temporary, 3 * case.seconds)
    if (folder / "said").is_file():
        run = run._replace(errors=(folder / "said").read_text(errors="replace"))
    wrong = judge(case, run, before, ground.picture(folder))
    if wrong:
        place.put_by(folder, f"lines-{case.name}", f"{case.setup}\n{case.command}\nstatus {run.status}\n{run.errors[:4000]}")
    ground.empty(folder)
    ground.empty(temporary)
    return run, wrong


def run(options, place):
    chosen = read_cases()
    if options.only:
        chosen = [case for case in chosen if case.name.startswith(tuple(options.only.split(",")))]
        if not chosen:
            ground.fail("no case is named so; see --list")
    if options.list:
        for case in chosen:
            typed = "".join(f"    {row}\n" for row in f"{case.setup}\n{case.command}".split("\n") if row)
            print(f"[{case.name}] {case.want}. {case.before}\n{typed}")
        return 0
    start, temporary = place.new("start")
    made = place.run("train --network mlp:64-20-10 --dataset digits --epochs 3 --threads 1 --quiet -o m.st".split(), start, temporary)
    if made.status != 0:
        ground.fail(f"no model can be trained: {ground.last_line(made.errors)}")
    (start / "notes.txt").write_text("mine\n")
    found, skipped, failed, kinds = programs(place), 0, 0, collections.Counter()
    for case in chosen:
        reason = lacking(case, place)
        if reason:
            skipped += 1
            print(f"skipped {case.name:22} {reason}", flush=True)
            continue
        tried, wrong = attempt(case, place, found, start)
        failed += bool(wrong)
        kinds.update({kind for kind, _ in wrong})
        words = ground.last_line(tried.errors)
        print(f"{'FAULT  ' if wrong else 'fine   '} {case.name:22} before: {case.before or 'it was right'}")
        numbers = f"status {tried.status}, {tried.seconds:.1f} s, {tried.peak / 1e6:.0f} MB"
        print(f"{'':30} now:    {numbers}{words and ', '}{ascii(words[:150])[1:-1]}")
        for kind, text in wrong:
            print(f"{'':30} {kind}: {ascii(text)[1:-1][:200]}", flush=True)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(
        f"{len(chosen)} cases: {len(chosen) - failed - skipped} fine, {failed} at fault{listed and f' ({listed})'}, {skipped} skipped; "
        f"{time.monotonic() - place.began:.0f} s")
    return failed
