"""The server of the client suites. All tests share it, each with a data source of its own."""

import itertools

import pytest
from growpanel import GrowPanel
from mrrow import Mrrow

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server on an empty directory."""
    server = Mrrow(tmp_path_factory.mktemp("clients") / "store")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def viewer_key(server):
    """A viewer's key."""
    return server.new_key("viewer")


@pytest.fixture
def source(server):
    """The id of a new data source."""
    return server.new_source(f"source {next(numbers)}")


@pytest.fixture(params=["", "/v1"], ids=["root", "v1"])
def panel(server, request):
    """The SDK with an admin key, at either base URL."""
    with GrowPanel(api_key=server.admin_key, base_url=server.url + request.param) as panel:
        yield panel


@pytest.fixture
def viewer(server, viewer_key):
    """The SDK with a viewer's key."""
    with GrowPanel(api_key=viewer_key, base_url=server.url) as panel:
        yield panel


@pytest.fixture
def stranger(server):
    """The SDK with an unknown key."""
    with GrowPanel(api_key="gp_not_a_key", base_url=server.url) as panel:
        yield panel
