"""After each command: the next sensible one."""

import pytest

from translate import cli

SILENT = {
    "help": "its pages say what to type",
    "weights path": "scripts read it",
    "exercise": "its page is opened in a browser",
    "sample": "what it drew is looked at",
    "demo": "it serves a page until it is stopped",
    "compare": "what it wrote is opened in a browser",
    "data fetch": "see test_data.py",
    "data make": "see test_data.py",
    "weights fetch": "see test_weights.py",
    "weights gallery": "the page itself is what comes next",
    "weights import": "see test_weights.py",
    "weights publish": "see test_weights.py",
    "weights remove": "see test_weights.py",
}  # the last ones are said, and tested where they are
COMMANDS = {
    "data list": [],
    "data info": ["toy-horse2zebra"],
    "data check": ["horses"],
    "weights list": [],
    "weights info": ["monet"],
    "weights verify": ["monet"],
    "info": ["runs/horses"],
    "apply": ["runs/horses", "photos", "--out", "results", "--device=cpu"],
    "undo": ["photos"],
    "export": ["runs/horses", "one.safetensors"],
    "settings": ["cut"],
    "doctor": [],
    "eval": ["runs/horses", "horses", "--device=cpu"],
    "train": ["horses", "--config=tiny.toml", "--device=cpu"],
    "bench": ["--size=32", "--repeats=1", "--device=cpu", "--set=method.generator.width=2"],
}


def test_every_command_is_here():
    groups = {"data": cli.data.app, "weights": cli.weights.app}
    names = [command.name for command in cli.app.registered_commands]
    names += [f"{group} {command.name}" for group, app in groups.items() for command in app.registered_commands]
    assert sorted(names) == sorted([*COMMANDS, *SILENT])


@pytest.mark.usefixtures("quick_features")
def test_what_comes_next_is_said_after_each_command_and_kept_from_programs(run, train, add_test_pictures, monkeypatch):
    monkeypatch.setattr("translate.bench.SIDE", 64)
    add_test_pictures()
    train()
    assert "Next: translate undo" in run("apply", "runs/horses", "photos", "--in-place", "--yes", "--device=cpu")[2]
    for command, words in COMMANDS.items():
        code, out, err = run(*command.split(), *words)
        said = [line for line in (out + err).splitlines() if line.startswith("Next: ")]
        assert (command, code, len(said)) == (command, 0, 1)
    for command in ("data list", "weights list", "info", "apply", "settings"):
        assert "Next: " not in "".join(run(*command.split(), *COMMANDS[command], "--json")[1:])
