"""`translate apply` on tar shards, and on a Ray cluster."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from translate.cli.converting import Showing, counting, show_conversion
from translate.cli.summary import running_on
from translate.cli.terminal import printable, say, say_next, show
from translate.errors import SettingsError, counted

if TYPE_CHECKING:
    from translate.cluster.conversion import Cluster, Loading
    from translate.conversion.job import Job
    from translate.conversion.planning import ConversionPlan
    from translate.inference.translator import Translator


def apply_to_shards(job: "Job", load: "Callable[[], Translator]", how: Showing, dry_run: bool) -> None:
    """Convert tar shards, or print what would become of each.

    Raises:
        SettingsError: an option does not go with shards.
        SomeFailed, DataError, OutputError: as `plan_shards` and `show_conversion`.
    """
    from translate.shards.conversion import convert_shards, plan_shards

    if how.watched or how.report or how.grid or how.failed or job.out is None:
        raise SettingsError("Shards go with none of --watch, --report, --compare, --failed and --in-place.")
    plan = plan_shards(job)
    if dry_run:
        _show_plan(plan, how.as_json)
        return
    translator = load()
    if not how.quiet:
        say(f"To {job.goal} with {counted(len(plan.items), 'shard')}. {running_on(translator.engine, '')}")
    total = len(plan.items)
    show_conversion(
        job, plan, str(translator.engine),
        lambda tell: convert_shards(job, plan, translator, lambda done: tell("shards", done, total, "")), how,
    )  # fmt: skip


def apply_on_ray(job: "Job", model: str, cluster: "Cluster", loading: "Loading", how: Showing, dry_run: bool) -> None:
    """Convert pictures on a Ray cluster, or print what would be done.

    Raises:
        SettingsError: an option does not go with a cluster.
        SomeFailed, DataError, DeviceError, OutputError: as `convert_on_ray` and `show_conversion`.
    """
    from translate.cluster.conversion import convert_on_ray

    if how.watched:
        raise SettingsError("--engine ray converts what is there, without --watch.")
    plan = job.plan()
    engine = f"Ray{f' at {cluster.address}' if cluster.address else ', on this machine alone'}"
    if dry_run:
        _show_plan(plan, how.as_json)
        return
    if not how.quiet:
        say(f"To {job.goal} with {printable(model)}. Running on {engine}.")
    show_conversion(
        job, plan, engine,
        lambda tell: counting(convert_on_ray(job, plan, model, cluster, loading), len(plan), tell), how,
    )  # fmt: skip


def _show_plan(plan: "ConversionPlan", as_json: bool) -> None:
    items = [{"source": str(item.source), "output": str(item.output)} for item in plan.items]
    lines = [f"{printable(item['source'])} -> {printable(item['output'])}" for item in items]
    lines.append(f"{len(items)} to do, {len(plan.existing)} already there, {len(plan.missing)} not found.")
    show({"items": items, "existing": len(plan.existing), "missing": plan.missing}, lines, as_json)
    say_next("the same command without --dry-run", as_json)
