"""End-to-end tests run outside Home Assistant's own test fixtures: the process is real."""

from pathlib import Path

import pytest
import pytest_socket

from demo.lab import Lab


@pytest.fixture(autouse=True)
def allow_loopback(socket_enabled: None) -> None:
    """Talk to the process: the test component forbids every socket, the loopback's too."""
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Return a configuration folder nobody used before."""
    return Lab(folder=tmp_path / "config")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Let a timer of a simulated peer outlive its test: the process under test is another one, with a loop of its own."""
    return True
