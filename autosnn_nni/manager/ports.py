"""The port of NNI's manager."""

import socket

from autosnn_nni.errors import UserError


def check_port(port: int) -> None:
    """Raise :class:`UserError` unless a manager can listen on ``port``."""
    if not 0 < port < 2**16:
        raise UserError(f"--port must be from 1 to {2**16 - 1}, not {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise UserError(f"port {port} is for root alone; choose another --port") from None
        except OSError:
            raise UserError(f"port {port} is in use; choose another --port") from None
