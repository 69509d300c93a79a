"""The engine's own fixed words: they frame an answer and claim nothing about any model.

The verifier leaves exactly these sentences unchecked; whatever is filled in from data is not among them.
"""

from __future__ import annotations

MATCHES_FOLLOW = "Best matches in this lake, with what their cards say:"
RESULTS_FOLLOW = "Reported values, best first:"
RESULTS_FOLLOW_REVERSED = "Reported values, worst first:"
DESCENDANTS_FOLLOW = "Made from it, by what cards declare and what weights show:"
CHILDREN_FOLLOW = "Cards in this lake that name it as their origin:"
RANKED = {
    ("downloads", False): "Most downloaded first:",
    ("downloads", True): "Least downloaded first:",
    ("likes", False): "Most liked first:",
    ("likes", True): "Least liked first:",
    ("parameters", False): "Largest first, by the parameters that are stated:",
    ("parameters", True): "Smallest first, by the parameters that are stated:",
    ("last_modified", False): "Latest change first:",
    ("last_modified", True): "Oldest change first:",
}
NOTHING_RANKED = "No model in this lake that fits states that."
IN_A_CIRCLE = "So these cards name each other as their origin, in a circle."
NO_WEIGHTS = "This is what cards declare; no weights were compared."
NO_WEIGHTS_HERE = "No model of this lake came with its weights, so what cards declare cannot be checked here."
NOT_AS_IT_STANDS = "Not as it stands:"
HAS_ERRORS = "Yes, it has errors:"
CHANGES_NOTHING = "I change no card. This is what to change:"
NOTHING_CONTRADICTED = "Nothing in it was contradicted. What no other place speaks of could not be checked."
ALL_FINDINGS = "All findings with their lines are in the Audit view of the page, and in `lake audit`."
WHOLE_AUDIT = "All findings, by rule and by author: `lake audit --all`."
WHOLE_DRAFT = "The whole card is in the page's Draft view; `lake draft` writes it to a file."
OPEN_SLOTS = "Open, because no evidence states it:"
BY_WEIGHTS = {
    "false_parents": "Declared parents that the weights contradict:",
    "copies": "Copies, by their weights:",
    "undeclared": "Parents that weights show and no card declares:",
}
NONE_BY_WEIGHTS = {
    "false_parents": "None that the weights contradict, among the models whose weights are at hand.",
    "copies": "None that the weights show, among the models whose weights are at hand.",
    "undeclared": "None that the weights show, among the models whose weights are at hand.",
}
ALIKE_BY_WEIGHTS = "Most alike by their weights:"
NO_COPY = "None of the models most alike by their weights is a copy of it."
NOTHING_ALIKE = "The weights of no other model are at hand."
TWO_PLACES = "Two places in the card give a value; both are shown."
DISAGREEMENT = "Two places in the card disagree; both are shown."
OUR_SUMMARIES = "What is quoted are our own summaries, not the authors' words."
OTHER_WORDS = "Other words, or fewer conditions, may find more."
ONLY_MODELS = "I only answer questions about the models in this lake."
NO_RESULT = "No card in this lake reports that."
NAME_DATASET = "Naming the dataset as the cards do may help."
NO_PAPERS = "No paper has been ingested yet."
NOTHING_IN_PAPERS = "No paper in this lake says anything about that."
HELLO = "Hello! Ask me about the models in this lake, or say “help” for examples."
WELCOME = "You're welcome."
UNCLEAR = "I can't tell what you are looking for. Say it in a few words, or ask for “help”."
WHICH_MODEL = "Which model do you mean? Name it, or ask for a kind of model first."
CODE_FOLLOWS = "The code that its card gives, from its beginning:"
CARD_STATES = "What its documentation states:"
DECLINED = {
    "action": "I can't do that: I only answer questions about the models in this lake, and I change and run "
    "nothing.",
    "injection": "I can't follow that: I only answer questions about the models in this lake, and I change "
    "and run nothing.",
    "world": "That is outside what I know: I can only answer questions about the models in this lake.",
}
HELP = (
    "I find models, look up facts in their cards, compare models and trace what they were made from. Every "
    "statement is marked with the passage it stands on, and checked against it. Try, for example:\n\n"
    "- Which model could summarise legal contracts, under a permissive licence?\n"
    "- What was it trained on? What was it fine-tuned from?\n"
    "- Compare two models by licence and languages.\n"
    "- Which model reports the lowest WER on Common Voice?\n\n"
    "Then go on: “its licence?”, “the second one”, “only in German”. When a card does not state something, I "
    "say so."
)
FRAMING = (
    *(MATCHES_FOLLOW, RESULTS_FOLLOW, RESULTS_FOLLOW_REVERSED, CHILDREN_FOLLOW, IN_A_CIRCLE, NO_WEIGHTS),
    *(TWO_PLACES, DISAGREEMENT, OUR_SUMMARIES, OTHER_WORDS, NO_RESULT, NAME_DATASET, NO_PAPERS),
    *(NOTHING_IN_PAPERS, ONLY_MODELS, HELLO, WELCOME, UNCLEAR, HELP, *DECLINED.values()),
    *(DESCENDANTS_FOLLOW, NO_WEIGHTS_HERE, ALIKE_BY_WEIGHTS, NOTHING_ALIKE, NO_COPY),
    *(*BY_WEIGHTS.values(), *NONE_BY_WEIGHTS.values()),
    *(
        HAS_ERRORS,
        CHANGES_NOTHING,
        NOT_AS_IT_STANDS,
        NOTHING_CONTRADICTED,
        ALL_FINDINGS,
        WHOLE_AUDIT,
        WHOLE_DRAFT,
    ),
    *(WHICH_MODEL, CODE_FOLLOWS, CARD_STATES, NOTHING_RANKED, *RANKED.values()),
)
