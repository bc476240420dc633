import socket

import pytest

from autosnn_nni.errors import UserError
from autosnn_nni.manager.ports import check_port
from tests.ports import free_port


def test_a_free_port_is_taken_and_a_busy_one_is_not() -> None:
    port = free_port()
    check_port(port)
    in_use = pytest.raises(UserError, match=f"port {port} is in use")
    with socket.create_server(("127.0.0.1", port)), in_use:
        check_port(port)


@pytest.mark.parametrize("port", [0, -1, 2**16])
def test_ports_are_numbers_of_16_bits(port: int) -> None:
    with pytest.raises(UserError, match="must be from 1 to 65535"):
        check_port(port)


def test_a_port_that_is_not_for_this_user_is_not_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    class OfRoot(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError

    monkeypatch.setattr(socket, "socket", OfRoot)
    with pytest.raises(UserError, match="port 80 is for root alone"):
        check_port(80)
