#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""manual_json - compares an object of the program's JSON with bpfnet(8)

usage: manual_json.py PAGE ENTRY PATH <JSON

ENTRY is an entry of the page's section JSON, which names the members in bold
letters; PATH leads to an object, or to an array of them: "stats", "flows" or
"." for the document itself, and "PATH+" also to what stands beside it. Members
called drops are not looked into.
"""
import json
import re
import sys


def explained(page, entry):
    with open(page, encoding="utf-8") as source:
        section = source.read().split("\n# JSON\n")[1].split("\n# ")[0]
    for heads, text in re.findall(r"^(\*.*)\n((?:\t.*\n)+)", section, re.M):
        if entry in re.findall(r"\*([^*]+)\*", heads):
            return set(re.findall(r"\*(\w+)\*", text.replace('"\\*"', "")))
    sys.exit("%s: section JSON: no entry '%s'" % (page, entry))


def printed(document, path):
    if path.endswith("+"):
        path = path[:-1]
        beside = {name for name in document if name not in ("schema", path)}
        return printed(document, path) | beside
    found = document if path == "." else document[path]
    if isinstance(found, list):
        if not found:
            sys.exit("nothing to compare in '%s'" % path)
        found = {key: value for each in found for key, value in each.items()}
    names = set()
    for key, value in found.items():
        if key == "schema":
            continue
        names.add(key)
        if isinstance(value, dict) and key != "drops":
            names |= set(value)
    return names


def main():
    page, entry, path = sys.argv[1:]
    wants, has = explained(page, entry), printed(json.load(sys.stdin), path)
    for name in sorted(has - wants):
        print("bpfnet(8) does not explain '%s'" % name)
    for name in sorted(wants - has):
        print("the program does not print '%s'" % name)
    return 1 if wants != has else 0


if __name__ == "__main__":
    sys.exit(main())
