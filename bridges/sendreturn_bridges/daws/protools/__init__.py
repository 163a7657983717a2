"""Pro Tools, by its scripting interface PTSL: gRPC on this machine, from Pro Tools 2023.3 on.

    bridge.py      the daemon's side: what the daemon asks goes to a thread of its own, as jobs.py
    work.py        that thread: it waits for Pro Tools
    connected.py   what it does while Pro Tools runs: clicks become sends, returns are placed
    listening.py   the thread that waits for events
    host.py        the connection; every call has a deadline
    wire.py        numbers, names and errors of the interface; no I/O
    session.py     what is open and what is selected
    capture.py     the selection as an audio file, exactly as long as it is
    placing.py     returns onto new tracks, each once; ledger.py remembers how far that is
    returned.py    the files that are placed, and what of them is shown
    menu.py        our items in File > Export
    paths.py       how Pro Tools spells files
    colors.py      the palette's color that is meant

What is known of the interface comes from py-ptsl's protobuf definitions and documentation
(github.com/iluvcapra/py-ptsl) and from what public programs that use it have written down.
"""
