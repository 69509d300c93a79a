"""Where models come from: dumps, folders of repositories, papers, the embedded sample."""
