"""All that a scenario needs: `from tidepost import *`."""

from certs import Authority, client_context, server_context
from line import BACK, OUT, Line
from message import Delivered, content_fault, copies, crlf, maildir, make
from node import (BUILD, CLI, DAEMON, PASSWORD, ROOT, Node, World, listener,
                  local, parse_log, secret_file)
from peer import CLOSE, RESET, STALL, Close, Peer, Raw, Stall
from report import (at_end, check, clean_up, equal, forget_all, run, run_part,
                    skip, skip_part, temp_dir, wait_until)
from shim import Shim
from smtp import Closed, Reply, Smtp, stuff
from turned import collect, odmr

# The names above are what a scenario gets.
__all__ = [name for name in dir() if not name.startswith("_")]
