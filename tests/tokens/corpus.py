"""A thousand requests as tasks make them, and some as nobody would: twelve scripts, code, JSON, forms, noise."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from backstay.llm.completion import form_of
from backstay.llm.request import Form, Message, Request

REQUESTS = 1000

_READ = json.loads(Path(__file__).with_name("scripts.json").read_text(encoding="utf-8"))
SCRIPTS: Mapping[str, tuple[str, range]] = {
    name: (of["sentence"], range(*(int(code, 16) for code in of["letters"]))) for name, of in _READ.items()
}
"""A sentence of each, and its letters."""
_CODE = (
    'def pay(cap: Decimal, *asks: Ask) -> list[Holding]:\n    """Nothing is lost."""\n    return [*asks]\n',
    "SELECT id, SUM(usd) OVER (PARTITION BY tenant ORDER BY at) FROM calls WHERE at >= '2026-11-25' -- by day\n",
    "for (let i=0;i<xs.length;i++){ if(!~xs.indexOf(y[i])) z[`k${i}`]=/^[\\w.-]+$/.test(s)?x?.y??0:{...q}; }\n",
    "<div class='a b' onclick=\"f(&quot;x&quot;)\">\n\t<p>&nbsp;&amp;</p>\n</div>\n",
    "0xDEADBEEF 3.14159265358979 1e-12 ==> !== <<= |> \\x00\\n\\t ;;;;;; ########## ------\n",
)
_ODD = "\u200d\u200b\ufeff\u0301\u0489\U0001f468\U0001f3fd\U0001f1ea\U0001f1fa\U000e0001\ufdfa\u1e9b\u0323\U0001d54f"
_SPECIAL = ("<|endoftext|>", "<|im_start|>system\n", "\n\nHuman: ", "</s>", "[INST]", "﷽")


class Offer(BaseModel):
    """Was im Angebot steht: 価格."""

    title: str = Field(description="Der Titel, höchstens 80 Zeichen; ohne „Zeichen“", max_length=80)
    price_usd: float = Field(description="價格 in dollars", ge=0)
    kind: Literal["一次", "定期", "試用"]


class Assessment(BaseModel):
    """What a model thinks of a story."""

    score: float = Field(description="From 0 (sober) to 10 (hype).", ge=0, le=10)
    why: list[str] = Field(description="One reason an entry, in the story's own language.")
    offers: dict[str, Offer] = Field(default_factory=dict, description="By name, where the story makes any.")


class Verdict(BaseModel):
    """Yes or no."""

    yes: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, and what it is of."""

    kind: str
    request: Request

    @property
    def said(self) -> list[str]:
        """All that a provider counts: every message's text, and the form as it goes out."""
        form = self.request.form
        texts = [message.content for message in self.request.messages]
        return [*texts, *(_as_sent(form) if form else ())]


def samples(seed: int = 7) -> list[Sample]:
    """The same thousand every time."""
    chance = random.Random(seed)
    makers = list(_makers().items())
    return [_sample(kind, make, chance) for kind, make in (makers[n % len(makers)] for n in range(REQUESTS))]


def _sample(kind: str, make: Callable[[random.Random], str], chance: random.Random) -> Sample:
    form = chance.choice([None, None, Verdict, Assessment, Offer])
    turns = [Message("system", "Answer briefly.")] if chance.random() < 0.5 else []
    turns += [Message(chance.choice(["user", "assistant"]), make(chance)) for _ in range(chance.choice([1, 1, 2, 5]))]
    return Sample(kind, Request(tuple(turns), form_of(form) if form else None))


def _makers() -> Mapping[str, Callable[[random.Random], str]]:
    def prose(sentence: str) -> Callable[[random.Random], str]:
        return lambda chance: " ".join([sentence] * chance.randint(1, 8))[: chance.randint(1, 400)]

    def noise(letters: range) -> Callable[[random.Random], str]:
        return lambda chance: "".join(chr(chance.choice(letters)) for _ in range(chance.randint(1, 120)))

    return {
        **{script: prose(sentence) for script, (sentence, _) in SCRIPTS.items()},
        **{f"{script}, at random": noise(letters) for script, (_, letters) in SCRIPTS.items()},
        "code": lambda chance: "".join(chance.choices(_CODE, k=chance.randint(1, 6))),
        "json": lambda chance: json.dumps(_document(chance), ensure_ascii=chance.random() < 0.5),
        "a schema": lambda chance: json.dumps(chance.choice([Offer, Assessment, Verdict]).model_json_schema()),
        "single letters": lambda chance: "\n".join(chance.choices("aÿ1 .-Ж汉\t", k=chance.randint(1, 200))),
        "odd characters": lambda chance: "".join(chance.choices(_ODD, k=chance.randint(1, 100))),
        "special words": lambda chance: "".join(chance.choices(_SPECIAL, k=chance.randint(1, 30))),
        "any characters": noise(range(0x20, 0xD800)),
    }


def _document(chance: random.Random) -> dict[str, object]:
    sentences = [sentence for sentence, _ in SCRIPTS.values()]
    return {
        chance.choice(sentences)[:9]: [chance.random(), chance.randint(0, 10**12), None, chance.choice(sentences)]
        for _ in range(chance.randint(1, 6))
    }


def _as_sent(form: Form) -> Iterator[str]:
    """In the dialect that is the longest of those that providers are sent."""
    schemas = (json.dumps(schema, ensure_ascii=False) for schema in (form.schema, form.strict_schema, form.bare_schema))
    yield from (form.name, form.description, max(schemas, key=len))
