"""The layouts by which a folder is recognised as a dataset.

In the order they are tried:

1. `trainA`, `trainB` and, if there, `testA`, `testB`: the official CycleGAN archives
2. `train/` and, if there, `test/`, each with one folder for each domain, two or more
3. `list_attr_celeba.txt` beside one folder with pictures: CelebA, attributes instead of domains
4. `A`, `B`
5. one folder for each domain, two or more

Before all of these: the four files of MNIST, see `idx`.

Small and capital letters are the same; validation pictures are test pictures where there are no others; and a domain's
folder may hold `train` and `test`, see `part_of`. In the last two layouts a tenth of the pictures of each domain, at
most 100, is held out, always the same ones, unless there are test pictures.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from translate import images
from translate.data import celeba
from translate.data.folders import Dataset, Files, scan
from translate.data.idx import holds_idx, open_idx
from translate.data.split_names import Part, part_of
from translate.errors import DataError, SettingsError, counted
from translate.files import is_hidden, is_housekeeping


def open_folder(
    root: Path,
    exclude: Path | None = None,
    attributes: Sequence[str] | None = None,
    to_measure: bool = False,
    whole: bool = False,
) -> Dataset:
    """Recognise the layout of `root`.

    Args:
        root: the folder.
        exclude: a folder whose pictures are left out: results of a run.
        attributes: those wanted of a list of attributes; see `celeba.read_list`.
        to_measure: test pictures alone will do, without any to train on.
        whole: hold nothing out.

    Raises:
        DataError: the folder is missing, has no known layout, or a domain is empty.
        SettingsError: the list has no such attribute, or there is no list.
    """
    if not root.is_dir():
        raise DataError(f"There is no dataset folder {root}. {_WANTED}")
    if holds_idx(root):
        return open_idx(root)
    inside = subfolders(root)
    name = _name(root)
    train, tests = _parts(inside)
    if len(domains := {domain: folder for domain, folder in train.items() if domain}) > 1:
        return _dataset(name, domains, tests, exclude, False, root)
    if len(domains := subfolders(train[""]) if "" in train else {}) > 1:
        return _dataset(name, domains, tests, exclude, False, root)
    domains = {domain: folder for domain, folder in inside.items() if not _only_holds(folder, exclude)}
    if (root / celeba.LIST).is_file():
        return _listed(name, root / celeba.LIST, domains, attributes)
    if attributes is not None:
        raise SettingsError(f"data.attributes needs the file {celeba.LIST} in {root}, which is not there.")
    letters = {domain.upper(): folder for domain, folder in domains.items() if domain.upper() in ("A", "B")}
    if len(letters) == 2:
        return _dataset(name, dict(sorted(letters.items())), tests, exclude, not whole, root)
    domains = {domain: folder for domain, folder in domains.items() if not _is_part(domain, domains)}
    if len(domains) > 1 and not train:
        dataset = _dataset(name, domains, tests, exclude, not whole, root)
        return replace(dataset, notes=(*dataset.notes, *_numbered(dataset.train)))
    if to_measure and not train and len(alone := _tests_alone(tests)) > 1:
        nothing = {domain: Files(folder, (), 0) for domain, folder in alone.items()}
        return Dataset(name, nothing, {domain: scan(folder) for domain, folder in alone.items()}, list(alone)[-1])
    raise DataError(f"{root} is not a dataset with two or more domains. {_WANTED} {_found(root, inside, exclude)}")


def open_domains(folders: Mapping[str, Path], exclude: Path | None = None, fewest: int = 2) -> Dataset:
    """Take one folder for each domain, as named by the user, leaving out what lies in the folder `exclude`.

    Raises:
        DataError: fewer than so many domains, or a folder is missing or empty.
    """
    if len(folders) < fewest:
        raise DataError(
            f"Training needs two domains; found only {', '.join(folders)}. Add another --domain NAME=FOLDER."
        )
    for domain, folder in folders.items():
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} for domain {domain}.")
    return _dataset("2".join(folders), folders, {}, exclude, False)


def open_tests(folders: Mapping[str, Path]) -> Dataset:
    """Take one folder of test pictures for each domain, without any to train on. Raises as `open_domains`."""
    dataset = open_domains(folders)
    nothing = {domain: Files(folder, (), 0) for domain, folder in folders.items()}
    return replace(dataset, train=nothing, test=dataset.train)


_NAMED = "--domain NAME=FOLDER --domain NAME=FOLDER"


def open_single(root: Path, domain: str, exclude: Path | None = None, whole: bool = False) -> Dataset:
    """Take all pictures of a folder for one domain; those in folders called test or val in it are test pictures.

    `whole`: as for `open_folder`.

    Raises:
        DataError: the folder is missing or holds no pictures.
    """
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.")
    return _dataset(_name(root), {domain: root}, {}, exclude, not whole, root)


def _name(root: Path) -> str:
    return os.fsencode(root.resolve().name).decode(errors="replace")  # it is written into exports


_WANTED = (
    "Wanted are the folders trainA and trainB (testA and testB as well, if you like), or train with a folder for each"
    f" domain (test as well), or {celeba.LIST} beside one folder of pictures, or A and B, or a folder for each domain."
)


def subfolders(root: Path) -> dict[str, Path]:
    """Return the folders in `root` by name, without hidden ones and those of a system; none where it is no folder."""
    if not root.is_dir():
        return {}
    folders = {path.name: path for path in root.iterdir() if path.is_dir()}
    return {name: folders[name] for name in sorted(folders) if not is_hidden(name)}


def _parts(folders: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the folders of training and those of test pictures, by domain, "" for all domains."""
    found: dict[Part, dict[str, Path]] = {"train": {}, "test": {}, "validation": {}}
    for name, folder in folders.items():
        part, domain = part_of(name) or ("", "")
        if not part:
            continue
        domain = domain.upper() if len(domain) == 1 else domain
        if (other := found[part].setdefault(domain, folder)) != folder:
            raise DataError(f"{other} and {folder} mean the same. Rename one of them, or put their pictures together.")
    return found["train"], found["validation"] | found["test"]


def _tests_alone(tests: Mapping[str, Path]) -> dict[str, Path]:
    """Return the folders of test pictures by domain: testA and testB, or those in test."""
    named = {domain: folder for domain, folder in tests.items() if domain}
    return named if len(named) > 1 or "" not in tests else subfolders(tests[""])


def _is_part(name: str, folders: Mapping[str, Path]) -> bool:
    """Whether a folder's name means test pictures of the others, and no domain."""
    found = part_of(name)
    domains = {other.casefold() for other in folders}
    return found is not None and (len(found[1]) < 2 or found[1].casefold() in domains)


def _numbered(domains: Mapping[str, object]) -> list[str]:
    """Say that folders count as domains whose names differ in their numbers only, as those of days or films do."""
    if len({re.sub(r"\d+", "", domain) for domain in domains}) > 1 or not all(
        re.search(r"\d", name) for name in domains
    ):
        return []
    first, *_, last = domains
    return [f"The folders {first} to {last} count as domains. Where they are one, name it and the other: {_NAMED}."]


def _found(root: Path, inside: Mapping[str, Path], exclude: Path | None) -> str:
    """Say what is in a folder that is no dataset, and where it seems to be one."""
    loose = len([path for path in root.iterdir() if path.suffix.lower() in images.SUFFIXES])
    found = f"Found the folders {', '.join(inside) or 'none'} and {loose} pictures beside them."
    found += f" Folders that lie elsewhere are named one by one: {_NAMED}."
    if len(inside) == 1:
        (only,) = inside.values()
        try:
            open_folder(only, exclude)
        except (DataError, SettingsError):
            return found
        return f"{found} A dataset is {only}: name that folder."
    return found


def _only_holds(folder: Path, exclude: Path | None) -> bool:
    """Whether `exclude` lies in `folder`, or is it, and there are no pictures beside it."""
    if exclude is None or folder.resolve() not in (exclude.resolve(), *exclude.resolve().parents):
        return False
    return not scan(folder, exclude).paths


def _dataset(
    name: str,
    folders: Mapping[str, Path],
    tests: Mapping[str, Path],
    exclude: Path | None,
    holds_out: bool,
    root: Path | None = None,
) -> Dataset:
    """Take a folder for each domain.

    Args:
        name: of the dataset.
        folders: by domain. Of three or more those without any pictures are left out.
        tests: folders of test pictures by domain; "": a folder with a folder for each.
        exclude: as for `open_folder`.
        holds_out: where there are no test pictures, take some of the training pictures.
        root: the folder that all of this was found in, if it was.
    """
    notes: list[str] = []
    train: dict[str, Files] = {}
    test: dict[str, Files] = {}
    of_all = {key.casefold(): folder for key, folder in subfolders(tests[""]).items()} if "" in tests else {}
    of_one = of_all | {key.casefold(): folder for key, folder in tests.items()}
    for domain, folder in folders.items():
        train[domain], own = _own_parts(domain, scan(folder, exclude), notes)
        given = of_one.get(domain.casefold())
        test[domain] = scan(given) if given else own or Files(folder, (), 0)
    empty = [domain for domain, files in train.items() if not files.paths]
    if empty and len(train) - len(empty) < 2:
        raise _empty(empty[0], train[empty[0]], test[empty[0]])
    notes += [f"{train.pop(domain).folder} holds no pictures and counts as no domain." for domain in empty]
    passed = sum(files.passed_over for files in train.values())
    passed += sum(is_housekeeping(path.name) for path in root.iterdir()) if root else 0
    notes += [f"{counted(passed, 'system folder')} passed over."] if passed else []
    test = {domain: files for domain, files in test.items() if files.paths and domain in train}
    target = list(train)[-1] if len(train) == 2 else ""
    dataset = Dataset(
        name, train, {domain: files for domain, files in test.items() if files.paths}, target, notes=tuple(notes)
    )
    return hold_out(dataset) if holds_out and not test else dataset


def hold_out(dataset: Dataset, key: Callable[[str], str] = str) -> Dataset:
    """Make a tenth of the training pictures of each domain, at most 100, the test pictures, always the same ones."""
    parts = {
        domain: files.parted(min(len(files) // 10, 100), key)
        for domain, files in dataset.train.items()
        if isinstance(files, Files)
    }
    train, test = ({domain: part[place] for domain, part in parts.items()} for place in (0, 1))
    return replace(dataset, train=train, test={domain: files for domain, files in test.items() if files.paths})


def _own_parts(domain: str, files: Files, notes: list[str]) -> tuple[Files, Files | None]:
    """Part the pictures of a domain by folders in its folder that are called test, val or train."""
    parts: dict[Part, list[str]] = {"train": [], "test": [], "validation": []}
    for name in subfolders(files.folder):
        part, inner = part_of(name) or ("", "")
        if part and (len(inner) < 2 or inner.casefold() == domain.casefold()):
            parts[part].append(name)
    within = [path.relative_to(files.folder).parts for path in files.paths]
    kept_out = {*parts["test"], *parts["validation"]}
    only = {*parts["train"]} if parts["train"] and not any(len(place) == 1 for place in within) else None
    chosen = next((name for name in (*parts["test"], *parts["validation"])), None)
    train, test, late = list[Path](), list[Path](), list[Path]()
    for path, place in zip(files.paths, within, strict=True):
        if len(place) > 1 and place[0] == chosen:
            test.append(path)
        elif not (len(place) > 1 and place[0] in kept_out) and (only is None or place[0] in only):
            train.append(path)
            late += [path] if any((part_of(part) or ("train",))[0] != "train" for part in place[:-1]) else []
    if only is not None and len(train) + len(test) < len(files):
        notes.append(f"Domain {domain}: of its folders only {', '.join(sorted(only))} is trained on.")
    if kept_out:
        named = ", ".join(sorted(kept_out))
        notes.append(f"Domain {domain}: what is in {named} is not trained on; test pictures are those in {chosen}.")
    if late:
        notes.append(f"Domain {domain}: {counted(len(late), 'picture')} in folders called test or val are trained on.")
    tests = replace(files, paths=tuple(test), ignored=0, passed_over=0)
    return replace(files, paths=tuple(train)), tests if test else None


def _empty(domain: str, train: Files, test: Files) -> DataError:
    if test.paths:
        return DataError(
            f"Domain {domain} has no training pictures: {train.folder} holds test pictures only, by the names of its"
            " folders. Rename them, or add a folder train."
        )
    return DataError(
        f"Domain {domain} is empty: {train.folder} holds no pictures, but {train.ignored} other files."
        f" Pictures end in {', '.join(sorted(images.SUFFIXES))}."
    )


def _listed(name: str, path: Path, folders: Mapping[str, Path], wanted: Sequence[str] | None) -> Dataset:
    """Take the pictures of a list of attributes from the folder beside it."""
    likely = [folders[name] for name in celeba.FOLDERS if name in folders] or list(folders.values())
    if len(likely) > 1:
        likely = [folder for folder in likely if scan(folder).paths] or likely
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
