#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""terminal.py - runs a command on a terminal of its own, as somebody who types

usage: terminal.py [STEP]... -- CMD...

Steps, one after the other:
    see:TEXT        waits until the command has written that since the last step
    type:TEXT       types it; \\n, \\x03 (Ctrl-C), \\x1a (Ctrl-Z) as in Python
    size:ROWS:COLS  the window gets that size

The exit status is the command's, 128 + N when signal N ended it, 99 when it did
not write what was to be seen. All that it writes is printed.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

SEE_SECONDS = 15


class Terminal:
    def __init__(self, command):
        self.unseen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def read(self, seconds):
        """False when there is nothing more, or nothing in that time."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:     # how a terminal tells that nobody is left
            return False
        sys.stdout.write(data.decode(errors="replace"))
        sys.stdout.flush()
        self.unseen += data.decode(errors="replace")
        return bool(data)

    def see(self, text):
        deadline = time.monotonic() + SEE_SECONDS
        while text not in self.unseen:
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                os.kill(self.pid, signal.SIGKILL)
                print("\nnever seen: %r" % text)
                sys.exit(99)
        self.unseen = self.unseen.split(text, 1)[1]

    def type(self, text):
        os.write(self.fd, text.encode().decode("unicode_escape").encode())

    def size(self, text):
        rows, columns = map(int, text.split(":"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def end(self):
        while self.read(SEE_SECONDS):
            pass
        status = os.waitpid(self.pid, 0)[1]
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)


def main(arguments):
    split = arguments.index("--")
    terminal = Terminal(arguments[split + 1:])
    for step in arguments[:split]:
        verb, text = step.split(":", 1)
        {"see": terminal.see, "type": terminal.type,
         "size": terminal.size}[verb](text)
    return terminal.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
