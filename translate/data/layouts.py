"""The layouts by which a folder is recognised as a dataset.

In the order they are tried:

1. `trainA`, `trainB` and, if there, `testA`, `testB`: the official CycleGAN archives
2. `train/` and, if there, `test/`, each with one folder for each domain, two or more
3. `list_attr_celeba.txt` beside one folder with pictures: CelebA, attributes instead of domains
4. `A`, `B`
5. one folder for each domain, two or more

In the last two a tenth of the pictures of each domain, at most 100, is held out, always the same ones.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from translate import images
from translate.data import celeba
from translate.data.folders import Dataset, Files, scan
from translate.errors import DataError, SettingsError

RESERVED = frozenset({"train", "test", "trainA", "trainB", "testA", "testB"})  # no names of domains


def open_folder(root: Path, exclude: Path | None = None, attributes: Sequence[str] | None = None) -> Dataset:
    """Recognise the layout of `root`.

    Args:
        root: the folder.
        exclude: a folder whose pictures are left out: results of a run.
        attributes: those wanted of a list of attributes; see `celeba.read_list`.

    Raises:
        DataError: the folder is missing, has no known layout, or a domain is empty.
        SettingsError: the list has no such attribute, or there is no list.
    """
    if not root.is_dir():
        raise DataError(f"There is no dataset folder {root}. {_WANTED}")
    inside = list(_subfolders(root))
    name = os.fsencode(root.resolve().name).decode(errors="replace")  # it is written into exports
    if {"trainA", "trainB"} <= {*inside}:
        tests = {domain: root / f"test{domain}" for domain in "AB" if f"test{domain}" in inside}
        return _dataset(name, {domain: root / f"train{domain}" for domain in "AB"}, tests, exclude)
    if len(domains := _subfolders(root / "train")) > 1:
        tests = _subfolders(root / "test")
        return _dataset(name, domains, {domain: tests[domain] for domain in domains if domain in tests}, exclude)
    domains = {domain: folder for domain, folder in _subfolders(root).items() if not _only_holds(folder, exclude)}
    if (root / celeba.LIST).is_file():
        return _listed(name, root / celeba.LIST, domains, attributes)
    if attributes is not None:
        raise SettingsError(f"data.attributes needs the file {celeba.LIST} in {root}, which is not there.")
    if {"A", "B"} <= domains.keys():
        domains = {domain: domains[domain] for domain in "AB"}
    if len(domains) > 1 and not domains.keys() & RESERVED:
        return _dataset(name, domains, None, exclude)
    loose = len([path for path in root.iterdir() if path.suffix.lower() in images.SUFFIXES])
    found = f"Found the folders {', '.join(inside) or 'none'} and {loose} pictures beside them."
    raise DataError(f"{root} is not a dataset with two or more domains. {_WANTED} {found}")


def open_domains(folders: Mapping[str, Path], exclude: Path | None = None) -> Dataset:
    """Take one folder for each domain, as named by the user, leaving out what lies in the folder `exclude`.

    Raises:
        DataError: fewer than two domains, or a folder is missing or empty.
    """
    if len(folders) < 2:
        raise DataError(
            f"Training needs two domains; found only {', '.join(folders)}. Add another --domain NAME=FOLDER."
        )
    for domain, folder in folders.items():
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} for domain {domain}.")
    return _dataset("2".join(folders), folders, {}, exclude)


_WANTED = (
    "Wanted are the folders trainA and trainB (testA and testB as well, if you like), or train with a folder for each"
    f" domain (test as well), or {celeba.LIST} beside one folder of pictures, or A and B, or a folder for each domain."
)


def _subfolders(root: Path) -> dict[str, Path]:
    """Return the folders in `root` by name, without hidden ones."""
    if not root.is_dir():
        return {}
    folders = {path.name: path for path in root.iterdir() if path.is_dir()}
    return {name: folders[name] for name in sorted(folders) if not name.startswith(".") and name != "__MACOSX"}


def _only_holds(folder: Path, exclude: Path | None) -> bool:
    """Whether `exclude` lies in `folder`, or is it, and there are no pictures beside it."""
    if exclude is None or folder.resolve() not in (exclude.resolve(), *exclude.resolve().parents):
        return False
    return not scan(folder, exclude).paths


def _dataset(name: str, folders: Mapping[str, Path], tests: Mapping[str, Path] | None, exclude: Path | None) -> Dataset:
    """Take a folder for each domain; without `tests`, hold out training pictures."""
    train = {domain: scan(folder, exclude) for domain, folder in folders.items()}
    for domain, files in train.items():
        if not files.paths:
            raise DataError(
                f"Domain {domain} is empty: {files.folder} holds no pictures, but {files.ignored} other files."
                f" Pictures end in {', '.join(sorted(images.SUFFIXES))}."
            )
    if tests is None:
        parts = {domain: files.parted(min(len(files) // 10, 100)) for domain, files in train.items()}
        train, test = ({domain: part[place] for domain, part in parts.items()} for place in (0, 1))
    else:
        test = {domain: scan(folder) for domain, folder in tests.items()}
    target = list(folders)[-1] if len(folders) == 2 else ""
    return Dataset(name, train, {domain: files for domain, files in test.items() if files.paths}, target)


def _listed(name: str, path: Path, folders: Mapping[str, Path], wanted: Sequence[str] | None) -> Dataset:
    """Take the pictures of a list of attributes from the folder beside it."""
    likely = [folders[name] for name in celeba.FOLDERS if name in folders] or list(folders.values())
    if len(likely) != 1:
        raise DataError(
            f"Beside {path} must be one folder with its pictures, called {' or '.join(celeba.FOLDERS)} if there are"
            f" others; found {', '.join(folders) or 'none'}."
        )
    folder = likely[0]
    attributes, listed = celeba.read_list(path, wanted)
    missing = [picture for picture in listed.names if not (folder / picture).is_file()]
    if missing:
        raise DataError(
            f"{path} lists {len(missing)} pictures that are not in {folder}, the first {missing[0]}. Put them there, or"
            " take their lines out of the list."
        )
    if len(listed.names) < 2:
        raise DataError(f"{path} lists {len(listed.names)} picture; training needs at least 2.")
    parts = celeba.split(listed)
    train, test = (Files(folder, tuple(folder / picture for picture in part.names), 0) for part in parts)
    tests = {folder.name: test} if test.paths else {}
    return Dataset(name, {folder.name: train}, tests, "", attributes, parts[0].labels, parts[1].labels)
