"""Word classes of English, written by hand: which words carry a claim and which only carry grammar.

A word outside these tables counts as a content word, so text in other languages loses nothing
but the discount on its own grammar words.
"""

# ruff: noqa: SIM905 - hundreds of words read better as text than as a list of quoted strings

from __future__ import annotations

FUNCTION: frozenset[str] = frozenset(
    """
    a an the this that these those there here it its itself he him his himself she her hers herself they them their
    theirs themselves we us our ours ourselves you your yours yourself i me my mine myself who whom whose which what
    when where why how and or but nor so yet if then else because although though while whereas unless until since as
    than whether of in on at by for from to into onto upon with without within about above below under over between
    among across through during before after against toward towards via per up down out off around along near beside
    besides behind beyond be am is are was were been being do does did doing done have has had having can could may
    might must shall should will would ought not no none neither never n't nt s t m re ve ll d very too also just only
    even still again ever quite rather really such same other another each every either both all any some few many
    much more most less least several own well however therefore thus hence moreover furthermore additionally
    meanwhile otherwise instead indeed etc eg ie yes yeah oh ok okay hmm wow um uh ah don doesn didn isn aren wasn
    weren won wouldn couldn shouldn hasn haven hadn ain let lets
    it's that's he's she's there's they're we're you're i'm i've i'd i'll you've they've we've don't doesn't didn't
    isn't aren't wasn't weren't won't wouldn't couldn't shouldn't hasn't haven't hadn't can't cannot
    """.split()
)
"""Words of grammar: they make no claim on their own."""

COMMON: frozenset[str] = frozenset(
    """
    one two first second last next new old good great best better big small large little long high low early late
    right left important different main various certain common general able available possible likely own whole
    people person man woman men women child children family friend thing things way ways time times year years day
    days week month life world place part parts kind type number lot group case point fact side end area example
    work works working make makes made making get gets got getting give gives given giving take takes took taken
    taking go goes went gone going come comes came coming see sees saw seen know knows knew known think thinks thought
    say says said tell told ask asked use uses used using find finds found want wants wanted need needs needed like
    likes liked look looks looking seem seems keep keeps kept put help helps helped try trying tried start started
    begin began become becomes became call called name named include includes including included show shows shown
    mean means meant happen happened allow allows provide provides provided based follow follows following sure
    maybe perhaps probably actually usually often sometimes always generally typically especially particularly
    overall several popular well-known known located offers offer offering
    """.split()
)
"""Content words so frequent that sharing one says little."""

META: frozenset[str] = frozenset(
    """
    passage passages context contexts document documents source sources article question answer answers summary
    overview information based given provided mention mentions mentioned stated specified unable sorry sure
    """.split()
)
"""Words with which an answer speaks about itself and its sources; left out unless the contexts have them."""

PERSONAL: frozenset[str] = frozenset("i i'm i've i'd i'll me my mine myself we we're we've our ours us".split())
"""First person: an answer that speaks of its own experience speaks of something no context holds."""

NEGATIONS: frozenset[str] = frozenset(
    """
    not no never none nor neither without cannot nt n't don't doesn't didn't isn't aren't wasn't weren't won't
    wouldn't couldn't shouldn't hasn't haven't hadn't can't
    """.split()
)

NUMBER_WORDS: dict[str, str] = {
    word: str(value)
    for value, word in enumerate(
        """
        two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
        eighteen nineteen twenty
        """.split(),
        start=2,
    )
}
"""Number words that are written as digits elsewhere; "one" is left out, being a pronoun as often."""

ABBREVIATIONS: frozenset[str] = frozenset(
    "mr mrs ms dr prof st sr jr gen col lt sgt capt rep sen gov vs etc inc ltd co corp vol fig approx dept".split()
)
"""Words whose full stop ends no sentence."""

REFUSALS: tuple[str, ...] = (
    r"\b(?:unable|not able) to (?:answer|say|tell|find|determine|provide|help)",
    r"\b(?:can ?not|can't|could not|couldn't) (?:answer|say|tell|find|determine|provide|help)",
    r"\b(?:do not|don't|do n't|did not|didn't) (?:know|have|find)",
    r"\bno (?:idea|answer|information)",
    r"\bnot (?:sure|certain|mentioned|provided|specified|stated|answered)",
    r"\b(?:do|does) not (?:mention|provide|specify|state|say|contain|answer)",
)
"""Patterns (lower case) of an answer that declines to answer."""

REFUSING: frozenset[str] = frozenset(
    """
    able answer answered tell say find determine provide help know have idea enough sorry apologize afraid certain
    mentioned mention specify specified state stated contain question asked topic
    """.split()
)
"""Words beside the patterns that add no claim to a refusal."""

HEDGES: tuple[str, ...] = (
    r"\b(?:i|we)\b(?:\W{1,4}\w+){0,4}?\W{1,4}(?:think|believe|guess|suppose|know|heard|hear|read|see|sure|agree|wonder|bet"
    r"|aware|understand|familiar|remember|recall|imagine)\b",
    r"\b(?:not|never)(?: (?:really|quite|too|even))? (?:sure|know|heard|aware|certain|familiar|seen)\b",
)
"""Patterns (lower case) of a speaker's doubt: their negations are about the speaker."""

PREAMBLE = r"\s*(?:[^\n:]{0,120}[,!.] )?here(?:'s|\u2019s| is| are)\b[^\n:]{0,200}:[^\S\n]*(?:\n|\Z)"
"""Pattern (any case) of a first line that announces the answer: "Sure! Here is a summary in 50 words:"."""
