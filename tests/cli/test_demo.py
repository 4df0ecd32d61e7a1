"""`translate demo`: what it prints, and to whom it serves."""

import webbrowser

import pytest

from translate.serve.server import Server


@pytest.fixture
def served(monkeypatch):
    """Let the server be asked once, instead of for ever; return what was served, and what was opened."""
    seen = []

    def serve(server):
        seen.append(server)
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", serve)
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail(f"{address} was opened"))
    return seen


def test_the_page_is_served_to_this_machine_and_ends_well(run, place, served):
    code, out, err = run("demo", "monet", "--port", "0")
    (server,) = served
    assert (code, err) == (0, "")
    assert out == f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C ends it)\n"
    assert server.server_address[0] == "127.0.0.1"
    assert (server.access.token, server.access.hosts) == ("", {"127.0.0.1"})


def test_sharing_has_a_secret_and_says_what_it_is(run, place, served):
    code, out, err = run("demo", "--port", "0", "--share", "--allow-host", "Photos.example")
    (server,) = served
    assert (code, len(server.access.token) >= 20) == (0, True)
    assert f"/{server.access.token}/" in out
    assert server.server_address[0] == "0.0.0.0"
    assert server.access.hosts == {"photos.example"}
    assert "Nothing is encrypted" in err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("mont",), 5, "There is no model mont. Did you mean monet?"),
        (("monet", "--max-pixels", "many"), 2, "--max-pixels takes a number"),
        (("monet", "--host", "203.0.113.1"), 7, "The page cannot be served at 203.0.113.1:"),
    ],
)
def test_what_cannot_be_served_is_refused(run, place, served, words, code, sentence):
    found, _, err = run("demo", *words)
    assert (found, served) == (code, [])
    assert sentence in err


def test_without_any_model_it_says_what_to_do(run, place, served, monkeypatch):
    monkeypatch.setattr("translate.serve.choices.cards.weights_here", dict)
    code, _, err = run("demo")
    assert (code, err) == (
        2,
        "Error: There is no model here yet. Train one, or fetch one that translate weights list has.\n",
    )
