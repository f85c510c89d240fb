"""Man pages, one a command, from what the command says of itself with --experimental-dump-help."""

import datetime
import json
import os
import textwrap


def date_of(binary):
    """The day on which it was built, or SOURCE_DATE_EPOCH."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or binary.stat().st_mtime)
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date().isoformat()


def pages(help_text, version, date):
    """Names and texts: espalier, espalier-prune, espalier-data-fetch, …"""
    root = json.loads(help_text)["command"]
    every = list(descend(root, []))
    for path, command in every:
        others = ["-".join(other) for other, _ in every if other != path and (other[:-1] == path or path[:-1] == other)]
        yield "-".join(path), page(path, command, others, version, date)


def descend(command, above):
    if not command.get("shouldDisplay", True) or above and command["commandName"] == "help":
        return
    path = [*above, command["commandName"]]
    yield path, command
    for below in command.get("subcommands", []):
        yield from descend(below, path)


def escaped(text):
    """Text that any roff takes as it is: ASCII, hyphens that can be copied, no line that begins like a request."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    plain = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in plain)
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in plain.splitlines())


def filled(text):
    """Text that the reader's width breaks, in lines of the sources that are short enough for any editor."""
    lines = textwrap.wrap(text, 72, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(escaped, lines))


def bold(text):
    return f"\\fB{escaped(text)}\\fR"


def italic(text):
    return f"\\fI{escaped(text)}\\fR"


def page(path, command, others, version, date):
    name = "-".join(path)
    lines = [f'.TH "{name.upper()}" "1" "{date}" "espalier {version}" "Espalier"', ".nh", ".SH NAME",
             f"{escaped(name)} \\-", filled(command["abstract"].rstrip(".")), ".SH SYNOPSIS", synopsis(path, command)]
    if command.get("discussion"):
        # As the help sets it: commands stand among the sentences.
        lines += [".SH DESCRIPTION", ".nf", escaped(command["discussion"]), ".fi"]
    lines += arguments(command)
    below = [(below, filled(below["abstract"])) for below in command.get("subcommands", []) if list(descend(below, path))]
    if below:
        lines.append(".SH COMMANDS")
        for one, text in below:
            lines += [".TP", bold(" ".join([*path, one["commandName"]])), text]
    if others:
        lines += [".SH SEE ALSO", ",\n".join(f"{bold(other)}(1)" for other in others)]
    return "\n".join(lines) + "\n"


def synopsis(path, command):
    words = [bold(" ".join(path))]
    if command.get("subcommands"):
        words.append(italic("command"))
    shown = [one for one in command["arguments"] if one["shouldDisplay"]]
    if any(one["kind"] != "positional" for one in shown):
        words.append(f"[{italic('options')}]")
    for one in shown:
        if one["kind"] == "positional":
            word = italic(one["valueName"]) + (" ..." if one["isRepeating"] else "")
            words.append(f"[{word}]" if one["isOptional"] else word)
    return " ".join(words)


def arguments(command):
    """The sections of options, in the order of the help."""
    sections, said = {}, []
    for one in command["arguments"]:
        if not one["shouldDisplay"]:
            continue
        section = sections.setdefault(one.get("sectionTitle") or ("Arguments" if one["kind"] == "positional" else "Options"), [])
        before = section[-1] if section else {}
        if one["kind"] == before.get("kind") == "flag" and one["valueName"] == f"no-{before['valueName']}":
            section[-1] = {**before, "names": before["names"] + one["names"]}
        else:
            section.append(one)
    # Sections without a title come last, as in the help.
    for title in sorted(sections, key=lambda title: title == "Options"):
        said.append(f".SH {escaped(title.upper())}")
        for one in sections[title]:
            said += [".TP", heading(one), described(one)]
    return said


def heading(one):
    if one["kind"] == "positional":
        return italic(one["valueName"])
    prefixes = {"short": "-", "long": "--", "longWithSingleDash": "-"}
    names = ", ".join(bold(prefixes[name["kind"]] + name["name"]) for name in one["names"])
    return names if one["kind"] == "flag" else f"{names} {italic(one['valueName'])}"


def described(one):
    text = one.get("abstract", "")
    if one.get("discussion"):
        text += "\n\n" + one["discussion"]
    notes = []
    values = one.get("allValues", [])
    if any(value not in text for value in values):
        notes.append(f"values: {', '.join(values)}")
    if one.get("defaultValue"):
        notes.append(f"default: {one['defaultValue']}")
    text = f"{text} ({'; '.join(notes)})" if notes else text
    return "\n.IP\n".join(map(filled, text.strip().split("\n\n"))) or "\\&"
