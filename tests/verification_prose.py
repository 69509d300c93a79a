"""Honest prose of language models, over the evidence of `tests.verification_corpus`: none may fail."""

from __future__ import annotations

PROSE: tuple[str, ...] = (
    "These two fit best.",
    "You could start with `acme/legal-bart` [E1].",
    "You could start with `acme/legal-bart`.",
    "Neither card states a licence.",
    "`acme/other` and `nova/speech-fr`: neither card states a licence.",
    "I would start with `acme/legal-bart`, since it was trained on US legal contracts [E1].",
    "Here are the two closest matches:",
    "Here is a short comparison:",
    "Here's what I found:",
    "Sure! Here is what the cards say.",
    "Happy to help!",
    "Good question.",
    "Let me know if you want me to compare them.",
    "Would you like me to compare the two?",
    "Do you need a model that runs on a phone?",
    "Do you need it to run on a phone with 2 GB of memory?",
    "Is latency important to you?",
    "What kind of documents do you want to summarise?",
    "Should the summaries be short or detailed?",
    "Which language do you need?",
    "Will you deploy it on a CPU or a GPU?",
    "Are you allowed to use models with a non-commercial licence?",
    "Shall I look for models in other languages too?",
    "Did you mean `acme/legal-bart`?",
    "Would a multilingual model also do?",
    "Yes. The licence of `acme/legal-bart` is Apache 2.0 [E2].",
    "**Yes.** The licence of `acme/legal-bart` is Apache 2.0 [E2].",
    "Yes, the licence of `acme/legal-bart` is Apache 2.0 [E2].",
    "Yes — `acme/legal-bart` is under apache-2.0 [E2].",
    "No, it is not intended for commercial use [E1].",
    "No. `acme/legal-bart` is “not intended for commercial use” [E1].",
    "No, that model is not in this lake.",
    "No, the card of `acme/other` does not say so.",
    "The card of `acme/other` does not mention a licence.",
    "The card does not say which optimizer was used.",
    "The card does not say how long training took.",
    "The card of `nova/speech-fr` doesn't report a WER for other languages.",
    "The evidence does not say whether it may be used in a hospital.",
    "The cited passages do not mention latency, throughput or memory.",
    "I could not find any information about its energy use.",
    "I found no evidence of that in the card.",
    "There is no information about the training data in the card of `acme/other`.",
    "The licence of `acme/other` is not stated in its card.",
    "Nothing in this lake matches that.",
    "No model in this lake is documented for that.",
    "None of the models in this lake lists Klingon.",
    "None of these cards gives a WER for Klingon.",
    "Its card gives no accuracy. [E10]",
    "The card does not state the learning rate [E1].",
    (
        "`acme/tiny-sum` reports an accuracy of 91.3 on SST-2 dev [E8], but the card does not state its "
        "training data."
    ),
    "The training data are not documented.",
    "That is outside what I can help with.",
    "I can only answer questions about the models in this lake.",
    "I'm sorry, but I can't help with that.",
    "I can't give medical advice.",
    "I can't book flights; ask me about models instead.",
    "I don't know that model.",
    "I don't see `acme/legal-bert` in this lake. Did you mean `acme/legal-bart`?",
    "`evil/legal-bert` is not in this lake; the closest name is `acme/legal-bart`.",
    "Please check the licence before you use it.",
    "Before deploying it, check the licence and the limitations.",
    "Try both on a few of your own contracts and compare the results.",
    "Test it on your own data first.",
    "You may want to evaluate it on your own documents.",
    "If you tell me more about your documents, I can narrow this down.",
    "If you need German, look at `nova/speech-de` [E10].",
    "If a permissive licence matters most, I would take `acme/legal-bart`: its licence is Apache 2.0 [E2].",
    "My pick would be `acme/legal-bart`.",
    "I would choose `acme/legal-bart` for this.",
    "I recommend `acme/legal-bart`.",
    "In short, `acme/legal-bart` looks like the better match for you.",
    "It depends on what you need.",
    "Both look suitable.",
    "The second one is probably the better choice for you.",
    "## Recommendation",
    "### Licence and languages",
    "## Short answer",
    "**Training**",
    "**Licence:** Apache 2.0 [E2]",
    "**`acme/legal-bart`** – fine-tuned on 12,400 US legal contracts [E1]",
    "1. **`acme/legal-bart`** – 2,174,613 downloads [E3]\n2. **`acme/tiny-sum`** – 948,467 downloads [E7]",
    "- **`acme/legal-bart`**\n  - Licence: Apache 2.0 [E2]\n  - Languages: English, German [E5]",
    (
        "| | `acme/legal-bart` | `acme/tiny-sum` |\n|---|---|---|\n| Licence | Apache 2.0 [E2] | CC BY-NC "
        "4.0 [E9] |\n| Downloads | 2,174,613 [E3] | 948,467 [E7] |"
    ),
    (
        "| Model | Licence | Downloads |\n|---|---|---|\n| `acme/legal-bart` | apache-2.0 [E2] | 2,174,613 "
        "[E3] |\n| `acme/other` | not stated | not stated |"
    ),
    "According to its card, `acme/legal-bart` was trained for 3 epochs [E1].",
    "According to [E1], `acme/legal-bart` was trained for 3 epochs.",
    "As the card puts it, “It is not intended for commercial use.” [E1]",
    (
        "The card says: “It was trained for 3 epochs on 4 NVIDIA A100 GPUs in 12 hours. It is not intended "
        "for commercial use.” [E1]"
    ),
    (
        "`acme/legal-bart` was fine-tuned from `facebook/bart-base` [E1], is licensed under Apache 2.0 "
        "[E2] and has about 2.2 million downloads [E3]."
    ),
    (
        "The metadata gives the licence as Apache 2.0 [E2], while the card says it is “not intended for "
        "commercial use” [E1]."
    ),
    "Note that the card also says it is not intended for commercial use [E1].",
    (
        "Note that its card and its metadata disagree: the licence is Apache 2.0 [E2], but it is not "
        "intended for commercial use [E1]."
    ),
    "These values are reported by their authors.",
    "These figures are not directly comparable.",
    "I did not run the models; I only read their cards.",
    "Thanks for your patience!",
    "That's all the cards say about it.",
    "See the card for details [E1].",
    "More on this in [E1] and [E11].",
    "Sources: [E1], [E2]",
    "Source: [E1]",
    "(See [E1].)",
    "In summary, start with `acme/legal-bart`; `acme/tiny-sum` is the alternative.",
    "Two models in this lake fit your request.",
    "I found three candidates:",
    "The first one was trained on US contracts [E1], so it may not fit yours.",
    (
        "`acme/legal-bart` summarises contracts [E1]. You asked about commercial use: it is not intended "
        "for that [E1]."
    ),
    (
        '```python\nfrom transformers import pipeline\n\nsummarizer = pipeline("summarization", '
        'model="acme/legal-bart")\nprint(summarizer("The tenant shall pay the rent on the first day of '
        'each month.", max_length=60))\n```'
    ),
    (
        '```python\ntext = "The tenant shall pay the rent."\ninputs = tokenizer(text, '
        'return_tensors="pt", truncation=True, max_length=1024)\n```'
    ),
    "```bash\npip install transformers\n```",
)

# After `tests.verification_lies.QUESTION`, whose words they repeat.
ECHOING: tuple[str, ...] = (
    "I looked for models that summarise legal contracts.",
    "You asked for a model that summarises legal contracts.",
    "For summarising legal contracts, I would look at these:",
    (
        "Models that summarise legal contracts:\n- `acme/legal-bart`: “It summarises contracts in plain "
        "English” [E1]"
    ),
)
