"""From the Markdown that models write to what a channel shows. Pure."""

import re
from collections.abc import Callable

from backstay.chats.turn import Format

_FENCE = re.compile(r"^[ \t]*(```|~~~)")
_CODE = re.compile(r"(`[^`\n]+`)")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_RULE = re.compile(r"^[ \t]{0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_BULLET = re.compile(r"^([ \t]*)[*+•][ \t]+")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((\S+?)(?:[ \t]+\"[^\"\n]*\")?\)")
_STRONG = re.compile(r"\*{2,3}(?=[^\s*])(.+?)(?<=[^\s*])\*{2,3}(?!\*)")
_STRONG_LINES = re.compile(r"(?<![\w_])_{2,3}(?=[^\s_])(.+?)(?<=[^\s_])_{2,3}(?![\w_])")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_EMPHASIS_LINES = re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?![\w_])")
_STRUCK = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_ASTERISKS = re.compile(r"\*{2,}")
_ONE_SIDED = re.compile(r"(?<=[^\s*])\*{2,}|\*{2,}(?=[^\s*])")


def convert(text: str, to: Format) -> str:
    """Markdown as a channel shows it.

    Args:
        text: what a model wrote.
        to: `markdown` leaves it as it is; `plain` has no marks but hyphens for bullets; for `whatsapp` bold is one
            asterisk, bullets are hyphens, and a heading is a bold line. Code stays as it stands.
    """
    match to:
        case "markdown":
            return text
        case "plain":
            return _by_lines(text, _plain_line, keeps_fences=False)
        case "whatsapp":
            return _by_lines(text, _whatsapp_line, keeps_fences=True)


def _by_lines(text: str, line_of: Callable[[str], str], *, keeps_fences: bool) -> str:
    lines, fence = [], ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            is_end = mark is not None and mark[1] == fence
            fence = "" if is_end else fence
            if not is_end or keeps_fences:
                lines.append("```" if is_end else line)
        elif mark:
            fence = mark[1]
            if keeps_fences:
                lines.append("```")
        else:
            lines.append(line_of(line))
    return "\n".join(lines).strip("\n")


def _whatsapp_line(line: str) -> str:
    if _RULE.match(line):
        return ""
    heading = _HEADING.match(line)
    if heading:
        words = _outside_code(heading[1] or "", _whatsapp_words).replace("*", "").strip()
        return f"*{words}*" if words else ""
    return _BULLET.sub(r"\1- ", _outside_code(_BULLET.sub(r"\1- ", line), _whatsapp_words))


def _whatsapp_words(text: str) -> str:
    text = _LINK.sub(_shown_link, text)
    text = _STRONG_LINES.sub(r"*\1*", _STRONG.sub(r"*\1*", text))
    text = _STRUCK.sub(r"~\1~", text)
    return _ASTERISKS.sub("*", text)  # of what was bold on one side only


def _plain_line(line: str) -> str:
    if _RULE.match(line):
        return ""
    heading = _HEADING.match(line)
    if heading:
        return _outside_code(heading[1] or "", _plain_words, keeps_ticks=False).strip()
    return _outside_code(_BULLET.sub(r"\1- ", line), _plain_words, keeps_ticks=False)


def _plain_words(text: str) -> str:
    text = _LINK.sub(_shown_link, text)
    for marked in (_STRONG, _STRONG_LINES, _EMPHASIS, _EMPHASIS_LINES, _STRUCK):
        text = marked.sub(r"\1", text)
    return _ONE_SIDED.sub("", text)


def _outside_code(line: str, words: Callable[[str], str], *, keeps_ticks: bool = True) -> str:
    def converted(part: str) -> str:
        if not _CODE.fullmatch(part):
            return words(part)
        return part if keeps_ticks else part[1:-1]

    return "".join(map(converted, _CODE.split(line)))


def _shown_link(found: "re.Match[str]") -> str:
    label, address = found[1].strip(), found[2]
    return address if label in ("", address) else f"{label} ({address})"
