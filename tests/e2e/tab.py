#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tab - types a line into a bash, presses Tab, and prints what became of it

usage: tab.py PROGRAM LINE

An interactive bash on a terminal of its own loads PROGRAM's completion, so the
words are cut, completed and put together by bash and readline themselves.
"""
import os
import pty
import re
import select
import sys
import time

SECONDS = 10
# Control-T prints the line as it is then, and what was offered.
SETUP = r"""
PS1='ready> '
source <("$1" completion bash)
probe() { _bpfnet "$@"; offered=${COMPREPLY[*]}; }
show() { printf '<<%s|%s>>\n' "$READLINE_LINE" "$offered"; }
complete -F probe bpfnet
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
bind -x '"\C-t": show'
""".lstrip()


def read_until(terminal, pattern):
    """Everything that was written up to the pattern's match, and the match"""
    text, deadline = "", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            text += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
        match = re.search(pattern, text, re.S)
        if match:
            return match
    sys.exit("no %s in:\n%s" % (pattern, text))


def main():
    program, line = sys.argv[1:]
    setup = os.memfd_create("setup", 0)
    os.write(setup, SETUP.replace('"$1"', "'%s'" % program).encode())
    path = "%s:%s" % (os.path.dirname(program), os.environ["PATH"])
    pid, terminal = pty.fork()
    if not pid:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"],
                   {**os.environ, "TERM": "dumb", "PATH": path, "PS1": "",
                    "COLUMNS": "2000"})
    os.write(terminal, b"source /proc/%d/fd/%d\n" % (os.getpid(), setup))
    read_until(terminal, r"ready> ")
    os.write(terminal, line.encode() + b"\t")
    os.write(terminal, b"\x14")
    match = read_until(terminal, r"<<(.*)\|(.*)>>")
    os.close(terminal)
    os.waitpid(pid, 0)
    print(match.group(1))
    print(match.group(2))


if __name__ == "__main__":
    main()
