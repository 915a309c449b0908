"""Parts of report.html: each section of the page in a module, its style and scripts as files beside them."""
