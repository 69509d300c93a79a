"""The assistant: settings, agent, offline engine, checked answers, command line."""
