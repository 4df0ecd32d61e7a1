"""Models on the Hugging Face Hub: the only place that knows huggingface_hub, which the extra `hub` brings.

Token, proxies and address (`HF_TOKEN`, `HF_ENDPOINT`) are taken from where that library takes them.
"""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from translate.cards import HubWeights
from translate.errors import OutputError, TranslateError, WeightsError
from translate.files import as_output_error, sha256

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MISSING = "The Hugging Face Hub needs one more package: pip install 'image-translate[hub]'"


def download(weights: HubWeights, path: Path) -> tuple[str, str]:
    """Download a file into `path`; after an error, what is there of it stays beside `path`, to be continued.

    Returns:
        its address, in which the commit stands, and the commit.

    Raises:
        WeightsError: the Hub does not give the file, or not the one that it promises.
        OutputError: `path` cannot be written.
    """
    api, repository = _api(WeightsError), weights.repository
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # it is documented

    with _asking(repository, WeightsError):
        info = api.model_info(repository, revision=weights.revision or None, files_metadata=True)
    siblings = {file.rfilename: file for file in info.siblings or ()}
    if weights.file not in siblings or info.sha is None:
        existing = sorted(name for name in siblings if name.endswith(".safetensors")) or ["no .safetensors file"]
        raise WeightsError(
            f"{repository} has no {weights.file}. It has {', '.join(existing)}; name one as in"
            f" {HubWeights(repository, weights.revision, 'FILE.safetensors').name}."
        )
    beginning = path.with_suffix(".unfinished")
    disable_progress_bars()
    with as_output_error(path), _asking(repository, WeightsError):
        found = Path(api.hf_hub_download(repository, weights.file, revision=info.sha, local_dir=beginning))
    promised = siblings[weights.file].lfs  # None: a small file, which Git holds itself
    if promised and sha256(found) != promised.sha256:
        shutil.rmtree(beginning)
        raise WeightsError(f"{weights.name} is damaged: what came has not the SHA-256 {promised.sha256} of the Hub.")
    with as_output_error(path):
        found.replace(path)
        shutil.rmtree(beginning)
    return f"{api.endpoint}/{repository}/resolve/{info.sha}/{weights.file}", info.sha


def publish(repository: str, contents: Mapping[str, Path | bytes], public: bool, overwrite: bool) -> str:
    """Write files into a repository, which is made if there is none, as one commit; return its address.

    Args:
        repository: its owner and its name.
        contents: the files by their names.
        public: whether everybody may see a repository that is made.
        overwrite: whether files that are there already are replaced.

    Raises:
        OutputError: the Hub does not take them, or has such files already.
    """
    api = _api(OutputError)
    from huggingface_hub import CommitOperationAdd, get_token

    if get_token() is None:
        raise OutputError("Publishing needs a token of the Hugging Face Hub: set HF_TOKEN, or run `hf auth login`.")
    with _asking(repository, OutputError):
        url = str(api.create_repo(repository, private=not public, exist_ok=True))
        taken = [name for name in api.list_repo_files(repository) if name in contents]
        if taken and not overwrite:
            raise OutputError(f"{url} has {' and '.join(taken)} already. Replace them with --overwrite.")
        files = [CommitOperationAdd(name, content) for name, content in contents.items()]
        api.create_commit(repository, files, commit_message="Publish a model of image-translate")
    return url


def _api(refusal: type[TranslateError]) -> "HfApi":
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise refusal(MISSING) from error
    return HfApi()


@contextlib.contextmanager
def _asking(repository: str, refusal: type[TranslateError]) -> Iterator[None]:
    """Turn what the library raises, of which some belongs to other libraries, into one sentence."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of the library that it asks with

    try:
        yield
    except (OSError, ValueError, RuntimeError, HTTPError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of a disk
            raise
        raise refusal(_sentence(repository, error)) from error


def _sentence(repository: str, error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return f"{repository} is for those who have accepted its conditions. Accept them on its page, and set HF_TOKEN."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"The Hugging Face Hub has no {repository}, or it is private: then set HF_TOKEN, or run `hf auth login`."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repository} has no such revision. Name another one, or none for the newest."
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"{repository} was not asked for: HF_HUB_OFFLINE forbids it."
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return f"The Hugging Face Hub answers {status} for {repository}: the token does not allow it, or is none."
        return f"The Hugging Face Hub answers {status} for {repository}. Try again later."
    reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return f"The Hugging Face Hub cannot be reached, or stopped answering: {reason}."
