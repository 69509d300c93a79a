"""Views beside the chat, one module each: a function that builds a tab's components into the page."""
