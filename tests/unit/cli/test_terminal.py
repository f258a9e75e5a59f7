import io

from app.cli.terminal import Terminal, printable
from app.errors import SpyglassError


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_what_can_be_printed_is_printed() -> None:
    assert printable("a\x1b[31mb\x00\x9bc\u202ed\té\r\n") == "a[31mbcd\té\n"


def test_what_languages_are_written_with_stays() -> None:
    for text in (
        "Ça va\u202f?\xa0Oui",
        "\u4e2d\u3000\u6587",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f467",
    ):
        assert printable(text) == text


def test_progress_is_only_for_terminals_and_gone_when_words_come() -> None:
    out, err, screen = io.StringIO(), io.StringIO(), Screen()
    Terminal(out, err).progress("half")
    assert err.getvalue() == ""
    terminal = Terminal(out, screen)
    terminal.progress("half")
    terminal.write("word")
    terminal.write(" two")
    assert (out.getvalue(), screen.getvalue()) == ("word two", "\r\033[Khalf\r\033[K")


def test_an_error_begins_on_a_line_of_its_own_with_its_detail_on_request() -> None:
    error = SpyglassError("It broke.", "Mend it.", "at the seam")
    for verbose, detail in ((False, ""), (True, "at the seam\n")):
        out, err = io.StringIO(), io.StringIO()
        terminal = Terminal(out, err)
        terminal.verbose = verbose
        terminal.write("half a line")
        terminal.error(error)
        assert (out.getvalue(), err.getvalue()) == ("half a line\n", f"spyglass: It broke. Mend it.\n{detail}")


def test_lines_are_ended_once() -> None:
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO())
    terminal.end_line()
    terminal.write("a")
    terminal.end_line()
    terminal.write("b\n")
    terminal.end_line()
    assert out.getvalue() == "a\nb\n"
