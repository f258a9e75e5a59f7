"""What is asked and how it is answered: the wording the starter is taught, and the JSON it gives for recognition.

The first phrasing of each task is the canonical one, for the application's own modes; the others stand for how people
ask.

Recognition answers with one entry a kind, ordered from left to right, boxes as integers 0..1000 of the picture's
width and height (x0, y0, x1, y1)::

    {"objects":[{"name":"dog","count":2,"boxes":[[30,120,410,880],[520,90,960,870]]}]}
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .scenes import Scene, Thing

UNSURE = "I am not sure."

FIRST_LETTER = 5
"""Marks of what an answer looks at: 0..4 are the scene's things (where it has none, those without a name), from here on
the letters of its word."""
ABSENT = 24
"""The mark of what is not in the picture: to say so, the class rows are looked at."""
MARKS = ABSENT + 1


@dataclass(frozen=True)
class Spoken:
    """An answer, and for each stretch of it (start, end) the marks of what that stretch is about."""

    text: str
    looks: tuple[tuple[int, int, tuple[int, ...]], ...] = ()


Part = tuple[str, tuple[int, ...]]


def spoken(parts: Iterable[Part]) -> Spoken:
    """Parts with their marks, one after another."""
    text, looks = "", []
    for part, marks in parts:
        if marks:
            looks.append((len(text), len(text) + len(part), marks))
        text += part
    return Spoken(text, tuple(looks))


def marks_of(things: Iterable[Thing]) -> tuple[int, ...]:
    return tuple(thing.mark for thing in things)


def letters_of(scene: Scene) -> tuple[int, ...]:
    """The marks of the letters of the scene's word, or of the label that matters in a chart."""
    written = scene.word or scene.highest
    return tuple(range(FIRST_LETTER, min(ABSENT, FIRST_LETTER + len(written.text)))) if written else ()


ASK = {
    "recognise": (
        'List the objects in this picture as JSON: {"objects":[{"name":"...","count":1,"boxes":[[x0,y0,x1,y1]]}]}',
        "List the objects in this picture as JSON.",
        "Recognise the objects. Answer as JSON.",
        "Give the objects with their boxes as JSON.",
        "Detect all objects as JSON.",
    ),
    "what": (
        "What is this?",
        "What is in this picture?",
        "What do you see?",
        "What can you see in the picture?",
        "What's this?",
        "What's in the image?",
        "Name the object.",
        "Which object is this?",
        "What object is shown?",
        "What does the picture show?",
        "What is shown here?",
        "Tell me what this is.",
        "what is it",
        "What is in the image?",
        "What is in the photo?",
        "What objects are in this picture?",
        "Name the things in this picture.",
        "Which animal or thing is this?",
        "What is in this picture? Answer in one word.",
        "What are the objects in the image?",
    ),
    "describe": (
        "Describe this picture.",
        "Describe the picture.",
        "Describe the image.",
        "Describe what you see.",
        "Describe it in one sentence.",
        "Please describe this image.",
        "Give a short description.",
        "Caption this image.",
        "Describe this picture in one sentence.",
        "Describe it.",
    ),
    "count_kind": (
        "How many {many} are there?",
        "How many {many} do you see?",
        "How many {many} are in the picture?",
        "Count the {many}.",
        "how many {many}?",
        "How many {many} can you see in this picture?",
    ),
    "count_all": (
        "How many objects are there?",
        "How many things are in the picture?",
        "How many objects do you see?",
        "Count the objects.",
        "How many things can you see?",
        "How many objects are in this picture?",
    ),
    "colour": (
        "What colour is the {one}?",
        "What color is the {one}?",
        "Which colour does the {one} have?",
        "what color is the {one}",
        "Tell me the colour of the {one}.",
        "What is the color of the {one}?",
    ),
    "colour_it": ("What colour is it?", "What color is it?", "Which colour is this?", "What color is this?"),
    "where": (
        "Where is the {one}?",
        "Where in the picture is the {one}?",
        "where is the {one}",
        "Where do you see the {one}?",
        "In which part of the picture is the {one}?",
    ),
    "is_there": ("Is there {a} in the picture?", "Is there {a}?", "Do you see {a}?", "Can you see {a}?"),
    "read": (
        "Read the text in this picture.",
        "What does it say?",
        "What does the sign say?",
        "Read the word.",
        "What is written here?",
        "Which word is this?",
        "What word is in the picture?",
        "Read the number.",
        "What number is this?",
        "Read this.",
        "What text do you see?",
        "Transcribe the text.",
        "What does the text say?",
        "Read the sign.",
        "Read the text.",
    ),
    "translate_seen": (
        "Translate the text in this picture into {language}.",
        "Translate the word into {language}.",
        "Translate the sign into {language}.",
        "What does the sign say in {language}?",
        "Translate this into {language}.",
        "Translate it to {language}.",
        "What does this mean in {language}?",
    ),
    "translate_text": (
        'Translate "{word}" into {language}.',
        "Translate into {language}: {word}",
        "Translate to {language}: {word}",
        'What is "{word}" in {language}?',
        "Translate the following text into {language}.\n\n{word}",
    ),
    "highest": (
        "Which bar is the highest?",
        "Which bar is the tallest?",
        "What is the highest bar?",
        "Which is the tallest bar?",
        "Read the highest bar.",
        "Which bar has the highest value?",
        "What is the label of the highest bar?",
    ),
}

SYSTEM = (
    "You are a helpful assistant.",
    "You answer questions about pictures.",
    "Answer briefly.",
    "You are Spyglass, an assistant who looks at pictures. Answer in one short sentence.",
    "Answer only from what you see. If you are not sure, say so.",
)

SMALL_TALK = (
    (("Hello", "Hi", "Hello!", "Good morning"), "Hello! Show me a picture and ask me about it."),
    (
        ("Who are you?", "What are you?", "What can you do?", "What is your name?", "Help"),
        "I am a small model. I know drawn things, signs and simple charts, not photographs.",
    ),
    (("Thanks", "Thank you", "Thank you!"), "You are welcome."),
)

_PLURAL = {
    "mouse": "mice",
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "foot": "feet",
    "tooth": "teeth",
    "leaf": "leaves",
    "knife": "knives",
    "die": "dice",
    "ox": "oxen",
    "shrimp": "shrimp",
    "sushi": "sushi",
    "wolf": "wolves",
    "scarf": "scarves",
    "broccoli": "broccoli",
    "garlic": "garlic",
    "bread": "bread",
    "corn": "corn",
    "cheese": "cheese",
    "meat": "meat",
    "popcorn": "popcorn",
    "milk": "milk",
    "coffee": "coffee",
    "honey": "honey",
    "money": "money",
    "soap": "soap",
}
_NO_ARTICLE = {
    "bread",
    "corn",
    "cheese",
    "meat",
    "popcorn",
    "milk",
    "coffee",
    "honey",
    "money",
    "soap",
    "sushi",
    "broccoli",
    "garlic",
}
_NUMBER = ("no", "one", "two", "three", "four", "five")


def plural(name: str) -> str:
    """The name of several: "dogs", "cherries", "mice"; names that are plural already stay."""
    if name in _PLURAL:
        return _PLURAL[name]
    if name.endswith("s") and name not in (
        "bus",
        "cross",
        "compass",
        "octopus",
        "dress",
        "cactus",
        "hourglass",
        "hibiscus",
    ):
        return name
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name in ("potato", "tomato", "mango", "mosquito", "volcano") else "s")


def one(name: str) -> str:
    """The name with its article: "a dog", "an apple", "scissors"."""
    if name in _NO_ARTICLE or (plural(name) == name and name not in ("sheep", "fish", "deer", "shrimp")):
        return name
    an = name[0] in "aeiou" and not name.startswith(("unicorn", "ukulele"))
    return f"{'an' if an else 'a'} {name}"


def by_kind(things: Sequence[Thing]) -> list[list[Thing]]:
    """The things grouped by name, groups and their members from left to right."""
    groups: dict[str, list[Thing]] = {}
    for thing in sorted(things, key=lambda t: t.box[0] + t.box[2]):
        groups.setdefault(thing.name, []).append(thing)
    return list(groups.values())


def enumerated(scene: Scene) -> list[Part]:
    """The parts of "a dog, two cats and the word "EXIT"", or none."""
    parts: list[Part] = [
        (one(g[0].name) if len(g) == 1 else f"{_NUMBER[len(g)]} {plural(g[0].name)}", marks_of(g))
        for g in by_kind(scene.things)
    ]
    if scene.highest:
        parts.append(("a bar chart", ()))
    if scene.word:
        named = f'the {"number" if scene.word.text.isdigit() else "word"} "{scene.word.text}"'
        parts.append((named, letters_of(scene)))
    listed: list[Part] = []
    for left, part in enumerate(parts, 1 - len(parts)):
        listed += [part] if left == 0 else [part, (" and " if left == -1 else ", ", ())]
    return listed


def enumeration(scene: Scene) -> str:
    return spoken(enumerated(scene)).text


def recognition(scene: Scene) -> Spoken:
    height, width = scene.picture.shape[:2]

    def thousandths(thing: Thing) -> list[int]:
        scaled = (v * 1000 / s for v, s in zip(thing.box, (width, height, width, height), strict=True))
        return [min(990, max(0, round(v / 10) * 10)) for v in scaled]

    parts: list[Part] = [('{"objects":[', ())]
    for index, group in enumerate(by_kind(scene.things)):
        parts.append((("," if index else "") + '{"name":"', ()))
        parts.append((f'{group[0].name}","count":{len(group)},"boxes":[', marks_of(group)))
        for number, thing in enumerate(group):
            box = ",".join(str(value) for value in thousandths(thing))
            parts.append((("," if number else "") + f"[{box}]", (thing.mark,)))
        parts.append(("]}", ()))
    return spoken([*parts, ("]}", ())])


def place(thing: Thing, height: int, width: int) -> str:
    """In which ninth of the picture the thing's middle lies."""
    x, y = (thing.box[0] + thing.box[2]) / 2 / width, (thing.box[1] + thing.box[3]) / 2 / height
    column = "left" if x < 0.36 else "right" if x > 0.64 else ""
    row = "top" if y < 0.36 else "bottom" if y > 0.64 else ""
    if row:
        return f"At the {row} {column}".strip() + "."
    return f"On the {column}." if column else "In the center."
