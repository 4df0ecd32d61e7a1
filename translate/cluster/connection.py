"""Reaching a Ray cluster, and looking whether its machines have the same version of this package."""

import contextlib
import importlib.metadata
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from translate.errors import DeviceError, SettingsError

PACKAGE = "image-translate"
TIMEOUT_S = 10.0  # seconds within which a head node takes a connection


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Yield Ray, connected; the connection ends with the block, and so does a cluster that was started for it.

    Args:
        address: "auto" for the cluster that this machine belongs to, or that of a head node; None: a cluster of this
            machine alone is started.

    Raises:
        SettingsError: Ray is not installed.
        DeviceError: there is no such cluster, or it has another version of Ray, of Python or of this package.
    """
    if address:
        _refuse_silent(address)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else the cluster reports to its makers
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SettingsError("--engine ray needs more packages: pip install 'image-translate[ray]'.") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # results are told here
    own: dict[str, Any] = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # what it raises differs by what is wrong: ConnectionError, ValueError, RuntimeError
        reason = " ".join(str(error).split())[:300]
        if address is None:
            raise DeviceError(f"Ray cannot be started on this machine: {reason}") from error
        raise _not_there(address, reason) from error
    try:
        _refuse_other_versions(ray)
        yield ray
    finally:
        ray.shutdown()


def _refuse_silent(address: str) -> None:
    """Raise `DeviceError` where nothing answers at host:port; Ray itself would try for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S).close()
        except (OSError, OverflowError) as error:
            raise _not_there(address, f"{getattr(error, 'strerror', None) or error}.") from error


def _not_there(address: str, reason: str) -> DeviceError:
    return DeviceError(
        f"There is no Ray cluster at {address}: {reason} Start one with `ray start --head`, name the address that it"
        " prints, or leave out --address."
    )


def refuse_others(own: str, found: dict[str, str]) -> None:
    """Raise `DeviceError` where machines, by their names, have another version than `own`, or none, which is ""."""
    others = {name: version for name, version in found.items() if version != own}
    if others:
        name, version = next(iter(others.items()))
        more = f", like {len(others) - 1} more" if len(others) > 1 else ""
        has = f"{PACKAGE} {version}" if version else f"no {PACKAGE}"
        raise DeviceError(
            f"The worker {name}{more} has {has}, and this machine has {own}. Install the same version on all."
        )


def own_version() -> str:
    """Return the version of this package here."""
    return importlib.metadata.version(PACKAGE)


def _refuse_other_versions(ray: Any) -> None:
    def version(package: str) -> str:  # within a function, so that it is sent itself and not looked up there
        import importlib.metadata

        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return ""

    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=1)(version)
    asked = {
        node["NodeManagerAddress"]: ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(PACKAGE)
        for node in ray.nodes()
        if node["Alive"]
    }
    refuse_others(own_version(), {name: ray.get(answer) for name, answer in asked.items()})
