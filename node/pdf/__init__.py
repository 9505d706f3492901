"""Pages as PDF: tagged, for printing and keeping, made in a process of its own. Source: decision 29."""
