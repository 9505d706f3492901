"""The categories a scheme starts with. Codes are for ever; the English names are translated on the pages.

A scheme may add its own: a code that nobody here knows is shown as `other`. Source: docs/protocol.md 5.8.
"""

from __future__ import annotations

from typing import Final

# Every group, then what is in it. A code below a group begins with the code of the group.
CATEGORIES: Final[tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]] = (
    (
        "food",
        "Food and cooking",
        (
            ("food-garden", "From the garden"),
            ("food-baking", "Bread, cakes and baking"),
            ("food-preserves", "Jams and preserves"),
            ("food-meals", "Cooking and meals"),
        ),
    ),
    (
        "garden",
        "Garden and land",
        (
            ("garden-work", "Digging, mowing and weeding"),
            ("garden-trees", "Trees and hedges"),
            ("garden-plants", "Plants and seeds"),
        ),
    ),
    (
        "home",
        "Home",
        (
            ("home-cleaning", "Cleaning and tidying"),
            ("home-laundry", "Washing and ironing"),
            ("home-sitting", "House sitting and watering"),
        ),
    ),
    (
        "repair",
        "Repairs and building",
        (
            ("repair-house", "Small repairs in the house"),
            ("repair-decorating", "Painting and decorating"),
            ("repair-things", "Mending things"),
            ("repair-bicycles", "Bicycles"),
        ),
    ),
    (
        "clothes",
        "Clothes and sewing",
        (
            ("clothes-mending", "Sewing and mending"),
            ("clothes-knitting", "Knitting and crochet"),
        ),
    ),
    (
        "transport",
        "Getting around",
        (
            ("transport-lifts", "Lifts"),
            ("transport-errands", "Shopping and errands"),
            ("transport-moving", "Moving and carrying"),
        ),
    ),
    (
        "care",
        "Company and care",
        (
            ("care-company", "Visits and company"),
            ("care-older", "Help for older people"),
            ("care-respite", "Relief for carers"),
        ),
    ),
    (
        "children",
        "Children",
        (
            ("children-minding", "Babysitting"),
            ("children-school", "Help with school work"),
            ("children-parties", "Parties and play"),
        ),
    ),
    (
        "animals",
        "Animals",
        (
            ("animals-walking", "Dog walking"),
            ("animals-minding", "Looking after animals"),
        ),
    ),
    (
        "health",
        "Health and well-being",
        (
            ("health-massage", "Massage and treatments"),
            ("health-hair", "Hair and beauty"),
            ("health-movement", "Exercise and movement"),
        ),
    ),
    (
        "learning",
        "Lessons and languages",
        (
            ("learning-languages", "Languages and translating"),
            ("learning-music", "Music lessons"),
            ("learning-skills", "Skills and crafts"),
        ),
    ),
    (
        "office",
        "Computers and paperwork",
        (
            ("office-computers", "Computers and telephones"),
            ("office-forms", "Forms and letters"),
            ("office-accounts", "Accounts and taxes"),
            ("office-design", "Design, photographs and printing"),
        ),
    ),
    (
        "arts",
        "Arts and events",
        (
            ("arts-performance", "Music and performance"),
            ("arts-crafts", "Arts and handicraft"),
            ("arts-events", "Help at events"),
        ),
    ),
    (
        "borrow",
        "Borrow and share",
        (
            ("borrow-tools", "Tools and equipment"),
            ("borrow-rooms", "Rooms and beds"),
            ("borrow-vehicles", "Cars, trailers and bicycles"),
        ),
    ),
    (
        "goods",
        "Things",
        (
            ("goods-household", "For the household"),
            ("goods-clothes", "Clothes and toys"),
            ("goods-books", "Books and music"),
        ),
    ),
    ("other", "Other", ()),
)

CODES: Final = tuple(code for group, _, below in CATEGORIES for code in (group, *(each for each, _ in below)))


def group_of(code: str) -> str:
    """Return the group a category belongs to; `other` for one that is not known here."""
    group = code.partition("-")[0]
    return group if code in CODES else "other"


def english_name(code: str) -> str:
    """Return the English name, which pages translate; that of `other` for a code not known here."""
    for group, name, below in CATEGORIES:
        if code == group:
            return name
        for each, its_name in below:
            if code == each:
                return its_name
    return english_name("other")
