"""Mail to members: written in units of work, sent by a job, shown to organisers while it cannot be sent."""
