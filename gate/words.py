"""Words of the machine: a feature is said in the words of the person who cares.

The table says for each what to say instead. Some are an operator's own words: they are right in the
stories of platform and governance, US1 and US6, and wrong elsewhere. A name that merely contains one
(`raw_images`, `floe.yaml`, `dagster-webserver`) is a name and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from gate.features import FeatureSource
from gate.finding import Finding

OPERATOR = frozenset({"US1", "US6"})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Word:
    """A word, and what to say instead.

    Attributes:
        pattern: a regular expression; upper and lower case are the same.
        instead: what a person would say.
        stories: those in which it is the reader's own word.
    """

    pattern: str
    instead: str
    stories: frozenset[str] = NOBODY

    @cached_property
    def search(self) -> re.Pattern[str]:
        """The pattern, standing on its own: no part of a longer name."""
        return re.compile(rf"(?<![\w.-])(?:{self.pattern})(?![\w-]|\.\w)", re.IGNORECASE)


WORDS = (
    # how programs talk
    Word(r"(?:[a-z][a-z0-9+]*)://\S*", "the service by its name"),
    Word(r"/[a-z0-9_{}<>-]+(?:/[a-z0-9_{}<>.-]*)*", "what is asked, not the path it is asked at"),
    Word(r"ur[li]s?", "the address, or the service by its name"),
    Word(r"endpoints?", "the service by its name"),
    Word(r"https?|grpc|graphql|otlp|tcp|udp|api calls?", "that it answers, and what"),
    Word(r"(?-i:REST|GET|POST|PUT|PATCH|DELETE|HEAD)", "what is asked or done"),
    Word(r"status codes?", "served, refused or not found"),
    Word(
        r"(?:status|code|answers|returns|gives|with)(?: is| of)?:? \"?[1-5]\d\d\"?(?! [a-z])",
        "served, refused or not found",
    ),
    Word(r"payloads?|query (?:strings?|parameters?)", "what is sent, in words"),
    Word(r"curl|kubectl|helm (?:install|upgrade|uninstall|template)", "what is done, not the command"),
    # how data is written down
    Word(r"json|xml|protobuf", "what it says, not how it is written down"),
    Word(r"yaml", "the file by its name, or what it says", frozenset({"US2"})),
    Word(r"sql|select \*", "what is asked of the table or database"),
    Word(r"regex(?:es)?|regular expressions?|xpath|jsonpath", "what it must say"),
    # how the cluster is built
    Word(r"labels?|annotations?|selectors?", "the thing by its name or by what it is for"),
    Word(r"namespaces?", "the platform, or the product by its name", OPERATOR | {"US9"}),
    Word(r"config ?maps?|crds?|custom resources?|service ?accounts?", "what it is for"),
    Word(r"kubeconfig", "the cluster"),
    Word(
        r"stateful ?sets?|daemon ?sets?|replica ?sets?|cron ?jobs?|node ?ports?",
        "the service by its name",
        OPERATOR,
    ),
    Word(r"pods?|containers?|replicas?", "the service, the worker or the run by its name", OPERATOR),
    Word(r"nodes?", "the cluster, or the model by its name", OPERATOR),
    Word(r"ports?", "the service by its name", OPERATOR),
    Word(r"images?", "the version of the service", OPERATOR),
    Word(r"secrets?", "the password or key, by whose it is", OPERATOR | {"US5"}),
    Word(r"requests?", "what is asked for", OPERATOR),
    # how programs and tests are written
    Word(r"env(?:ironment)? ?vars?|environment variables?", "the setting by its name"),
    Word(r"exit codes?|stdout|stderr|stack ?traces?|tracebacks?", "that it is refused, and what is said"),
    Word(r"mocks?|stubs?|fixtures?|asserts?|assertions?", "a state, an act, or what can be seen"),
    Word(r"timeouts?|retry loops?|sleeps?|polls?|polling", "the time a person was promised"),
)


def features_speak_plainly(features: Iterable[FeatureSource], words: Iterable[Word] = WORDS) -> list[Finding]:
    """No title, description, step or table of a feature has a word of the machine."""
    table = tuple(words)
    return [finding for feature in features for finding in _in(feature, table)]


def _in(feature: FeatureSource, words: tuple[Word, ...]) -> Iterator[Finding]:
    for number, text in feature.prose.items():
        stories = _stories(feature, number)
        seen = 0
        for found, word in sorted(_words(text, words), key=lambda pair: pair[0].start()):
            # The first to begin is named: an address is not told again for its path.
            if found.start() >= seen and not (stories and stories <= word.stories):
                yield Finding(
                    f"{feature.file}:{number}:{found.start() + 1}",
                    f'"{found.group()}" is a word of the machine{_where(word)}',
                    f"say {word.instead}",
                )
            seen = max(seen, found.end())


def _words(text: str, words: tuple[Word, ...]) -> Iterator[tuple[re.Match[str], Word]]:
    for word in words:
        yield from ((found, word) for found in word.search.finditer(text))


def _where(word: Word) -> str:
    return f" outside {', '.join(sorted(word.stories))}" if word.stories else ""


def _stories(feature: FeatureSource, line: int) -> frozenset[str]:
    """The stories that a line is told in: those of its scenario, or of all when it stands before them."""
    before = [scenario for scenario in feature.scenarios if scenario.line <= line]
    told = before[-1:] or feature.scenarios
    tags = feature.tags.union(*(scenario.all_tags for scenario in told))
    return frozenset(tag for tag in tags if re.fullmatch(r"US\d+", tag))
