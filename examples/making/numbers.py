"""Check digits of the numbers that name people, cards and firms; made from the standards, apart from the gateway's own code."""

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def identity_check(body):
    """The last character of a resident identity number (GB 11643) whose first seventeen are `body`."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights)) % 11]


def luhn_check(body):
    """The last digit of a card number (ISO/IEC 7812-1) whose other digits are `body`."""
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body)))
    return str(-sum(number // 10 + number % 10 for number in doubled) % 10)


def organisation_check(body):
    """The last character of an organisation code (GB 11714) whose first eight are `body`."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    return "0123456789X0"[11 - sum(int(char, 36) * weight for char, weight in zip(body, weights)) % 11]


def firm_code(county, serial):
    """A unified social credit code (GB 32100) of a firm in `county`; EXAMP in it shows that the firm is invented."""
    organisation = f"MAEXAMP{serial}"
    body = f"91{county}{organisation}{organisation_check(organisation)}"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    remainder = sum(USCC_ALPHABET.index(char) * weight for char, weight in zip(body, weights)) % 31
    return body + USCC_ALPHABET[-remainder % 31]
