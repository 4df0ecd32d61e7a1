"""A model is meant by a file, a run's folder, or a name."""

from pathlib import Path

import pytest

from translate import cards
from translate.errors import WeightsError
from translate.models.finding import find_export


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A file in the place of an export: only its name matters here."""
    (tmp_path / "model.safetensors").write_bytes(b"tensors")
    return tmp_path / "model.safetensors"


def test_a_model_is_found_as_file_run_folder_or_name(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = export.parent / "weights"
    shelf.mkdir()
    (shelf / "horse2zebra.safetensors").write_bytes(export.read_bytes())
    monkeypatch.setattr(cards, "shelf", lambda kind: export.parent / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(export.parent / "home"))
    assert find_export(export) == find_export(str(export)) == find_export(export.parent) == export
    assert find_export("horse2zebra") == shelf / "horse2zebra.safetensors"
    with pytest.raises(WeightsError, match=r"no model horse2zebr\. Did you mean horse2zebra\? Give .*\(horse2zebra\)"):
        find_export("horse2zebr")
    fetched = export.parent / "home/weights/monet.safetensors"
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(export.read_bytes())
    assert find_export("monet") == fetched
    (shelf / "ukiyoe.toml").write_text('title = "Prints"\ndomains = ["photo", "print"]\n')
    with pytest.raises(WeightsError, match=r"of ukiyoe are not here yet. Download .* `translate weights fetch ukiyoe`"):
        find_export("ukiyoe")
    with pytest.raises(WeightsError, match=r"no model ukiyo\. Did you mean ukiyoe\?"):
        find_export("ukiyo")
    with pytest.raises(WeightsError, match=r"holds no model\.safetensors"):
        find_export(shelf)
    monkeypatch.chdir(export.parent)
    Path("horse2zebra").mkdir()  # of pictures
    assert find_export("horse2zebra") == shelf / "horse2zebra.safetensors"
    with pytest.raises(WeightsError, match=r"holds no model\.safetensors"):
        find_export("./horse2zebra")


def test_a_model_whose_name_is_too_long_is_one_sentence() -> None:
    with pytest.raises(WeightsError, match=r"x cannot be read: File name too long\. Give a run's folder or an export"):
        find_export("x" * 300)


def test_without_published_models_none_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    with pytest.raises(WeightsError, match=r"a name in weights, of which there are none here\.") as caught:
        find_export("horse2zebra")
    assert caught.value.exit_code == 5
