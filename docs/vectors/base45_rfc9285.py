"""Base45 (RFC 9285), encoding only."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def encode(data):
    out = []
    for i in range(0, len(data), 2):
        group = data[i : i + 2]
        n = int.from_bytes(group, "big")
        for _ in range(3 if len(group) == 2 else 2):
            out.append(ALPHABET[n % 45])
            n //= 45
    return "".join(out)


# The examples of RFC 9285, sections 4.3 and 4.4.
EXAMPLES = [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
for data, text in EXAMPLES:
    assert encode(data) == text
