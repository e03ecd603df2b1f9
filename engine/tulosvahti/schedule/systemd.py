"""Telling systemd how the service is (sd_notify): a datagram to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import socket
from contextlib import suppress


def notify(address: str, *words: str) -> None:
    """Send words such as ``READY=1``; does nothing without an address, and never raises: systemd may be gone."""
    if not address:
        return
    # A leading @ stands for the NUL of Linux's abstract names.
    place = f"\0{address[1:]}" if address.startswith("@") else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect(place)
        sender.sendall("\n".join(words).encode())
