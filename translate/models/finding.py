"""Which export a word means."""

from pathlib import Path

from translate import cards
from translate.errors import WeightsError
from translate.run_folder import EXPORT, RunFolder
from translate.settings import nearest


def find_export(model: str | Path) -> Path:
    """Find the export that MODEL means: a file, a run folder, or the name of weights that are here.

    Raises:
        WeightsError: there is none, or it has to be fetched first.
        SettingsError: it begins like a name on the Hugging Face Hub, and is none.
    """
    path = Path(model)
    known = {name: file for name, file in cards.weights_here().items() if file.suffix != ".pth"}
    try:
        if path.is_file():
            return path
        if (export := RunFolder(path).export).is_file():
            return export
        if path.is_dir() and str(model) not in known:  # pictures may lie in a folder with the name of a model
            raise WeightsError(f"{path} holds no {EXPORT}; it appears with the first checkpoint of a run.")
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror}. Give a run's folder or an export file."
        ) from error
    name = str(model)
    if name in cards.names("weights") and cards.weights(name).features:
        raise WeightsError(f"{name} is a feature network for `translate eval --features`; it translates nothing.")
    on_hub = name.startswith(cards.ON_HUB)
    name = cards.HubWeights.parse(name).name if on_hub else name
    if name in known:
        return known[name]
    if on_hub or name in cards.names("weights"):
        raise WeightsError(
            f"The weights of {name} are not here yet. Download them with `translate weights fetch {name}`."
        )
    names = f"a name in weights ({', '.join(known)})" if known else "a name in weights, of which there are none here"
    close = nearest(name, [*known, *cards.names("weights")])
    raise WeightsError(f"There is no model {model}.{close} Give a run's folder, an export file, or {names}.")
