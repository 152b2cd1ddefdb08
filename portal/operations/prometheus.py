"""The page of metrics, by prometheus-client: what processes counted, and what the tables say."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from portal.operations.queries.figures import Figure

PREFIX = "counterpart_"


class Tables(Collector):
    """Asks for the figures at each look of the monitor."""

    def __init__(self, ask: Callable[[], Iterable[Figure]]) -> None:
        self.ask = ask

    def collect(self) -> Iterator[Metric]:
        """Yield one family a name."""
        families: dict[str, GaugeMetricFamily] = {}
        for figure in self.ask():
            labels = [figure.label] if figure.label else []
            family = families.setdefault(
                figure.name, GaugeMetricFamily(PREFIX + figure.name, figure.meaning, labels=labels)
            )
            family.add_metric([figure.of] if labels else [], figure.value)
        yield from families.values()


def registry_of(folder: Path, ask: Callable[[], Iterable[Figure]]) -> CollectorRegistry:
    """Return everything a monitor may read: the counts in a folder, and the figures."""
    registry = CollectorRegistry()
    if folder.is_dir():
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    registry.register(Tables(ask))
    return registry


def text_of(registry: CollectorRegistry) -> str:
    """Return the page as Prometheus reads it."""
    return generate_latest(registry).decode()


def serve(registry: CollectorRegistry, *, host: str, port: int) -> None:
    """Serve the page on a port of its own, until the process ends."""
    _, thread = start_http_server(port, addr=host, registry=registry)
    thread.join()
