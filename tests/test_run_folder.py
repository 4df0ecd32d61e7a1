"""What lies in a run's folder is known to one class, so names are written nowhere else."""

import ast
from pathlib import Path

from translate.run_folder import EXPORT, RunFolder

PACKAGE = Path(__file__).parent.parent / "translate"
OTHERS = {  # files of the same names that lie in other folders
    "cards.py",  # of a repository on the Hub
}


def test_everything_lies_in_the_folder_under_a_name_of_its_own() -> None:
    folder = RunFolder("runs/paintings")
    paths = [path for path in vars(folder).values() if path != folder.path]
    assert len(paths) == len(set(paths))
    assert {path.parent for path in paths} == {folder.path}
    assert str(folder) == str(Path("runs/paintings"))


def test_grids_and_milestones_have_the_step_as_their_name_and_are_listed_in_order(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.grids() == folder.all_milestones() == []
    for step in (20, 3, 100):
        for path in (folder.grid(step), folder.milestone(step)):
            path.parent.mkdir(exist_ok=True)
            path.touch()
    (folder.samples / "favourite.png").touch()
    assert [int(path.stem) for path in folder.grids()] == [3, 20, 100]
    assert [int(path.stem) for path in folder.all_milestones()] == [3, 20, 100]
    assert folder.grid(3) == tmp_path / "samples" / "00000003.png"
    assert folder.milestone(3) == tmp_path / "milestones" / "00000003.safetensors"


def test_no_other_module_writes_these_names() -> None:
    names = {path.name for path in vars(RunFolder("run")).values() if path.suffix} - {"report.html"}  # apply's, too
    assert EXPORT in names
    for path in sorted(PACKAGE.rglob("*.py")):
        words = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
        if path.name not in {"run_folder.py", *OTHERS}:
            assert not names & {word for word in words if isinstance(word, str)}, path
