"""What a line of an error, an alert or a log speaks of: the one list of words, shared by all probes."""

import re
from collections.abc import Mapping
from types import MappingProxyType

TOPICS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        name: re.compile(words, re.IGNORECASE)
        for name, words in {
            "security": r"suspicious|intru(der|sion)|\bbreach|unauthori[sz]ed (trade|order|withdraw|access|api call)"
            r"|unknown (api call|login|ip|session)|key (was )?(leaked|stolen)",
            "memory": r"out of memory|\boom\b|memoryerror|cannot allocate memory|no space left|disk (is )?full"
            r"|too many open files|(high|low) (on )?(memory|disk|cpu)"
            r"|(memory|cpu|disk) (usage|is|at) .{0,20}\d{2,3} ?%",
            "config": r"jsondecodeerror|json\.decoder|invalid json|pars(e|ing) error|cannot parse"
            r"|configuration[ _]error"
            r"|bad config|invalid config|config(uration)? (file )?(is )?(missing|corrupt|invalid|broken)"
            r"|expecting (value|property name|',' delimiter)",
            "data": r"(balance|position)s?\b.{0,40}(mismatch|differ|incorrect|wrong|unexpected|not match|missing)"
            r"|(mismatch|incorrect|wrong|unexpected|missing).{0,40}(balance|position)|data (loss|corrupt|is missing)"
            r"|checksum|corrupt(ed)? (state|data|record|database)|malformed (disk image|database)",
            "api": r"time(d)?[ -]?out(?!side|put)|connection (refused|reset|aborted|closed|error|lost)"
            r"|connect(ion)?error|econn(refused|reset)|getaddrinfo|name resolution|unreachable|\bdns\b"
            r"|ssl(error)?\b|certificate|bad gateway|service unavailable|gateway time",
            "crash": r"traceback|unhandled exception|segmentation fault|core dumped|exit code [1-9]"
            r"|exited with(?! (exit )?(code |status )?0\b)|crash(ed|es|ing)?\b"
            r"|(attribute|type|key|value|index|name|zerodivision|assertion|recursion|runtime)error",
        }.items()
    }
)
"""Topic -> what names it. A line may speak of several."""


def topics(line: str) -> frozenset[str]:
    """The topics a line speaks of; only its first 2,000 characters are looked at."""
    head = line[:2000]
    return frozenset(name for name, words in TOPICS.items() if words.search(head))
