"""Reading the files of other programs: members, balances, offers and wants."""
