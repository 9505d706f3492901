"""The door between nodes: sessions, dialling, addresses, discovery. Source: docs/protocol.md 9."""
