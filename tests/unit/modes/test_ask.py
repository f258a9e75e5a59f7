from app.modes import MODES
from app.modes.ask import AskMode
from app.modes.base import TextBlock
from app.settings.schema import Settings
from app.values import Ask, Message, ModelSpec, Sampling

MESSAGES = (Message(role="user", text="What is this?", pictures=("ab",)),)


def test_the_conversation_goes_to_the_model_unchanged() -> None:
    settings = Settings({"answer.temperature": 0.5, "answer.seed": 3, "answer.max_tokens": 9})
    model = ModelSpec(path="echo")
    assert AskMode().job(MESSAGES, model, settings) == Ask(
        model=model,
        messages=MESSAGES,
        sampling=Sampling(temperature=0.5, seed=3, min_p=0.05, max_tokens=9),
    )


def test_an_answer_is_shown_as_far_as_it_is_written() -> None:
    assert AskMode().blocks("") == ()
    assert AskMode().blocks("A *cat") == (TextBlock("A *cat"),)


def test_modes_have_names_of_their_own() -> None:
    assert len({mode.id for mode in MODES}) == len(MODES)
    assert all(mode.title for mode in MODES)
