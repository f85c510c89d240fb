"""Types cases that once went wrong, one by one, and shows what they say now.

    Scripts/storm lines                  all of them
    Scripts/storm lines --only A1,C4-    those whose names begin so
    Scripts/storm lines --list           what there is, as one would type it

The cases are data, in cases.py beside this file. Each runs in a folder of its own and is judged by its status, its words, its time and
memory, by what must still be there and by what must not; what each did before is said beside it.
A case is skipped where strace, the rights of an administrator or the small cases are missing.
"""

import os
import pathlib
import re
import shlex
import shutil
import time

from . import cases, ground

REFUSED = set(range(64, 79))
ENDS = {
    "refused": REFUSED, "fine": {0}, "either": REFUSED | {0}, "refused-or-130": REFUSED | {130}, "either-or-130": REFUSED | {0, 130},
    # Where the system cannot even load it.
    "either-or-127": REFUSED | {0, 127},
}


def add_options(parser):
    ground.add_cases(parser)
    parser.add_argument("--only", metavar="NAME,…", help="cases whose names begin so")
    parser.add_argument("--list", action="store_true", help="show the cases")


def lacking(case, place, traces):
    for need in case.needs.split():
        if need == "root" and os.geteuid() != 0:
            return "only an administrator makes device nodes"
        if need == "strace" and not traces:
            return "there is no strace"
        if need == "cases" and not place.cases.is_dir():
            return f"there is no folder {place.cases}"
    return None


def programs(place):
    """A folder with `espalier` and `forge`, for the cases' shell to find first."""
    folder, _ = place.new("programs")
    scripts = pathlib.Path(__file__).resolve().parents[1]
    # No script: one would need descriptors of its own where a case leaves hardly any.
    (folder / "espalier").symlink_to(place.binary)
    (folder / "forge").write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(scripts))} PYTHONDONTWRITEBYTECODE=1 exec python3 -m storms.forge \"$@\"\n")
    (folder / "forge").chmod(0o755)
    return folder


def shell(place, text, folder, temporary, limit):
    """Runs a piece of shell with the command and its helpers at hand."""
    text = f"PATH={shlex.quote(str(place.programs))}:$PATH; cases={shlex.quote(str(place.cases))}\n{text}"
    return place.run([], folder, temporary, limit, before=("bash", "-c", text))


def judge(case, run, before, after):
    """What is wrong with a case: (what, words)."""
    found = []
    allowed = ENDS.get(case.want) or {int(status) for status in case.want.split(",")}
    if run.late:
        found.append(("hang", f"no end after {3 * case.seconds} s"))
    elif run.status not in allowed:
        kind = "crash" if run.status < 0 or run.status > 130 and run.status != 143 else "status"
        found.append((kind, f"status {run.status}, not {case.want}"))
    if run.seconds > case.seconds and not run.late:
        found.append(("slow", f"{run.seconds:.1f} s"))
    if run.peak > case.memory:
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
    found += [("left", f"{name} is there") for name in case.gone.split() if name in after]
    if run.status in REFUSED:
        names = after.keys() - before.keys() - {"said", "port", "out", "out2", "first", "got"}
        found += [("left", f"refused, but {after[name][0]} {name[:60]} is new") for name in sorted(names) if not name.startswith(("d/", "trace"))]
        # What is verified is told as a table.
        if "data verify" not in case.command and len([line for line in run.errors.splitlines() if line.startswith("espalier: ")]) != 1:
            found.append(("lines", f"refused in {len(run.errors.splitlines())} lines"))
    return found


def run(options, place):
    chosen = cases.CASES
    if options.only:
        starts = tuple(options.only.split(","))
        chosen = [case for case in chosen if case.name.startswith(starts)]
        if not chosen:
            ground.fail("no case is named so; see --list")
    if options.list:
        for case in chosen:
            print(f"{case.name}: {case.setup and case.setup + '; '}{case.command}")
        return 0
    start, temporary = place.new("start")
    made = place.run(f"train {cases.NET} --epochs 3 --threads 1 --quiet -o m.st".split(), start, temporary)
    if made.status != 0:
        ground.fail(f"no model can be trained: {ground.last_line(made.errors)}")
    (start / "notes.txt").write_text("mine\n")
    place.programs = programs(place)
    traces, skipped, failed, what = bool(shutil.which("strace")), 0, 0, {}
    for case in chosen:
        reason = lacking(case, place, traces)
        if reason:
            skipped += 1
            print(f"skipped {case.name:22} {reason}", flush=True)
            continue
        folder, temporary = place.new(f"case-{case.name}")
        ground.empty(folder)
        ground.copy_tree(start, folder)
        if case.setup:
            made = shell(place, case.setup, folder, temporary, 120)
            if made.status not in (0, 130):
                print(f"the setup of {case.name} ends with status {made.status}: {ground.last_line(made.errors)}")
        before = ground.picture(folder)
        tried = shell(place, f"exec 2>said\n{case.command}" if "said" in case.command else case.command, folder, temporary, 3 * case.seconds)
        if (folder / "said").is_file():
            tried = tried._replace(errors=(folder / "said").read_text(errors="replace"))
        found = judge(case, tried, before, ground.picture(folder))
        failed += bool(found)
        for kind, _ in found:
            what[kind] = what.get(kind, 0) + 1
        words = ground.last_line(tried.errors)
        print(f"{'FAULT  ' if found else 'fine   '} {case.name:22} before: {case.before or 'right'}", flush=True)
        print(f"{'':30} now:    status {tried.status}, {tried.seconds:.1f} s, {tried.peak / 1e6:.0f} MB{words and ', '}{ascii(words[:150])[1:-1]}")
        for kind, text in found:
            print(f"{'':30} {kind}: {ascii(text)[1:-1][:200]}")
        if found:
            place.put_by(folder, f"lines-{case.name}", f"{case.setup}\n{case.command}\nstatus {tried.status}\n{tried.errors[:4000]}")
        ground.empty(folder)
        ground.empty(temporary)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(what.items(), key=lambda item: -item[1])) or "nothing at fault"
    print(f"{len(chosen)} cases: {len(chosen) - failed - skipped} fine, {failed} at fault, {skipped} skipped; {kinds}; {time.monotonic() - place.began:.0f} s")
    return failed
