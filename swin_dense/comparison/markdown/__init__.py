"""Parts of report.md: what is written about statistics, about costs and runs, and how text becomes Markdown."""
