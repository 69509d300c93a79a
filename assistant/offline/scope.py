"""What the assistant does not do, told from the words of a request.

It answers questions about models of a lake; it runs nothing, changes nothing and knows nothing of the world.
"""

from __future__ import annotations

import re
from typing import Literal

Scope = Literal["in", "action", "injection", "world", "greeting", "thanks", "help"]

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings|howdy|yo|moin"
    r"|hallo)(?: there| all| everyone)?\W*$",
    re.I,
)
_THANKS = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|cool|perfect|nice|super|got it|alright|good)[\s,!.]*)*"
    r"(?:thanks?(?: you)?(?: a lot| so much| very much)?|thx|cheers|bye|goodbye|that['’]s all"
    r"|that helps|great|ok(?:ay)?|cool|perfect|nice)"
    r"[\w\s,!.’']{0,24}$",
    re.I,
)
_HELP = re.compile(
    r"^\W*(?:help|\?+|usage|menu)\W*$|\bwhat (?:can|could|do) you (?:do|answer|help|know)"
    r"|\bhow (?:do|can|should) I (?:use|ask|talk to) (?:you|this|the assistant)"
    r"|\bwhat (?:kinds? of )?(?:questions|things) (?:can|could|may|should) I (?:ask|do)"
    r"|\bwho are you\b|\bwhat are you\b|\bhow does (?:this|it|that)(?: \w+)? work|(?:example"
    r"|sample) questions\b|\bhow do you (?:work|check|know|verify)"
    r"|\bwhat is this (?:thing|tool|assistant|site|page)?\s*(?:for)?\W*$|\bwhat can I (?:do"
    r"|ask) (?:here|you)",
    re.I,
)
_INJECTION = re.compile(
    r"\b(?:ignore|forget|disregard|override|bypass|drop)\b.{0,40}\b(?:rules?|instructions?|prompts?"
    r"|guidelines|restrictions|everything|safety|limits)\b"
    r"|\b(?:system|hidden|initial|secret) (?:prompt|instructions?)\b|\brm\s+-\w+|\bsudo\b"
    r"|\bdrop table\b|\byou are (?:now|no longer)\b|\bfrom now on\b"
    r"|\b(?:developer|dan|god|jailbreak) mode\b|\bpretend (?:to be|you|that you)\b|\b(?:api|secret"
    r"|access) ?(?:key|token)s?\b.{0,20}\b(?:show|print|reveal|give|tell)"
    r"|\b(?:show|print|reveal|give|tell|leak|dump)\b.{0,30}\b(?:password|api ?key|secrets?"
    r"|credentials|environment variables|env vars|/etc/)\b",
    re.I,
)
_PLEASE = (
    r"^\W*(?:(?:please|pls|hey|hi|ok|so|now|just|kindly|and|then|also)[\s,]+)*(?:(?:can|could"
    r"|would|will) you (?:please |kindly |just )?|I (?:want|need|would like|['’]d like) you to |go and "
    r"|go ahead and |help me (?:to )?)?"
)
_ACTION = re.compile(
    _PLEASE + r"(?:"
    r"(?:book|reserve|order|buy|purchase|sell|rent|pay|transfer|wire|donate"
    r"|invest)\b(?! ?(?:recommend|review|descri|cover|classif|summar|title|genre))"
    r"|(?:call|phone|ring|e-?mail|mail|text|message|contact|invite|remind|wake|notify|tweet"
    r"|post)\s+(?:me|my|him|her|them|us|the|our|a|an|to|this|that|[A-Z])"
    r"|(?:send|forward|fax)\s+(?:me |him |her |them |an? |the |this |my |it )"
    r"|(?:schedule|cancel|plan|arrange|organi[sz]e)\s+(?:me |an? |my |the |our )"
    r"|(?:turn|switch)\s+(?:on|off|up|down)\b|(?:play|stream|put on)\s+(?:me |some |a |the "
    r"|my )?(?:music|songs?|playlist|videos?|movie|radio|spotify)"
    r"|set (?:an? |my |the )?(?:alarm|timer|reminder)"
    r"|(?:delete|remove|erase|wipe|drop|destroy|format|overwrite|rename|move|edit|modify|update"
    r"|uninstall|install|deploy|execute|restart|reboot|shut ?down|kill|launch|upload|push|merge|commit)\s+"
    r"(?:all |every |the |this |that |these |those |my |your |our |it\b|everything"
    r"|any )*(?:\w+ ){0,2}(?:models?|files?|folders?|director\w+|lake|databases?|index|history"
    r"|cards?|tables?|disk|server|container|repos?\w*|weights?|everything|it|them|cluster|package"
    r"|code|pods?|data|account|computer|machine)\b"
    r"|(?:run|start)\s+(?:the |this |a |some |my )?(?:\w+ )?(?:shell|command|script|code|program"
    r"|python|bash|sql|docker|training|server|job)"
    r"|(?:fine-?tune|train|download|quanti[sz]e|convert|host|serve)\s+(?:it|this|that|the model"
    r"|me an?|my|`?[\w.-]+/[\w.-]+)"
    r"|hack\b|log ?in\b|sign me up"
    r")",
    re.I,
)
_PAYLOAD = re.compile(
    _PLEASE + r"(?:translate|summari[sz]e|classify|paraphrase|rewrite|correct|proofread|spell ?check|solve"
    r"|compute|calculate|answer|convert|define|explain|spell)\s+"
    r"(?:(?:this|the following|that|me|for me|to me|my)\b[^\n]{0,30}[:\"“‘']|[\"“‘'«]|this\b(?! kind)|\d)",
    re.I,
)
_WRITE = re.compile(
    _PLEASE + r"(?:write|compose|draft|create|make|generate|give|tell|sing|draw|paint|design|invent"
    r"|recite)\s+(?:me |us )?(?:up )?(?:an? |some |the |my |another )?(?:\w+[ -]){0,2}"
    r"(?:poems?|haiku|limerick|essay|story|stories|song|lyrics|joke|riddle|letter|email|speech|cv"
    r"|resume|blog post|tweet|recipe|function|python|script|regex|sql|html|code|program|picture of"
    r"|image of|plan for|itinerary|workout|diet)\b",
    re.I,
)
_WORLD = re.compile(
    r"\b(?:weather|forecast|temperature outside|capital (?:city )?of|population of|president of"
    r"|prime minister|chancellor|king of|queen of|stock price|share price|exchange rate|bitcoin price"
    r"|world cup|olympics|super bowl|champions league|horoscope|lottery|meaning of life"
    r"|square root of|what time is it|what day is|today['’]?s? date|tallest (?:building|mountain)"
    r"|how far is|distance (?:from|between)"
    r"|best (?:restaurant|pizza|hotel|movie|laptop|phone|car)|(?:restaurant|hotel|flight|recipe"
    r"|movie)s? (?:in|near|from|for|recommend))\b"
    r"|^\W*who (?:is|was|were|won|invented|discovered|wrote|painted|killed|founded|directed|sang"
    r"|plays|played)\b"
    r"|^\W*(?:what|how much) is \d[\d\s.,]*(?:[-+*/x×÷^%]|plus|minus|times|divided)"
    r"|^\W*\d[\d\s.,]*[-+*/×÷^]\s*\d"
    r"|\b(?:should I (?:marry|sell|buy|quit|invest|eat|take|see a doctor|wear|go)|do you (?:love"
    r"|like|feel|dream|believe|think)|are you (?:human|alive|conscious|happy|sad|real|married"
    r"|single)|how are you|how old are you)\b"
    r"|\bI (?:have|feel|am having|got) (?:a |an )?(?:headache|fever|cold|pain|sick|sad|lonely"
    r"|depressed|bored|hungry|tired)"
    r"|\bhow (?:do|can|should|would) (?:I|you|we|one) (?:cook|bake|fry|boil|fix|repair|change|clean"
    r"|grow|lose weight|make money|get rich|file|apply for|tie|knit|plant|build a (?:house|shed|bomb))\b"
    r"|\b(?:gift|birthday|vacation|holiday|wedding) (?:ideas?|plans?|party)\b",
    re.I,
)


def read_scope(question: str, *, names_model: bool) -> Scope:
    """What kind of request this is. `names_model`: the question names a model of the lake."""
    if _GREETING.match(question):
        return "greeting"
    if _THANKS.match(question) and len(question.split()) <= 8:
        return "thanks"
    if _INJECTION.search(question):
        return "injection"
    if _ACTION.search(question):
        return "action"
    if not names_model and _HELP.search(question):
        return "help"
    if not names_model and (_WRITE.search(question) or _PAYLOAD.search(question)):
        return "action"
    if not names_model and _WORLD.search(question):
        return "world"
    return "in"
