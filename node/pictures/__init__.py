"""Pictures: made anew from what people send, in a process of its own, so that nothing of the file itself is kept. Source: decision 62."""
