"""Numbers as people read them."""

from analysis.units import show_bytes, show_count, show_seconds


def test_units_are_those_people_read():
    assert [show_count(n) for n in (8, 294_912, 999_900, 60_000_000)] == ["8", "295k", "1M", "60M"]
    assert [show_bytes(n) for n in (12, 1_179_648, 12_345_678)] == ["12 B", "1.18 MB", "12.3 MB"]
    assert [show_seconds(s) for s in (0.52, 31.2, 252, 4680)] == ["0.52 s", "31 s", "4.2 min", "1.3 h"]
