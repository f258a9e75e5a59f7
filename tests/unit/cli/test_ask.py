from app.cli.ask import figures, stage
from app.values import Loading, Looking, Reading, Stats


def test_stages_in_words() -> None:
    assert stage(Loading(fraction=0.5)) == "Loading the model: 50%"
    assert stage(Looking(picture=0, of=1, fraction=0.25)) == "Looking at the picture: 25%"
    assert stage(Looking(picture=1, of=3, fraction=1.0)) == "Looking at the picture 2 of 3: 100%"
    assert stage(Reading(fraction=0.0)) == "Reading: 0%"


def test_figures_of_an_answer_and_of_none() -> None:
    stats = Stats(
        prompt_tokens=9, reused_tokens=4, written_tokens=30, write_s=2.0, first_token_s=0.4, probability=0.875
    )
    assert figures(stats).startswith("first word 0.40 s, 15.0 tokens/s, sure 88%; 4 of 9 prompt tokens reused")
    assert "0.0 tokens/s" in figures(Stats())
