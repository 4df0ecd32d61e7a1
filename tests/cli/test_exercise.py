"""`translate exercise`."""


def test_an_exercise_says_what_it_found_and_what_to_try_next(run, place):
    code, out, err = run("exercise", "ring", "--steps", 2)
    assert code == 0
    assert "of 8 modes" in out
    assert (place / "exercises/ring/report.html").is_file()
    assert "translate exercise ring --minibatch" in err
    code, out, _ = run("exercise", "gaussian", "--steps", 2, "--minibatch", "--out", "mine", "--quiet")
    assert (code, out.startswith("W1 to the truth")) == (0, True)
    assert run("exercise", "square")[0] == 2
