import pytest

from tracer.messages import MANY, ONE, ONE_OF, damage, message_classes

MESSAGES = {
    "Shop": [("name", 1, "bytes", ONE), ("items", 2, "Item", MANY)],
    "Item": [("price", 1, "int64", ONE_OF), ("weight", 2, "double", ONE_OF), ("code", 3, "fixed64", ONE)],
}
SHOP = {"name": b"corner", "items": [{"price": 300, "code": 7}, {"weight": 0.5}]}


def content():
    """Returns a message: byte 0 a name, byte 8 an item of 12 bytes, byte 22 one of 9."""
    return message_classes("test", MESSAGES)["Shop"](**SHOP).SerializeToString()


def test_messages_are_read_as_they_were_written():
    """Fields come back by their names, and of those of which there is one it is told which."""
    shop = message_classes("test", MESSAGES)["Shop"].FromString(content())

    assert shop.name == b"corner"
    assert [(item.WhichOneof("value"), item.price, item.weight, item.code) for item in shop.items] == [
        ("price", 300, 0.0, 7),
        ("weight", 0.0, 0.5, 0),
    ]


@pytest.mark.parametrize(
    ("damaged", "where"),
    [
        (content()[:-1], "it ends inside the field at byte 22"),
        (content()[:1], "it ends inside the field at byte 0"),
        (b"\x0f" + content(), "no field starts at byte 0"),
        (content() + b"\x80", "it ends inside the field at byte 33"),
        (b"\xff" * 80, "no field starts at byte 0"),
        (b"\x0a" + b"\xff" * 80, "no field starts at byte 0"),
        (content()[:10] + b"\x0e" + content()[11:], "no field starts at byte 0 of the item at byte 8"),
        (content()[:13] + b"\x1a\x7f" + content()[15:], "it ends inside the field at byte 3 of the item at byte 8"),
    ],
)
def test_damage_is_named_with_its_byte(damaged, where):
    """The first field that makes no sense is found, also inside of a part."""
    assert damage(damaged, "Shop", MESSAGES) == where


def test_parts_are_looked_into_only_if_they_are_known():
    """Without a table a part is bytes like any other; what is wrong then is not found."""
    damaged = content()[:10] + b"\x0e" + content()[11:]

    assert damage(damaged) == "a field in it is damaged"
