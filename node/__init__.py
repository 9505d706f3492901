"""The part that acts: network, disk, time, pages. It never decides what a trade or a balance allows."""
