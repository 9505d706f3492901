"""What just happened, in a sentence above the page that follows: named in the address, worded here."""

from __future__ import annotations

from node.web.words import Words


def notice_text(name: str, words: Words) -> str:
    """Return the sentence of a notice; "" for a name that none has, whoever wrote it into the address."""
    _ = words.gettext
    match name:
        case "saved":
            return _("Saved.")
        case "published":
            return _("Published. Others can see it now.")
        case "backed-up":
            return _("The backup is made. Take the disk with it to another place now and then.")
        case "backup-tried":
            return _("The backup was tried. Below is what came of it.")
        case "test-mail":
            return _("Written. It goes out within a minute; what hinders it is said here.")
        case "sent":
            return _("Sent.")
        case "logged-out":
            return _("You are logged out.")
        case "logged-out-there":
            return _("Logged out there.")
        case "everybody-out":
            return _("Everybody is logged out, on all browsers. Please log in again.")
        case "welcomed-before":
            return _("This person was welcomed already.")
        case "brought-in":
            return _("Brought in. Within a day you can take it all back.")
        case "import-undone":
            return _("Taken back. Everything is as it was before.")
        case "decided-before":
            return _("This application was decided already.")
        case "declined":
            return _("Declined. The reason is on the record.")
        case "paused":
            return _("Paused. Nothing can be recorded with this member until the pause ends.")
        case "resumed":
            return _("The pause has ended.")
        case "added":
            return _("Added.")
        case "left":
            return _("Noted. The account is closed, and nothing of theirs is offered any more.")
        case "announced":
            return _("Announced. Neighbours are told, and it counts in 7 days.")
        case "asked":
            return _("Asked. Trade begins when their organiser agrees.")
        case "agreed":
            return _("Agreed. Offers and wants go both ways from now on.")
        case "not-traded":
            return _("Declined. They are told; nothing was promised.")
        case "taken-back":
            return _("Taken back. They are told when they are next heard.")
        case "stopped":
            return _("Stopped. Nothing new begins; what is under way is finished.")
        case "ended":
            return _("Ended. What is under way is finished; what is owed stays on the books.")
        case "asked-two":
            return _("Asked. It is done when a second organiser confirms it.")
        case "both-agreed":
            return _("Done. Both of you are on the record.")
        case "goes-on":
            return _("Written, and sent to them. It counts when both sides have agreed.")
        case "dropped":
            return _("It is not done. Who said so is on the record.")
        case "settled":
            return _("Written down. Their books change with ours.")
        case "asked-to-pay":
            return _("Asked. Nothing moves before a yes.")
        case "answered-before":
            return _("This was answered, taken back, or ran out meanwhile.")
        case "said-no":
            return _("You said no. Nothing moved.")
        case "ask-taken-back":
            return _("Taken back. Nothing moved.")
        case "cannot-write":
            return _("We cannot write to their scheme now. Please try again later.")
        case "standing-begun":
            return _("Begun. You can stop it here at any time.")
        case "standing-stopped":
            return _("Stopped. Nothing more goes by it.")
        case "loan-offered":
            return _("Offered. Nothing moves before a yes.")
        case "loan-agreed":
            return _("It is yours now. It goes back on the days below.")
        case "loan-forgiven":
            return _("Forgiven. Nothing more comes back.")
        case "search-kept":
            return _("Kept. We tell you when something new fits.")
        case "search-removed":
            return _("Removed.")
        case "thanked":
            return _("Sent.")
        case "complained":
            return _("Sent. The organisers will look at it.")
        case "corrected":
            return _("Entered. Both see it.")
        case "kept":
            return _("Kept as it is. You find it below.")
        case "look-again":
            return _("Something was changed since the check. Please look at it once more.")
        case "in-the-books":
            return _("Written into the books. Everybody concerned is told.")
        case "in-the-books-some":
            return _("What was right is in the books. The rest waits here to be sorted out.")
        case "slips-on-their-way":
            return _("What was right is in the books or on its way. Here you see how each slip stands.")
        case "cheque-paid":
            return _("Paid, or set aside until the other scheme confirms it. The member is told.")
        case "slips-still-out":
            return _("Some slips are on their way. Put the envelope away when you see what became of them.")
        case "put-away":
            return _("Put away.")
        case "put-away-before":
            return _("This envelope was put away already.")
        case "acting":
            return _("Everything you do now is done for them, and they are told.")
        case "stopped-acting":
            return _("You are yourself again.")
        case "told":
            return _("Noted. They were told.")
        case "day-proposed":
            return _("Proposed. They say yes or no.")
        case "day-agreed":
            return _("Agreed. It is on the first page when the day comes near.")
        case "swap-agreed":
            return _("Agreed. When you have swapped, say so here.")
        case "listing-gone":
            return _("What it was about is not listed any more, so it cannot be paid from here.")
        case "wished":
            return _("You are on the list now.")
        case "promised":
            return _("Promised. They are told.")
        case "unpromised":
            return _("Taken back. They are told.")
        case "gift-given":
            return _("Noted. It is off the lists, and those who waited are told.")
        case "gift-received":
            return _("Noted. Enjoy it!")
        case "changed":
            return _("This has changed meanwhile. Please look again.")
        case "reminded":
            return _("Reminded.")
        case "reminded-before":
            return _("There was a reminder within a day. Please wait a little.")
        case "event-changed":
            return _("This was changed, cancelled, or ended meanwhile. Look how it stands now.")
        case "lift-full":
            return _("Noted. No seat is free now, so they wait for one. They were told.")
        case "event-recorded":
            return _("Recorded, for all of them. Everybody is told.")
        case "desk-done":
            return _("Done. This is the receipt.")
        case "help-asked":
            return _("The organisers look for somebody. You are told.")
        case "help-brought":
            return _("Asked. They say yes or no.")
        case "help-yes":
            return _("Thank you. They know that you come.")
        case "help-no":
            return _("Noted. Thank you for saying so.")
        case "help-done":
            return _("Good. Do not forget to record it.")
        case "event-cancelled":
            return _("Cancelled. Whoever wanted to come is told.")
        case "group-started":
            return _("The group is there, and you keep it. Pin a first note to its board.")
        case "group-left":
            return _("Done. You are not in that group any more.")
        case "noted":
            return _("Pinned to the board.")
        case "put":
            return _("Put to the vote. Whoever votes on it finds it on their first page.")
        case "voted":
            return _("Your vote is in. You can change it until the vote ends.")
        case "note-gone":
            return _("It is gone.")
        case "note-off":
            return _("Taken off. Whoever wrote it reads why.")
        case _:
            return ""
