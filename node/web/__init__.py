"""The door for members and organisers: pages that are complete without scripts."""
