"""`turnout sql` on a terminal: lines with completion, history and colours, until Ctrl-D."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]

from pipelines.asking import Answer, Desk
from pipelines.cli.output import fail, say
from pipelines.errors import UsageError

KEYWORDS = re.findall(
    r"[^ ]+",
    "select from where group order by having limit join left inner full anti using on and or not in is null like "
    "between case when then else end as distinct with union all count sum min max avg qualify interval cast "
    "getvariable('as_of') show tables describe summarize",
)
WORD = re.compile(r"[A-Za-z0-9_.]+$")
MENTIONED = re.compile(r"\b(?:from|join)\s+([a-z0-9_]+)(?:\s+(?:as\s+)?([a-z0-9_]+))?", re.IGNORECASE)
ENDS = {"exit", "quit", ".exit", ".quit", r"\q"}


class Words(Completer):
    """Completes tables, columns, and the words of SQL; columns of the tables that a query names come first."""

    def __init__(self, tables: Callable[[], Mapping[str, list[str]]]) -> None:
        self._tables = tables

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what the word before the cursor could become."""
        found = WORD.search(document.text_before_cursor)
        word = found[0] if found else ""
        tables = self._tables()
        named = {alias or name: name for name, alias in MENTIONED.findall(document.text)}
        named |= {name: name for name in named.values()}
        table, dot, start = word.rpartition(".")
        if dot:
            choices = [(column, "column") for column in tables.get(named.get(table, table), ())]
        elif not word:
            return
        else:
            mine = [column for name in dict.fromkeys(named.values()) for column in tables.get(name, ())]
            choices = [(column, "column") for column in dict.fromkeys(mine)]
            choices += [(name, "table") for name in tables]
            choices += [(keyword, "") for keyword in KEYWORDS]
        for choice, kind in choices:
            if choice.lower().startswith(start.lower()) and choice.lower() != start.lower():
                yield Completion(choice, start_position=-len(start), display_meta=kind)


def converse(desk: Desk, take: Callable[[Answer], None]) -> None:
    """Ask for queries until the end of input; one ends with a semicolon, or an empty line. What fails is told."""
    session: PromptSession[str] = PromptSession(
        HTML("<ansiblue>turnout&gt;</ansiblue> "),
        multiline=True,
        prompt_continuation="    ...> ",
        history=InMemoryHistory(),
        lexer=PygmentsLexer(SqlLexer),
        completer=Words(desk.words),
        complete_while_typing=True,
        key_bindings=_keys(),
    )
    say("Type a query and end it with `;`. Tab completes, `show tables;` lists the tables, Ctrl-D ends.")
    while True:
        try:
            text = session.prompt().strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text.removesuffix(";").strip().lower() in ENDS:
            return
        if text:
            try:
                desk.ask(text, take)
            except UsageError as error:
                fail(str(error))


def _keys() -> KeyBindings:
    """Let Enter end a query that a semicolon ends, and an empty line anything."""
    keys = KeyBindings()

    @keys.add("enter")
    def enter(event: KeyPressEvent) -> None:
        text = event.current_buffer.text
        is_whole = text.rstrip().endswith(";") or not text.strip() or text.endswith("\n")
        if is_whole or text.strip().lower() in ENDS:
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    return keys
